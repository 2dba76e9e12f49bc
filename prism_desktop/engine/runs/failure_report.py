"""A bundle about a failed training that may be given away: no faces, no names, no answers.

It holds what is needed to understand a failure: the run's log, what it told, its settings, versions
and the computer. Whatever the study calls its labelers, attributes and images, and whatever this
computer calls its user and folders, is replaced by "labeler-1", "image-12", "home" and the like;
tables, predictions and weights stay behind. Where the study's names cannot be read, nothing is
taken along that could hold one.
"""

import contextlib
import getpass
import json
import platform
import re
import shutil
import socket
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil

from prism_desktop.engine import files
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.json_files import parse_json, read_json
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.stored import Stored

NAME: Final = "prism-desktop-report.zip"
_MOST: Final = 1 << 20  # bytes of the end of a log
_SHORT: Final = 3  # letters up to which a name is only looked for as a word of its own
_PACKAGES: Final = (
    "prism-desktop", "torch", "numpy", "pandas", "pyarrow", "safetensors", "open_clip_torch",
    "peft", "scikit-learn", "SQLAlchemy", "PySide6", "pydantic", "optuna", "pillow",
)  # fmt: skip
# Any path that is left: of the program's own code what lies below it is kept, of others nothing.
_PATH: Final = re.compile(r"(?<![\w.<>/\\])(?:[A-Za-z]:)?[\\/](?:[^\s\"'<>|:;,()\[\]{}]+[\\/]?)+")
_CODE: Final = re.compile(r"[\\/]((?:site-packages|prism_desktop|lib[\\/]python3\.\d+)[\\/].*)")
_ABOUT: Final = """This bundle was made by `prism-desktop report RUN`, or by the button beside a
failed training. It holds the training's log and events, its settings, versions of software and
what kind of computer it ran on. Names of labelers, attributes, images, the study, the user and
folders were replaced. There are no images, texts, answers, predictions or weights in it. Look
through it before you give it away.
"""
_NO_NAMES: Final = """
The study's names could not be read, so the log, the events and the settings in words were left out.
"""


class _Names:
    """Replaces names by what they are, in texts and in values of JSON."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Take (name, what to write in its place)."""
        self._instead: dict[str, str] = {}
        for name, instead in names:
            for form in _forms(name):
                self._instead.setdefault(form.casefold(), instead)
        words = sorted(self._instead, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_wanted, words)), re.IGNORECASE) if words else None

    def text(self, text: str) -> str:
        """The text without names and paths."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._known(found[0]), text)
        return _PATH.sub(lambda found: _code(found[0]), text)

    def value(self, value: Any) -> Any:
        """The same of a value of JSON, keys included; numbers stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def _known(self, found: str) -> str:
        return self._instead.get(found.casefold(), "name")


def _forms(name: str) -> set[str]:
    """How a name may be written: accents in two ways, in JSON, in Python, in an address."""
    plain = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")} | {name}
    forms = set(plain)
    for one in plain:
        shown = one.encode("utf-8", "backslashreplace").decode()
        forms |= {json.dumps(one)[1:-1], repr(one)[1:-1], ascii(one)[1:-1], quote(shown), shown}
        forms |= {" ".join(one.split()), one.replace("/", "\\"), one.replace("\\", "\\\\")}
    return {form for form in forms if form.strip()}


def _wanted(name: str) -> str:
    """What finds a name; a short one only where it is a word of its own."""
    found = re.escape(name)
    return rf"(?<!\w){found}(?!\w)" if len(name) <= _SHORT else found


def _code(path: str) -> str:
    found = _CODE.search(path)
    return f".../{found[1]}" if found else "<path>"


def make_report(run: RunFolder, target: Path) -> Iterator[Event[Path]]:
    """Write the bundle; the last event is Done[Path].

    Args:
        run: one of any state.
        target: the zip file, replaced if it is there.

    Raises:
        OSError: it cannot be written.
    """
    yield Progress(0, None, "Collecting what went wrong")
    found = _study_names(run)
    names = _Names([*(found or ()), *_machine_names(run)])
    parts = {"about.txt": _ABOUT + ("" if found else _NO_NAMES)}
    parts["computer.json"] = _json(names.value(_computer(run)))
    status = run.status()
    parts[layout.STATUS] = _json({"state": status.state})
    if found:
        told = {"state": status.state, "message": status.message, "advice": status.advice}
        parts[layout.STATUS] = _json(names.value(told))
        parts["settings.json"] = _json(names.value(_settings(run)))
        parts[layout.EVENTS] = "".join(_events(run.path / layout.EVENTS, names))
        parts[layout.LOG] = names.text(_end(run.log))

    def write(beside: Path) -> None:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in parts.items():
                bundle.writestr(name, text.encode("utf-8", "backslashreplace"))

    files.write_named(target, write)
    yield Done(target)


