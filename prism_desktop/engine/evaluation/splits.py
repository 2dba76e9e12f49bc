"""Splits: which answers train, validate and test, and what each kind promises.

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

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.analysis.agreement import left_out, was_drawn
from prism_desktop.engine.coded_columns import codes_in, mapped
from prism_desktop.engine.config import PairsConfig, SplitConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import comparison_graph
from prism_desktop.engine.evaluation.controls import shuffle_labelers
from prism_desktop.engine.evaluation.pairs import (
    DROPPED,
    SPLITS,
    Floats,
    coded_together,
    empty_pairs,
    joined_pairs,
    pairs_from_comparisons,
    pairs_from_ratings,
    time_order,
    typed_pairs,
    unordered,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.estimates import SHUFFLED
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
    every = pairs if beside is None else joined_pairs([pairs, beside])
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
    out = typed_pairs(every.assign(split=split))
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
    left, right = mapped(pairs["left"], stored), mapped(pairs["right"], stored)
    if not len(pairs) or float((left != right).mean()) <= _TOLERATED:
        return stored, "folds", FOLDS
    n = max(3, round(1 / config.test))
    parts, method = comparison_graph.partition(pairs, n, config.seed)
    return {**{image: fold % n for image, fold in stored.items()}, **parts}, method, n


def split_by_images(pairs: pd.DataFrame, image_split: dict[str, str]) -> pd.Series:
    """The split that both images of a pair share, else "dropped"."""
    left, right = mapped(pairs["left"], image_split), mapped(pairs["right"], image_split)
    return left.where((left == right) & left.notna(), DROPPED).astype("str")


def report_of(pairs: pd.DataFrame, config: SplitConfig, method: str, folds: int) -> SplitReport:
    """Count what a split made of the pairs."""
    counts = pairs["split"].value_counts()
    kept = {name: pairs.loc[pairs["split"] == name, ["left", "right"]] for name in SPLITS}
    dropped = int(counts.get(DROPPED, 0))
    warning = LABEL_WARNING if config.kind == "label" else None
    if config.kind == "image" and dropped > 0.2 * len(pairs):
        warning = (
            f"{dropped} of {counted(len(pairs), 'pair')} ({dropped / len(pairs):.0%}) join images "
            "of different splits and are not used; pairs drawn within the study's image folds lose "
            "none."
        )
    return SplitReport(
        kind=config.kind,
        method=method,
        fold=config.fold,
        folds=folds,
        counts={name: int(counts.get(name, 0)) for name in (*SPLITS, DROPPED)},
        images={
            name: len({*part["left"].unique(), *part["right"].unique()})
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
            {"pair": pair, "l": codes_in(pairs["labeler"])[0], "a": codes_in(pairs["attribute"])[0]}
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
    answered = pd.DataFrame({"unit": unit, "code": codes_in(labeler)[0]})
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
            f"{len(codes)}; choose --split image instead."
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
    split = mapped(pairs["labeler"], dict(zip([*order, *late], names, strict=True)))
    early, keys = pairs["order"] < config.shots, _keys(pairs)
    repeated = keys.isin(keys[early]) & ~early
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
    """One number per labeler and unordered pair."""
    pair, images = unordered(pairs)
    labeler, _ = codes_in(pairs["labeler"])
    return pd.Series(labeler * np.int64(max(len(images), 1)) ** 2 + pair, index=pairs.index)


def _check_fold(config: SplitConfig, folds: int) -> None:
    if config.fold >= folds:
        raise InputError(
            f"The {config.kind} split has {counted(folds, 'fold')}, counted from 0; there is no "
            f"fold "
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


# What stays together beside the unordered pair; images are apart by themselves, labelers but for
# their first answers.
_TOGETHER: dict[str, list[str]] = {
    "pair": [],
    "labeler": ["labeler"],
    "time": ["labeler"],
    "label": ["labeler", "attribute"],
}


@dataclass(frozen=True, slots=True)
class PairSet:
    """Everything a trainer needs to know of the answers."""

    pairs: pd.DataFrame  # a pairs frame, splits filled in
    # the images frame with a column `split` ("" unless images are what is split)
    images: pd.DataFrame
    report: SplitReport
    notices: tuple[str, ...]  # sentences for the user


def make_pairs(
    comparisons: pd.DataFrame,
    ratings: pd.DataFrame,
    images: pd.DataFrame,
    split: SplitConfig | None = None,
    options: PairsConfig | None = None,
) -> PairSet:
    """Coded pairs with splits, from the frames of `Study`.

    Automatically, comparisons are used alone if everybody compared, else ratings too, so that
    nobody is lost. Where both tasks are used, ratings only help training: a labeler who compared is
    validated and tested on comparisons alone, and the weights of the rating pairs of a labeler and
    attribute never add up to more than the comparisons'.

    Raises:
        InputError: one sentence, if there is nothing to learn from or a split would be empty.
    """
    split, options = split or SplitConfig(), options or PairsConfig()
    comparisons, ratings = coded_together(comparisons, ratings)
    use = _use(comparisons, ratings) if options.use == "auto" else options.use
    compared = (
        pairs_from_comparisons(comparisons, options.ties) if use != "ratings" else empty_pairs()
    )
    if use == "comparisons" or ratings.empty:
        _check_any(compared, use)
        pairs, image_split, report = assign(compared, images, split)
    else:
        pairs, image_split, report = _with_ratings(
            compared, ratings, images, split, options.model_copy(update={"use": use})
        )
    pairs, report, told = _fair_test(pairs, report, comparisons, ratings)
    images = images.reset_index(drop=True)
    placed = images.assign(
        split=pd.Series([image_split.get(image, "") for image in images["image"]], dtype="str")
    )
    notices = (*told, *_notices(pairs, report, split))
    if options.shuffle is not None:
        pairs, notices = shuffle_labelers(pairs, options.shuffle), (SHUFFLED, *notices)
    return PairSet(pairs, placed, report, notices)


def _fair_test(
    pairs: pd.DataFrame, report: SplitReport, comparisons: pd.DataFrame, ratings: pd.DataFrame
) -> tuple[pd.DataFrame, SplitReport, list[str]]:
    """Leave pairs of chosen trials out of the test, which has to be a fair sample, and say so.

    They stay where there would be nothing else to test on.
    """
    chosen: set[str] = set()
    for frame in (comparisons, ratings):
        if len(frame):
            chosen |= set(frame["trial"][~was_drawn(frame)].astype(object))
    tested = (pairs["split"] == "test").to_numpy()
    single = np.flatnonzero(tested & bool(chosen) & (pairs["source"] != "rating").to_numpy())
    out = np.zeros(len(pairs), bool)
    out[single] = pairs["trial"].take(single).astype(object).isin(chosen)
    if not out.any():
        return pairs, report, []
    if (out == tested).all():
        told = (
            "All test answers are to trials chosen by what they tell, which are no fair sample: "
            "label some at random before results are reported."
        )
        return pairs, report, [told]
    count = int(out.sum())
    counts = dict(report.counts)
    counts["test"], counts[DROPPED] = counts["test"] - count, counts[DROPPED] + count
    pairs = pairs.assign(split=pairs["split"].mask(out, DROPPED))
    told = f"Of the test, {left_out(count)}"
    return pairs, report.model_copy(update={"counts": counts}), [told]


def _use(comparisons: pd.DataFrame, ratings: pd.DataFrame) -> str:
    """The task types that leave out nobody who answered, comparisons alone if they do."""
    if comparisons.empty:
        return "ratings"
    return (
        "comparisons"
        if set(ratings["labeler"].unique()) <= set(comparisons["labeler"].unique())
        else "both"
    )


def _with_ratings(
    compared: pd.DataFrame,
    ratings: pd.DataFrame,
    images: pd.DataFrame,
    split: SplitConfig,
    options: PairsConfig,
) -> tuple[pd.DataFrame, dict[str, str], SplitReport]:
    """Split the comparisons as without ratings, the single ratings by the same rule.

    Draw rating pairs inside each.
    """
    solo = _as_pairs(ratings)  # a rating is split like a comparison of the image with itself
    parts = (solo, None) if compared.empty else (compared, solo)
    both, image_split, report = assign(parts[0], images, split, parts[1])
    compared, solo = both.iloc[: len(compared)], both.iloc[len(compared) :]
    drawn = pairs_from_ratings(
        ratings.assign(split=solo["split"].to_numpy(dtype=object)),
        None,
        options.min_difference,
        options.cap_per_image,
        split.seed,
    )
    del solo, both, parts
    drawn = _behind(drawn, compared, split.kind)
    pairs = joined_pairs([compared, drawn])
    _check_any(pairs, options.use)
    report = report_of(pairs, split, report.method, report.folds)
    check_filled(report)
    return pairs, image_split, report


def _as_pairs(ratings: pd.DataFrame) -> pd.DataFrame:
    rows = ratings[["trial", "labeler", "attribute"]].reset_index(drop=True)
    image = ratings["image"].reset_index(drop=True)
    rows = rows.assign(left=image, right=image, order=time_order(ratings).to_numpy())
    rows = rows.assign(outcome=np.float32(0.5), weight=np.float32(1.0))
    return typed_pairs(rows.assign(source="rating", split=DROPPED))


def _behind(drawn: pd.DataFrame, compared: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Keep rating pairs from drowning or betraying the comparisons."""
    scored = compared[compared["split"] != DROPPED]
    if scored.empty:
        return drawn
    keep = (drawn["split"] == "train") | ~drawn["labeler"].isin(scored["labeler"].unique())
    if kind in _TOGETHER:
        keep &= ~_elsewhere(drawn, scored, _TOGETHER[kind])
    drawn = drawn[keep]
    keys = ["labeler", "attribute"]
    room = scored[scored["split"] == "train"].groupby(keys)["weight"].sum().rename("room")
    joined = drawn.merge(room, on=keys, how="left")
    total = joined["weight"].groupby([joined["labeler"], joined["attribute"]]).transform("sum")
    scale = (joined["room"] / total).fillna(1.0).clip(upper=1.0)
    return drawn.assign(weight=(joined["weight"] * scale).to_numpy(dtype=np.float32))


