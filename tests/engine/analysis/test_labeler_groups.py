"""Orders and groups of labelers, on agreement whose groups are known."""

import dataclasses

import numpy as np
import pytest

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.agreement_look import AgreementLook, in_order, rows_in
from prism_desktop.engine.analysis.labeler_groups import alike_together, by_mean, groups, steadied
from prism_desktop.engine.analysis.network import legible, links


def answered(within: float, camps: int, size: int = 24, seed: int = 0) -> AgreementResult:
    """Labelers of as many camps who share 100 answers each, and differ in how much they agree with
    everybody; across camps they agree on six answers of ten."""
    rng = np.random.default_rng(seed)
    camp = np.arange(size) % camps
    own = rng.normal(0, 0.05, size)
    share = np.where(camp[:, None] == camp, within, 0.6) + own[:, None] + own
    matrix = np.triu(rng.binomial(100, share.clip(0.05, 0.95)) / 100, 1)
    matrix = matrix + matrix.T
    counts = np.full((size, size), 100)
    names = tuple(f"L{number + 1}" for number in range(size))
    return AgreementResult(names, matrix, counts, matrix - 0.1, matrix + 0.1, "comparisons", None)


@pytest.mark.parametrize("camps", [2, 3])
def test_that_planted_groups_are_found(camps: int) -> None:
    found = groups(answered(0.8, camps))
    planted = {
        frozenset(f"L{number + 1}" for number in range(24) if number % camps == camp)
        for camp in range(camps)
    }
    assert {frozenset(group) for group in found.members} == planted
    assert found.of("L1") is not None
    assert "agree more among themselves" in found.told()


def test_that_labelers_without_groups_are_hardly_ever_put_in_some() -> None:
    found = [groups(answered(0.6, 1, seed=seed)) for seed in range(20)]
    # one in twenty is expected; more than three come up once in sixty times
    assert sum(bool(each.members) for each in found) <= 3
    nothing = next(each for each in found if not each.members)
    assert nothing.of("L1") is None
    assert "No groups stand out" in nothing.told()


def test_that_too_few_labelers_are_not_put_in_groups() -> None:
    assert groups(answered(0.9, 2, size=6)).members == ()


def test_that_those_who_agree_stand_together() -> None:
    found = answered(0.85, 3)
    camp = np.array([int(found.labelers[row][1:]) - 1 for row in alike_together(found)]) % 3
    assert np.count_nonzero(np.diff(camp)) == 2  # each camp in one piece


def test_that_labelers_stand_by_mean_agreement_and_those_without_any_last() -> None:
    nan = np.nan
    matrix = np.array(
        [[nan, 0.5, 0.6, nan], [0.5, nan, 0.9, nan], [0.6, 0.9, nan, nan], [0.4, nan, nan, nan]]
    )
    matrix[3, 0] = nan
    counts = np.where(np.isnan(matrix), 0, 60)
    found = AgreementResult(
        ("A", "B", "C", "D"), matrix, counts, matrix, matrix, "comparisons", None
    )
    assert [found.labelers[row] for row in by_mean(found)] == ["C", "B", "A", "D"]


def test_that_few_answers_make_nobody_alike() -> None:
    found = answered(0.6, 1)
    few = found.counts.copy()
    few[0, 1] = few[1, 0] = 1
    agreed = found.matrix.copy()
    agreed[0, 1] = agreed[1, 0] = 1.0
    found = dataclasses.replace(found, matrix=agreed, counts=few)
    drawn = steadied(found)
    mean = found.matrix[~np.eye(24, dtype=bool)].mean()
    assert drawn[0, 1] == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize("size", [6, 24, 60])
def test_that_a_network_starts_with_sure_links_of_which_few_per_labeler(size: int) -> None:
    found = answered(0.8, 2, size)
    least = legible(found)
    shown = links(found, least)
    assert 0 < len(shown) <= 1.5 * size
    assert all(link.agreement - 0.1 > 0.5 for link in shown)
    assert len(links(found, least - 0.01)) > 1.5 * size or least - 0.01 <= 0.6


def test_that_a_look_suits_the_number_of_labelers_unless_it_was_chosen() -> None:
    few, many = AgreementLook().of(answered(0.8, 2, 6)), AgreementLook().of(answered(0.8, 2))
    assert (few.order, few.colours, few.fewest) == ("listed", "labeler", 1)
    assert (many.order, many.colours, many.fewest) == ("alike", "group", 50)
    chosen = AgreementLook("mean", "none", 0.9, 3)
    assert chosen.of(answered(0.8, 2)) == chosen


def test_that_another_order_moves_labelers_with_their_numbers() -> None:
    found = answered(0.8, 3)
    rows = rows_in("alike", found)
    moved = in_order(found, rows)
    assert sorted(moved.labelers) == sorted(found.labelers)
    assert {(*sorted((link.labeler, link.other)), link.agreement) for link in links(moved)} == {
        (*sorted((link.labeler, link.other)), link.agreement) for link in links(found)
    }
