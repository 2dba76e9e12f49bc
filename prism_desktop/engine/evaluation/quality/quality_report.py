"""The quality of a study's labels: every labeler, every attribute, and what was left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from prism_desktop.engine.analysis.agreement import left_out
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.attribute_reliability import (
    KindReliability,
    kind_reliability,
)
from prism_desktop.engine.evaluation.quality.circular_triads import CircularTriads, circular_triads
from prism_desktop.engine.evaluation.quality.inconsistencies import Inconsistency, inconsistencies
from prism_desktop.engine.evaluation.quality.joint_measures import (
    MOST_FACES,
    JointScale,
    assimilation,
    averaged,
    joint_scale,
)
from prism_desktop.engine.evaluation.quality.labeler_flags import QualityFlag, care_of
from prism_desktop.engine.evaluation.quality.labeler_measures import (
    NO_CHECKS,
    Checks,
    OwnMeasures,
)
from prism_desktop.engine.evaluation.quality.turned_parts import TurnedParts
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.exclusion_rules import USUAL, ExclusionRules

Group = Literal["all", "only rated", "only compared", "both"]
GROUPS: Final[tuple[Group, ...]] = ("all", "only rated", "only compared", "both")
TOO_FAST: Final = "too fast answer"


@dataclass(frozen=True, slots=True)
class LabelerQuality:
    """One labeler.

    Attributes:
        code: of the labeler.
        group: which kinds of trials they did.
        comparisons, ratings: answers of each kind.
        own: by their own answers.
        triads: circular ones, against their own model.
        discrimination, side: of the joint model, mean over attributes.
        by_attribute: attribute -> discrimination.
        assimilation: steps per standard deviation of the face before.
        turned: whether parts of the work contradict the rest.
        flags: what makes their care doubtful.
        examples: answers that contradict each other.
    """

    code: str
    group: Group
    comparisons: int
    ratings: int
    own: OwnMeasures
    triads: CircularTriads
    discrimination: Estimate
    side: Estimate
    by_attribute: Mapping[str, Estimate]
    assimilation: Estimate
    turned: TurnedParts
    flags: tuple[QualityFlag, ...]
    examples: tuple[Inconsistency, ...]


@dataclass(frozen=True, slots=True)
class AttributeQuality:
    """One attribute, as some of the labelers judged it."""

    attribute: str
    group: Group
    labelers: int
    ratings: KindReliability | None
    comparisons: KindReliability | None


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All of it.

    Attributes:
        labelers: in the order of their codes.
        attributes: by attribute, then by group, of groups that have two labelers or more.
        marks: trial, labeler, attribute, reason of every answer that is left out of `attributes`.
        answers: of all answers, left out or not, how many there are.
        rules: what was followed.
        notices: what else to know, a sentence each.
        chosen: answers to trials that were chosen by what they tell, no fair sample.
    """

    labelers: tuple[LabelerQuality, ...]
    attributes: tuple[AttributeQuality, ...]
    marks: pd.DataFrame
    answers: int
    rules: ExclusionRules
    notices: tuple[str, ...]
    chosen: int = 0

    def left_out(self) -> str:
        """How much was left out, in a sentence or two."""
        chosen = left_out(self.chosen)
        of_care = f"Of consistency, repeats and attributes, {chosen}" if chosen else ""
        return f"{self._left_out_by_rules()} {of_care}".strip()

    def _left_out_by_rules(self) -> str:
        if self.marks.empty:
            return f"No answer of {self.answers:,} was left out."
        people = self.marks[self.marks["reason"] != TOO_FAST]
        single = int((self.marks["reason"] == TOO_FAST).sum())
        parts = []
        if len(people):
            who = counted(people["labeler"].nunique(), "flagged labeler")
            parts.append(f"{counted(len(people), 'answer')} of {who}")
        if single:
            parts.append(
                f"{counted(single, 'single answer')} faster than {self.rules.fastest_seconds:g} s"
            )
        trials = counted(self.marks["trial"].nunique(), "trial")
        return (
            f"Left out of what is said about attributes: {' and '.join(parts)}, in {trials}, of "
            f"{counted(self.answers, 'answer')}. They stay in the study."
        )


