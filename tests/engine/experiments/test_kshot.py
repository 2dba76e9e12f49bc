"""K-shot and learning curves on a small study: who is held
out, what is told, and what goes on where it stood."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TypeVar

import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.curve_store import curve_of_run
from prism_desktop.engine.experiments.kshot import KShotPlan, measure_kshot
from prism_desktop.engine.experiments.learning_curve import CurvePlan, measure_curve
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.closed_form import ClosedForm
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy

T = TypeVar("T")


def last(events: Iterator[Event[T]]) -> T:
    *_, done = events
    assert isinstance(done, Done)
    return done.value


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return make_study(images=42, labelers=4, comparisons=60)


@pytest.mark.soak
def test_that_every_labeler_is_held_out_of_one_run_that_is_used_again(
    study: Study, tiny_backbone: str
) -> None:
    options = {"backbone": tiny_backbone, "device": "cpu"}
    plan = KShotPlan(study.path, ("hierarchical-bayes",), (0, 10), 2, 2, options)
    result = last(measure_kshot(plan))
    (one,) = result.methods
    assert [row.k for row in one.curve] == [0, 10]
    assert set(one.curve[1].per_labeler) == {"L1", "L2", "L3", "L4"}
    assert all(row.gain.low <= row.gain.value <= row.gain.high for row in one.curve)
    assert [row.k for row in one.chosen] == [0, 10]
    assert one.chosen[0].accuracy == one.curve[0].accuracy  # nothing was answered yet
    assert one.chosen[1].per_labeler != one.curve[1].per_labeler
    for random, chosen in zip(one.curve, one.chosen, strict=True):
        assert chosen.resamples == 1
        more = chosen.accuracy - random.accuracy
        assert chosen.over_random.value == pytest.approx(more)
        assert chosen.over_random.low <= more <= chosen.over_random.high
    runs = [
        RunFolder(run.path) for run in list_runs(study.path) if run.method == "hierarchical-bayes"
    ]
    trained = [set(run.meta().codes) for run in runs]
    # each is left out once
    assert sorted(code for codes in trained for code in codes) == ["L1", "L2", "L3", "L4"]
    before = {run.name for run in list_runs(study.path)}
    assert last(measure_kshot(plan)) == result
    assert {run.name for run in list_runs(study.path)} == before


@pytest.mark.soak
def test_that_who_gave_few_answers_informs_every_run_and_is_never_held_out(
    make_study: MakeStudy, tiny_backbone: str
) -> None:
    study = make_study(images=42, labelers=3, comparisons=0, ratings=42)
    study.add_labeler("few")
    session = LabelingSession(study, "few", "rating")
    for number in range(20):
        session.answer({each.name: 1 + number % 4 for each in session.attributes})
    options = {"backbone": tiny_backbone, "device": "cpu"}
    plan = KShotPlan(study.path, ("hierarchical-bayes",), (5,), 1, 2, options, least=60)
    (one,) = last(measure_kshot(plan)).methods
    assert set(one.curve[0].per_labeler) == {"L1", "L2", "L3"}
    assert -1 <= one.curve[0].spearman <= 1
    runs = [run for run in list_runs(study.path) if run.method == "hierarchical-bayes"]
    assert len(runs) == 2
    assert all("few" in run.labelers for run in runs)
    with pytest.raises(InputError, match="No labeler gave 1,000 answers or more"):
        last(measure_kshot(dataclasses.replace(plan, least=1000)))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_that_every_face_is_held_out_once_where_image_folds_take_turns(
    study: Study, tiny_backbone: str
) -> None:
    options = {"backbone": tiny_backbone, "device": "cpu"}
    plan = KShotPlan(study.path, ("retrieval",), (0, 5), 1, 2, options, cross_fit=True)
    found = last(measure_kshot(plan))
    (one,) = found.methods
    assert found.image_folds == tuple(range(7))
    assert one.curve[0].n == (study.comparisons()["outcome"] != "tie").sum()
    assert one.chosen == ()  # it knows no doubt


def test_that_an_evaluation_that_is_ended_leaves_a_run_to_go_on_with(
    study: Study, tiny_backbone: str
) -> None:
    options = {
        "backbone": tiny_backbone,
        "device": "cpu",
        "epochs": 500,
        "patience": 500,
        "threads": 1,
    }
    events = measure_kshot(KShotPlan(study.path, ("consensus",), (0,), 1, 2, options))
    for event in events:
        if isinstance(event, Progress) and event.what.endswith("training") and event.done > 3:
            break
    events.close()  # type: ignore[attr-defined]
    (left,) = [RunFolder(run.path) for run in list_runs(study.path)]
    assert left.status().state == "stopped"
    assert left.resumable
    assert not list((study.path / "cache").glob("shots-*"))


@pytest.mark.soak
def test_that_a_k_shot_curve_tells_how_many_answers_there_were_where_labelers_gave_fewer(
    study: Study, tiny_backbone: str
) -> None:
    options = {"backbone": tiny_backbone, "device": "cpu"}
    result = last(
        measure_kshot(
            KShotPlan(study.path, ("hierarchical-bayes",), (0, 10, 100_000), 1, 2, options)
        )
    )
    given = [row.answers for row in result.methods[0].curve]
    runs = [
        RunFolder(run.path) for run in list_runs(study.path) if run.method == "hierarchical-bayes"
    ]
    there = (
        pd.concat([run.table("pairs").query("split == 'train'") for run in runs])
        .groupby("labeler")
        .size()
    )
    assert len(there) == 4
    assert given == [0, 10, there.mean()]


def test_that_a_learning_curve_ends_at_all_answers_and_foretells(
    study: Study, tiny_backbone: str
) -> None:
    plan = CurvePlan(
        study.path,
        "hierarchical-bayes",
        (10, 20, 40),
        2,
        {"backbone": tiny_backbone, "device": "cpu"},
    )
    result = last(measure_curve(plan))
    sizes = [point.answers for point in result.points]
    assert sizes[:3] == [10, 20, 40]
    assert sizes[3] > 40
    assert result.curve.sentence.startswith("+50 answers")
    assert not list_runs(study.path)
    # of each labeler as well, and what the last one brought
    assert set(result.per_labeler) == {"L1", "L2", "L3", "L4"}
    assert [point.per_labeler["L2"].answers for point in result.points][:3] == [10, 20, 40]
    last_one = result.last_labeler
    assert last_one is not None
    assert last_one.low <= last_one.value <= last_one.high
    assert curve_of_run(study.path, study.path / "no-run")[1]


def test_that_a_learning_curve_learns_from_no_answers_but_those_it_counts(
    study: Study, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    fit = ClosedForm.run

    def counting(self: ClosedForm) -> Iterator[object]:
        seen = [
            held[split]
            for held in (self.answers, self.ratings)
            for split in ("train", "val")
            if split in held
        ]
        given.append(sum(map(len, seen)))
        return fit(self)

    monkeypatch.setattr(ClosedForm, "run", counting)
    options = {"backbone": tiny_backbone, "device": "cpu"}
    counts = (10, 20, 40)
    plan = CurvePlan(study.path, "hierarchical-bayes", counts, 1, options)
    result = last(measure_curve(plan))
    everything = result.points[-1].answers * 4
    assert given[:3] == [4 * count for count in counts]
    assert given[3] == pytest.approx(everything, abs=2)  # which is rounded
    assert all(without < given[3] for without in given[4:])
    assert len(given) == 6  # and two models that lack one labeler


@pytest.mark.soak
def test_that_a_learning_curve_ends_at_the_run_that_learns_from_ratings_too(
    make_study: MakeStudy, make_run: MakeRun, train_here: Callable[..., object], tiny_backbone: str
) -> None:
    study = make_study(images=42, labelers=4, comparisons=30, ratings=40)
    run = make_run(study, method="hierarchical-bayes", compare=False)
    train_here(run)
    summary = run.summary()
    assert summary is not None
    options = {"backbone": tiny_backbone, "device": "cpu"}
    result = last(measure_curve(CurvePlan(study.path, "hierarchical-bayes", (10, 40), 1, options)))
    assert result.points[-1].accuracy == pytest.approx(summary.test.macro.accuracy)
    ratings = run.table("ratings").merge(run.table("images")[["image", "split"]])
    counts = run.meta().counts
    asked = counts.train + counts.val + ratings["split"].isin(["train", "val"]).sum()
    assert result.points[-1].answers == round(asked / 4)


def test_that_impossible_evaluations_are_one_sentence(study: Study, tiny_backbone: str) -> None:
    options = {"backbone": tiny_backbone, "device": "cpu"}
    with pytest.raises(InputError, match="trains on two or more"):
        last(
            measure_kshot(
                KShotPlan(
                    study.path, ("consensus",), (0,), 1, 2, {**options, "labelers": ("L1", "L2")}
                )
            )
        )
    with pytest.raises(InputError, match="it needs --split image"):
        last(
            measure_kshot(
                KShotPlan(study.path, ("consensus",), (0,), 1, 2, {**options, "split": "pair"})
            )
        )
    with pytest.raises(InputError, match="magic"):
        last(
            measure_kshot(
                KShotPlan(study.path, ("hierarchical-bayes", "magic"), (0,), 1, 2, options)
            )
        )
    assert not list_runs(study.path)
    heard = []
    with pytest.raises(InputError, match="3 different numbers of answers"):
        heard += measure_curve(
            CurvePlan(study.path, "hierarchical-bayes", (1000, 2000), 1, options)
        )
    assert not heard  # nothing was read or fitted before
    with pytest.raises(InputError, match="closed form"):
        last(measure_curve(CurvePlan(study.path, "lora-visual-prompt", (10,), 1, options)))
