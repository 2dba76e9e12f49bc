"""Learning curves: accuracy against the number of training
answers, for methods that are fitted in one go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.power_law import FEWEST, FittedCurve, learning_curve
from prism_desktop.engine.evaluation.report import evaluate, held_out
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.experiments.curve_store import curve_obstacle, save_curve
from prism_desktop.engine.experiments.kshot import (
    Work,
    config_of,
    scratch_folder,
    snapshot_of_everybody,
)
from prism_desktop.engine.experiments.subsampling import AnswerPool, subsample_all
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import answers
from prism_desktop.engine.models.heads.retrieval import Wanted
from prism_desktop.engine.models.saved_heads import HeadCard
from prism_desktop.engine.runs.curve_files import (
    CurvePoint,
    LearningCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.training.closed_form import ClosedForm
from prism_desktop.engine.training.factory import Task, head_ratings
from prism_desktop.engine.training.offered_blocks import offered_blocks
from prism_desktop.engine.training.resources import Resources, open_resources
from prism_desktop.engine.training.single_ratings import training_ratings

_Z = 1.96  # half a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """A learning curve."""

    study: Path
    method: str
    # training answers of each labeler, as `drawing` counts them; all of them are added
    counts: tuple[int, ...]
    resamples: int
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    source: RunFolder | None = None  # whose data are used; None to take the study's as they are now


def measure_curve(plan: CurvePlan) -> Iterator[Event[LearningCurve]]:
    """Fit a quick method to ever more training answers of
    each labeler, and foretell what more would bring.

    Yields:
        Progress, then Done. The curve is kept in the study.

    Raises:
        InputError: if the method is not quick, or there are too few answers.
    """
    if problem := curve_obstacle("curve", method(plan.method).name):
        raise InputError(problem)
    config = config_of(plan.method, plan.options, plan.settings)
    if plan.source is None:
        require_study(plan.study)
    with scratch_folder(plan.study) as folder:
        pool = snapshot_of_everybody(plan.study, Path(folder), config, plan.source)
        points: list[CurvePoint] = []
        task = Task.of(pool)
        answered = AnswerPool.of(pool, beside=bool(head_ratings(pool, task)))
        counts = _counts(plan, [answered.count(code) for code in task.labelers])
        resources: Resources = yield from value(open_resources(pool))
        yield from resources.read_features(pool)
        yield Progress(0, len(counts), "Opening the study")
        for number, count in enumerate(counts):
            draws = range(plan.resamples if count < counts[-1] else 1)
            fitted = []
            for seed in draws:
                one = yield from _subsampled(pool, resources, config, answered, count, seed)
                fitted.append(one)
            points.append(_point(pool, fitted))
            yield Progress(
                number + 1, len(counts), f"{counted(points[-1].answers, 'answer')} per labeler"
            )
        result = LearningCurve.of(
            config, pool.meta(), points=tuple(points), curve=_fit(points).forecast()
        )
        asked = {"counts": plan.counts, "resamples": plan.resamples}
        save_curve(plan.study, config, asked, result)
        yield Done(result)


def _fit(points: Sequence[CurvePoint]) -> FittedCurve:
    known = [(point.answers, point.accuracy, point.error) for point in points]
    sizes, accuracies, errors = zip(*known, strict=True)
    return learning_curve(sizes, accuracies, errors)


def _counts(plan: CurvePlan, there: Sequence[int]) -> list[int]:
    """The numbers of answers to measure at, those of all labelers the last.

    Raises:
        InputError: if they are too few for a curve.
    """
    most = max(there)
    counts = [*(count for count in plan.counts if count < most), most]
    if len({round(float(np.mean(np.minimum(count, there)))) for count in counts}) < FEWEST:
        raise InputError(
            f"A learning curve needs at least {counted(FEWEST, 'different number')} of answers; "
            f"these labelers gave up to {counted(most, 'training answer')}, so ask for "
            f"{FEWEST - 1} "
            "or more numbers below that."
        )
    return counts


def _subsampled(
    pool: RunFolder,
    resources: Resources,
    config: TrainConfig,
    answered: AnswerPool,
    count: int,
    seed: int,
) -> Work:
    """(predictions, mean number of training answers) with
    at most so many training answers of each labeler."""
    task = Task.of(pool)
    drawn = subsample_all(answered, task.labelers, count, seed)
    given = {
        **task.answers,
        "train": answers(drawn.pairs, task.labelers, task.attributes, task.images),
    }
    drawn_ratings = training_ratings(
        drawn.ratings, pool.table("images"), task.labelers, task.attributes
    )
    beside = {k: r for k, r in head_ratings(pool, task).items() if k != "train"}
    beside |= {"train": drawn_ratings} if drawn_ratings is not None else {}
    assert resources.features is not None
    card = HeadCard(
        config.method, config.backbone, resources.sha256, task.labelers, task.attributes
    )
    wanted = Wanted(**config.retrieval.model_dump())
    offered = offered_blocks(pool, resources.statistics)
    fit = ClosedForm(card, resources.features, given, pool.path, beside, wanted, offered)
    for event in fit.run():
        if isinstance(event, Progress):
            yield Progress(0, None, f"{counted(count, 'answer')} per labeler: {event.what.lower()}")
    scores = np.stack([one.scores.T for one in fit.score() if isinstance(one, LabelerScores)])
    keys = [list(task.labelers), list(task.attributes), list(task.images)]
    index = pd.MultiIndex.from_product(keys, names=["labeler", "attribute", "image"])
    return pd.DataFrame({"score": scores.ravel()}, index=index).reset_index(), drawn.answers / len(
        task.labelers
    )


def _point(pool: RunFolder, fitted: Sequence[tuple[pd.DataFrame, float]]) -> CurvePoint:
    macro = evaluate(held_out(pool.table("pairs")), [frame for frame, _ in fitted]).macro
    if macro.accuracy is None or macro.low is None or macro.high is None:
        raise InputError("There are no held-out answers to measure a learning curve on.")
    return CurvePoint(
        answers=round(float(np.mean([n for _, n in fitted]))),
        accuracy=macro.accuracy,
        error=(macro.high - macro.low) / (2 * _Z),
        n=macro.n,
    )
