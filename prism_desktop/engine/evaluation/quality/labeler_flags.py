"""Flags: what makes a labeler's care doubtful, by their own answers alone.

A flag needs its interval wholly beyond the bound that the exclusion rules name. That a labeler
disagrees with others is no flag.
"""

from dataclasses import dataclass

import pandas as pd

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.quality.labeler_measures import (
    NO_CHECKS,
    Checks,
    OwnMeasures,
    own_measures,
)
from prism_desktop.engine.evaluation.quality.own_consistency import answer_pairs
from prism_desktop.engine.evaluation.quality.turned_parts import TurnedParts, turned_parts
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules, Reason
from prism_desktop.engine.plain_text import few


@dataclass(frozen=True, slots=True)
class QualityFlag:
    """A reason to doubt a labeler's care, in a sentence."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class LabelerCare:
    """What is seen of one labeler's care, and what of it is doubtful."""

    own: OwnMeasures
    turned: TurnedParts
    flags: tuple[QualityFlag, ...]


def care_of(rows: pd.DataFrame, rules: ExclusionRules, checks: Checks = NO_CHECKS) -> LabelerCare:
    """Look at one labeler's own answers and attention checks.

    Args:
        rows: of the answer table, one labeler's, in time, numbered from 0.
        rules: what is too much.
        checks: theirs, which are in no table.
    """
    pairs = answer_pairs(rows)
    own, turned = own_measures(rows, pairs, rules, checks), turned_parts(rows, pairs)
    return LabelerCare(own, turned, flags_of(own, turned, rules))


def flags_of(
    found: OwnMeasures, turned: TurnedParts, rules: ExclusionRules
) -> tuple[QualityFlag, ...]:
    """The flags of one labeler; none where there are too few answers to tell."""
    told = _reasons(found, turned, rules)
    answers: dict[Reason, int] = {
        "random": found.as_before.n,
        "one side": found.left.n,
        "one answer": max(found.one_answer.n, found.ties.n, found.as_before.n),
        "too fast": found.too_fast.n,
        "turned round": found.as_before.n,
        "failed checks": found.checks_failed.n,
    }
    fewest = dict.fromkeys(answers, rules.fewest_answers) | {"failed checks": rules.fewest_checks}
    there = {
        reason: text for reason, seen, text in told if seen and answers[reason] >= fewest[reason]
    }
    if "turned round" in there:  # which explains it
        there.pop("random", None)
    return tuple(QualityFlag(reason, text) for reason, text in there.items())


def _reasons(
    found: OwnMeasures, turned: TurnedParts, rules: ExclusionRules
) -> list[tuple[Reason, bool, str]]:
    """Every reason, whether it is there, and the sentence for it."""
    return [
        (
            "random",
            found.consistency.high < rules.least_consistency,
            f"The labeler's other answers account for {_percent(found.consistency)} of an answer, "
            f"surely less than {rules.least_consistency:.0%}: nothing is repeated but by chance.",
        ),
        (
            "one side",
            max(found.left.low, 1 - found.left.high) > rules.most_one_side,
            f"{_percent(found.left)} of decided comparisons are for the left face, whatever faces "
            "are shown.",
        ),
        (
            "one answer",
            found.one_answer.low > rules.most_one_answer
            or found.ties.low > rules.most_one_answer
            or found.as_before.low > rules.most_as_before,
            _one_answer(found, rules),
        ),
        (
            "too fast",
            found.too_fast.low > rules.most_too_fast,
            f"{_percent(found.too_fast)} of answers came within {rules.fastest_seconds:g} s, "
            "faster than a face can be seen and answered.",
        ),
        ("turned round", turned.turned, _turned(turned)),
        (
            "failed checks",
            found.checks_failed.low > rules.most_checks_failed,
            f"{_percent(found.checks_failed)} of "
            f"{counted(found.checks_failed.n, 'attention check')} were failed: answered otherwise "
            "than is known.",
        ),
    ]


def _one_answer(found: OwnMeasures, rules: ExclusionRules) -> str:
    if found.one_answer.low > rules.most_one_answer:
        return f"{_percent(found.one_answer)} of ratings have the same value, whatever is shown."
    if found.ties.low > rules.most_one_answer:
        return f"{_percent(found.ties)} of comparisons are ties, whatever is shown."
    return (
        f"An answer is the one before {100 * found.as_before.value:.0f} points more often than by "
        "chance: runs of the same key."
    )


def _turned(turned: TurnedParts) -> str:
    if turned.attributes:
        return (
            f"Ratings and comparisons of {few(turned.attributes)} contradict each other: one of "
            "the two has the answers the other way round."
        )
    return (
        f"{turned.rows.mean():.0%} of the answers contradict the labeler's other answers: there, "
        "the answers are the other way round."
    )


def _percent(found: Estimate) -> str:
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"
