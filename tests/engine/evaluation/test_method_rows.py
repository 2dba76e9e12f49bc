"""Methods side by side, and seeds of one method."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from prism_desktop.engine.evaluation.method_rows import averaged, rank_methods
from prism_desktop.engine.evaluation.named_results import named, named_reason
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.report import evaluate, evaluate_against, gain
from prism_desktop.engine.runs.result_files import Gain, Result, Summary
from tests.engine.evaluation import fabricate


def planted(trials: int = 900) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Noiseless answers by one taste, all tested; and the taste as predictions."""
    pairs = pairs_from_comparisons(
        fabricate.random_comparisons(trials, 70, 0, labelers=5), ties="drop"
    )
    taste = np.random.default_rng(1).normal(0, 1, 70)
    scores = {f"i{k:03}": float(value) for k, value in enumerate(taste)}
    wins = pairs["left"].map(scores) > pairs["right"].map(scores)
    return pairs.assign(outcome=wins.astype("float32"), split="test"), fabricate.predictions(
        pairs, scores
    )


def noisy(truth: pd.DataFrame, spread: float, seed: int) -> pd.DataFrame:
    noise = pd.Series(
        np.random.default_rng(seed).normal(0, spread, 70), index=[f"i{k:03}" for k in range(70)]
    )
    return truth.assign(score=truth["score"] + truth["image"].map(noise))


def summary(method: str, seed: int, spread: float, **more: float) -> Summary:
    pairs, truth = planted()
    consensus = None if method == "consensus" else noisy(truth, 1.5, 100)
    results = evaluate_against(pairs, noisy(truth, spread, seed), consensus, resamples=100)
    parameters = {"lora": 10, "tokens": 5, "trainable": 15}
    return Summary(method=method, seed=seed, parameters=parameters, **results.given(), **more)


def test_that_a_leaderboard_ranks_and_judges() -> None:
    rows = rank_methods(
        [
            summary("consensus", 100, 1.5, seconds=2.0),
            summary("good", 1, 0.3, seconds_per_epoch=3.0, epochs=4),
            summary("alike", 2, 1.5),
        ]
    )
    by = {row.method: row for row in rows}
    assert rows[0].method == "good"
    assert by["consensus"].gain is None
    assert by["consensus"].seconds == 2.0
    assert by["good"].seconds == 12.0
    assert by["good"].parameters == 15
    assert by["good"].gain.p == pytest.approx(2 * by["good"].gain.p_raw)
    assert by["good"].verdict.passed
    assert not by["alike"].verdict.passed
    assert by["good"].improved == 1.0
    expected = by["good"].test.macro.accuracy - by["consensus"].test.macro.accuracy
    assert by["good"].gain.value == pytest.approx(expected)
    json.dumps([row.dump() for row in rows], allow_nan=False)


def test_that_the_json_has_the_keys_that_machines_read() -> None:
    rows = rank_methods([summary("consensus", 100, 1.5), summary("good", 1, 0.3)])
    told = json.loads(json.dumps([row.dump() for row in rows], allow_nan=False))
    for row in told:
        assert set(row) >= {"method", "test", "gain", "improved", "parameters", "seconds"}
        assert set(row["test"]) >= {
            "micro",
            "macro",
            "per_labeler",
            "per_attribute",
            "nll",
            "brier",
            "ece",
            "ceiling",
        }
    best = told[0]
    assert set(best["gain"]) >= {"value", "low", "high", "p"}
    assert best["improved"] == 1.0


def test_that_seeds_are_averaged() -> None:
    seeds = [summary("good", seed, 0.8) for seed in (1, 2, 3)]
    (row,) = rank_methods(seeds)
    accuracies = [seed.test.macro.accuracy for seed in seeds]
    assert row.seeds == 3
    assert row.test.macro.accuracy == pytest.approx(np.mean(accuracies))
    assert row.deviation == pytest.approx(np.std(accuracies, ddof=1))
    assert row.gain.value == pytest.approx(np.mean([seed.gain.macro.difference for seed in seeds]))
    assert row.test.macro.n == seeds[0].test.macro.n


