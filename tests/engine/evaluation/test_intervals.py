"""Intervals hold what they promise, in simulation and at the edges."""

import numpy as np
import pytest

from prism_desktop.engine.evaluation import intervals
from prism_desktop.engine.evaluation.intervals import Resampled, basis, dyadic_variance, wilson
from prism_desktop.engine.evaluation.metrics import ScoredPairs, correct
from tests.engine.evaluation import simulate


def simulated(seed: int, n: int, images: int, spread: float, labelers: int = 3) -> ScoredPairs:
    """Answers that are right with a probability that depends on both images."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, images, n)
    right = (left + rng.integers(1, images, n)) % images
    effect = rng.normal(0, spread, images)
    right_with = 1 / (1 + np.exp(-0.8 - effect[left] - effect[right]))
    return ScoredPairs(
        labeler=np.array([f"L{k}" for k in rng.integers(0, labelers, n)], dtype=object),
        attribute=np.array(["a"] * n, dtype=object),
        left=left,
        right=right,
        images=images,
        chosen=rng.random(n) < right_with,
        margin=np.ones(n),
        ties=0,
    )


@pytest.mark.parametrize("resamples", [200, 0])
@pytest.mark.parametrize(("n", "images", "spread"), [(300, 80, 0.0), (400, 60, 0.7)])
def test_that_intervals_cover_at_their_level(
    n: int, images: int, spread: float, resamples: int
) -> None:
    noise = np.random.default_rng(1).normal(0, spread * np.sqrt(2), 200_000)
    truth = (1 / (1 + np.exp(-0.8 - noise))).mean()
    inside = 0
    for seed in range(240):
        scored = simulated(seed, n, images, spread)
        estimate = Resampled(scored, correct(scored), seed, resamples).mean()
        inside += estimate.low <= truth <= estimate.high
    assert 0.90 <= inside / 240 <= 0.985


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("n", "images", "spread"), [(300, 80, 0.0), (400, 60, 0.7), (1500, 90, 0.5)]
)
def test_that_intervals_cover_93_to_97_percent(n: int, images: int, spread: float) -> None:
    noise = np.random.default_rng(1).normal(0, spread * np.sqrt(2), 2_000_000)
    truth = (1 / (1 + np.exp(-0.8 - noise))).mean()
    inside = 0
    for seed in range(2000):
        scored = simulated(seed, n, images, spread)
        estimate = Resampled(scored, correct(scored), seed, resamples=1000).mean()
        inside += estimate.low <= truth <= estimate.high
    assert 0.93 <= inside / 2000 <= 0.97


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_that_intervals_of_macro_gains_cover_93_to_97_percent(shared: float) -> None:
    inside = 0
    for seed in range(1500):
        rng = np.random.default_rng([3, seed])
        scored, taste = simulate.answers(rng, 85, 60, 6, 3)
        common, own = rng.normal(0, 1, taste.shape), rng.normal(0, 1, (6, *taste.shape))
        method = taste + 0.7 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
        consensus = np.broadcast_to(taste + 0.7 * rng.normal(0, 1, taste.shape), method.shape)
        difference = simulate.hits(scored, method) - simulate.hits(scored, consensus)
        estimate = Resampled(scored, difference, seed, resamples=1000, bounds=(-1, 1)).macro()
        inside += estimate.low <= 0 <= estimate.high
    assert 0.93 <= inside / 1500 <= 0.97


@pytest.mark.parametrize(("n", "images", "spread"), [(2000, 300, 0.0), (20_000, 2000, 0.5)])
def test_that_the_variance_alone_says_what_resamples_say(
    n: int, images: int, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = simulated(5, n, images, spread)
    drawn = Resampled(scored, correct(scored))
    assert "bootstrap" in basis(n)
    monkeypatch.setattr(intervals, "DRAWN_ANSWERS", n - 1)
    assert "bootstrap" not in basis(n)
    alone = Resampled(scored, correct(scored))
    for labeler in (None, "L1"):
        one, other = drawn.mean(labeler), alone.mean(labeler)
        width = one.high - one.low
        assert other.value == one.value
        assert other.p == one.p
        assert other.low == pytest.approx(one.low, abs=0.08 * width)
        assert other.high == pytest.approx(one.high, abs=0.08 * width)
    one, other = drawn.macro(), alone.macro()
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.1)


def test_that_macro_weighs_labelers_alike_and_micro_answers() -> None:
    scored = simulated(0, 90, 40, 0.5)
    values = correct(scored)
    resampled = Resampled(scored, values)
    by_labeler = [values[scored.labeler == code].mean() for code in resampled.labelers]
    assert resampled.macro().value == pytest.approx(np.mean(by_labeler))
    assert resampled.mean().value == pytest.approx(values.mean())
    assert resampled.mean("L1").n == (scored.labeler == "L1").sum()


def test_that_the_dyadic_variance_is_the_double_sum_over_pairs_that_share_an_image() -> None:
    rng = np.random.default_rng(3)
    left = rng.integers(0, 12, 60)
    right = (left + rng.integers(1, 12, 60)) % 12
    # Influences driven by images, so that the sum is positive and no floor applies.
    influence = rng.normal(0, 1, 12)[left] + rng.normal(0, 1, 12)[right]
    share = (
        (left[:, None] == left)
        | (left[:, None] == right)
        | (right[:, None] == left)
        | (right[:, None] == right)
    )
    expected = (influence[:, None] * influence * share).sum() * 12 / 11
    assert dyadic_variance(influence, left, right, 12) == pytest.approx(expected)


def test_that_dependence_through_images_widens_the_interval() -> None:
    loose, tight = simulated(0, 600, 20, 1.5), simulated(0, 600, 500, 0.0)
    width = [
        (estimate := Resampled(scored, correct(scored)).mean()).high - estimate.low
        for scored in (loose, tight)
    ]
    assert width[0] > 1.5 * width[1]


def test_that_all_right_is_not_certainly_right() -> None:
    scored = simulated(0, 20, 30, 0.0)
    estimate = Resampled(scored, np.ones(20)).mean()
    assert estimate.value == estimate.high == 1.0
    seen = len({*scored.left, *scored.right})
    assert estimate.low == pytest.approx(wilson(1.0, min(20, seen / 2))[0])


def alike(answers: int, images: int, labeler: str = "L0") -> ScoredPairs:
    """So many answers by one labeler that walk round a ring of images."""
    left = np.arange(answers) % images
    who, what = np.array([labeler] * answers, dtype=object), np.array(["a"] * answers, dtype=object)
    return ScoredPairs(
        who, what, left, (left + 1) % images, images, np.ones(answers, bool), np.ones(answers), 0
    )


def test_that_many_answers_on_few_images_are_no_more_certain_than_the_images() -> None:
    low = [Resampled(alike(n, 8), np.ones(n)).mean().low for n in (8, 300)]
    # eight images are four independent pairs
    assert low[0] == low[1] == pytest.approx(wilson(1.0, 4)[0])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_that_one_answer_is_no_gain_or_loss_beyond_chance_and_the_interval_says_what_p_says(
    sign: float,
) -> None:
    for images in range(2, 30):
        scored = alike(max(1, images // 2), images) if images == 2 else alike(images, images)
        estimate = Resampled(scored, np.full(len(scored), sign), bounds=(-1, 1)).mean()
        assert estimate.low <= estimate.value <= estimate.high
        assert (estimate.low * estimate.high > 0) == (estimate.p < 0.05)
    assert estimate.p < 0.001


def test_that_the_difference_of_a_method_with_itself_is_exactly_zero() -> None:
    scored = simulated(0, 50, 30, 0.5)
    estimate = Resampled(scored, correct(scored) - correct(scored), bounds=(-1, 1)).mean()
    assert (estimate.value, estimate.n) == (0.0, 50)


def test_that_the_paired_difference_is_narrower_than_the_separate_intervals() -> None:
    scored = simulated(0, 400, 60, 1.0)
    mine = correct(scored)
    theirs = np.where(np.arange(400) % 20 == 0, 1 - mine, mine)
    separate, paired = (
        Resampled(scored, mine).mean(),
        Resampled(scored, mine - theirs, bounds=(-1, 1)).mean(),
    )
    assert paired.high - paired.low < 0.7 * (separate.high - separate.low)


def test_that_the_same_seed_gives_the_same_interval() -> None:
    scored = simulated(0, 100, 30, 0.5)
    assert (
        Resampled(scored, correct(scored), 7).mean() == Resampled(scored, correct(scored), 7).mean()
    )


def test_that_no_answers_give_no_numbers() -> None:
    scored = simulated(0, 10, 30, 0.5)
    assert Resampled(scored, correct(scored)).mean("nobody").accuracy().dump() == {
        "accuracy": None,
        "low": None,
        "high": None,
        "n": 0,
    }


def test_that_wilson_matches_its_textbook_value() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_that_means_belong_to_their_labelers_and_attributes_whatever_the_order_of_answers() -> None:
    rows = [("B", "y", 1.0), ("A", "y", 0.0), ("B", "x", 0.0), ("A", "y", 1.0), ("C", "x", 1.0)]
    who, what, value = (np.array(part, dtype=object) for part in zip(*rows, strict=True))
    images = np.arange(5)
    scored = ScoredPairs(who, what, images, images + 5, 10, value > 0, np.ones(5), 0)
    found = Resampled(scored, value.astype(float), resamples=20)
    assert (found.labelers, found.attributes) == (["A", "B", "C"], ["x", "y"])
    assert [found.mean(code).value for code in "ABC"] == [0.5, 0.5, 1.0]
    assert [found.mean(attribute=name).value for name in "xy"] == [0.5, pytest.approx(2 / 3)]
    assert (found.mean("B", "y").value, found.mean("B", "x").value) == (1.0, 0.0)
    assert found.mean().value == pytest.approx(0.6)
    assert found.macro().value == pytest.approx(2 / 3)
    assert found.mean("A", "x").n == 0
    assert found.mean("A").n == 2


def test_that_an_attribute_has_the_error_of_its_own_answers_alone() -> None:
    rng = np.random.default_rng(0)
    who = np.array(list("ABC") * 40, dtype=object)
    what = np.array([name for name in "xy" for _ in range(60)], dtype=object)
    left, right = rng.integers(0, 8, 120), 8 + rng.integers(0, 8, 120)
    value = (rng.random(120) < np.where(what == "x", 0.9, 0.5)).astype(float)

    def taken(some: np.ndarray) -> Resampled:
        scored = ScoredPairs(
            who[some], what[some], left[some], right[some], 16, value[some] > 0,
            np.ones(some.sum()), 0,
        )  # fmt: skip
        return Resampled(scored, value[some], resamples=20)

    whole = taken(np.ones(120, bool))
    for name in "xy":
        alone = taken(what == name).mean()
        assert whole.mean(attribute=name).error == pytest.approx(alone.error)
