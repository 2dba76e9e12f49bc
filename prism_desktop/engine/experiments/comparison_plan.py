"""The plan of a comparison: which methods, seeds and folds, and the data that they share.

Importing this needs neither torch nor pandas.
"""

import hashlib
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.experiments.study_data import StudyDataArguments, WantedData
from prism_desktop.engine.experiments.variants import (
    Grid,
    Variant,
    closed,
    seeds_matter,
    unread_remarks,
    variants_of,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, METHODS, method
from prism_desktop.engine.methods.method import NO_CONTROL
from prism_desktop.engine.methods.needed_methods import training_order
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.snapshot import check_wanted

ALL = "all"
# of methods and folds, folders with the data that their runs learn from
Sources = Mapping[tuple[str, int], RunFolder]
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
        name: of the comparison's folder; empty for one that follows from the rest.
        cross_fit: train once per image fold, each held out in turn, so that every answer within a
            fold is tested once; None for what fits the methods, see `crossed`.
        grid: settings and the values of each that are tried, in every combination.
    """

    study: Path
    methods: tuple[str, ...] = (ALL,)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    seeds: int = 1
    controls: bool = False
    shuffled: bool = False
    name: str = ""
    cross_fit: bool | None = None
    grid: Grid = field(default_factory=dict)

    @property
    def crossed(self) -> bool:
        """Whether every fold is held out in turn.

        Where nobody says, it is so if all methods that were named are fitted in one go and images
        are split: that costs little and tests every answer. A single method that descends
        gradients would be trained once per fold, and rows on different answers could not stand in
        one table, so then no method is cross-fitted.
        """
        if self.cross_fit is not None:
            return self.cross_fit
        named = [name for name in self.methods if name != CONSENSUS] or [CONSENSUS]
        return (
            self.methods != (ALL,)
            and self.config(CONSENSUS).split.kind == "image"
            and "split.fold" not in self._chosen()
            and all(closed(self.config(name)) for name in named)
        )

    def _chosen(self) -> tuple[str, ...]:
        """The keys of the settings that were given."""
        return (*self.options, *(text.partition("=")[0].strip() for text in self.settings))

    def variant_config(
        self, variant: Variant, seed: int = 0, fold: int | None = None
    ) -> TrainConfig:
        """The same of a row: a point of the grid is compared with the consensus of the others, and
        makes none of its own."""
        config = self.config(variant.method, seed, fold)
        if not variant.settings:
            return config
        return config.with_options({"compare": False}, variant.texts)

    def config(self, name: str, seed: int = 0, fold: int | None = None) -> TrainConfig:
        """Settings of one run; `seed` counts on from the one that
        was asked for, `fold` is the one that is tested."""
        if fold is not None and "split.fold" in self._chosen():
            raise InputError(
                "Cross-fitting holds out every fold in turn; leave the setting split.fold out."
            )
        given = {**self.options, "method": name}
        if fold is not None:
            given["split.fold"] = fold
        if self.shuffled:
            given["pairs.shuffle"] = 0
        config = TrainConfig().with_options(given, self.settings)
        # Named in full, so that the run is resumed and reproduced from any folder.
        full = {"seed": config.seed + seed, "backbone": parse(config.backbone).text}
        return config.model_copy(update={**full, "consensus": self._consensus(config)})

    def _consensus(self, config: TrainConfig) -> str:
        """What the one consensus of all rows is: a head where every method named asks for one."""
        named = [method(name).name for name in self.methods if name not in (ALL, CONSENSUS)]
        if config.consensus != "auto":
            return config.consensus
        asked = {config.with_options({"method": name}).compared_with for name in named}
        return "head" if asked == {"head"} else "adapters"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan that was found possible, with its data.

    Attributes:
        path: its folder.
        variants: in the order of training; what a method depends on comes before it.
        left_out: methods of all that are not possible here, and those of which the control says
            nothing, with reasons.
        remarks: how it is compared: whether folds are held out in turn, and what changes nothing
            for whom; a sentence each.
        folds: that are tested.
        sources: for each method and fold a folder with the data snapshot that its runs learn from.
    """

    plan: ComparisonPlan
    path: Path
    variants: tuple[Variant, ...]
    left_out: Mapping[str, str]
    folds: tuple[int, ...]
    sources: Sources
    remarks: tuple[str, ...] = ()

    def entries(self) -> "list[ComparisonEntry]":
        """The runs that are wanted; a method for which seeds change nothing has one seed."""
        plan = self.plan
        return [
            ComparisonEntry(variant, seed, fold)
            for seed in range(plan.seeds)
            for fold in self.folds
            for variant in self.variants
            if seed == 0 or seeds_matter(plan.variant_config(variant))
        ]


@dataclass(frozen=True, slots=True)
class ComparisonEntry:
    """One run of a comparison, wanted or there."""

    variant: Variant
    seed: int  # counted from 0 within the comparison
    fold: int  # of the images that are tested
    run: RunFolder | None = None
    failure: str = ""  # one sentence

    @property
    def method(self) -> str:
        """Its method's name."""
        return self.variant.method


def prepare(
    plan: ComparisonPlan, take: Callable[[StudyDataArguments], Iterator[Event[None]]]
) -> Iterator[Event[Comparison]]:
    """Check a plan and have its data taken from the study; nothing is trained.

    The folder is the caller's to claim.

    Args:
        plan: what to compare.
        take: takes the data, in this process or in another one.

    Raises:
        PrismError: one sentence, if anything is unknown or impossible.
    """
    if not 1 <= plan.seeds <= MOST_SEEDS:
        raise InputError(
            f"A comparison takes 1 to {counted(MOST_SEEDS, 'seed')}, not {plan.seeds}."
        )
    everything = plan.methods == (ALL,)
    names = tuple(METHODS) if everything else tuple(dict.fromkeys((CONSENSUS, *plan.methods)))
    first = plan.config(CONSENSUS).split
    if plan.crossed and first.kind != "image":
        raise InputError(
            f"Cross-fitting holds out folds in turn; it needs --split image, not {first.kind}."
        )
    _check(plan, names)
    sources = yield from _sources(plan, names, (first.fold,), {}, take)
    folds: tuple[int, ...] = (first.fold,)
    if plan.crossed:
        folds = tuple(range(sources[CONSENSUS, first.fold].meta().split.folds))
        sources = yield from _sources(plan, names, folds, sources, take)
    yield Done(_possible(plan, names, folds, sources))


def _check(plan: ComparisonPlan, names: Sequence[str]) -> None:
    """Refuse at once what no answers are needed to refuse."""
    from prism_desktop.engine.study.store import Study

    if not plan.study.is_dir():
        raise InputError(f"There is no study at {plan.study}.")
    configs = [plan.config(method(name).name) for name in names]
    with Study.open(plan.study, read_only=True) as study:
        check_wanted(study, configs[0])


def _possible(
    plan: ComparisonPlan, names: Sequence[str], folds: tuple[int, ...], sources: Sources
) -> Comparison:
    """The comparison of those methods that can be trained on the data."""
    everything = plan.methods == (ALL,)
    refused = {
        n: why for n in names if (why := obstacle_of(n, plan.config(n), sources[n, folds[0]]))
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
    possible.sort(key=training_order)
    found = [variant for name in possible for variant in _variants(plan, name)]
    words = sources[CONSENSUS, folds[0]].meta().words
    remarks = tuple(map(words.told, _remarks(plan, possible, len(folds))))
    path = folder_of(plan)
    return Comparison(plan, path, tuple(found), refused, folds, sources, remarks)


def _variants(plan: ComparisonPlan, name: str) -> list[Variant]:
    """A method's rows; points that mean the same model are one."""
    found = variants_of(name, plan.grid, plan.config(name))
    models = {plan.variant_config(one).model_dump_json(): one for one in reversed(found)}
    return [one for one in found if one in models.values()]


def _remarks(plan: ComparisonPlan, names: Sequence[str], folds: int) -> tuple[str, ...]:
    """How methods are compared, a sentence each."""
    configs = {name: plan.config(name) for name in names}
    said = list(unread_remarks(names, plan.grid, configs, plan.seeds))
    quick = [name for name in names if name != CONSENSUS and closed(configs[name])]
    slow = [name for name in names if name != CONSENSUS and name not in quick]
    if plan.cross_fit is None and plan.crossed:
        said.append(
            f"Cross-fitted over {counted(folds, 'image fold')}, as closed forms are by default; "
            "--no-cross-fit tests one fold."
        )
    elif plan.cross_fit is None and quick and slow and configs[CONSENSUS].split.kind == "image":
        said.append(
            f"Not cross-fitted, since {slow[0]} is trained by gradient descent and all rows share "
            "their test; --cross-fit trains every method once per image fold."
        )
    return tuple(said)


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
    apart = {"baselines", "consensus", "device", "threads", "precision", "checkpoint_seconds"}
    wanted = config.model_dump(mode="json", exclude=apart)
    asked: list[Any] = [wanted, plan.methods, plan.seeds, plan.settings]
    asked += [plan.grid] if plan.grid else []
    rest = json.dumps(asked, sort_keys=True)
    kind = "cross-fit" if plan.crossed else config.split.kind
    backbone = re.sub(r"[^A-Za-z0-9.]+", "-", parse(config.backbone).title).strip("-")
    parts = [kind, backbone, "grid" if plan.grid else "", "shuffled" if plan.shuffled else ""]
    return "-".join([*filter(None, parts), hashlib.sha256(rest.encode()).hexdigest()[:8]])


def _sources(
    plan: ComparisonPlan,
    names: Sequence[str],
    folds: Sequence[int],
    known: Sources,
    take: Callable[[StudyDataArguments], Iterator[Event[None]]],
) -> Generator[Progress | Notice, None, dict[tuple[str, int], RunFolder]]:
    """A data snapshot for each method and each fold held out, beside those that are `known`.

    Those who learn from the same share it.
    """
    path, sources = folder_of(plan), dict(known)
    made, wanted = {_data_of(plan, *key): run.path for key, run in known.items()}, []
    for fold in folds:
        for name in names:
            key = _data_of(plan, name, fold)
            if key not in made:
                made[key] = path / f"data-{len(made) + 1}"
                wanted.append(WantedData(path=made[key], config=plan.config(name, fold=fold)))
            sources[name, fold] = RunFolder(made[key])
    yield from value(take(StudyDataArguments.of(plan.study, wanted)))
    return sources


def _data_of(plan: ComparisonPlan, name: str, fold: int) -> str:
    """What the data of a method depend on."""
    config = plan.config(name, fold=fold)
    return config.model_dump_json(include={"labelers", "attributes", "split", "pairs"})


def obstacle_of(name: str, config: TrainConfig, source: RunFolder) -> str:
    """Why a method cannot be trained on a data snapshot, in one sentence; empty if it can."""
    labelers = source.meta().labelers
    return method(name).obstacle(
        embeddings=not parse(config.backbone).has_tower,
        labelers=len(labelers),
        profiles=any(labeler.profile.strip() for labeler in labelers),
        texts=source.of_texts,
    )
