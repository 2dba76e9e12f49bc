"""Tests of relevance maps: does the score follow the patches that a map calls relevant?

Patches are dropped, not painted over. Every map is judged against random attribution and against
a centre prior, which knows where faces lie and nothing of the image, by three measures:

- deletion: how far the score falls, on average over the steps, while the most relevant patches go
  first;
- insertion: how far it rises from no patch at all while the most relevant ones come first
  (Petsiuk, Das and Saenko, "RISE", BMVC 2018, both);
- SaCo, the salience-guided faithfulness coefficient (Wu et al., "On the Faithfulness of Vision
  Transformer Explanations", CVPR 2024): groups of patches of equal size are dropped one group at a
  time, and of each two groups the more salient one should matter more, by as much as it is more
  salient; 1 if that is so throughout, -1 if it is never so.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# (n, m, patches) which patches each pass over one of n images sees -> (n, m) scores
KeptScores = Callable[[Bools], NDArray[np.floating]]

MEASURES: Final = ("deletion", "insertion", "SaCo")
# shares of the patches at which curves are read, and all of them from the other end
_SHARES: Final = (1 / 24, 1 / 8, 1 / 3)
_ORDERS: Final = 19  # random orders of each image: to beat all of them is one chance in twenty
_GROUPS: Final = 10  # of SaCo, as its authors
_PARTS: Final = 3  # random partitions of each image into groups
_RANKINGS: Final = 40  # random rankings of the groups of each partition
_DRAWS: Final = 2000  # of the bootstrap


@dataclass(frozen=True, slots=True, eq=False)
class MapTests:
    """How n maps did; more is better, in every column."""

    own: Floats  # (n, measures) of the maps
    random: Floats  # (n, measures) mean of random attribution
    random_high: Floats  # (n, measures) what one random attribution in twenty surpasses
    centre: Floats  # (n, measures) of the centre prior

    def __len__(self) -> int:
        return len(self.own)

    def table(self) -> Floats:
        """(4, n, measures), for a file."""
        return np.stack([self.own, self.random, self.random_high, self.centre])

    @classmethod
    def of(cls, table: Floats) -> MapTests:
        """What `table` gave."""
        return cls(*table)

    @property
    def beats(self) -> Bools:
        """(n, measures): better than 19 of 20 random attributions, and than the centre prior."""
        best = np.maximum(self.random_high, self.centre)
        return np.asarray(self.own > best, dtype=np.bool_)

    @property
    def passes(self) -> Bools:
        """(n,): which maps beat both by every measure."""
        return np.asarray(self.beats.all(1), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Margin:
    """By how much maps beat a rival on average over faces; a 95 % interval over faces."""

    measure: str
    rival: str  # "random" or "centre"
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FaithfulnessTest:
    """Whether maps of one kind are supported by their test, over faces."""

    faces: int
    passed: int  # single maps that beat both rivals by every measure
    margins: tuple[Margin, ...]

    @property
    def supported(self) -> bool:
        """Whether they beat both rivals by every measure, beyond chance."""
        return self.faces > 1 and all(margin.low > 0 for margin in self.margins)


def put_to_test(scores: KeptScores, grids: NDArray[np.floating], seed: int = 0) -> MapTests:
    """Test maps, each on its own image.

    Args:
        scores: of images of which some patches are seen, larger where what the maps explain is
            more.
        grids: (n, rows, columns) relevance; only order matters for the curves.
        seed: of the random attributions.
    """
    n, patches = len(grids), grids[0].size
    flat = grids.reshape(n, -1).astype(np.float64)
    ends = _ends(patches)
    centre = np.broadcast_to(centre_prior(grids.shape[1:]).ravel(), flat.shape)
    random = np.stack([_random_orders(patches, (seed, face)) for face in range(n)])
    given = np.stack([_order(flat), _order(centre)], 1)
    curves = [_first(given, ends), ~_first(given, ends), _first(random, ends)]
    groups = _groups(np.concatenate([given, random[:, :_PARTS]], 1))
    nothing = np.zeros((n, 1, patches), bool)
    parts = [nothing, ~nothing, *(each.reshape(n, -1, patches) for each in curves), ~groups]
    sizes = np.cumsum([part.shape[1] for part in parts])[:-1]
    found = np.asarray(scores(np.concatenate(parts, 1)), np.float64)
    blank, whole, came, gone, shuffled, dropped = np.split(found, sizes, axis=1)
    rise = came.reshape(n, 2, -1).mean(2) - blank
    fall = whole - gone.reshape(n, 2, -1).mean(2)
    chance = shuffled.reshape(n, _ORDERS, -1).mean(2)
    matter = (whole - dropped).reshape(n, 2 + _PARTS, -1)
    saco, saco_random = _saco(flat, centre, matter, seed)
    # a random order deletes backwards what it inserts forwards, as the steps are symmetric
    drawn = [whole - chance, chance - blank, saco_random]
    return MapTests(
        own=np.stack([fall[:, 0], rise[:, 0], saco[:, 0]], 1),
        random=np.stack([each.mean(1) for each in drawn], 1),
        random_high=np.stack(
            [drawn[0].max(1), drawn[1].max(1), np.quantile(saco_random, 0.95, axis=1)], 1
        ),
        centre=np.stack([fall[:, 1], rise[:, 1], saco[:, 1]], 1),
    )


def judge(tests: MapTests, seed: int = 0) -> FaithfulnessTest:
    """Whether maps are supported, over the faces that they are of."""
    n = len(tests)
    draws = np.random.default_rng(seed).integers(0, n, (_DRAWS, n))
    margins = []
    for place, measure in enumerate(MEASURES):
        for rival, values in (("random", tests.random), ("centre", tests.centre)):
            gap = tests.own[:, place] - values[:, place]
            low, high = np.quantile(gap[draws].mean(1), [0.025, 0.975])
            margins.append(Margin(measure, rival, float(gap.mean()), float(low), float(high)))
    return FaithfulnessTest(n, int(tests.passes.sum()), tuple(margins))


def centre_prior(shape: tuple[int, ...]) -> Floats:
    """(rows, columns): 1 at the centre, falling with the distance from it, 0 in the corners."""
    rows, columns = np.indices(shape)
    apart = np.hypot(rows - (shape[0] - 1) / 2, columns - (shape[1] - 1) / 2)
    prior: Floats = 1 - apart / max(float(apart.max()), 1e-9)
    return prior


def _random_orders(patches: int, seed: tuple[int, int]) -> NDArray[np.int64]:
    """(orders, patches), of one image."""
    return np.argsort(np.random.default_rng(seed).random((_ORDERS, patches)), axis=1)


def _ends(patches: int) -> NDArray[np.int64]:
    """After how many patches a curve is read, as many from its end as from its beginning."""
    few = np.ceil(patches * np.array(_SHARES)).astype(np.int64)
    ends: NDArray[np.int64] = np.unique(np.concatenate([few, patches - few]))
    return ends[(ends > 0) & (ends < patches)]


def _order(values: Floats) -> NDArray[np.int64]:
    """(n, patches) largest first."""
    return np.argsort(-values, axis=1, kind="stable")


def _first(orders: NDArray[np.int64], ends: NDArray[np.int64]) -> Bools:
    """(n, orders, patches) -> (n, orders, ends, patches): which are among the first."""
    place = np.argsort(orders, axis=2)
    found: Bools = place[:, :, None, :] < ends[:, None]
    return found


def _groups(orders: NDArray[np.int64]) -> Bools:
    """(n, orders, patches) -> (n, orders x groups, patches): the groups of an order's patches."""
    n, many, patches = orders.shape
    groups = min(_GROUPS, patches)
    group_of = np.repeat(np.arange(groups), _sizes(patches, groups))[np.argsort(orders, axis=2)]
    inside: Bools = group_of[:, :, None, :] == np.arange(groups)[:, None]
    return inside.reshape(n, many * groups, patches)


