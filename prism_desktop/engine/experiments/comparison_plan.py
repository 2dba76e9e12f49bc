"""The plan of a comparison: which methods, seeds and folds, and the data that they share.

Importing this needs neither torch nor pandas.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import getpid
from pathlib import Path
from typing import Any

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import make_folder, move, remove_tree
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS, method
from prism_desktop.engine.methods.method import NO_CONTROL
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.dependencies import CONSENSUS
from prism_desktop.engine.training.snapshot import make_snapshot

ALL = "all"
MOST_SEEDS = 100


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
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
        methods: in the order of training; what a method depends on comes before it.
        left_out: methods of all that are not possible here, and those of which the control says
            nothing, with reasons.
        folds: that are tested.
        sources: for each method and fold a folder with the data snapshot that its runs learn from.
    """

    plan: ComparisonPlan
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


def prepare(plan: ComparisonPlan) -> Comparison:
    """Check a plan and take its data from the study; nothing is trained.

    The folder is the caller's to claim.

    Raises:
        PrismError: one sentence, if anything is unknown or impossible.
    """
    from prism_desktop.engine.study.store import Study

    if not plan.study.is_dir():
        raise InputError(f"There is no study at {plan.study}.")
    if not 1 <= plan.seeds <= MOST_SEEDS:
        raise InputError(
            f"A comparison takes 1 to {counted(MOST_SEEDS, 'seed')}, not {plan.seeds}."
        )
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
            folds = tuple(range(sources[CONSENSUS, first.fold].meta().split.folds))
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
    return Comparison(
        plan, path, tuple(sorted(possible, key=training_order)), refused, folds, sources
    )


def folder_of(plan: ComparisonPlan) -> Path:
    """Where a comparison lies.

    Raises:
        InputError: if its name could not be a folder's.
    """
    return (
        plan.study
        / layout.COMPARISONS
        / checked_name(plan.name or default_name(plan), "a comparison")
    )


def default_name(plan: ComparisonPlan) -> str:
    """A folder's name that the same plan always gets: split, backbone and a digest of the rest."""
    config = plan.config(CONSENSUS)
    wanted = config.model_dump(
        mode="json", exclude={"baselines", "device", "threads", "precision", "checkpoint_seconds"}
    )
    rest = json.dumps([wanted, plan.methods, plan.seeds, plan.settings], sort_keys=True)
    kind = "cross-fit" if plan.cross_fit else config.split.kind
    backbone = re.sub(r"[^A-Za-z0-9.]+", "-", parse(config.backbone).title).strip("-")
    parts = [kind, backbone, "shuffled" if plan.shuffled else ""]
    return "-".join([*filter(None, parts), hashlib.sha256(rest.encode()).hexdigest()[:8]])


def _sources(
    study: Any, plan: ComparisonPlan, path: Path, names: Sequence[str], folds: Sequence[int]
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
    make_folder(beside.data)
    try:
        # Whether the method itself is possible is asked later, of all methods alike.
        make_snapshot(study, beside, config.model_copy(update={"method": CONSENSUS}))
        remove_tree(path, layout.is_ours)
        move(beside.path, path)
    finally:
        beside.delete()
    return RunFolder(path)


def obstacle_of(name: str, config: TrainConfig, source: RunFolder) -> str:
    """Why a method cannot be trained on a data snapshot, in one sentence; empty if it can."""
    labelers = source.meta().labelers
    return method(name).obstacle(
        embeddings=parse(config.backbone).kind == "embeddings",
        labelers=len(labelers),
        profiles=any(labeler.profile.strip() for labeler in labelers),
    )


def training_order(name: str) -> tuple[int, int, int]:
    """What others depend on first, then what is quick, combinations last."""
    chosen = METHODS[name]
    combined = chosen.parametrization == "combination"
    return (
        int(name != CONSENSUS),
        int(combined),
        len(chosen.needs) if combined else int(chosen.scorer != "linear"),
    )
