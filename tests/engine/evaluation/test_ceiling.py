"""Ceilings from repeats."""

import numpy as np
import pytest

from prism_desktop.engine.evaluation.ceiling import ceiling_of, ceilings, repeated
from tests.engine.evaluation import fabricate


@pytest.mark.parametrize(
    ("agreement", "ceiling"), [(0.8, 0.856), (0.9, 0.929), (1.0, 1.0), (0.5, 0.5), (0.3, 0.5)]
)
def test_that_the_formula_gives_its_known_values(agreement: float, ceiling: float) -> None:
    assert ceiling_of(agreement) == pytest.approx(ceiling, abs=5e-4)


def test_that_the_ceiling_is_what_the_noiseless_taste_gets_right() -> None:
    rng = np.random.default_rng(0)
    taste, noise = rng.normal(0, 1, 300_000), 0.8
    first, second = (taste + rng.normal(0, noise, len(taste)) > 0 for _ in range(2))
    assert ceiling_of(float((first == second).mean())) == pytest.approx(
        ((taste > 0) == first).mean(), abs=0.004
    )


def test_that_a_repeat_with_sides_exchanged_agrees_when_the_same_image_is_chosen() -> None:
    rows = repeated(
        fabricate.comparisons(
            [
                ("L1", "x", "y", "a", "left"),
                ("L1", "y", "x", "a", "right"),  # the same image, other side
                ("L1", "x", "y", "a", "right"),  # another image than just before
                ("L1", "x", "z", "a", "left"),  # another pair
                ("L2", "x", "y", "a", "left"),  # another labeler
                ("L1", "x", "y", "b", "left"),  # another attribute
            ]
        )
    )
    assert rows["same"].tolist() == [True, False]
    assert rows["swapped"].tolist() == [True, True]


def test_that_ties_do_not_count() -> None:
    rows = [
        ("L1", "x", "y", "a", "left"),
        ("L1", "y", "x", "a", "tie"),
        ("L1", "x", "y", "a", "left"),
    ]
    assert repeated(fabricate.comparisons(rows))["same"].tolist() == [True]


def test_that_too_few_repeats_give_no_ceiling() -> None:
    rows = [("L1", f"x{k}", f"y{k}", "a", "left") for k in range(9)]
    swapped = [("L1", right, left, "a", "right") for _, left, right, _, _ in rows]
    assert ceilings(fabricate.comparisons(rows + swapped)) == {}
    more = [("L1", "p", "q", "a", "left"), ("L1", "q", "p", "a", "left")]
    found = ceilings(fabricate.comparisons(rows + swapped + more))["L1"]
    assert (found.n, found.swapped) == (10, 10)
    assert found.agreement == pytest.approx(0.9)
    assert found.value == pytest.approx(ceiling_of(0.9))
    assert found.low < found.value < found.high


def test_that_imported_answers_are_repeats_only_where_the_file_tells_presentations_apart() -> None:
    rows = [("L1", f"x{k}", f"y{k}", "a", "left") for k in range(10)]
    frame = fabricate.comparisons(rows + rows).assign(source="imported")
    # rows that differ alone would be left of such repeats, so they say nothing
    assert ceilings(frame) == {}
    told = frame.assign(repeat_of=[None] * 10 + [f"t{k}" for k in range(10)])
    assert ceilings(told)["L1"].n == 10
    rated = fabricate.ratings(rated_twice(30, 0.5, 0, 2)).assign(source="imported")
    assert ceilings(None, rated) == {}
    assert (
        ceilings(None, rated.assign(repeat_of=[None] * 30 + [f"r{k}" for k in range(30)]))["L1"].n
        == 30
    )


