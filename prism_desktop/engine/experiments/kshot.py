"""K-shot curves: how well labelers of whom training never heard are served after few answers.

For a K-shot curve labelers are parted into folds. Each fold is left out of a run, which its
labelers then enter with K of their training answers, drawn anew in every resample, and is tested on
faces that were held out from everybody (methods that read what others said of those are marked); an
answer is what `drawing` says. The runs are ordinary ones in the study, so that an interrupted
evaluation goes on with them.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine import files
from prism_desktop.engine.adaptation.fitter_choice import open_fitter, value
from prism_desktop.engine.adaptation.fitters import LabelerFitter, alone
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError, PrismError, RunError
from prism_desktop.engine.evaluation.kshot_curve import kshot_curve
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.experiments.comparison_plan import ALL, obstacle_of, training_order
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.experiments.subsampling import AnswerPool
from prism_desktop.engine.methods import METHODS, method
from prism_desktop.engine.models.answers import answers
from prism_desktop.engine.processes.process_setup import prepare_torch
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    KShotCurve,
    KShotResult,
    MethodShots,
    ShotFacts,
    ShotPoint,
)
from prism_desktop.engine.runs.run_events import Started, Step
from prism_desktop.engine.study.permission import require_study, require_writable
from prism_desktop.engine.training.dependencies import CONSENSUS, find_run
from prism_desktop.engine.training.losses.rating_likelihood import ratings_of
from prism_desktop.engine.training.resources import ResourceCache
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import copy_snapshot, make_snapshot, narrow_snapshot

Work = Generator[Progress | Notice, None, Any]


@dataclass(frozen=True, slots=True)
class KShotPlan:
    """A K-shot evaluation."""

    study: Path
    methods: tuple[str, ...]  # or ("all",) for every method that is possible
    shots: tuple[int, ...]  # K
    resamples: int  # draws of the K answers
    folds: int  # parts of the labelers
    options: Mapping[str, Any] = field(default_factory=dict)  # of all runs, by dotted key
    settings: tuple[str, ...] = ()  # the same as "key=value"
    source: RunFolder | None = None  # whose data are used; None to take the study's as they are now

    def config(self, name: str) -> TrainConfig:
        """Settings of a method's runs."""
        return config_of(name, self.options, self.settings)


def measure_kshot(plan: KShotPlan) -> Iterator[Event[KShotResult]]:
    """Train what is missing, let held-out labelers enter, and test them.

    Yields:
        Progress and notices, then Done. Gains are against the consensus of the same run's labelers
        on the same answers. Each method's curve is kept in the study as soon as it is there.

    Raises:
        InputError: one sentence, if the plan cannot be carried out.
    """
    _check(plan)
    if plan.source is None:
        require_study(plan.study)
    with scratch_folder(plan.study) as folder:
        pool = snapshot_of_everybody(plan.study, Path(folder), plan.config(CONSENSUS), plan.source)
        meta = pool.meta()
        codes = list(meta.codes)
        if len(codes) < 3:
            raise InputError(
                "A K-shot curve holds labelers out and trains on two or more; there are "
                f"{len(codes)}."
            )
        parts = _parts(codes, plan.folds)
        asked = {"shots": list(plan.shots), "resamples": plan.resamples, "folds": len(parts)}
        facts = ShotFacts(
            study=meta.study,
            backbone=plan.config(CONSENSUS).backbone,
            split=meta.split,
            fingerprint=meta.fingerprint,
            shots=plan.shots,
            resamples=plan.resamples,
            folds=len(parts),
            labelers=meta.codes,
        )
        results: list[MethodShots] = []
        resource_cache = ResourceCache()
        for name in _methods(plan, pool):
            frames: dict[int, list[list[pd.DataFrame]]] = {
                k: [[] for _ in range(plan.resamples)] for k in plan.shots
            }
            shared = []
            for number, part in enumerate(parts):
                title = f"{name}, labelers {number + 1} of {len(parts)}"
                run = yield from train_some(
                    pool,
                    plan.config(name),
                    [c for c in codes if c not in part],
                    title,
                    resource_cache,
                )
                shared.append(_consensus_of(run, part))
                yield Notice(f"{title}: trained without {', '.join(part)}, who enter now")
                fitter = yield from value(open_fitter(run, resource_cache.find(run)))
                yield from _adapt_all(plan, pool, fitter, part, frames, title)
            yield Progress(1, 1, f"{name}: testing")
            reads = plan.config(name).reads_tested_faces
            curve = _curve(pool, codes, frames, shared)
            results.append(MethodShots(method=name, reads_tested_faces=reads, curve=tuple(curve)))
            kept = KShotCurve(**facts.given(), **results[-1].given())
            save_curve(plan.study, plan.config(name), asked, kept)
        yield Done(KShotResult(**facts.given(), methods=tuple(results)))


