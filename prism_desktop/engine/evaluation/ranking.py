"""Rank correlation: do predicted scores order faces as a labeler rated them?"""

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from prism_desktop.engine.evaluation.intervals import LEVEL
from prism_desktop.engine.evaluation.metrics import find
from prism_desktop.engine.evaluation.pairs import Floats, scale_used
from prism_desktop.engine.runs.result_files import RankCell, RankCorrelation
from prism_desktop.engine.runs.score_files import ScoreTable

FEWEST = 5  # rated images below which a correlation says nothing


def held_out_ratings(ratings: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The ratings of images that no training or validation pair of any labeler shows.

    Under an image split these are the test images and those in no pair; under the other splits
    hardly any.
    """
    used = pairs.loc[pairs["split"].isin(["train", "val"]), ["left", "right"]]
    seen = set(used["left"].unique()) | set(used["right"].unique())
    return ratings[~ratings["image"].isin(seen)]


def spearman(ratings: pd.DataFrame, predictions: pd.DataFrame | ScoreTable) -> RankCorrelation:
    """Rank correlation of ratings with scores.

    Args:
        ratings: as `Study.ratings()`, held out; repeated ratings of an image are averaged.
        predictions: scores, or a frame of them with labeler, attribute, image, score.

    Returns:
        A cell for every labeler and attribute with five rated images and ratings that differ.
        Intervals are Fisher's with the standard error of Bonett and Wright (Psychometrika 2000).
    """
    keys = ["labeler", "attribute", "image"]
    text = dict.fromkeys(keys, object)
    rated = ratings.assign(rated=scale_used(ratings))[[*keys, "rated"]].astype(text)
    rated = rated.groupby(keys, as_index=False, sort=True).agg(rated=("rated", "mean"))
    table = ScoreTable.of(predictions)
    joined = rated.assign(score=find(table, rated, "image"))
    joined = joined[joined["score"].notna()]
    cells: dict[str, dict[str, RankCell]] = {}
    for (labeler, attribute), rows in joined.groupby(["labeler", "attribute"], sort=True):
        x, y = rows["rated"].to_numpy(dtype=np.float64), rows["score"].to_numpy(dtype=np.float64)
        if len(x) >= FEWEST and np.ptp(x) > 0 and np.ptp(y) > 0:
            cells.setdefault(str(labeler), {})[str(attribute)] = _cell(x, y)
    means = [float(np.mean([cell.rho for cell in row.values()])) for row in cells.values()]
    return RankCorrelation(
        macro=float(np.mean(means)) if means else None,
        n=sum(cell.n for row in cells.values() for cell in row.values()),
        per_labeler=cells,
    )


def _cell(x: Floats, y: Floats) -> RankCell:
    rho, n = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]), len(x)
    centre = np.arctanh(np.clip(rho, -1 + 1e-9, 1 - 1e-9))
    half = norm.ppf(0.5 + LEVEL / 2) * np.sqrt((1 + rho**2 / 2) / max(n - 3, 1))
    return RankCell(
        rho=rho, low=float(np.tanh(centre - half)), high=float(np.tanh(centre + half)), n=n
    )
