"""Intervals and gains of nats per token."""

import math

import numpy as np
import pytest

from prism_desktop.engine.writing.people_intervals import (
    SHARES,
    ScoredText,
    by_person,
    gain,
    mean_over_people,
    ratio,
)


def _drawn(
    seed: int, people: int = 12, prompts: int = 10, shift: float = 0.0
) -> dict[int, ScoredText]:
    rng = np.random.default_rng(seed)
    person, prompt = rng.normal(0, 0.3, people), rng.normal(0, 0.3, prompts)
    return {
        u * prompts + q: ScoredText(
            f"p{u}", f"q{q}", 20 * (2 + shift + person[u] + prompt[q] + rng.normal(0, 0.2)), 20
        )
        for u in range(people)
        for q in range(prompts)
    }


def test_that_everybody_counts_the_same_however_much_they_wrote() -> None:
    texts = {
        0: ScoredText("a", "x", 10.0, 10),
        1: ScoredText("a", "y", 10.0, 10),
        2: ScoredText("b", "x", 6.0, 2),
    }
    found = mean_over_people(texts)
    assert found.value == pytest.approx((1.0 + 3.0) / 2)
    assert (found.people, found.texts, found.tokens) == (2, 3, 22)
    assert found.perplexity == pytest.approx(math.exp(2))
    assert found.few
    assert by_person(texts)["b"].low is None  # of a single text nothing is known


def test_that_intervals_over_people_and_prompts_hold_the_truth() -> None:
    hits = 0
    for seed in range(200):
        found = mean_over_people(_drawn(seed))
        assert found.both_low is not None
        assert found.both_high is not None
        assert found.low is not None
        assert found.low >= found.both_low - 1e-9
        hits += found.both_low <= 2 <= found.both_high
    assert hits >= 180  # 95 % of 200 is 190, with a standard error of 3


@pytest.mark.parametrize("each", [1, 4])
def test_that_intervals_hold_the_truth_where_people_answered_few_of_the_prompts(each: int) -> None:
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        prompt, texts = rng.normal(0, 0.3, 18), []
        for u in range(40):
            person = rng.normal(0, 0.1)
            for q in rng.choice(18, each, replace=False):
                cost = 20 * (2 + person + prompt[q] + rng.normal(0, 0.2))
                texts.append(ScoredText(f"p{u}", f"q{q}", cost, 20))
        found = mean_over_people(dict(enumerate(texts)))
        assert found.both_low is not None
        assert found.both_high is not None
        hits += found.both_low <= 2 <= found.both_high
    assert hits >= 183  # 95 % of 200 is 190, with a standard error of 3


def test_that_no_interval_of_few_people_reaches_beyond_what_its_number_can_be() -> None:
    texts = {  # two people, two prompts: one degree of freedom, a quantile of 12.7
        0: ScoredText("a", "x", 12.0, 10),
        1: ScoredText("a", "y", 3.0, 10),
        2: ScoredText("b", "x", 20.0, 10),
        3: ScoredText("b", "y", 16.0, 10),
    }
    found = mean_over_people(texts)
    assert (found.low, found.both_low) == (0, 0)
    assert found.high is not None
    assert found.high > 2  # nothing is known of the other end
    assert by_person(texts)["a"].low == 0
    won = {
        row: ScoredText(who, f"q{row}", share, 1)
        for row, (who, share) in enumerate((("a", 1.0), ("a", 0.5), ("b", 0.0), ("b", 0.5)))
    }
    shares = mean_over_people(won, SHARES)
    assert (shares.low, shares.high, shares.both_low, shares.both_high) == (0, 1, 0, 1)
    rows, influence = list(won.values()), np.array([0.2, 0.1, -0.2, -0.1])
    assert ratio(rows, 0.5, influence).low == 0
    lost = ratio(rows, -0.5, influence, difference=True)
    assert lost.low == -1
    lasting = {row: text._replace(nll=text.nll + 30 * (row < 2)) for row, text in texts.items()}
    saved = gain("other", texts, lasting).mean
    assert saved.low is not None
    assert saved.low < 0  # a method can lose


def test_that_cutting_takes_nothing_of_an_intervals_coverage() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        own = rng.normal(1.2, 0.3, 2)  # two people about a true mean of 1.2 nats
        found = mean_over_people(
            {u: ScoredText(f"p{u}", "q", 10 * value, 10) for u, value in enumerate(own)}
        )
        assert found.low is not None
        assert found.high is not None
        assert found.low >= 0
        hits += found.low <= 1.2 <= found.high
    assert hits >= 365  # 95 % of 400 is 380, with a standard error of 4


def test_that_a_gain_is_paired_and_none_over_itself() -> None:
    one = _drawn(1)
    better = {row: text._replace(nll=text.nll - 0.5) for row, text in one.items()}
    found = gain("other", better, one)
    assert found.mean.value == pytest.approx(0.5 / 20)
    assert (found.improved, found.of) == (12, 12)
    assert found.mean.low is None  # all save the same
    same = gain("itself", one, one)
    assert same.mean.value == 0
    assert same.mean.p == 1
    assert same.improved == 0


