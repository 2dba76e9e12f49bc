"""The rating term: single ratings as a second task of a model that has a head for them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext


class RatingLoss(LossTerm):
    """lambda times the mean squared error of foretold
    ratings of the images in the batch, by whomever.

    Ratings are taken about each labeler's and attribute's mean, in units of its deviation. Source:
    the rating head of the PRISM repository's README; Caruana, "Multitask Learning", Machine
    Learning 28 (1997).
    """

    reads_answers: ClassVar[bool] = True

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


def _row_of_image(image: Ints, images: Ints, wanted: Ints) -> Ints:
    """For each wanted image a row of the batch that shows it; everyone sees alike."""
    row = np.zeros(len(images), np.int64)
    row[image] = np.arange(len(image))
    return row[np.searchsorted(images, wanted)]
