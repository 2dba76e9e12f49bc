"""Pairs: what a model is trained and tested on, from comparisons and from ratings.

The columns of a pairs frame (`COLUMNS`): trial, labeler, attribute, left and right (image ids),
outcome float32 (1 the left image was chosen, 0 the right one, 0.5 tie), weight float32, source
("comparison" or "rating"), order (the labeler's trials counted in time, from 0) and split ("train",
"val", "test" or "dropped").

Repeats are kept: every presentation is an observation of its own. They never part from their
originals, because each kind of split keeps one labeler's answers on one unordered pair together
(`splits.py`), and intervals are clustered.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = (
    "trial",
    "labeler",
    "attribute",
    "left",
    "right",
    "outcome",
    "weight",
    "source",
    "order",
    "split",
)
SPLITS = ("train", "val", "test")
DROPPED = "dropped"
_OUTCOMES = {"left": 1.0, "right": 0.0, "tie": 0.5}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def empty_pairs() -> pd.DataFrame:
    """A pairs frame without rows."""
    return _typed(pd.DataFrame({column: [] for column in COLUMNS}))


def pairs_from_comparisons(frame: pd.DataFrame, ties: str = "drop") -> pd.DataFrame:
    """One pair per answered attribute of each comparison trial.

    The split is still "dropped" everywhere.

    Args:
        frame: `Study.comparisons()`.
        ties: "drop" leaves ties out, "davidson" keeps them with outcome 0.5.
    """
    if frame.empty:
        return empty_pairs()
    kept = frame.assign(
        order=time_order(frame), outcome=frame["outcome"].astype("str").map(_OUTCOMES)
    )
    kept = kept[kept["outcome"].notna() & (kept["left"] != kept["right"])]
    if ties == "drop":
        kept = kept[kept["outcome"] != 0.5]
    return _typed(kept.assign(weight=1.0, source="comparison", split=DROPPED))


def pairs_from_ratings(
    frame: pd.DataFrame,
    image_split: Mapping[str, str] | None = None,
    min_difference: float = 1.0,
    cap_per_image: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """Pairs of images that one labeler rated differently
    on one attribute, both images in the same split.

    Images are put on a random circle and paired with their next, second next, ... neighbour until
    each takes part in about `cap_per_image` pairs per attribute, never more; so the number of pairs
    grows with the number of ratings, not with its square, and all attributes of a labeler share the
    same image pairs. Repeated ratings are averaged first.

    Args:
        frame: `Study.ratings()`; values come from the column `raw` where it is complete for a
            labeler and attribute, else from `value`.
        image_split: image id -> split; None if `frame` has a column `split` of its own.
        min_difference: the smallest difference, in steps of the scale used, that counts as a
            preference.
        cap_per_image: at most this many pairs per image, labeler and attribute.
        seed: the same seed and ratings give the same pairs, whatever the order of the rows.

    Returns:
        A pairs frame; weights follow the difference and have mean 1 within labeler and attribute.
    """
    rated = _rated(frame, image_split)
    drawn = [
        _draw(
            rows,
            min_difference,
            cap_per_image,
            np.random.default_rng([seed, crc32(repr(key).encode())]),
        )
        for key, rows in _groups(rated)
    ]
    if not drawn or not sum(len(left) for left, _ in drawn):
        return empty_pairs()
    left, right = (rated.iloc[np.concatenate(rows)] for rows in zip(*drawn, strict=True))
    difference = left["used"].to_numpy() - right["used"].to_numpy()
    pairs = left[["labeler", "attribute", "split"]].assign(
        trial=left["trial"].to_numpy(dtype=object) + "+" + right["trial"].to_numpy(dtype=object),
        left=left["image"],
        right=right["image"].to_numpy(dtype=object),
        outcome=difference > 0,
        order=np.maximum(left["order"].to_numpy(), right["order"].to_numpy()),
        weight=np.abs(difference),
        source="rating",
    )
    mean = pairs["weight"].groupby([pairs["labeler"], pairs["attribute"]]).transform("mean")
    return _typed(pairs.assign(weight=pairs["weight"] / mean))


def time_order(frame: pd.DataFrame) -> pd.Series:
    """Each row's trial counted in time within its labeler, from
    0: by onset where all are known, else as recorded."""
    trials = frame.drop_duplicates("trial")[["trial", "labeler", "onset"]].reset_index(drop=True)
    onset = pd.to_numeric(trials["onset"], errors="coerce").astype("float64")
    known = onset.notna().groupby(trials["labeler"]).transform("all")
    trials = trials.assign(when=onset.where(known, 0.0), row=np.arange(len(trials)))
    trials = trials.sort_values(["labeler", "when", "row"], kind="stable")
    rank = trials.groupby("labeler").cumcount()
    return (
        frame["trial"]
        .map(pd.Series(rank.to_numpy(), index=trials["trial"].to_numpy()))
        .astype("int64")
    )


def unordered(pairs: pd.DataFrame) -> tuple[Ints, list[str]]:
    """The unordered image pair of each row as a number,
    and the images that the numbers were made from."""
    left, right, images = image_codes(pairs)
    return np.minimum(left, right) * np.int64(max(len(images), 1)) + np.maximum(left, right), images


def image_codes(pairs: pd.DataFrame) -> tuple[Ints, Ints, list[str]]:
    """Left and right images of each row as numbers (int64)
    into a sorted list of the images that occur."""
    both = pd.concat([pairs["left"], pairs["right"]], ignore_index=True).astype(object)
    codes, images = pd.factorize(both, sort=True)
    codes = codes.astype(np.int64)
    return codes[: len(pairs)], codes[len(pairs) :], [str(image) for image in images]


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    types: dict[str, Any] = dict.fromkeys(COLUMNS, "str")
    types |= {"outcome": "float32", "weight": "float32", "order": "int64"}
    return frame[list(COLUMNS)].astype(types).reset_index(drop=True)


def _rated(frame: pd.DataFrame, image_split: Mapping[str, str] | None) -> pd.DataFrame:
    """One row per labeler, attribute, image and split:
    the mean value, the first trial, the last order."""
    rows = frame.assign(order=time_order(frame), used=scale_used(frame))
    if image_split is not None:
        rows = rows.assign(split=rows["image"].map(dict(image_split)))
    rows = rows[rows["split"].isin(SPLITS)].sort_values(["labeler", "order"], kind="stable")
    keys = ["labeler", "attribute", "image", "split"]
    return rows.groupby(keys, as_index=False, sort=True).agg(
        used=("used", "mean"), trial=("trial", "first"), order=("order", "max")
    )


def scale_used(frame: pd.DataFrame) -> pd.Series:
    """Ratings as they were given: `raw` where it is complete
    for a labeler and attribute, else `value`."""
    value = frame["value"].astype("float64")
    if "raw" not in frame:
        return value
    raw = pd.to_numeric(frame["raw"], errors="coerce").astype("float64")
    complete = raw.notna().groupby([frame["labeler"], frame["attribute"]]).transform("all")
    return raw.where(complete, value)


# one labeler in one split: row of the frame, image, attribute, value
Rows = tuple[Ints, Ints, Ints, Floats]


def _groups(rated: pd.DataFrame) -> Iterator[tuple[tuple[str, str], Rows]]:
    codes = rated.groupby(["labeler", "split"], sort=True).ngroup().to_numpy(dtype=np.int64)
    image = pd.factorize(rated["image"].astype(object), sort=True)[0].astype(np.int64)
    attribute = pd.factorize(rated["attribute"].astype(object), sort=True)[0].astype(np.int64)
    used = rated["used"].to_numpy(dtype=np.float64)
    labeler, split = rated["labeler"].to_numpy(dtype=object), rated["split"].to_numpy(dtype=object)
    order = np.argsort(codes, kind="stable").astype(np.int64)
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []:
        yield (labeler[rows[0]], split[rows[0]]), (rows, image[rows], attribute[rows], used[rows])


def _draw(group: Rows, least: float, cap: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The frame's rows of the left and of the right
    ratings of one labeler's pairs inside one split."""
    rows, image, attribute, used = group
    images, image = np.unique(image, return_inverse=True)
    place = np.argsort(rng.permutation(len(images)))[
        image
    ]  # where each image depends on the circle
    shape = (len(images), int(attribute.max()) + 1)
    values, source = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    values[place, attribute], source[place, attribute] = used, rows
    i, j, a = _neighbours(values, least, cap)
    swap = _coin(i, j, len(images), rng)
    return source[np.where(swap, j, i), a], source[np.where(swap, i, j), a]


