"""Some of a labeler's training answers: nested, each one
answer, and all of them are what the run learns from."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.experiments.subsampling import AnswerPool, subsample_all
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy


@pytest.fixture
def mixed(make_study: MakeStudy, make_run: MakeRun) -> AnswerPool:
    """Comparisons, and ratings that heads learn from beside them."""
    return AnswerPool.of(
        make_run(make_study(images=42, labelers=2, comparisons=30, ratings=42)), beside=True
    )


@pytest.fixture
def rated(make_study: MakeStudy, make_run: MakeRun) -> AnswerPool:
    """Ratings alone, of which pairs were made."""
    return AnswerPool.of(
        make_run(make_study("rated", images=42, labelers=2, comparisons=0, ratings=42)),
        beside=False,
    )


def keys(frame: pd.DataFrame) -> set[tuple[str, ...]]:
    columns = ("trial", "attribute", "left", "right") if "left" in frame else ("trial", "attribute")
    return set(frame[list(columns)].astype(str).itertuples(index=False, name=None))


def test_that_draws_of_one_seed_are_nested_answers_of_one_labeler(mixed: AnswerPool) -> None:
    few, more = mixed.draw("L1", 15, 3), mixed.draw("L1", 40, 3)
    assert keys(few.pairs) < keys(more.pairs)
    assert keys(few.ratings) < keys(more.ratings)
    assert len(few.pairs) + len(few.ratings) == few.answers == 15
    assert set(more.pairs["labeler"]) == set(more.ratings["labeler"]) == {"L1"}
    assert keys(mixed.draw("L1", 40, 4).pairs) != keys(more.pairs)
    assert mixed.draw("L1", 0, 0).pairs.empty


def test_that_answers_come_in_an_order_that_is_given(mixed: AnswerPool, rated: AnswerPool) -> None:
    for pool in (mixed, rated):
        asked = pool.asked("L1")
        assert len(asked) == pool.count("L1")
        order = np.arange(len(asked))[::-1]
        drawn, last = pool.draw("L1", 7, 0, order), asked.iloc[-7:]
        assert set(zip(drawn.ratings["image"], drawn.ratings["attribute"], strict=True)) == set(
            zip(last["left"], last["attribute"], strict=True)
        )


def test_that_all_answers_are_what_a_run_learns_from(mixed: AnswerPool, rated: AnswerPool) -> None:
    for pool in (mixed, rated):
        drawn = subsample_all(pool, ("L1", "L2"), 10_000, 0)
        assert keys(drawn.pairs) == keys(pool.pairs)
        assert drawn.answers == pool.count("L1") + pool.count("L2")
        assert keys(drawn.ratings) == keys(pool.ratings)


def test_that_an_answer_of_a_rater_is_a_rating_and_not_one_of_its_pairs(rated: AnswerPool) -> None:
    drawn = rated.draw("L1", 20, 0)
    faces = set(zip(drawn.pairs["left"], drawn.pairs["attribute"], strict=True))
    faces |= set(zip(drawn.pairs["right"], drawn.pairs["attribute"], strict=True))
    assert len(faces) <= drawn.answers == 20
    assert rated.count("L1") == len(rated.ratings[rated.ratings["labeler"] == "L1"])


def test_that_ratings_too_few_for_a_pair_make_none(rated: AnswerPool) -> None:
    drawn = rated.draw("L1", 1, 0)
    assert drawn.answers == len(drawn.ratings) == 1
    assert drawn.pairs.empty


def test_that_pairs_of_drawn_ratings_weigh_no_more_than_the_drawn_comparisons(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    run = make_run(
        make_study(images=42, labelers=2, comparisons=20, ratings=42), pairs={"use": "both"}
    )
    drawn = AnswerPool.of(run, beside=False).draw("L1", 60, 0).pairs
    assert set(drawn["source"]) == {"comparison", "rating"}
    weight = drawn.pivot_table("weight", "attribute", "source", aggfunc="sum")
    assert (weight["rating"] <= weight["comparison"] + 1e-4).all()
