"""Measures of one labeler's care, by their own answers alone."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.intervals import Estimate, wilson
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.quality.own_consistency import NONE, AnswerPairs
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules

_Z = 1.959964


class Checks(NamedTuple):
    """One labeler's attention checks: how many they had, and how many they failed."""

    asked: int
    failed: int


NO_CHECKS: Final = Checks(0, 0)


@dataclass(frozen=True, slots=True)
class OwnMeasures:
    """What one labeler's answers say, each with its 95 % interval and the number it rests on.

    Shares lie between 0 and 1. What cannot be known is NaN, with n 0. Trials that were chosen by
    what they tell are harder than others: consistency, repeats and the bridge leave them out.

    Attributes:
        consistency: share of an answer that the labeler's other answers account for.
        retest_comparisons: repeated comparisons answered alike, a tie against a choice counts half.
        retest_ratings: repeated ratings with the same value.
        left: decided comparisons for the left side.
        ties: comparisons that end in a tie.
        bridge: comparisons that go with the order of the two faces' own ratings.
        one_answer: ratings with the value that is given most.
        as_before: answers like the one before to the same question, above what chance gives.
        alike: rating trials with several questions that all got the same value.
        seconds: median of one answer.
        too_fast: answers faster than the rules' fastest.
        drift: relative change of an answer's time in a hundred trials of a session.
        checks_failed: attention checks answered otherwise than is known.
    """

    consistency: Estimate
    retest_comparisons: Estimate
    retest_ratings: Estimate
    left: Estimate
    ties: Estimate
    bridge: Estimate
    one_answer: Estimate
    as_before: Estimate
    alike: Estimate
    seconds: Estimate
    too_fast: Estimate
    drift: Estimate
    checks_failed: Estimate


def own_measures(
    rows: pd.DataFrame, pairs: AnswerPairs, rules: ExclusionRules, checks: Checks = NO_CHECKS
) -> OwnMeasures:
    """Measure one labeler.

    Args:
        rows: of the answer table, one labeler's, in time.
        pairs: of the same rows.
        rules: say how fast is too fast.
        checks: the labeler's.
    """
    compared = rows[rows["kind"] == "comparison"]
    rated = rows[rows["kind"] == "rating"]
    sided = compared[compared["sided"] & (compared["value"] != 0)]
    fast = rows.dropna(subset=["seconds"])
    fair = rows["fair"].to_numpy(bool)
    return OwnMeasures(
        consistency=_possible(pairs.consistency(fair[pairs.first] & fair[pairs.second])),
        retest_comparisons=retest(rows, "comparison"),
        retest_ratings=retest(rows, "rating"),
        left=share(sided["value"] > 0, sided["trial"]),
        ties=share(compared["value"] == 0, compared["trial"]),
        bridge=_bridge(bridged(rows[fair])),
        one_answer=_one_answer(rated),
        as_before=_as_before(rows),
        alike=_alike(rated),
        seconds=_median(fast["seconds"].to_numpy(np.float64)),
        too_fast=share(fast["seconds"] < rules.fastest_seconds, fast["trial"]),
        drift=_drift(fast),
        checks_failed=_failed(checks),
    )


def _possible(found: Estimate) -> Estimate:
    """A share whose estimate may lie below 0, of who contradicts themselves, or above 1."""
    if not found.n:
        return found
    value, low, high = np.clip([found.value, found.low, found.high], 0, 1).tolist()
    return replace(found, value=value, low=low, high=high)


def share(values: "pd.Series[bool] | pd.Series[float]", cluster: "pd.Series[str]") -> Estimate:
    """A mean of values from 0 to 1 with Wilson's interval, for as many observations as the
    clusters are worth: answers of one trial may be alike."""
    n = len(values)
    if not n:
        return NONE
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    _, code = np.unique(cluster.to_numpy(str), return_inverse=True)
    sums = np.bincount(code, numbers - mean)
    spread = float((sums**2).sum()) / n**2
    size = mean * (1 - mean) / spread if spread > 0 else float(len(sums))
    low, high = wilson(mean, float(np.clip(size, len(sums), n)))
    return Estimate(mean, low, high, n)