def _elsewhere(drawn: pd.DataFrame, scored: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Rating pairs that a comparison, with which they may not part, put into another split."""
    both = pd.concat([drawn, scored], ignore_index=True)
    key = both.assign(pair=unordered(both)[0]).groupby(["pair", *columns]).ngroup().to_numpy()
    held = pd.Series(scored["split"].to_numpy(), index=key[len(drawn) :])
    held = held[~held.index.duplicated()]
    where = pd.Series(key[: len(drawn)], index=drawn.index).map(held)
    return where.notna() & (where != drawn["split"])


def _check_any(pairs: pd.DataFrame, use: str) -> None:
    if pairs.empty:
        wanted = {"comparisons": "comparisons", "ratings": "ratings that differ"}.get(
            use, "answers"
        )
        raise InputError(
            f"There are no {wanted} to learn from; label some faces first or choose the other task "
            "type."
        )


def _notices(pairs: pd.DataFrame, report: SplitReport, split: SplitConfig) -> tuple[str, ...]:
    """What the reader of a run must know about its split: settings without effect, labelers who
    are in no part."""
    notices = [report.warning] if report.warning else []
    usual = SplitConfig()
    if (
        report.kind == "image"
        and report.method == "folds"
        and (split.train, split.val) != (usual.train, usual.val)
    ):
        notices.append(
            f"The pairs were drawn within the study's {counted(FOLDS, 'image fold')}, so "
            f"{FOLDS - 2} of "
            "them train, one validates and one tests; the shares split.train and split.val change "
            "nothing."
        )
    for name, verb in (("train", "train on"), ("test", "be tested on")):
        having = set(pairs.loc[pairs["split"] == name, "labeler"].unique())
        lacking = sorted(set(pairs["labeler"].unique()) - having)
        if lacking and report.kind != "labeler":
            notices.append(f"No pairs to {verb} for {few(lacking, 5)}.")
    return tuple(notices)
