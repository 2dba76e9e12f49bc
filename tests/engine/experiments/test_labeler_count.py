"""Accuracy against the number of labelers who are trained together."""

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.labeler_count import (
    LabelerCountPlan,
    groups,
    measure_labeler_counts,
)
from prism_desktop.engine.runs.curve_files import (
    LabelerCountCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.fixtures.comparing import QUICK, on_embeddings
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_that_every_labeler_is_tested_once_in_a_group_of_the_size(count: int) -> None:
    codes = [f"L{number}" for number in range(7)]
    for seed in range(5):
        dealt = groups(codes, count, seed)
        assert {len(set(together)) for together, _ in dealt} == {count}
        assert sorted(code for _, tested in dealt for code in tested) == codes
        assert all(set(tested) <= set(together) for together, tested in dealt)
    assert groups(codes, 3, 0) != groups(codes, 3, 1)


def _measured(study: Study, *counts: int, deals: int = 1) -> LabelerCountCurve:
    options = {"backbone": "embeddings:mine", **QUICK}
    plan = LabelerCountPlan(study.path, "hierarchical-bayes", counts, deals, options)
    *_, last = measure_labeler_counts(plan)
    assert isinstance(last, Done)
    return last.value


def test_that_all_numbers_are_tested_on_the_same_answers_and_compared_in_pairs(
    make_study: MakeStudy,
) -> None:
    study = make_study(images=42, comparisons=60, labelers=3)
    on_embeddings(study, "hierarchical-bayes")
    found = _measured(study, 2)
    two, everybody = found.points
    assert (two.labelers, everybody.labelers) == (2, 3)
    assert two.macro.n == everybody.macro.n
    assert set(two.per_labeler) == set(everybody.per_labeler) == {"L1", "L2", "L3"}
    assert everybody.against_all is None
    gained = two.macro.accuracy - everybody.macro.accuracy
    assert two.against_all.value == pytest.approx(gained)
    runs = [RunFolder(run.path) for run in list_runs(study.path)]
    assert sorted(len(run.meta().codes) for run in runs) == [2, 2, 3]  # no consensus beside them
    assert _measured(study, 2) == found  # with the same runs
    assert len(list_runs(study.path)) == 3
    with pytest.raises(InputError, match="At least 2"):
        _measured(study, 1)