def study_quality(
    comparisons: pd.DataFrame,
    ratings: pd.DataFrame,
    rules: ExclusionRules | None = None,
    aside: str = "",
    checks: Mapping[str, Checks] | None = None,
) -> Iterator[Event[QualityReport]]:
    """Look at all answers of a study.

    Args:
        comparisons, ratings: `Study.comparisons()` and `Study.ratings()`, of the attributes that
            are judgments.
        rules: what flags a labeler and what is left out; None for the usual ones.
        aside: a sentence on what the study itself leaves out, see `told_aside`.
        checks: labeler -> their attention checks, of those who had some.

    Yields:
        Progress, then Done with the report.
    """
    rules, checks = USUAL if rules is None else rules, checks or {}
    table = answer_table(comparisons, ratings)
    people = sorted(table["labeler"].unique().tolist())
    names = list(dict.fromkeys(table["attribute"].tolist()))
    steps = 2 * len(names) + len(people)
    scales: dict[str, JointScale] = {}
    for name in names:
        yield Progress(len(scales), steps, f"One scale for {name}")
        scales[name] = joint_scale(table[table["attribute"] == name])
    found: list[LabelerQuality] = []
    for code in people:
        yield Progress(len(names) + len(found), steps, "Looking at labelers")
        rows = table[table["labeler"] == code].reset_index(drop=True)
        found.append(_labeler(code, rows, scales, rules, checks.get(code, NO_CHECKS)))
    marks = marked(table, found, rules)
    kept = table.drop(index=marks.index)
    kept = kept[kept["fair"]]
    told: list[AttributeQuality] = []
    for number, name in enumerate(names):
        yield Progress(len(names) + len(people) + number, steps, f"Reliability of {name}")
        told += _attribute(name, kept)
    yield Done(
        QualityReport(
            tuple(found), tuple(told), marks.reset_index(drop=True), len(table), rules,
            (*filter(None, [aside]), *_notices(table, scales)), int((~table["fair"]).sum()),
        )
    )  # fmt: skip


def marked(table: pd.DataFrame, found: list[LabelerQuality], rules: ExclusionRules) -> pd.DataFrame:
    """The answers that the rules leave out, by the rows of the table, each for one reason."""
    out = {
        each.code: reason
        for each in found
        if (reason := next((f.reason for f in each.flags if f.reason in rules.leave_out), None))
    }
    why = table["labeler"].map(out).astype(object)
    why = why.where(why.notna() | ~(table["seconds"] < rules.fastest_seconds), TOO_FAST)
    marks = table.assign(reason=why)[["trial", "labeler", "attribute", "reason"]]
    return marks[marks["reason"].notna()]


def group_of(rows: pd.DataFrame) -> Group:
    """Which kinds of trials a labeler did."""
    kinds = set(rows["kind"])
    return "both" if len(kinds) > 1 else "only rated" if "rating" in kinds else "only compared"


def _labeler(
    code: str,
    rows: pd.DataFrame,
    scales: Mapping[str, JointScale],
    rules: ExclusionRules,
    checks: Checks,
) -> LabelerQuality:
    care = care_of(rows, rules, checks)
    triads = circular_triads(rows)
    of_joint = {name: scale.discrimination.get(code) for name, scale in scales.items()}
    by_attribute = {name: each for name, each in of_joint.items() if each is not None}
    sides = [scale.side[code] for scale in scales.values() if code in scale.side]
    return LabelerQuality(
        code=code,
        group=group_of(rows),
        comparisons=int((rows["kind"] == "comparison").sum()),
        ratings=int((rows["kind"] == "rating").sum()),
        own=care.own,
        triads=triads,
        discrimination=averaged(list(by_attribute.values())),
        side=averaged(sides),
        by_attribute=by_attribute,
        assimilation=assimilation(rows, {name: scale.places for name, scale in scales.items()}),
        turned=care.turned,
        flags=care.flags,
        examples=inconsistencies(rows, triads),
    )


def _attribute(name: str, kept: pd.DataFrame) -> list[AttributeQuality]:
    """All labelers, then those of each group, where groups differ."""
    rows = kept[kept["attribute"] == name]
    kinds = {code: group_of(mine) for code, mine in rows.groupby("labeler", sort=True)}
    groups: list[Group] = ["all"]
    if len(set(kinds.values())) > 1:
        groups += [each for each in GROUPS[1:] if list(kinds.values()).count(each) > 1]
    told = []
    for group in groups:
        codes = [code for code, kind in kinds.items() if group in ("all", kind)]
        mine = rows[rows["labeler"].isin(codes)]
        told.append(
            AttributeQuality(
                name, group, len(codes),
                kind_reliability(mine, "rating"), kind_reliability(mine, "comparison"),
            )
        )  # fmt: skip
    return told


def _notices(table: pd.DataFrame, scales: Mapping[str, JointScale]) -> tuple[str, ...]:
    told = []
    known = float(table["seconds"].notna().mean()) if len(table) else 1.0
    if not known:
        told.append("No answer's time is known, so nothing is said of haste.")
    elif known < 1:
        told.append(
            f"The time of an answer is known of {known:.0%} of them; of the others' haste "
            "nothing is said."
        )
    compared = table[table["kind"] == "comparison"]
    if len(compared) and not compared["sided"].all():
        told.append(
            "Imported comparisons name the winner first, so nothing is known of their sides."
        )
    if any(scale.left_out for scale in scales.values()):
        told.append(
            "Discrimination, side term and the lean towards the face before rest on "
            f"{counted(MOST_FACES, 'face')} of each attribute, those with the most answers."
        )
    return tuple(told)
