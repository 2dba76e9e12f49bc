"""The deletion test of a relevance map: does the score fall when the patches it calls relevant
are taken away?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Score = Callable[[Bytes], Floats]  # (n, S, S, 3) uint8 -> (n,) logits

_STEPS = 6  # shares of the patches taken away, from a sixth to all
_RANDOM = 20  # random orders to be better than


@dataclass(frozen=True, slots=True)
class DeletionCheck:
    """Areas over deletion curves, in logits; more is better.

    Deleting replaces patches by the image's mean colour, a sixth of them at a time; the area is how
    far the score fell on average over the steps. All orders end at the same blank image, so their
    areas can be compared.
    """

    deletion: float  # most relevant patches first
    random: float  # mean of twenty random orders
    random_high: float  # what one random order in twenty reaches
    centre: float  # from the centre outwards, what a map knows who has not seen the image
    # Spearman of the map with each patch's own effect when it alone is taken away; NaN if flat
    occlusion: float

    @property
    def passes(self) -> bool:
        """Better than 19 of 20 random orders, and than the centre prior."""
        return self.deletion > self.random_high and self.deletion > self.centre

    def sentence(self) -> str:
        """The result for a reader."""
        numbers = (
            f"taking away its most relevant patches changes the score by {-self.deletion:+.2f} on "
            f"average, a random order by {-self.random:+.2f} (one in twenty by "
            f"{-self.random_high:+.2f}), the centre first by {-self.centre:+.2f}"
        )
        if self.passes:
            return f"The map passes its deletion test: {numbers}."
        return f"The map fails its deletion test, so do not read it as a reason: {numbers}."


def check_map(
    score: Score, pixels: Bytes, grid: NDArray[np.float32], seed: int = 0
) -> DeletionCheck:
    """Test a map.

    Args:
        score: the model's score of images.
        pixels: (S, S, 3) what the model saw.
        grid: (rows, columns) relevance; S need not be a multiple of it.
        seed: of the random orders.
    """
    patches = grid.size
    rng = np.random.default_rng(seed)
    ours = np.argsort(-grid.ravel(), kind="stable")
    orders = [ours, _from_centre(grid.shape), *(rng.permutation(patches) for _ in range(_RANDOM))]
    ends = np.unique(np.ceil(np.arange(1, _STEPS + 1) * patches / _STEPS).astype(np.int64))
    gone = np.zeros((len(orders), len(ends), patches), dtype=bool)
    for place, order in enumerate(orders):
        for step, end in enumerate(ends):
            gone[place, step, order[:end]] = True
    alone = np.eye(patches, dtype=bool)
    masks = np.concatenate([np.zeros((1, patches), bool), gone.reshape(-1, patches), alone])
    values = score_masked(score, pixels, masks, grid.shape)
    size = len(orders) * len(ends)
    fallen = values[0] - values[1:]
    deleted = fallen[:size].reshape(len(orders), -1).mean(1)
    return DeletionCheck(
        deletion=float(deleted[0]),
        random=float(deleted[2:].mean()),
        random_high=float(np.quantile(deleted[2:], 0.95)),
        centre=float(deleted[1]),
        occlusion=_spearman(grid.ravel().astype(np.float64), fallen[size:]),
    )


def score_masked(
    score: Score, pixels: Bytes, gone: NDArray[np.bool_], shape: tuple[int, ...]
) -> Floats:
    """Scores of the image with patches replaced by its mean colour.

    Args:
        score: as in `check_map`.
        pixels: (S, S, 3).
        gone: (n, patches) which patches are taken away.
        shape: (rows, columns) of the patches.
    """
    side = len(pixels)
    row = np.arange(side) * shape[0] // side
    column = np.arange(side) * shape[1] // side
    mean = pixels.reshape(-1, 3).mean(0).astype(np.uint8)
    unique, inverse = np.unique(gone, axis=0, return_inverse=True)
    out = np.empty(len(unique))
    for start in range(0, len(unique), 64):
        mask = unique[start : start + 64].reshape(-1, *shape)[:, row][:, :, column]
        out[start : start + 64] = score(np.where(mask[..., None], mean, pixels))
    return out[inverse.ravel()]


def _from_centre(shape: tuple[int, ...]) -> NDArray[np.int64]:
    rows, columns = np.indices(shape)
    apart = (rows - (shape[0] - 1) / 2) ** 2 + (columns - (shape[1] - 1) / 2) ** 2
    return np.argsort(apart.ravel(), kind="stable")


def _spearman(x: Floats, y: Floats) -> float:
    from scipy.stats import rankdata

    x, y = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    spread = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float(x @ y) / spread if spread > 0 else float("nan")
