"""Controls: the same training on answers that hold
nothing personal must show no gain over consensus."""

import numpy as np
import pandas as pd

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.pairs import SPLITS
from prism_desktop.engine.runs.score_files import ScoreTable


def shuffle_labelers(pairs: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Permute who gave which training and validation answer, within attribute, task and split.

    Every labeler keeps as many answers per attribute and split, every answer its images and
    outcome: the consensus to be learned is the same, and no labeler's answers have anything in
    common that others' have not. The test split stays, so that a gain measured there is chance.

    Args:
        pairs: a pairs frame with all splits.
        seed: of the permutation.

    Returns:
        The frame with another column `labeler`, rows in their order.
    """
    rng = np.random.default_rng(seed)
    owners = pairs["labeler"].to_numpy(dtype=object).copy()
    shuffled = pairs["split"].isin([name for name in SPLITS if name != "test"]).to_numpy()
    group = pairs.groupby(["split", "source", "attribute"], sort=True).ngroup().to_numpy()
    for number in np.unique(group[shuffled]):
        rows = np.flatnonzero(shuffled & (group == number))
        owners[rows] = owners[rng.permutation(rows)]
    return pairs.assign(labeler=pd.Series(owners, index=pairs.index, dtype="str"))


def shuffle_raters(ratings: pd.DataFrame, images: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The same for single ratings, which some methods learn from beside pairs.

    Those of test images stay.

    Args:
        ratings: image, labeler, attribute, ...
        images: image, split.
        seed: of the permutation.

    Returns:
        The frame with another column `labeler`, rows in their order.
    """
    rng = np.random.default_rng(seed)
    owners = ratings["labeler"].to_numpy(dtype=object).copy()
    tested = ratings["image"].isin(images.loc[images["split"] == "test", "image"]).to_numpy()
    group = ratings.groupby("attribute", sort=True).ngroup().to_numpy()
    for number in np.unique(group):
        rows = np.flatnonzero(~tested & (group == number))
        owners[rows] = owners[rng.permutation(rows)]
    return ratings.assign(labeler=pd.Series(owners, index=ratings.index, dtype="str"))


def swap_labelers(predictions: pd.DataFrame | ScoreTable, one: str, other: str) -> ScoreTable:
    """Predictions in which two labelers exchange their
    models: what is personal must get worse by it.

    Raises:
        InputError: if there is no such labeler.
    """
    table = ScoreTable.of(predictions)
    if unknown := [code for code in (one, other) if code not in table.labelers]:
        raise InputError(
            f"The run has no labeler {unknown[0]}; there are {', '.join(sorted(table.labelers))}."
        )
    return table.called({one: other, other: one})


def rotate_labelers(predictions: pd.DataFrame | ScoreTable) -> ScoreTable:
    """Predictions in which every labeler has the next one's
    model: the swapped control of all labelers at once."""
    table = ScoreTable.of(predictions)
    codes = sorted(table.labelers)
    return table.called(dict(zip(codes, codes[1:] + codes[:1], strict=True)))
