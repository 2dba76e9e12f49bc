"""Simulated answers of which the truth is known, for the tests of intervals and tests."""

import numpy as np

from prism_desktop.engine.evaluation.metrics import ScoredPairs
from prism_desktop.engine.evaluation.pairs import Floats


def answers(
    rng: np.random.Generator,
    images: int,
    per_labeler: int,
    labelers: int,
    attributes: int = 1,
    scale: float = 2.0,
) -> tuple[ScoredPairs, Floats]:
    """Labelers of one taste, drawn anew with the images.

    And the images' true scores (attributes, images).

    Each labeler judges random pairs on all attributes, with logistic noise; margins are the
    truth's.
    """
    taste = rng.normal(0, 1, (attributes, images))
    left = rng.integers(0, images, labelers * per_labeler)
    right = (left + rng.integers(1, images, len(left))) % images
    labeler = np.repeat(np.arange(labelers), per_labeler)
    attribute = np.tile(np.arange(attributes), len(left))
    left, right, labeler = (np.repeat(part, attributes) for part in (left, right, labeler))
    margin = scale * (taste[attribute, left] - taste[attribute, right])
    return (
        ScoredPairs(
            labeler=np.array([f"L{k}" for k in range(labelers)], dtype=object)[labeler],
            attribute=np.array([f"a{k}" for k in range(attributes)], dtype=object)[attribute],
            left=left,
            right=right,
            images=images,
            chosen=rng.random(len(margin)) < 1 / (1 + np.exp(-margin)),
            margin=margin,
            ties=0,
        ),
        taste,
    )


def hits(scored: ScoredPairs, scores: Floats) -> Floats:
    """1 where a model's scores (labelers, attributes,
    images) choose as the labeler did; (answers,)."""
    labeler, attribute = (
        np.unique(part, return_inverse=True)[1] for part in (scored.labeler, scored.attribute)
    )
    margin = scores[labeler, attribute, scored.left] - scores[labeler, attribute, scored.right]
    return ((margin > 0) == scored.chosen).astype(np.float64)
