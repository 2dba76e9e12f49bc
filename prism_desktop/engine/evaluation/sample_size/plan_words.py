"""The words for a plan, the same in the window, the terminal and JSON."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, Final

from prism_desktop.engine.clocks import duration
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    DesignPrecision,
    PlannedDesign,
    precision_of,
)
from prism_desktop.engine.evaluation.sample_size.enough_answers import (
    FIFTY,
    MOST_LABELERS,
    better_for_consensus,
    half_width,
    planned_trials,
    with_precision,
)
from prism_desktop.engine.evaluation.sample_size.plan_report import FittedAnswers, SampleSizePlan
from prism_desktop.engine.grammar import counted, listed
from prism_desktop.engine.study.records import Kind

_MINUTES: Final = 100_000  # or hours, above which days are told
LEAST_LABELERS: Final = 2  # who must have answered before anything is shared
TIMED: Final[Mapping[str, str]] = {  # where the time of an answer comes from
    "usual": "a usual time",
    "measured": "the median here",
    "typed": "as typed",
}
MEASURES: Final[Mapping[str, str]] = {
    "reliability": "Reliability of the consensus ranking",
    "alpha": "Krippendorff's alpha",
    "icc": "ICC(2,1)",
    "ceiling": "Noise ceiling of one labeler",
    "gain": "Most that personalisation can add",
}
MEANINGS: Final[Mapping[str, str]] = {
    "reliability": "How far other labelers would put the faces in the same order; 0.8 is usual.",
    "alpha": "Agreement of single labelers; its value is given by their taste, its interval by "
    "how many faces and labelers there are.",
    "icc": "Agreement of single labelers in ratings.",
    "ceiling": "The accuracy that a perfect model of one labeler could reach, told by the "
    "labeler's own repeats.",
    "gain": "Accuracy of a model that knows one labeler's whole taste less that of one that knows "
    "all shared taste, every answer tested once.",
}
_LACK: Final[Mapping[str, str]] = {
    "per_face": "comparisons of each face",
    "reliability": "the reliability of the consensus ranking",
    "alpha": "the interval of alpha",
    "ceiling": "the interval of the ceiling",
    "gain": "the interval of the gain",
}
ASSUMED: Final = (
    "It is assumed that trials come as labeling has them, half of them in an order common to all "
    "labelers, and that nobody is left out. Intervals are what 95% of such studies would find."
)


def told_source(variances: AnswerVariances, fitted: FittedAnswers | None) -> str:
    """Where the shares of an answer come from, and on how much they rest."""
    if fitted is not None:
        told = (
            f"Estimated from {counted(fitted.answers, fitted.kind)} about {fitted.attribute} by "
            f"{counted(fitted.labelers, 'labeler')} of this study."
        )
        return f"{told} {fitted.notice}".strip()
    usual = AnswerVariances()
    if (variances.shared, variances.private) == (usual.shared, usual.private):
        return (
            f"Shared {usual.shared:.0%} and private {usual.private:.0%} are usual for judgments "
            "of people's attractiveness; they are not estimated from answers."
        )
    return "Shared and private taste are as typed, not estimated from answers."


def why_untold(kind: Kind, known: Sequence[FittedAnswers], people: int) -> str:
    """Why a study's answers of a kind do not say what an answer is made of.

    Args:
        kind: of the trials.
        known: what they say; of none of it the shares are known.
        people: who gave such answers.
    """
    if not people:
        return f"Nobody has answered {kind} trials yet."
    if people < LEAST_LABELERS:
        return (
            f"One labeler has answered {kind} trials so far, simulated ones aside: what is shared "
            "shows from two on."
        )
    return known[0].notice if known else f"No attribute has {kind}s of two labelers yet."


def told_variances(variances: AnswerVariances) -> str:
    """What one answer is made of."""
    return (
        f"Of one answer {variances.shared:.0%} is shared taste, {variances.private:.0%} private "
        f"and {variances.noise:.0%} noise; a labeler answers {variances.agreement:.0%} of repeated "
        "comparisons alike."
    )


def told_design(design: PlannedDesign) -> str:
    """A design in one line."""
    repeats = f"{counted(design.repeated, 'repeat')} among them"
    trials = counted(design.trials, f"{design.kind} trial")
    return (
        f"{counted(design.labelers, 'labeler')} with {trials} "
        f"each ({repeats}), {counted(design.faces, 'face')}: {counted(design.cost, 'trial')} in "
        f"all, each face {'rated' if design.kind == 'rating' else 'compared'} "
        f"{design.per_face:.1f} times"
    )


def told_hours(design: PlannedDesign, seconds: float, attributes: int, source: str = "") -> str:
    """How long that takes; `seconds` of one answer, of which a trial asks `attributes`, and where
    they come from."""
    known = f" ({source})" if source else ""
    each = design.trials * attributes * seconds / 60
    whole = each * design.labelers / 60
    one = f"{each:,.0f} minutes" if each < _MINUTES else duration(60 * each)
    everybody = f"{whole:,.1f} hours" if whole < _MINUTES else duration(3600 * whole)
    return (
        f"About {one} of each labeler, {everybody} in all, at {duration(seconds, 1)} an "
        f"answer{known} and {counted(attributes, 'question')} a trial."
    )


def verdict(plan: SampleSizePlan) -> str:
    """Whether that is enough, and what to do if nothing is."""
    if not plan.missed:
        asked = plan.question.labelers or plan.question.trials
        return "This is precise enough." if asked else "The cheapest design that is precise enough."
    lacks = listed([_LACK[name] for name in plan.missed])
    if plan.question.trials is not None:
        return f"Not precise enough: {lacks}."
    most = plan.question.labelers or MOST_LABELERS
    ways = "more repeats, more faces or a wider interval"
    if set(plan.missed) <= {"reliability", "per_face"}:
        ways = "fewer faces, more labelers or a lower target"
    return (
        f"No design with up to {counted(most, 'labeler')} is precise enough: {lacks} cannot be "
        f"reached, here with the most trials. It takes {ways}."
    )


def told_measure_of(name: str, found: Estimate) -> str:
    """A measure with its expected interval."""
    if isnan(found.value):
        return "–"
    if name == "gain":
        return (
            f"{100 * found.value:+.1f} points [{100 * found.low:+.1f}, {100 * found.high:+.1f}], "
            f"± {100 * half_width(found):.1f}"
        )
    if name == "ceiling":
        return (
            f"{found.value:.1%} [{100 * found.low:.1f}, {100 * found.high:.1f}], "
            f"± {100 * half_width(found):.1f}"
        )
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}], ± {half_width(found):.2f}"


def advice(fitted: FittedAnswers) -> str:
    """One more labeler or fifty more answers? In sentences; empty where no plan can be."""
    more, variances = fitted.more, fitted.variances
    if not more or variances is None:
        return ""
    told = {each.name: precision_of(each.design, variances) for each in more}
    added = {each.name: each.added for each in more}
    now, one, fifty = (told[name] for name in ("now", "one labeler", "fifty answers"))
    best = better_for_consensus(more, variances)
    cost = {name: counted(number, "trial") for name, number in added.items()}
    left = more[2].design.trials - more[0].design.trials
    many = "fifty" if left == FIFTY else str(left)
    order = {
        "one labeler": "For its cost, one more labeler brings the order of the faces further.",
        "fifty answers": f"For their cost, {many} more answers bring the order of the faces "
        "further.",
        "": "Neither brings the order of the faces further.",
    }[best]
    reliability = (
        f"Reliability of the consensus ranking: {now.reliability.value:.2f} now, "
        f"{one.reliability.value:.2f} with one more labeler ({cost['one labeler']})"
    )
    if not left:
        done = "rated every face" if fitted.kind == "rating" else "compared every pair of faces"
        return f"Everybody has {done} already. {reliability}."
    return (
        f"{order} {reliability}, "
        f"{fifty.reliability.value:.2f} with {many} more answers of everybody "
        f"({cost['fifty answers']}). What is said of a single labeler "
        f"rests on their own answers: with {many} more the ceiling is "
        f"{_known_to(fifty.ceiling, now.ceiling)}, the gain {_known_to(fifty.gain, now.gain)}; one "
        "more labeler changes neither."
    )


def _known_to(then: Estimate, now: Estimate) -> str:
    """How well something will be known, and is now."""
    if isnan(then.value):
        return "not known yet"
    before = "not at all" if isnan(now.value) else f"± {100 * half_width(now):.1f}"
    return f"known to ± {100 * half_width(then):.1f} points instead of {before}"


def plan_json(
    plan: SampleSizePlan, seconds: float, attributes: int, fitted: FittedAnswers | None
) -> dict[str, Any]:
    """A plan as JSON takes it."""
    question, variances = plan.question, plan.question.variances
    protocol = planned_trials(plan.chosen)
    value: dict[str, Any] = {
        "kind": question.kind,
        "faces": question.faces,
        "variances": {
            "shared": variances.shared, "private": variances.private, "noise": variances.noise,
            "level": variances.level, "agreement": variances.agreement,
        },
        "wanted": {
            name: getattr(question.wanted, name)
            for name in ("reliability", "alpha", "ceiling", "gain", "per_face")
        },
        "source": told_source(variances, fitted),
        "seconds": seconds,
        "enough": not plan.missed,
        "missed": list(plan.missed),
        "told": verdict(plan),
        "chosen": _design_json(plan.chosen),
        "hours": plan.chosen.cost * attributes * seconds / 3600,
        "protocol": {
            "kind": protocol.kind, "trials": protocol.trials, "repeats": protocol.repeats,
            "labelers": protocol.labelers, "faces": protocol.faces,
        },
        "measures": _precision_json(plan.precision),
        "designs": [_design_json(each) for each in plan.designs],
        "curves": [
            [_known(row) for row in with_precision(curve, variances)] for curve in plan.curves
        ],
    }  # fmt: skip
    if fitted is not None:
        value["study"] = {
            "attribute": fitted.attribute,
            "now": None if fitted.now is None else _design_json(fitted.now),
            "notice": fitted.notice,
            "told": advice(fitted),
            "more": [
                {
                    "name": each.name, "added": each.added, **_design_json(each.design),
                    "measures": _precision_json(precision_of(each.design, variances)),
                }
                for each in fitted.more
            ],
        }  # fmt: skip
    return value


def _design_json(design: PlannedDesign) -> dict[str, Any]:
    return {
        "labelers": design.labelers, "trials": design.trials, "repeats": design.repeats,
        "faces": design.faces, "cost": design.cost, "per_face": design.per_face,
    }  # fmt: skip


def _precision_json(found: DesignPrecision) -> dict[str, Any]:
    estimates = {name: getattr(found, name) for name in MEASURES}
    return {
        name: _known({
            "value": each.value, "low": each.low, "high": each.high,
            "half_width": half_width(each),
        })
        for name, each in estimates.items()
    }  # fmt: skip


def _known(row: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if isnan(value) else value for name, value in row.items()}
