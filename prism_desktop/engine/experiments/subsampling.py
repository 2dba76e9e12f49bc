"""Subsamples of a labeler's answers, drawn at random, as curves over their number need them.

An answer is one attribute of one comparison or, where ratings are learned from, one rating of a
face. Ratings that are learned from as pairs make their pairs anew from those that were drawn: a
single rating stands in many pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from prism_desktop.engine.config import PairsConfig
from prism_desktop.engine.evaluation.pairs import pairs_from_ratings, scale_used
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.runs.folder import RunFolder


@dataclass(frozen=True, slots=True, eq=False)
class Subsample:
    """What some answers are to a method."""

    pairs: pd.DataFrame  # rows of a pairs frame
    ratings: pd.DataFrame  # those that were drawn, for what learns from ratings as ratings
    answers: int  # comparisons and ratings that these are made of


@dataclass(frozen=True, slots=True, eq=False)
class AnswerPool:
    """A run's answers, those of training unless others are asked for as well.

    Attributes:
        pairs: the rows of its pairs frame.
        ratings: those that are learned from, as pairs or beside them, on the scale they were given
            on, with the split of their images.
        options: how ratings become pairs.
    """

    pairs: pd.DataFrame
    ratings: pd.DataFrame
    options: PairsConfig

    @classmethod
    def of(cls, run: RunFolder, beside: bool, splits: Sequence[str] = ("train",)) -> "AnswerPool":
        """Read them.

        Args:
            run: has the answers.
            beside: ratings are learned from as ratings, too, where no pairs were made of them.
            splits: whose answers.
        """
        pairs, ratings = run.table("pairs"), run.table("ratings")
        pairs = pairs[pairs["split"].isin(splits)]
        split = run.table("images").set_index("image")["split"]
        paired = set(pairs.loc[pairs["source"] == "rating", "labeler"])
        ratings = ratings.assign(value=scale_used(ratings)).drop(columns="raw", errors="ignore")
        ratings = ratings.assign(split=ratings["image"].map(split))
        used = ratings["split"].isin(splits) & (beside | ratings["labeler"].isin(paired))
        return cls(pairs, ratings[used], run.config().pairs)

    def count(self, labeler: str) -> int:
        """How many answers of a labeler there are."""
        compared, rated = self._of(labeler)
        return len(compared) + len(rated)

    def asked(self, labeler: str) -> pd.DataFrame:
        """What was asked for each answer of a labeler: attribute, left, right.

        Of a rating the image is left and `right` is None.
        """
        compared, rated = self._of(labeler)
        faces = rated[["attribute", "image"]].rename(columns={"image": "left"})
        asked = [compared[["attribute", "left", "right"]], faces.assign(right=None)]
        return pd.concat([part.astype(object) for part in asked], ignore_index=True)

    def draw(self, labeler: str, k: int, seed: int, order: Ints | None = None) -> Subsample:
        """K of a labeler's answers.

        All there are if there are fewer, and then just what the run learns from.

        Draws of one seed are nested: the answers of K = 10 are among those of K = 20, so that a
        curve rises by what the added answers teach.

        Args:
            labeler: whose.
            k: how many.
            seed: of the draw.
            order: which come first, as rows of `asked`, K or more; None to draw them at random.
        """
        compared, rated = self._of(labeler)
        mine = self.pairs[self.pairs["labeler"] == labeler]
        paired = bool((mine["source"] == "rating").any())
        total = len(compared) + len(rated)
        if k >= total:
            return Subsample(mine, rated, total)
        if order is None:
            order = np.random.default_rng([seed, crc32(labeler.encode())]).permutation(total)
        order = order[:k]
        compared = compared.iloc[order[order < len(compared)]]
        rated = rated.iloc[np.sort(order[order >= total - len(rated)]) - (total - len(rated))]
        if not paired or rated.empty:
            return Subsample(compared, rated, k)
        return Subsample(
            pd.concat([compared, self._pairs(rated, compared, seed)], ignore_index=True), rated, k
        )

    def _of(self, labeler: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Answers that are drawn: the compared pairs, and single
        ratings (where images are split, else their pairs)."""
        mine = self.pairs[self.pairs["labeler"] == labeler]
        rated = self.ratings[self.ratings["labeler"] == labeler]
        return (mine[mine["source"] != "rating"] if len(rated) else mine), rated

    def _pairs(self, rated: pd.DataFrame, compared: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Of ratings; beside comparisons of the same attribute they never weigh more than those."""
        split = dict(zip(rated["image"].astype(object), rated["split"].astype(object), strict=True))
        made = pairs_from_ratings(
            rated, split, self.options.min_difference, self.options.cap_per_image, seed
        )
        room = compared.groupby("attribute", observed=True)["weight"].sum()
        total = made.groupby("attribute", observed=True)["weight"].transform("sum")
        # where no two ratings differ there are no numbers
        own = made["attribute"].map(room).astype("float64")
        scale = (own / total).fillna(1.0).clip(upper=1.0)
        return made.assign(weight=(made["weight"] * scale).astype("float32"))


def subsample_all(pool: AnswerPool, labelers: Sequence[str], k: int, seed: int) -> Subsample:
    """K answers of each labeler."""
    parts = [pool.draw(labeler, k, seed) for labeler in labelers]
    return Subsample(
        pd.concat([part.pairs for part in parts], ignore_index=True),
        pd.concat([part.ratings for part in parts], ignore_index=True),
        sum(part.answers for part in parts),
    )
