"""From a study's answers to the pairs of a run: what is
used, how it is split, and what the reader is told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prism_desktop.engine.config import PairsConfig, SplitConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import splits
from prism_desktop.engine.evaluation.controls import shuffle_labelers
from prism_desktop.engine.evaluation.pairs import (
    DROPPED,
    empty_pairs,
    pairs_from_comparisons,
    pairs_from_ratings,
    time_order,
    unordered,
)
from prism_desktop.engine.runs.result_files import SplitReport
from prism_desktop.engine.study.records import FOLDS

SHUFFLED = (
    "Control: who gave which training and validation answer was permuted, so any gain over "
    "consensus on the test answers is chance."
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
    """Pairs with splits, from the frames of `Study`.

    Automatically, comparisons are used alone if everybody compared, else ratings too, so that
    nobody is lost. Where both tasks are used, ratings only help training: a labeler who compared is
    validated and tested on comparisons alone, and the weights of the rating pairs of a labeler and
    attribute never add up to more than the comparisons'.

    Raises:
        InputError: one sentence, if there is nothing to learn from or a split would be empty.
    """
    split, options = split or SplitConfig(), options or PairsConfig()
    use = _use(comparisons, ratings) if options.use == "auto" else options.use
    compared = (
        pairs_from_comparisons(comparisons, options.ties) if use != "ratings" else empty_pairs()
    )
    if use == "comparisons" or ratings.empty:
        _check_any(compared, use)
        pairs, image_split, report = splits.assign(compared, images, split)
    else:
        pairs, image_split, report = _with_ratings(
            compared, ratings, images, split, options.model_copy(update={"use": use})
        )
    images = images.reset_index(drop=True)
    placed = images.assign(
        split=pd.Series([image_split.get(image, "") for image in images["image"]], dtype="str")
    )
    notices = _notices(pairs, report, split)
    if options.shuffle is not None:
        pairs, notices = shuffle_labelers(pairs, options.shuffle), (SHUFFLED, *notices)
    return PairSet(pairs, placed, report, notices)


def _use(comparisons: pd.DataFrame, ratings: pd.DataFrame) -> str:
    """The task types that leave out nobody who answered, comparisons alone if they do."""
    if comparisons.empty:
        return "ratings"
    return "comparisons" if set(ratings["labeler"]) <= set(comparisons["labeler"]) else "both"


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
    both, image_split, report = splits.assign(parts[0], images, split, parts[1])
    compared, solo = both.iloc[: len(compared)], both.iloc[len(compared) :]
    drawn = pairs_from_ratings(
        ratings.assign(split=solo["split"].to_numpy(dtype=object)),
        None,
        options.min_difference,
        options.cap_per_image,
        split.seed,
    )
    drawn = _behind(drawn, compared, split.kind)
    pairs = pd.concat([compared, drawn], ignore_index=True)
    _check_any(pairs, options.use)
    report = splits.report_of(pairs, split, report.method, report.folds)
    splits.check_filled(report)
    return pairs, image_split, report


def _as_pairs(ratings: pd.DataFrame) -> pd.DataFrame:
    blank = empty_pairs().reindex(range(len(ratings)))
    rows = ratings.reset_index(drop=True)
    same = {name: rows[name].astype("str") for name in ("trial", "labeler", "attribute")}
    image = rows["image"].astype("str")
    blank = blank.assign(**same, left=image, right=image, order=time_order(rows), split=DROPPED)
    return blank.assign(outcome=np.float32(0.5), weight=np.float32(1.0), source="rating")


def _behind(drawn: pd.DataFrame, compared: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Keep rating pairs from drowning or betraying the comparisons."""
    scored = compared[compared["split"] != DROPPED]
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
            f"The pairs were drawn within the study's {FOLDS} image folds, so {FOLDS - 2} of them "
            "train, one validates and one tests; the shares split.train and split.val change "
            "nothing."
        )
    for name, verb in (("train", "train on"), ("test", "be tested on")):
        having = set(pairs.loc[pairs["split"] == name, "labeler"])
        lacking = sorted(set(pairs["labeler"]) - having)
        if lacking and report.kind != "labeler":
            notices.append(f"No pairs to {verb} for {few(lacking)}.")
    return tuple(notices)


def few(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
