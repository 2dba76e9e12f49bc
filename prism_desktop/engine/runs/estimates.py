"""An estimate as every sink tells it: whether it can be told, the number, its interval and n.

The window, the terminal, reports and figures word accuracies, gains and shares of the ceiling
through these functions, so that none of them is surer than the others. The files that hold
estimates are imported by those who read them, as the window's first page words some and reads none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from prism_desktop.engine.grammar import counted

if TYPE_CHECKING:
    from prism_desktop.engine.runs.curve_files import (
        LabelerCountCurve,
        LearningCurve,
        MethodShots,
    )
    from prism_desktop.engine.runs.leaderboard_file import MethodRow
    from prism_desktop.engine.runs.result_files import (
        Accuracy,
        BlockGain,
        Difference,
        MacroGain,
        Summary,
    )

# Of fewer than 50 answers the 95 % interval of an accuracy is more than 28 points wide (Wald, at
# one half), over half of all the way from chance to never wrong.
ENOUGH: Final = 50
# what results are read against
BASELINE_NAMES = {
    "chance": "Chance",
    "side_bias": "Habitual side",
    "others_majority": "Others' majority on the pair *",
    "others_bradley_terry": "Others' Bradley-Terry scores *",
    "zero_shot": "Zero-shot backbone",
    "ridge": "Per-labeler ridge",
}

TOO_FEW: Final = "too few to tell"
SHUFFLED: Final = (
    "Control: who gave which training and validation answer was permuted, so any gain over "
    "consensus on the test answers is chance."
)
WHY_TOO_FEW: Final = (
    f"Under {counted(ENOUGH, 'answer')} a 95% interval is wider than 25 points, half of the way "
    "from chance to never wrong: too few to tell."
)
ABOVE_CEILING: Final = (
    "A share above 100% is no mistake: accuracy and ceiling are both estimates, and the accuracy "
    "came out higher than the ceiling, within their intervals or by luck."
)
# The bounds of the three in a table of numbers; over faces they have no name of their own.
BOUNDS: Final = ("low", "high", "labelers_low", "labelers_high", "both_low", "both_high")
# What a 95 % interval of a mean over labelers speaks of; a mean of one labeler has the first alone.
INTERVALS: Final = ("over faces", "over labelers", "over both")
WHAT_INTERVALS: Final = (
    "Intervals over faces speak of other faces and the same labelers, those over labelers of other "
    "labelers and the same faces, those over both of other labelers on other faces; the first are "
    "the ones beside the numbers."
)
Tone = Literal["good", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class ToldEstimate:
    """An estimate in words.

    Attributes:
        number: "74.6%", "+3.1"; a dash where it is unknown.
        doubt: "[70.1, 78.9], n 420", as far as it is known.
        few: whether it rests on too few answers to tell.
        tone: how a gain is coloured.
    """

    number: str
    doubt: str = ""
    few: bool = False
    tone: Tone = "plain"

    @property
    def head(self) -> str:
        """What stands in large letters."""
        return TOO_FEW if self.few else self.number

    @property
    def rest(self) -> str:
        """What stands small beside or below it."""
        return f"{self.number} {self.doubt}".strip() if self.few else self.doubt

    @property
    def line(self) -> str:
        """All of it on one line: "too few to tell: 53.6% [31.2, 75.0], n 21"."""
        return f"{self.head}: {self.rest}" if self.few else f"{self.number} {self.doubt}".strip()


UNKNOWN: Final = ToldEstimate("–")


def told_knowledge(labelers_seen: bool | None, reads_tested_faces: bool) -> str:
    """What a model knows of the labelers and the faces that it is tested on, a sentence for below
    a figure or a table.

    Args:
        labelers_seen: whether training saw answers of the tested labelers, beyond a few to enter
            with; None where that is unknown.
        reads_tested_faces: whether it reads other labelers' answers about the tested faces.
    """
    from prism_desktop.engine.methods.method import TESTED_FACES

    who = {
        True: "; labelers whom training saw",
        False: "; labelers whom training never saw, but for the answers they enter with",
        None: "",
    }[labelers_seen]
    without = "without the other labelers' answers about the faces tested"
    return f"{TESTED_FACES if reads_tested_faces else without}{who}."


def knowledge_of(
    rows: Iterable[Summary | MethodRow | MethodShots | LearningCurve | LabelerCountCurve],
) -> list[str]:
    """The same of a run, or of several rows or lines in one table or figure, once each; those who
    read others' answers are marked with a star, which leads to theirs."""
    from prism_desktop.engine.runs.result_files import Summary

    kinds = {
        (
            row.reads_tested_faces,
            row.saw_labelers if isinstance(row, Summary) else row.labelers_seen,
        )
        for row in rows
    }
    return [
        f"* {told}" if reads else told[0].upper() + told[1:]
        for reads, seen in sorted(kinds, key=lambda kind: kind[0])
        if (told := told_knowledge(seen, reads))
    ]


