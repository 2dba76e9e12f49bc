"""Which files of a study's folder are its backups: those that `backup.back_up` named, no others."""

import re
import time
from pathlib import Path

from prism_desktop.engine.clocks import by_age
from prism_desktop.engine.foreign_files import is_plain_file

BEFORE_MIGRATION = "before-schema"
# These alone are ever deleted, or named to somebody who has to go back.
_NAME = re.compile(
    rf"(study-\d{{6,8}}(-\d{{6}})?(-\d+)?|{BEFORE_MIGRATION}-\d+-[\w-]+)\.sqlite3", re.ASCII
)


def backups(study: Path) -> list[Path]:
    """The study's backups, newest first; those of a clock that was ahead come last."""
    now = time.time()
    return sorted(
        (
            file
            for file in (study / "backups").glob("*.sqlite3")
            if _NAME.fullmatch(file.name) and not file.is_symlink() and is_plain_file(file)
        ),
        key=lambda file: (by_age(file.stat().st_mtime, now), file.name),
        reverse=True,
    )
