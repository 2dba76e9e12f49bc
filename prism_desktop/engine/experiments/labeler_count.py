"""Accuracy against the number of labelers who are trained together.

Does a model serve a labeler better if it shares what it learns with more of them, or worse, as the
source documents saw (75 % with two labelers, 68 % with six, each trained once on whoever was
there)? Such numbers mix two things: how many were trained together, and who they were. So here
every labeler is tested at every number, on the same answers: the labelers are dealt at random into
groups of that size, each group has a model of its own, and each labeler is tested with that of
their group; several deals are averaged. Differences between numbers are therefore paired.

The models are ordinary runs in the study, so that an interrupted measurement goes on with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.report import evaluate, gain, held_out
from prism_desktop.engine.evaluation.significance import holm
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.experiments.comparison_plan import obstacle_of
from prism_desktop.engine.experiments.kshot import (
    Work,
    config_of,
    scratch_folder,
    snapshot_of_everybody,
    train_some,
)
from prism_desktop.engine.experiments.mixed_precisions import told_precisions
from prism_desktop.engine.experiments.variants import seeds_matter
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs.curve_files import (
    LabelerCountCurve,
    LabelerCountPoint,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    MacroGain,
)
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.training.resources import ResourceCache

FEWEST = 2  # labelers who can be trained together


@dataclass(frozen=True, slots=True)
class LabelerCountPlan:
    """What to measure.

    Attributes:
        counts: of labelers trained together; all of them are added.
        deals: how many times labelers are dealt into groups of each size.
    """

    study: Path
    method: str
    counts: tuple[int, ...]
    deals: int
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()


def measure_labeler_counts(plan: LabelerCountPlan) -> Iterator[Event[LabelerCountCurve]]:
    """Train every group that is missing, and test every labeler at every number.

    Yields:
        Progress and notices, then Done.

    Raises:
        InputError: one sentence, if the plan cannot be carried out.
    """
    config = config_of(plan.method, plan.options, plan.settings)
    config = config.model_copy(update={"compare": False, "baselines": "none"})
    require_study(plan.study)
    with scratch_folder(plan.study) as folder:
        pool = snapshot_of_everybody(plan.study, Path(folder), config, None)
        if problem := obstacle_of(plan.method, config, pool):
            raise InputError(problem)
        codes = pool.meta().codes
        counts = _counts(plan, len(codes))
        scores: dict[int, list[pd.DataFrame]] = {}
        trained: dict[str, list[RunFolder]] = {}
        cache = ResourceCache()
        for count in counts:
            deals = range(plan.deals if count < len(codes) else 1)
            runs = trained[counted(count, "labeler")] = []
            scores[count] = []
            for seed in deals:
                one = yield from _dealt(pool, config, count, seed, cache, runs)
                scores[count].append(one)
        if mixed := told_precisions(trained):
            yield Notice(mixed)
        yield Progress(1, 1, "Testing")
        points = tuple(_points(pool, scores))
        yield Done(LabelerCountCurve.of(config, pool.meta(), points=points))


def groups(codes: Sequence[str], count: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Labelers dealt into groups of a size.

    Returns:
        Per group who is in it, and who is tested with its model; each labeler is tested once. The
        last group is filled up with labelers of the first ones, who are not tested again.
    """
    order = [codes[place] for place in np.random.default_rng(seed).permutation(len(codes))]
    dealt = []
    for start in range(0, len(order), count):
        tested = order[start : start + count]
        others = [code for code in order if code not in tested][: count - len(tested)]
        dealt.append((sorted([*tested, *others]), sorted(tested)))
    return dealt


def _counts(plan: LabelerCountPlan, there: int) -> list[int]:
    if there <= FEWEST:
        raise InputError(
            "Accuracy against the number of labelers needs more than "
            f"{counted(FEWEST, 'labeler')} with answers; there "
            f"{word_for(there, 'is', 'are')} {there}."
        )
    if plan.deals < 1:
        raise InputError("Labelers are dealt into groups at least once.")
    if any(count < FEWEST for count in plan.counts):
        raise InputError(f"At least {counted(FEWEST, 'labeler')} are trained together.")
    return sorted({count for count in plan.counts if count < there} | {there})


def _dealt(
    pool: RunFolder,
    config: Any,
    count: int,
    seed: int,
    cache: ResourceCache,
    runs: list[RunFolder],
) -> Work:
    """Scores of everybody, each by the model of a group of so many, whose run is put to `runs`."""
    found = []
    if seeds_matter(config):
        config = config.model_copy(update={"seed": config.seed + seed})
    dealt = groups(pool.meta().codes, count, seed)
    for number, (together, tested) in enumerate(dealt, 1):
        title = f"{counted(count, 'labeler')} together, group {number} of {len(dealt)}"
        run = yield from train_some(pool, config, together, title, cache)
        runs.append(run)
        predicted = run.predictions()
        found.append(predicted[predicted["labeler"].isin(tested)])
    return pd.concat(found, ignore_index=True)


def _points(
    pool: RunFolder, scores: Mapping[int, list[pd.DataFrame]]
) -> Iterator[LabelerCountPoint]:
    """Accuracies, and how far each lies from that of all labelers together."""
    pairs, most = pool.table("pairs"), max(scores)
    gains = {
        count: MacroGain.of(gain(held_out(pairs), frames, scores[most]))
        for count, frames in scores.items()
        if count < most
    }
    adjusted = dict(zip(gains, holm([one.p for one in gains.values()]), strict=True))
    for count, frames in sorted(scores.items()):
        against = gains.get(count)
        if against is not None:
            against = against.model_copy(update={"p": adjusted[count], "p_raw": against.p})
        test = evaluate(pairs, frames)
        yield LabelerCountPoint(
            labelers=count,
            deals=len(frames),
            macro=test.macro,
            against_all=against,
            per_labeler=test.per_labeler,
        )
