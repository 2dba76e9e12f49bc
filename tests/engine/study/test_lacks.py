"""What a study lacks is named in the order in which it is brought in."""

import pytest

from prism_desktop.engine.study.lacks import to_explore, to_label, to_train


@pytest.mark.parametrize(
    ("images", "attributes", "labelers", "answers", "label", "train"),
    [
        (0, 2, 0, 0, "images", "images"),
        (0, 2, 2, 0, "images", "images"),
        (5, 0, 2, 0, "attributes", "attributes"),
        (5, 2, 0, 0, None, "labelers"),
        (5, 2, 2, 0, None, "answers"),
        (5, 2, 2, 1, None, None),
    ],
)
def test_that_the_first_thing_that_is_missing_is_what_is_named(
    images: int,
    attributes: int,
    labelers: int,
    answers: int,
    label: str | None,
    train: str | None,
) -> None:
    found = to_label(images=images, attributes=attributes)
    assert (found and found.step) == label
    lack = to_train(images=images, attributes=attributes, labelers=labelers, answers=answers)
    assert (lack and lack.step) == train
    assert to_explore(lack).step == (train or "runs")
