"""K-shot curves: how well labelers of whom training never heard are served after few answers.

For a K-shot curve labelers are parted into folds. Each fold is left out of a run, which its
labelers then enter with K of their training answers, and is tested on faces that were held out from
everybody (methods that read what others said of those are marked); an answer is what `draw` says.
The K answers are drawn anew in every resample, and, where a run knows how surely it knows a
labeler, they are also those that would tell it most, chosen before any is given. Where every image
fold is held out in turn, the answers of all folds are tested together. The runs are ordinary ones
in the study, so that an interrupted evaluation goes on with them.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine import files
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.head_fitter import LabelerFitter, alone
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError, PrismError, RunError, TakenOverError
from prism_desktop.engine.evaluation.kshot_curve import kshot_curve
from prism_desktop.engine.evaluation.ranking import held_out_ratings, spearman
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.experiments.comparison_plan import ALL, obstacle_of
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.experiments.mixed_precisions import told_precisions
from prism_desktop.engine.experiments.subsampling import AnswerPool
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, METHODS, ignores_labelers, method
from prism_desktop.engine.methods.needed_methods import training_order
from prism_desktop.engine.models.answers import Ints, answers
from prism_desktop.engine.models.heads.telling import Questions, most_telling
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.processes.process_setup import prepare_torch
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.curve_files import (
    KShotCurve,
    KShotResult,
    MethodShots,
    ShotFacts,
    ShotPoint,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Started, Step
from prism_desktop.engine.study.permission import require_study, require_writable
from prism_desktop.engine.study.records import FOLDS
from prism_desktop.engine.training.dependencies import find_run
from prism_desktop.engine.training.resources import ResourceCache
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.single_ratings import ratings_of
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
    least: int = 0  # labelers with fewer answers are never held out, so they inform every run
    cross_fit: bool = False  # hold out every image fold in turn

    def config(self, name: str) -> TrainConfig:
        """Settings of a method's runs."""
        return config_of(name, self.options, self.settings)

    @property
    def image_folds(self) -> tuple[int, ...]:
        """Which are held out, one after another."""
        split = self.config(CONSENSUS).split
        return tuple(range(FOLDS)) if self.cross_fit else (split.fold,)


