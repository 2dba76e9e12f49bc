"""A plan: the cheapest design that is precise enough, what others cost, what to add to a study."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.attribute_reliability import KindReliability
from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
from prism_desktop.engine.evaluation.quality.quality_report import QualityReport, study_quality
from prism_desktop.engine.evaluation.sample_size.answer_variances import (
    AnswerVariances,
    fitted_variances,
)
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    DesignPrecision,
    PlannedDesign,
    precision_of,
)
from prism_desktop.engine.evaluation.sample_size.enough_answers import (
    MOST_LABELERS,
    MoreAnswers,
    WantedPrecision,
    cheapest,
    cost_curve,
    frontier,
    missed,
    most_trials,
    one_more,
)
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules
from prism_desktop.engine.study.records import Kind

REPEATS: Final = (0.1, 0.15, 0.2, 0.3, 0.4)  # tried one after another
SECONDS: Final = 3.0  # of an answer, where nobody knows
FACES: Final = 200  # of a study that has none yet
_LIMITS: Final = {  # of what a plan can be asked for
    "faces": (3, 1_000_000),
    "labelers": (2, 1_000),
    "trials": (1, 100_000),
}


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """What is asked.

    Attributes:
        kind: "comparison" or "rating".
        faces: of the study.
        variances: of one answer.
        wanted: how precise.
        repeats: share of trials that repeat one; None: the smallest of REPEATS with which some
            design is precise enough.
        labelers: so many and no others; None: any number.
        trials: so many of each labeler and no others; None: as few as will do.

    Raises:
        InputError: there cannot be so few or so many.
    """

    kind: Kind
    faces: int
    variances: AnswerVariances
    wanted: WantedPrecision = field(default_factory=WantedPrecision)
    repeats: float | None = None
    labelers: int | None = None
    trials: int | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            number = getattr(self, name)
            if number is not None and not least <= number <= most:
                raise InputError(
                    f"A plan counts on {least:,} to {most:,} {name}, and {number:,} were asked for."
                )


@dataclass(frozen=True, slots=True)
class SampleSizePlan:
    """The answer.

    Attributes:
        question: what was asked.
        designs: for each number of labelers the fewest trials that are precise enough.
        chosen: the cheapest of them, or what was asked for; of no design is enough, the largest.
        precision: of the chosen one.
        missed: targets that the chosen one does not reach.
        curves: the chosen one with fewer and more trials, for three numbers of labelers.
    """

    question: PlanQuestion
    designs: tuple[PlannedDesign, ...]
    chosen: PlannedDesign
    precision: DesignPrecision
    missed: tuple[str, ...]
    curves: tuple[tuple[PlannedDesign, ...], ...]


@dataclass(frozen=True, slots=True)
class FittedAnswers:
    """What a study's answers of one kind about one attribute say for a plan.

    Attributes:
        attribute, kind: of what.
        variances: of one answer; None where they cannot be told, and `notice` says why.
        now: the design so far.
        seconds: of an answer, median; None where it is unknown.
        notice: what else to know.
        answers, labelers: on which that rests.
    """

    attribute: str
    kind: Kind
    variances: AnswerVariances | None
    now: PlannedDesign | None
    seconds: float | None
    notice: str
    answers: int = 0
    labelers: int = 0

    @property
    def more(self) -> tuple[MoreAnswers, ...]:
        """One more labeler, or fifty more answers of everybody; none where no plan can be."""
        return () if self.now is None or self.variances is None else one_more(self.now)


def plan_study(question: PlanQuestion) -> SampleSizePlan:
    """Find the cheapest design that is precise enough.

    Raises:
        InputError: the numbers are none that a study can have.
    """
    shares = REPEATS if question.repeats is None else (question.repeats,)
    counts = None if question.labelers is None else (question.labelers,)
    designs: tuple[PlannedDesign, ...] = ()
    for share in shares:
        if question.trials is not None:
            break
        designs = frontier(
            question.kind, question.faces, question.variances, question.wanted, share, counts
        )
        if designs:
            break
    chosen = cheapest(designs) or _largest(question, shares[0])
    few, many = max(2, chosen.labelers // 2), 2 * chosen.labelers
    curves = tuple(
        cost_curve(replace(chosen, labelers=count))
        for count in sorted({few, chosen.labelers, many})
    )
    return SampleSizePlan(
        question, designs, chosen, precision_of(chosen, question.variances),
        tuple(missed(chosen, question.variances, question.wanted)), curves,
    )  # fmt: skip


def _largest(question: PlanQuestion, repeats: float) -> PlannedDesign:
    """What was asked for, or the most that a plan looks at."""
    labelers = question.labelers or MOST_LABELERS
    design = PlannedDesign(question.kind, labelers, question.faces, 1, repeats)
    return replace(design, trials=question.trials or most_trials(design))


def fit_study(
    comparisons: pd.DataFrame,
    ratings: pd.DataFrame,
    rules: ExclusionRules | None = None,
    checks: Mapping[str, Checks] | None = None,
) -> Iterator[Event[tuple[FittedAnswers, ...]]]:
    """What a study's answers say for plans, by attribute and kind, without what the rules leave
    out.

    Args:
        comparisons, ratings: `Study.comparisons()` and `Study.ratings()`, of the attributes that
            are judgments.
        rules: what is left out; None for the usual rules.
        checks: labeler -> their attention checks, of those who had some.

    Yields:
        Progress, then Done with what was found.
    """
    for event in study_quality(comparisons, ratings, rules, checks=checks):
        if isinstance(event, Done):
            table = answer_table(comparisons, ratings)
            yield Done(tuple(_fitted(event.value, table)))
        else:
            yield event


def _fitted(report: QualityReport, table: pd.DataFrame) -> Iterator[FittedAnswers]:
    keys = ["trial", "attribute"]
    out = table.merge(report.marks[keys].assign(out=True), on=keys, how="left")["out"].notna()
    kept = table[~out.to_numpy()]
    for each in report.attributes:
        if each.group != "all":
            continue
        for part in (each.comparisons, each.ratings):
            if part is not None:
                mine = kept[(kept["attribute"] == each.attribute) & (kept["kind"] == part.kind)]
                yield _of_kind(each.attribute, part, mine)


def _of_kind(attribute: str, part: KindReliability, rows: pd.DataFrame) -> FittedAnswers:
    kind: Kind = "rating" if part.kind == "rating" else "comparison"
    faces = np.sort(rows[["left", "right"]].to_numpy(str), axis=1)
    asked = pd.DataFrame(
        {"labeler": rows["labeler"].to_numpy(), "a": faces[:, 0], "b": faces[:, 1]}
    )
    again = float(asked.duplicated().mean()) if len(asked) else 0.0
    seconds = float(rows["seconds"].median()) if rows["seconds"].notna().any() else None
    now = None
    labelers, shown = rows["labeler"].nunique(), len(np.unique(faces))
    if labelers >= 2 and shown >= 3:  # all that was answered, a fair sample or not
        trials = max(1, round(len(rows) / labelers))
        now = PlannedDesign(kind, labelers, shown, trials, min(again, 0.5))
    variances: AnswerVariances | None
    try:
        variances, notice = fitted_variances(part)
    except InputError as error:
        variances, notice = None, str(error)
    return FittedAnswers(
        attribute, kind, variances, now, seconds, notice, part.answers, part.labelers
    )
