"""Frames shaped like the store's, from short descriptions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

COLUMNS = [
    "trial",
    "labeler",
    "session",
    "order",
    "left",
    "right",
    "attribute",
    "outcome",
    "onset",
    "seconds",
]


def comparisons(rows: Sequence[tuple[str, str, str, str, str]]) -> pd.DataFrame:
    """One answer per trial from (labeler, left, right, attribute, outcome), in the order given."""
    frame = pd.DataFrame(list(rows), columns=["labeler", "left", "right", "attribute", "outcome"])
    return frame.assign(
        trial=[f"t{number}" for number in range(len(frame))],
        session="s",
        order=range(len(frame)),
        onset=np.arange(len(frame), dtype=float),
        seconds=1.0,
        repeat_of=None,
        source="labeled",
    )


def ratings(rows: Sequence[tuple[str, str, str, float]]) -> pd.DataFrame:
    """One answer per trial from (labeler, image, attribute, value)."""
    frame = pd.DataFrame(list(rows), columns=["labeler", "image", "attribute", "value"])
    return frame.assign(
        trial=[f"r{number}" for number in range(len(frame))],
        session="s",
        order=range(len(frame)),
        onset=np.arange(len(frame), dtype=float),
        seconds=1.0,
        repeat_of=None,
        source="labeled",
    )


def images(count: int, folds: int = 7) -> pd.DataFrame:
    """Images i000, i001, ... dealt out to the folds in turn."""
    names = [f"i{number:03}" for number in range(count)]
    return pd.DataFrame(
        {"image": names, "name": names, "path": names, "width": 8, "height": 8}
    ).assign(fold=np.arange(count) % folds)


def random_comparisons(
    trials: int, count: int, seed: int, labelers: int = 4, within_folds: bool = False
) -> pd.DataFrame:
    """Random answers on two attributes.

    A tenth of the trials repeats an earlier one with sides exchanged.
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, str, str]] = []
    for _ in range(trials):
        if rows and rng.random() < 0.1:
            labeler, right, left, *_ = rows[int(rng.integers(len(rows)))]
        else:
            fold = int(rng.integers(7))
            pool = np.arange(fold, count, 7) if within_folds else np.arange(count)
            first, second = rng.choice(pool, 2, replace=False)
            labeler, left, right = f"L{rng.integers(labelers)}", f"i{first:03}", f"i{second:03}"
        rows += [
            (
                labeler,
                left,
                right,
                attribute,
                str(rng.choice(["left", "right", "tie"], p=[0.45, 0.45, 0.1])),
            )
            for attribute in ("a", "b")
        ]
    frame = comparisons(rows)
    return frame.assign(
        trial=[f"t{number // 2}" for number in range(len(frame))], order=np.arange(len(frame)) // 2
    )


def random_ratings(count: int, of: int, seed: int, labelers: int = 3) -> pd.DataFrame:
    """Random ratings 1-4 by each labeler of `count` of `of` images on two attributes."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"L{labeler}", f"i{image:03}", attribute, int(rng.integers(1, 5)))
        for labeler in range(labelers)
        for image in rng.choice(of, count, replace=False)
        for attribute in ("a", "b")
    ]
    return ratings(rows)


def predictions(pairs: pd.DataFrame, score: dict[str, float]) -> pd.DataFrame:
    """The same score of an image for every labeler and attribute in the pairs."""
    who = pairs[["labeler", "attribute"]].drop_duplicates()
    return who.merge(
        pd.DataFrame({"image": list(score), "score": list(score.values())}), how="cross"
    )