@dataclass(slots=True)
class _Tested:
    """Scores of held-out faces, and what they are tested on, of all image folds so far."""

    plan: KShotPlan
    pairs: list[pd.DataFrame] = field(default_factory=list)
    consensus: list[pd.DataFrame] = field(default_factory=list)
    random: dict[int, list[list[pd.DataFrame]]] = field(init=False)  # by K and resample
    chosen: dict[int, list[list[pd.DataFrame]]] = field(init=False)  # by K, one resample
    ranks: dict[tuple[str, int], list[float]] = field(default_factory=dict)  # a fold each
    answers: list[Mapping[int, float]] = field(default_factory=list)  # by K, a fold each
    runs: list[RunFolder] = field(default_factory=list)  # that labelers entered

    def __post_init__(self) -> None:
        self.random = {k: [[] for _ in range(self.plan.resamples)] for k in self.plan.shots}
        self.chosen = {k: [[]] for k in self.plan.shots}

    def curves(self) -> tuple[list[ShotPoint], list[ShotPoint]]:
        """After random and after chosen answers; none of the latter where none were chosen."""
        pairs, consensus = (_joined(part) for part in (self.pairs, self.consensus))
        given = {k: float(np.mean([fold[k] for fold in self.answers])) for k in self.plan.shots}
        random, chosen = (_all_joined(found) for found in (self.random, self.chosen))
        curve = kshot_curve(pairs, random, consensus, given=given)
        told = kshot_curve(pairs, chosen, consensus, given=given, random=random) if chosen else []
        return self._ranked("random", curve), self._ranked("chosen", told)

    def rank(self, pool: RunFolder, start: Mapping[tuple[str, int, int], int]) -> None:
        """Take note of how the scores of one image fold order faces as their labelers rated them.

        Args:
            pool: of the fold.
            start: how many frames of each order, K and resample there were before.
        """
        held = held_out_ratings(pool.table("ratings"), pool.table("pairs"))
        if held.empty:
            return
        for order, found in (("random", self.random), ("chosen", self.chosen)):
            for k, draws in found.items():
                fresh = [draw[start[order, k, n] :] for n, draw in enumerate(draws)]
                told = [spearman(held, _joined(part)).macro for part in fresh if part]
                known = [rho for rho in told if rho is not None]
                if known:
                    self.ranks.setdefault((order, k), []).append(float(np.mean(known)))

    def sizes(self) -> dict[tuple[str, int, int], int]:
        """How many frames there are, by order, K and resample."""
        return {
            (order, k, n): len(draw)
            for order, found in (("random", self.random), ("chosen", self.chosen))
            for k, draws in found.items()
            for n, draw in enumerate(draws)
        }

    def _ranked(self, order: str, curve: list[ShotPoint]) -> list[ShotPoint]:
        ranks = {k: float(np.mean(found)) for (o, k), found in self.ranks.items() if o == order}
        return [
            point.model_copy(update={"spearman": ranks[point.k]}) if point.k in ranks else point
            for point in curve
        ]


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
    with ExitStack() as stack:
        pools = []
        for fold in plan.image_folds:
            folder = stack.enter_context(scratch_folder(plan.study))
            config = _of_fold(plan.config(CONSENSUS), fold)
            pools.append(snapshot_of_everybody(plan.study, Path(folder), config, plan.source))
        meta = pools[0].meta()
        parts = _parts(_held_out(plan, pools[0]), plan.folds)
        asked: dict[str, object] = {
            "shots": list(plan.shots), "resamples": plan.resamples, "folds": len(parts),
        }  # fmt: skip
        asked |= {"least": plan.least} if plan.least else {}
        asked |= {"cross_fit": True} if plan.cross_fit else {}
        facts = ShotFacts(
            study=meta.study,
            backbone=plan.config(CONSENSUS).backbone,
            split=meta.split,
            fingerprint=meta.fingerprint,
            shots=plan.shots,
            resamples=plan.resamples,
            folds=len(parts),
            image_folds=plan.image_folds,
            labelers=meta.codes,
        )
        results: list[MethodShots] = []
        trained: dict[str, list[RunFolder]] = {}
        cache = ResourceCache()
        for name in _methods(plan, pools[0]):
            tested = _Tested(plan)
            trained[name] = tested.runs
            for fold, pool in zip(plan.image_folds, pools, strict=True):
                yield from _test_fold(name, fold, pool, parts, cache, tested)
            yield Progress(1, 1, f"{name}: testing")
            reads = plan.config(name).reads_tested_faces
            curve, chosen = tested.curves()
            results.append(
                MethodShots(
                    method=name, reads_tested_faces=reads, curve=tuple(curve), chosen=tuple(chosen)
                )
            )
            kept = KShotCurve(**facts.given(), **results[-1].given())
            save_curve(plan.study, plan.config(name), asked, kept)
        if mixed := told_precisions(trained):
            yield Notice(mixed)
        yield Done(KShotResult(**facts.given(), methods=tuple(results)))


def _test_fold(
    name: str,
    fold: int,
    pool: RunFolder,
    parts: list[list[str]],
    cache: ResourceCache,
    tested: _Tested,
) -> Iterator[Progress | Notice]:
    """Everybody who is held out enters a run that holds out the faces of one image fold."""
    plan, codes, before = tested.plan, pool.meta().codes, tested.sizes()
    for number, part in enumerate(parts):
        where = f", fold {fold + 1}" if plan.cross_fit else ""
        title = f"{name}{where}, labelers {number + 1} of {len(parts)}"
        config = _of_fold(plan.config(name), fold)
        run = yield from train_some(pool, config, [c for c in codes if c not in part], title, cache)
        tested.runs.append(run)
        tested.consensus.append(_consensus_of(run, part))
        yield Notice(f"{title}: trained without {few(part, 5)}, who enter now")
        fitter = yield from value(open_fitter(run, cache.find(run)))
        yield from _adapt_all(pool, fitter, part, tested, title)
    tested.rank(pool, before)
    held = [code for part in parts for code in part]
    pairs, answered = pool.table("pairs"), AnswerPool.of(pool, beside=False)
    tested.pairs.append(pairs[(pairs["split"] == "test") & pairs["labeler"].isin(held)])
    there = [answered.count(code) for code in held]
    tested.answers.append({k: float(np.mean(np.minimum(k, there))) for k in plan.shots})


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
            "A K-shot curve holds out labelers and what they judge, so it needs --split image."
        )


def _of_fold(config: TrainConfig, fold: int) -> TrainConfig:
    split = config.split.model_copy(update={"fold": fold})
    return config.model_copy(update={"split": split})


