"""Curves measured in a process of their own, for a run that is there."""

from collections.abc import Callable

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.training.measured import COUNTS, kept
from prism_desktop.engine.training.measuring import chosen, impossible, measure_in_child
from prism_desktop.engine.training.run import RunFolder, list_runs
from tests.engine.training.conftest import MakeRun
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


def test_that_a_curve_is_measured_on_the_data_of_the_run(
    make_study: MakeStudy, make_run: MakeRun, train_here: Callable[..., object]
) -> None:
    study = make_study(images=42, comparisons=120)
    run = make_run(study, method="hierarchical-bayes", compare=False, device="cpu", labelers=("L1", "L2"))
    train_here(run)
    study.withdraw(study.trials("L1", "comparison")[0].id)  # what is answered or withdrawn since does not count
    *events, done = measure_in_child("curve", run)
    assert isinstance(done, Done)
    assert any(isinstance(event, Progress) and event.total for event in events)
    (found,) = kept(study.path, "curve")
    assert found["fingerprint"] == run.meta()["fingerprint"]
    assert [point["answers"] for point in found["points"]][:2] == list(COUNTS[:2])
    summary = run.summary()
    assert summary is not None
    assert found["points"][-1]["accuracy"] == pytest.approx(summary["test"]["macro"]["accuracy"])


def test_that_a_measurement_that_is_ended_leaves_a_run_to_go_on_with(make_study: MakeStudy, make_run: MakeRun) -> None:
    study = make_study(images=42, labelers=4, comparisons=60)
    given = {"device": "cpu", "epochs": 500, "patience": 500, "threads": 1}
    run = make_run(study, method="consensus", **given)
    events = measure_in_child("shots", run)
    for event in events:
        if isinstance(event, Progress) and event.what.endswith("training") and event.done > 3:
            break
    events.close()  # type: ignore[attr-defined]
    (left,) = [RunFolder(one.path) for one in list_runs(study.path) if one.path != run.path]
    assert left.status().state == "stopped"
    assert left.resumable
    assert not list((study.path / "cache").glob("shots-*"))


def test_that_what_cannot_be_measured_is_told_by_the_child(make_study: MakeStudy, make_run: MakeRun) -> None:
    run = make_run(make_study(images=42, comparisons=60), method="hierarchical-bayes", labelers=("L1", "L2"))
    with pytest.raises(RunError, match="trains on two or more; there are 2"):
        list(measure_in_child("shots", run))
    assert not kept(run.study, "shots")


def test_that_only_what_was_chosen_is_taken_over() -> None:
    config = TrainConfig().with_options({"method": "l2-constrained", "split.fold": 3, "backbone": "prism-mini"})
    assert chosen(config) == {"split.fold": 3, "backbone": "prism-mini"}
    for recipe in ("default", "source"):
        config = config.with_options({"recipe": recipe})
        assert TrainConfig().with_options({"method": "l2-constrained", **chosen(config)}) == config


def test_that_learning_curves_are_of_closed_forms() -> None:
    assert {name for name in METHODS if not impossible("curve", name)} == {
        "hierarchical-bayes", "collaborative", "retrieval",
    }  # fmt: skip
