"""Which kind of table this is, judged by its column names
and values, and which column plays which part."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.cells import Cell, is_missing, is_number, short, text
from prism_desktop.engine.study.importing.tables import Row, Table

Format = Literal[
    "ratings",
    "comparisons",
    "big_data",
    "big_label",
    "big_compare_data",
    "big_compare_label",
    "images",
    "labelers",
    "attributes",
    "codebook",
]
FORMATS: Final[tuple[str, ...]] = get_args(Format)

# Names that files give to the same thing, in order of preference.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "labeler": ("labeler", "labeller", "rater", "rater_id", "user", "user_id", "participant",
    "participant_id",
                "subject", "subject_id", "annotator", "judge", "observer", "respondent"),
    "image": ("image", "image_name", "image_path", "img", "face", "photo", "picture", "stimulus",
    "filename",
              "file_name", "file", "path", "data_image_part", "image_id"),
    "left": ("left", "left_image", "image_left", "im1_path", "im1", "image1", "image_1", "image_a"),
    "right": ("right", "right_image", "image_right", "im2_path", "im2", "image2", "image_2",
    "image_b"),
    "attribute": ("attribute", "trait", "dimension"),
    "value": ("rating", "value", "score", "response", "answer"),
    "outcome": ("outcome", "winner", "choice", "response", "answer", "result"),
    "image_id": ("image_id", "sha256"),
    "left_id": ("left_id",),
    "right_id": ("right_id",),
    "raw": ("raw",),
    "trial": ("trial", "trial_id"),
    "number": ("number",),
    "session": ("session", "session_id", "block"),
    "order": ("order", "trial_order", "trial_number", "trial_index"),
    "onset": ("onset", "onset_time", "timestamp", "datetime", "date", "created_at"),
    "seconds": ("seconds", "response_time", "reaction_time", "rt", "duration"),
    "milliseconds": ("milliseconds", "response_time_ms", "reaction_time_ms", "rt_ms", "ms"),
    "status": ("status",),
    "skip_reason": ("skip_reason",),
    "repeat_of": ("repeat_of",),
    "superseded_by": ("superseded_by",),
    "source": ("source",),
    "probability": ("probability",),
    "dropped_frames": ("dropped_frames",),
    "import": ("import",),
    "row_id": ("_id",),
    "item_id": ("item_id",),
    "name": ("name",),
    "fold": ("fold",),
    "display_name": ("display_name",),
    "profile": ("profile",),
    "simulated": ("simulated",),
    "question": ("question",),
    "table": ("table",),
    "column": ("column",),
    "explanation": ("explanation",),
}  # fmt: skip

# Per format, in order of trial: columns that must be there, and columns that must not.
_SHAPES: Final[tuple[tuple[Format, frozenset[str], frozenset[str]], ...]] = (
    ("codebook", frozenset({"table", "column", "explanation"}), frozenset()),
    ("comparisons", frozenset({"labeler", "left", "right"}), frozenset()),
    ("big_compare_data", frozenset({"row_id", "left", "right"}), frozenset({"labeler"})),
    ("ratings", frozenset({"labeler", "image"}), frozenset()),
    ("big_data", frozenset({"row_id", "image"}), frozenset({"labeler"})),
    ("big_label", frozenset({"item_id", "labeler"}), frozenset()),
    ("big_compare_label", frozenset({"item_id", "labeler"}), frozenset()),
    ("labelers", frozenset({"labeler", "display_name"}), frozenset()),
    ("images", frozenset({"image_id", "name", "fold"}), frozenset()),
    ("attributes", frozenset({"attribute", "question"}), frozenset()),
)
_WIDE: Final = frozenset({"ratings", "comparisons", "big_label", "big_compare_label"})
# Numbers about the person or the row, not judgments.
_BYSTANDERS: Final = frozenset(
    {"", "id", "index", "row", "n", "age", "gender", "sex", "country", "race", "ethnicity",
    "education", "notes"}
)  # fmt: skip
_OUTCOMES: Final = frozenset(
    {"left", "right", "tie", "a", "b", "first", "second", "none", "equal", "draw"}
)
_HEADER_WITHIN = 20  # rows that may stand before the header
_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Layout:
    """A table whose kind and columns are known."""

    format: Format
    table: Table
    header: int  # place of the header in `table.rows`
    columns: Mapping[str, int]  # part -> column
    attributes: tuple[tuple[str, int], ...] = ()  # judged columns of a wide table: (name, column)
    notices: tuple[str, ...] = ()

    @property
    def tidy(self) -> bool:
        """Whether each row holds one attribute's answer, named in a column."""
        answer = "outcome" if self.format == "comparisons" else "value"
        return "attribute" in self.columns and answer in self.columns

    def rows(self) -> Iterator[Row]:
        """The rows below the header."""
        return iter(self.table.rows[self.header + 1 :])

    def cell(self, cells: Sequence[Cell], part: str) -> Cell:
        """What a row holds for a part, None if the table
        has no such column or the row ends before it."""
        column = self.columns.get(part)
        return cells[column] if column is not None and column < len(cells) else None