def repeats(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Questions that the same labeler answered again, each with the answer before.

    Returns:
        labeler, attribute, left, right, trial, before (trial), value, first (the answer before,
        seen with the sides of the later one).
    """
    mine = rows[rows["kind"] == kind]
    turned = mine["left"] > mine["right"]
    low, high = (
        mine["left"].where(~turned, mine["right"]),
        mine["right"].where(~turned, mine["left"]),
    )
    sign = np.where(turned, -1.0, 1.0) if kind == "comparison" else np.ones(len(mine))
    mine = mine.assign(low=low, high=high, oriented=mine["value"] * sign, sign=sign)
    group = mine.groupby(["labeler", "attribute", "low", "high"], sort=False)
    mine = mine.assign(first=group["oriented"].shift(), before=group["trial"].shift())
    again = mine[mine["first"].notna() & mine["told"] & (mine["trial"] != mine["before"])]
    again = again.assign(first=again["first"] * again["sign"])
    return again[["labeler", "attribute", "left", "right", "trial", "before", "value", "first"]]


def bridged(rows: pd.DataFrame) -> pd.DataFrame:
    """Decided comparisons of two faces that the same labeler rated differently.

    Returns:
        trial, attribute, left, right, value, apart (mean rating of left minus right), agrees.
    """
    rated = rows[rows["kind"] == "rating"]
    mean = rated.groupby(["attribute", "left"])["value"].mean()
    compared = rows[(rows["kind"] == "comparison") & (rows["value"] != 0)]
    sides = [
        mean.reindex(pd.MultiIndex.from_frame(compared[["attribute", side]])).to_numpy(np.float64)
        for side in ("left", "right")
    ]
    found = compared.assign(apart=sides[0] - sides[1])
    found = found[found["apart"].notna() & (found["apart"] != 0)]
    found = found.assign(agrees=np.sign(found["apart"]) == found["value"])
    return found[["trial", "attribute", "left", "right", "value", "apart", "agrees"]]


def retest(rows: pd.DataFrame, kind: str) -> Estimate:
    """How often one labeler's repeated questions were answered alike; a tie against a choice counts
    half. Repeats of trials that were chosen by what they tell are left out.

    Args:
        rows: of the answer table, one labeler's, in time.
        kind: comparison or rating.
    """
    return _alike_again(repeats(rows[rows["fair"]], kind), kind)


def retest_of_each(rows: pd.DataFrame) -> dict[str, Estimate]:
    """`retest` of everybody's comparisons, by labeler.

    Args:
        rows: of the answer table, in time.
    """
    again = repeats(rows[rows["fair"]], "comparison")
    found = {str(who): NONE for who in rows["labeler"].unique()}
    for who, theirs in again.groupby("labeler"):
        found[str(who)] = _alike_again(theirs, "comparison")
    return found


def _alike_again(again: pd.DataFrame, kind: str) -> Estimate:
    if kind == "rating":
        return share(again["value"] == again["first"], again["trial"])
    return share(1 - (again["value"] - again["first"]).abs() / 2, again["trial"])


def _failed(checks: Checks) -> Estimate:
    if not checks.asked:
        return NONE
    failed = checks.failed / checks.asked
    low, high = wilson(failed, checks.asked)
    return Estimate(failed, low, high, checks.asked)


def _bridge(found: pd.DataFrame) -> Estimate:
    return share(found["agrees"], found["trial"])


def _one_answer(rated: pd.DataFrame) -> Estimate:
    if rated.empty:
        return NONE
    most = rated["value"].mode().iloc[0]
    return share(rated["value"] == most, rated["trial"])


def _alike(rated: pd.DataFrame) -> Estimate:
    group = rated.groupby("trial", sort=False)["value"]
    several = group.size() > 1
    same = (group.max() == group.min())[several]
    return share(same, pd.Series(same.index))


def _as_before(rows: pd.DataFrame) -> Estimate:
    """How much more often than by chance an answer is the one before, its side and its value."""
    group = rows.groupby(["kind", "attribute", "session"], sort=False)
    follows = rows["order"] - group["order"].shift() == 1
    same = rows["value"] == group["value"].shift()
    chance = rows.groupby(["kind", "attribute"], sort=False)["value"].transform(
        lambda values: (values.value_counts(normalize=True) ** 2).sum()
    )
    found = (same.astype(float) - chance)[follows]
    if found.empty:
        return NONE
    each = found.groupby(rows["trial"][follows], sort=False).sum().to_numpy()
    value, n = float(found.mean()), len(found)
    error = float(np.sqrt(((each - value * n / len(each)) ** 2).sum()) / n)
    error = max(error, float(np.sqrt(0.25 / n)))
    return Estimate(value, value - _Z * error, value + _Z * error, n, error=error)


def _median(seconds: Floats) -> Estimate:
    """The median, with an interval by the order of the values (binomial)."""
    n = len(seconds)
    if not n:
        return NONE
    ordered = np.sort(seconds)
    half = _Z * np.sqrt(n) / 2
    low, high = np.clip([n / 2 - half, n / 2 + half], 0, n - 1).astype(int)
    return Estimate(float(np.median(ordered)), float(ordered[low]), float(ordered[high]), n)


def _drift(fast: pd.DataFrame) -> Estimate:
    """Slope of the logarithm of a trial's mean time over its place in the session."""
    trials = fast[fast["seconds"] > 0].groupby(["session", "kind", "trial"], sort=False)
    one = trials.agg(seconds=("seconds", "mean"), order=("order", "first")).reset_index()
    group = one.groupby(["session", "kind"], sort=False)
    x = (one["order"] - group["order"].transform("mean")).to_numpy(np.float64)
    logs = np.log(one["seconds"])
    y = (logs - logs.groupby([one["session"], one["kind"]]).transform("mean")).to_numpy(np.float64)
    weight = float(x @ x)
    if not weight:
        return NONE
    slope = float(x @ y) / weight
    session = pd.factorize(one["session"])[0]
    off = np.bincount(session, x * (y - slope * x))
    alone = float(((x * (y - slope * x)) ** 2).sum())
    error = np.sqrt(max(float((off**2).sum()), alone)) / weight
    value, low, high = (
        float(np.expm1(100 * each)) for each in (slope, slope - _Z * error, slope + _Z * error)
    )
    return Estimate(value, low, high, len(one))
