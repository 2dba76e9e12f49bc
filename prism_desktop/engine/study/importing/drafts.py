"""What one row of a file says, before it becomes a trial of the study."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from prism_desktop.engine.study.importing.cells import (
    Cell,
    exact,
    is_missing,
    moment,
    number,
    short,
    text,
    whole,
)
from prism_desktop.engine.study.importing.column_recognition import Layout
from prism_desktop.engine.study.records import ImageId, Kind, RefusedRow

STATUSES = ("answered", "skipped", "withdrawn")
SOURCES = ("labeled", "imported", "simulated")
_TELLING = frozenset({"trial", "session", "order", "onset", "row_id", "item_id", "repeat_of"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says about its trial beside who, what and
    which answer; "" and None where it says nothing."""

    trial: str = ""
    number: int | None = None  # place in an exported study's log of trials
    session: str = ""
    order: int | None = None
    onset: float | None = None  # unix s
    seconds: float | None = None
    status: str = "answered"
    skip_reason: str | None = None
    superseded_by: str = ""
    repeat_of: str = ""
    source: str = "imported"
    probability: float | None = None
    dropped_frames: int | None = None


@dataclass(slots=True)
class Draft:
    """A trial in the making: one row of a wide table, or several of a tidy one.

    Attributes:
        places: (table, row) of each row that contributed; the first names the trial in a refusal.
        answers: attribute -> rating on the file's scale, "left" / "right" / "tie", or a number
            still to be decoded.
        raw: attribute -> original rating, where the file has it beside the study's step.
        exported: the row comes from this program's export, so its ratings are the study's steps.
        telling: the table tells one presentation from another, so the same pair twice is a repeat.
        tidy: the row holds one attribute's answer, and other rows may hold more of the same trial.
    """

    places: list[tuple[str, int]]
    kind: Kind
    labeler: str
    images: tuple[ImageId, ...]
    answers: dict[str, float | str]
    facts: Facts
    raw: dict[str, float] = field(default_factory=dict)
    exported: bool = False
    telling: bool = False
    tidy: bool = False


@dataclass(slots=True)
class Ledger:
    """The counts and refusals of one import."""

    several: bool = False  # more than one table, so that a refusal names its own
    read: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    duplicates: int = 0
    notices: list[str] = field(default_factory=list)

    def refuse(self, table: str, row: int, reason: str) -> None:
        """Leave a row out, and say why."""
        self.refused.append(RefusedRow(row, f"{table}: {reason}" if self.several else reason))

    def refuse_draft(self, draft: Draft, reason: str) -> None:
        """Leave out every row of a draft."""
        for table, row in draft.places:
            self.refuse(table, row, reason)


class Rows:
    """Walks the rows of a table, leaving out those that repeat an earlier one in every cell."""

    def __init__(self, layout: Layout, ledger: Ledger) -> None:
        self._layout, self._ledger = layout, ledger
        self._seen: dict[tuple[Cell, ...], int] = {}

    def fresh(self, row: int, cells: tuple[Cell, ...]) -> bool:
        """Whether to go on with a row; counts it."""
        self._ledger.read += 1
        first = self._seen.setdefault(cells, row)
        if first != row:
            self._ledger.duplicates += 1
            self._ledger.refuse(self._layout.table.name, row, f"repeats row {first} in every cell")
        return first == row


def is_telling(layout: Layout) -> bool:
    """Whether a table tells one presentation from another."""
    return bool(_TELLING & layout.columns.keys())


def is_exported(layout: Layout) -> bool:
    """Whether a table of ratings or comparisons comes from this program's export."""
    return layout.tidy and {"trial", "status", "superseded_by", "import"} <= layout.columns.keys()


def labeler_of(layout: Layout, cells: Sequence[Cell]) -> str:
    """The code of a row's labeler.

    Raises:
        ValueError: with words for the user, if there is none or it cannot be a code.
    """
    code = text(layout.cell(cells, "labeler"))
    if not code:
        raise ValueError("no labeler is named")
    if not code.isprintable():
        raise ValueError(f"the labeler's code {short(code)!r} has unprintable characters")
    return code


def facts_of(layout: Layout, cells: Sequence[Cell]) -> Facts:
    """Read the columns on time, order and design, where a table has them.

    Raises:
        ValueError: with words for the user, if one cannot be read.
    """
    comma = layout.table.decimal_comma

    def part(name: str) -> Cell:
        cell = layout.cell(cells, name)
        return None if is_missing(cell) else cell

    def amount(name: str) -> float | None:
        return None if part(name) is None else number(part(name), decimal_comma=comma)

    milliseconds = amount("milliseconds")
    seconds = amount("seconds") if milliseconds is None else milliseconds / 1000
    onset = None if part("onset") is None else moment(part("onset"), decimal_comma=comma)
    probability = amount("probability")
    dropped = None if part("dropped_frames") is None else whole(part("dropped_frames"))
    amounts_read = (
        (seconds, "response time"),
        (onset, "onset"),
        (probability, "probability"),
        (dropped, "dropped frames"),
    )
    for amounts, what in amounts_read:
        if amounts is not None and amounts < 0:
            raise ValueError(f"the {what} {amounts:g} is negative")
    status, source = text(part("status")) or "answered", text(part("source")) or "imported"
    if status not in STATUSES:
        raise ValueError(f"the status “{short(status)}” is none of {', '.join(STATUSES)}")
    order = None if part("order") is None else whole(part("order"))
    return Facts(
        trial=text(part("trial")),
        session=text(part("session")),
        number=None if part("number") is None else whole(part("number")),
        order=order,
        onset=onset,
        seconds=seconds,
        status=status,
        skip_reason=exact(layout.cell(cells, "skip_reason")) or None,
        superseded_by=text(part("superseded_by")),
        repeat_of=text(part("repeat_of")),
        source=source if source in SOURCES else "imported",
        probability=probability,
        dropped_frames=dropped,
    )
