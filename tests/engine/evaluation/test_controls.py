"""Controls leave what is common and destroy what is personal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.controls import (
    rotate_labelers,
    shuffle_labelers,
    shuffle_raters,
    swap_labelers,
)
from prism_desktop.engine.evaluation.pairs import COLUMNS, pairs_from_comparisons
from tests.engine.evaluation import fabricate


def split(seed: int, labelers: int = 4) -> pd.DataFrame:
    pairs = pairs_from_comparisons(fabricate.random_comparisons(300, 40, seed, labelers))
    return pairs.assign(
        split=np.random.default_rng(seed).choice(["train", "val", "test", "dropped"], len(pairs))
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_that_shuffling_moves_owners_alone_and_keeps_how_many_answers_each_has(seed: int) -> None:
    pairs = split(seed)
    shuffled = shuffle_labelers(pairs, seed)
    others = [column for column in COLUMNS if column != "labeler"]
    pd.testing.assert_frame_equal(shuffled[others], pairs[others])
    kept = pairs["split"].isin(["test", "dropped"])
    assert (shuffled.loc[kept, "labeler"] == pairs.loc[kept, "labeler"]).all()
    keys = ["split", "attribute", "labeler"]
    pd.testing.assert_series_equal(
        shuffled.value_counts(keys).sort_index(), pairs.value_counts(keys).sort_index()
    )
    assert (shuffled.loc[~kept, "labeler"] != pairs.loc[~kept, "labeler"]).mean() > 0.5
    pd.testing.assert_frame_equal(shuffled, shuffle_labelers(pairs, seed))


def test_that_opposed_labelers_agree_after_shuffling() -> None:
    rows = [
        (labeler, *pair, "a", "left" if (labeler == "L1") == (pair[0] < pair[1]) else "right")
        for labeler in ("L1", "L2")
        for pair in np.random.default_rng(0).permuted(
            np.tile([f"i{k}" for k in range(30)], (400, 1)), axis=1
        )[:, :2]
    ]
    pairs = pairs_from_comparisons(fabricate.comparisons(rows)).assign(split="train")

    def low_wins(frame: pd.DataFrame) -> pd.Series:
        wins = (frame["outcome"] == 1) == (frame["left"] < frame["right"])
        return wins.groupby(frame["labeler"]).mean()

    assert low_wins(pairs).tolist() == [1.0, 0.0]
    assert (low_wins(shuffle_labelers(pairs)) - 0.5).abs().max() < 0.1


def test_that_swapped_and_rotated_labelers_have_another_s_scores() -> None:
    frame = pd.DataFrame(
        {"labeler": ["A", "B", "C"], "attribute": "a", "image": "x", "score": [1.0, 2.0, 3.0]}
    )
    by = {row.labeler: row.score for row in swap_labelers(frame, "A", "C").frame().itertuples()}
    assert by == {"C": 1.0, "B": 2.0, "A": 3.0}
    turned = {row.labeler: row.score for row in rotate_labelers(frame).frame().itertuples()}
    assert turned == {"B": 1.0, "C": 2.0, "A": 3.0}


@pytest.mark.parametrize("names", [("A", "Z"), ("Z", "A")])
def test_that_an_unknown_labeler_cannot_be_swapped(names: tuple[str, str]) -> None:
    frame = pd.DataFrame({"labeler": ["B", "A"], "attribute": "a", "image": "x", "score": 1.0})
    with pytest.raises(InputError, match=r"no labeler Z; there are A, B\."):
        swap_labelers(frame, *names)


def test_that_shuffled_raters_keep_test_images_and_how_often_they_rated_each_attribute() -> None:
    rows = [
        (labeler, f"i{k:02}", attribute, float(k))
        for labeler, attribute, count in (("L1", "a", 40), ("L2", "a", 20), ("L3", "b", 30))
        for k in range(count)
    ] + [("L4", f"i{k:02}", "b", 1.0) for k in range(30)]
    ratings = fabricate.ratings(rows)
    images = fabricate.images(40).assign(
        image=[f"i{k:02}" for k in range(40)], split=["test"] * 10 + ["train"] * 30
    )
    shuffled = shuffle_raters(ratings, images)
    others = [column for column in ratings.columns if column != "labeler"]
    pd.testing.assert_frame_equal(shuffled[others], ratings[others])
    tested = ratings["image"] < "i10"
    assert (shuffled.loc[tested, "labeler"] == ratings.loc[tested, "labeler"]).all()
    keys = ["attribute", "labeler"]
    assert shuffled.value_counts(keys).to_dict() == ratings.value_counts(keys).to_dict()
    assert (shuffled.loc[~tested, "labeler"] != ratings.loc[~tested, "labeler"]).mean() > 0.25