def test_that_seeds_evaluated_together_give_the_same_means_and_narrower_intervals() -> None:
    pairs, truth = planted()
    frames, consensus = [noisy(truth, 0.8, seed) for seed in (1, 2, 3)], noisy(truth, 1.5, 100)
    single = [gain(pairs, frame, consensus, resamples=200).macro for frame in frames]
    together = gain(pairs, frames, consensus, resamples=200).macro
    assert together.difference == pytest.approx(np.mean([one.difference for one in single]))
    assert together.error <= np.mean([one.error for one in single])
    result = evaluate(pairs, frames, resamples=50)
    assert result.seeds == 3
    assert result.nll == pytest.approx(
        np.mean([evaluate(pairs, frame, resamples=2).nll for frame in frames])
    )


def test_that_a_summary_without_standard_errors_still_has_a_p() -> None:
    old = summary("good", 1, 0.3).dump()
    for key in ("p", "error", "images"):
        del old["gain"]["macro"][key]  # type: ignore[index, call-overload, arg-type]
    assert rank_methods([Summary.parse(old)])[0].gain.p < 0.01


def test_that_values_are_averaged_number_by_number() -> None:
    values = [{"a": 1.0, "b": None, "n": 3, "c": {"x": 2}}, {"a": 2.0, "b": 4.0, "n": 3}]
    assert averaged(values) == {"a": 1.5, "b": 4.0, "n": 3, "c": {"x": 2}}


def test_that_a_run_counts_as_one_seed_and_two_as_two() -> None:
    runs = [summary("consensus", 100, 1.5), summary("good", 1, 0.3), summary("good", 2, 0.9)]
    by = {row.method: row for row in rank_methods(runs)}
    assert (by["consensus"].seeds, by["good"].seeds) == (1, 2)
    uncounted = [
        run.model_copy(update={"test": run.test.model_copy(update={"seeds": None})}) for run in runs
    ]
    assert {row.method: row.seeds for row in rank_methods(uncounted)} == {"consensus": 1, "good": 2}
    one, other = (run.test.macro.accuracy for run in runs[1:])
    assert by["good"].deviation == pytest.approx(abs(one - other) / np.sqrt(2))


def test_that_the_p_of_an_old_result_follows_from_its_interval() -> None:
    made = summary("good", 1, 0.3)
    macro = made.gain.macro.model_copy(
        update={
            "difference": 0.02,
            "low": 0.02 - 1.959964 * 0.01,
            "high": 0.02 + 1.959964 * 0.01,
            "error": None,
            "images": None,
        }
    )
    old = made.model_copy(update={"gain": made.gain.model_copy(update={"macro": macro})})
    (row,) = rank_methods([old])
    assert row.gain.p_raw == pytest.approx(2 * norm.sf(2.0), abs=1e-5)


def test_that_results_are_told_by_name_and_hold_nothing_that_was_not_measured() -> None:
    made = summary("good", 1, 0.3)
    old = made.model_copy(
        update={
            "test": Result(per_labeler=made.test.per_labeler),
            "gain": Gain(per_labeler=made.gain.per_labeler),
        }
    )
    for given in (made, old):
        told = named(given, {"L1": "Ann (L1)"})
        for result, before in (
            (told.test, given.test),
            (told.consensus, given.consensus),
            (told.gain, given.gain),
        ):
            assert set(result.per_labeler) == {"L0", "Ann (L1)", "L2", "L3", "L4"}
            assert result.per_labeler["Ann (L1)"] == before.per_labeler["L1"]
            assert result.model_fields_set == before.model_fields_set


def test_that_who_was_let_down_is_told_by_name() -> None:
    rest = " lose more than 2 points."
    people = {"L1": "Ann (L1)", "L2": "Bo (L2)"}
    assert named_reason("L1, L2" + rest, people) == "Ann (L1), Bo (L2)" + rest
    assert named_reason("L1, L9" + rest, people) == "L1, L9" + rest
