"""How members of a combination are weighed: by hand, and on planted tastes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.runs.score_files import ScoreTable
from prism_desktop.engine.training.combination import (
    Combination,
    calibration,
    cross_fitted,
    helps,
    loss,
    stacked,
)


def _answers(margin: np.ndarray, labeler: np.ndarray, seed: int = 0) -> Answers:
    """Answers drawn with the chances that the logits say."""
    n, rng = len(margin), np.random.default_rng(seed)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(np.float32)
    zero = np.zeros(n, np.int64)
    return Answers(
        labeler, zero, np.arange(n), np.arange(n) + n, outcome, np.ones(n, np.float32), np.arange(n)
    )


def _combination(
    kind: str, members: tuple[str, ...], labelers: tuple[str, ...], val: Answers
) -> Combination:
    """One of the attribute "kind" whose members are there."""
    images = tuple(f"i{number}" for number in range(int(max(val.left.max(), val.right.max())) + 1))
    untrained = lambda name: pytest.fail(f"{name} was trained")  # noqa: E731
    rule = next(METHODS[kind].of(WeighedRuns)).rule
    return Combination(
        kind, rule, members, untrained, labelers, ("kind",), images, {"val": val}, Path()
    )


def _scores(margin: np.ndarray) -> np.ndarray:
    """(1 labeler, 1 attribute, images) whose differences
    over the answers of `_answers` are these."""
    return np.concatenate([margin, np.zeros_like(margin)])[None, None].astype(np.float32)


def test_that_a_member_that_is_too_sure_is_calibrated_back() -> None:
    truth = np.random.default_rng(1).normal(0, 2, 20_000)
    told = _answers(truth, np.zeros(len(truth), np.int64))
    assert calibration(3 * truth, told) == pytest.approx(1 / 3, rel=0.05)
    assert calibration(np.zeros_like(truth), told) == 1.0


def test_that_weight_goes_to_the_member_that_knows_and_none_to_noise() -> None:
    rng = np.random.default_rng(2)
    truth, noise = rng.normal(0, 2, 5_000), rng.normal(0, 2, 5_000)
    told = _answers(truth, np.zeros(5_000, np.int64))
    knows, guesses = stacked(np.stack([truth, noise]), told)
    assert knows == pytest.approx(1, abs=0.1)
    assert guesses == pytest.approx(0, abs=0.05)
    with_noise = cross_fitted(np.stack([truth, noise]), told)
    assert cross_fitted(truth[None], told) == pytest.approx(with_noise, abs=0.01)
    assert with_noise < cross_fitted(noise[None], told)


def test_that_selective_personalises_only_those_whom_it_helps() -> None:
    """All share one taste but the contrarian, whom alone the personal member knows.

    On others it is noise.
    """
    rng = np.random.default_rng(3)
    count, images = 3, 200
    common, noise = rng.normal(0, 2, images), rng.normal(0, 2, (count, images))
    scores = {"consensus": np.tile(common, (count, 1)), "hierarchical-bayes": noise}
    scores["hierarchical-bayes"][2] = -common
    taste = scores["consensus"].copy()
    taste[2] = -common
    labeler = np.repeat(np.arange(count), 400)
    left, right = rng.integers(0, images, 1200), rng.integers(0, images, 1200)
    drawn = _answers(taste[labeler, left] - taste[labeler, right], labeler)
    val = Answers(labeler, drawn.attribute, left, right, drawn.outcome, drawn.weight, drawn.group)
    made = _combination("selective", tuple(scores), ("A", "B", "C"), val)
    known = {name: table[:, None].astype(np.float32) for name, table in scores.items()}
    assert made._weigh(known).tolist() == [[1, 1, 0], [0, 0, 1]]
    margins = [table[labeler, left] - table[labeler, right] for table in scores.values()]
    assert [helps(margins[0], margins[1], val, row) for row in range(count)] == [False, False, True]


def test_that_a_tie_costs_half_of_either_answer() -> None:
    zero, one = np.zeros(1, np.int64), np.ones(1, np.float32)
    cost = [
        loss(np.array([1.5]), Answers(zero, zero, zero, zero + 1, outcome * one, one, zero))[0]
        for outcome in (1, 0, 0.5)
    ]
    assert cost[0] == pytest.approx(-np.log(1 / (1 + np.exp(-1.5))))
    assert cost[2] == pytest.approx((cost[0] + cost[1]) / 2)


def test_that_an_ensemble_is_the_mean_of_its_members_without_the_consensus() -> None:
    val = _answers(np.zeros(10), np.zeros(10, np.int64))
    names = ("consensus", "hierarchical-bayes", "retrieval")
    made = _combination("ensemble", names, ("A", "B"), val)
    weights = made._weigh({name: np.zeros((2, 1, 20), np.float32) for name in names})
    assert weights.tolist() == [[0, 0], [0.5, 0.5], [0.5, 0.5]]


def test_that_auto_keeps_a_member_that_adds_something_and_says_what_it_left_out() -> None:
    rng = np.random.default_rng(4)
    shared, own, noise = rng.normal(0, 1.5, (3, 5_000))
    val = _answers(shared + own, np.zeros(5_000, np.int64))
    made = _combination("auto", ("consensus", "hierarchical-bayes", "mlp-decoder"), ("A",), val)
    known = {"consensus": _scores(shared)}
    assert made._pays("consensus", known)
    known["hierarchical-bayes"] = _scores(own)
    assert made._pays("hierarchical-bayes", known)
    known["mlp-decoder"] = _scores(noise)
    assert not made._pays("mlp-decoder", known)
    assert [sentence.split(":")[0] for sentence in made.why] == [
        "Hierarchical Bayes is in",
        "MLP decoder is left out",
    ]


def test_that_what_a_member_learned_by_heart_of_an_answer_does_not_speak_for_it() -> None:
    """Whose weight would rise with the answers that it knows,
    if they were not weighed by the others' parts."""
    told = _answers(np.zeros(200), np.zeros(200, np.int64))
    sure = np.where(told.outcome > 0.5, 4.0, -4.0)
    for held in range(5):  # knows one part, and is as wrong about the others
        heart = np.where(told.left % 5 == held, sure, -sure)
        margins = np.stack([np.zeros(200), heart])
        inside = told.left % 5 == held
        assert stacked(margins[:, inside], select(told, inside))[1] > 0.3
        assert cross_fitted(margins, told) >= np.log(2) - 0.02


def test_that_predictions_of_others_are_refused_as_a_member() -> None:
    val = _answers(np.random.default_rng(5).normal(0, 1, 30), np.zeros(30, np.int64))
    made = _combination("ensemble", ("consensus", "hierarchical-bayes"), ("A",), val)
    table = pd.DataFrame(
        {"labeler": "A", "attribute": "kind", "image": made.images, "score": np.arange(60.0)}
    )

    def read(frame: pd.DataFrame) -> tuple[np.ndarray, float]:
        found = ScoreTable.of(frame)
        return made._read(SimpleNamespace(name="run", scores=lambda: found))

    scores, factor = read(table)
    assert np.allclose(scores[0, 0], factor * np.arange(60))
    for wrong in (
        table.iloc[::-1],
        table.iloc[1:],
        table.assign(labeler="B"),
        table.assign(attribute="smart"),
    ):
        with pytest.raises(RunError, match="other labelers, attributes or images"):
            read(wrong)
