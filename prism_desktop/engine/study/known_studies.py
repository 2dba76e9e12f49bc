"""Where a study comes from: who made it, whose its files are, and whether it was open here before.

The studies of this computer are kept by identifier and folder in the user's configuration. Nothing
is done with what a study says of itself but to show it.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from prism_desktop import __version__
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.plain_text import dated, one_line
from prism_desktop.engine.study.records import StudyInfo
from prism_desktop.engine.study.remembered import recall, remember_newest

_FILE = "studies.json"
_MOST, _PLACES = 2000, 20  # studies, and folders of one, that are remembered
_LONG = 60  # characters of what a study says of itself


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a study comes from, as far as that can be known."""

    created: float  # unix s, as the study says; 0 where it does not
    host: str  # the computer that it was made on, as it says; or empty
    version: str  # of the program that made it, as it says; or empty
    owner: str  # whose the database is, if somebody else's; else empty
    known: bool  # whether it was made or opened here, in this folder
    before: str  # the folder in which it was open here last, if that was another; else empty

    @property
    def foreign(self) -> bool:
        """Whether somebody should be told."""
        return bool(self.owner) or not self.known

    def sentence(self) -> str:
        """All of it on one line."""
        said = "Made"
        if self.created:
            said += f" on {day(self.created)}"
        said += f" on the computer {self.host}" if self.host else ""
        said += f" by PRISM Desktop {self.version}" if self.version else ""
        parts = [said] if said != "Made" else ["It does not say where it was made"]
        if self.owner:
            parts.append(f"it belongs to {self.owner}")
        if self.before:
            parts.append(f"here it was open before as {self.before}")
        elif not self.known:
            parts.append("it was never open on this computer before")
        return f"{'; '.join(parts)}."


def day(moment: float) -> str:
    """A moment in unix s as people write its day."""
    return dated(moment, "%d %B %Y").lstrip("0")


def made_here() -> dict[str, str]:
    """What a new study says of where it was made."""
    return {"made_on": one_line(platform.node(), _LONG), "made_by": __version__}


def origin(info: StudyInfo) -> Origin:
    """Where an open study comes from."""
    places = _places().get(info.id, [])
    known = _named(info.path) in places
    before = places[-1] if places and not known else ""
    return Origin(
        info.created,
        one_line(info.made_on, _LONG).strip(),
        one_line(info.made_by, _LONG).strip(),
        _other_owner(info.path),
        known,
        before,
    )


def remember(study: str, folder: Path) -> None:
    """Know a study, in its folder, from now on. What cannot be written is left."""
    found, place = _places(), _named(folder)
    if not study or found.get(study, [])[-1:] == [place]:
        return
    kept = [each for each in found.pop(study, []) if each != place]
    found[study] = [*kept, place][-_PLACES:]
    remember_newest(_FILE, found, _MOST)


def _places() -> dict[str, list[str]]:
    """Identifier -> folders, oldest first; whatever else the file holds is left out."""
    return {
        study: [place for place in places if isinstance(place, str)]
        for study, places in recall(_FILE).items()
        if isinstance(places, list)
    }


def _named(folder: Path) -> str:
    """A folder as text that a file can hold."""
    return os.fsencode(real(folder)).decode("utf-8", "backslashreplace")


def _other_owner(folder: Path) -> str:
    """The name of the database's owner, or the folder's, if that is not this user."""
    if not hasattr(os, "getuid"):  # Windows
        return ""
    for path in (folder / "study.sqlite3", folder):
        try:
            owner = path.lstat().st_uid
        except OSError:
            continue
        if owner != os.getuid():
            return _user(owner)
    return ""


def _user(number: int) -> str:
    import pwd

    try:
        return one_line(pwd.getpwuid(number).pw_name, _LONG)
    except KeyError:
        return f"the user with the number {number}"
