"""How well plans foretell over many designs; the table of docs/results.md is what this prints:

pytest tests/engine/evaluation/sample_size/test_coverage.py -m soak -s
"""

import numpy as np
import pytest

from prism_desktop.engine.evaluation.ceiling import ceiling_of
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    PlannedDesign,
    precision_of,
)
from tests.engine.evaluation.sample_size.simulated_studies import simulated

_STUDIES = 200
DESIGNS = (
    (PlannedDesign("comparison", 8, 100, 300, 0.2), AnswerVariances()),
    (PlannedDesign("comparison", 5, 60, 200, 0.3), AnswerVariances(0.2, 0.5)),
    (PlannedDesign("comparison", 20, 150, 400, 0.1), AnswerVariances(0.4, 0.1)),
    (PlannedDesign("rating", 8, 100, 130, 0.25), AnswerVariances()),
    (PlannedDesign("rating", 6, 80, 100, 0.25), AnswerVariances(0.4, 0.2, 0.3)),
    (PlannedDesign("rating", 20, 120, 100, 0.2), AnswerVariances(0.2, 0.3, 0.05)),
)


@pytest.mark.soak
@pytest.mark.parametrize(("design", "variances"), DESIGNS)
def test_that_intervals_foretold_hold_what_studies_find(
    design: PlannedDesign, variances: AnswerVariances
) -> None:
    told = precision_of(design, variances)
    found = [simulated(design, variances, seed) for seed in range(_STUDIES)]
    name = f"{design.kind}, {design.labelers} x {design.trials}, {design.faces} faces"
    cells = []
    for measure in ("reliability", "alpha", "ceiling", "gain"):
        estimate = getattr(told, measure)
        values = np.array(
            [
                ceiling_of(e.agreement) if measure == "ceiling" else getattr(e, measure)
                for e in found
            ]
        )
        inside = float(((values >= estimate.low) & (values <= estimate.high)).mean())
        wide = (estimate.high - estimate.low) / (3.92 * float(values.std()))
        cells.append(f"{inside:.0%}, {wide:.2f}")
        # 95 % are expected; 200 studies leave a standard error of 1.5 points
        assert inside >= 0.86, measure
        assert 0.85 <= wide <= 1.2, measure
    print(f"\n| {name} | {' | '.join(cells)} |")
