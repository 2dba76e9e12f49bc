"""The weights of a run: which of their files are gone.

They are told from its manifest, which marks every file of a finished run. Of a run without one
they are told from what its training counted.
"""

from pathlib import Path

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.json_files import read_json
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import read_manifest


def weights_gone(run: Path) -> bool:
    """Whether a run has predictions, but not all weights any more to predict anything else with.

    Raises OSError where the disk keeps it a secret.
    """
    return any(name != layout.CLOSED_FORM for name in missing_weights(run))


def missing_weights(run: Path) -> tuple[str, ...]:
    """The files of a run's weights that are gone, by their path within it.

    A run whose parameters were counted had a model. Raises OSError where the disk keeps it a
    secret.
    """
    if layout.holds(run, layout.WRITTEN):
        return () if layout.holds(run, layout.WRITER) else (layout.WRITER,)
    if not all(layout.holds(run, name) for name in (layout.PREDICTIONS, layout.PARAMETERS)):
        return ()
    lost = tuple(name for name in _wanted(run) if not layout.holds(run, name))
    if lost or any(layout.holds(run, name) for name in layout.MODELS):
        return lost
    return (layout.MODELS[-1],)  # no manifest says which


def _wanted(run: Path) -> tuple[str, ...]:
    """The files that are known to belong to a run's weights."""
    try:
        manifest = read_manifest(run)
        if manifest is not None:
            return tuple(name for name in manifest.files if layout.is_weights(name))
    except UnreadableError:
        return ()  # said when it is read
    counted = read_json(run / layout.PARAMETERS) or {}
    adapted = bool(counted.get("lora")) and layout.holds(run, layout.TOKENS)
    return (f"{layout.ADAPTER}/{layout.ADAPTER_FILES[0]}",) if adapted else ()
