"""What a disk that fails, or a right that is missing, makes of a file of a run or a comparison."""

from pathlib import Path

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import parts_of
from prism_desktop.engine.foreign_files import UnreadableFileError


def unreadable(path: Path, error: OSError) -> UnreadableError:
    """The sentence for a file that the system does not give, which says nothing of its content.

    The advice is that of the fault: a file on a disk that fails need not be made anew. It ends a
    command with 1 then, not with 2.
    """
    why = error.strerror or "it cannot be read"
    fault = None if isinstance(error, UnreadableFileError) else parts_of(error, path)
    if fault is None:
        return UnreadableError(path, why)
    kind, _, advice = fault
    told = UnreadableError(path, why, advice)
    told.exit_code = kind.exit_code
    return told
