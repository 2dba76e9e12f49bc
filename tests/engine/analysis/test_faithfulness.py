"""The test of relevance maps, on scores whose reason is known."""

import numpy as np
import pytest

from prism_desktop.engine.analysis.faithfulness import (
    MEASURES,
    centre_prior,
    judge,
    put_to_test,
)

SIDE, FACES = 7, 24
PATCHES = SIDE * SIDE


def additive(effects: np.ndarray):
    """Scores that add up what each patch does: (n, patches) effects."""
    return lambda kept: np.einsum("nmp,np->nm", kept, effects)


def planted(seed: int = 0) -> np.ndarray:
    """(faces, patches): some patches away from the centre matter, the others hardly."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 0.05, (FACES, PATCHES))
    effects[:, [36, 37, 38, 39]] += 1
    return effects


def squared(flat: np.ndarray) -> np.ndarray:
    return flat.reshape(-1, SIDE, SIDE)


def test_that_true_reasons_beat_random_attribution_and_the_centre_by_every_measure() -> None:
    effects = planted()
    found = put_to_test(additive(effects), squared(effects))
    assert found.passes.all()
    judged = judge(found)
    assert judged.supported
    assert judged.passed == judged.faces == FACES
    assert {(each.measure, each.rival) for each in judged.margins} == {
        (measure, rival) for measure in MEASURES for rival in ("random", "centre")
    }
    assert all(each.low <= each.mean <= each.high for each in judged.margins)


def test_that_the_best_possible_order_has_a_saco_of_one_and_its_reverse_of_minus_one() -> None:
    effects = np.tile(np.linspace(1, 0, PATCHES), (2, 1))
    best = put_to_test(additive(effects), squared(effects))
    worst = put_to_test(additive(effects), squared(1 - effects))
    assert best.own[:, MEASURES.index("SaCo")] == pytest.approx(1)
    assert worst.own[:, MEASURES.index("SaCo")] == pytest.approx(-1)
    assert (best.own[:, :2] > best.random[:, :2]).all()
    assert (worst.own[:, :2] < worst.random[:, :2]).all()


def test_that_maps_drawn_at_random_pass_about_as_seldom_as_promised() -> None:
    rng = np.random.default_rng(3)
    effects = np.concatenate([planted(seed) for seed in range(10)])
    found = put_to_test(additive(effects), squared(rng.random(effects.shape)))
    assert found.passes.mean() < 0.05
    assert (found.own > found.random_high).mean() < 0.1
    assert abs(found.own - found.random).mean(0)[2] < 0.5
    assert not judge(found).supported
    assert found.random[:, 2].mean() == pytest.approx(0, abs=0.05)


def test_that_a_map_which_knows_only_where_faces_lie_is_not_supported() -> None:
    centre = centre_prior((SIDE, SIDE)).ravel()
    effects = np.tile(centre, (FACES, 1))
    found = put_to_test(additive(effects), squared(effects))
    assert (found.own > found.random_high).all()  # better than chance, but no better than it
    assert not found.passes.any()
    assert not judge(found).supported


def test_that_deletion_and_insertion_are_the_mean_over_the_steps() -> None:
    """One patch is everything: it is gone, or there, at every step."""
    effects = np.zeros((1, PATCHES))
    effects[0, 5] = 2
    found = put_to_test(additive(effects), squared(effects))
    assert found.own[0, :2] == pytest.approx([2, 2])
    assert found.random[0, :2] == pytest.approx([1, 1], abs=0.35)


def test_that_an_even_map_is_no_reason() -> None:
    found = put_to_test(additive(planted()), np.ones((FACES, SIDE, SIDE), np.float32))
    assert found.own[:, 2] == pytest.approx(0)
    assert not found.passes.any()
