"""Bring in how an exported study was labeled: versions of its protocol, and which session followed
which. Its answers come by the ordinary import."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.labeling.protocol import read_protocol
from prism_desktop.engine.study.records import SessionRecord
from prism_desktop.engine.study.store import Study

_VERSION: Final = re.compile(r"version-([1-9][0-9]{0,5})\.toml", re.ASCII)
_SESSIONS: Final = "sessions.csv"
_MOST_BYTES: Final = 64 << 20


def bring_protocols(study: Study, folder: Path) -> tuple[int, int]:
    """Take over the versions and sessions of an export's folder `protocols`.

    The newest version is followed from then on. Sessions of which the study has no answers are
    passed over: import those first.

    Args:
        study: into which; it has no protocol yet.
        folder: as `write_protocols` wrote it.

    Returns:
        How many versions and how many sessions.

    Raises:
        InputError: the study has a protocol, or the folder holds none that can be followed; nothing
            was changed.
    """
    if study.protocols():
        raise InputError(
            "The study has a protocol already, which is not mixed with others; nothing was changed."
        )
    found = sorted(
        (int(match[1]), file)
        for file in (folder.iterdir() if folder.is_dir() else ())
        if (match := _VERSION.fullmatch(file.name))
    )
    if not found:
        raise InputError(f"{folder} holds no version-1.toml of a protocol; nothing was changed.")
    texts = {version: read_protocol(file).toml() for version, file in found}
    rows = _sessions(folder / _SESSIONS)
    known = {each.id: each for each in study.sessions()}
    kept: dict[int, str] = {}
    for version, text in texts.items():
        study.put_protocol(text)
        record = study.protocol()
        assert record is not None
        kept[version] = record.id
    count = 0
    for session, version in rows:
        mine = known.get(session.id)
        if (
            mine is not None
            and mine.labeler == session.labeler
            and (not version or version in kept)
        ):
            study.note_session(replace(session, protocol=kept.get(version)))
            count += 1
    return len(kept), count


def _sessions(file: Path) -> list[tuple[SessionRecord, int]]:
    """Each with the number of its version, 0 for none."""
    try:
        lines = csv.DictReader(io.StringIO(read_text(file, _MOST_BYTES).removeprefix("\ufeff")))
        return [
            (
                SessionRecord(
                    row["session"], row["labeler"], _time(row["started"]), _time(row["ended"]),
                    None, row["timing"] or None,
                ),
                int(row["protocol_version"] or 0),
            )
            for row in lines
        ]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{file} does not tell which session followed which version ({error}); nothing was "
            "changed."
        ) from error


def _time(text: str) -> float | None:
    return float(text) if text else None