def test_that_values_without_spread_say_nothing_of_others() -> None:
    none = {row: one._replace(nll=0.0, tokens=1) for row, one in _drawn(1).items()}
    found = mean_over_people(none, SHARES)
    assert (found.value, found.people) == (0.0, 12)
    assert found.low is found.high is found.both_low is found.both_high is None
    texts = _drawn(2)
    nearer = {row: one._replace(nll=one.nll - one.tokens) for row, one in texts.items()}
    same = gain("unified", nearer, texts).mean
    assert same.value == pytest.approx(1.0)
    assert same.p is same.both_low is None


def test_that_the_worst_person_is_named_with_an_interval() -> None:
    one = _drawn(2)
    worse = {
        row: text._replace(nll=text.nll + (5 if text.person == "p3" else -1))
        for row, text in one.items()
    }
    found = gain("other", worse, one)
    assert found.worst == "p3"
    assert found.improved == 11
    assert found.worst_gain is not None
    assert found.worst_gain.value == pytest.approx(-5 / 20)


def test_that_somebody_tested_by_one_prompt_does_not_hide_who_loses_beyond_noise() -> None:
    one = {place: ScoredText("a", f"q{place}", 20.0, 10) for place in range(4)}
    one |= {9: ScoredText("b", "q0", 20.0, 10)}
    worse = {row: text._replace(nll=text.nll + (9 if row == 9 else 5)) for row, text in one.items()}
    found = gain("other", worse, one)
    assert found.worst == "a"
    assert found.worst_gain is not None
    assert found.worst_gain.high is not None
    assert found.worst_gain.high < 0
    alone = {9: one[9]}
    assert gain("other", {9: worse[9]}, alone).worst == "b"


def test_that_rounding_is_neither_gain_nor_loss_of_anybody() -> None:
    one, rng = _drawn(3), np.random.default_rng(3)
    again = {
        row: text._replace(nll=text.nll + 3e-6 * text.tokens * rng.normal())
        for row, text in one.items()
    }
    found = gain("other", again, one)
    assert (found.improved, found.let_down, found.mean.value, found.mean.p) == (0, (), 0, 1)


def test_that_whoever_loses_beyond_noise_is_told_though_somebody_else_loses_more() -> None:
    one = {
        10 * u + q: ScoredText(f"p{u}", f"q{q}", 20.0, 10)
        for u, prompts in enumerate((2, 6, 1))
        for q in range(prompts)
    }
    lost = {0: 2.0, 1: 9.0}  # of whom nothing is sure, though it is the most
    lost |= {10 + q: 2.0 + q / 50 for q in range(6)}
    worse = {row: text._replace(nll=text.nll + lost.get(row, 9.0)) for row, text in one.items()}
    found = gain("other", worse, one)
    assert (found.worst, found.several, found.let_down) == ("p0", 2, ("p1",))


@pytest.mark.parametrize("uneven", [0.0, 0.6])
def test_that_of_many_who_answered_little_who_loses_is_found_and_hardly_anybody_else(
    uneven: float,
) -> None:
    found, others = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        spread = 2 * np.exp(uneven * rng.normal(size=60))  # nats of a text of ten tokens
        one = {
            10 * u + q: ScoredText(f"p{u}", f"q{q}", 20.0, 10) for u in range(60) for q in range(4)
        }
        lost = {row: rng.normal(7 * (row // 10 == 7), spread[row // 10]) for row in one}
        worse = {row: text._replace(nll=text.nll + lost[row]) for row, text in one.items()}
        let_down = gain("other", worse, one).let_down
        found += "p7" in let_down
        others += bool(set(let_down) - {"p7"})
    assert found >= 150 - 70 * (uneven > 0)  # alone, four prompts tell p below 0.05 / 60 of nobody
    assert others <= 20  # 5 % of 200 is 10, with a standard error of 3


@pytest.mark.parametrize("people", [5, 10])
def test_that_of_few_people_who_lose_nothing_hardly_ever_one_is_called_let_down(
    people: int,
) -> None:
    told = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        one = {
            10 * u + q: ScoredText(f"p{u}", f"q{q}", 20.0, 10)
            for u in range(people)
            for q in range(2)
        }
        noise = {row: text._replace(nll=text.nll + rng.normal(0, 2)) for row, text in one.items()}
        told += bool(gain("other", noise, one).let_down)
    assert told <= 26  # 5 % of 300 is 15, with a standard error of 3.8


def test_that_a_persons_interval_is_over_prompts_however_often_each_was_answered() -> None:
    won = [1.0, 0.0, 1.0]
    once = {q: ScoredText("a", f"q{q}", share, 1) for q, share in enumerate(won)}
    often = {
        10 * q + again: one for q, one in once.items() for again in range(6)
    }  # the same answer six times tells no more
    found, told = by_person(often, SHARES)["a"], by_person(once, SHARES)["a"]
    assert (found.low, found.high) == pytest.approx((told.low, told.high))
    assert by_person({1: once[0], 2: once[0]})["a"].low is None


def test_that_chance_alone_seldom_passes_for_a_gain() -> None:
    false = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        one = _drawn(seed)
        noise = {row: text._replace(nll=text.nll + rng.normal(0, 2)) for row, text in one.items()}
        found = gain("other", noise, one)
        assert found.mean.p is not None
        false += found.mean.p < 0.05
    assert false <= 20  # 5 % of 200 is 10, with a standard error of 3
