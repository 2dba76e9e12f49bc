"""Curves measured in a process of their own, for a run that is there."""

from collections.abc import Callable

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.experiments.curve_store import COUNTS, curve_obstacle, learning_curves
from prism_desktop.engine.experiments.measurement import chosen_settings, measure_in_worker
from prism_desktop.engine.methods import METHODS
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


@pytest.mark.soak
def test_that_a_curve_is_measured_on_the_data_of_the_run(
    make_study: MakeStudy, make_run: MakeRun, train_here: Callable[..., object]
) -> None:
    study = make_study(images=42, comparisons=120)
    run = make_run(
        study, method="hierarchical-bayes", compare=False, device="cpu", labelers=("L1", "L2")
    )
    train_here(run)
    # what is answered or withdrawn since does not count
    study.withdraw(study.trials("L1", "comparison")[0].id)
    *events, done = measure_in_worker("curve", run)
    assert isinstance(done, Done)
    assert any(isinstance(event, Progress) and event.total for event in events)
    (found,) = learning_curves(study.path)
    assert found.fingerprint == run.meta().fingerprint
    assert [point.answers for point in found.points][:2] == list(COUNTS[:2])
    summary = run.summary()
    assert summary is not None
    assert found.points[-1].accuracy == pytest.approx(summary.test.macro.accuracy)


def test_that_only_what_was_chosen_is_taken_over() -> None:
    config = TrainConfig().with_options(
        {"method": "l2-constrained", "split.fold": 3, "backbone": "prism-mini"}
    )
    assert chosen_settings(config) == {"split.fold": 3, "backbone": "prism-mini"}
    for recipe in ("default", "source"):
        config = config.with_options({"recipe": recipe})
        assert (
            TrainConfig().with_options({"method": "l2-constrained", **chosen_settings(config)})
            == config
        )


def test_that_learning_curves_are_of_closed_forms() -> None:
    assert {name for name in METHODS if not curve_obstacle("curve", name)} == {
        "hierarchical-bayes", "collaborative", "retrieval",
    }  # fmt: skip
