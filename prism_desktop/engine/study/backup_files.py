"""Which files of a study's folder are its backups: those that `backup.back_up` named, no others."""

import itertools
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


def stamped(folder: Path, start: str = "") -> str:
    """A stem for new files: `start` and the present second, and a number where names in the folder
    begin like that already."""
    stem = start + time.strftime("%Y%m%d-%H%M%S")
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:  # whoever writes there says why not
        names = []
    tried = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(one for one in tried if not any(_begins(name, one) for name in names))


def _begins(name: str, stem: str) -> bool:
    return name.startswith((f"{stem}.", f"{stem}-"))
