"""Agreement beyond chance, against worked examples and the alpha of whole attributes."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.analysis.agreement import agreement
from prism_desktop.engine.analysis.chance_corrected import (
    comparison_kappa,
    measured_agreement,
    rating_alpha,
)
from prism_desktop.engine.evaluation.quality.attribute_reliability import krippendorff_alpha
from tests.engine.evaluation import fabricate


def _answers(mine: str, theirs: str) -> pd.DataFrame:
    """Two labelers' answers to the same comparisons: "l", "r" or "t" each."""
    word = {"l": "left", "r": "right", "t": "tie"}
    return fabricate.comparisons(
        [
            (who, f"x{place}", f"y{place}", "a", word[sign])
            for who, signs in (("L1", mine), ("L2", theirs))
            for place, sign in enumerate(signs)
        ]
    )


def test_that_without_ties_kappa_is_twice_what_lies_above_one_half() -> None:
    rows = _answers("lllrrrlrlr", "llrrrrlrrl")
    plain, found = agreement(rows), comparison_kappa(rows)
    assert plain.matrix[0, 1] == pytest.approx(0.7)
    assert found.matrix[0, 1] == pytest.approx(0.4)
    assert found.low[0, 1] == pytest.approx(2 * plain.low[0, 1] - 1)
    assert found.high[0, 1] == pytest.approx(2 * plain.high[0, 1] - 1)


def test_that_who_ties_often_agrees_more_by_chance() -> None:
    # 10 comparisons, 6 and 5 ties; alike: 4 ties and 2 choices, one opposite, 3 of one tie
    rows = _answers("ttttttlllr", "ttttlrlrlt")
    by_hand = 1 - (1 - (4 + 2 + 0.5 * 3) / 10) / (1 - (1 + 0.6 * 0.5) / 2)
    assert comparison_kappa(rows).matrix[0, 1] == pytest.approx(by_hand)


def test_that_kappa_does_not_depend_on_which_face_is_named_first() -> None:
    rows = _answers("lltrrltlrr", "ltlrrlltrr")
    turned = rows.assign(
        left=rows["right"],
        right=rows["left"],
        outcome=rows["outcome"].astype("str").replace({"left": "right", "right": "left"}),
    )
    one, other = comparison_kappa(rows), comparison_kappa(turned)
    assert one.matrix[0, 1] == pytest.approx(other.matrix[0, 1])
    assert one.low[0, 1] == pytest.approx(other.low[0, 1])


def test_that_two_who_always_tie_have_no_kappa() -> None:
    found = comparison_kappa(_answers("tttt", "tttt"))
    assert np.isnan(found.matrix[0, 1])


def test_that_the_interval_of_kappa_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    words, rows = ("left", "right", "tie"), []
    for pair in range(100):
        taste = rng.choice(3, 120, p=[0.35, 0.35, 0.3])
        for who in (2 * pair, 2 * pair + 1):
            given = np.where(rng.random(120) < 0.6, taste, rng.choice(3, 120))
            rows += [
                (f"{who:03}", f"x{pair}-{at}", f"y{pair}-{at}", "a", words[sign])
                for at, sign in enumerate(given)
            ]
    found, one = comparison_kappa(fabricate.comparisons(rows)), 2 * np.arange(100)
    truth = _true_kappa()
    held = (found.low[one, one + 1] <= truth) & (truth <= found.high[one, one + 1])
    assert held.sum() >= 90  # 95 expected


def _true_kappa() -> float:
    """Of the two labelers above, from many answers."""
    taste = np.array([0.35, 0.35, 0.3])
    own = 0.6 * taste + 0.4 / 3
    both = sum(
        p * np.outer(0.6 * np.eye(3)[k] + 0.4 / 3, 0.6 * np.eye(3)[k] + 0.4 / 3)
        for k, p in enumerate(taste)
    )
    weight = np.array([[1, 0, 0.5], [0, 1, 0.5], [0.5, 0.5, 1]])
    chance = (1 + own[2] ** 2) / 2
    return float(1 - (1 - (weight * both).sum()) / (1 - chance))


def _ratings(values: np.ndarray) -> pd.DataFrame:
    rows = [
        (f"L{who}", f"x{face}", "a", int(value))
        for (face, who), value in np.ndenumerate(values)
        if value > 0
    ]
    return fabricate.ratings(rows)


def test_that_alpha_of_two_labelers_is_the_alpha_of_an_attribute_with_these_two() -> None:
    rng = np.random.default_rng(3)
    faces = rng.integers(1, 5, 60)
    values = np.column_stack(
        [np.clip(faces + rng.integers(-1, 2, 60), 1, 4), np.clip(faces, 1, 3), 5 - faces]
    )
    values[50:, 0] = 0  # not rated
    found = rating_alpha(_ratings(values))
    assert found.counts[0, 1] == 50
    for one, other in ((0, 1), (0, 2), (1, 2)):
        shared = values[(values[:, [one, other]] > 0).all(1)][:, [one, other]]
        unit = np.repeat(np.arange(len(shared)), 2)
        whole = krippendorff_alpha(unit, shared.ravel().astype(float))
        assert found.matrix[one, other] == pytest.approx(whole.value)
        assert found.low[one, other] == pytest.approx(whole.low, abs=0.06)
        assert found.high[one, other] == pytest.approx(whole.high, abs=0.06)


def test_that_two_who_rate_all_faces_alike_are_still_not_certain() -> None:
    values = np.tile(np.arange(1, 5), 6)[:, None].repeat(2, 1)
    found = rating_alpha(_ratings(values))
    assert found.matrix[0, 1] == pytest.approx(1.0)
    assert found.low[0, 1] == pytest.approx(1 - 3 / 24)


def test_that_who_rates_every_face_the_same_has_no_alpha_with_their_like() -> None:
    found = rating_alpha(_ratings(np.full((6, 2), 3)))
    assert np.isnan(found.matrix[0, 1])
    assert found.counts[0, 1] == 0


def test_that_beyond_chance_is_asked_of_the_answers_that_agreement_is_of() -> None:
    compared, rated = _answers("llrr", "llrl"), _ratings(np.array([[1, 2], [3, 4], [2, 2]]))
    assert measured_agreement(compared, rated, measure="corrected").coefficient.key == "kappa"
    rated_alone = measured_agreement(compared.head(0), rated, measure="corrected")
    assert rated_alone.coefficient.key == "alpha"
    frame = measured_agreement(compared, rated, measure="corrected").frame()
    assert "kappa" in frame.columns
    assert "agreement" not in frame.columns
