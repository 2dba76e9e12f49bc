"""Lengths and learning rates by hand."""

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.training.schedule import fitting_epochs, rate_share, width_scale


@pytest.mark.parametrize(
    ("steps", "epochs"), [(1, 20), (22, 20), (44, 10), (73, 6), (100, 6), (10_000, 6)]
)
def test_that_few_answers_get_more_epochs(steps: int, epochs: int) -> None:
    assert fitting_epochs(steps) == epochs


def test_that_the_cosine_starts_whole_and_is_half_in_the_middle() -> None:
    config = TrainConfig()
    assert rate_share(config, 0, 100) == 1.0
    assert rate_share(config, 50, 100) == pytest.approx(0.5)
    assert 0 < rate_share(config, 99, 100) < 0.001


def test_that_a_step_limit_shortens_the_cosine() -> None:
    assert rate_share(TrainConfig(max_steps=10), 5, 100) == pytest.approx(0.5)


def test_that_the_source_recipe_keeps_its_rates() -> None:
    config = TrainConfig(recipe="source")
    assert rate_share(config, 90, 100) == 1.0
    assert width_scale(config, 192) == 1.0


def test_that_a_narrower_tower_learns_faster_in_proportion() -> None:
    assert width_scale(TrainConfig(), 768) == 1.0
    assert width_scale(TrainConfig(), 192) == 4.0
