"""Learning curves: accuracy against the number of training answers, for methods that are fitted in
one go; of all labelers and of each.

What is counted are all answers that a method is given, those it validates with as well: closed
forms learn from them too once their settings are chosen. Test answers are the same at every number.

What one more labeler would bring is told by the last one who came: everybody is tested by models of
all labelers, and by models that lack one, whose answers taught nothing. A labeler more can be
expected to bring no more than that one did.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import ceilings
from prism_desktop.engine.evaluation.power_law import FEWEST, FittedCurve, learning_curve
from prism_desktop.engine.evaluation.report import evaluate, gain, held_out
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.experiments.curve_store import curve_obstacle, save_curve
from prism_desktop.engine.experiments.kshot import (
    Work,
    config_of,
    scratch_folder,
    snapshot_of_everybody,
)
from prism_desktop.engine.experiments.subsampling import AnswerPool, Subsample, subsample_all
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import answers
from prism_desktop.engine.models.heads.retrieval import Wanted
from prism_desktop.engine.models.saved_heads import HeadCard
from prism_desktop.engine.runs.curve_files import (
    CurvePoint,
    Forecast,
    LabelerPoint,
    LearningCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import MacroGain
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.training.closed_form import ClosedForm
from prism_desktop.engine.training.factory import Task, head_ratings
from prism_desktop.engine.training.offered_blocks import offered_blocks
from prism_desktop.engine.training.resources import Resources, open_resources
from prism_desktop.engine.training.single_ratings import training_ratings

_GIVEN = ("train", "val")  # splits of the answers that are counted
_Z = 1.96  # half a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """A learning curve."""

    study: Path
    method: str
    # answers of each labeler, as `AnswerPool` counts them; all of them are added
    counts: tuple[int, ...]
    resamples: int
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    source: RunFolder | None = None  # whose data are used; None to take the study's as they are now


def measure_curve(plan: CurvePlan) -> Iterator[Event[LearningCurve]]:
    """Fit a quick method to ever more answers of each labeler, and foretell what more would bring.

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
        beside = bool(head_ratings(pool, task))
        answered = AnswerPool.of(pool, beside, splits=_GIVEN)
        counts = _counts(plan, [answered.count(code) for code in task.labelers])
        fitted: list[tuple[pd.DataFrame, float]] = []
        resources: Resources = yield from value(open_resources(pool))
        yield from resources.read_features(pool)
        yield Progress(0, len(counts), "Opening the study")
        for number, count in enumerate(counts):
            draws = range(plan.resamples if count < counts[-1] else 1)
            fitted = []
            for seed in draws:
                drawn = subsample_all(answered, task.labelers, count, seed)
                what = f"{counted(count, 'answer')} per labeler"
                one = yield from _subsampled(pool, resources, config, drawn, what)
                fitted.append(one)
            points.append(_point(pool, fitted, answered, count))
            yield Progress(
                number + 1, len(counts), f"{counted(points[-1].answers, 'answer')} per labeler"
            )
        whole = [frame for frame, _ in fitted]
        last = yield from _last_labeler(pool, resources, config, answered, plan.resamples, whole)
        result = LearningCurve.of(
            config, pool.meta(), points=tuple(points), curve=_fit(points).forecast(),
            per_labeler=_forecasts(pool, points), last_labeler=last,
        )  # fmt: skip
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
            f"these labelers gave up to {counted(most, 'answer')}, so ask for "
            f"{FEWEST - 1} "
            "or more numbers below that."
        )
    return counts


