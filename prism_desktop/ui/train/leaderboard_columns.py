"""What the leaderboard's columns show of a method's row, and what each is sorted by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prism_desktop.engine.clocks import duration
from prism_desktop.engine.methods import CONSENSUS, labelled, method_title
from prism_desktop.engine.runs.estimates import (
    TOO_FEW,
    UNKNOWN,
    ToldEstimate,
    told_accuracy,
    told_gain,
)
from prism_desktop.engine.runs.leaderboard_file import MethodRow, Swap
from prism_desktop.engine.runs.result_files import Accuracy, MacroGain

_CHANCE = 0.05  # p above which a gain may be chance


@dataclass(frozen=True, slots=True)
class Row:
    """A method's results, and what the comparison's controls say of it."""

    result: MethodRow
    swapped: Swap | None = None
    shuffled: bool = False  # labelers, as a control
    backbone: str = ""  # which says whether texts are judged

    @property
    def method(self) -> str:
        return self.result.method

    @property
    def label(self) -> str:
        return self.result.label

    @property
    def swapped_gain(self) -> MacroGain | None:
        return self.swapped.gain if self.swapped is not None else None


def title(row: Row) -> str:
    """What to call a row: its method, and the settings that a grid varies."""
    return labelled(method_title(row.method, row.backbone), row.result.settings)


def marked(row: Row) -> str:
    """The same with the mark of a method that knows
    answers about the very faces that are tested."""
    return f"{title(row)} *" if row.result.reads_tested_faces else title(row)


def gains(row: Row) -> bool:
    """Whether a method gains more over consensus than chance would."""
    gain = row.result.gain
    return gain is not None and (gain.value or 0.0) > 0 and gain.p is not None and gain.p < _CHANCE


def badge(row: Row) -> str:
    """The gate's verdict in a word or two.

    Where labelers were shuffled, whether there is a gain that must not be.
    """
    if row.method == CONSENSUS:
        return "baseline"
    if row.shuffled:
        return "gains" if gains(row) else "no gain"
    verdict = row.result.verdict
    return "" if verdict is None else "passes" if verdict.passed else "fails"


def macro_accuracy(row: Row) -> float | None:
    """Mean over labelers."""
    return row.result.test.macro.accuracy


def gain_value(row: Row) -> float | None:
    """Over the consensus."""
    return row.result.gain.value if row.result.gain is not None else None


def swapped_value(row: Row) -> float | None:
    """The gain over the consensus with everybody's model given to the next labeler."""
    return row.swapped_gain.value if row.swapped_gain is not None else None


def _gain_p(row: Row) -> float | None:
    return row.result.gain.p if row.result.gain is not None else None


def _least_gain(row: Row) -> float | None:
    return row.result.worst.difference if row.result.worst is not None else None


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def points(value: float | None) -> str:
    return told_gain(value).number


def _chance(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else duration(value, 1)


def between(bounds: Accuracy | MacroGain | None, sign: str = "") -> str:
    """A 95 % interval, in per cent; empty where it is unknown."""
    if bounds is None or bounds.low is None or bounds.high is None:
        return ""
    return f"[{100 * bounds.low:{sign}.1f}, {100 * bounds.high:{sign}.1f}]"


def told_macro(row: Row) -> ToldEstimate:
    """The accuracy, mean over labelers, with its doubt."""
    return told_accuracy(row.result.test.macro, "")


def told_over_consensus(row: Row) -> ToldEstimate:
    """The gain over the consensus with its doubt."""
    return _told(row.result.gain, row)


def told_swapped(row: Row) -> ToldEstimate:
    """The same with everybody's model given to the next labeler."""
    return _told(row.swapped_gain, row)


def _told(gain: MacroGain | None, row: Row) -> ToldEstimate:
    if gain is None:
        return UNKNOWN
    n = gain.n if gain.n is not None else row.result.test.macro.n
    return told_gain(gain.value, gain.low, gain.high, n)


def _macro(row: Row) -> str:
    told = told_macro(row)
    return TOO_FEW if told.few else f"{told.number}  {between(row.result.test.macro)}".strip()


def _parameters(row: Row) -> str:
    count = row.result.parameters
    if count is None:
        return "–"
    return (
        f"{count}"
        if count < 1000
        else f"{count / 1e3:.0f} k"
        if count < 1e6
        else f"{count / 1e6:.1f} M"
    )


Key = Callable[[Row], Any]  # what a column is sorted by: numbers or texts; None comes last
# Name, what it is sorted by, what is shown, what it means.
COLUMNS: tuple[tuple[str, Key, Callable[[Row], str], str], ...] = (
    ("Method", title, marked, ""),
    ("Accuracy", macro_accuracy, _macro,
     "Mean over labelers of the accuracy on held-out answers, in per cent, with the 95% interval "
     "over images"),
    ("Micro", lambda row: row.result.test.micro.accuracy,
     lambda row: _share(row.result.test.micro.accuracy),
     "Accuracy over all answers, whoever gave them"),
    ("Gain", gain_value, lambda row: told_over_consensus(row).number,
     "Points of accuracy over the consensus model, mean over labelers"),
    ("p", _gain_p, lambda row: _chance(_gain_p(row)), "That the gain is chance, adjusted (Holm)"),
    ("Improved", lambda row: row.result.improved,
     lambda row: "–" if row.result.improved is None else f"{row.result.improved:.0%}",
     "Share of labelers who gain; the gate wants more than 60%"),
    ("Worst", _least_gain, lambda _: "–", "Who gains least or loses most, in points"),
    ("Swapped", swapped_value, lambda row: told_swapped(row).number,
     "The control: points against the consensus with every labeler's model given to the next; it "
     "must be negative"),
    ("NLL", lambda row: row.result.test.nll, lambda row: _plain(row.result.test.nll),
     "Log loss; lower is better"),
    ("ECE", lambda row: row.result.test.ece, lambda row: _plain(row.result.test.ece),
     "Calibration error; lower is better"),
    ("Size", lambda row: row.result.parameters, _parameters, "Parameters that were trained"),
    ("Time", lambda row: row.result.seconds, lambda row: _seconds(row.result.seconds),
     "Of one training"),
    ("Gate", badge, badge,
     "Improves more than 60% of labelers, lets nobody down, and p is below 0.05"),
)  # fmt: skip
NAMES = tuple(name for name, *_ in COLUMNS)
