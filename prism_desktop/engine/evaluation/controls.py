"""Controls: the same training on answers that hold
nothing personal must show no gain over consensus."""

from typing import Any

import numpy as np
import numpy.typing as npt
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
        The frame with another column `labeler`, coded if it was; rows in their order.
    """
    rng = np.random.default_rng(seed)
    shuffled = pairs["split"].isin([name for name in SPLITS if name != "test"]).to_numpy()
    keys = ["split", "source", "attribute"]
    group = pairs.groupby(keys, sort=True, observed=True).ngroup().to_numpy()
    return _exchanged(pairs, group, shuffled, rng)


def shuffle_raters(ratings: pd.DataFrame, images: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The same for single ratings, which some methods learn from beside pairs.

    Those of test images stay.

    Args:
        ratings: image, labeler, attribute, ...
        images: image, split.
        seed: of the permutation.

    Returns:
        The frame with another column `labeler`, coded if it was; rows in their order.
    """
    rng = np.random.default_rng(seed)
    tested = ratings["image"].isin(images.loc[images["split"] == "test", "image"]).to_numpy()
    group = ratings.groupby("attribute", sort=True, observed=True).ngroup().to_numpy()
    return _exchanged(ratings, group, ~tested, rng)


def _exchanged(
    answers: pd.DataFrame,
    group: npt.NDArray[np.integer[Any]],
    moved: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Answers, some of which others gave, within each group; who gave them is coded if it was.

    Args:
        group: (answers,) the number of each one's group.
        moved: (answers,) whether it may become another's.
    """
    giver = np.arange(len(answers))  # the answer whose labeler gave each
    for number in np.unique(group[moved]):
        rows = np.flatnonzero(moved & (group == number))
        giver[rows] = rng.permutation(rows)
    return answers.assign(labeler=answers["labeler"].take(giver).set_axis(answers.index))


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
