"""What every row of a study's database must be, as data: what the store writes holds all of it.

A rule is an SQL expression about a row `r`. Tables are named as a reader sees them, without odd
rows, so that what hangs on an odd row is odd too; a name in braces is the table as it lies in the
file. Whether a number or a text is one has to be asked: SQLite keeps anything in any column.

A million rows are looked at when a study is opened, so that rules are worded in the way that costs
SQLite least. `+column` compares what lies there, not what the column's type would make of it: every
number is less than every text.
"""

import re
from typing import Final, NamedTuple

from prism_desktop.engine.study.records import FOLDS, STRONGEST
from prism_desktop.engine.study.texts import MOST_CHARACTERS

LATEST: Final = 7_258_118_400  # unix s; the year 2200
LARGEST: Final = 2**53  # of whole numbers; up to here every program counts exactly
# What a study counts about itself, by the beginning of the count's name.
COUNTS: Final = {
    "revision": re.compile("[0-9]{1,15}"),
    "target/": re.compile("[1-9][0-9]{0,8}"),
}
KEYS: Final = {
    "meta": ("key",),
    "import": ("id",),
    "stimulus": ("id",),
    "labeler": ("id",),
    "stimulus_text": ("stimulus_id",),
    "own_text": ("id",),
    "attribute": ("id",),
    "protocol": ("id",),
    "session": ("id",),
    "trial": ("id",),
    "answer": ("trial_id", "attribute_id"),
    "trial_event": ("id",),
    "pending": ("labeler_id", "kind"),
    "fact": ("owner_kind", "owner_id", "name", "import_id"),
}
# What a row is called in a sentence, as SQL.
SHOWN: Final = {
    "import": "r.source",
    "stimulus": "r.name",
    "labeler": "r.code",
    "stimulus_text": "(SELECT name FROM {stimulus} WHERE id = r.stimulus_id)",
    "own_text": "(SELECT code FROM {labeler} WHERE id = r.labeler_id)",
    "attribute": "r.name",
    "protocol": "r.uid",
    "session": "r.uid",
    "trial": "r.uid",
    "answer": "(SELECT uid FROM {trial} WHERE id = r.trial_id)",
    "trial_event": "(SELECT uid FROM {trial} WHERE id = r.trial_id)",
    "pending": "r.kind",
    "fact": "r.name",
    "meta": "r.key",
}


class RowRule(NamedTuple):
    """One rule about the rows of one table."""

    table: str
    kind: str  # of the problem
    words: str  # what odd rows are said to have: "2 ratings" + words
    holds: str  # SQL about `r`; anything but true breaks the rule
    hides: bool = True  # whether readers pass rows over that break it


def _text(column: str) -> str:
    return f"typeof({column}) = 'text'"


def _hex(column: str, digits: int) -> str:
    return (
        f"({_text(column)} AND length(CAST({column} AS BLOB)) = {digits} "
        f"AND {column} NOT GLOB '*[^0-9a-f]*')"
    )


def _flag(column: str) -> str:
    return _whole(column, 0, 1)


def _whole(column: str, low: int, high: int = LARGEST) -> str:
    return f"(typeof({column}) = 'integer' AND +{column} BETWEEN {low} AND {high})"


def _number(column: str, low: float = 0, high: float = 1e300) -> str:
    return f"(+{column} BETWEEN {low!r} AND {high!r})"


def _maybe(column: str, holds: str) -> str:
    return f"({column} IS NULL OR {holds})"


def _among(column: str, *values: str) -> str:
    return f"(+{column} IN ({', '.join(repr(value) for value in values)}))"


def _all(*holds: str) -> str:
    return " AND ".join(holds)


def _there(table: str, column: str) -> str:
    return f'({column} IN (SELECT id FROM "{table}"))'


def _said(row: str) -> str:
    """A text that somebody wrote, and perhaps a prompt; a letter has four bytes at most."""
    text, prompt = (
        _all(_text(column), f"{column} <> ''", f"instr({column}, char(0)) = 0",
             f"length(CAST({column} AS BLOB)) <= {4 * MOST_CHARACTERS}")
        for column in (f"{row}.text", f"{row}.prompt")
    )  # fmt: skip
    return _all(text, f"({_maybe(f'{row}.prompt', prompt)})")


