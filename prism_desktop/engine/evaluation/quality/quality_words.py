"""The words for what is measured of labels, the same in the window, the terminal and JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isinf, isnan
from typing import Any, Final, Literal

from prism_desktop.engine.clocks import LONG, duration
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.quality.attribute_reliability import TARGET, KindReliability
from prism_desktop.engine.evaluation.quality.quality_report import (
    AttributeQuality,
    LabelerQuality,
    QualityReport,
)
from prism_desktop.engine.runs.estimates import ToldEstimate, too_few

Unit = Literal["share", "points", "seconds", "change", "plain", "count"]
_LARGE: Final = 10_000  # per cent of change, likewise
_MANY: Final = 1000  # labelers, beyond which a number means nothing


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """How one measure is told.

    Attributes:
        key: its name in JSON and tables.
        title: at its row.
        unit: of its numbers.
        meaning: a sentence or two.
    """

    key: str
    title: str
    unit: Unit
    meaning: str


LABELER: Final = (
    MeasureWords(
        "consistency", "Consistency", "share",
        "How much of an answer the labeler's own other answers about the same faces account for: "
        "0% for clicking at random, about 60% for who agrees with themselves four times in five.",
    ),
    MeasureWords(
        "retest_comparisons", "Repeated comparisons alike", "share",
        "Comparisons shown again that got the same answer; a tie against a choice counts half.",
    ),
    MeasureWords(
        "retest_ratings", "Repeated ratings alike", "share",
        "Faces rated again that got the same rating.",
    ),
    MeasureWords(
        "bridge", "Comparisons that go with ratings", "share",
        "Of comparisons of two faces that the labeler also rated, and rated differently, those "
        "that chose the one rated higher.",
    ),
    MeasureWords(
        "left", "Left side chosen", "share",
        "Of decided comparisons; half is no habit.",
    ),
    MeasureWords("ties", "Ties", "share", "Comparisons that were called a tie."),
    MeasureWords(
        "circular", "Circular triads", "count",
        "Three faces in a circle, each chosen over the next; beside it what a model fitted to this "
        "labeler alone expects.",
    ),
    MeasureWords(
        "seconds", "Time of an answer", "seconds", "The median.",
    ),
    MeasureWords(
        "too_fast", "Answers too fast", "share",
        "Faster than the exclusion rules allow.",
    ),
    MeasureWords(
        "drift", "Change of time in 100 trials", "change",
        "Within a session; everybody becomes a little quicker.",
    ),
    MeasureWords(
        "assimilation", "Lean towards the face before", "plain",
        "Steps by which a rating rises for a face before that stands one standard deviation higher "
        "on the joint scale. Some lean is human; spacing similar faces keeps it from mattering.",
    ),
    MeasureWords(
        "one_answer", "Ratings with the commonest value", "share",
        "A sign of straight-lining, and a weak one.",
    ),
    MeasureWords(
        "as_before", "Answers like the one before", "points",
        "More often than by chance: runs of the same key.",
    ),
    MeasureWords(
        "alike", "Trials with one rating for all", "share",
        "Rating trials in which all questions got the same value; faces that are liked make some.",
    ),
    MeasureWords(
        "checks_failed", "Attention checks failed", "share",
        "Trials whose answer is known that got another one, or none; they are in no other number.",
    ),
    MeasureWords(
        "discrimination", "Discrimination", "plain",
        "In the joint model of all labelers: 1 is like the others on average, 0 unlike them, below "
        "0 opposite to them. It measures taste as much as care, and flags nobody.",
    ),
    MeasureWords(
        "side", "Side term", "plain",
        "In the joint model, in logits: above 0 the left face is preferred.",
    ),
)  # fmt: skip

KIND: Final = (
    MeasureWords(
        "alpha", "Krippendorff's alpha", "plain",
        "Ordinal; 1 all say the same, 0 as by chance. Interval by resampling faces or pairs, wider "
        "where pairs share faces.",
    ),
    MeasureWords(
        "icc", "ICC(2,1)", "plain", "Absolute agreement of single labelers; of ratings alone.",
    ),
    MeasureWords(
        "icc_mean", "ICC(2,k)", "plain",
        "Absolute agreement of the mean of as many labelers as rated a face.",
    ),
    MeasureWords(
        "split_half", "Split-half reliability", "plain",
        "Of the faces' means: halves of the labelers, stepped up by Spearman and Brown.",
    ),
    MeasureWords("shared", "Shared taste", "share", "What all labelers see alike in one answer."),
    MeasureWords("private", "Private taste", "share", "What a labeler sees again, others do not."),
    MeasureWords("noise", "Noise", "share", "What a labeler does not answer again."),
    MeasureWords(
        "beholder", "Beholder index", "plain",
        "Private / (private + shared): 0 all see alike, 1 nobody agrees.",
    ),
    MeasureWords(
        "needed", "Labelers for a reliability of 0.8", "count",
        "Of the faces' means, by what is shared in one answer.",
    ),
)  # fmt: skip


def labeler_value(found: LabelerQuality, key: str) -> Estimate:
    """A labeler's measure by its key."""
    if key == "circular":
        triads = found.triads
        return Estimate(float(triads.circular), float("nan"), float("nan"), triads.triads)
    part: Any = found if key in ("discrimination", "side", "assimilation") else found.own
    estimate: Estimate = getattr(part, key)
    return estimate


