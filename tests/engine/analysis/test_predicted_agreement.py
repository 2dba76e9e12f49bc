"""Agreement foretold by models, on planted tastes."""

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from prism_desktop.engine.analysis.agreement import AgreementResult, agreement
from prism_desktop.engine.analysis.coefficients import ALPHA
from prism_desktop.engine.analysis.labeler_groups import by_mean, groups
from prism_desktop.engine.analysis.network import links
from prism_desktop.engine.analysis.predicted_agreement import predicted_agreement
from tests.engine.evaluation import fabricate

_COUNT, _FACES, _SHARED = 14, 60, 90


def _tastes(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Two kinds of labelers, (labelers, 1, faces) scores."""
    kinds = rng.normal(size=(2, _FACES)) * 1.5
    own = rng.normal(size=(_COUNT, _FACES)) * 0.4
    return (kinds[np.arange(_COUNT) % 2] + own)[:, None]


def _measured(scores: npt.NDArray[np.float64], rng: np.random.Generator) -> AgreementResult:
    """What labelers of these scores answer; 0 and 1, 0 and 2 were never asked the same."""
    every = np.array(list(itertools.combinations(range(_FACES), 2)))
    pairs = rng.permutation(every)[: 3 * _SHARED]
    rows = []
    for who in range(_COUNT):
        part = slice(0, _SHARED) if who == 0 else slice(_SHARED, None) if who < 3 else slice(None)
        for one, two in pairs[part]:
            chance = 1 / (1 + np.exp(scores[who, 0, two] - scores[who, 0, one]))
            outcome = "left" if rng.random() < chance else "right"
            rows.append((f"L{who:02}", f"f{one:02}", f"f{two:02}", "a", outcome))
    return agreement(fabricate.comparisons(rows))


@pytest.fixture(scope="module")
def planted() -> tuple[AgreementResult, npt.NDArray[np.float64]]:
    """Measured agreement and the scores behind it."""
    rng = np.random.default_rng(4)
    scores = _tastes(rng)
    return _measured(scores, rng), scores


def test_that_agreement_is_foretold_where_nothing_is_shared_and_only_there(
    planted: tuple[AgreementResult, npt.NDArray[np.float64]],
) -> None:
    measured, scores = planted
    found = predicted_agreement(measured, measured.labelers, scores)
    assert found.count == 2
    assert np.isnan(found.matrix[measured.counts > 0]).all()
    unlike, alike = found.matrix[0, 1], found.matrix[0, 2]  # of another kind, of the same
    assert alike > unlike + 2 * found.error
    assert found.error < found.plain
    assert found.told().startswith("Hatched: predicted by the models for 2 pairs of labelers")


def test_that_what_is_foretold_changes_no_order_group_or_link(
    planted: tuple[AgreementResult, npt.NDArray[np.float64]],
) -> None:
    measured, scores = planted
    before = by_mean(measured).tolist(), groups(measured), links(measured)
    predicted_agreement(measured, measured.labelers, scores)
    assert (by_mean(measured).tolist(), groups(measured), links(measured)) == before


def test_that_models_that_know_no_taste_foretell_nothing(
    planted: tuple[AgreementResult, npt.NDArray[np.float64]],
) -> None:
    measured, scores = planted
    noise = np.random.default_rng(0).normal(size=scores.shape)
    found = predicted_agreement(measured, measured.labelers, noise)
    assert found.count == 0
    assert found.told().startswith("Nothing is predicted")


def test_that_few_labelers_are_foretold_with_the_doubt_said(
    planted: tuple[AgreementResult, npt.NDArray[np.float64]],
) -> None:
    measured, scores = planted
    kept = slice(0, 4)
    few = replace(
        measured,
        labelers=measured.labelers[kept],
        matrix=measured.matrix[kept, kept],
        counts=measured.counts[kept, kept],
        low=measured.low[kept, kept],
        high=measured.high[kept, kept],
    )
    found = predicted_agreement(few, few.labelers, scores[kept])
    assert found.count == 2
    assert "Unchecked" in found.told()


def test_that_who_has_no_model_is_not_foretold_and_alpha_never_is(
    planted: tuple[AgreementResult, npt.NDArray[np.float64]],
) -> None:
    measured, scores = planted
    assert predicted_agreement(measured, measured.labelers[1:], scores[1:]).count == 0
    alpha = predicted_agreement(replace(measured, coefficient=ALPHA), measured.labelers, scores)
    assert alpha.count == 0
    assert "alpha" in alpha.told().casefold()
