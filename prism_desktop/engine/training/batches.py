"""Batches: the order of an epoch's answers, and the image rows that a step needs, each once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.models.answers import Answers, Floats, Ints


@dataclass(frozen=True, slots=True)
class Batch:
    """Some answers, and the image rows that they need, each once.

    Attributes:
        places: (answers,) int64, where the answers stand among all of their split.
        images: (images,) int64, the distinct images, ascending.
        image, labeler: (rows,) int64; rows are distinct pairs of a place in `images` and a labeler.
        left, right: (answers,) int64 into the rows.
        attribute, answered_by: (answers,) int64: what was asked, and the labeler who answered.
        outcome, weight: (answers,) float32.
    """

    places: Ints
    images: Ints
    image: Ints
    labeler: Ints
    left: Ints
    right: Ints
    attribute: Ints
    answered_by: Ints
    outcome: Floats
    weight: Floats


def batch(answers: Answers, places: Ints, images: int, view_groups: Ints) -> Batch:
    """The answers at `places`, with their image rows deduplicated.

    Args:
        images: how many images there are.
        view_groups: (labelers,) int64, for each labeler the first one who sees images the same
            way; an image is one row for all of them.
    """
    answered_by = answers.labeler[places]
    viewer = view_groups[answered_by]
    both = np.concatenate([answers.left[places], answers.right[places]])
    keys, inverse = np.unique(np.concatenate([viewer, viewer]) * images + both, return_inverse=True)
    distinct, image = np.unique(keys % images, return_inverse=True)
    return Batch(
        places=places,
        images=distinct,
        image=image.astype(np.int64),
        labeler=keys // images,
        left=inverse[: len(places)].astype(np.int64),
        right=inverse[len(places) :].astype(np.int64),
        attribute=answers.attribute[places],
        answered_by=answered_by,
        outcome=answers.outcome[places],
        weight=answers.weight[places],
    )


@dataclass(frozen=True, slots=True)
class Sampler:
    """Cuts a shuffled epoch into steps of nearly equal size.

    The answers of one group stay together.

    Attributes:
        groups: (answers,) int64, ascending: the presentation that each answer belongs to.
        batch: answers per step, about.
        seed: of the permutation.
    """

    groups: Ints
    batch: int
    seed: int

    @property
    def steps(self) -> int:
        """Steps per epoch, the same in every epoch."""
        groups = len(np.unique(self.groups))
        return max(1, min(groups, round(len(self.groups) / self.batch))) if groups else 0

    def epoch(self, epoch: int) -> list[Ints]:
        """The answers of each step of an epoch, as positions; every answer occurs once."""
        if not len(self.groups):
            return []
        _, starts, sizes = np.unique(self.groups, return_index=True, return_counts=True)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(starts))
        starts, sizes = starts[order], sizes[order]
        ends = np.cumsum(sizes)
        first = np.repeat(starts - (ends - sizes), sizes)
        answers = (first + np.arange(len(self.groups))).astype(np.int64)
        return np.split(answers, ends[_cuts(ends - sizes, self.steps)[1:] - 1])

    def flips(self, epoch: int, images: Ints) -> npt.NDArray[np.bool_]:
        """Which images are mirrored in an epoch: (images,)
        bool, a hash of seed, epoch and image."""
        # splitmix64, Steele, Lea and Flood 2014: neighbouring inputs give unrelated bits.
        mixed = images.astype(np.uint64) + np.uint64(
            (self.seed * 1_000_003 + epoch) * 0x9E3779B97F4A7C15 % 2**64
        )
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((mixed ^ (mixed >> np.uint64(31))) & np.uint64(1)).astype(bool)


def _cuts(begins: Ints, steps: int) -> Ints:
    """The first group of each step: where equal shares
    of the answers begin, at least one group each."""
    total, count = begins[-1] + 1, len(begins)
    cuts = np.searchsorted(begins, np.arange(steps) * (total / steps))
    place = np.arange(steps)
    cuts = np.maximum.accumulate(cuts - place) + place
    return np.asarray(np.minimum(cuts, count - steps + place), dtype=np.int64)
