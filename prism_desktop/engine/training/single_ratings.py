"""Tables of single ratings as numbers, for what learns from ratings as ratings. Importing this
needs no torch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from prism_desktop.engine.coded_columns import rows_in
from prism_desktop.engine.evaluation.pairs import scale_used
from prism_desktop.engine.models.heads.likelihood import Ratings

READ = ("labeler", "attribute", "image", "value", "raw")  # of a table of ratings


def training_ratings(
    ratings: pd.DataFrame,
    images: pd.DataFrame,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    split: str = "train",
) -> Ratings | None:
    """Ratings of a split's images on their own scale; None
    without any, and where it is not images that are split.

    Args:
        ratings: a run's table of single ratings.
        images: its table of images.
        labelers, attributes: what the numbers mean.
        split: whose images.
    """
    kept = images["image"][images["split"] == split]
    columns = [name for name in READ if name in ratings]
    found = ratings.loc[ratings["image"].isin(kept), columns]
    return ratings_of(found, labelers, attributes, images["image"])


def ratings_of(
    ratings: pd.DataFrame,
    labelers: Sequence[str],
    attributes: Sequence[str],
    images: Sequence[str] | pd.Series,
) -> Ratings | None:
    """A table of single ratings as numbers, those of known labelers, attributes and images; None
    without any.

    Args:
        ratings: as `Study.ratings()`.
        labelers, attributes, images: what the numbers mean.
    """
    names = {"labeler": labelers, "attribute": attributes, "image": images}
    rows = [rows_in(ratings[column], list(map(str, known))) for column, known in names.items()]
    keep = np.all([row >= 0 for row in rows], axis=0)
    if not keep.any():
        return None
    value = scale_used(ratings).to_numpy(dtype=np.float64)[keep]
    labeler, attribute, image = (row[keep] for row in rows)
    return Ratings(labeler, attribute, image, value)
