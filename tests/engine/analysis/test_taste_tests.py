"""Similar vectors and similar taste, on planted labelers."""

import numpy as np
import pytest

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.personal_vectors import cosine
from prism_desktop.engine.analysis.taste_tests import (
    MeanAgreement,
    alignment,
    mantel,
    procrustes,
    vector_map,
    with_others,
)
from prism_desktop.engine.runs.result_files import Accuracy

_COUNT = 20
NAMES = tuple(f"L{number:02}" for number in range(_COUNT))


def _agreed(tastes: np.ndarray, shared: int = 400) -> AgreementResult:
    matrix = 0.5 + 0.4 * cosine(tastes, centred=False)
    counts = np.full(matrix.shape, shared)
    return AgreementResult(
        NAMES[: len(tastes)], matrix, counts, matrix - 0.05, matrix + 0.05, "comparisons", None
    )


def _tastes(seed: int = 0, count: int = _COUNT) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3))


def test_that_vectors_that_follow_taste_are_told_from_those_that_do_not() -> None:
    tastes = _tastes()
    agreed, rng = _agreed(tastes), np.random.default_rng(1)
    turned = tastes @ np.linalg.qr(rng.normal(size=(3, 3)))[0]  # a turn changes no likeness
    near = turned + rng.normal(0, 0.2, tastes.shape)
    like = mantel(cosine(near, centred=False), NAMES, agreed)
    assert like.correlation > 0.8
    assert like.p == pytest.approx(0.001)
    assert not like.few
    assert procrustes(vector_map(near).places, NAMES, agreed).p < 0.01
    unlike = _tastes(7)
    assert mantel(cosine(unlike), NAMES, agreed).p > 0.05
    assert procrustes(vector_map(unlike).places, NAMES, agreed).p > 0.05


def test_that_by_chance_few_tests_are_passed() -> None:
    agreed = _agreed(_tastes())
    passed = sum(
        mantel(cosine(_tastes(seed)), NAMES, agreed, seed).p < 0.05 for seed in range(50, 60)
    )
    assert passed <= 3  # half of one expected


def test_that_pairs_who_share_nothing_count_in_no_test() -> None:
    tastes = _tastes()
    agreed, similarity = _agreed(tastes), cosine(tastes, centred=False)
    agreed.matrix[0, 1:] = agreed.matrix[1:, 0] = np.nan
    found = mantel(similarity, NAMES, agreed)
    assert found.labelers == _COUNT - 1
    assert found.correlation == pytest.approx(1.0)


def test_that_three_labelers_are_not_tested() -> None:
    tastes = _tastes(count=3)
    found = mantel(cosine(tastes), NAMES[:3], _agreed(tastes))
    assert np.isnan(found.correlation)
    assert np.isnan(procrustes(vector_map(tastes).places, NAMES[:3], _agreed(tastes)).p)
    assert found.few


def test_that_the_map_shows_where_vectors_differ_most() -> None:
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(0, 5, 12), rng.normal(0, 1, 12)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    found = vector_map(np.outer(wide, axes[0]) + np.outer(narrow, axes[1]) + 3)
    assert sum(found.shares) == pytest.approx(1.0)
    assert found.shares[0] > 0.8
    assert abs(np.corrcoef(found.places[:, 0], wide)[0, 1]) > 0.99
    flat = vector_map(np.ones((4, 5)))
    assert flat.places.tolist() == np.zeros((4, 2)).tolist()


def test_that_who_agrees_least_with_others_comes_first_and_few_answers_do_not_count() -> None:
    tastes = np.ones((16, 3)) + 0.1 * _tastes(count=16)
    tastes[4] = [1, -1, 0]
    agreed = _agreed(tastes)
    agreed.counts[5] = agreed.counts[:, 5] = 10
    found = with_others(agreed)
    assert found[0].labeler == "L04"
    assert found[0].high < found[1].low
    assert "L05" not in {each.labeler for each in found}


def test_that_alignment_has_an_interval_and_leaves_out_who_was_tested_on_few() -> None:
    means = [MeanAgreement(name, 0.5 + at / 50, 0, 1, 5) for at, name in enumerate(NAMES)]
    rows = {
        name: Accuracy(accuracy=0.6 + at / 100, n=80 if at else 20) for at, name in enumerate(NAMES)
    }
    found = alignment(means, rows)
    assert found.labelers == _COUNT - 1
    assert found.value == pytest.approx(1.0)
    few = alignment(means[:6], rows)
    assert few.few
    noise = {
        name: Accuracy(accuracy=0.5 + (7 * at % 20) / 50, n=80) for at, name in enumerate(NAMES)
    }
    told = alignment(means, noise)
    assert told.low < told.value < told.high
    assert told.low < 0 < told.high
