"""Curves of accuracy, as the JSON files of the store of curves hold them: `KShotCurve`,
`LearningCurve`; `LabelerCountCurve` is only printed. Numbers are as in `result_files`.
"""

from typing import Any, Literal, Self

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs.result_files import Accuracy, MacroGain, SnapshotMeta, SplitReport
from prism_desktop.engine.runs.stored import Bound, Count, Positive, Share, Stored

# answers that what is known without any answer of the labeler stands for, in the law of a curve
START = 10.0
CurveKind = Literal["shots", "curve"]


class ShotPoint(Stored):
    """How well labelers are served whom training never saw, after K answers."""

    k: Count
    answers: Positive | None = None  # that there were, on average
    accuracy: Share | None
    low: Bound | None
    high: Bound | None
    # As in `Accuracy`.
    labelers_low: Bound | None = None
    labelers_high: Bound | None = None
    both_low: Bound | None = None
    both_high: Bound | None = None
    n: Count | None = None
    per_labeler: dict[str, Accuracy] = {}
    resamples: Count | None = None  # draws of the K answers
    deviation: Positive | None = None  # standard deviation of the resamples' macro accuracies
    gain: MacroGain | None = None
    over_random: MacroGain | None = None  # of chosen answers over as many random ones
    spearman: Bound | None = None  # rank correlation with held-out ratings, mean over labelers


class MethodShots(Stored):
    """One method's K-shot curve, ascending in K."""

    method: str
    reads_tested_faces: bool = False
    labelers_seen: bool = False  # they are held out, and enter with K answers
    curve: tuple[ShotPoint, ...]  # the K answers drawn at random
    # the K answers that tell most of a labeler; empty where the method cannot choose
    chosen: tuple[ShotPoint, ...] = ()


class ShotFacts(Stored):
    """What K-shot curves were measured on."""

    study: str = ""
    backbone: str
    split: SplitReport = SplitReport()
    fingerprint: str
    shots: tuple[Count, ...] = ()
    resamples: Count | None = None
    folds: Count | None = None
    image_folds: tuple[Count, ...] = ()  # held out in turn
    labelers: tuple[str, ...] = ()


class KShotResult(ShotFacts):
    """Several methods' curves: `shots --json`."""

    methods: tuple[MethodShots, ...]


class KShotCurve(MethodShots, ShotFacts):
    """A method's curve in the store."""


class LabelerPoint(Stored):
    """One labeler's accuracy after so many of their training answers."""

    answers: Count
    accuracy: Share
    error: Positive  # standard error over faces
    n: Count | None = None  # held-out answers that it was tested on


class CurvePoint(Stored):
    """Accuracy after so many training answers of each labeler."""

    answers: Count  # mean over labelers
    accuracy: Share | None
    error: Positive  # standard error
    n: Count | None = None  # held-out answers that it was tested on
    per_labeler: dict[str, LabelerPoint] = {}


class Forecast(Stored):
    """The fitted power law, and what more answers would bring; see `evaluation.power_law`."""

    top: Bound | None = None
    drop: Bound | None = None
    power: Bound | None = None
    answers: Count | None = None  # the largest number that was measured
    more: Count | None = None  # answers that the forecast adds to it
    gain: Bound | None = None
    low: Bound | None = None
    high: Bound | None = None
    sentence: str = ""

    def at(self, answers: float) -> float | None:
        """The law's accuracy after so many answers; None where the law is not known."""
        if self.top is None or self.drop is None or self.power is None:
            return None
        return float(self.top - self.drop * (answers + START) ** -self.power)


class MeasuredCurve(Stored):
    """What a curve of a method's accuracy was measured on."""

    study: str = ""
    method: str
    reads_tested_faces: bool = False
    labelers_seen: bool = True
    backbone: str
    split: SplitReport = SplitReport()
    fingerprint: str

    @classmethod
    def of(cls, config: TrainConfig, meta: SnapshotMeta, **measured: Any) -> Self:
        """A curve of these settings on a data snapshot; `measured` are the curve's own fields."""
        return cls(
            study=meta.study,
            method=config.method,
            reads_tested_faces=config.reads_tested_faces,
            backbone=config.backbone,
            split=meta.split,
            fingerprint=meta.fingerprint,
            **measured,
        )


class LearningCurve(MeasuredCurve):
    """A method's learning curve in the store: `curve --json`."""

    points: tuple[CurvePoint, ...]
    curve: Forecast
    per_labeler: dict[str, Forecast] = {}  # of each labeler's own curve
    # of all labelers trained together over one fewer, each tested as before
    last_labeler: MacroGain | None = None


class LabelerCountPoint(Stored):
    """Accuracy where so many labelers were trained together."""

    labelers: Count
    deals: Count  # into groups of that size, over which accuracies are averaged
    macro: Accuracy
    against_all: MacroGain | None = None  # minus that of all labelers together; None for all
    per_labeler: dict[str, Accuracy] = {}


class LabelerCountCurve(MeasuredCurve):
    """Accuracy against the number of labelers trained together: `curve --over labelers --json`."""

    points: tuple[LabelerCountPoint, ...]