def config_of(name: str, options: Mapping[str, Any], settings: Sequence[str]) -> TrainConfig:
    config = TrainConfig().with_options({**options, "method": method(name).name}, settings)
    return config.model_copy(update={"backbone": parse(config.backbone).text})


def _check(plan: KShotPlan) -> None:
    if not plan.methods or not plan.shots:
        raise InputError("A K-shot curve wants at least one method and one number of answers.")
    if plan.resamples < 1 or plan.folds < 2:
        raise InputError("A K-shot curve wants at least one resample and two folds of labelers.")
    if plan.config(CONSENSUS).split.kind != "image":
        raise InputError(
            "A K-shot curve holds out faces as well as labelers, so its split is by image."
        )


def _methods(plan: KShotPlan, pool: RunFolder) -> tuple[str, ...]:
    """What to evaluate.

    Of all methods those that this study allows, what others depend on first.
    """
    everything = plan.methods == (ALL,)
    reasons = {
        name: obstacle_of(name, plan.config(name), pool)
        for name in (METHODS if everything else plan.methods)
    }
    possible = [name for name, reason in reasons.items() if not reason]
    if len(possible) < len(reasons) and not everything:
        raise InputError(next(reason for reason in reasons.values() if reason))
    return tuple(sorted(possible, key=training_order) if everything else possible)


def scratch_folder(study: Path) -> AbstractContextManager[Path]:
    """A folder for data in the study's cache, where a
    run's folder finds its study two levels up."""
    if not study.is_dir():
        raise InputError(f"There is no study at {study}.")
    require_writable(study)
    return files.scratch_folder(study / "cache", "shots-")


def snapshot_of_everybody(
    study: Path, folder: Path, config: TrainConfig, source: RunFolder | None
) -> RunFolder:
    """Everybody's data, split once for all runs.

    Those of `source`, or the study's as they are now.
    """
    from prism_desktop.engine.study.store import Study

    pool = RunFolder(folder)
    files.make_folder(pool.data)
    files.write_json(pool.path / layout.CONFIG, config.model_dump(mode="json"))
    if source is not None:
        copy_snapshot(source, pool)
        return pool
    with Study.open(study, read_only=True) as opened:
        make_snapshot(opened, pool, config.model_copy(update={"method": CONSENSUS}))
    return pool


def _parts(codes: Sequence[str], folds: int) -> list[list[str]]:
    """Labelers dealt out at random, the same way every time."""
    order = [codes[place] for place in np.random.default_rng(0).permutation(len(codes))]
    count = min(folds, len(codes))
    return [sorted(order[number::count]) for number in range(count)]


