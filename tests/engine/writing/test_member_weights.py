"""How much each of several models weighs, and who is served by a personal one."""

import math

import numpy as np
import pytest

from prism_desktop.engine.writing.member_weights import (
    ChosenBy,
    chance_of,
    drawn_to,
    everybodys,
    personal_weights,
    pruned,
)
from prism_desktop.engine.writing.who_benefits import BenefitClassifier, says, traits


def _planted(shares: list[list[float]], texts: int = 20, tokens: int = 30) -> ChosenBy:
    """People whose tokens come from models by planted shares: the one that a token comes from gave
    it 0.9, the others 0.1."""
    rng = np.random.default_rng(0)
    people, each = len(shares), texts * tokens
    source = np.concatenate([rng.choice(len(one), each, p=one) for one in shares])
    chance = np.where(np.eye(len(shares[0]))[source] > 0, 0.9, 0.1)
    return ChosenBy(
        chance,
        np.repeat(np.arange(people), each),
        np.tile(np.repeat(np.arange(texts), tokens), people),
        people,
    )


def _shares(planted: list[float]) -> list[float]:
    """The weights that are likeliest where models of 0.9 and 0.1 mix so: solved for two models."""
    # tokens of the first have weight w * 0.9 + (1 - w) * 0.1, of the second the reverse
    first = planted[0]
    weight = (first * 0.9 - (1 - first) * 0.1) / 0.8
    return [weight, 1 - weight]


def test_that_weights_are_those_that_make_the_tokens_likeliest() -> None:
    tokens = _planted([[0.7, 0.3]] * 10)
    share = float((tokens.chance[:, 0] > 0.5).mean())
    assert everybodys(tokens) == pytest.approx(_shares([share, 1 - share]), abs=0.02)
    nothing = ChosenBy(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    assert everybodys(nothing) == pytest.approx([0.25] * 4)


def test_that_people_who_differ_get_weights_of_their_own_and_alike_ones_everybodys() -> None:
    apart = personal_weights(_planted([[0.85, 0.15]] * 4 + [[0.15, 0.85]] * 4))
    assert apart.strength < 1_000
    assert (apart.own[:4, 0] > 0.8).all()
    assert (apart.own[4:, 1] > 0.8).all()
    alike = personal_weights(_planted([[0.6, 0.4]] * 8, texts=4, tokens=10))
    assert alike.strength >= 100
    assert np.ptp(alike.own[~alike.kept_unified, 0], axis=0) < 0.2


def test_that_a_strong_prior_is_everybodys_and_a_person_without_tokens_has_it() -> None:
    tokens = _planted([[0.9, 0.1], [0.2, 0.8]])
    everybody = everybodys(tokens)
    wider = ChosenBy(tokens.chance, tokens.person, tokens.prompt, 3)
    assert drawn_to(wider, everybody, math.inf)[2] == pytest.approx(everybody)
    assert drawn_to(wider, everybody, 10.0)[2] == pytest.approx(everybody)
    assert abs(drawn_to(wider, everybody, 10.0)[0, 0] - everybody[0]) > 0.2


def test_that_whom_no_mixture_helps_keeps_the_first_model_alone() -> None:
    found = personal_weights(_planted([[0.97, 0.03]] * 3 + [[0.03, 0.97]] * 6))
    assert found.kept_unified[:3].all()
    assert (found.own[:3] == [1.0, 0.0]).all()
    assert not found.kept_unified[3:].any()


def test_that_small_weights_are_left_out_and_the_rest_add_up() -> None:
    found = pruned(np.array([[0.5, 0.46, 0.04], [0.01, 0.02, 0.97]]))
    assert found == pytest.approx(np.array([[0.5 / 0.96, 0.46 / 0.96, 0], [0, 0, 1]]))
    many = pruned(np.full((1, 40), 1 / 40))
    assert many == pytest.approx(1 / 40)


def test_that_a_mixture_is_of_the_tokens_that_all_models_read() -> None:
    found = chance_of([np.log([2.0, 4.0]), np.log([1.0, 2.0, 8.0])])
    assert found == pytest.approx(np.array([[0.5, 1.0], [0.25, 0.5]]))


def test_that_who_benefits_is_foretold_by_how_they_write() -> None:
    long, short = ["a long one of very many plain words"] * 3, ["hi 🙂", "ok 🙂 then"]
    known = np.stack([traits(one) for one in (long, long, long, short, short, short)])
    benefits = np.array([True, True, True, False, False, False])
    found = BenefitClassifier(known, benefits)
    assert (found.right, found.usual, found.of) == (6, 3, 6)
    assert says(found.rule, traits(["such a rather long text of words"]))
    assert not says(found.rule, traits(["no 🎉"]))
    agreed = BenefitClassifier(known, np.ones(6, bool))
    assert says(agreed.rule, traits(["no 🎉"]))
    assert agreed.right == 6
    assert not says(BenefitClassifier(known[:1], np.zeros(1, bool)).rule, known[0])
