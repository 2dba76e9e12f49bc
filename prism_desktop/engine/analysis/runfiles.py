"""What analyses look up in a run folder, without torch."""

from pathlib import Path

from prism_desktop.engine.errors import RunError


def tokens_file(run: Path) -> Path:
    """The file of the labelers' tokens, which a run has once it was trained.

    Raises:
        RunError: there is none.
    """
    path = run / "tokens.safetensors"
    if not path.is_file():
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")
    return path