def train_some(
    pool: RunFolder,
    config: TrainConfig,
    codes: Sequence[str],
    title: str,
    resource_cache: ResourceCache,
) -> Work:
    """A finished run of some labelers: one that is there, or a new one."""
    study, config = pool.study, config.model_copy(update={"labelers": tuple(codes)})
    with scratch_folder(study) as folder:
        source = RunFolder(folder)
        files.make_folder(source.data)
        narrow_snapshot(pool, source, codes)
        run = find_run(study, config, source.meta())
        if run is None:
            run = RunFolder.create(study, config)
            copy_snapshot(source, run)
    if run.status().state == "finished":
        return run
    total = 0
    prepare_torch(run)
    try:
        for event in train_run(run, Control(run), resource_cache=resource_cache):
            if isinstance(event, Started):
                total = event.epochs * event.steps_per_epoch
            elif isinstance(event, Step):
                yield Progress(event.step, total, f"{title}: training")
            elif isinstance(event, Progress):
                yield Progress(event.done, event.total, f"{title}: {event.what.lower()}")
    except PrismError as error:
        run.set_status("failed", message=str(error))
        raise
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        run.set_status("stopped", message="The evaluation was cancelled; it goes on from here.")
        raise
    except BaseException:
        run.abandon()
        raise
    if run.status().state != "finished":
        raise RunError(f"The run {run.name} was {run.status().state} before it could be entered.")
    return run


def _consensus_of(run: RunFolder, part: Sequence[str]) -> pd.DataFrame:
    """What the consensus of a run's labelers says, for labelers whom it never met."""
    consensus = run.consensus() if method(run.config().method).personal else run.predictions()
    if consensus.empty:
        raise RunError(f"The run {run.name} lacks the consensus to compare with.")
    one = consensus[consensus["labeler"] == consensus["labeler"].iloc[0]]
    found: pd.DataFrame = pd.concat([one.assign(labeler=code) for code in part], ignore_index=True)
    return found


def _adapt_all(
    plan: KShotPlan,
    pool: RunFolder,
    fitter: LabelerFitter,
    part: Sequence[str],
    frames: dict[int, list[list[pd.DataFrame]]],
    title: str,
) -> Iterator[Progress]:
    """Every held-out labeler enters with every K and resample.

    Scores of the test images go into `frames`.
    """
    meta, table, answered = pool.meta(), pool.table("images"), AnswerPool.of(pool, beside=False)
    names = meta.names
    images = [str(image) for image in table["image"]]
    tested = np.flatnonzero(table["split"].to_numpy(dtype=object) == "test")
    ids = np.array(images, dtype=object)[tested]
    profiles = {labeler.code: labeler.profile for labeler in meta.labelers}
    done, total = 0, len(part) * len(plan.shots) * plan.resamples
    for code in part:
        for k in plan.shots:
            for seed in range(plan.resamples):
                if k == 0 and seed:  # nothing to draw
                    frames[k][seed].append(frames[k][0][-1])
                else:
                    drawn = answered.draw(code, k, seed)
                    given = alone(answers(drawn.pairs, [code], names, images))
                    rated = ratings_of(drawn.ratings, [code], names, images)
                    scores = fitter.fit(given, profiles[code], rated).scores(tested)
                    keys = pd.MultiIndex.from_product(
                        [[code], names, ids], names=["labeler", "attribute", "image"]
                    )
                    frames[k][seed].append(
                        pd.DataFrame({"score": scores.ravel()}, index=keys).reset_index()
                    )
                done += 1
                yield Progress(done, total, f"{title}: {code} enters")


def _curve(
    pool: RunFolder,
    codes: Sequence[str],
    frames: Mapping[int, Sequence[Sequence[pd.DataFrame]]],
    shared: Sequence[pd.DataFrame],
) -> list[ShotPoint]:
    there = [AnswerPool.of(pool, beside=False).count(code) for code in codes]
    given = {k: float(np.mean(np.minimum(k, there))) for k in frames}
    joined = {
        k: [pd.concat(draw, ignore_index=True) for draw in draws] for k, draws in frames.items()
    }
    return kshot_curve(
        pool.table("pairs"), joined, pd.concat(shared, ignore_index=True), given=given
    )
