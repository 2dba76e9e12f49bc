"""What the page on how much is enough shows, in words and numbers, worked out off the window's
thread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.study.records import Changes, Kind

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
    from prism_desktop.engine.evaluation.sample_size.enough_answers import WantedPrecision
    from prism_desktop.engine.evaluation.sample_size.plan_report import SampleSizePlan
    from prism_desktop.engine.study.store import Study

CHARTED: Final = {
    "reliability": "Consensus ranking",
    "alpha": "Alpha ±",
    "ceiling": "Ceiling ±",
    "gain": "Gain ±",
}


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """What was typed; 0 is "any" of labelers, trials and targets, and of repeats "as many as it
    takes".

    Shares and targets are in per cent, but for `reliability` and `alpha`.
    """

    kind: Kind = "comparison"
    shared: int = 30
    private: int = 30
    level: float = 0.1
    faces: int = 200
    labelers: int = 0
    trials: int = 0
    repeats: int = 0
    reliability: float = 0.8
    alpha: float = 0.1
    ceiling: int = 10
    gain: int = 6
    per_face: int = 10
    questions: int = 1
    seconds: float = 3.0
    timed: str = "usual"  # where the seconds come from, as `plan_words.TIMED`


@dataclass(frozen=True, slots=True)
class FittedLine:
    """What the answers of a study of one kind about one attribute say."""

    attribute: str
    kind: Kind
    known: bool  # whether the shares could be told
    shared: int  # per cent
    private: int
    level: float
    seconds: float | None
    source: str  # where the shares come from and on how much they rest, or why they are not known
    advice: str  # one more labeler or fifty more answers?


@dataclass(frozen=True, slots=True)
class FittedLines:
    """What the answers of a study say."""

    lines: tuple[FittedLine, ...] = ()
    # by kind why its shares are not known; empty where they are
    untold: Mapping[Kind, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanShown:
    """A plan in words, with its curves."""

    enough: bool
    verdict: str
    design: str
    hours: str
    variances: str
    source: str  # of these, where they are not the study's own
    measures: tuple[tuple[str, str, str], ...]  # title, expected, meaning
    # by CHARTED: (labelers, trials in all, values) of each curve
    curves: Mapping[str, tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]]
    designs: tuple[tuple[str, ...], ...]
    labelers: int
    trials: int
    repeats: float


@dataclass(frozen=True, slots=True, eq=False)
class PlanInput:
    """A study's answers; outlives a study that is closed."""

    compared: "pd.DataFrame"
    rated: "pd.DataFrame"
    checks: "Mapping[str, Checks]"  # labeler -> attention checks


def plan_input(study: "Study") -> PlanInput:
    """Read the answers about attributes that are judgments."""
    from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at

    confirmed = [each.name for each in study.attributes() if each.confirmed]
    given = answers_looked_at(study, confirmed)
    return PlanInput(given.compared, given.rated, given.checks)


def fit_answers(given: PlanInput) -> Iterator[Event[FittedLines]]:
    """What a study's answers say for plans; the last event is `Done`."""
    from prism_desktop.engine.evaluation.sample_size.plan_report import fit_study
    from prism_desktop.engine.evaluation.sample_size.plan_words import (
        advice,
        told_source,
        why_untold,
    )

    for event in fit_study(given.compared, given.rated, checks=given.checks):
        if not isinstance(event, Done):
            yield event
            continue
        lines = tuple(
            FittedLine(
                each.attribute, each.kind, known is not None,
                round(100 * known.shared) if known else 0,
                round(100 * known.private) if known else 0,
                known.level if known else 0.0, each.seconds,
                told_source(known, each) if known else each.notice, advice(each),
            )
            for each in event.value
            for known in [each.variances]
        )  # fmt: skip
        frames: dict[Kind, pd.DataFrame] = {"comparison": given.compared, "rating": given.rated}
        untold: dict[Kind, str] = {}
        for kind, frame in frames.items():
            mine = [each for each in event.value if each.kind == kind]
            known = any(each.variances for each in mine)
            untold[kind] = "" if known else why_untold(kind, mine, frame["labeler"].nunique())
        yield Done(FittedLines(lines, untold))


