"""Bring in how an exported study was labeled: versions of its protocol, and which session followed
which. Its answers come by the ordinary import."""

import csv
import io
import re
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.protocol import read_protocol
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.study.store import Study

_VERSION: Final = re.compile(r"version-([1-9][0-9]{0,5})\.toml", re.ASCII)
_SESSIONS: Final = "sessions.csv"
_MOST_BYTES: Final = 64 << 20


def bring_protocols(study: Study, folder: Path) -> tuple[int, int, int]:
    """Take over the versions and sessions of an export's folder `protocols`.

    The newest version is followed from then on. Sessions of which the study has no answers are
    passed over, and it cannot be done again: import those first.

    Args:
        study: into which; it has no protocol yet.
        folder: as `write_protocols` wrote it.

    Returns:
        How many versions, how many sessions, and how many were passed over.

    Raises:
        InputError: the study has a protocol, or the answers of none of the sessions, or the folder
            holds none that can be followed; nothing was changed.
    """
    if study.protocols():
        raise InputError(
            "The study has a protocol already, which is not mixed with others; nothing was changed."
        )
    found = _versions(folder)
    texts = {version: read_protocol(file).toml() for version, file in found}
    told = _sessions(found[0][1].with_name(_SESSIONS))
    known = {each.id: each for each in study.sessions()}
    brought = [
        (
            replace(known[each.id], started=each.started, ended=each.ended, timing=each.timing),
            each.version,
        )
        for each in told
        if each.id in known and each.version in {0, *texts}
    ]
    if told and not brought:
        raise InputError(
            f"The study has answers of none of the {counted(len(told), 'session')} that followed "
            "these versions; nothing was changed. Import the answers of the export first; a "
            "version alone is followed by `prism-desktop protocol set STUDY FILE`."
        )
    study.bring_protocols(texts, brought)
    return len(texts), len(brought), len(told) - len(brought)


def _versions(folder: Path) -> list[tuple[int, Path]]:
    try:
        files = list(typed(folder).iterdir())
    except (OSError, ValueError) as error:
        raise_fault(error, folder, kept="Nothing was changed.")
        raise InputError(
            f"{folder} cannot be read ({clause(error)}); nothing was changed."
        ) from error
    named = ((file, _VERSION.fullmatch(file.name)) for file in files)
    found = sorted((int(match[1]), file) for file, match in named if match)
    if not found:
        raise InputError(f"{folder} holds no version-1.toml of a protocol; nothing was changed.")
    return found


class _Told(NamedTuple):
    """A row of `sessions.csv`."""

    id: str
    started: float | None
    ended: float | None
    timing: str | None
    version: int  # of the protocol; 0: none


def _sessions(file: Path) -> list[_Told]:
    try:
        rows = csv.DictReader(io.StringIO(read_text(file, _MOST_BYTES).removeprefix("\ufeff")))
        return [
            _Told(
                row["session"], _time(row["started"]), _time(row["ended"]), row["timing"] or None,
                int(row["protocol_version"] or 0),
            )
            for row in rows
        ]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise_fault(error, file, kept="Nothing was changed.")
        raise InputError(
            f"{file} does not tell which session followed which version "
            f"({clause(error)}); nothing was changed."
        ) from error


def _time(text: str) -> float | None:
    """A moment, unix s.

    Raises:
        ValueError: it is none.
    """
    if text and not isfinite(float(text)):
        raise ValueError(f"{text} is no time")
    return float(text) if text else None
