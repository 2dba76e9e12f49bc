"""Figures of the task writing: what methods gain, and what they write beside what people wrote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    INK,
    WIDE,
    above,
    beside,
    drawn,
    footnote,
    row_height,
    style,
)
from prism_desktop.engine.analysis.wrapped_texts import WrappedText, has_boxes, wrapped
from prism_desktop.engine.backbone_names import short
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import (
    FEW_PEOPLE,
    FEW_PROMPTS,
    NO_GAINS,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
)

FEW_TOLD: Final = (
    f"Of under {counted(FEW_PEOPLE, 'person')} or {counted(FEW_PROMPTS, 'prompt')} an interval "
    f"over both tells next to nothing: {TOO_FEW}."
)
SIMULATED: Final = "The people are simulated: this says nothing of people."
_SURE: Final = 0.05


def writers_figure(board: WritingLeaderboard) -> Figure:
    """What methods gain over the unified model and over retrieval, each with its interval.

    Args:
        board: of a comparison.

    Raises:
        InputError: no method could be compared with another.
    """
    rows = [row for row in board.methods if row.gains]
    if not rows:
        raise InputError(NO_GAINS)
    overs = [("unified", "the unified model"), ("retrieval", _called(board, board.retrieval))]
    overs = [one for one in overs if any(getattr(row, f"over_{one[0]}") for row in rows)]
    with style():
        labels = [beside(row.title or row.method, told=_doubt(row)) for row in rows]
        height = 34 + row_height(labels, 5.5) * len(rows)
        figure = Figure(figsize=(WIDE / 25.4, height / 25.4), layout="constrained")
        both = figure.subplots(1, len(overs), squeeze=False, sharey=True)[0]
        for axes, (key, called) in zip(both, overs, strict=True):
            gains = [getattr(row, f"over_{key}") for row in rows]
            names = {gain.over for gain in gains if gain is not None}
            for place, (row, gain) in enumerate(zip(rows, gains, strict=True)):
                _gain_row(axes, place, gain, "reference" if row.method in names else "–")
            axes.axvline(0, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
            axes.set_xlabel(beside(f"Nats per token saved over {called}", 60))
            axes.xaxis.set_major_locator(MaxNLocator(5))
        both[0].set_yticks(range(len(rows)), [beside(row.title or row.method, told=_doubt(row))
                                              for row in rows])  # fmt: skip
        both[0].set_ylim(len(rows) - 0.4, -0.6)
        above(figure, "What methods gain at writing like somebody", WIDE, left=True)
        footnote(figure, *_about(board, rows))
    return figure


def _called(board: WritingLeaderboard, method: str) -> str:
    return next((row.title for row in board.methods if row.method == method and row.title), method)


def _doubt(row: WritingRow) -> str:
    return f"({TOO_FEW})" if any(gain.mean.few for gain in row.gains) else ""


def _gain_row(axes: Axes, place: int, gain: WritingGain | None, instead: str) -> None:
    """A method's gain with its interval, and both in numbers at the right."""
    told, ink = instead, GREY
    if gain is not None and gain.mean.value is not None:
        mean, value = gain.mean, gain.mean.value
        low, high, told = mean.both_low, mean.both_high, f"{value:+.3f}"
        sure = mean.p is not None and mean.p < _SURE
        ink = GREY if mean.few else COLOURS[0]
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=ink, lw=1.2)
            told += f" [{low:+.3f}, {high:+.3f}]"
        axes.plot([value], [place], "o", ms=4, color=ink, mfc=ink if sure else "white")
    axes.annotate(
        drawn(told), (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=5.5,
        color=INK if ink != GREY else GREY,
    )  # fmt: skip


def _about(board: WritingLeaderboard, rows: Sequence[WritingRow]) -> list[str]:
    means = [gain.mean for row in rows for gain in row.gains]
    tested = max(means, key=lambda one: (one.people, one.prompts))
    said = [board.unfinished, FEW_TOLD if any(map(_doubt, rows)) else "",
            SIMULATED if board.simulated else ""]  # fmt: skip
    who = "simulated person" if board.simulated else "person"
    said.append(
        "Mean over people of nats per own token saved on held-out prompts, with its 95% interval "
        f"over people and prompts; above 0 is better. {tested.rest(who)}, "
        f"{short(board.backbone)}. Filled: p < {_SURE} after Holm."
    )
    if board.failed:
        names = few([one.method for one in board.failed], 5)
        said.append(f"Could not be trained, so not drawn: {names}.")
    return said


@dataclass(frozen=True, slots=True)
class DrawnText:
    """A text in a figure of replies.

    Attributes:
        title: whose text, or by which method.
        kind: "own text" or "generated"; empty where there is no text.
        text: as it was written.
        mark: of a generated text, which stands before it.
        foot: sentences below, such as its scores.
        instead: what is said in place of a text.
        generated: whether no person wrote it.
    """

    title: str
    kind: str = ""
    text: str = ""
    mark: str = ""
    foot: str = ""
    instead: str = ""
    generated: bool = False


@dataclass(frozen=True, slots=True)
class PersonReplies:
    """Somebody with their own text, and with each method's."""

    name: str
    about: str  # who they are, such as their profile
    texts: Sequence[DrawnText]


# All in mm.
_ABREAST: Final = 4  # texts beside each other
_MOST_TEXTS: Final = 12  # of a person; further ones are counted
_EDGE, _GAP, _PAD = 3.0, 2.0, 1.6
_LINE, _SMALL_LINE = 3.1, 2.5  # of 7 and of 5.5 points
_SIZE, _SMALL = 7.0, 5.5  # points
_MOST_LINES: Final = 16  # of a text
_LONG_LINE: Final = 500  # characters
_TINT: Final = "#FBF3E4"  # behind what nobody wrote
_BOXES: Final = "A box stands for a sign that the figure's letters lack, such as an emoji."


class _Piece:
    """Lines of one look."""

    def __init__(
        self, text: str, width: float, most: int, *, small: bool = False, ink: str = INK,
        bold: bool = False, before: float = 0.0,
    ) -> None:  # fmt: skip
        self.size, self.line = (_SMALL, _SMALL_LINE) if small else (_SIZE, _LINE)
        self.ink, self.weight = ink, "bold" if bold else "normal"
        found = wrapped(text, width, self.size, most, self.weight) if text else WrappedText(())
        self.lines, self.mark = found.lines, found.mark
        self.before = before if self.lines else 0.0

    @property
    def high(self) -> float:
        return self.before + self.line * len(self.lines) + (_SMALL_LINE if self.mark else 0)

    def draw(self, axes: Axes, x: float, y: float) -> float:
        """Draw it with its top at `y`; where the next piece begins."""
        y += self.before
        for line in self.lines:
            axes.text(
                x, y, drawn(line, _LONG_LINE), fontsize=self.size, color=self.ink,
                weight=self.weight, va="top",
            )  # fmt: skip
            y += self.line
        if self.mark:
            axes.text(x, y, drawn(self.mark), fontsize=_SMALL, color=GREY, va="top")
            y += _SMALL_LINE
        return y


@dataclass(frozen=True, slots=True)
class _Box:
    """Pieces below each other, framed where they are a text."""

    pieces: Sequence[_Piece]
    framed: bool = True
    generated: bool = False

    @property
    def high(self) -> float:
        around = 2 * _PAD if self.framed else 0
        return sum(piece.high for piece in self.pieces) + around

    def draw(self, axes: Axes, x: float, y: float, width: float, high: float) -> None:
        if self.framed:
            frame = Rectangle(
                (x, y), width, high, lw=0.6, ec=COLOURS[1] if self.generated else GREY,
                fc=_TINT if self.generated else "white", ls=(0, (3, 2)) if self.generated else "-",
            )  # fmt: skip
            axes.add_patch(frame)
            x, y = x + _PAD, y + _PAD
        for piece in self.pieces:
            y = piece.draw(axes, x, y)


def replies_figure(prompt: str, people: Sequence[PersonReplies], notes: Sequence[str]) -> Figure:
    """What people wrote in answer to a prompt beside what models write as they might, as plain
    text; what no person wrote is tinted, framed by dashes and says so.

    Args:
        prompt: what was asked.
        people: from top to bottom, with all texts in one order.
        notes: sentences for the foot.
    """
    most = max((len(one.texts) for one in people), default=1)
    abreast = max(1, min(_ABREAST, most))
    whole = WIDE - 2 * _EDGE
    width = (whole - (abreast - 1) * _GAP) / abreast
    with style():
        asked = f"In answer to “{drawn(prompt.strip(), _LONG_LINE)}”"
        rows = [[_Box([_Piece(asked, whole, 4, bold=True)], framed=False)]]
        for person in people:
            rows += _rows(person, whole, width, abreast)
        said = [*notes]
        if most > _MOST_TEXTS:
            said.append(f"Of each {counted(most - _MOST_TEXTS, 'further text')} left out.")
        if has_boxes("".join(_lines(rows))):
            said.append(_BOXES)
        foot = _Piece(" ".join(filter(None, said)), whole, 8, small=True, ink=GREY)
        return _sheet([*rows, [_Box([foot], framed=False)]], width)


def _rows(person: PersonReplies, whole: float, width: float, abreast: int) -> list[list[_Box]]:
    """A person's name, and their boxes as many abreast as there is room."""
    head = [
        _Piece(drawn(person.name, _LONG_LINE), whole, 2, bold=True, before=_PAD),
        _Piece(drawn(person.about, _LONG_LINE), whole, 2, small=True, ink=GREY),
    ]
    boxes = [
        _Box(_pieces(text, width - 2 * _PAD), generated=text.generated)
        for text in person.texts[:_MOST_TEXTS]
    ]
    lines = [boxes[at : at + abreast] for at in range(0, len(boxes), abreast)]
    return [[_Box(head, framed=False)], *lines]


def _pieces(text: DrawnText, width: float) -> list[_Piece]:
    """A text from its title to its foot."""
    ink = COLOURS[1] if text.generated else GREY
    return [
        _Piece(drawn(text.title, _LONG_LINE), width, 2, bold=True),
        _Piece(text.kind, width, 1, small=True, ink=ink, bold=text.generated),
        _Piece(drawn(text.mark, _LONG_LINE), width, 4, small=True, ink=GREY),
        _Piece(text.text, width, _MOST_LINES, before=_PAD),
        _Piece(text.instead, width, 3, ink=GREY, before=_PAD),
        _Piece(text.foot, width, 5, small=True, ink=GREY, before=_PAD),
    ]


def _lines(rows: Sequence[Sequence[_Box]]) -> Iterator[str]:
    for row in rows:
        for box in row:
            for piece in box.pieces:
                yield from piece.lines


def _sheet(rows: Sequence[Sequence[_Box]], width: float) -> Figure:
    """Rows of boxes below each other, on a sheet as high as they need."""
    heights = [max(box.high for box in row) for row in rows]
    high = sum(heights) + _GAP * (len(rows) - 1) + 2 * _EDGE
    figure = Figure(figsize=(WIDE / 25.4, high / 25.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(0, WIDE), ylim=(high, 0))
    y = _EDGE
    for row, tall in zip(rows, heights, strict=True):
        for place, box in enumerate(row):
            box.draw(axes, _EDGE + place * (width + _GAP), y, width, tall)
        y += tall + _GAP
    return figure
