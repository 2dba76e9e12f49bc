"""How far two models agree about the same faces, and where they part."""

import numpy as np
import pytest

from prism_desktop.engine.analysis.score_agreement import (
    disputed_faces,
    disputed_pairs,
    pearson,
    spearman,
)


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_that_the_interval_holds_the_true_correlation_about_95_times_in_100(correlation) -> None:
    rng, truth = np.random.default_rng(0), 0.6
    if correlation is spearman:  # of two normals
        truth = 6 / np.pi * np.arcsin(truth / 2)
    inside = 0
    for _ in range(400):
        x = rng.normal(size=80)
        y = 0.6 * x + 0.8 * rng.normal(size=80)
        if correlation is spearman:
            x, y = (each.argsort().argsort() / 79 for each in (x, y))
        found = correlation(x, y)
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_that_nothing_is_correlated_of_few_faces_or_of_what_does_not_vary() -> None:
    assert pearson(np.arange(4.0), np.arange(4.0)) is None
    assert pearson(np.arange(9.0), np.ones(9)) is None


def test_that_faces_are_disputed_by_the_gap_of_whole_percentiles() -> None:
    one = np.array([0.1, 0.5, np.nan, 0.9, 0.303], np.float32)
    other = np.array([0.8, 0.4, 0.2, 0.9, 0.304], np.float32)
    assert disputed_faces(one, other).tolist() == [0, 1]


def test_that_the_first_pair_is_the_most_disputed_of_all_pairs_and_no_face_is_told_twice() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.random((2, 300)).astype(np.float32)
    found = disputed_pairs(one, other)
    least = np.minimum(one[:, None] - one[None], other[None] - other[:, None])
    assert found[0].by == pytest.approx(least.max())
    assert least[found[0].first, found[0].second] == pytest.approx(least.max())
    faces = [row for pair in found for row in (pair.first, pair.second)]
    assert len(set(faces)) == len(faces) == 24
    for pair in found:
        assert one[pair.first] > one[pair.second]
        assert other[pair.first] < other[pair.second]


def test_that_models_of_one_order_dispute_no_pair() -> None:
    one = np.linspace(0, 1, 50, dtype=np.float32)
    assert disputed_pairs(one, one) == ()
    assert disputed_pairs(one, one**2) == ()
