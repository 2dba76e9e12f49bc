"""The faces and pairs that a labeler of whom nothing is known should judge first.

They follow from the prior of a run alone, so a run of heads in closed form keeps them, and labeling
needs neither its model nor any answer to ask them in this order.
"""

from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.labeling.pairing import pairs_within
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.space import Features
from prism_desktop.engine.models.heads.telling import (
    Questions,
    choices_between,
    most_telling,
    ratings_of_faces,
)
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import TellingOrder
from prism_desktop.engine.study.records import Kind

if TYPE_CHECKING:
    import pandas as pd

_PAIRS = 4000  # that are chosen among: every face is in some
_KEPT = 400  # faces, and pairs, of a run's order: as many as a labeler is usually asked for


def telling_order(
    heads: BayesHeads,
    features: Features,
    images: "pd.DataFrame",
    kind: Kind,
    count: int,
    without: Collection[tuple[str, ...]] = (),
) -> tuple[tuple[str, ...], ...]:
    """Faces, or pairs of faces of one fold, by id, those first that would tell most of a labeler.

    Args:
        heads: what is known of the labeler, in row 0.
        features: (images, d).
        images: a run's table of images.
        kind: "rating" for faces, "comparison" for pairs.
        count: how many, fewer where there are fewer.
        without: faces or sorted pairs that the labeler judged already.
    """
    ids = [str(image) for image in images["image"]]
    stimuli = [(image,) for image in ids] if kind == "rating" else _pairs(images, len(ids))
    judged = set(without)
    place = {image: row for row, image in enumerate(ids)}
    kept = [each for each in stimuli if each not in judged]
    rows = np.array([[place[image] for image in each] for each in kept], np.int64)
    if not len(rows):
        return ()
    asked: Questions = (
        ratings_of_faces(rows[:, 0])
        if kind == "rating"
        else choices_between(rows[:, 0], rows[:, 1])
    )
    return tuple(kept[row] for row in most_telling(heads, features, asked, count))


def write_order(run: RunFolder, heads: BayesHeads, features: Features) -> None:
    """Keep what a newcomer should judge first in a run's folder."""
    images, nobody = run.table("images"), heads.adapt(features, None)
    faces, pairs = (
        telling_order(nobody, features, images, kind, _KEPT) for kind in ("rating", "comparison")
    )
    TellingOrder(rating=faces, comparison=pairs).save(run.path / layout.TELLING)


def _pairs(images: "pd.DataFrame", faces: int) -> list[tuple[str, ...]]:
    """Sorted pairs of faces of one fold, at random."""
    folds = images.groupby("fold", sort=True)["image"]
    chains = pairs_within([[str(image) for image in fold] for _, fold in folds], "telling")
    drawn = islice(chains, max(_PAIRS, faces))
    return [(min(one, other), max(one, other)) for one, other, _ in drawn]