def told(found: Estimate, unit: Unit) -> ToldEstimate:
    """An estimate in words; a dash where it is unknown."""
    if isnan(found.value):
        return ToldEstimate("–")
    word, after = _WORD[unit], _AFTER[unit]
    if unit == "seconds" and max(found.value, found.high) >= LONG:
        word, after = duration, ""
    interval = ""
    if not isnan(found.low):
        interval = f"[{word(found.low)}, {word(found.high)}], "
    return ToldEstimate(word(found.value) + after, f"{interval}n {found.n:,}", too_few(found.n))


def told_circles(found: LabelerQuality) -> ToldEstimate:
    """The circles of a labeler beside what their own model expects."""
    triads = found.triads
    if not triads.triads:
        return ToldEstimate("–")
    expected = f"expected {triads.expected:.1f} [{triads.low:.0f}, {triads.high:.0f}]"
    return ToldEstimate(
        f"{triads.circular:,} of {triads.triads:,}", expected, too_few(triads.triads)
    )


def told_checks(found: LabelerQuality) -> ToldEstimate:
    """How many attention checks a labeler failed. They are few by design, and each has an answer
    that is known: the rules say of how few nothing is said."""
    checks = found.own.checks_failed
    if not checks.n:
        return ToldEstimate("–")
    failed = f"{round(checks.value * checks.n):,} of {checks.n:,}"
    value, low, high = (f"{100 * each:.0f}" for each in (checks.value, checks.low, checks.high))
    return ToldEstimate(failed, f"{value}% [{low}, {high}]")


def told_measure(found: LabelerQuality, words: MeasureWords) -> ToldEstimate:
    """One of a labeler's measures."""
    if words.key == "circular":
        return told_circles(found)
    if words.key == "checks_failed":
        return told_checks(found)
    return told(labeler_value(found, words.key), words.unit)


def told_kind(found: KindReliability, words: MeasureWords) -> ToldEstimate:
    """One of the measures of an attribute."""
    return told(getattr(found, words.key), words.unit)


def headline(found: LabelerQuality) -> str:
    """What a labeler's answers come to, in one sentence."""
    if found.flags:
        return " ".join(flag.text for flag in found.flags)
    if too_few(found.comparisons + found.ratings):
        return "Too few to tell: fewer answers than it takes to flag anybody."
    consistency = told(found.own.consistency, "share")
    if found.own.consistency.n == 0:
        return "Nothing flagged; no face was judged twice, so consistency is unknown."
    return f"Nothing flagged. Consistency {consistency.line}."


