"""One function per user action; each runs in the store's worker and reports what it touched."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


def open_study(path: Path) -> "Study":
    """Open a study for reading and writing."""
    from prism_desktop.engine.study.store import Study

    return Study.open(path)
