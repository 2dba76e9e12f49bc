"""What splits two labelers."""

from prism_desktop.engine.analysis.disputes import disputes
from tests.engine.evaluation import fabricate


def test_that_opposite_answers_come_before_ties_and_sides_do_not_matter() -> None:
    compared = fabricate.comparisons(
        [
            ("L1", "x", "y", "a", "left"), ("L2", "y", "x", "a", "right"),  # alike
            ("L1", "x", "z", "a", "tie"), ("L2", "z", "x", "a", "left"),
            ("L1", "p", "z", "a", "left"), ("L2", "z", "p", "a", "left"),  # opposite
            ("L1", "p", "x", "b", "left"), ("L2", "q", "x", "b", "left"),  # not the same
            ("L3", "p", "z", "a", "right"),
        ]
    )  # fmt: skip
    found = disputes(compared, fabricate.ratings([]), "L1", "L2")
    assert found.shared == 3
    first, second = found.found
    assert (first.images, first.one, first.other, first.gap) == (("p", "z"), "left", "right", 1)
    assert (second.images, second.one, second.other) == (("x", "z"), "tie", "right")
    assert disputes(compared, fabricate.ratings([]), "L1", "L2", "b").found == ()


def test_that_ratings_come_by_how_far_they_lie_apart() -> None:
    rated = fabricate.ratings(
        [
            ("L1", "x", "a", 1), ("L2", "x", "a", 4), ("L1", "y", "a", 2), ("L2", "y", "a", 3),
            ("L1", "z", "a", 2), ("L2", "z", "a", 2), ("L1", "q", "a", 2),
        ]
    )  # fmt: skip
    found = disputes(fabricate.comparisons([]), rated, "L1", "L2", source="ratings")
    assert found.shared == 3
    assert [(each.images, each.one, each.other) for each in found.found] == [
        (("x",), "1", "4"), (("y",), "2", "3"),
    ]  # fmt: skip
