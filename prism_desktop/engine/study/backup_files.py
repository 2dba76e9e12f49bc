"""Which files of a study's folder are its backups, those that `backup.back_up` named and no others,
and which of them are kept."""

import itertools
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prism_desktop.engine.clocks import by_age, is_ahead
from prism_desktop.engine.foreign_files import is_plain_file

BEFORE_MIGRATION: Final = "before-schema"
USUAL: Final = "study"  # begins the names of those made by hand or by the clock
# what a backup was made before -> how that is told
BEFORE: Final = {
    BEFORE_MIGRATION: "before an upgrade",
    "before-import": "before an import",
    "before-undo": "before an import was undone",
    "before-restore": "before going back to an older backup",
    "before-bulk": "before many answers came at once",
}
_STAMP_FORM: Final = "%Y%m%d-%H%M%S"
_STAMP: Final = r"\d{8}-\d{6}(-\d+)?"
# These alone are ever deleted, or named to somebody who has to go back.
_NAME: Final = re.compile(
    rf"(study-\d{{6,8}}(-\d{{6}})?(-\d+)?|{BEFORE_MIGRATION}-\d+-[\w-]+"
    rf"|before-(?:import|undo|restore|bulk)-{_STAMP})\.sqlite3",
    re.ASCII,
)
NEWEST: Final = 10  # of the usual ones that are kept in any case
KEEP_BEFORE: Final = 3  # of each sort of those made before something
_DAY: Final = 86_400.0  # s
# the newest of each day, week and month is kept for so long, in days
_CALENDAR: Final[tuple[tuple[str, int], ...]] = (("%Y-%j", 14), ("%G-%V", 70), ("%Y-%m", 730))


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One backup.

    Attributes:
        path: of the file.
        made: unix s.
        bytes: its size.
        trials: answered ones that it holds, as everywhere without practice, attention checks and
            what was taken back; None if that cannot be read.
    """

    path: Path
    made: float
    bytes: int
    trials: int | None

    @property
    def why(self) -> str:
        """Why it was made, in words."""
        told = (words for start, words in BEFORE.items() if self.path.name.startswith(start))
        return next(told, "by the clock or by hand")


_STAMPED: Final = re.compile(r"(\d{8}-\d{6})(?:-\d+)?$", re.ASCII)


def made_at(copy: Path) -> float:
    """When a backup was made, unix s: what its name says, for a copied folder has other times; by
    the file's time where the name says none."""
    if found := _STAMPED.search(copy.stem):
        with suppress(ValueError, OverflowError):
            return time.mktime(time.strptime(found[1], _STAMP_FORM))
    return copy.stat().st_mtime


def backups(study: Path) -> list[Path]:
    """The study's backups, newest first; those of a clock that was ahead come last."""
    now = time.time()
    return sorted(
        (
            file
            for file in (study / "backups").glob("*.sqlite3")
            if _NAME.fullmatch(file.name) and not file.is_symlink() and is_plain_file(file)
        ),
        # of those of one second the one that was written last comes first
        key=lambda file: (by_age(made_at(file), now), file.stat().st_mtime, file.name),
        reverse=True,
    )


def stamped(folder: Path, start: str = "") -> str:
    """A stem for new files: `start` and the present second, and a number where names in the folder
    begin like that already."""
    stem = start + time.strftime(_STAMP_FORM)
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:  # whoever writes there says why not
        names = []
    tried = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(one for one in tried if not any(_begins(name, one) for name in names))


def _begins(name: str, stem: str) -> bool:
    return name.startswith((f"{stem}.", f"{stem}-"))


def thinned(copies: Sequence[Path], now: float) -> list[Path]:
    """Which backups go: what is neither among the newest nor the newest of its day (for two weeks),
    week (for ten) or month (for two years); of those made before something, all but three a sort.

    Args:
        copies: newest first, as `backups` has them; one of a clock that was ahead is kept as one of
            the newest or not at all.
        now: unix s.
    """
    usual = [copy for copy in copies if copy.name.startswith(f"{USUAL}-")]
    kept = set(usual[:NEWEST])
    for form, days in _CALENDAR:
        seen: set[str] = set()
        for copy in usual:
            moment = made_at(copy)
            if is_ahead(moment, now) or now - moment > days * _DAY:
                continue
            name = time.strftime(form, time.localtime(moment))
            if name not in seen:
                seen.add(name)
                kept.add(copy)
    for start in BEFORE:
        kept.update([copy for copy in copies if copy.name.startswith(start)][:KEEP_BEFORE])
    return [copy for copy in copies if copy not in kept]
