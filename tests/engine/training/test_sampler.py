import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.training.sampler import Sampler


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 5))
def test_that_an_epoch_holds_every_answer_once_and_keeps_groups_together(
    sizes: list[int], batch: int, epoch: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    sampler = Sampler(groups, batch, seed=1)
    steps = sampler.epoch(epoch)
    assert len(steps) == sampler.steps
    assert all(len(step) for step in steps)
    assert sorted(np.concatenate(steps)) == list(range(len(groups)))
    seen = [set(groups[step]) for step in steps]
    assert sum(len(part) for part in seen) == len(sizes)
    if batch >= 4:
        assert max(len(step) for step in steps) <= 2 * batch + 4


def test_that_the_order_is_a_function_of_seed_and_epoch() -> None:
    groups = np.repeat(np.arange(50), 3)

    def order(seed: int, epoch: int) -> list[int]:
        return list(np.concatenate(Sampler(groups, 16, seed).epoch(epoch)))

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_that_flips_depend_on_seed_epoch_and_image_and_are_even() -> None:
    sampler, images = Sampler(np.arange(3), 2, seed=5), np.arange(4000)
    flips = sampler.flips(3, images)
    assert (flips == sampler.flips(3, images)).all()
    assert (flips[17:40] == sampler.flips(3, images[17:40])).all()
    assert 0.45 < flips.mean() < 0.55
    assert 0.45 < (flips == sampler.flips(4, images)).mean() < 0.55
    assert 0.45 < (flips[1:] == flips[:-1]).mean() < 0.55
