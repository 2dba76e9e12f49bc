"""Which scale an attribute's ratings are on, and which of them are probably no ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.values.far_values import (
    CODES,
    RatingSpread,
    far_values,
    spread_of,
)
from prism_desktop.engine.study.importing.values.scales import Scale, observed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDE = 25.0  # a scale with as wide a span as a slider's
_FEW = 3  # different ratings below which little can be told
_SOME_BEYOND = 0.1  # share of ratings outside a given scale, from which on it is asked
_LISTED = 6  # values that a sentence names


@dataclass(frozen=True, slots=True)
class EarlierScale:
    """The scale that an attribute has in the study."""

    scale: Scale
    where: str  # "week1.csv"


@dataclass(frozen=True, slots=True)
class RaterSpan:
    """What one rater, or one file, gave."""

    low: float
    high: float
    answers: int


@dataclass(frozen=True, slots=True, eq=False)
class ScaleFinding:
    """What was found out about an attribute's scale.

    Attributes:
        scale: to cut the ratings by; None if there are none.
        found: "given", "as in week1.csv", "by the values".
        outside: (values,) bool, ratings that the scale does not hold; their rows are refused.
        far: (values,) bool, those that a decision is asked for about.
    """

    scale: Scale | None
    found: str
    outside: "NDArray[np.bool_]"
    far: "NDArray[np.bool_]"
    doubts: tuple[Doubt, ...] = ()
    decisions: tuple[Decision, ...] = ()


def judge_scale(
    values: "NDArray[np.float64]",
    counts: "NDArray[np.int64]",
    *,
    attribute: str,
    column: str = "",
    declared: Scale | None = None,
    earlier: EarlierScale | None = None,
    per_rater: Mapping[str, RaterSpan] | None = None,
    top: float = float("nan"),
    headed: Scale | None = None,
) -> ScaleFinding:
    """Find the scale of an attribute's ratings.

    Args:
        values: (n,) float64, the different ratings as the files have them; NaN is left out.
        counts: (n,) int64, how often each was given.
        attribute, column: its name, and what the file calls it.
        declared: the scale that the user says.
        earlier: the attribute's scale in the study.
        per_rater: what each rater gave, and each file where there are several.
        top: what ratings such as "6/7" are out of.
        headed: the scale that the columns' heads name.
    """
    nothing = np.zeros(len(values), np.bool_)
    spread = spread_of(values, counts)
    if not len(spread):
        known = declared or (earlier.scale if earlier else None)
        return ScaleFinding(known, "", nothing, nothing)
    judge = _Judge(spread, attribute, column or attribute)
    if declared is not None:
        scale, found = judge.by_declaration(declared), "given"
    elif earlier is not None:
        scale, found = judge.by_study(earlier), f"as in {earlier.where}"
    elif headed is not None and (by_head := judge.by_head(headed)) is not None:
        scale, found = by_head, "as the column says"
    else:
        scale, found = judge.by_values(top), "by the values"
    if per_rater and declared is None and not judge.decisions:
        judge.compare_raters(per_rater)
    far = np.isin(values, list(judge.far))
    outside = np.isfinite(values) & ~scale.holds(values)
    return ScaleFinding(scale, found, outside, far, tuple(judge.doubts), tuple(judge.decisions))


class _Judge:
    """Doubts and decisions about one attribute's ratings."""

    def __init__(self, spread: RatingSpread, attribute: str, column: str) -> None:
        self.doubts: list[Doubt] = []
        self.decisions: list[Decision] = []
        self.far: frozenset[float] = frozenset()
        self._spread = spread
        self._attribute = attribute
        self._column = column

    def by_declaration(self, declared: Scale) -> Scale:
        """The declared scale; what it does not hold is refused, or asked about if it is most."""
        scale = replace(
            declared, whole=self._spread.part(declared.holds(self._spread.values)).whole
        )
        beyond = self._spread.part(~scale.holds(self._spread.values))
        if not len(beyond):
            return scale
        named = f"{_times(beyond)} outside the scale {scale}"
        if beyond.total > _SOME_BEYOND * self._spread.total:
            self.far = frozenset(beyond.values.tolist())
            seen = observed(self._spread.values)
            self._ask(
                "scale",
                f"Many ratings of “{self._attribute}” do not fit: {named}",
                [self._scale_choice(seen, f"they are on {seen}")],
                beyond.total,
            )
        else:
            text = f"Ratings of “{self._attribute}” were left out: {named}."
            self._tell("outside", text, beyond.total)
        return scale

    def by_study(self, earlier: EarlierScale) -> Scale:
        """The attribute's scale in the study, if it holds the ratings."""
        scale = replace(earlier.scale, whole=self._spread.whole)
        inside = scale.holds(self._spread.values)
        beyond, rest = self._spread.part(~inside), self._spread.part(inside)
        if len(beyond):
            odd = frozenset(beyond.values.tolist()) & (
                far_values(self._spread) | {v for v in beyond.values.tolist() if v in CODES}
            )
            if len(odd) == len(beyond) and len(rest):
                self._ask_about_far(odd, scale)
            else:
                self._ask_beyond(beyond, earlier)
            return scale
        seen = observed(self._spread.values)
        if self._looks_narrower(scale, self._spread):
            self._ask_narrow(seen, earlier)
        elif (seen.low, seen.high) != (scale.low, scale.high):
            text = (
                f"“{self._attribute}” was put on {scale}, as in {earlier.where}; by its own "
                f"values it would be on {seen}."
            )
            self._tell("scale", text, self._spread.total)
        return scale

    @staticmethod
    def _looks_narrower(scale: Scale, spread: RatingSpread) -> bool:
        """Whether ratings are the whole numbers of a short scale, put on a slider's."""
        return (
            scale.high - scale.low >= _WIDE
            and spread.whole
            and len(spread) >= _FEW
            and spread.total >= 10
            and spread.values[-1] <= scale.low + 0.12 * (scale.high - scale.low)
        )

    def _ask_narrow(self, seen: Scale, earlier: EarlierScale) -> None:
        text = (
            f"“{self._attribute}” is on {earlier.scale} in {earlier.where}, but these ratings "
            f"look like ones on {seen}"
        )
        choices = [
            self._scale_choice(earlier.scale, f"they are on {earlier.scale}"),
            self._other_attribute(f"{self._attribute} {seen.option()}"),
        ]
        self._ask("scale", text, choices, self._spread.total)

    def _ask_beyond(self, beyond: RatingSpread, earlier: EarlierScale) -> None:
        self.far = frozenset(beyond.values.tolist())
        seen = observed(self._spread.values)
        wide = Scale(
            min(seen.low, earlier.scale.low), max(seen.high, earlier.scale.high), seen.whole
        )
        text = (
            f"“{self._attribute}” is on {earlier.scale} in {earlier.where}, and {_times(beyond)} "
            "here"
        )
        choices = [
            self._scale_choice(wide, f"all of its ratings are on {wide} and are put on it anew"),
            self._other_attribute(f"{self._attribute} {seen.option()}"),
            self._missing_choice(self.far),
        ]
        self._ask("scale", text, choices, beyond.total)

    def by_head(self, headed: Scale) -> Scale | None:
        """The scale that the column's head names; None if ratings lie outside it."""
        scale = replace(headed, whole=self._spread.whole)
        odd = far_values(self._spread)
        if odd or not scale.holds(self._spread.values).all():
            return None
        seen = observed(self._spread.values)
        if (seen.low, seen.high) != (scale.low, scale.high):
            text = (
                f"“{self._attribute}” was put on {scale}, which stands in the column's head; by "
                f"its values it would be on {seen}."
            )
            self._tell("scale", text, self._spread.total)
        return scale

    def by_values(self, top: float) -> Scale:
        """The narrowest usual scale of all values that are no probable codes or errors."""
        odd = far_values(self._spread)
        rest = self._spread.part(~np.isin(self._spread.values, list(odd)))
        scale = observed(rest.values)
        if top >= scale.high:
            scale = replace(scale, low=min(scale.low, 1.0), high=float(top))
        if odd:
            self._ask_about_far(odd, scale)
        else:
            self._tell_unused(scale, rest)
        return scale

    def _ask_about_far(self, odd: frozenset[float], scale: Scale) -> None:
        self.far = odd
        here = np.isin(self._spread.values, list(odd))
        far, rest = self._spread.part(here), self._spread.part(~here)
        codes = all(value in CODES or value == 0 for value in odd)
        low, high, odd_ones = rest.values[0], rest.values[-1], _times(far)
        text = (
            f"“{self._attribute}” has {odd_ones}, while its other ratings go from {low:g} to "
            f"{high:g}"
        )
        if low == high:
            text = f"“{self._attribute}” has {odd_ones}, while its other ratings are all {low:g}"
        everything = observed(self._spread.values)
        choices = [
            self._missing_choice(odd),
            self._scale_choice(scale, f"ratings are on {scale}, and others are left out"),
        ]
        sure = all(value in CODES and abs(value) >= 66 for value in odd)
        if not sure and (everything.low, everything.high) != (scale.low, scale.high):
            choices.append(self._scale_choice(everything, f"all are ratings on {everything}"))
        self._ask("missing-code" if codes else "far-value", text, choices, far.total)

    def _tell_unused(self, scale: Scale, rest: RatingSpread) -> None:
        """Tell what the values leave open about the scale."""
        width = scale.high - scale.low
        unused = [
            f"{end:g}"
            for end in (scale.low, scale.high)
            if abs(rest.values - end).min() > (0 if scale.cuts_units else 0.1 * width)
        ]
        unusual = (not scale.cuts_units and scale.high > 100) or scale.low < -100
        few = len(rest) < min(_FEW + 1, scale.high - scale.low + 1)
        if not unused and not unusual and not few:
            return
        text = f"“{self._attribute}” was taken to be on {scale} by its values"
        if unused:
            text += f"; nobody chose {' or '.join(unused)}"
        if unusual:
            low, high = rest.values[0], rest.values[-1]
            text += f"; they go from {low:g} to {high:g}" if low < high else f"; all are {low:g}"
        if few:
            kinds = word_for(len(rest), "rating")
            text += f"; it has only {len(rest)} different {kinds}"
        self._tell("scale", f"{text}. If it is another scale, say --scale LOW-HIGH.", rest.total)

    def compare_raters(self, raters: Mapping[str, RaterSpan]) -> None:
        """Ask if some raters used a short scale where the others used a slider."""
        highs = [span.high for span in raters.values()]
        widest = max(highs)
        wide = [name for name, span in raters.items() if span.high >= max(0.5 * widest, 20)]
        limit = 11 if widest >= 50 else 1 if widest > 9 else -np.inf
        short = [
            name
            for name, span in raters.items()
            if span.low >= 0 and span.low < span.high <= limit and span.answers >= 5
        ]
        if not wide or not short or widest <= 9:
            return
        top = max(raters[name].high for name in short)
        answers = sum(raters[name].answers for name in short)
        text = (
            f"All ratings of “{self._attribute}” by {few(short)} are at most {top:g}, those by "
            f"{few(wide)} go up to {widest:g}, which looks like two scales"
        )
        scale = observed(self._spread.values)
        choices = [self._scale_choice(scale, f"all are on {scale}")]
        text += "; import them apart, one of them as another attribute"
        self._ask("mixed-scales", text, choices, answers)

    def _tell(self, kind: str, text: str, count: int) -> None:
        self.doubts.append(Doubt(kind, text, column=self._column, count=count))

    def _ask(self, kind: str, text: str, choices: Sequence[DecisionChoice], count: int) -> None:
        ways = ", or ".join(f"{choice.option} if {choice.label}" for choice in choices)
        self.decisions.append(
            Decision(
                kind,
                f"{text}; say {ways}.",
                column=self._column,
                count=count,
                choices=tuple(choices),
            )
        )

    def _scale_choice(self, scale: Scale, label: str) -> DecisionChoice:
        words = scale.option()
        return DecisionChoice(label, f"--scale {words}", {"scales": {self._attribute: words}})

    def _missing_choice(self, values: frozenset[float]) -> DecisionChoice:
        words = tuple(f"{value:.15g}" for value in sorted(values))
        label = f"{' and '.join(words[:_LISTED])} {word_for(len(words), 'is', 'are')} no rating"
        return DecisionChoice(label, f"--missing {','.join(words)}", {"missing": words})

    def _other_attribute(self, name: str) -> DecisionChoice:
        option = f"--judgment {quoted(f'{self._column}={name}')}"
        label = "it is another attribute"
        return DecisionChoice(label, option, {"judgments": {self._column: name}})


def _times(spread: RatingSpread) -> str:
    """Which values, and how often: "-99 (5 times) and 77 (once)"."""
    parts = [
        f"{value:g} ({'once' if count == 1 else counted(count, 'time')})"
        for value, count in zip(
            spread.values[:_LISTED].tolist(), spread.counts[:_LISTED].tolist(), strict=True
        )
    ]
    if len(spread) > _LISTED:
        return f"{', '.join(parts)} and {counted(len(spread) - _LISTED, 'other value')}"
    return " and ".join(parts)
