"""Optional blocks: how facts and statistics become numbers, and which facts are refused."""

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.image_blocks import SeenImages, offer


def _seen(statistics: np.ndarray | None = None, **facts: list[str]) -> SeenImages:
    count = len(next(iter(facts.values()))) if facts else len(statistics or ())
    return SeenImages(count, statistics, facts)


def test_that_a_number_is_told_in_deviations_and_what_is_unknown_is_nan() -> None:
    told = ["20", "40", "", "30,0", "30"]
    ((block, columns),) = offer(["age"], _seen(age=told), []).blocks
    assert block.kind == "number"
    expected = (np.array([20, 40, np.nan, 30, 30]) - 30) / np.std([20, 40, 30, 30])
    np.testing.assert_allclose(columns[:, 0], expected, rtol=1e-6)
    later = block.columns(_seen(age=["50", "old", ""]))
    assert later[0, 0] == pytest.approx(20 / np.std([20, 40, 30, 30]))
    assert np.isnan(later[1:]).all()
    assert np.isnan(block.columns(_seen(other=["1"]))).all()


def test_that_a_category_has_a_column_for_each_level_and_a_new_level_is_unknown() -> None:
    seen = _seen(group=["b", "a", "b", "", "a", "b"])
    found = offer(["group"], seen, [])
    ((block, columns),) = found.blocks
    assert block.levels == ("b", "a")
    np.testing.assert_array_equal(columns[:3], [[1, 0], [0, 1], [1, 0]])
    assert np.isnan(columns[3]).all()
    assert np.isnan(block.columns(_seen(group=["c"]))).all()
    (told,) = found.notices
    assert told == "The fact group is not known of 1 image, which counts as the mean of all."


def test_that_rare_levels_of_a_large_category_are_none_of_its_columns() -> None:
    told = [f"level {n}" for n in range(20) for _ in range(20 - n)]
    ((block, columns),) = offer(["kind"], _seen(kind=told), []).blocks
    assert block.others
    assert block.size == 12
    assert columns.sum() == sum(20 - n for n in range(12))
    assert not block.columns(_seen(kind=["never seen"])).any()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (["a"] * 8, "the same for all images"),
        ([f"file {n}" for n in range(8)], "different for nearly every image"),
    ],
)
def test_that_a_fact_of_which_nothing_can_be_learned_is_refused(told: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        offer(["fact"], _seen(fact=told), [])
    found = offer(["facts"], _seen(fact=told), [])
    assert not found.blocks
    assert why in found.notices[0]


def test_that_a_fact_that_follows_the_answers_is_refused_and_never_slips_in() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=60)
    norm = [f"{value:.2f}" for value in 50 + 10 * means]
    class_of = ["high" if value > 0 else "low" for value in means]
    noisy = [f"{value:.3f}" for value in means + rng.normal(0, 1, 60)]
    seen, answered = _seen(norm=norm, class_of=class_of, noisy=noisy), [("attractive", means)]
    with pytest.raises(InputError, match="follows the answers on attractive"):
        offer(["norm"], seen, answered)
    found = offer(["facts"], seen, answered)
    assert [block.name for block, _ in found.blocks] == ["class_of", "noisy"]
    assert found.notices[0].endswith("It was left out.")


def test_that_an_unknown_fact_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        InputError, match=r"no fact colour about its images; its facts .* are group"
    ):
        offer(["colour"], _seen(group=["a", "b"]), [])


def test_that_images_without_statistics_have_none_to_offer() -> None:
    empty = SeenImages(3, np.full((3, 2), np.nan, np.float32), {})
    with pytest.raises(InputError, match="no statistics"):
        offer(["statistics"], empty, [])
    some = SeenImages(3, np.array([[1, 5], [np.nan, np.nan], [3, 5]], np.float32), {})
    ((block, columns),) = offer(["statistics"], some, []).blocks
    np.testing.assert_allclose(columns, [[-1, 0], [np.nan, np.nan], [1, 0]])
    assert np.isnan(block.columns(SeenImages(2, None, {}))).all()
