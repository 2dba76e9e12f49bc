"""Pairs: what a model is trained and tested on, from comparisons and from ratings.

The columns of a pairs frame (`COLUMNS`): trial, labeler, attribute, left and right (image ids),
outcome float32 (1 the left image was chosen, 0 the right one, 0.5 tie), weight float32, source
("comparison" or "rating"), order (the labeler's trials counted in time, from 0) and split ("train",
"val", "test" or "dropped").

Repeats are kept: every presentation is an observation of its own. They never part from their
originals, because each kind of split keeps one labeler's answers on one unordered pair together
(`splits.py`), and intervals are clustered.

Frames of many answers are coded (`coded_columns`), the columns of images by the same words; then a
pair of two ratings has the trial of its left one in `trial` and that of its right one in `second`,
where otherwise `trial` joins both by a plus.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.coded_columns import (
    codes_in,
    decoded,
    encoded,
    is_coded,
    mapped,
    recoded,
)

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
_WORDS = {"source": ("comparison", "rating"), "split": (DROPPED, "test", "train", "val")}
_OUTCOMES = {"left": 1.0, "right": 0.0, "tie": 0.5}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]


def empty_pairs() -> pd.DataFrame:
    """A pairs frame without rows."""
    return typed_pairs(pd.DataFrame({column: [] for column in COLUMNS}))


def pairs_from_comparisons(frame: pd.DataFrame, ties: str = "drop") -> pd.DataFrame:
    """One pair per answered attribute of each comparison trial.

    The split is still "dropped" everywhere.

    Args:
        frame: `Study.comparisons()`.
        ties: "drop" leaves ties out, "davidson" keeps them with outcome 0.5.
    """
    if frame.empty:
        return empty_pairs()
    outcome = mapped(frame["outcome"], _OUTCOMES).astype("float64")
    kept = frame.assign(order=time_order(frame), outcome=outcome)
    kept = kept[kept["outcome"].notna() & (kept["left"] != kept["right"])]
    if ties == "drop":
        kept = kept[kept["outcome"] != 0.5]
    return typed_pairs(kept.assign(weight=1.0, source="comparison", split=DROPPED))


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
    left, right = (np.concatenate(rows) for rows in zip(*drawn, strict=True))
    del drawn
    used, order = (rated[name].to_numpy() for name in ("used", "order"))
    weight = used[left] - used[right]
    chosen = (weight > 0).astype(np.float32)
    np.abs(weight, out=weight)
    pairs = rated[["labeler", "attribute", "split"]].take(left).reset_index(drop=True)
    pairs = pairs.assign(
        **_trials(
            frame["trial"], rated["row"].to_numpy(), left, right, apart=is_coded(frame["image"])
        ),
        left=rated["image"].take(left).reset_index(drop=True),
        right=rated["image"].take(right).reset_index(drop=True),
        outcome=chosen,
        order=np.maximum(order[left], order[right]),
        weight=weight,
        source=_source("rating", len(weight), coded=is_coded(frame["labeler"])),
    )
    del left, right, weight, chosen
    mean = pairs.groupby(["labeler", "attribute"])["weight"].transform("mean")
    return typed_pairs(pairs.assign(weight=pairs["weight"] / mean))


def _trials(
    trial: pd.Series, row: Ints, left: Places, right: Places, *, apart: bool
) -> dict[str, pd.Series]:
    """What tells the presentations of pairs apart, in one column or in two."""
    if apart:
        codes, words = decoded(trial)
        own = codes[row]
        return {"trial": encoded(own[left], words), "second": encoded(own[right], words)}
    texts = trial.to_numpy(dtype=object)[row]
    return {"trial": pd.Series(texts[left] + "+" + texts[right], dtype="str")}


def _source(name: str, rows: int, *, coded: bool) -> str | pd.Categorical:
    """A column that says the same in all rows."""
    if not coded:
        return name
    words = pd.CategoricalDtype(pd.Index(_WORDS["source"], dtype=object))
    place = np.int8(_WORDS["source"].index(name))
    return pd.Categorical.from_codes(np.full(rows, place), dtype=words)


def time_order(frame: pd.DataFrame) -> pd.Series:
    """Each row's trial counted in time within its labeler, from
    0: by onset where all are known, else as recorded."""
    codes, _ = pd.factorize(decoded(frame["trial"])[0])
    first = np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
    trials = frame[["labeler", "onset"]].take(first).reset_index(drop=True)
    onset = pd.to_numeric(trials["onset"], errors="coerce").astype("float64")
    known = onset.notna().groupby(trials["labeler"]).transform("all")
    trials = trials.assign(when=onset.where(known, 0.0), row=np.arange(len(trials)))
    trials = trials.sort_values(["labeler", "when", "row"], kind="stable")
    rank = np.empty(len(trials), np.int64)
    rank[trials.index] = trials.groupby("labeler").cumcount()
    return pd.Series(rank[codes], index=frame.index, dtype="int64")


def unordered(pairs: pd.DataFrame) -> tuple[Ints, list[str]]:
    """The unordered image pair of each row as a number,
    and the images that the numbers were made from."""
    left, right, images = image_codes(pairs)
    return np.minimum(left, right) * np.int64(max(len(images), 1)) + np.maximum(left, right), images


def image_codes(pairs: pd.DataFrame) -> tuple[Ints, Ints, list[str]]:
    """Left and right images of each row as numbers (int64)
    into a sorted list of the images that occur."""
    codes, images = codes_in(pd.concat([pairs["left"], pairs["right"]], ignore_index=True))
    return codes[: len(pairs)], codes[len(pairs) :], images


def coded_together(*frames: pd.DataFrame) -> list[pd.DataFrame]:
    """Frames of answers with who, what and which images as `coded_columns`, by the same words."""
    out = [frame.copy(deep=False) for frame in frames]
    for names in (("labeler",), ("attribute",), ("left", "right", "image")):
        held = [(frame, name) for frame in out for name in names if name in frame]
        words = {word for frame, name in held for word in codes_in(frame[name])[1]}
        for frame, name in held:
            frame[name] = recoded(frame[name], words)
    return out


def joined_pairs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Pairs frames, coded together, as one; of one that is alone no copy is made."""
    held = [frame for frame in frames if len(frame)] or list(frames[:1])
    if len(held) == 1:
        return held[0].reset_index(drop=True)
    return pd.concat(held, ignore_index=True)


