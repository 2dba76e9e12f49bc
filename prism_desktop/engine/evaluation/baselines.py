"""Baselines: simple rules on the same test pairs, which a result must be read against.

Two of them know more than a model of new faces can: `others_majority` and `others_bradley_terry`
use the other labelers' answers to the very images that are tested. They show how much a face's
reputation alone would explain.
"""

import numpy as np
import pandas as pd

from prism_desktop.engine.analysis import bradley_terry
from prism_desktop.engine.coded_columns import mapped, rows_in
from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.intervals import RESAMPLES, Resampled
from prism_desktop.engine.evaluation.pairs import (
    Floats,
    image_codes,
    pairs_from_comparisons,
    unordered,
)
from prism_desktop.engine.runs.result_files import Baseline
from prism_desktop.engine.runs.score_files import ScoreTable

NOTES = {
    "chance": "a coin",
    "side_bias": "always the side that the labeler chose more often in training",
    "others_majority": "what most other labelers answered on this very pair; a coin where nobody "
    "did",
    "others_bradley_terry": "the other labelers' Bradley-Terry scores of these very images",
    "zero_shot": "the untrained backbone with the attribute's texts",
    "ridge": "a ridge on the frozen features, fitted to each labeler's own answers alone",
}
_MOST_PAIRS = 20_000
_ANSWERED = ("labeler", "attribute", "left", "right", "outcome")  # columns of answers


def evaluate(
    pairs: pd.DataFrame,
    comparisons: pd.DataFrame | None = None,
    zero_shot: pd.DataFrame | ScoreTable | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    ridge: pd.DataFrame | ScoreTable | None = None,
) -> dict[str, Baseline]:
    """The rules by name; pairs about which one says nothing count as half right.

    Args:
        pairs: a pairs frame with all splits.
        comparisons: for other labelers' answers; without it those of `pairs` serve.
        zero_shot: predictions of the untrained backbone.
        seed: of the bootstrap and of the fit of scores.
        resamples: of the bootstrap.
        ridge: predictions of a ridge fitted to each labeler's own answers.
    """
    test = pairs[(pairs["split"] == "test") & (pairs["outcome"] != 0.5)].reset_index(drop=True)
    answers = (
        pairs_from_comparisons(comparisons)
        if comparisons is not None and len(comparisons)
        else pairs
    )
    answers = answers.loc[answers["outcome"] != 0.5, list(_ANSWERED)]
    margins = {
        "chance": np.zeros(len(test)),
        "side_bias": side_bias(pairs[pairs["split"] == "train"], test),
        "others_majority": others_majority(answers, test),
        "others_bradley_terry": others_bradley_terry(answers, test, seed),
    }
    if zero_shot is not None:
        margins["zero_shot"] = metrics.score_pairs(test, zero_shot).margin
    if ridge is not None:
        margins["ridge"] = metrics.score_pairs(test, ridge).margin
    return {name: _row(name, test, margin, seed, resamples) for name, margin in margins.items()}


def side_bias(train: pd.DataFrame, test: pd.DataFrame) -> Floats:
    """+1 where the labeler mostly chose the left side
    in training, -1 the right, 0 unknown; (test,)."""
    decided = train[(train["outcome"] != 0.5) & (train["source"] == "comparison")]
    share = decided["outcome"].astype(float).groupby(decided["labeler"]).mean()
    said = {str(code): left for code, left in share.items()}
    known = mapped(test["labeler"], said).astype("float64").fillna(0.5)
    return np.asarray(np.sign(known - 0.5), dtype=np.float64)


def others_majority(answers: pd.DataFrame, test: pd.DataFrame) -> Floats:
    """Votes of other labelers for the left image minus those for
    the right, on the same pair and attribute; (test,)."""
    sides = ["left", "right"]
    code, _ = unordered(pd.concat([test[sides], answers[sides]], ignore_index=True))
    keys = ["pair", "attribute"]
    asked = _low_votes(test).assign(pair=code[: len(test)])
    same = np.isin(code[len(test) :], code[: len(test)])  # others tell nothing of what is tested
    given = _low_votes(answers[same]).assign(pair=code[len(test) :][same])
    everyone = given.groupby(keys)["vote"].sum().rename("all")
    own = given.groupby([*keys, "labeler"])["vote"].sum().rename("own")
    joined = asked.merge(everyone, on=keys, how="left").merge(
        own, on=[*keys, "labeler"], how="left"
    )
    votes = joined["all"].fillna(0.0) - joined["own"].fillna(0.0)
    return (votes * np.where(asked["flipped"], -1.0, 1.0)).to_numpy(dtype=np.float64)


def others_bradley_terry(answers: pd.DataFrame, test: pd.DataFrame, seed: int = 0) -> Floats:
    """Score differences of the tested images by all other labelers' answers among them; (test,)."""
    margin = np.zeros(len(test))
    images = pd.Index(pd.unique(pd.concat([test["left"], test["right"]]).astype(object)))
    i, j, left, right = (
        rows_in(frame[side], list(images))
        for frame in (answers, test)
        for side in ("left", "right")
    )
    known = answers.assign(i=i, j=j)[(i >= 0) & (j >= 0)]
    for attribute, asked in test.groupby("attribute"):
        given = known[known["attribute"] == attribute]
        if len(given) > _MOST_PAIRS:
            given = given.sample(_MOST_PAIRS, random_state=seed)
        if given.empty:
            continue
        i, j = (given[end].to_numpy(dtype=np.int64) for end in ("i", "j"))
        outcome, owner = given["outcome"].to_numpy(), given["labeler"].to_numpy(dtype=object)
        everyone = bradley_terry.fit(i, j, outcome, len(images))
        for labeler, rows in asked.groupby("labeler").indices.items():
            at = asked.index.to_numpy()[rows]
            rest = owner != labeler
            if rest.any():
                scores = bradley_terry.fit(
                    i[rest], j[rest], outcome[rest], len(images), start=everyone
                ).scores
                margin[at] = scores[left[at]] - scores[right[at]]
    return margin


def _low_votes(pairs: pd.DataFrame) -> pd.DataFrame:
    """Votes +1 for the image whose id sorts first, -1 for
    the other; `flipped` where that image stood right."""
    left, right, _ = image_codes(pairs)
    flipped = left > right
    vote = np.sign(pairs["outcome"].to_numpy(dtype=np.float64) - 0.5) * np.where(flipped, -1.0, 1.0)
    rows = pairs[["labeler", "attribute"]].reset_index(drop=True)
    return rows.assign(vote=vote, flipped=flipped)


def _row(name: str, test: pd.DataFrame, margin: Floats, seed: int, resamples: int) -> Baseline:
    scored = metrics.with_margin(test, margin)
    right = Resampled(scored, metrics.correct(scored), seed, resamples)
    return Baseline(
        micro=right.mean().accuracy(),
        macro=right.macro().accuracy(),
        per_labeler={code: right.mean(code).accuracy() for code in right.labelers},
        known=float((margin != 0).mean()) if len(margin) else 0.0,
        note=NOTES[name],
    )
