"""What validation answers say of how large scores should be."""

import numpy as np
import pytest

from prism_desktop.engine.models.heads.model_selection import calibration, loss
from tests.engine.models.heads.planted import answer


def test_that_many_answers_put_the_size_of_scores_right_and_few_leave_it() -> None:
    true = np.random.default_rng(0).normal(size=(4, 1, 6000))
    many, few = answer(true, 8000), answer(true[:, :, :12], 10)
    for size in (0.5, 2.0):
        scores = (size * true).astype(np.float32)
        factor = calibration(scores, many)
        assert factor == pytest.approx(1 / size, rel=0.2)
        assert loss(np.float32(factor) * scores, many) < loss(scores, many)
        assert calibration(scores, few) == pytest.approx(1, abs=0.05)
    assert calibration(true.astype(np.float32), many) == pytest.approx(1, abs=0.05)
