"""Batches in which every image is looked at once per labeler."""

from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.models.answers import Answers, Floats, Ints


@dataclass(frozen=True, slots=True)
class Batch:
    """Some answers, and the image rows that they need, each once.

    Attributes:
        places: (answers,) int64, where the answers stand among all of their split.
        images: (images,) int64, the distinct images, ascending.
        image, labeler: (rows,) int64; rows are distinct pairs of a place in `images` and a labeler.
        left, right: (answers,) int64 into the rows.
        attribute, owner: (answers,) int64: what was asked, and the labeler who answered.
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
        alike: (labelers,) int64, for each labeler the first one who sees images the same way; an
            image is one row for all of them.
    """
    answered_by = answers.labeler[places]
    view_groups = view_groups[answered_by]
    both = np.concatenate([answers.left[places], answers.right[places]])
    keys, inverse = np.unique(
        np.concatenate([view_groups, view_groups]) * images + both, return_inverse=True
    )
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
