"""The answer table: all answers of a study, one a row, in the order in which they were given.

Columns: trial, labeler, session, kind ("comparison" or "rating"), left, right (image ids, the
same twice for a rating), attribute, value (comparison: 1 left, 0 tie, -1 right; rating: as it was
given where that is known of all of its attribute, else 1-4), step (a rating's 1-4, else 0), order
(the labeler's trials counted in time, from 0), seconds (of one answer; NaN: unknown), told (a
repeat can be told from a row held twice), sided (sides mean something), fair (drawn at random, or
nobody knows; what was chosen by what it tells is no fair sample), source.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from prism_desktop.engine.analysis.agreement import told_apart, was_drawn
from prism_desktop.engine.evaluation.pairs import time_order
from prism_desktop.engine.study.records import TrialRecord

_VALUE = {"left": 1.0, "tie": 0.0, "right": -1.0}


def answer_table(comparisons: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """Ratings and comparisons in one table.

    Args:
        comparisons, ratings: `Study.comparisons()` and `Study.ratings()`.
    """
    compared = comparisons.assign(
        kind="comparison",
        value=comparisons["outcome"].astype("str").map(_VALUE).astype("float64"),
        step=0,
        told=told_apart(comparisons),
        sided=_sided(comparisons),
        fair=was_drawn(comparisons),
    )
    rated = ratings.assign(
        kind="rating",
        left=ratings["image"],
        right=ratings["image"],
        step=ratings["value"],
        value=_scale(ratings),
        told=told_apart(ratings),
        sided=False,
        fair=was_drawn(ratings),
    )
    parts = [compared, rated.drop(columns=["image", "raw"], errors="ignore")]
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    table = table[(table["kind"] == "rating") | (table["left"] != table["right"])]
    table = table.reset_index(drop=True)
    table = table.assign(order=time_order(table), seconds=_of_one_answer(table))
    return table.sort_values(["labeler", "order"], kind="stable", ignore_index=True)


def with_times(answers: pd.DataFrame, trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """Where only the whole trial's time is known, it stands at each of its answers, which share it
    in `answer_table` and not before."""
    unknown = answers["seconds"].isna()
    if not unknown.any():
        return answers
    known = {trial.id: trial.seconds for trial in trials if trial.seconds is not None}
    whole = answers["trial"].map(known).astype("float64")
    return answers.assign(seconds=answers["seconds"].where(~unknown, whole))


def _scale(ratings: pd.DataFrame) -> "pd.Series[float]":
    """One scale for all labelers of an attribute: the file's own, or the study's."""
    raw = pd.to_numeric(ratings["raw"], errors="coerce").astype("float64")
    known = raw.notna().groupby(ratings["attribute"]).transform("all")
    return raw.where(known, ratings["value"].astype("float64"))


def _sided(comparisons: pd.DataFrame) -> "pd.Series[bool]":
    """Whether sides mean something: a list of winners and losers, as imports have them, names the
    winner first whatever side it was on."""
    imported = comparisons["source"] == "imported"
    right = comparisons["outcome"].astype("str") == "right"
    sided: pd.Series[bool] = ~imported | bool(right[imported].any())
    return sided


def _of_one_answer(table: pd.DataFrame) -> "pd.Series[float]":
    """A trial's time, where that alone is known, is shared by the answers that were given in it."""
    seconds = pd.to_numeric(table["seconds"], errors="coerce").astype("float64")
    group = seconds.groupby(table["trial"])
    whole = (group.transform("nunique") == 1) & (group.transform("size") > 1)
    return seconds.where(~whole, seconds / group.transform("size")).replace(
        [np.inf, -np.inf], np.nan
    )
