"""The test of a new labeler's model on their own answers, by cross-validation."""

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.adaptation.head_fitter import LabelerFitter
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads.likelihood import Ratings, without

PARTS = 5  # of a new labeler's answers, in cross-validation
LEAST = 15  # answers that are parted at all


def cross_fitted(
    fitter: LabelerFitter,
    answers: Answers,
    profile: str = "",
    seed: int = 0,
    ratings: Ratings | None = None,
) -> npt.NDArray[np.float64] | None:
    """(answers,) logits of each answer from the others that
    share no image with its part; None if there are too few.

    Args:
        fitter: a loaded run.
        answers: one labeler's; a presentation's stay in one part.
        profile: theirs.
        seed: of the parts.
        ratings: the labeler's; those of images that are tested are not learned from.
    """
    if len(answers) < LEAST:
        return None
    group = np.unique(answers.group, return_inverse=True)[1]
    part = (np.random.default_rng(seed).permutation(int(group.max()) + 1) % PARTS)[group]
    margin = np.zeros(len(answers))
    for held in range(PARTS):
        tested = np.flatnonzero(part == held)
        if not len(tested):
            continue
        shown = np.unique(np.concatenate([answers.left[tested], answers.right[tested]]))
        free = (part != held) & ~np.isin(answers.left, shown) & ~np.isin(answers.right, shown)
        rated = None if ratings is None else without(ratings, shown)
        scores = fitter.fit(select(answers, free), profile, rated).scores(shown)
        left, right = (
            np.searchsorted(shown, answers.left[tested]),
            np.searchsorted(shown, answers.right[tested]),
        )
        names = answers.attribute[tested]
        margin[tested] = scores[names, left] - scores[names, right]
    return margin
