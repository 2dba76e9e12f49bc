"""Agreement on hand-made answers."""

import itertools

import numpy as np
import pytest

from prism_desktop.engine.analysis.agreement import agreement, rating_agreement, study_agreement
from prism_desktop.engine.evaluation.intervals import wilson
from tests.engine.evaluation import fabricate

ROWS = [
    ("L1", "x", "y", "a", "left"),
    ("L2", "y", "x", "a", "right"),  # the same image as L1
    ("L3", "x", "y", "a", "right"),  # the other
    ("L1", "x", "z", "a", "left"),
    ("L2", "x", "z", "a", "tie"),  # half
    ("L1", "y", "z", "b", "tie"),
    ("L2", "z", "y", "b", "tie"),  # two ties agree
    ("L4", "p", "q", "a", "left"),  # shared with nobody
]


def test_that_sides_are_normalised_and_ties_count_half() -> None:
    result = agreement(fabricate.comparisons(ROWS))
    assert result.labelers == ("L1", "L2", "L3", "L4")
    assert result.matrix[0, 1] == pytest.approx(2.5 / 3)
    assert (result.matrix[0, 2], result.matrix[1, 2]) == (0.0, 0.0)
    assert result.counts[:3, :3][~np.eye(3, dtype=bool)].tolist() == [3, 1, 3, 1, 1, 1]


def test_that_what_is_not_shared_is_blank_and_not_zero() -> None:
    result = agreement(fabricate.comparisons(ROWS))
    assert np.isnan(result.matrix[3, :3]).all()
    assert np.isnan(result.low[3, 0])
    frame = result.frame().set_index(["labeler", "other"])
    assert np.isnan(frame.loc[("L1", "L4"), "agreement"])
    assert frame.loc[("L1", "L4"), "count"] == 0
    assert len(frame) == 6


def test_that_one_attribute_can_be_asked_for() -> None:
    result = agreement(fabricate.comparisons(ROWS), "b")
    assert result.labelers == ("L1", "L2")
    assert (result.matrix[0, 1], result.counts[0, 1]) == (1.0, 1)


def test_that_the_diagonal_is_self_agreement_and_repeats_count_once_between_labelers() -> None:
    rows = [
        ("L1", "x", "y", "a", "left"),
        ("L1", "y", "x", "a", "left"),
        ("L1", "x", "y", "a", "right"),
        ("L2", "x", "y", "a", "left"),
    ]
    result = agreement(fabricate.comparisons(rows))
    assert (result.matrix[0, 0], result.counts[0, 0]) == (0.5, 2)
    assert (result.matrix[0, 1], result.counts[0, 1]) == (1.0, 1)
    assert np.isnan(result.matrix[1, 1])


def test_that_intervals_are_wilsons() -> None:
    result = agreement(fabricate.comparisons(ROWS))
    assert (result.low[0, 1], result.high[0, 1]) == pytest.approx(wilson(2.5 / 3, 3))


def test_that_labelers_come_in_the_order_asked_for() -> None:
    result = agreement(fabricate.comparisons(ROWS), labelers=["L3", "L1", "nobody"])
    assert result.labelers == ("L3", "L1", "nobody")
    assert result.matrix[0, 1] == 0.0
    assert np.isnan(result.matrix[2]).all()


def test_that_no_answers_give_an_empty_matrix() -> None:
    assert agreement(fabricate.comparisons([])).matrix.shape == (0, 0)
    assert agreement(fabricate.comparisons([])).frame().empty


def test_that_rated_orders_agree_where_neither_rated_equal() -> None:
    rated = [(("L1", "w", 1), ("L1", "x", 2), ("L1", "y", 3), ("L1", "z", 3))]
    rated += [(("L2", "w", 4), ("L2", "x", 5), ("L2", "y", 9), ("L2", "z", 1))]
    frame = fabricate.ratings(
        [(code, image, "a", value) for rows in rated for code, image, value in rows]
    )
    result = rating_agreement(frame)
    # w<x, w<y, x<y alike; w<z, x<z reversed; y and z are equal for L1.
    assert result.matrix[0, 1] == pytest.approx(3 / 5)
    assert result.counts[0, 1] == 5
    assert result.source == "ratings"
    assert np.isnan(result.matrix[0, 0])


def test_that_comparisons_are_preferred_and_ratings_fill_in() -> None:
    rated = fabricate.random_ratings(20, 20, 0)
    assert study_agreement(fabricate.comparisons(ROWS), rated).source == "comparisons"
    assert study_agreement(fabricate.comparisons(ROWS[:1]), rated).source == "ratings"


def test_that_random_answers_agree_half_the_time() -> None:
    frame = fabricate.random_ratings(200, 200, 3)
    result = rating_agreement(frame)
    assert result.matrix[0, 1] == pytest.approx(0.5, abs=0.06)
    assert result.low[0, 1] < 0.5 < result.high[0, 1]


@pytest.mark.parametrize("points", [2, 4, 1000])  # 1,000: a slider's
def test_that_rated_orders_are_those_of_all_pairs_of_shared_images(points: int) -> None:
    rng = np.random.default_rng(points)
    rated = {
        code: {str(image): int(rng.integers(points)) for image in rng.permutation(40)[:number]}
        for code, number in (("L1", 40), ("L2", 25), ("L3", 3), ("L4", 1), ("L5", 30))
    }
    result = rating_agreement(
        fabricate.ratings(
            [(code, image, "a", value) for code in rated for image, value in rated[code].items()]
        )
    )
    for one, two in itertools.combinations(range(5), 2):
        mine, other = rated[result.labelers[one]], rated[result.labelers[two]]
        signs = [
            (mine[x] - mine[y]) * (other[x] - other[y])
            for x, y in itertools.combinations(sorted(mine.keys() & other.keys()), 2)
        ]
        alike, compared = sum(sign > 0 for sign in signs), sum(sign != 0 for sign in signs)
        for at in ((one, two), (two, one)):
            assert result.counts[at] == compared
            assert result.matrix[at] == pytest.approx(
                alike / compared if compared else np.nan, nan_ok=True
            )
