"""The ordinal term: single ratings as ordered steps, cut where each labeler cuts them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.models.answers import Floats, Ints
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.batches import Batch
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext

_MOST_LEVELS = 10  # finer scales are cut at quantiles
# thresholds are logits and must travel farther than weights do at the same learning rate
_PACE = 10.0


class OrdinalLoss(LossTerm):
    """lambda times the mean negative log-likelihood of
    ratings: P(rating <= k) = sigmoid(t_uak - s_u(i, a)).

    Thresholds t are each labeler's own, for each attribute. A rating counts if its image is seen in
    the batch with its labeler's eyes. Source: McCullagh, "Regression Models for Ordinal Data", JRSS
    B 1980.

    Attributes:
        first: (labelers, attributes) float32, the lowest threshold over `_PACE`.
        gaps: (labelers, attributes, levels - 2) float32, whose softplus over `_PACE` the next ones
            lie higher.
    """

    reads_answers: ClassVar[bool] = True

    def __init__(self, strength: float, ratings: Ratings, labelers: int, attributes: int) -> None:
        """Args: strength: lambda. ratings: of training images. labelers, attributes: how many."""
        super().__init__()
        self.strength = strength
        level, levels = steps_of(ratings.value)
        order = np.argsort(ratings.image, kind="stable")
        self._image, self._labeler, self._attribute = (
            column[order] for column in (ratings.image, ratings.labeler, ratings.attribute)
        )
        self._level, self.levels = level[order], levels
        start = thresholds(ratings, level, levels, labelers, attributes)
        self.first = nn.Parameter(torch.from_numpy(start[..., 0].copy()) / _PACE)
        self.gaps = nn.Parameter(torch.from_numpy(np.diff(start)).expm1().log() / _PACE)

    def cuts(self) -> Tensor:
        """(labelers, attributes, levels - 1) float32, ascending."""
        gaps = functional.softplus(self.gaps * _PACE)
        first = self.first[..., None] * _PACE
        return torch.cat([first, first + gaps.cumsum(dim=-1)], dim=-1)

    def forward(self, context: StepContext) -> Tensor:
        """() float32; zero where no rated image is in the batch."""
        rated, row = self._found(context.part, context.scorer.view_groups)
        if not len(rated):
            return super().forward(context)
        send = context.scorer.send
        labeler, attribute = send(self._labeler[rated]), send(self._attribute[rated])
        scores = context.model.score(
            context.features[send(row)], labeler, context.scorer.attribute_texts
        )
        score = scores.gather(1, attribute[:, None])[:, 0]
        return self.strength * ordinal_loss(
            score, self.cuts()[labeler, attribute], send(self._level[rated])
        )

    def _found(self, part: Batch, alike: Ints) -> tuple[Ints, Ints]:
        """Ratings that the batch can foretell, and the image row that each is foretold from."""
        first, last = (
            np.searchsorted(self._image, part.images, side=side) for side in ("left", "right")
        )
        spans = [np.arange(start, end) for start, end in zip(first, last, strict=True)]
        rated = np.concatenate(spans).astype(np.int64)
        seen = int(part.images.max()) + 1
        keys = part.labeler * seen + part.images[part.image]
        wanted = alike[self._labeler[rated]] * seen + self._image[rated]
        order = np.argsort(keys)
        place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        row = order[place]
        there = keys[row] == wanted
        return rated[there], row[there].astype(np.int64)


def ordinal_loss(score: Tensor, cuts: Tensor, level: Tensor) -> Tensor:
    """Mean of -log(sigmoid(cut above - score) - sigmoid(cut below - score)).

    Args:
        score: (n,) float32.
        cuts: (n, levels - 1) float32, ascending.
        level: (n,) int64 from 0.
    """
    low = functional.pad(cuts, (1, 0), value=-40.0).gather(1, level[:, None])[:, 0] - score
    high = functional.pad(cuts, (0, 1), value=40.0).gather(1, level[:, None])[:, 0] - score
    # sigmoid(h) - sigmoid(l) = sigmoid(h) sigmoid(-l) (1 - exp(l - h)), which keeps its digits far
    # out.
    return -(
        functional.logsigmoid(high)
        + functional.logsigmoid(-low)
        + torch.log1p(-torch.exp(low - high))
    ).mean()


def steps_of(value: npt.NDArray[np.float64]) -> tuple[Ints, int]:
    """The level of each rating, from 0, and how many levels there are, at least 2."""
    distinct, level = np.unique(value, return_inverse=True)
    if len(distinct) > _MOST_LEVELS:
        edges = np.unique(np.quantile(value, np.arange(1, _MOST_LEVELS) / _MOST_LEVELS))
        level = np.searchsorted(edges, value, side="right")
        return level.astype(np.int64), len(edges) + 1
    return level.astype(np.int64), max(2, len(distinct))


def thresholds(
    ratings: Ratings, level: Ints, levels: int, labelers: int, attributes: int
) -> Floats:
    """Where thresholds lie if all images score zero: logits of the shares at or below each level.

    One rating of each level is added, so that levels that nobody used have a place too.
    """
    counts = np.ones((labelers, attributes, levels))
    np.add.at(counts, (ratings.labeler, ratings.attribute, level), 1)
    share = counts.cumsum(-1)[..., :-1] / counts.sum(-1, keepdims=True)
    return np.asarray(np.log(share / (1 - share)), dtype=np.float32)