def _subsampled(
    pool: RunFolder, resources: Resources, config: TrainConfig, drawn: Subsample, what: str
) -> Work:
    """(predictions, mean number of answers) with some of the answers given."""
    task = Task.of(pool)
    images = pool.table("images")
    given, beside = dict(task.answers), dict(head_ratings(pool, task))
    for split in _GIVEN:
        pairs = drawn.pairs[drawn.pairs["split"] == split]
        given[split] = answers(pairs, task.labelers, task.attributes, task.images)
        if beside.pop(split, None) is not None:
            rated = training_ratings(drawn.ratings, images, task.labelers, task.attributes, split)
            beside |= {split: rated} if rated is not None else {}
    assert resources.features is not None
    card = HeadCard(
        config.method, config.backbone, resources.sha256, task.labelers, task.attributes
    )
    wanted = Wanted(**config.retrieval.model_dump())
    offered = offered_blocks(pool, resources.statistics)
    fit = ClosedForm(card, resources.features, given, pool.path, beside, wanted, offered)
    for event in fit.run():
        if isinstance(event, Progress):
            yield Progress(0, None, f"{what}: {event.what.lower()}")
    scores = np.stack([one.scores.T for one in fit.score() if isinstance(one, LabelerScores)])
    keys = [list(task.labelers), list(task.attributes), list(task.images)]
    index = pd.MultiIndex.from_product(keys, names=["labeler", "attribute", "image"])
    return pd.DataFrame({"score": scores.ravel()}, index=index).reset_index(), drawn.answers / len(
        task.labelers
    )


def _last_labeler(
    pool: RunFolder,
    resources: Resources,
    config: TrainConfig,
    answered: AnswerPool,
    deals: int,
    whole: Sequence[pd.DataFrame],
) -> Work:
    """What the last labeler brought to everybody; None of fewer than three labelers.

    A deal draws two labelers: everybody is tested by a model without the first of them, who is
    tested by one without the second.
    """
    codes = Task.of(pool).labelers
    if len(codes) < FEWEST:
        return None
    dealt = []
    for seed in range(deals):
        parts = []
        first, second = np.random.default_rng([seed, len(codes)]).permutation(len(codes))[:2]
        for gone, tested in ((first, None), (second, codes[first])):
            others = [code for place, code in enumerate(codes) if place != gone]
            drawn = subsample_all(answered, others, sys.maxsize, seed)
            what = f"One labeler fewer, {seed + 1} of {deals}"
            frame, _ = yield from _subsampled(pool, resources, config, drawn, what)
            mine = frame["labeler"] == tested if tested else frame["labeler"] != codes[first]
            parts.append(frame[mine])
        dealt.append(pd.concat(parts, ignore_index=True))
    return MacroGain.of(gain(held_out(pool.table("pairs")), whole, dealt))


def _point(
    pool: RunFolder,
    fitted: Sequence[tuple[pd.DataFrame, float]],
    answered: AnswerPool,
    count: int,
) -> CurvePoint:
    test = evaluate(held_out(pool.table("pairs")), [frame for frame, _ in fitted])
    macro = test.macro
    if macro.accuracy is None or macro.low is None or macro.high is None:
        raise InputError("There are no held-out answers to measure a learning curve on.")
    return CurvePoint(
        answers=round(float(np.mean([n for _, n in fitted]))),
        accuracy=macro.accuracy,
        error=(macro.high - macro.low) / (2 * _Z),
        n=macro.n,
        per_labeler={
            code: LabelerPoint(
                answers=min(count, answered.count(code)),
                accuracy=row.accuracy,
                error=(row.high - row.low) / (2 * _Z),
                n=row.n,
            )
            for code, row in test.per_labeler.items()
            if row.accuracy is not None and row.low is not None and row.high is not None
        },
    )


def _forecasts(pool: RunFolder, points: Sequence[CurvePoint]) -> dict[str, Forecast]:
    """What more answers of each labeler would bring, where they were measured at enough numbers; no
    curve ends above what their own repeats allow."""
    top = ceilings(pool.table("comparisons"), pool.table("ratings"))
    found = {}
    for code in points[-1].per_labeler:
        # beyond what a labeler gave the points repeat
        own = {each.answers: each for one in points if (each := one.per_labeler.get(code))}
        if len(own) >= FEWEST:
            ceiling = top[code].high if code in top else 1.0
            accuracies = [each.accuracy for each in own.values()]
            errors = [each.error for each in own.values()]
            found[code] = learning_curve(list(own), accuracies, errors, ceiling).forecast()
    return found
