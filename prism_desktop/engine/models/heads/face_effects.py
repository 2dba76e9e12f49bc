"""Face effects: what labelers say of a face beyond what their heads predict, as slope and
curvature of their answers."""

from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings, gather, with_noises
from prism_desktop.engine.models.heads.space import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Derivatives of the log-likelihood by an addition
    to a labeler's utility of an image, at no addition.

    One Newton step with the curvature's diagonal: an answer's two images are treated as if the
    other were known.
    """

    slope: Floats  # (labelers, attributes, images)
    curvature: Floats  # (labelers, attributes, images) >= 0; zero where a labeler said nothing


def residuals(
    heads: Floats,
    x: Floats,
    noise: Floats,
    answers: Answers | None,
    ratings: Ratings | None,
    overlap: float,
) -> Residuals:
    """What answers and ratings say beyond heads.

    Args:
        heads: (labelers, attributes, k).
        x: (images, k).
        noise: (labelers, attributes), see `Block`.
        answers, ratings: whatever there is of either.
        overlap: as for `gather`.
    """
    shape = *heads.shape[:2], len(x)
    found = Residuals(np.zeros(shape), np.zeros(shape))
    labelers, attributes, _ = heads.shape
    told = gather(x, answers, ratings, labelers, attributes, overlap)
    for u, blocks in enumerate(told):
        for a, one in enumerate(with_noises(blocks, noise[u])):
            terms = one.face_terms(heads[u, a])
            np.add.at(found.slope[u, a], terms.image, terms.slope)
            np.add.at(found.curvature[u, a], terms.image, terms.curvature)
    return found
