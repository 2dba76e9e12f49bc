"""What analyses look up in a run folder, without torch."""

from pathlib import Path

from prism_desktop.engine.errors import RunError

_MODELS = ("combination.json", "head.safetensors", "tokens.safetensors")


def model_file(run: Path) -> Path:
    """The file that is written last when a run's model is, whatever its kind.

    Raises:
        RunError: there is none.
    """
    for name in _MODELS:
        if (run / name).is_file():
            return run / name
    raise _untrained(run)


def tokens_file(run: Path) -> Path:
    """The file of the labelers' tokens, which a run has once it was trained.

    Raises:
        RunError: there is none.
    """
    path = run / "tokens.safetensors"
    if not path.is_file():
        found = model_file(run)
        raise RunError(
            f"{run.name} learned no tokens (its model is {found.name}), so none can be looked at."
        )
    return path


def _untrained(run: Path) -> RunError:
    return RunError(f"{run.name} holds no trained model yet; finish or resume its training.")