def typed_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """A pairs frame with its columns as they must be, coded where the labelers are."""
    types: dict[str, Any] = {"outcome": "float32", "weight": "float32", "order": "int64"}
    if len(frame) and is_coded(frame["labeler"]):
        return _as_coded(frame).astype(types)
    types = dict.fromkeys(COLUMNS, "str") | types
    return frame[list(COLUMNS)].astype(types).reset_index(drop=True)


def _as_coded(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a coded pairs frame."""
    import pyarrow as pa

    frame = frame.reset_index(drop=True)
    for name, words in _WORDS.items():
        frame[name] = recoded(frame[name], words)
    if "second" not in frame:
        frame["trial"] = encoded(*decoded(frame["trial"]))
        frame["second"] = encoded(np.zeros(len(frame), np.int32), pa.array([""], pa.large_string()))
    return frame[[*COLUMNS, "second"]]


def _rated(frame: pd.DataFrame, image_split: Mapping[str, str] | None) -> pd.DataFrame:
    """One row per labeler, attribute, image and split:
    the mean value, the row of the first trial, the last order."""
    keys = ["labeler", "attribute", "image", "split"]
    rows = frame[[name for name in keys if name in frame]].assign(
        order=time_order(frame), used=scale_used(frame), row=np.arange(len(frame))
    )
    if image_split is not None:
        rows = rows.assign(split=mapped(rows["image"], image_split))
    if is_coded(rows["labeler"]):
        rows["split"] = recoded(rows["split"].fillna(DROPPED), _WORDS["split"])
    rows = rows[rows["split"].isin(SPLITS)].sort_values(["labeler", "order"], kind="stable")
    return rows.groupby(keys, as_index=False, sort=True).agg(
        used=("used", "mean"), row=("row", "first"), order=("order", "max")
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
    image, attribute = (codes_in(rated[name])[0] for name in ("image", "attribute"))
    used = rated["used"].to_numpy(dtype=np.float64)
    labeler, split = rated["labeler"].to_numpy(dtype=object), rated["split"].to_numpy(dtype=object)
    order = np.argsort(codes, kind="stable").astype(np.int64)
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []:
        yield (labeler[rows[0]], split[rows[0]]), (rows, image[rows], attribute[rows], used[rows])


def _draw(group: Rows, least: float, cap: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """The frame's rows of the left and of the right
    ratings of one labeler's pairs inside one split."""
    rows, image, attribute, used = group
    images, image = np.unique(image, return_inverse=True)
    place = np.argsort(rng.permutation(len(images)))[
        image
    ]  # where each image depends on the circle
    shape = (len(images), int(attribute.max()) + 1)
    values, source = np.full(shape, np.nan), np.zeros(shape, dtype=np.int32)
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