def _numbered(table: str) -> "RowRule":
    """A row's number leaves room for those that come later."""
    return RowRule(table, "identifier", "have a number of the wrong size", _whole("r.id", 1),
                   hides=False)  # fmt: skip


_KIND: Final = _among("r.kind", "rating", "comparison")
_DATE: Final = "are dated before 1970 or after 2199"
_FORM: Final = "have an identifier of the wrong form"
_SIDES: Final = """CASE r.kind WHEN 'rating' THEN r.right_id IS NULL
WHEN 'comparison' THEN r.right_id IS NOT NULL AND r.right_id <> r.left_id ELSE 1 END"""

_PLACE: Final = _all(
    _text("r.path"),
    "instr(r.path, char(0)) = 0",
    "(r.copied = 0 OR (r.path NOT LIKE '/%' AND r.path NOT LIKE '%..%'))",
)
_FOLD: Final = _whole("r.fold", 0, FOLDS - 1)
# A size that nobody knows is 0 x 0, until the file is read again.
_SIZE: Final = (
    f"({_all(_whole('r.width', 1, 10**9), _whole('r.height', 1, 10**9))} "
    "OR (r.width IS 0 AND r.height IS 0))"
)
_BYTES: Final = _maybe("r.bytes", _whole("r.bytes", 0))
_MODIFIED: Final = _maybe("r.modified", _number("r.modified", -1e12))
_STARTED: Final = _maybe("r.started", _number("r.started", high=LATEST))
_ENDED: Final = _maybe("r.ended", _number("r.ended", high=LATEST))
_TIMING: Final = _maybe("r.timing", _text("r.timing"))
_SESSION: Final = _all(_STARTED, _ENDED, _TIMING)
_AUTHOR: Final = f"(r.author_id IS NULL OR {_there('labeler', 'r.author_id')})"
_GROUP: Final = _maybe("r.group_name", _all(_text("r.group_name"), "r.group_name <> ''"))
_PROTOCOL: Final = f"(r.protocol_id IS NULL OR {_there('protocol', 'r.protocol_id')})"
# A question has an answer, or a reason why it has none.
_VALUE: Final = """CASE WHEN r.value IS NULL THEN typeof(r.skip_reason) = 'text'
AND r.skip_reason <> '' AND r.raw IS NULL AND r.strength IS NULL
ELSE typeof(r.value) = 'integer' AND r.skip_reason IS NULL
AND CASE (SELECT kind FROM {trial} WHERE id = r.trial_id) WHEN 'rating' THEN r.value BETWEEN 1 AND 4
WHEN 'comparison' THEN r.value BETWEEN -1 AND 1 ELSE 1 END END"""
# What readers see in place of a value that breaks a rule but takes nothing else with it: table ->
# column -> (rule, stand-in). A guessed attribute is not learned from.
STAND_INS: Final = {
    "stimulus": {
        "fold": (_FOLD, f"r.id % {FOLDS}"), "bytes": (_BYTES, "NULL"),
        "modified": (_MODIFIED, "NULL"), "copied": (_flag("r.copied"), "0"),
        "width": (_SIZE, "0"), "height": (_SIZE, "0"),
        "path": (_PLACE, "'images/' || r.sha256"),  # where nothing lies: it has to be found again
    },
    "labeler": {
        "display_name": (_text("r.display_name"), "''"), "profile": (_text("r.profile"), "''"),
        "simulated": (_flag("r.simulated"), "1"),
    },
    "stimulus_text": {"group_name": (_GROUP, "NULL"), "author_id": (_AUTHOR, "NULL")},
    "session": {
        "started": (_STARTED, "NULL"), "ended": (_ENDED, "NULL"), "timing": (_TIMING, "NULL"),
        "protocol_id": (_PROTOCOL, "NULL"),
    },
    "attribute": {
        "question": (_text("r.question"), "''"), "confirmed": (_flag("r.confirmed"), "0"),
    },
}  # fmt: skip

