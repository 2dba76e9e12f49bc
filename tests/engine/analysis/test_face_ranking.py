"""Faces in an order, and which of them a filter leaves."""

import numpy as np
import pytest

from prism_desktop.engine.analysis.face_ranking import (
    ANSWERED,
    LEARNED,
    FaceColumns,
    FaceFilter,
    chosen,
    ranked,
)

NAMES = ("anna.jpg", "bob.jpg", "anna-2.jpg", "cleo.jpg", "dora.jpg")


def columns(**told: object) -> FaceColumns:
    given: dict[str, object] = {
        "scores": np.array([2.0, -1.0, np.nan, 0.5, 3.0], np.float32),
        "shares": np.array([0.67, 0.0, np.nan, 0.33, 1.0], np.float32),
        "marks": np.array([ANSWERED | LEARNED, LEARNED, 0, ANSWERED, 0], np.uint8),
        "consensus": np.array([0.6, 0.9, 0.5, 0.3, 0.2], np.float32),
        "unsure": np.array([0.1, 0.2, 0.9, 0.5, 0.3], np.float32),
        "dispute": np.array([0.1, 0.05, 0.9, 0.2, 0.3], np.float32),
    }
    return FaceColumns(**{**given, **told})  # type: ignore[arg-type]


def test_that_a_face_without_a_score_is_in_no_order() -> None:
    expected = {
        "high": [4, 0, 3, 1],
        "low": [1, 3, 0, 4],
        "apart": [1, 4, 0, 3],
        "unsure": [3, 4, 1, 0],
        "disputed": [4, 3, 0, 1],
    }
    assert {order: ranked(columns(), order).tolist() for order in expected} == expected


def test_that_an_order_that_is_not_known_is_that_of_the_scores() -> None:
    blank = columns(consensus=None, unsure=None, dispute=None)
    for order in ("apart", "unsure", "disputed"):
        assert ranked(blank, order).tolist() == [4, 0, 3, 1]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (FaceFilter(), [0, 1, 2, 3, 4]),
        (FaceFilter(search="ANNA"), [0, 2]),
        (FaceFilter(kind="answered"), [0, 3]),
        (FaceFilter(kind="unanswered"), [1, 2, 4]),
        (FaceFilter(kind="in-sample"), [1]),
        (FaceFilter(kind="held-out"), [2, 4]),
        (FaceFilter(low=50), [0, 4]),
        (FaceFilter(low=30, high=70), [0, 3]),
        (FaceFilter(fact="group", value="b"), [1, 4]),
        (FaceFilter(fact="group", value="b", low=50), [4]),
        (FaceFilter(fact="age", value="40"), []),
        (FaceFilter(disputed=True), [2]),
    ],
)
def test_that_a_filter_leaves_what_meets_all_of_it(wanted: FaceFilter, left: list[int]) -> None:
    facts = {"group": {0: "a", 1: "b", 4: "b"}}
    assert np.flatnonzero(chosen(columns(), wanted, NAMES, facts)).tolist() == left