def report_json(report: QualityReport, names: Mapping[str, str]) -> dict[str, Any]:
    """The report as JSON takes it.

    Args:
        names: labeler code -> what to call them.
    """
    marks = report.marks
    reasons = marks["reason"].value_counts()
    return {
        "left_out": {
            "told": report.left_out(),
            "answers": len(marks),
            "of": report.answers,
            "trials": int(marks["trial"].nunique()),
            "reasons": {str(reason): int(count) for reason, count in reasons.items()},
        },
        "rules": {"digest": report.rules.digest, **report.rules.model_dump(mode="json")},
        "notices": list(report.notices),
        "labelers": [_labeler_json(each, names) for each in report.labelers],
        "attributes": [_attribute_json(each) for each in report.attributes],
    }


def _labeler_json(found: LabelerQuality, names: Mapping[str, str]) -> dict[str, Any]:
    measures = {
        words.key: _estimate_json(labeler_value(found, words.key), told_measure(found, words))
        for words in LABELER
    }
    triads = found.triads
    measures["circular"] |= {"expected": triads.expected, "low": triads.low, "high": triads.high}
    return {
        "labeler": found.code,
        "name": names.get(found.code, found.code),
        "group": found.group,
        "comparisons": found.comparisons,
        "ratings": found.ratings,
        "told": headline(found),
        "flags": [{"reason": each.reason, "told": each.text} for each in found.flags],
        "measures": measures,
        "discrimination_by_attribute": {
            name: _estimate_json(each, told(each, "plain"))
            for name, each in found.by_attribute.items()
        },
        "inconsistencies": [
            {
                "sort": each.sort, "attribute": each.attribute, "images": list(each.images),
                "trials": list(each.trials), "told": each.text,
            }
            for each in found.examples
        ],
    }  # fmt: skip


def _attribute_json(found: AttributeQuality) -> dict[str, Any]:
    kinds = {"ratings": found.ratings, "comparisons": found.comparisons}
    return {
        "attribute": found.attribute,
        "group": found.group,
        "labelers": found.labelers,
        **{name: None if part is None else _kind_json(part) for name, part in kinds.items()},
    }


def _kind_json(found: KindReliability) -> dict[str, Any]:
    return {
        "labelers": found.labelers,
        "faces": found.faces,
        "answers": found.answers,
        "labelers_per_face": None if isnan(found.per_face) else found.per_face,
        "measures": {
            words.key: _estimate_json(getattr(found, words.key), told_kind(found, words))
            for words in KIND
        },
        "enough_labelers": {
            "target": TARGET,
            "curve": [
                {"labelers": count, **_estimate_json(each, told(each, "plain"))}
                for count, each in found.enough
            ],
        },
    }


def _estimate_json(found: Estimate, words: ToldEstimate) -> dict[str, Any]:
    value, low, high = (
        None if isnan(each) or isinf(each) else each
        for each in (found.value, found.low, found.high)
    )
    return {
        "value": value, "low": low, "high": high, "n": found.n, "few": words.few,
        "told": words.line,
    }  # fmt: skip


def _count(value: float) -> str:
    return f"over {_MANY:,}" if value > _MANY else f"{value:,.0f}"


def _change(value: float) -> str:
    """In per cent; of times that some clock made up it can be anything."""
    return f"over +{_LARGE:,}" if 100 * value > _LARGE else f"{100 * value:+,.0f}"


_WORD: Final[dict[Unit, Callable[[float], str]]] = {
    "share": lambda value: f"{100 * value:.0f}",
    "points": lambda value: f"{100 * value:+.0f}",
    "seconds": lambda value: f"{value:.2f}",
    "change": _change,
    "plain": lambda value: f"{value:.2f}",
    "count": _count,
}
_AFTER: Final[dict[Unit, str]] = {
    "share": "%", "points": " points", "seconds": " s", "change": "%", "plain": "", "count": "",
}  # fmt: skip
