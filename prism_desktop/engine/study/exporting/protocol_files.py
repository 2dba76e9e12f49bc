"""What an export says of how the study was labeled: every version of the protocol as TOML, which
session followed which, when, and how its screen kept time."""

import re
from pathlib import Path
from typing import Final

from prism_desktop.engine.files import make_folder, put_text, text_file
from prism_desktop.engine.study.formula_guard import CsvWriter
from prism_desktop.engine.study.study_reader import StudyReader

FOLDER: Final = "protocols"
_HEADS: Final = ("session", "labeler", "started", "ended", "protocol_version", "timing")
# the hash of a PIN is no part of what was done
_LOCK: Final = re.compile(r"""^\s*["']?locked_by["']?\s*=.*$""", re.MULTILINE)


def without_lock(text: str) -> str:
    """A protocol's TOML as it is given away: with no hash of a PIN."""
    return _LOCK.sub('locked_by = ""', text)


def write_protocols(study: StudyReader, part: Path) -> None:
    """Write a file for each version, `version-1.toml`, and `sessions.csv`; nothing where there is
    no protocol. Times are unix s."""
    records = study.protocols()
    if not records:
        return
    make_folder(part / FOLDER)
    for record in records:
        text = without_lock(record.text)
        put_text(part / FOLDER / f"version-{record.version}.toml", text)
    versions = {record.id: record.version for record in records}
    with text_file(part / FOLDER / "sessions.csv", "utf-8-sig") as file:
        writer = CsvWriter(file)
        writer.row(_HEADS)
        for each in study.sessions():
            version = versions.get(each.protocol or "")
            writer.row((each.id, each.labeler, each.started, each.ended, version, each.timing))
