"""The rating term: single ratings as a second task of a model that has a head for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from prism_desktop.engine.evaluation.pairs import scale_used
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext

if TYPE_CHECKING:
    import pandas as pd


class RatingLoss(LossTerm):
    """lambda times the mean squared error of foretold
    ratings of the images in the batch, by whomever.

    Ratings are taken about each labeler's and attribute's mean, in units of its deviation. Source:
    the rating head of the PRISM repository's README; Caruana, "Multitask Learning", Machine
    Learning 28 (1997).
    """

    def __init__(self, strength: float, ratings: Ratings) -> None:
        super().__init__()
        self.strength, self.ratings = strength, standardised(ratings)
        order = np.argsort(self.ratings.image, kind="stable")
        self._order, self._images = order, self.ratings.image[order]

    def forward(self, context: StepContext) -> Tensor:
        """() float32; zero where nobody rated an image of the batch."""
        images, send = context.part.images, context.scorer.send
        first, last = (
            np.searchsorted(self._images, images),
            np.searchsorted(self._images, images, side="right"),
        )
        spans = [np.arange(start, end) for start, end in zip(first, last, strict=True)]
        rows = self._order[np.concatenate(spans)]
        if not len(rows):
            return torch.zeros((), device=context.difference.device)
        seen = _row_of_image(context.part.image, images, self.ratings.image[rows])
        model: Any = context.model
        foretold: Tensor = model.rate(
            context.features[send(seen)], send(self.ratings.labeler[rows])
        )
        told = foretold.gather(1, send(self.ratings.attribute[rows])[:, None])[:, 0]
        return (
            self.strength * (told - send(self.ratings.value[rows].astype(np.float32))).pow(2).mean()
        )


def standardised(ratings: Ratings) -> Ratings:
    """With values about the mean of their labeler and attribute, in deviations.

    All alike become zero.
    """
    cell = ratings.labeler * (int(ratings.attribute.max(initial=0)) + 1) + ratings.attribute
    _, place, count = np.unique(cell, return_inverse=True, return_counts=True)
    value = ratings.value.astype(np.float64)
    value = value - (np.bincount(place, value) / count)[place] if len(value) else value
    spread = np.sqrt(np.bincount(place, value**2) / count)[place] if len(value) else value
    value = np.divide(value, spread, out=np.zeros_like(value), where=spread > 0)
    return Ratings(ratings.labeler, ratings.attribute, ratings.image, value)


def training_ratings(
    ratings: pd.DataFrame,
    images: pd.DataFrame,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    split: str = "train",
) -> Ratings | None:
    """Ratings of a split's images on their own scale; None
    without any, and where it is not images that are split.

    Args:
        ratings: a run's table of single ratings.
        images: its table of images.
        labelers, attributes: what the numbers mean.
        split: whose images.
    """
    kept = images["image"][images["split"] == split]
    found = ratings[ratings["image"].isin(kept)]
    return ratings_of(found, labelers, attributes, images["image"])


def ratings_of(
    ratings: pd.DataFrame,
    labelers: Sequence[str],
    attributes: Sequence[str],
    images: Sequence[str] | pd.Series,
) -> Ratings | None:
    """A table of single ratings as numbers, those of known labelers, attributes and images; None
    without any.

    Args:
        ratings: as `Study.ratings()`.
        labelers, attributes, images: what the numbers mean.
    """
    import pandas as pd

    names = {"labeler": labelers, "attribute": attributes, "image": images}
    rows = [
        pd.Index(pd.Series(known, dtype=object))
        .get_indexer(pd.Index(ratings[column].astype(object)))
        .astype(np.int64)
        for column, known in names.items()
    ]
    keep = np.all([row >= 0 for row in rows], axis=0)
    if not keep.any():
        return None
    value = scale_used(ratings).to_numpy(dtype=np.float64)[keep]
    labeler, attribute, image = (row[keep] for row in rows)
    return Ratings(labeler, attribute, image, value)


def _row_of_image(image: Ints, images: Ints, wanted: Ints) -> Ints:
    """For each wanted image a row of the batch that shows it; everyone sees alike."""
    row = np.zeros(len(images), np.int64)
    row[image] = np.arange(len(image))
    return row[np.searchsorted(images, wanted)]
