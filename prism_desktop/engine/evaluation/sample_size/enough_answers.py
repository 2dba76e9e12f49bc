"""The cheapest design that is precise enough, what precision costs, and what to add to a study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb, inf, isnan
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    PlannedDesign,
    alpha,
    ceiling,
    gain,
    precision_of,
    reliability,
)
from prism_desktop.engine.study.records import FOLDS, Kind

MOST_LABELERS: Final = 60
MOST_TRIALS: Final = 4000
PER_FACE: Final = 10.0  # comparisons, as comparative judgement asks for
FIFTY: Final = 50
_CURVE: Final = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400)


@dataclass(frozen=True, slots=True)
class WantedPrecision:
    """What is wanted; None where it does not matter.

    Attributes:
        reliability: of the consensus ranking, at least.
        alpha, ceiling, gain: half of the 95 % interval, at most; of the ceiling and the gain for
            each labeler alone.
        per_face: comparisons of each face, at least.
    """

    reliability: float | None = 0.8
    alpha: float | None = 0.1
    ceiling: float | None = 0.1
    gain: float | None = 0.06
    per_face: float | None = PER_FACE

    def __post_init__(self) -> None:
        if self.reliability is not None and not 0 < self.reliability < 1:
            raise InputError("A reliability is between 0 and 1.")
        for each in (self.alpha, self.ceiling, self.gain, self.per_face):
            if each is not None and not 0 < each < inf:
                raise InputError(
                    "Half of an interval, and answers about a face, are numbers above 0."
                )


@dataclass(frozen=True, slots=True)
class PlannedTrials:
    """The numbers of a plan that a protocol takes over.

    Attributes:
        kind: "comparison" or "rating".
        trials: of each labeler, repeats among them.
        repeats: share of them that repeat an earlier one.
        labelers, faces: that the plan counts on.
    """

    kind: Kind
    trials: int
    repeats: float
    labelers: int
    faces: int


@dataclass(frozen=True, slots=True)
class MoreAnswers:
    """A study as it is, and with something added.

    Attributes:
        name: "now", "one labeler" or "fifty answers".
        design: then.
        added: trials that it costs.
    """

    name: str
    design: PlannedDesign
    added: int


def half_width(found: Estimate) -> float:
    """Half of the 95 % interval."""
    return (found.high - found.low) / 2


# what a design lacks by one target -> by how much its measure must be better, NaN where unknown
_MISSES: Final[Mapping[str, Callable[[PlannedDesign, AnswerVariances, float], bool]]] = {
    "per_face": lambda design, _, wanted: design.per_face < wanted,
    "reliability": lambda design, of, wanted: not reliability(design, of).value >= wanted,
    "ceiling": lambda design, of, wanted: not half_width(ceiling(design, of)) <= wanted,
    "gain": lambda design, of, wanted: not half_width(gain(design, of)) <= wanted,
    "alpha": lambda design, of, wanted: not half_width(alpha(design, of)) <= wanted,
}


def missed(
    design: PlannedDesign, variances: AnswerVariances, wanted: WantedPrecision
) -> Iterator[str]:
    """The names of the targets that a design does not reach, those quick to tell first."""
    for name, misses in _MISSES.items():
        target = getattr(wanted, name)
        if name == "per_face" and design.kind == "rating":
            continue
        if target is not None and misses(design, variances, target):
            yield name


def most_trials(design: PlannedDesign) -> int:
    """Trials of one labeler that a plan looks at: each face, or each pair of faces of a fold, once,
    and its repeats."""
    fresh = design.faces
    if design.kind == "comparison":  # faces of different folds never meet
        small, larger = divmod(design.faces, FOLDS)
        fresh = larger * comb(small + 1, 2) + (FOLDS - larger) * comb(small, 2)
    return max(1, min(int(fresh / (1 - design.repeats) + 1e-9), MOST_TRIALS))


def fewest_trials(
    design: PlannedDesign, variances: AnswerVariances, wanted: WantedPrecision
) -> PlannedDesign | None:
    """The same design with as few trials of each labeler as reach all targets.

    None if no number does. More trials are never worse, and no more are looked at than there are
    faces or pairs to ask about.
    """
    most = most_trials(design)
    if next(missed(replace(design, trials=most), variances, wanted), None) is not None:
        return None
    low, high = 0, most  # the answer lies above `low`
    while high - low > 1:
        middle = (low + high) // 2
        few = replace(design, trials=middle)
        if next(missed(few, variances, wanted), None) is None:
            high = middle
        else:
            low = middle
    return replace(design, trials=high)


def frontier(
    kind: Kind,
    faces: int,
    variances: AnswerVariances,
    wanted: WantedPrecision,
    repeats: float = 0.1,
    labelers: Sequence[int] | None = None,
) -> tuple[PlannedDesign, ...]:
    """For each number of labelers the fewest trials that reach all targets, where some do.

    Args:
        kind: of the trials.
        faces: of the study.
        variances: of one answer.
        wanted: the targets.
        repeats: share of trials that repeat an earlier one.
        labelers: numbers of labelers that are possible; None for all up to MOST_LABELERS.
    """
    found = []
    for count in labelers or range(2, MOST_LABELERS + 1):
        design = PlannedDesign(kind, count, faces, 1, repeats)
        enough = fewest_trials(design, variances, wanted)
        if enough is not None:
            found.append(enough)
    return tuple(found)


def cheapest(designs: Sequence[PlannedDesign]) -> PlannedDesign | None:
    """The design with the fewest trials in all, of those the one with the fewest labelers."""
    return min(designs, key=lambda each: (each.cost, each.labelers), default=None)


def cost_curve(design: PlannedDesign, counts: Sequence[int] = _CURVE) -> tuple[PlannedDesign, ...]:
    """The same design with more and more trials of each labeler, its own number among them."""
    most = most_trials(design)
    trials = sorted({*(each for each in counts if each <= most), min(design.trials, most)})
    return tuple(replace(design, trials=each) for each in trials)


def one_more(design: PlannedDesign) -> tuple[MoreAnswers, ...]:
    """One more labeler, or fifty more answers of everybody who is there?

    Fewer than fifty, or none, where so many faces or pairs of faces are left to ask for.
    """
    new = replace(design, labelers=design.labelers + 1)
    most = most_trials(design)
    more = replace(design, trials=max(design.trials, min(design.trials + FIFTY, most)))
    return (
        MoreAnswers("now", design, 0),
        MoreAnswers("one labeler", new, new.cost - design.cost),
        MoreAnswers("fifty answers", more, more.cost - design.cost),
    )


def better_for_consensus(options: Sequence[MoreAnswers], variances: AnswerVariances) -> str:
    """Which option adds more to the reliability of the consensus for each trial that it costs;
    empty where neither adds anything."""
    now = reliability(options[0].design, variances).value
    worth = {
        each.name: (reliability(each.design, variances).value - now) / each.added
        for each in options[1:]
        if each.added
    }
    best = max(worth, key=lambda name: worth[name], default="")
    return best if best and not isnan(worth[best]) and worth[best] > 1e-9 else ""


def planned_trials(design: PlannedDesign) -> PlannedTrials:
    """What a protocol takes over of a plan."""
    return PlannedTrials(design.kind, design.trials, design.repeats, design.labelers, design.faces)


def with_precision(
    designs: Sequence[PlannedDesign], variances: AnswerVariances
) -> Iterator[dict[str, float]]:
    """Each design with what it will tell, as numbers for a table or a chart."""
    for each in designs:
        told = precision_of(each, variances)
        yield {
            "labelers": each.labelers,
            "trials": each.trials,
            "cost": each.cost,
            "per_face": each.per_face,
            "reliability": told.reliability.value,
            "alpha": half_width(told.alpha),
            "ceiling": half_width(told.ceiling),
            "gain": half_width(told.gain),
        }
