"""Groups of labelers, what a newcomer shares with them, and the ranks that answers earn."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.clustering import (
    Clustering,
    agreement,
    assign,
    earned_ranks,
    fit_grouping_heads,
    group,
    reliability,
    vectors,
)
from tests.engine.models.heads.planted import answer, features

KINDS: tuple[Clustering, ...] = ("k-means", "agglomerative", "hdbscan")


def _clouds(sizes: tuple[int, ...], seed: int = 0) -> NDArray[np.float64]:
    """Points about distant middles."""
    rng = np.random.default_rng(seed)
    middles = 10 * np.eye(len(sizes), 6)
    return np.concatenate(
        [
            middle + rng.normal(0, 0.5, (size, 6))
            for middle, size in zip(middles, sizes, strict=True)
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_that_planted_groups_are_found_without_their_number(kind: Clustering) -> None:
    groups = group(_clouds((5, 4, 6)), kind)
    assert groups.tolist() == [0] * 5 + [1] * 4 + [2] * 6
    assert np.array_equal(groups, group(_clouds((5, 4, 6)), kind))


def test_that_the_number_of_groups_can_be_asked_for() -> None:
    assert group(_clouds((5, 4, 6)), "agglomerative", 2).max() == 1
    assert group(_clouds((2,)), "k-means", 1).tolist() == [0, 0]


@pytest.mark.parametrize("kind", ["k-means", "agglomerative", "hdbscan"])
def test_that_labelers_who_are_all_the_same_are_one_group(kind: Clustering) -> None:
    assert group(np.ones((6, 3)), kind).tolist() == [0] * 6
    if kind != "hdbscan":
        assert group(np.ones((6, 3)), kind, 4).tolist() == [0] * 6
    assert group(np.repeat(np.eye(3), 2, axis=0), kind, 3).max() == 2


def test_that_two_labelers_are_two_groups() -> None:
    assert group(np.array([[1.0], [-1.0]])).tolist() == [0, 1]


def test_that_an_odd_one_joins_the_nearest_dense_group() -> None:
    points = np.concatenate([_clouds((6, 6)), [[10.0, 4.0, 0, 0, 0, 0]]])
    assert group(points, "hdbscan")[-1] == 0


def test_that_a_newcomer_shares_by_distance() -> None:
    points, groups = np.array([[0.0, 0], [2, 0], [10, 0], [12, 0]]), np.array([0, 0, 1, 1])
    # Middles at 1 and 11; mean squared radius 4 * 1 / (4 - 2) = 2; at x = 5: exp(-16 / 4) against
    # exp(-36 / 4).
    shares = assign(points, groups, np.array([5.0, 0]))
    assert shares == pytest.approx(
        np.array([np.exp(-4), np.exp(-9)]) / (np.exp(-4) + np.exp(-9)), rel=1e-5
    )
    assert assign(points, groups, np.array([6.0, 3.0])) == pytest.approx([0.5, 0.5])
    alone = assign(points[[0, 2]], np.array([0, 1]), np.array([1.0, 0]))
    assert alone.sum() == pytest.approx(1)
    assert alone[0] > 0.75


def test_that_labelers_of_one_taste_are_one_group() -> None:
    x = features(80, 8)
    tastes = np.random.default_rng(3).normal(size=(2, 1, 8))
    people = np.concatenate([np.repeat(tastes[:1], 3, axis=0), np.repeat(tastes[1:], 3, axis=0)])
    told = answer(np.einsum("uad,nd->uan", people, x), 150)
    heads = fit_grouping_heads(x, told, 6, 1)
    groups = group(vectors(heads))
    assert groups.tolist() == [0, 0, 0, 1, 1, 1]
    fresh = answer(np.einsum("uad,nd->uan", people[3:4], x), 60, seed=9)
    shares = assign(vectors(heads), groups, vectors(heads.adapt(x, fresh))[0])
    assert shares[1] > 0.6


def _repeated(outcomes: list[tuple[float, float]]) -> Answers:
    """One labeler sees pair n twice, the second time with sides swapped."""
    n = len(outcomes)
    first, second = (np.array(column, np.float32) for column in zip(*outcomes, strict=True))
    pair = np.arange(n)
    zeros = np.zeros(2 * n, np.int64)
    left, right = np.concatenate([2 * pair, 2 * pair + 1]), np.concatenate([2 * pair + 1, 2 * pair])
    outcome = np.concatenate([first, 1 - second])
    return Answers(zeros, zeros, left, right, outcome, np.ones(2 * n, np.float32), np.arange(2 * n))


def test_that_agreement_with_oneself_counts_repeats_with_sides_swapped() -> None:
    assert agreement(_repeated([(1, 1), (0, 0), (1, 0), (0.5, 1)])) == (
        pytest.approx((1 + 1 + 0 + 0.5) / 4),
        4,
    )
    assert agreement(_repeated([(1, 1)]).__class__(*(np.zeros(0, np.int64) for _ in range(7)))) == (
        0.5,
        0,
    )


def test_that_reliability_is_agreement_where_there_are_repeats_and_fit_where_not() -> None:
    x = features(60, 4)
    assert reliability(x, _repeated([(1, 1)] * 15 + [(1, 0)] * 5), 1, 1) == pytest.approx([0.75])
    taste = np.random.default_rng(1).normal(size=(1, 1, 4)) * 6
    told = answer(np.einsum("uad,nd->uan", np.concatenate([taste, taste]), x), 200)
    noise = np.random.default_rng(2).random(len(told)) < 0.5
    spoiled = np.where((told.labeler == 1) & noise, 1 - told.outcome, told.outcome).astype(
        np.float32
    )
    sure, unsure = reliability(x, dataclasses.replace(told, outcome=spoiled), 2, 1)
    assert sure > 0.8
    assert unsure < 0.65


def test_that_ranks_rise_with_reliability_and_with_answers_and_stay_in_bounds() -> None:
    reliable, counts = np.linspace(0.4, 1, 13), np.array([0, 10, 100, 1000, 10_000, 10**6])
    table = np.stack([earned_ranks(reliable, np.full(13, count)) for count in counts])
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) >= 0).all()
    assert table.min() == 0
    assert table.max() == 8
    assert not table[:, reliable <= 0.5].any()
    # 32 perfect answers earn the first rank, 96 the second; at 0.75 four times as many are needed.
    assert earned_ranks(
        np.array([1, 1, 1, 0.75, 0.75]), np.array([31, 32, 96, 127, 128])
    ).tolist() == [0, 1, 2, 0, 1]
