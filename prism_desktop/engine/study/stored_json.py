"""JSON in columns of the database: written strictly, read as far as it goes.

What cannot be read is replaced by what a new study would have, and `faults` names it.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    FLAGS,
    STRONGEST,
    AnswerTime,
    Doubt,
    Flag,
    GivenAnswers,
    ImportReport,
    PendingAnswers,
    RefusedRow,
)
from prism_desktop.engine.study.row_rules import LATEST

UNREADABLE: Final = "The report of this import cannot be read in full; what it brought is there."


def scale_labels(content: object) -> tuple[str, ...]:
    """The words for 1, 2, 3, 4."""
    labels = _texts(content)
    return labels if labels is not None and len(labels) == 4 else DEFAULT_SCALE


def templates(content: object) -> tuple[str, ...]:
    """Texts for the text tower, each with "{}"."""
    texts = _texts(content)
    return texts if texts and all("{}" in text for text in texts) else DEFAULT_TEMPLATES


def pending_to_json(pending: PendingAnswers) -> str:
    """What was given to a trial that is not complete: attribute -> its value or the reason of its
    skip, with its times and strength, and the trial's block and what it repeats, which versions
    that do not know them pass over."""
    asked, given = {}, pending.given
    for name in (*given.times, *given.answers, *given.skips):  # in the order of the questions
        onset, seconds = given.times.get(name, (None, None))
        values = {
            "value": given.answers.get(name), "skip_reason": given.skips.get(name),
            "onset": onset, "seconds": seconds, "strength": given.strengths.get(name),
            "block": pending.block, "repeat_of": pending.repeat_of,
        }  # fmt: skip
        asked[name] = {key: value for key, value in values.items() if value is not None}
    return json.dumps(asked, ensure_ascii=False)


def pending_given(content: object, kind: str) -> GivenAnswers | None:
    """What was given to a trial that is not complete; None if it is no such thing.

    Versions before the fifth kept a bare value of each attribute.
    """
    asked = parsed(content)
    allowed = (1, 2, 3, 4) if kind == "rating" else tuple(schema.OUTCOME_VALUE)
    if not isinstance(asked, dict):
        return None
    found = GivenAnswers({}, {}, {}, {})
    for name, entry in asked.items():
        values = entry if isinstance(entry, dict) else {"value": entry}
        value, reason = values.get("value"), values.get("skip_reason")
        onset, seconds = values.get("onset"), values.get("seconds")
        strength = values.get("strength")
        answered = type(value) in (int, str) and value in allowed and reason is None
        skipped = value is None and isinstance(reason, str) and bool(reason.strip())
        if not (answered or skipped) or not all(map(_maybe_time, (onset, seconds))):
            return None
        (found.answers if answered else found.skips)[name] = value if answered else reason  # type: ignore[index]
        if onset is not None or seconds is not None:
            found.times[name] = AnswerTime(onset, seconds)  # type: ignore[index]
        if strength is not None:
            if not (answered and _count(strength) and 1 <= strength <= STRONGEST):
                return None
            found.strengths[name] = strength  # type: ignore[index]
    return found


def pending_place(content: object) -> tuple[str | None, str | None]:
    """(block, what it repeats) of a trial that is not complete; None where neither was kept."""
    asked = parsed(content)
    entries = asked.values() if isinstance(asked, dict) else ()
    first = next((entry for entry in entries if isinstance(entry, dict)), {})
    block, repeat_of = first.get("block"), first.get("repeat_of")
    return (
        block if isinstance(block, str) else None,
        repeat_of if isinstance(repeat_of, str) else None,
    )


def flags_to_json(flags: Collection[Flag]) -> str | None:
    """Flags as they are stored, in the order of FLAGS."""
    return json.dumps([flag for flag in FLAGS if flag in flags]) if flags else None


def flags(content: object) -> tuple[Flag, ...]:
    """The flags of a trial, as far as they are known."""
    words = parsed(content)
    return tuple(flag for flag in FLAGS if flag in words) if _list(words) else ()


def dismissed_places(content: object) -> frozenset[int]:
    """Places of doubts that somebody dismissed."""
    places = parsed(content)
    return frozenset(place for place in places if _count(place)) if _list(places) else frozenset()


def report_to_json(report: ImportReport) -> str:
    """The report as it is kept."""
    return json.dumps(
        {
            "id": report.id,
            "source": report.source,
            "format": report.format,
            "rows_read": report.rows_read,
            "rows_kept": report.rows_kept,
            "refused": [[refused.row, refused.reason] for refused in report.refused],
            "duplicates": report.duplicates,
            "mapping": dict(report.mapping),
            "notices": list(report.notices),
            "doubts": [asdict(doubt) for doubt in report.doubts],
            "recipe": report.recipe,
        },
        ensure_ascii=False,
        default=str,
    )


def report_from_json(
    content: object, uid: str = "", source: str = "", form: str = "", **more: Any
) -> ImportReport:
    """The report as it was given; those of older versions have neither doubts nor recipe.

    Args:
        content: the JSON.
        uid, source, form: the import's identifier, source and format, which have columns of their
            own.
        more: what the store sets of a report.
    """
    values = parsed(content)
    report, sound = _report(values if isinstance(values, dict) else {})
    notices = report.notices if sound else (*report.notices, UNREADABLE)
    return replace(report, id=uid, source=source, format=form, notices=notices, **more)


def faults(driver: sqlite3.Connection, places: Mapping[str, str]) -> Iterator[str]:
    """What of the database's JSON cannot be read, in words that end a sentence's subject.

    `places` says where a table's rows are, as SQL.
    """
    for name, labels, texts in _rows(driver, "name, scale_labels, templates", places["attribute"]):
        if list(scale_labels(labels)) != parsed(labels):
            yield f"the scale of attribute {name!r}"
        if list(templates(texts)) != parsed(texts):
            yield f"the text templates of attribute {name!r}"
    for source, content, dismissed in _rows(driver, "source, report, dismissed", places["import"]):
        values = parsed(content)
        if not isinstance(values, dict) or not _report(values)[1]:
            yield f"the report of the import of {source!r}"
        if sorted(dismissed_places(dismissed)) != parsed(dismissed):
            yield f"the dismissed doubts of the import of {source!r}"
    for kind, content, flagged in _rows(driver, "kind, answers, flags", places["pending"]):
        if pending_given(content, kind) is None:
            yield f"answers to a {kind} that was not complete"
        if flags_to_json(flags(flagged)) != flagged:
            yield f"the flags of a {kind} that was not complete"
    query = f"{places['session']} WHERE timing IS NOT NULL"
    for uid, timing in _rows(driver, "uid, timing", query):
        if not isinstance(parsed(timing), dict):
            yield f"the timing report of session {uid!r}"
    query = f"{places['trial']} WHERE flags IS NOT NULL"
    for uid, flagged in _rows(driver, "uid, flags", query):
        if flags_to_json(flags(flagged)) != flagged:
            yield f"the flags of trial {uid!r}"


def _rows(driver: sqlite3.Connection, columns: str, table: str) -> list[Any]:
    return driver.execute(f"SELECT {columns} FROM {table}").fetchall()


def _report(values: Mapping[str, Any]) -> tuple[ImportReport, bool]:
    """What of a report can be read, and whether that is all."""
    refused = [row for row in _items(values, "refused") if _list(row) and len(row) == 2]
    doubts = [doubt for doubt in map(_doubt, _items(values, "doubts")) if doubt is not None]
    notices = [text for text in _items(values, "notices") if isinstance(text, str)]
    rows = [RefusedRow(row, why) for row, why in refused if type(row) is int and _text(why)]
    mapping, recipe = values.get("mapping"), values.get("recipe", "")
    counts = [values.get(name) for name in ("rows_read", "rows_kept", "duplicates")]
    sound = (
        all(map(_count, counts))
        and isinstance(mapping, dict)
        and isinstance(recipe, str)
        and _full(values, "refused", rows)
        and _full(values, "doubts", doubts, optional=True)
        and _full(values, "notices", notices)
    )
    read, kept, duplicates = (count if _count(count) else 0 for count in counts)
    report = ImportReport(
        "", "", "", read or 0, kept or 0, tuple(rows), duplicates or 0,
        mapping if isinstance(mapping, dict) else {}, tuple(notices), doubts=tuple(doubts),
        recipe=recipe if isinstance(recipe, str) else "",
    )  # fmt: skip
    return report, sound


def _doubt(values: object) -> Doubt | None:
    if not isinstance(values, dict):
        return None
    words = {name: values.get(name, "") for name in ("kind", "text", "table", "column")}
    rows, count = values.get("rows", []), values.get("count", 0)
    if not all(map(_text, words.values())) or not _count(count) or not _list(rows):
        return None
    return Doubt(**words, rows=tuple(rows), count=count) if all(map(_count, rows)) else None


def _items(values: Mapping[str, Any], name: str) -> list[Any]:
    items = values.get(name)
    return items if isinstance(items, list) else []


def _full(
    values: Mapping[str, Any], name: str, kept: Collection[object], *, optional: bool = False
) -> bool:
    items = values.get(name, [] if optional else None)
    return isinstance(items, list) and len(items) == len(kept)


def parsed(content: object) -> Any:
    """The value of a JSON text; None for none."""
    try:
        return parse_json(content.encode()) if isinstance(content, str) else None
    except ValueError:
        return None


def _texts(content: object) -> tuple[str, ...] | None:
    values = parsed(content)
    return tuple(values) if _list(values) and all(map(_text, values)) else None


def _list(value: object) -> bool:
    return isinstance(value, list)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _maybe_time(value: object) -> bool:
    """Whether it is a time in seconds, or none."""
    return value is None or (type(value) in (int, float) and 0 <= value <= LATEST)  # type: ignore[operator]