@pytest.mark.parametrize("noise", [0.3, 0.6, 1.0, 1.5])
def test_that_the_ceiling_of_finitely_many_repeats_is_within_a_point_on_average(
    noise: float,
) -> None:
    rng, truth = np.random.default_rng(0), 0.5 + np.arcsin(1 / np.sqrt(1 + noise**2)) / np.pi
    found = []
    for _ in range(60):
        taste = rng.normal(0, 1, 400)
        first, second = (taste + rng.normal(0, noise, 400) > 0 for _ in range(2))
        found.append(ceiling_of(float((first == second).mean())))
    assert np.mean(found) == pytest.approx(truth, abs=0.01)


def rated_twice(
    images: int, noise: float, seed: int, steps: float
) -> list[tuple[str, str, str, float]]:
    rng = np.random.default_rng(seed)
    taste = rng.normal(0, 1, images)
    return [
        ("L1", f"i{k}", "a", float(np.round((taste[k] + rng.normal(0, noise)) * steps)))
        for _ in range(2)
        for k in range(images)
    ]


@pytest.mark.parametrize("noise", [0.3, 0.7])
def test_that_repeated_ratings_give_the_ceiling_of_comparisons_by_the_same_noise(
    noise: float,
) -> None:
    truth = 0.5 + np.arcsin(1 / np.sqrt(1 + noise**2)) / np.pi
    found = [
        ceilings(None, fabricate.ratings(rated_twice(120, noise, seed, 50)))["L1"]
        for seed in range(40)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.01)
    assert {(one.source, one.n) for one in found} == {("ratings", 120)}
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.85


def test_that_images_rated_alike_at_either_time_say_nothing_of_consistency() -> None:
    first, second = [1] * 5 + [2] * 5, [1, 1, 1, 1, 2, 2, 2, 2, 2, 1]
    rows = [("L1", f"i{k}", "a", value) for part in (first, second) for k, value in enumerate(part)]
    # 25 pairs differ at first; of them 4 x 4 keep their order, one turns round, 8 become alike.
    assert ceilings(None, fabricate.ratings(rows))["L1"].agreement == pytest.approx(16 / 17)
    same = [("L1", f"i{k}", "a", 3) for _ in range(2) for k in range(10)]
    assert ceilings(None, fabricate.ratings(same)) == {}


def test_that_only_the_first_two_ratings_of_an_image_and_one_attribute_are_compared() -> None:
    rows = [("L1", f"i{k}", "a", k) for _ in range(2) for k in range(10)]
    again = [("L1", f"i{k}", "a", 9 - k) for k in range(10)]
    other = [("L1", f"i{k}", "b", (9 - k) * time) for time in (1, 2) for k in range(10)]
    found = ceilings(None, fabricate.ratings(rows + again + other))["L1"]
    assert (found.agreement, found.n) == (1.0, 20)


def test_that_repeated_comparisons_come_before_repeated_ratings() -> None:
    rows = [("L1", f"x{k}", f"y{k}", "a", "left") for k in range(10)] * 2
    both = ceilings(fabricate.comparisons(rows), fabricate.ratings(rated_twice(30, 0.5, 0, 2)))
    assert both["L1"].source == "comparisons"
    few = ceilings(
        fabricate.comparisons(rows[:9] * 2), fabricate.ratings(rated_twice(30, 0.5, 0, 2))
    )
    assert few["L1"].source == "ratings"
    assert (
        ceilings(fabricate.comparisons(rows[:9] * 2), fabricate.ratings(rated_twice(9, 0.5, 0, 2)))
        == {}
    )


def test_that_independent_repeats_of_a_pair_count_each() -> None:
    """All pairs are as hard, so each answer is a new throw, of whichever pair it is."""

    def width(times: int) -> float:
        rng = np.random.default_rng(3)
        rows = [
            ("L1", f"x{k}", f"y{k}", "a", "left" if rng.random() < 0.9 else "right")
            for k in range(40)
            for _ in range(times)
        ]
        found = ceilings(fabricate.comparisons(rows))["L1"]
        assert found.n == 40 * (times - 1)
        return found.high - found.low

    assert width(17) < 0.5 * width(2)  # 16 times the answers: a quarter of the interval
