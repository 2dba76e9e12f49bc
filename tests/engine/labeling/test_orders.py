"""Orders of pairs: complete, connected, balanced and repeatable."""

from collections import Counter
from itertools import combinations, islice

import pytest

from prism_desktop.engine.labeling.orders import pairs_within, shuffled

IMAGES = [f"{number:064x}" for number in range(40)]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 13, 20, 21])
def test_that_every_pair_comes_once_and_what_was_compared_is_connected(count: int) -> None:
    pairs = list(pairs_within([IMAGES[:count]], "salt"))
    assert {frozenset(pair[:2]) for pair in pairs} == {
        frozenset(pair) for pair in combinations(IMAGES[:count], 2)
    }
    assert len(pairs) == count * (count - 1) // 2
    reached = {pairs[0][0]}
    for one, other, probability in pairs:
        assert {one, other} & reached
        reached |= {one, other}
        assert probability == pytest.approx(1 / len(pairs))
    first = [image for pair in pairs[: count - 1] for image in pair[:2]]
    assert set(first) == set(IMAGES[:count])
    assert max(Counter(first).values()) <= 2


def test_that_pairs_stay_within_folds_and_folds_take_turns() -> None:
    folds = [IMAGES[:10], IMAGES[10:21], IMAGES[21:31], IMAGES[31:32]]
    fold = {image: number for number, members in enumerate(folds) for image in members}
    pairs = list(pairs_within(folds, "salt"))
    assert all(fold[one] == fold[other] for one, other, _ in pairs)
    turns = [fold[one] for one, _, _ in pairs[:9]]
    assert turns[:3] == turns[3:6] == turns[6:9]
    assert len(set(turns)) == 3
    assert len(pairs) == 45 + 55 + 45


def test_that_orders_depend_on_the_salt_alone_and_bear_additions() -> None:
    order = shuffled(IMAGES, "salt")
    assert shuffled(reversed(IMAGES), "salt") == order
    assert shuffled(IMAGES, "pepper") != order
    assert [image for image in shuffled([*IMAGES, "f" * 64], "salt") if image != "f" * 64] == order


def test_that_the_first_of_a_great_many_pairs_come_at_once() -> None:
    images = [f"{number:064x}" for number in range(20_000)]
    assert len(list(islice(pairs_within([images], "salt"), 100))) == 100
