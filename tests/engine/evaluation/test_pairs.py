"""Pairs from comparisons and ratings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_desktop.engine.evaluation.pairs import (
    COLUMNS,
    pairs_from_comparisons,
    pairs_from_ratings,
)
from tests.engine.evaluation import fabricate


def test_that_the_left_choice_is_one_and_a_tie_is_left_out() -> None:
    frame = fabricate.comparisons(
        [
            ("L1", "x", "y", "a", "left"),
            ("L1", "x", "z", "a", "right"),
            ("L1", "y", "z", "a", "tie"),
        ]
    )
    pairs = pairs_from_comparisons(frame)
    assert list(pairs.columns) == list(COLUMNS)
    assert pairs["outcome"].tolist() == [1.0, 0.0]
    assert pairs["outcome"].dtype == np.float32


def test_that_davidson_keeps_ties_as_halves() -> None:
    frame = fabricate.comparisons([("L1", "x", "y", "a", "tie")])
    assert pairs_from_comparisons(frame, ties="davidson")["outcome"].tolist() == [0.5]


def test_that_trials_are_counted_in_the_time_of_their_labeler() -> None:
    frame = fabricate.comparisons(
        [("L1", "x", "y", "a", "left"), ("L2", "x", "y", "a", "left")] * 2
    )
    late_first = frame.assign(onset=[5.0, 0.0, 4.0, 1.0])
    assert pairs_from_comparisons(late_first)["order"].tolist() == [1, 0, 0, 1]


def test_that_a_missing_onset_leaves_the_recorded_order() -> None:
    frame = fabricate.comparisons([("L1", "x", "y", "a", "left")] * 3).assign(
        onset=[5.0, None, 1.0]
    )
    assert pairs_from_comparisons(frame)["order"].tolist() == [0, 1, 2]


def test_that_an_empty_frame_gives_no_pairs() -> None:
    assert pairs_from_comparisons(fabricate.comparisons([])).empty
    assert pairs_from_ratings(fabricate.ratings([]), {}).empty


def test_that_the_higher_rating_wins_and_equal_ratings_make_no_pair() -> None:
    frame = fabricate.ratings([("L1", "x", "a", 1), ("L1", "y", "a", 4), ("L1", "z", "a", 4)])
    pairs = pairs_from_ratings(frame, dict.fromkeys("xyz", "train"))
    winners = pairs["left"].where(pairs["outcome"] == 1, pairs["right"])
    losers = pairs["right"].where(pairs["outcome"] == 1, pairs["left"])
    assert set(zip(winners, losers, strict=True)) == {("y", "x"), ("z", "x")}


def test_that_weights_follow_the_difference() -> None:
    frame = fabricate.ratings([("L1", "x", "a", 1), ("L1", "y", "a", 2), ("L1", "z", "a", 4)])
    pairs = pairs_from_ratings(frame, dict.fromkeys("xyz", "train"))
    assert sorted(pairs["weight"]) == pytest.approx([1 / 2, 2 / 2, 3 / 2])


def test_that_repeated_ratings_are_averaged() -> None:
    frame = fabricate.ratings(
        [("L1", "x", "a", 1), ("L1", "x", "a", 3), ("L1", "y", "a", 2), ("L1", "z", "a", 3)]
    )
    pairs = pairs_from_ratings(frame, dict.fromkeys("xyz", "train"))
    assert {frozenset(pair) for pair in zip(pairs["left"], pairs["right"], strict=True)} == {
        frozenset("xz"),
        frozenset("yz"),
    }


def test_that_the_scale_of_the_source_is_used_where_it_is_complete() -> None:
    frame = fabricate.ratings(
        [("L1", "x", "a", 2), ("L1", "y", "a", 2), ("L2", "x", "a", 2), ("L2", "y", "a", 2)]
    )
    frame = frame.assign(raw=[4.0, 6.0, 4.0, None])
    pairs = pairs_from_ratings(frame, {"x": "train", "y": "train"})
    assert pairs["labeler"].tolist() == ["L1"]


def test_that_attributes_share_their_image_pairs_and_sides() -> None:
    pairs = pairs_from_ratings(
        fabricate.random_ratings(40, 40, 0), dict.fromkeys(fabricate.images(40)["image"], "val")
    )
    sides = pairs.groupby(["labeler", "attribute"])[["left", "right"]].apply(
        lambda rows: set(zip(rows["left"], rows["right"], strict=True))
    )
    for labeler in ("L0", "L1", "L2"):
        turned = {(right, left) for left, right in sides[labeler, "a"]}
        assert len(sides[labeler, "a"] & sides[labeler, "b"]) > 0.4 * len(sides[labeler, "a"])
        assert not turned & sides[labeler, "b"]


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(2, 40),
    cap=st.integers(1, 12),
    least=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_that_rating_pairs_stay_inside_a_split_and_under_the_cap(
    count: int, cap: int, least: int, seed: int
) -> None:
    frame = fabricate.random_ratings(count, 40, seed)
    split = {
        image: ("train", "val", "test")[number % 3]
        for number, image in enumerate(fabricate.images(40)["image"])
    }
    pairs = pairs_from_ratings(frame, split, least, cap, seed)
    assert (pairs["left"].map(split) == pairs["split"]).all()
    assert (pairs["right"].map(split) == pairs["split"]).all()
    value = frame.set_index(["labeler", "attribute", "image"])["value"]
    for end in ("left", "right"):
        judged = pd.MultiIndex.from_frame(pairs[["labeler", "attribute", end]])
        pairs[end + "_value"] = value.reindex(judged).to_numpy()
    apart = pairs["left_value"] - pairs["right_value"]
    assert (apart.abs() >= least).all()
    assert ((apart > 0) == (pairs["outcome"] == 1)).all()
    ends = pd.concat([pairs.assign(image=pairs[end]) for end in ("left", "right")])
    assert (
        ends.groupby(["labeler", "attribute", "image"]).size().max() <= cap if len(ends) else True
    )
    low, high = pairs[["left", "right"]].min(axis=1), pairs[["left", "right"]].max(axis=1)
    assert (
        not pairs.assign(low=low, high=high)
        .duplicated(["labeler", "attribute", "low", "high"])
        .any()
    )
    shuffled = pairs_from_ratings(frame.sample(frac=1, random_state=seed), split, least, cap, seed)
    pd.testing.assert_frame_equal(pairs[list(COLUMNS)], shuffled)
