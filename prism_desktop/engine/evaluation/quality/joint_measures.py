"""What the joint model of all labelers says of each: discrimination, side, and how a rating leans
towards the face before.

These compare a labeler with the others, so nobody is flagged for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.quality.own_consistency import NONE
from prism_desktop.engine.labeling.joint_model import Estimates, Judgments, fit

MOST_FACES: Final = 1200  # of an attribute, those with the most answers; the time grows by the cube
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class JointScale:
    """The joint model of one attribute, by code and image.

    Attributes:
        places: image -> place on the joint scale, in standard deviations of the faces.
        discrimination, side: labeler -> estimate.
        left_out: faces that were too many.
    """

    places: Mapping[str, float]
    discrimination: Mapping[str, Estimate]
    side: Mapping[str, Estimate]
    left_out: int


def joint_scale(rows: pd.DataFrame) -> JointScale:
    """Fit the joint model to one attribute's answers.

    Args:
        rows: of the answer table.
    """
    shown = pd.concat([rows["left"], rows["right"][rows["kind"] == "comparison"]])
    often = shown.value_counts()
    faces = pd.Index(often.index[:MOST_FACES])
    kept = rows[rows["left"].isin(faces) & rows["right"].isin(faces)]
    people = pd.Index(kept["labeler"].unique())
    compared, rated = (kept[kept["kind"] == kind] for kind in ("comparison", "rating"))
    model = fit(
        Judgments.of(
            len(people),
            len(faces),
            np.column_stack([
                people.get_indexer(compared["labeler"]), faces.get_indexer(compared["left"]),
                faces.get_indexer(compared["right"]), compared["value"].to_numpy(np.int64),
            ]),
            np.column_stack([
                people.get_indexer(rated["labeler"]), faces.get_indexer(rated["left"]),
                rated["step"].to_numpy(np.int64),
            ]),
        )
    )  # fmt: skip
    answers = kept["labeler"].value_counts()
    sides = compared["labeler"].value_counts()
    place = model.faces.value / max(float(np.std(model.faces.value)), 1e-9)
    told = [
        _by_code(people, part, counts)
        for part, counts in ((model.discrimination, answers), (model.side, sides))
    ]
    return JointScale(
        dict(zip(faces, place.tolist(), strict=True)),
        told[0] if len(people) > 1 else {},
        told[1],
        len(often) - len(faces),
    )


def _by_code(
    people: "pd.Index[str]", part: Estimates, counts: "pd.Series[int]"
) -> dict[str, Estimate]:
    """The estimates of those who gave any answers, which are counted."""
    return {
        code: Estimate(
            float(part.value[row]), float(part.low[row]), float(part.high[row]),
            int(counts.get(code, 0)), error=float(part.error[row]),
        )
        for row, code in enumerate(people)
        if counts.get(code, 0)
    }  # fmt: skip


def averaged(found: list[Estimate]) -> Estimate:
    """The mean over attributes, with the mean of their errors for its own.

    It is no smaller for several attributes: they were answered in the same trials, and whoever
    finds a face attractive finds it smart, too.
    """
    if not found:
        return NONE
    value = float(np.mean([each.value for each in found]))
    error = float(np.mean([each.error for each in found]))
    n = sum(each.n for each in found)
    return Estimate(value, value - _Z * error, value + _Z * error, n, error=error)


def assimilation(rows: pd.DataFrame, places: Mapping[str, Mapping[str, float]]) -> Estimate:
    """How many steps a rating rises for a face before that stands one standard deviation higher on
    the joint scale, the rated face's own place being held.

    Args:
        rows: of the answer table, one labeler's, in time.
        places: attribute -> image -> place.

    Source: Kondo, Takahashi and Watanabe, Attention, Perception, & Psychophysics 2012.
    """
    rated = rows[rows["kind"] == "rating"]
    place = pd.Series(
        [
            places.get(attribute, {}).get(image, np.nan)
            for attribute, image in zip(rated["attribute"], rated["left"], strict=True)
        ],
        index=rated.index,
        dtype="float64",
    )
    group = rated.assign(place=place).groupby(["attribute", "session"], sort=False)
    follows = rated["order"] - group["order"].shift() == 1
    one = pd.DataFrame(
        {
            "attribute": rated["attribute"], "trial": rated["trial"], "y": rated["step"],
            "here": place, "before": group["place"].shift(),
        }
    )[follows].dropna()  # fmt: skip
    if len(one) < 10:
        return NONE
    centred = one[["y", "here", "before"]] - one.groupby("attribute")[
        ["y", "here", "before"]
    ].transform("mean")
    return _slope(
        centred["y"].to_numpy(np.float64),
        centred[["before", "here"]].to_numpy(np.float64),
        pd.factorize(one["trial"])[0],
    )


def _slope(y: Floats, x: Floats, cluster: np.ndarray) -> Estimate:
    """The first coefficient of a regression, its error clustered by trial."""
    gram = x.T @ x
    if np.linalg.cond(gram) > 1e9:
        return NONE
    inverse = np.linalg.inv(gram)
    found = inverse @ (x.T @ y)
    off = x * (y - x @ found)[:, None]
    sums = np.stack([np.bincount(cluster, part) for part in off.T], axis=1)
    error = float(np.sqrt((inverse @ sums.T @ sums @ inverse)[0, 0]))
    value = float(found[0])
    return Estimate(value, value - _Z * error, value + _Z * error, len(y), error=error)
