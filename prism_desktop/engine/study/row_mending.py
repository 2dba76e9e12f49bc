"""What of a damaged row can be put right without guessing what somebody answered."""

import json
import re
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.study import stored_json
from prism_desktop.engine.study.records import new_id
from prism_desktop.engine.study.row_rules import LATEST, is_odd_count
from prism_desktop.engine.study.texts import text_id

_HASH: Final = re.compile("[0-9a-f]{64}")


def mended_row(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it should be; equal to `row` if nothing is wrong with it."""
    made = dict(row)
    if table == "import":
        _mend_import(made)
    elif table == "attribute":
        labels, texts = stored_json.scale_labels, stored_json.templates
        made["scale_labels"] = _again(made["scale_labels"], list(labels(made["scale_labels"])))
        made["templates"] = _again(made["templates"], list(texts(made["templates"])))
    elif table == "pending":
        if stored_json.pending_given(made["answers"], made["kind"]) is None:
            made["answers"] = "{}"
        made["flags"] = stored_json.flags_to_json(stored_json.flags(made["flags"]))
    elif table == "trial":
        _mend_trial(made)
    elif table == "answer":
        if made["onset"] is not None and not _dated(made["onset"]):
            made["onset"] = None
    elif table == "session":
        if made["timing"] is not None and not isinstance(stored_json.parsed(made["timing"]), dict):
            made["timing"] = None
    elif table in _DATES and not _dated(made[_DATES[table]]):
        made[_DATES[table]] = time.time()
    if table == "protocol":
        _mend_identifier(made)
    if table == "own_text" and not _HASH.fullmatch(str(made["sha256"])):
        made["sha256"] = text_id(made["text"], made["prompt"])
    return made


# Columns that say when something was written.
_DATES: Final = {"trial_event": "at", "protocol": "created"}


def mended_meta(facts: Mapping[str, Any], study: Path) -> dict[str, str]:
    """What a study says about itself, as far as it can be read."""
    made = {str(key): value for key, value in facts.items() if isinstance(value, str)}
    made = {key: value for key, value in made.items() if not is_odd_count(key, value)}
    if len(made.get("id", "")) != 32 or not set(made["id"]) <= set("0123456789abcdef"):
        made["id"] = uuid.uuid4().hex
    if not made.get("name", "").strip():
        made["name"] = study.stem
    try:
        dated = _dated(float(made.get("created", "")))
    except ValueError:
        dated = False
    if not dated:
        made["created"] = repr(time.time())
    made.setdefault("revision", "0")
    return made


def _mend_import(row: dict[str, Any]) -> None:
    """Its report with what can be read of it, an identifier and a date."""
    report = stored_json.report_from_json(row["report"], row["uid"], row["source"], row["format"])
    if stored_json.UNREADABLE in report.notices:
        row["report"] = stored_json.report_to_json(report)
    places = sorted(stored_json.dismissed_places(row["dismissed"]))
    row["dismissed"] = _again(row["dismissed"], places)
    _mend_identifier(row)
    if not _dated(row["created"]):
        row["created"] = time.time()
    if row["undone"] is not None and not _dated(row["undone"]):
        row["undone"] = time.time()


def _mend_trial(row: dict[str, Any]) -> None:
    """What was answered is not touched; times that cannot be are forgotten."""
    if row["onset"] is not None and not _dated(row["onset"]):
        row["onset"] = None
    if not _dated(row["recorded"]):
        row["recorded"] = time.time()
    if row["probability"] is not None and row["probability"] > 1:
        row["probability"] = None
    row["flags"] = stored_json.flags_to_json(stored_json.flags(row["flags"]))
    _mend_identifier(row)


def _mend_identifier(row: dict[str, Any]) -> None:
    if not (len(row["uid"]) == 32 and set(row["uid"]) <= set("0123456789abcdef")):
        row["uid"] = new_id()


def _again(content: Any, value: list[Any]) -> Any:
    """The JSON as it is, or anew if that is not what it says."""
    return content if stored_json.parsed(content) == value else json.dumps(value)


def _dated(moment: Any) -> bool:
    return isinstance(moment, int | float) and 0 <= moment <= LATEST
