"""Rank correlation with held-out ratings."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.ranking import held_out_ratings, spearman
from tests.engine.evaluation import fabricate


def predicted(scores: dict[str, float], labeler: str = "L1") -> pd.DataFrame:
    return pd.DataFrame(
        {"labeler": labeler, "attribute": "a", "image": list(scores),
        "score": list(scores.values())}
    )  # fmt: skip


def test_that_a_correlation_is_spearman_s() -> None:
    values, scores = [1, 2, 2, 3, 4, 4, 1], [0.1, 0.5, 0.2, 0.4, 0.9, 0.3, 0.3]
    rated = fabricate.ratings([("L1", f"i{k}", "a", value) for k, value in enumerate(values)])
    found = spearman(rated, predicted({f"i{k}": score for k, score in enumerate(scores)}))
    cell = found.per_labeler["L1"]["a"]
    assert cell.rho == pytest.approx(spearmanr(values, scores).statistic)
    assert cell.low < cell.rho < cell.high
    assert (found.macro, found.n, cell.n) == (cell.rho, 7, 7)


def test_that_repeated_ratings_are_averaged_and_orders_reversed_are_minus_one() -> None:
    rows = [("L1", f"i{k}", "a", float(k)) for k in range(5)] + [("L1", "i0", "a", 0.5)]
    found = spearman(fabricate.ratings(rows), predicted({f"i{k}": -float(k) for k in range(5)}))
    assert found.per_labeler["L1"]["a"].rho == pytest.approx(-1.0)
    assert found.n == 5


def test_that_few_or_equal_ratings_say_nothing() -> None:
    few = fabricate.ratings([("L1", f"i{k}", "a", float(k)) for k in range(4)])
    flat = fabricate.ratings([("L1", f"i{k}", "a", 2.0) for k in range(9)])
    scores = predicted({f"i{k}": float(k) for k in range(9)})
    for rated in (few, flat):
        assert spearman(rated, scores).dump() == {"macro": None, "n": 0, "per_labeler": {}}


def test_that_only_images_unseen_in_training_are_held_out() -> None:
    rows = [
        ("L1", "x", "y", "a", "left"),
        ("L2", "v", "w", "a", "left"),
        ("L1", "p", "q", "a", "left"),
    ]
    pairs = pairs_from_comparisons(fabricate.comparisons(rows)).assign(
        split=["train", "val", "test"]
    )
    rated = fabricate.ratings([("L1", image, "a", 1) for image in "xyvwpqz"])
    assert held_out_ratings(rated, pairs)["image"].tolist() == ["p", "q", "z"]


def test_that_intervals_cover_the_correlation() -> None:
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's of a bivariate normal with Pearson's 0.6
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (400, 60))
    y = 0.6 * x + 0.8 * rng.normal(0, 1, (400, 60))
    images = {f"i{k}": k for k in range(60)}
    rated = fabricate.ratings(
        [(f"L{u}", image, "a", x[u, k]) for u in range(400) for image, k in images.items()]
    )
    scored = pd.concat(
        [predicted(dict(zip(images, y[u], strict=True)), f"L{u}") for u in range(400)]
    )
    cells = [row["a"] for row in spearman(rated, scored).per_labeler.values()]
    inside = [cell.low <= truth <= cell.high for cell in cells]
    assert 0.92 <= np.mean(inside) <= 0.98
