"""The results of a run, and what they are read against."""

import json

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation import baselines
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.report import evaluate, evaluate_against, gain
from prism_desktop.engine.evaluation.summary import summary_markdown
from prism_desktop.engine.runs.result_files import SplitReport, Summary
from tests.engine.evaluation import fabricate

KEYS = {
    "micro",
    "macro",
    "per_labeler",
    "per_attribute",
    "per_labeler_attribute",
    "nll",
    "brier",
    "ece",
    "ceiling",
}
OVER_FACES = {"accuracy", "low", "high", "n"}
OVER_LABELERS = {"labelers_low", "labelers_high", "both_low", "both_high"}
IMAGES = [f"i{number:03}" for number in range(70)]


def study(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Comparisons, and pairs of which the last third is tested."""
    frame = fabricate.random_comparisons(300, 70, seed)
    pairs = pairs_from_comparisons(frame)
    return frame, pairs.assign(
        split=np.where(np.arange(len(pairs)) < 2 * len(pairs) // 3, "train", "test")
    )


def scores(seed: int) -> dict[str, float]:
    return dict(zip(IMAGES, np.random.default_rng(seed).normal(0, 1, 70), strict=True))


def test_that_results_have_the_keys_that_machines_read() -> None:
    frame, pairs = study()
    result = evaluate(pairs, fabricate.predictions(pairs, scores(0)), frame, resamples=100)
    dumped = result.dump()
    assert set(dumped) >= KEYS
    assert set(dumped["micro"]) == OVER_FACES  # type: ignore[arg-type]
    assert set(dumped["macro"]) == OVER_FACES | OVER_LABELERS  # type: ignore[arg-type]
    assert result.micro.n == (pairs["split"] == "test").sum()
    assert set(result.per_labeler) == {"L0", "L1", "L2", "L3"}
    assert set(result.per_labeler_attribute["L0"]) == {"a", "b"}
    assert result.per_labeler["L0"].ceiling == result.ceiling["L0"]
    json.dumps(dumped, allow_nan=False)


def test_that_intervals_over_labelers_are_there_and_empty_where_there_is_one() -> None:
    frame, pairs = study()
    mine, theirs = (fabricate.predictions(pairs, scores(seed)) for seed in (0, 1))
    for tested, known in ((pairs, True), (pairs[pairs["labeler"] == "L0"], False)):
        result = evaluate_against(tested, mine, theirs, frame, resamples=100)
        for part in (result.test, result.consensus, result.gain):
            macro = part.dump()["macro"]
            assert {key: macro[key] is not None for key in OVER_LABELERS} == dict.fromkeys(
                OVER_LABELERS, known
            )


def test_that_a_method_is_compared_with_consensus_on_the_same_pairs() -> None:
    frame, pairs = study()
    mine, theirs = (fabricate.predictions(pairs, scores(seed)) for seed in (0, 1))
    result = evaluate_against(pairs, mine, theirs, frame, resamples=100)
    assert set(result.dump()) == {"test", "consensus", "gain"}
    beside = baselines.evaluate(pairs, frame, mine, resamples=100)
    difference = result.test.macro.accuracy - result.consensus.macro.accuracy
    assert result.gain.macro.difference == pytest.approx(difference)
    assert beside["chance"].micro.accuracy == 0.5
    assert beside["zero_shot"].micro.accuracy == result.test.micro.accuracy
    json.dumps(result.dump(), allow_nan=False)


def test_that_a_gain_over_oneself_is_nothing() -> None:
    _, pairs = study()
    mine = fabricate.predictions(pairs, scores(0))
    pairs = pairs[pairs["split"] == "test"]
    nothing = gain(pairs, mine, mine, resamples=50)
    micro = nothing.micro
    assert (micro.difference, micro.low, micro.high, micro.p) == (0.0, 0.0, 0.0, 1.0)
    assert nothing.micro.n == len(pairs)
    assert (nothing.improved.share, nothing.catastrophic, nothing.wilcoxon) == (0.0, (), 1.0)


def test_that_ratings_of_unseen_images_are_correlated_and_ridge_is_a_baseline() -> None:
    frame, pairs = study()
    pairs = pairs[(pairs["split"] == "test") | ~(pairs[["left", "right"]] < "i040").any(axis=1)]
    mine = fabricate.predictions(pairs, scores(0))
    rated = fabricate.ratings([("L0", image, "a", scores(0)[image]) for image in IMAGES])
    result = evaluate_against(pairs, mine, None, frame, ratings=rated, resamples=50)
    used = pairs.loc[pairs["split"] == "train", ["left", "right"]]
    assert result.test.spearman.n == 70 - len(set(used.to_numpy().ravel()))
    assert result.test.spearman.macro == pytest.approx(1.0)
    beside = baselines.evaluate(pairs, frame, ridge=mine, resamples=50)["ridge"].macro
    assert (beside.accuracy, beside.n) == (result.test.macro.accuracy, result.test.macro.n)
    assert (beside.low, beside.high) == (result.test.macro.low, result.test.macro.high)


def test_that_only_the_test_split_is_opened() -> None:
    _, pairs = study()
    partial = fabricate.predictions(pairs, scores(0))
    seen = set(pairs.loc[pairs["split"] == "test", ["left", "right"]].to_numpy().ravel())
    result = evaluate(pairs, partial[partial["image"].isin(seen)], resamples=50)
    assert result.ceiling == dict.fromkeys(("L0", "L1", "L2", "L3"))


def test_that_the_habitual_side_is_learned_in_training_alone() -> None:
    pairs = pairs_from_comparisons(
        fabricate.comparisons(
            [("L1", "x", "y", "a", "left")] * 3 + [("L2", "x", "y", "a", "right")]
        )
    )
    assert baselines.side_bias(pairs, pairs).tolist() == [1, 1, 1, -1]
    assert baselines.side_bias(pairs.iloc[:0], pairs).tolist() == [0, 0, 0, 0]


def test_that_the_majority_is_that_of_others_whatever_side_they_saw() -> None:
    frame = fabricate.comparisons(
        [
            ("L1", "x", "y", "a", "left"),
            ("L2", "y", "x", "a", "left"),
            ("L3", "x", "y", "a", "right"),
            ("L1", "x", "z", "a", "left"),
        ]
    )
    pairs = pairs_from_comparisons(frame)
    assert baselines.others_majority(pairs, pairs).tolist() == [-2, 0, 0, 0]


def test_that_others_scores_do_not_know_the_labelers_own_answers() -> None:
    rows = [("L1", "x", "y", "a", "left")] * 20 + [
        ("L2", "x", "y", "a", "right"),
        ("L3", "y", "z", "a", "left"),
    ]
    pairs = pairs_from_comparisons(fabricate.comparisons(rows))
    margin = baselines.others_bradley_terry(pairs, pairs)
    assert (margin[:20] < 0).all()
    assert margin[20] > 0


def test_that_the_summary_tells_results_with_their_limits() -> None:
    frame, pairs = study()
    mine, theirs = (fabricate.predictions(pairs, scores(seed)) for seed in (0, 1))
    text = summary_markdown(
        Summary(
            run="20260101-000000-lora-visual-prompt",
            method="lora-visual-prompt",
            backbone="prism-mini",
            device="cpu",
            split=SplitReport(
                kind="image",
                method="folds",
                counts={"train": 1, "val": 1, "test": 1, "dropped": 0},
            ),
            simulated=True,
            seed=3,
            versions={"torch": "2.9"},
            **evaluate_against(pairs, mine, theirs, frame, resamples=50).given(),
            baselines=baselines.evaluate(pairs, frame, resamples=50),
        )
    )
    for expected in (
        "say something about the labeler",
        "simulated",
        "| L0 |",
        "Consensus",
        "Ceiling",
        "torch 2.9",
        "the success gate.",
    ):
        assert expected in text
    assert "nan" not in text.lower()
    answers = int(((pairs["split"] == "test") & (pairs["outcome"] != 0.5)).sum())
    for name in ("Mean over labelers (macro)", "Over all answers (micro)"):
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
        assert f"] | {answers} | " in row
    assert "| Chance | 50.0% | 50.0% |" in text  # is known, so that it has no interval


def test_that_a_summary_of_little_is_still_readable() -> None:
    text = summary_markdown(Summary(run="r", method="consensus"))
    assert text.startswith("# r")
    assert "None" not in text


def test_that_a_summary_tells_probabilities_and_what_a_gain_is_over() -> None:
    _, pairs = study()
    mine, theirs = (fabricate.predictions(pairs, scores(seed)) for seed in (0, 1))
    against = evaluate_against(pairs, mine, theirs, resamples=100).given()
    alone = {name: value for name, value in against.items() if name == "test"}
    told = [summary_markdown(Summary(run="r", method="m", **given)) for given in (against, alone)]
    over = ["The consensus was trained on the very same training answers" in text for text in told]
    assert over == [True, False]
    test, consensus = against["test"], against["consensus"]
    assert f"| Brier | {test.brier:.3f} |  | {consensus.brier:.3f} |  |" in told[0]
    assert f"| Brier | {test.brier:.3f} |  |  |  |" in told[1]