def _coin(i: Ints, j: Ints, n: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """One toss per image pair, the same for all its attributes."""
    _, inverse = np.unique(i * np.int64(n) + j, return_inverse=True)
    return (rng.random(int(inverse.max()) + 1 if len(inverse) else 0) < 0.5)[inverse]


def _neighbours(values: Floats, least: float, cap: int) -> tuple[Ints, Ints, Ints]:
    """Rows i, j and attribute a of pairs that differ by at least
    `least`, each (row, attribute) at most `cap` times."""
    n, attributes = values.shape
    used = np.zeros((n, attributes), dtype=np.int64)
    found: list[tuple[Ints, Ints, Ints]] = []
    here = np.arange(n, dtype=np.int64)
    for step in range(1, (min(n // 2, 4 * cap) if cap > 1 else 1) + 1):
        i = here[: n // 2] if 2 * step == n else here if cap > 1 else here[: n - 1 : 2]
        j = (i + step) % n
        # On the whole circle each row occurs twice per step, once as i and once as j, so two places
        # must be free.
        free = max(cap - 2, 0)
        with np.errstate(invalid="ignore"):
            apart = np.abs(values[i] - values[j]) >= least
        rows, a = np.nonzero(apart & (used[i] <= free) & (used[j] <= free))
        found.append((i[rows], j[rows], a.astype(np.int64)))
        np.add.at(used, (i[rows], a), 1)
        np.add.at(used, (j[rows], a), 1)
        if used.min(initial=cap) > free:
            break
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    joined = (np.concatenate(part) for part in zip(*found, strict=True))
    return tuple(joined)  # type: ignore[return-value]