# In the order in which they are looked at, a table in one go: what others refer to comes first, but
# trials come after their answers, which refer to them as they lie in the file.
RULES: Final = (
    _numbered("import"),
    RowRule("import", "identifier", _FORM, _hex("r.uid", 32), hides=False),
    RowRule("import", "value", "have no readable name", f"{_text('r.uid')} AND {_text('r.source')} "
            f"AND {_text('r.format')}"),
    RowRule("import", "date", _DATE, _all(
        _number("r.created", high=LATEST), _maybe("r.undone", _number("r.undone", high=LATEST))),
        hides=False),
    _numbered("stimulus"),
    RowRule("stimulus", "identifier", "have a hash of the wrong form", _hex("r.sha256", 64)),
    RowRule("stimulus", "value", "have an unknown kind", _among("r.kind", "image", "text")),
    RowRule("stimulus", "kind", "are of another kind than most of the study",
            "r.kind = (SELECT kind FROM {stimulus} WHERE kind IN ('image', 'text') "
            "GROUP BY kind ORDER BY count(*) DESC, kind LIMIT 1)"),
    RowRule("stimulus", "reference", "have lost their text",
            f"(r.kind <> 'text' OR r.id IN (SELECT stimulus_id FROM {{stimulus_text}} AS x "
            f"WHERE {_said('x')}))"),
    RowRule("stimulus", "value", "have no readable name", _all(_text("r.name"), "r.name <> ''")),
    RowRule("stimulus", "value", "have a place that cannot be", _all(_PLACE, _flag("r.copied")),
            hides=False),
    RowRule("stimulus", "value", "have an impossible size", _SIZE, hides=False),
    RowRule("stimulus", "value", "have an impossible length or date", _all(_BYTES, _MODIFIED),
            hides=False),
    RowRule("stimulus", "fold", "have no valid fold", _FOLD, hides=False),
    _numbered("labeler"),
    RowRule("labeler", "identifier", "have a code that cannot be one", "is_name(r.code)"),
    RowRule("labeler", "value", "have a name, a profile or a mark that is none", _all(
        _text("r.display_name"), _text("r.profile"), _flag("r.simulated")), hides=False),
    RowRule("stimulus_text", "value", "have no readable text or prompt", _said("r")),
    RowRule("stimulus_text", "reference", "are of a stimulus that is gone or is no text",
            "(SELECT kind FROM stimulus AS x WHERE x.id = r.stimulus_id) = 'text'"),
    RowRule("stimulus_text", "value", "have a group that cannot be one", _GROUP, hides=False),
    RowRule("stimulus_text", "reference", "are by an author who is gone or odd", _AUTHOR,
            hides=False),
    _numbered("own_text"),
    RowRule("own_text", "identifier", "have a hash of the wrong form", _hex("r.sha256", 64),
            hides=False),
    RowRule("own_text", "value", "have no readable text or prompt", _said("r")),
    RowRule("own_text", "reference", "are by an author who is gone or odd",
            _there("labeler", "r.labeler_id")),
    _numbered("attribute"),
    RowRule("attribute", "identifier", "have a name that cannot be one", "is_name(r.name)"),
    RowRule("attribute", "value", "have no readable question or mark", _all(
        _text("r.question"), _flag("r.confirmed")), hides=False),
    _numbered("protocol"),
    RowRule("protocol", "identifier", _FORM, _hex("r.uid", 32), hides=False),
    RowRule("protocol", "value", "have no readable text or number", _all(
        _text("r.uid"), _text("r.text"), _whole("r.version", 1))),
    RowRule("protocol", "date", _DATE, _number("r.created", high=LATEST), hides=False),
    _numbered("session"),
    RowRule("session", "identifier", "have no readable identifier", _text("r.uid")),
    RowRule("session", "value", "have a time or a report that cannot be", _SESSION, hides=False),
    RowRule("session", "reference", "follow a protocol that is gone or odd", _PROTOCOL,
            hides=False),
    RowRule("session", "reference", "are of a labeler who is gone or odd",
            _there("labeler", "r.labeler_id")),
    RowRule("answer", "value", "are no step of their scale", _all(
        _VALUE, _maybe("r.raw", _number("r.raw", -1e300)), _maybe("r.onset", _number("r.onset")),
        _maybe("r.seconds", _number("r.seconds")),
        _maybe("r.strength", _whole("r.strength", 1, STRONGEST)))),
    RowRule("answer", "date", _DATE, _maybe("r.onset", _number("r.onset", high=LATEST)),
            hides=False),
    RowRule("answer", "reference", "are to a trial or an attribute that is gone or odd", _all(
        "r.trial_id IN (SELECT id FROM {trial})", _there("attribute", "r.attribute_id"))),
    _numbered("trial"),
    RowRule("trial", "identifier", _FORM, _hex("r.uid", 32), hides=False),
    RowRule("trial", "identifier", "have no readable identifier", _text("r.uid")),
    RowRule("trial", "kind", "are of an unknown kind", _all(
        _KIND, _among("r.source", "labeled", "imported", "simulated"))),
    RowRule("trial", "value", "have a place, a time, a probability or a mark that cannot be", _all(
        _whole("r.place", -LARGEST), _flag("r.skipped"), _flag("r.withdrawn"),
        _maybe("r.onset", _number("r.onset")), _maybe("r.seconds", _number("r.seconds")),
        _maybe("r.probability", _number("r.probability")), _number("r.recorded", -1e300),
        _maybe("r.dropped_frames", _whole("r.dropped_frames", 0)),
        _maybe("r.skip_reason", _text("r.skip_reason")), _maybe("r.flags", _text("r.flags")),
        _maybe("r.block", _text("r.block")), _maybe("r.strategy", _text("r.strategy")))),
    RowRule("trial", "value", "have a probability above 1",
            "(r.probability IS NULL OR r.probability <= 1.000001)", hides=False),
    RowRule("trial", "date", _DATE, _all(
        _maybe("r.onset", _number("r.onset", high=LATEST)),
        _number("r.recorded", high=LATEST)), hides=False),
    RowRule("trial", "value", "show what their kind does not", _SIDES),
    RowRule("trial", "reference", "are of a labeler, a session or an image that is gone or odd",
            _all(
        "r.labeler_id = (SELECT labeler_id FROM session AS x WHERE x.id = r.session_id)",
        _there("labeler", "r.labeler_id"),
        _there("stimulus", "r.left_id"),
        f"(r.right_id IS NULL OR {_there('stimulus', 'r.right_id')})")),
    RowRule("trial", "reference", "have lost their answers, or have some though they were skipped",
            "r.skipped <> EXISTS (SELECT 1 FROM answer AS a WHERE a.trial_id = r.id "
            "AND a.value IS NOT NULL)"),
    RowRule("trial", "reference", "are withdrawn or not against what their log says",
            "r.withdrawn = coalesce((SELECT e.event = 'withdrawn' FROM {trial_event} AS e "
            "WHERE e.trial_id = r.id ORDER BY e.id DESC LIMIT 1), r.withdrawn)", hides=False),
    RowRule("trial", "order", "are said to correct or repeat themselves", _all(
        "r.supersedes_id IS NOT r.id", "r.repeat_of_id IS NOT r.id"), hides=False),
    RowRule("trial", "order", "are said to correct or repeat a trial of another labeler",
            "NOT EXISTS (SELECT 1 FROM {trial} AS x WHERE x.id IN (r.supersedes_id, "
            "r.repeat_of_id) AND x.labeler_id <> r.labeler_id)", hides=False),
    _numbered("trial_event"),
    RowRule("trial_event", "value", "are none, or of no trial", _all(
        _among("r.event", "withdrawn", "restored"), _number("r.at", -1e300),
        "r.trial_id IN (SELECT id FROM {trial})")),
    RowRule("trial_event", "date", _DATE, _number("r.at", high=LATEST), hides=False),
    RowRule("pending", "value", "are of an unknown kind", _all(
        _KIND, _SIDES, _maybe("r.dropped_frames", _whole("r.dropped_frames", 0)))),
    RowRule("pending", "reference", "are of a labeler or an image that is gone or odd", _all(
        _there("labeler", "r.labeler_id"), _there("stimulus", "r.left_id"),
        f"(r.right_id IS NULL OR {_there('stimulus', 'r.right_id')})")),
    RowRule("fact", "value", "have no readable name or value", _all(
        "is_name(r.name)", _text("r.value"), _among("r.owner_kind", "rater", "image"))),
    RowRule("fact", "reference", "are about a labeler or an image that is gone",
            f"CASE r.owner_kind WHEN 'rater' THEN {_there('labeler', 'r.owner_id')} "
            f"WHEN 'image' THEN {_there('stimulus', 'r.owner_id')} ELSE 1 END"),
)  # fmt: skip


def is_odd_count(key: str, value: str) -> bool:
    """Whether something that a study counts about itself is no such count."""
    forms = [form for name, form in COUNTS.items() if key.startswith(name)]
    return bool(forms) and not forms[0].fullmatch(value)
