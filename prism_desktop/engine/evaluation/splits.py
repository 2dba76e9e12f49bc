"""Which answers train, validate and test, and what each kind of split promises.

| kind | what train, val and test never share |
|---|---|
| image | an image: stored folds, or a partition of the comparison graph (straddling pairs drop) |
| pair | an unordered pair of images, over all labelers and attributes; stratified by labeler |
| labeler | a labeler, but for the `shots` first answers of a held-out one |
| time | a labeler's answers on one pair; a task's training answers come before its test answers |
| label | a labeler's answers on one pair and attribute; as the source, with a warning |

Every kind keeps one labeler's answers on one pair and attribute together, so a repeat never tests
its own original. `fold` rotates the test part through the data; over all folds every answer is
tested once (not for `time`).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.config import SplitConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import graph
from prism_desktop.engine.evaluation.pairs import DROPPED, SPLITS, Floats, unordered
from prism_desktop.engine.runs.result_files import SplitReport
from prism_desktop.engine.study.records import FOLDS

# share of pairs that may straddle the stored folds before the graph is partitioned instead
_TOLERATED = 0.1

LABEL_WARNING = (
    "The label split tests answers whose images, and mostly whose very pairs, were trained on "
    "under another attribute or labeler; its accuracy says nothing about new faces and is there "
    "to reproduce earlier results."
)


def assign(
    pairs: pd.DataFrame,
    images: pd.DataFrame,
    config: SplitConfig,
    beside: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, dict[str, str], SplitReport]:
    """Fill in the column `split`.

    Args:
        pairs: a pairs frame.
        images: `Study.images_frame()`; for kind "image" its folds place images that are in no pair.
        config: kind, fold, seed and shares.
        beside: pairs of another source on none of the same pairs of images. They are placed by the
            same rule and come last in what is returned; `pairs` are placed as they would be without
            them.

    Returns:
        The pairs with their splits, the split of every image (kind "image" only, else empty), and
        the report.

    Raises:
        InputError: one sentence, if a split would be empty.
    """
    image_split: dict[str, str] = {}
    every = pairs if beside is None else pd.concat([pairs, beside], ignore_index=True)
    if config.kind == "image":
        folds, method, n = image_folds(pairs, images, config)
        _check_fold(config, n)
        image_split = {image: fold_split(fold, config.fold, n) for image, fold in folds.items()}
        split = split_by_images(every, image_split)
    elif config.kind == "labeler":
        split, method, n = _by_labeler(every, config, pairs["labeler"])
    else:
        split, method, n = _assign_units(pairs, config)
        if beside is not None:
            split = pd.concat([split, _assign_units(beside, config)[0]], ignore_index=True)
    out = every.assign(split=split)
    report = report_of(out, config, method, n)
    check_filled(report)
    return out, image_split, report


def fold_split(fold: int, test_fold: int, folds: int = FOLDS) -> str:
    """The split of an image fold: one fold tests, the next one validates, the others train."""
    return "test" if fold == test_fold else "val" if fold == (test_fold + 1) % folds else "train"


def image_folds(
    pairs: pd.DataFrame, images: pd.DataFrame, config: SplitConfig
) -> tuple[dict[str, int], str, int]:
    """The fold of every image, how it was found, and how many folds there are.

    The stored folds serve if the pairs were drawn within them (at most 10 % straddle); otherwise
    the graph of the comparisons is parted so that few pairs straddle.
    """
    stored = dict(
        zip(images["image"].astype(object), images["fold"].astype(int) % FOLDS, strict=True)
    )
    # single ratings are split as pairs of an image with itself
    pairs = pairs[pairs["left"] != pairs["right"]]
    left, right = pairs["left"].map(stored), pairs["right"].map(stored)
    if not len(pairs) or float((left != right).mean()) <= _TOLERATED:
        return stored, "folds", FOLDS
    n = max(3, round(1 / config.test))
    parts, method = graph.partition(pairs, n, config.seed)
    return {**{image: fold % n for image, fold in stored.items()}, **parts}, method, n


def split_by_images(pairs: pd.DataFrame, image_split: dict[str, str]) -> pd.Series:
    """The split that both images of a pair share, else "dropped"."""
    left, right = pairs["left"].map(image_split), pairs["right"].map(image_split)
    return left.where((left == right) & left.notna(), DROPPED).astype("str")


def report_of(pairs: pd.DataFrame, config: SplitConfig, method: str, folds: int) -> SplitReport:
    """Count what a split made of the pairs."""
    counts = pairs["split"].value_counts()
    kept = {name: pairs[pairs["split"] == name] for name in SPLITS}
    dropped = int(counts.get(DROPPED, 0))
    warning = LABEL_WARNING if config.kind == "label" else None
    if config.kind == "image" and dropped > 0.2 * len(pairs):
        warning = (
            f"{dropped} of {len(pairs)} pairs ({dropped / len(pairs):.0%}) join images of "
            "different splits and are not used; pairs drawn within the study's image folds lose "
            "none."
        )
    return SplitReport(
        kind=config.kind,
        method=method,
        fold=config.fold,
        folds=folds,
        counts={name: int(counts.get(name, 0)) for name in (*SPLITS, DROPPED)},
        images={
            name: int(pd.concat([part["left"], part["right"]]).nunique())
            for name, part in kept.items()
        },
        straddling=dropped,
        warning=warning,
    )


def _assign_units(pairs: pd.DataFrame, config: SplitConfig) -> tuple[pd.Series, str, int]:
    """Assign what must stay together (a pair, or one labeler's answer to it) to splits; (split,
    method, folds)."""
    folds = 1 if config.kind == "time" else int(np.ceil(1 / config.test - 1e-9))
    if config.kind == "time":
        _check_fold(config, 1)
        return _by_time(pairs, config), "each labeler's own time", 1
    _check_fold(config, folds)
    pair, _ = unordered(pairs)
    if config.kind == "pair":
        key, method = pd.DataFrame({"pair": pair}), "random pairs"
    else:
        key = pd.DataFrame(
            {"pair": pair, "l": pairs["labeler"].to_numpy(), "a": pairs["attribute"].to_numpy()}
        )
        method = "random answers"
    unit = key.groupby(list(key.columns), sort=True).ngroup().to_numpy(dtype=np.int64)
    return _spread(unit, pairs["labeler"], config), method, folds


def _spread(
    unit: npt.NDArray[np.integer[Any]], labeler: pd.Series, config: SplitConfig
) -> pd.Series:
    """Deal units out at the configured shares, evenly
    within each set of labelers that answered them."""
    rng = np.random.default_rng(config.seed)
    n = int(unit.max()) + 1 if len(unit) else 0
    answered = pd.DataFrame(
        {"unit": unit, "code": pd.factorize(labeler.astype(object), sort=True)[0]}
    )
    answered = answered.drop_duplicates().sort_values(["unit", "code"])
    stratum = answered.groupby("unit")["code"].agg(tuple).reindex(range(n))
    order = np.lexsort((rng.random(n), pd.factorize(stratum, sort=True)[0]))
    place = np.empty(n)
    # Multiples of the golden ratio are evenly spread over [0, 1) within any run of neighbours,
    # hence within strata.
    place[order] = (rng.random() + np.arange(n) * 0.6180339887498949) % 1.0
    return pd.Series(_cut(place, config)[unit], index=labeler.index, dtype="str")


def _cut(place: Floats, config: SplitConfig) -> npt.NDArray[np.object_]:
    """Places in [0, 1) to splits.

    The tested interval moves up with the fold, validation follows it.
    """
    start = config.fold * config.test
    end = min(start + config.test, 1.0)
    after = (place - end) % 1.0
    testing = (place >= start) & (place < end)
    return np.where(testing, "test", np.where(after < config.val, "val", "train")).astype(object)


def _by_labeler(
    pairs: pd.DataFrame, config: SplitConfig, first: pd.Series
) -> tuple[pd.Series, str, int]:
    """Seat labelers in a random round.

    Whoever is not among the `first` sits between them and moves none of them.
    """
    everyone = np.array(sorted(pairs["labeler"].unique()), dtype=object)
    codes = np.array(sorted(first.unique()), dtype=object)
    codes = codes if len(codes) >= 3 else everyone
    if len(codes) < 3:
        raise InputError(
            "A labeler split needs at least three labelers with answers and there are "
            f"{len(codes)}; choose the image split instead."
        )
    size = max(1, round(len(codes) * config.test))
    folds = int(np.ceil(len(codes) / size))
    _check_fold(config, folds)
    rng = np.random.default_rng(config.seed)
    order, late = rng.permutation(codes), rng.permutation(np.setdiff1d(everyone, codes))
    seat = np.concatenate(
        [np.arange(len(codes)), np.arange(len(late)) * len(codes) / max(1, len(late))]
    )
    place = (seat - config.fold * size) % len(codes)
    tested = min(size, len(codes) - config.fold * size)
    validated = max(1, round(len(codes) * config.val))
    names = np.where(place < tested, "test", np.where(place < tested + validated, "val", "train"))
    split = pairs["labeler"].map(dict(zip([*order, *late], names, strict=True)))
    early = pairs["order"] < config.shots
    repeated = _keys(pairs).isin(_keys(pairs[early])) & ~early
    split = split.where(~early, "train").where(~(repeated & (split != "train")), DROPPED)
    return split.astype("str"), "random labelers", folds


def _by_time(pairs: pd.DataFrame, config: SplitConfig) -> pd.Series:
    """Cut each labeler's trials in time; a pair seen again in a later part is dropped there."""
    task = [pairs["labeler"], pairs["source"]]
    rank = pairs["order"].groupby(task).rank(method="dense") - 1
    share = rank / (rank.groupby(task).transform("max") + 1)
    part = np.where(share < config.train, 0, np.where(share < config.train + config.val, 1, 2))
    first = pd.Series(part, index=pairs.index).groupby(_keys(pairs)).transform("min")
    names = np.array(SPLITS, dtype=object)[part]
    return pd.Series(np.where(part == first, names, DROPPED), index=pairs.index, dtype="str")


def _keys(pairs: pd.DataFrame) -> pd.Series:
    """One string per labeler and unordered pair."""
    low = pairs["left"].where(pairs["left"] < pairs["right"], pairs["right"])
    high = pairs["right"].where(pairs["left"] < pairs["right"], pairs["left"])
    return pairs["labeler"] + "\0" + low + "\0" + high


def _check_fold(config: SplitConfig, folds: int) -> None:
    if config.fold >= folds:
        raise InputError(
            f"The {config.kind} split has {folds} fold(s), counted from 0; there is no fold "
            f"{config.fold}."
        )


def check_filled(report: SplitReport) -> None:
    """Raise an InputError of one sentence if a split is empty."""
    names = {"train": "train on", "val": "validate on", "test": "test on"}
    for split in SPLITS:
        if not report.counts[split]:
            raise InputError(
                f"The {report.kind} split leaves no pairs to {names[split]} (train "
                f"{report.counts['train']}, validation {report.counts['val']}, test "
                f"{report.counts['test']}, dropped {report.counts[DROPPED]}); collect more answers "
                "or choose another kind of split."
            )