def plan_shown(numbers: PlanNumbers) -> PlanShown:
    """Work a plan out.

    Raises:
        InputError: the numbers are none that a study can have.
    """
    from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
    from prism_desktop.engine.evaluation.sample_size.plan_report import PlanQuestion, plan_study
    from prism_desktop.engine.evaluation.sample_size.plan_words import (
        MEANINGS,
        MEASURES,
        TIMED,
        told_design,
        told_hours,
        told_measure_of,
        told_source,
        told_variances,
        verdict,
    )

    variances = AnswerVariances(numbers.shared / 100, numbers.private / 100, numbers.level)
    plan = plan_study(
        PlanQuestion(
            numbers.kind, numbers.faces, variances, _wanted(numbers),
            numbers.repeats / 100 if numbers.repeats else None,
            numbers.labelers or None, numbers.trials or None,
        )
    )  # fmt: skip
    told = {name: told_measure_of(name, getattr(plan.precision, name)) for name in MEASURES}
    chosen = plan.chosen
    return PlanShown(
        enough=not plan.missed,
        verdict=verdict(plan),
        design=f"{told_design(chosen)}.",
        hours=told_hours(chosen, numbers.seconds, numbers.questions, TIMED[numbers.timed]),
        variances=told_variances(variances),
        source=told_source(variances, None),
        measures=tuple(
            (MEASURES[name], words, MEANINGS[name]) for name, words in told.items() if words != "–"
        ),
        curves=_curves(plan),
        designs=_designs(plan),
        labelers=chosen.labelers,
        trials=chosen.trials,
        repeats=chosen.repeats,
    )


def _wanted(numbers: PlanNumbers) -> "WantedPrecision":
    from prism_desktop.engine.evaluation.sample_size.enough_answers import WantedPrecision

    return WantedPrecision(
        numbers.reliability or None, numbers.alpha or None, numbers.ceiling / 100 or None,
        numbers.gain / 100 or None, float(numbers.per_face) or None,
    )  # fmt: skip


def _curves(
    plan: "SampleSizePlan",
) -> dict[str, tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]]:
    from prism_desktop.engine.evaluation.sample_size.enough_answers import with_precision

    found = [list(with_precision(curve, plan.question.variances)) for curve in plan.curves]
    told: dict[str, tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]] = {}
    for name in CHARTED:
        lines = []
        for rows in found:
            known = [(row["cost"], row[name]) for row in rows if row[name] == row[name]]
            if known:
                x, y = zip(*known, strict=True)
                lines.append((int(rows[0]["labelers"]), x, y))
        told[name] = tuple(lines)
    return told


def _designs(plan: "SampleSizePlan") -> tuple[tuple[str, ...], ...]:
    """Every number of labelers with which the targets can be reached, in cells."""
    from prism_desktop.engine.evaluation.sample_size.enough_answers import with_precision

    return tuple(
        (
            f"{row['labelers']:,.0f}", f"{row['trials']:,.0f}", f"{row['cost']:,.0f}",
            f"{row['reliability']:.2f}", f"± {100 * row['ceiling']:.1f}",
            f"± {100 * row['gain']:.1f}",
        )
        for row in with_precision(plan.designs, plan.question.variances)
    )  # fmt: skip


def follow_plan(study: "Study", numbers: PlanNumbers, shown: PlanShown) -> tuple[Changes, str]:
    """Ask labelers for what a plan says; what changed, and what was done in a sentence."""
    from prism_desktop.engine.evaluation.sample_size.enough_answers import PlannedTrials
    from prism_desktop.engine.evaluation.sample_size.planned_protocol import follow_plan as work

    plan = PlannedTrials(numbers.kind, shown.trials, shown.repeats, shown.labelers, numbers.faces)
    return work(study, plan)
