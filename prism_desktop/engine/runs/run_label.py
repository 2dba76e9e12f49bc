"""The label of a run: what people call it, and their note about it.

Written by hand at any time, so it belongs to no result: the run stays what it is.
"""

import unicodedata
from pathlib import Path

from prism_desktop.engine import access
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.names import printable
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import changing
from prism_desktop.engine.runs.stored import Stored

MOST_NAME, MOST_NOTE = 100, 2000  # characters


class RunLabel(Stored):
    """label.json; empty where nobody wrote anything."""

    name: str = ""
    note: str = ""


def read_label(run: Path) -> RunLabel:
    """What people call a run; blank where nothing was written or it cannot be read."""
    return RunLabel.load(run / layout.LABEL) or RunLabel()


def _visible(text: str) -> str:
    """The text, or none where there is nothing to be seen of it: joiners, marks, half a flag."""
    seen = any(unicodedata.category(sign)[0] not in "CZM" for sign in text)
    return text if seen else ""


def write_label(run: Path, *, name: str | None = None, note: str | None = None) -> RunLabel:
    """Name a run or note something about it; what is None stays as it is.

    Raises:
        InputError: it is too long; nothing is written.
        RunError: the run is gone.
        UnreadableError: what was written before cannot be read, and would be lost.
        ReadOnlyStudyError: the study may only be read.
    """
    access.refuse_held_back(run)
    if not (run / layout.CONFIG).is_file():
        raise RunError(f"The run {run.name} is not there any more, so nothing was written.")
    with changing(run, layout.LABEL):
        before = RunLabel.from_file(run / layout.LABEL) or RunLabel()
        label = _changed(before, name, note)
        label.save(run / layout.LABEL)
    return label


def _changed(before: RunLabel, name: str | None, note: str | None) -> RunLabel:
    label = RunLabel(
        name=before.name if name is None else _visible(" ".join(printable(name).split())),
        note=before.note if note is None else _visible(printable(note).strip()),
    )
    for what, text, most in (("name", label.name, MOST_NAME), ("note", label.note, MOST_NOTE)):
        if len(text) > most:
            raise InputError(
                f"The {what} of a run has at most {most:,} characters, and this one has "
                f"{len(text):,}. The run keeps the {what} that it had."
            )
    return label
