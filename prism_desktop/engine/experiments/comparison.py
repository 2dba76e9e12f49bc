"""Methods side by side on one study: what is missing is trained, what is finished is used again.

A comparison is a folder, `comparisons/NAME/` in the study: leaderboard.json and leaderboard.md,
written anew after each run, and the data that all its runs share. Importing this needs neither
torch nor pandas.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import getpid
from pathlib import Path
from typing import Any

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.methods import METHODS, method
from prism_desktop.engine.methods.method import NO_CONTROL
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.processes.series import Series
from prism_desktop.engine.processes.supervisor import Batch
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.training.dependencies import CONSENSUS, find_run
from prism_desktop.engine.training.snapshot import copy_snapshot, make_snapshot

ALL = "all"
FOLDER = "comparisons"
MOST_SEEDS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compare.

    Attributes:
        study: the study's folder.
        methods: names, or ("all",) for every method that is possible; the consensus is always
            there.
        options: settings that all runs share, by dotted key, as `TrainConfig.with_options` takes
            them.
        settings: the same as "key=value".
        seeds: runs of each method, with this many seeds of training on the same split.
        controls: also test every personal method with the labelers' models rotated.
        shuffled: train on answers whose labelers were permuted: no method may gain.
        cross_fit: train once per image fold, each held out in turn, so that every answer within a
            fold is tested once.
        name: of the comparison's folder; empty for one that follows from the rest.
    """

    study: Path
    methods: tuple[str, ...] = (ALL,)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    seeds: int = 1
    controls: bool = False
    shuffled: bool = False
    name: str = ""
    cross_fit: bool = False

    def config(self, name: str, seed: int = 0, fold: int | None = None) -> TrainConfig:
        """Settings of one run; `seed` counts on from the one that
        was asked for, `fold` is the one that is tested."""
        given = {"seed": 0, **self.options, "method": name}
        if fold is not None:
            given["split.fold"] = fold
        if self.shuffled:
            given["pairs.shuffle"] = 0
        config = TrainConfig().with_options(given, self.settings)
        if fold is not None and config.split.fold != fold:
            raise InputError(
                "Cross-fitting holds out every fold in turn; leave the setting split.fold out."
            )
        # Named in full, so that the run is resumed and reproduced from any folder.
        return config.model_copy(
            update={"seed": config.seed + seed, "backbone": parse(config.backbone).text}
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan that was found possible, with its data.

    Attributes:
        path: its folder.
        methods: in the order of training; what a method stands on comes before it.
        left_out: methods of all that are not possible here, and those of which the control says
            nothing, with reasons.
        folds: that are tested.
        sources: for each method and fold a folder with the data snapshot that its runs learn from.
    """

    plan: Plan
    path: Path
    methods: tuple[str, ...]
    left_out: Mapping[str, str]
    folds: tuple[int, ...]
    sources: Mapping[tuple[str, int], RunFolder]


@dataclass(frozen=True, slots=True)
class ComparisonEntry:
    """One run of a comparison, wanted or there."""

    method: str
    seed: int  # counted from 0 within the comparison
    fold: int  # of the images that are tested
    run: RunFolder | None = None
    failure: str = ""  # one sentence


def prepare(plan: Plan) -> Comparison:
    """Check a plan and take its data from the study; nothing is trained.

    The folder is the caller's to claim.

    Raises:
        PrismError: one sentence, if anything is unknown or impossible.
    """
    from prism_desktop.engine.study.store import Study

    if not plan.study.is_dir():
        raise InputError(f"There is no study at {plan.study}.")
    if not 1 <= plan.seeds <= MOST_SEEDS:
        raise InputError(f"A comparison takes 1 to {MOST_SEEDS} seeds, not {plan.seeds}.")
    everything = plan.methods == (ALL,)
    names = tuple(METHODS) if everything else tuple(dict.fromkeys((CONSENSUS, *plan.methods)))
    first = plan.config(CONSENSUS).split
    if plan.cross_fit and first.kind != "image":
        raise InputError(
            "Cross-fitting holds out image folds in turn; it needs the image split, not "
            f"{first.kind}."
        )
    path = folder_of(plan)
    with Study.open(plan.study, read_only=True) as study:
        sources = _sources(study, plan, path, names, (first.fold,))
        folds: tuple[int, ...] = (first.fold,)
        if plan.cross_fit:
            folds = tuple(range(int(sources[CONSENSUS, first.fold].meta()["split"]["folds"])))
            sources = _sources(study, plan, path, names, folds)
    refused = {
        n: why for n in names if (why := obstacle_of(n, plan.config(n), sources[n, first.fold]))
    }
    possible = [name for name in names if name not in refused]
    if refused and (not everything or possible == [CONSENSUS]):
        raise InputError(next(iter(refused.values())))
    if plan.config(CONSENSUS).pairs.shuffle is not None:
        refused |= {name: NO_CONTROL for name in possible if plan.config(name).reads_tested_faces}
        possible = [name for name in possible if name not in refused]
        if refused and possible == [CONSENSUS]:
            raise InputError(
                f"Shuffled labelers are no control of {next(iter(refused))}. {NO_CONTROL}"
            )
    return Comparison(plan, path, tuple(sorted(possible, key=turn)), refused, folds, sources)


def compare(plan: Plan) -> Iterator[Batch]:
    """Train what is missing, one run after another, and keep the leaderboard up to date.

    Closing this ends the training; what is finished stays, and the same plan goes on where this
    stood.

    Yields:
        Batches of events. Its own are "comparison" {path, runs, left_out}, "item" {number, runs,
        method, seed, fold, run, state: "reused", "resumed" or "new"}, "item-ended" {number, runs,
        method, seed, fold, failure} and at last "compared" {path}; between "item" and "item-ended"
        come the run's, as in its events.jsonl.

    Raises:
        PrismError: nothing can be trained; a single method's failure is told in its row instead.
    """
    yield [_event("stage", name="preparing")]
    if not plan.study.is_dir():
        raise InputError(f"There is no study at {plan.study}.")
    path = folder_of(plan)
    new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    # first, as a second one would put other data in place
    with held(path, f"The comparison {path.name}"):
        try:
            comparison = prepare(plan)
        except PrismError:
            if new:
                shutil.rmtree(path, ignore_errors=True)
            raise
        yield from _carry_out(comparison)
    yield [_event("compared", path=str(path))]


def _carry_out(comparison: Comparison) -> Iterator[Batch]:
    plan = comparison.plan
    wanted = [
        ComparisonEntry(name, seed, fold)
        for seed in range(plan.seeds)
        for fold in comparison.folds
        for name in comparison.methods
    ]
    yield [
        _event(
            "comparison",
            path=str(comparison.path),
            runs=len(wanted),
            left_out=dict(comparison.left_out),
        ),
    ]
    done: list[ComparisonEntry] = []
    with Series() as series:
        for number, entry in enumerate(wanted, 1):
            place: dict[str, Any] = {"number": number, "runs": len(wanted)}
            place |= {"method": entry.method, "seed": entry.seed, "fold": entry.fold}
            run, state = _obtain(comparison, entry)
            yield [_event("item", **place, run=str(run.path), state=state)]
            refused = False
            if state != "reused":
                for batch in series.train(run):
                    refused |= any(event.get("refused") for event in batch)
                    yield batch
            done.append(_ended(entry, run))
            if refused and state == "new":
                run.delete()
            # such as a device that is not there: it is so for all
            if refused and entry.method == CONSENSUS:
                raise InputError(done[-1].failure)
            _write(comparison, done, finished=number == len(wanted))
            yield [_event("item-ended", **place, failure=done[-1].failure)]


def folder_of(plan: Plan) -> Path:
    """Where a comparison lies.

    Raises:
        InputError: if its name could not be a folder's.
    """
    return plan.study / FOLDER / checked_name(plan.name or default_name(plan), "a comparison")


def default_name(plan: Plan) -> str:
    """A folder's name that the same plan always gets: split, backbone and a digest of the rest."""
    config = plan.config(CONSENSUS)
    wanted = config.model_dump(
        mode="json", exclude={"device", "threads", "precision", "checkpoint_seconds"}
    )
    rest = json.dumps([wanted, plan.methods, plan.seeds, plan.settings], sort_keys=True)
    kind = "cross-fit" if plan.cross_fit else config.split.kind
    backbone = re.sub(r"[^A-Za-z0-9.]+", "-", parse(config.backbone).title).strip("-")
    parts = [kind, backbone, "shuffled" if plan.shuffled else ""]
    return "-".join([*filter(None, parts), hashlib.sha256(rest.encode()).hexdigest()[:8]])


def _sources(
    study: Any, plan: Plan, path: Path, names: Sequence[str], folds: Sequence[int]
) -> dict[tuple[str, int], RunFolder]:
    """A data snapshot for each method and each fold held out.

    Those who learn from the same share it.
    """
    sources: dict[tuple[str, int], RunFolder] = {}
    made: dict[str, RunFolder] = {}
    for fold in folds:
        for name in names:
            config = plan.config(method(name).name, fold=fold)
            key = config.model_dump_json(include={"labelers", "attributes", "split", "pairs"})
            if key not in made:
                made[key] = _take(study, path / f"data-{len(made) + 1}", config)
            sources[name, fold] = made[key]
    return sources


def _take(study: Any, path: Path, config: TrainConfig) -> RunFolder:
    """A data snapshot that runs copy, put in place when it is whole."""
    beside = RunFolder(path.with_name(f".{path.name}-{getpid()}"))
    (beside.path / "data").mkdir(parents=True, exist_ok=True)
    try:
        # Whether the method itself is possible is asked later, of all methods alike.
        make_snapshot(study, beside, config.model_copy(update={"method": CONSENSUS}))
        shutil.rmtree(path, ignore_errors=True)
        beside.path.rename(path)
    finally:
        beside.delete()
    return RunFolder(path)


def obstacle_of(name: str, config: TrainConfig, source: RunFolder) -> str:
    """Why a method cannot be trained on a data snapshot, in one sentence; empty if it can."""
    labelers = source.meta()["labelers"]
    return method(name).obstacle(
        embeddings=parse(config.backbone).kind == "embeddings",
        labelers=len(labelers),
        profiles=any(str(labeler.get("profile", "")).strip() for labeler in labelers),
    )


def turn(name: str) -> tuple[int, int, int]:
    """What others stand on first, then what is quick, combinations last."""
    chosen = METHODS[name]
    combined = chosen.parametrization == "combination"
    return (
        int(name != CONSENSUS),
        int(combined),
        len(chosen.needs) if combined else int(chosen.scorer != "linear"),
    )


def _obtain(comparison: Comparison, entry: ComparisonEntry) -> tuple[RunFolder, str]:
    """The run of an entry: one that is there, or a new one with the comparison's data."""
    study, source = comparison.plan.study, comparison.sources[entry.method, entry.fold]
    config = comparison.plan.config(entry.method, entry.seed, entry.fold)
    found = find_run(study, config, source.meta()["fingerprint"])
    if found is not None:
        return found, "reused" if found.status().state == "finished" else "resumed"
    run = RunFolder.create(study, config)
    copy_snapshot(source, run)
    return run, "new"


def _ended(entry: ComparisonEntry, run: RunFolder) -> ComparisonEntry:
    status = run.status()
    failure = ""
    if run.summary() is None:
        failure = status.message or f"The run {run.name} was {status.state} before it was tested."
    return replace(entry, run=run, failure=failure)


def _write(comparison: Comparison, done: Sequence[ComparisonEntry], finished: bool) -> None:
    from prism_desktop.engine.experiments.leaderboard import write_leaderboard

    write_leaderboard(comparison, done, finished)


def _event(kind: str, **values: Any) -> dict[str, Any]:
    return {"type": kind, "time": time.time(), **values}
