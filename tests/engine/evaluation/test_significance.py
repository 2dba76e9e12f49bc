"""Paired tests and the gate, on cases computed by hand and in simulation."""

import numpy as np
import pytest

from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.evaluation.metrics import ScoredPairs
from prism_desktop.engine.evaluation.significance import gate, holm, over_labelers, wilcoxon
from prism_desktop.engine.runs.result_files import Difference, Gain, Improved, Worst
from tests.engine.evaluation import simulate


def false_positives(
    simulations: int, images: int, trials: int, labelers: int, attributes: int, shared: float
) -> float:
    """How often p < 0.05 where a method errs as much as
    consensus does, by as much shared between its labelers."""
    found = 0
    for seed in range(simulations):
        rng = np.random.default_rng([7, seed])
        scored, taste = simulate.answers(rng, images, trials, labelers, attributes)
        common, own = rng.normal(0, 1, taste.shape), rng.normal(0, 1, (labelers, *taste.shape))
        method = taste + 0.7 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
        consensus = np.broadcast_to(taste + 0.7 * rng.normal(0, 1, taste.shape), method.shape)
        difference = simulate.hits(scored, method) - simulate.hits(scored, consensus)
        found += Resampled(scored, difference, seed, resamples=2, bounds=(-1, 1)).macro().p < 0.05
    return found / simulations


def test_that_what_is_no_better_than_consensus_is_seldom_called_significant() -> None:
    # 2.1 standard errors above 6 % with so few simulations; the soak test is strict.
    assert false_positives(300, 60, 40, 6, 1, 0.5) <= 0.06 + 0.029


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("images", "trials", "labelers", "attributes", "shared"),
    [
        (85, 60, 6, 3, 0.0),
        (85, 60, 6, 3, 1.0),
        (85, 60, 6, 3, 0.5),
        (40, 40, 6, 1, 0.5),
        (300, 60, 30, 1, 0.5),
    ],
)
def test_that_at_most_six_percent_are_false_alarms(
    images: int, trials: int, labelers: int, attributes: int, shared: float
) -> None:
    assert false_positives(4000, images, trials, labelers, attributes, shared) <= 0.06


def test_that_a_real_gain_is_found() -> None:
    scored, taste = simulate.answers(np.random.default_rng(0), 85, 60, 6, 3)
    noisy = np.broadcast_to(
        taste + np.random.default_rng(1).normal(0, 1.5, taste.shape), (6, *taste.shape)
    )
    difference = simulate.hits(scored, np.broadcast_to(taste, noisy.shape)) - simulate.hits(
        scored, noisy
    )
    assert Resampled(scored, difference, bounds=(-1, 1)).macro().p < 0.001


def test_that_holm_steps_down_as_in_the_textbook() -> None:
    # Four tests: 4 x 0.005, 3 x 0.01, 2 x 0.03, 0.04 raised to its forerunner's 0.06.
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_that_wilcoxon_counts_sign_patterns() -> None:
    # All of six labelers gain: 2 of 64 sign patterns are as extreme.
    assert wilcoxon([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]) == pytest.approx(2 / 64)
    # Ranks 1, 2, 3 with the smallest negative: rank sums 5 or more, or 1 or less, in 4 of 8
    # patterns.
    assert wilcoxon([-0.01, 0.02, 0.03]) == pytest.approx(4 / 8)
    assert wilcoxon([0.0, 0.0, 0.0]) == 1.0
    assert wilcoxon([0.1]) is None
    assert wilcoxon(list(np.linspace(0.01, 0.3, 30))) < 1e-5  # type: ignore[operator]


def gains(*rows: tuple[float, float, float], p: float = 0.01) -> Gain:
    labelers = {
        f"L{k}": Difference(difference=value, low=low, high=high, n=100)
        for k, (value, low, high) in enumerate(rows)
    }
    mean = float(np.mean([row[0] for row in rows]))
    macro = Difference(difference=mean, low=mean, high=mean, n=1, p=p)
    return Gain(macro=macro, per_labeler=labelers)


UP, DOWN, NOISY, BAD = (
    (0.05, 0.01, 0.09),
    (-0.03, -0.06, -0.01),
    (-0.08, -0.2, 0.04),
    (-0.08, -0.12, -0.04),
)