def _saco(flat: Floats, centre: Floats, matter: Floats, seed: int) -> tuple[Floats, Floats]:
    """(n, 2) of map and centre, (n, draws) of the map's saliences dealt out to random groups.

    `matter` is (n, orders, groups), how far the score falls without each group.
    """
    n, groups = len(flat), matter.shape[2]
    means = np.stack([_salience(flat, groups), _salience(centre, groups)], 1)
    each = matter / _sizes(flat.shape[1], groups)  # per patch, for some groups are larger by one
    found = _coefficient(means, each[:, :2])
    rng = np.random.default_rng((seed, 1))
    drawn = rng.permuted(np.repeat(each[:, 2:], _RANKINGS, axis=1), axis=2)
    many = np.broadcast_to(means[:, :1], (n, drawn.shape[1], groups))
    return found, _coefficient(many, drawn)


def _salience(values: Floats, groups: int) -> Floats:
    """(n, groups) means of the values, largest first, in groups of equal size."""
    ranked = -np.sort(-values, axis=1)
    ends = np.cumsum(_sizes(values.shape[1], groups))[:-1]
    return np.stack([part.mean(1) for part in np.split(ranked, ends, axis=1)], 1)


def _sizes(patches: int, groups: int) -> NDArray[np.int64]:
    """(groups,) how many patches each has; the first by one more where it does not come out
    even."""
    return np.full(groups, patches // groups) + (np.arange(groups) < patches % groups)


def _coefficient(salience: Floats, matter: Floats) -> Floats:
    """(..., groups), most salient first, and what each mattered -> (...)."""
    one, other = np.triu_indices(salience.shape[-1], 1)
    weight = salience[..., one] - salience[..., other]
    right = np.sign(matter[..., one] - matter[..., other])
    whole = weight.sum(-1)
    found: Floats = np.divide(
        (weight * right).sum(-1), whole, out=np.zeros_like(whole), where=whole > 0
    )
    return found