def too_few(n: int | None) -> bool:
    """Whether so many answers are too few to tell; where the number is unknown, not."""
    return n is not None and n < ENOUGH


def doubted(told: str, n: int | None, *, opens: bool = False) -> str:
    """What is told of so many answers, with the doubt first where they are too few; `opens` a
    sentence."""
    if not too_few(n):
        return told
    return f"{TOO_FEW.capitalize() if opens else TOO_FEW}: {told}"


def tone(low: float | None, high: float | None, n: int | None = None) -> Tone:
    """How a difference is coloured: as good or bad only where its interval excludes zero."""
    if low is None or high is None or too_few(n):
        return "plain"
    return "good" if low > 0 else "bad" if high < 0 else "plain"


def told_accuracy(row: Accuracy | None, percent: str = "%") -> ToldEstimate:
    """An accuracy; `percent` is the sign as the sink writes it."""
    if row is None or row.accuracy is None:
        return UNKNOWN
    number = f"{100 * row.accuracy:.1f}{percent}"
    return ToldEstimate(number, _doubt(row.low, row.high, row.n, ""), too_few(row.n))


def told_gain(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    unit: str = "",
) -> ToldEstimate:
    """A gain in points; "0.0" has no sign."""
    if value is None:
        return UNKNOWN
    number = f"{_signed(value)}{unit}"
    return ToldEstimate(number, _doubt(low, high, n, "+"), too_few(n), tone(low, high, n))


def told_blocks(blocks: Iterable[BlockGain]) -> list[str]:
    """What optional blocks add, a sentence each, in points of macro accuracy on validation
    answers."""
    found = []
    for block in blocks:
        told = block.gain
        gain = told_gain(told.difference, told.low, told.high, told.n, " points")
        with_it, without = told_accuracy(block.beside), told_accuracy(block.without)
        what = "is read" if block.kept else "is not read, as validation does not show that it helps"
        found.append(
            f"{block.block} {what}: {gain.line} on validation answers ({without.number} "
            f"without, {with_it.number} with)."
        )
    return found


def told_intervals(
    row: Accuracy | Difference | MacroGain | None, sign: str = ""
) -> tuple[str, str, str]:
    """The 95 % intervals of a mean over labelers over faces, over labelers and over both, in per
    cent or points; empty where one is unknown.

    Args:
        row: an accuracy or a gain.
        sign: "+" for a gain.
    """
    if row is None:
        return "", "", ""
    found = (
        _doubt(row.low, row.high, None, sign),
        _doubt(row.labelers_low, row.labelers_high, None, sign),
        _doubt(row.both_low, row.both_high, None, sign),
    )
    return found[0], found[1], found[2]


def bounds(row: Accuracy | Difference | MacroGain | None) -> tuple[float | None, ...]:
    """The bounds of the same intervals, unrounded, in the order of `BOUNDS`."""
    return tuple(getattr(row, name, None) for name in BOUNDS)


def named_intervals(row: Accuracy | Difference | MacroGain | None, sign: str = "") -> str:
    """The same with the name of each: "over faces [70.1, 78.9], over labelers [...], ..."."""
    named = zip(INTERVALS, told_intervals(row, sign), strict=True)
    return ", ".join(f"{name} {told}" for name, told in named if told)


def told_share(share: float | None, row: Accuracy, percent: str = "%") -> ToldEstimate:
    """An accuracy's share of its ceiling, with the interval that the accuracy leaves it."""
    if share is None:
        return UNKNOWN
    low, high = (
        None if bound is None or not row.accuracy else bound * share / row.accuracy
        for bound in (row.low, row.high)
    )
    return ToldEstimate(
        f"{100 * share:.0f}{percent}", _doubt(low, high, row.n, "", 0), too_few(row.n)
    )


def told_ceiling(row: Accuracy) -> ToldEstimate:
    """A labeler's ceiling with its own interval and how many answers were repeated."""
    if row.ceiling is None:
        return UNKNOWN
    doubt = _doubt(row.ceiling_low, row.ceiling_high, None, "")
    repeats = "" if row.repeats is None else counted(row.repeats, "repeat")
    return ToldEstimate(f"{100 * row.ceiling:.1f}%", ", ".join(filter(None, (doubt, repeats))))


def _signed(value: float, sign: str = "+", digits: int = 1) -> str:
    text = f"{100 * value:{sign}.{digits}f}"
    return text.lstrip("+-") if not float(text) else text


def _doubt(low: float | None, high: float | None, n: int | None, sign: str, digits: int = 1) -> str:
    parts = []
    if low is not None and high is not None:
        parts.append(f"[{_signed(low, sign, digits)}, {_signed(high, sign, digits)}]")
    if n is not None:
        parts.append(f"n {n:,}")
    return ", ".join(parts)