def _held_out(plan: KShotPlan, pool: RunFolder) -> list[str]:
    """The labelers who are held out in turn."""
    codes = list(pool.meta().codes)
    if len(codes) < 3:
        raise InputError(
            f"A K-shot curve holds labelers out and trains on two or more; there are {len(codes)}."
        )
    given = [pool.table(name)["labeler"].astype(object) for name in ("comparisons", "ratings")]
    count = pd.concat(given).value_counts()
    found = [code for code in codes if count.get(code, 0) >= plan.least]
    if not found:
        raise InputError(f"No labeler gave {counted(plan.least, 'answer')} or more.")
    return found


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
    attributes: Sequence[str] | None = None,
) -> Work:
    """A finished run of some labelers, and of some attributes where these are named: one that is
    there, or a new one."""
    study, config = pool.study, config.model_copy(update={"labelers": tuple(codes)})
    if attributes is not None:
        config = config.model_copy(update={"attributes": tuple(attributes)})
    with narrowed(pool, codes, attributes) as source:
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
    except TakenOverError:
        raise
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


@contextmanager
def narrowed(
    pool: RunFolder, codes: Sequence[str], attributes: Sequence[str] | None = None
) -> Iterator[RunFolder]:
    """The data of some labelers and attributes, in a folder for a while."""
    with scratch_folder(pool.study) as folder:
        source = RunFolder(folder)
        files.make_folder(source.data)
        narrow_snapshot(pool, source, codes, attributes)
        yield source


def _consensus_of(run: RunFolder, part: Sequence[str]) -> pd.DataFrame:
    """What the consensus of a run's labelers says, for labelers whom it never met."""
    consensus = run.predictions() if ignores_labelers(run.config().method) else run.consensus()
    if consensus.empty:
        raise RunError(f"The run {run.name} lacks the consensus to compare with.")
    one = consensus[consensus["labeler"] == consensus["labeler"].iloc[0]]
    found: pd.DataFrame = pd.concat([one.assign(labeler=code) for code in part], ignore_index=True)
    return found


def _adapt_all(
    pool: RunFolder, fitter: LabelerFitter, part: Sequence[str], tested: _Tested, title: str
) -> Iterator[Progress]:
    """Every held-out labeler enters with every K, in every order."""
    meta, table, answered = pool.meta(), pool.table("images"), AnswerPool.of(pool, beside=False)
    names, plan = meta.names, tested.plan
    images = [str(image) for image in table["image"]]
    faces = np.flatnonzero(table["split"].to_numpy(dtype=object) == "test")
    ids = np.array(images, dtype=object)[faces]
    profiles = {labeler.code: labeler.profile for labeler in meta.labelers}

    def enter(code: str, k: int, seed: int, order: Ints | None) -> pd.DataFrame:
        drawn = answered.draw(code, k, seed, order)
        given = alone(answers(drawn.pairs, [code], names, images))
        rated = ratings_of(drawn.ratings, [code], names, images)
        scores = fitter.fit(given, profiles[code], rated).scores(faces)
        levels = ["labeler", "attribute", "image"]
        keys = pd.MultiIndex.from_product([[code], names, ids], names=levels)
        return pd.DataFrame({"score": scores.ravel()}, index=keys).reset_index()

    done, total = 0, len(part) * len(plan.shots) * plan.resamples
    for code in part:
        order = _most_telling(fitter, answered.asked(code), names, images, max(plan.shots))
        for k in plan.shots:
            for seed, draws in enumerate(tested.random[k]):
                same = k == 0 and seed > 0  # nothing to draw
                draws.append(tested.random[k][0][-1] if same else enter(code, k, seed, None))
                done += 1
                yield Progress(done, total, f"{title}: {code} enters")
            if order is not None:
                tested.chosen[k][0].append(enter(code, k, 0, order))


def _most_telling(
    fitter: LabelerFitter,
    asked: pd.DataFrame,
    names: Sequence[str],
    images: Sequence[str],
    count: int,
) -> Ints | None:
    """Rows of what a labeler was asked, those first that would tell most of them; None where the
    run cannot choose. No answer is looked at."""
    known = fitter.posterior()
    if known is None:
        return None
    index = pd.Index(images)
    left, right = (index.get_indexer(pd.Index(asked[side])) for side in ("left", "right"))
    attribute = pd.Index(names).get_indexer(pd.Index(asked["attribute"]))
    questions = Questions(*(column.astype(np.int64) for column in (left, right, attribute)))
    return most_telling(known.heads, known.features, questions, count)


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def _all_joined(found: Mapping[int, list[list[pd.DataFrame]]]) -> dict[int, list[pd.DataFrame]]:
    """By K and resample; empty where there is nothing."""
    return {k: [_joined(draw) for draw in draws] for k, draws in found.items() if all(draws)}