def recognise(
    table: Table,
    format: str | None = None,  # noqa: A002
    judged: Sequence[str] | None = None,
) -> Layout:
    """Find the header and the parts of the columns.

    Args:
        table: as read.
        format: one of FORMATS to override what the content suggests.
        judged: the columns that hold judgments, in place of all that look like it.

    Raises:
        InputError: if no header of a known kind is among the first rows.
    """
    if format is not None and format not in FORMATS:
        raise InputError(
            f"There is no format “{format}”; choose one of {', '.join(FORMATS)} or embeddings."
        )
    for header, (_, names) in enumerate(table.rows[:_HEADER_WITHIN]):
        kind, columns = _kind(names, format)
        if kind is not None:
            attributes, notices = _judged(table, header, kind, columns, judged)
            return Layout(kind, table, header, columns, attributes, (*table.notices, *notices))
    seen = (
        ", ".join(short(text(name), 20) for name in table.rows[0][1][:12])
        if table.rows
        else "no rows at all"
    )
    wanted = (
        f"of {format}"
        if format
        else "rater and image, or labeler, left, right, attribute and outcome"
    )
    raise InputError(
        f"{table.name} was not recognised: it needs the columns {wanted}, and has {seen}. Nothing "
        "was imported."
    )


def normalised(name: Cell) -> str:
    """A column's name as compared: "Response time" and "response_time" are the same."""
    return re.sub(r"[\s\-]+", "_", text(name).lower()).strip(":") if name is not None else ""


def _kind(
    names: Sequence[Cell],
    format: str | None,  # noqa: A002
) -> tuple[Format | None, dict[str, int]]:
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(normalised(name), place)
    columns = {
        part: next(places[name] for name in synonyms if name in places)
        for part, synonyms in SYNONYMS.items()
        if any(name in places for name in synonyms)
    }
    for kind, needed, forbidden in _SHAPES:
        if (
            (format is None or kind == format)
            and needed <= columns.keys()
            and not forbidden & columns.keys()
        ):
            return kind, columns
    return None, {}


def _judged(
    table: Table,
    header: int,
    kind: Format,
    columns: Mapping[str, int],
    wanted: Sequence[str] | None,
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """The judged columns of a wide table, and words on the columns that were passed over."""
    tidy = "attribute" in columns and ("outcome" if kind == "comparisons" else "value") in columns
    if kind not in _WIDE or tidy:
        return (), ()
    known = {place for part, place in columns.items() if part not in {"value", "outcome", "name"}}
    names = table.rows[header][1]
    found: list[tuple[str, int]] = []
    passed: list[tuple[str, int]] = []
    for place, name in enumerate(names):
        title = text(name)
        if wanted is not None:
            if title in wanted:
                found.append((title, place))
        elif place not in known and not title.lower().startswith("unnamed"):
            judged = normalised(name) not in _BYSTANDERS and _answers(table, header, place, kind)
            (found if judged else passed).append((title, place))
    if not found:
        raise InputError(
            f"{table.name} has no column of judgments; name each after its attribute. Nothing was "
            "imported."
        )
    left_out = [title for title, _ in passed if title]
    notice = f"{table.name}: the columns {', '.join(left_out)} were not taken for judgments."
    return tuple(found), (notice,) if left_out else ()


def _answers(table: Table, header: int, place: int, kind: Format) -> bool:
    """Whether most of a column's cells are numbers, or outcomes in a table of comparisons."""
    cells = [
        row[place] for _, row in table.rows[header + 1 : header + 1 + _SAMPLE] if place < len(row)
    ]
    filled = [cell for cell in cells if not is_missing(cell)]
    good = sum(
        is_number(cell, decimal_comma=table.decimal_comma)
        or (kind == "comparisons" and text(cell).lower() in _OUTCOMES)
        for cell in filled
    )
    return bool(filled) and good * 2 > len(filled)
