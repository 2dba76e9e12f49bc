"""No split shares what it promises not to share, whatever the answers and the shares are."""

from itertools import permutations

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.config import PairsConfig, SplitConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.leak_check import leaks
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.splits import make_pairs
from tests.engine.evaluation import fabricate

KINDS = ("image", "pair", "labeler", "time", "label")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    trials=st.integers(60, 300),
    images=st.integers(15, 80),
    within=st.booleans(),
    fold=st.integers(0, 3),
    shots=st.sampled_from([0, 1, 7, 30]),
    train=st.sampled_from([0.5, 0.7, 0.8]),
    use=st.sampled_from(["comparisons", "ratings", "both"]),
    ties=st.sampled_from(["drop", "davidson"]),
)
def test_that_no_split_shares_what_it_promises_not_to_share(
    kind: str,
    seed: int,
    trials: int,
    images: int,
    within: bool,
    fold: int,
    shots: int,
    train: float,
    use: str,
    ties: str,
) -> None:
    answers = fabricate.random_comparisons(trials, images, seed, within_folds=within)
    config = SplitConfig(
        kind=kind,
        seed=seed,
        fold=0 if kind == "time" else fold,
        shots=shots,
        train=train,
        val=(1 - train) / 2,
    )
    try:
        made = make_pairs(
            answers, fabricate.random_ratings(12, images, seed), fabricate.images(images), config,
            PairsConfig(use=use, ties=ties),
        )  # fmt: skip
    except InputError:  # a split left empty is refused, not trained on
        assume(False)
        return
    assert leaks(made.pairs, kind, shots) == []


def frame(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Pairs from (labeler, left, right, split)."""
    pairs = pairs_from_comparisons(
        fabricate.comparisons([(who, one, two, "a", "left") for who, one, two, _ in rows])
    )
    return pairs.assign(split=[row[3] for row in rows])


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("image", [("L1", "x", "y", "train"), ("L2", "z", "x", "test")]),
        ("pair", [("L1", "x", "y", "train"), ("L2", "y", "x", "val")]),
        ("labeler", [("L1", "x", "y", "train"), ("L1", "v", "w", "test")]),
        ("time", [("L1", "x", "y", "test"), ("L1", "v", "w", "train")]),
        ("time", [("L1", "x", "y", "train"), ("L1", "v", "w", "test"), ("L1", "y", "x", "test")]),
        ("label", [("L1", "x", "y", "train"), ("L1", "y", "x", "test")]),
    ],
)
def test_that_a_leak_is_found(kind: str, rows: list[tuple[str, str, str, str]]) -> None:
    assert len(leaks(frame(*rows), kind)) >= 1


def test_that_what_was_dropped_leaks_nothing() -> None:
    assert leaks(frame(("L1", "x", "y", "train"), ("L1", "x", "y", "dropped")), "image") == []


@pytest.mark.parametrize("order", list(permutations(("train", "val", "test"))))
def test_that_only_later_parts_after_earlier_ones_keep_the_promise_of_time(
    order: tuple[str, str, str],
) -> None:
    rows = [("L1", f"x{n}", f"y{n}", part) for n, part in enumerate(order)]
    told = leaks(frame(*rows), "time")
    assert bool(told) == (order != ("train", "val", "test"))
    assert leaks(frame(*rows[:1]), "time") == []
    other = [(f"L{n}", f"x{n}", f"y{n}", part) for n, part in enumerate(order)]
    assert leaks(frame(*other), "time") == []  # everybody has a time of their own


def test_that_the_first_answers_of_a_held_out_labeler_may_train() -> None:
    rows = [("L1", f"x{n}", f"y{n}", "train" if n < 3 else "test") for n in range(6)]
    assert leaks(frame(*rows), "labeler", 3) == []
    assert leaks(frame(*rows), "labeler", 2) == [
        "1 time the same labeler is in more than one split."
    ]