def test_that_a_gain_is_described_over_labelers() -> None:
    found = over_labelers(gains(UP, UP, DOWN, BAD, (0.0, -0.1, 0.1)).per_labeler)
    assert found.improved == Improved(share=0.4, labelers=2, of=5)
    assert found.worst == Worst(labeler="L3", difference=-0.08, low=-0.12, high=-0.04)
    assert found.catastrophic == ("L3",)


def test_that_a_single_wrong_answer_lets_nobody_down() -> None:
    """Where the consensus is right and the method is
    wrong on all of a labeler's few or many answers."""
    told = {}
    for answers in (1, 40):
        left = 2 * np.arange(answers)
        who, what = np.array(["D"] * answers, dtype=object), np.array(["a"] * answers, dtype=object)
        scored = ScoredPairs(
            who, what, left, left + 1, 2 * answers, np.ones(answers, bool), np.ones(answers), 0
        )
        row = Resampled(scored, np.full(answers, -1.0), bounds=(-1, 1)).mean().difference()
        told[answers] = over_labelers({"D": row}).catastrophic
    assert told == {1: (), 40: ("D",)}


def test_that_the_gate_opens_only_when_all_three_conditions_hold() -> None:
    assert gate(gains(UP, UP, UP, DOWN)).passed
    assert gate(gains(UP, UP, UP, NOISY)).passed  # a large loss that may be chance
    half = gate(gains(UP, UP, DOWN, DOWN))
    assert not half.passed
    assert half.reasons[0] == "2 of 4 labelers improve; more than 60% must."
    harmed = gate(gains(UP, UP, UP, BAD))
    assert harmed.reasons[0] == "L3 lose more than 5 points, beyond chance."
    assert not harmed.passed
    unsure = gate(gains(UP, UP, UP, p=0.01), p=0.2)
    assert not unsure.passed
    assert "p = 0.200" in unsure.reasons[0]
    assert not gate(gains(DOWN, DOWN, DOWN, p=0.001)).passed
    assert not gate(Gain()).passed


EDGE, TOUCHING = (-0.05, -0.09, -0.01), (-0.08, -0.16, 0.0)
WORSE = (-0.050001, -0.09, -0.01)


@pytest.mark.parametrize(
    ("rows", "p", "passed"),
    [
        ([UP, UP, UP, DOWN, DOWN], 0.01, False),  # 60 % is not more than 60 %
        ([UP] * 61 + [DOWN] * 39, 0.01, True),
        ([UP] * 3 + [(0.0, -0.1, 0.1)] * 2, 0.01, False),  # nobody improves by nothing
        ([UP, UP, UP], 0.05, False),  # 5 % is not below 5 %
        ([UP, UP, UP], 0.0499, True),
        ([(0.01, 0.0, 0.02)] * 2 + [(-0.02, -0.03, -0.01)], 0.01, False),  # on the whole, nothing
        ([UP, UP, UP, EDGE], 0.01, True),  # 5 points are not more than 5 points
        ([UP, UP, UP, WORSE], 0.01, False),
        ([UP, UP, UP, TOUCHING], 0.01, True),  # its interval is not wholly below 0
        ([UP, UP, UP, (-0.08, -0.16, -0.001)], 0.01, False),
    ],
)
def test_that_the_gate_s_bounds_are_as_its_sentences_say(
    rows: list[tuple[float, float, float]], p: float, passed: bool
) -> None:
    assert gate(gains(*rows, p=p)).passed == passed


def test_that_the_gate_tells_its_figures_the_unmet_conditions_first() -> None:
    verdict = gate(gains(UP, UP, DOWN, DOWN, p=0.0004))
    assert verdict.reasons == (
        "2 of 4 labelers improve; more than 60% must.",
        "No labeler loses more than 5 points beyond chance; the worst is L2 with -3.0 points "
        "[-6.0, -1.0].",
        "The mean gain over consensus is +1.0 points, p < 0.001; it must be above 0 with p below "
        "0.05.",
    )
    unsure = gate(gains(UP, UP, UP), p=0.001)
    assert "+5.0 points, p = 0.001;" in unsure.reasons[-1]
    unknown = gains(UP, UP, UP)
    unknown = unknown.model_copy(update={"macro": unknown.macro.model_copy(update={"p": None})})
    assert "p unknown;" in gate(unknown).reasons[0]
    assert not gate(unknown).passed
