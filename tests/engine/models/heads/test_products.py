"""Ratings looked at by their products say what they say one by one."""

from dataclasses import replace

import numpy as np
import pytest

from prism_desktop.engine.models.heads.likelihood import Block, standardised


def block(seed: int, lift: bool) -> Block:
    rng = np.random.default_rng(seed)
    x, rated = rng.normal(size=(50, 6)), rng.choice(50, 30, replace=False)
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    value = standardised(x[rated] @ rng.normal(size=6) + rng.normal(size=30))
    found = Block(x, none, none, nothing, nothing, rated, value, noise=0.4)
    return found.lifted(rng.normal(size=50)) if lift else found


@pytest.mark.parametrize("lift", [False, True])
def test_that_products_change_no_answer(lift: bool) -> None:
    plain = block(3, lift)
    kept, head = plain.multiplied(), np.linspace(-1, 1, 6)
    assert kept.products is not None
    assert kept.log_likelihood(head) == pytest.approx(plain.log_likelihood(head))
    assert kept.gradient(head) == pytest.approx(plain.gradient(head))
    assert kept.information(head) == pytest.approx(plain.information(head))
    noise = [one.with_noise(head, 0.1 * np.eye(6), np.ones(50)).noise for one in (plain, kept)]
    assert noise[0] == pytest.approx(noise[1])


def test_that_products_follow_the_lifts() -> None:
    plain, lift = block(3, lift=False), np.random.default_rng(1).normal(size=50)
    head = np.linspace(1, -1, 6)
    moved = plain.multiplied().lifted(lift)
    assert moved.gradient(head) == pytest.approx(plain.lifted(lift).gradient(head))
    assert moved.gradient(head) != pytest.approx(plain.gradient(head))
    assert replace(plain, value=np.zeros(0)).multiplied().products is None