def _study_names(run: RunFolder) -> list[tuple[str, str]] | None:
    """What the run's data and its study call labelers, attributes and images; None if unknown."""
    found: list[tuple[str, str]] = []
    if run.task == "writing":
        return _writers_names(run)
    try:
        meta = run.meta()
        images = run.table("images")
    except (PrismError, OSError, ValueError):
        return None
    for number, labeler in enumerate(meta.labelers, 1):
        found += [(text, f"labeler-{number}") for text in (labeler.code, labeler.display_name)]
        found += [(line, "profile") for line in labeler.profile.splitlines()]
    for number, one in enumerate(meta.attributes, 1):
        found += [(one.name, f"attribute-{number}"), (one.question, "question")]
        found += [(text, "template") for text in one.templates]
    for number, row in enumerate(images.to_dict("records"), 1):
        for key in ("image", "name", "path"):
            text = str(row.get(key) or "")
            found += [(text, f"image-{number}"), (Path(text).name, f"image-{number}")]
            found += [(Path(text).stem, f"image-{number}")]
    found += [(meta.study, "study")]
    return _filled(found + _of_the_study(run))


class _Writer(Stored):
    """Somebody whose texts a run of the task writing has."""

    code: str = ""
    display_name: str = ""
    profile: str = ""


class _Writers(Stored):
    """The data of such a run, as far as they name somebody."""

    study: str = ""
    people: tuple[_Writer, ...] = ()


def _writers_names(run: RunFolder) -> list[tuple[str, str]] | None:
    try:
        meta = run.stored(_Writers, f"{layout.DATA}/{layout.META}")
    except PrismError:
        return None
    if meta is None:
        return None
    found = [(meta.study, "study")]
    for number, one in enumerate(meta.people, 1):
        found += [(text, f"person-{number}") for text in (one.code, one.display_name)]
        found += [(line, "profile") for line in one.profile.splitlines()]
    return _filled(found + _of_the_study(run))


def _of_the_study(run: RunFolder) -> list[tuple[str, str]]:
    """The same of the study as it is now, which may know more names; nothing if it cannot be."""
    from prism_desktop.engine.study.store import Study

    try:
        with Study.open(run.study, read_only=True) as study:
            found = [(one.code, "labeler") for one in study.labelers()]
            found += [(one.display_name, "labeler") for one in study.labelers()]
            found += [(one.name, "attribute") for one in study.attributes()]
            for image in study.images():
                found += [(image.name, "image"), (Path(image.name).stem, "image")]
            return [*found, (study.info().name, "study")]
    except (PrismError, OSError):
        return []


def _machine_names(run: RunFolder) -> list[tuple[str, str]]:
    """What this computer calls its user, itself, and the folders of the run and the study."""
    home, study = Path.home(), run.study.absolute()
    found = [(str(run.path.absolute()), "run"), (str(study), "study"), (study.stem, "study")]
    found += [(study.name, "study"), (str(home), "home"), (home.name, "user")]
    found += [(str(folder), "folder") for folder in study.parents if len(folder.parts) > 2]
    for ask, instead in ((getpass.getuser, "user"), (socket.gethostname, "computer")):
        try:
            found.append((ask(), instead))
        except (OSError, KeyError, ImportError):
            continue
    return _filled(found)


def _filled(names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, instead) for name, instead in names if name.strip() and name != "."]


def _settings(run: RunFolder) -> Any:
    """The run's settings; who and what was chosen is only counted."""
    try:
        settings = _given(run)
    except (PrismError, OSError, ValueError) as error:
        return {"unreadable": type(error).__name__}
    for key in ("labelers", "attributes", "people"):
        if key not in settings:
            continue
        chosen = settings.get(key)
        settings[key] = None if chosen is None else f"{len(chosen)} chosen"
    return settings


def _given(run: RunFolder) -> dict[str, Any]:
    if run.task == "writing":
        return dict(read_json(run.path / layout.CONFIG) or {})
    return run.config().model_dump(mode="json")


def _computer(run: RunFolder) -> dict[str, Any]:
    """Versions and hardware, of now and as the run knew them."""
    try:
        then = run.environment().model_dump(mode="json")
    except (PrismError, OSError, ValueError):
        then = {}
    return {
        "versions": {name: _version(name) for name in _PACKAGES} | {"python": sys.version},
        "platform": platform.platform(),
        "processors": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "disk_free_bytes": shutil.disk_usage(run.path).free,
        "of_the_run": then,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _events(path: Path, names: _Names) -> Iterator[str]:
    """The lines of a file that are JSON, without names."""
    for line in _end(path).splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            event = names.value(parse_json(line.encode()))
            yield json.dumps(event, ensure_ascii=False) + "\n"


def _end(path: Path) -> str:
    """The end of a text file; "" if it cannot be read."""
    try:
        with open_foreign(path) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST))
            return file.read(_MOST).decode("utf-8", "backslashreplace")
    except OSError:
        return ""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
