"""What a labeler should judge next: what tells most, and nothing that they judged."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from prism_desktop.engine.adaptation.adapt import adapt
from prism_desktop.engine.adaptation.adapted_labelers import find_adapted, list_adapted
from prism_desktop.engine.adaptation.next_trials import trials_of_newcomer
from prism_desktop.engine.adaptation.trial_plan import PlanArguments
from prism_desktop.engine.adaptation.trial_planning import plan_trials
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.labeling.design import stimulus
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.labeling.telling_trials import telling_trials
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy

T = TypeVar("T")
Train = Callable[..., object]


def last(events: Iterator[Event[T]]) -> T:
    *_, done = events
    assert isinstance(done, Done)
    return done.value


@pytest.fixture
def bayes_run(tiny_study: Study, make_run: MakeRun, train_here: Train) -> RunFolder:
    made = make_run(tiny_study, method="hierarchical-bayes", compare=False, labelers=("L1", "L2"))
    train_here(made)
    return made


def test_that_somebody_new_is_asked_about_pairs_of_a_fold_or_faces_and_nobody_enters(
    bayes_run: RunFolder,
) -> None:
    fold = bayes_run.table("images").set_index("image")["fold"]
    pairs = last(trials_of_newcomer(bayes_run, 6))  # its labelers compared
    assert len({trial.images for trial in pairs}) == 6
    assert all(fold[one] == fold[other] for one, other in (trial.images for trial in pairs))
    faces = last(trials_of_newcomer(bayes_run, 100, "rating"))
    assert sorted(trial.images[0] for trial in faces) == sorted(fold.index)  # each once
    assert not list_adapted(bayes_run)


def test_that_a_labeler_who_enters_is_asked_what_they_did_not_judge(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    found = last(adapt(bayes_run, labeler="L3", next=500))
    compared = tiny_study.comparisons().query("labeler == 'L3'")
    judged = {frozenset(pair) for pair in zip(compared["left"], compared["right"], strict=True)}
    asked = {frozenset(trial.images) for trial in found.next}
    assert asked
    assert not asked & judged
    assert find_adapted(bayes_run, "L3") == found
    rated = set(tiny_study.ratings().query("labeler == 'L3'")["image"])
    faces = {
        trial.images[0]
        for trial in last(adapt(bayes_run, labeler="L3", next=500, task="rating")).next
    }
    assert faces == set(bayes_run.table("images")["image"]) - rated


def test_that_a_run_that_knows_no_doubt_refuses_to_choose_before_anything_is_kept(
    tiny_study: Study, make_run: MakeRun, train_here: Train
) -> None:
    made = make_run(tiny_study, method="retrieval", compare=False, labelers=("L1", "L2"))
    train_here(made)
    with pytest.raises(InputError, match="cannot choose what to ask; choose a run of Hierarchical"):
        last(adapt(made, labeler="L3", next=5))
    assert not list_adapted(made)


def test_that_labeling_begins_with_what_the_run_foretells_where_the_study_says_so(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    for kind in ("comparison", "rating"):
        expected = [trial.images for trial in last(trials_of_newcomer(bayes_run, 9, kind))]
        assert list(telling_trials(tiny_study.path, kind)[:9]) == expected
        tiny_study.add_labeler(f"new {kind}")
        drawn = LabelingSession(tiny_study, f"new {kind}", kind).current
        assert drawn is not None
        assert drawn.probability < 1
        tiny_study.set_order(kind, "telling")
        session = LabelingSession(tiny_study, f"new {kind}", kind)
        for images in expected[:4]:
            shown = session.current
            assert shown is not None
            faces = [shown.left.id] + ([] if shown.right is None else [shown.right.id])
            assert tuple(sorted(faces)) == images
            answer = 2 if kind == "rating" else "left"
            session.answer({attribute.name: answer for attribute in session.attributes})
        stored = tiny_study.trials(f"new {kind}", kind)
        assert [trial.probability for trial in stored] == [1.0] * 4
        assert session.current is not None
        assert session.current.probability is not None
        assert session.current.probability < 1  # one in five is drawn
        tiny_study.set_order(kind, "random")
    file = bayes_run.path / "telling.json"
    assert file.exists()
    file.write_text(file.read_text("utf-8").replace("[", "[ ", 1), "utf-8")
    assert telling_trials(tiny_study.path, "rating") == ()  # another's order is not followed


def test_that_entering_a_closed_form_loads_no_torch(bayes_run: RunFolder) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from prism_desktop.engine.adaptation.adapt import adapt\n"
        "from prism_desktop.engine.runs.folder import RunFolder\n"
        "*_, done = adapt(RunFolder.open(Path(sys.argv[1])), labeler='L3', next=3)\n"
        "print(len(done.value.next), 'torch' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(bayes_run.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["3", "False"]


@pytest.mark.parametrize("labeler", ["L1", "L3"])  # of the run, and not
def test_that_trials_are_planned_that_the_labeler_did_not_judge(
    bayes_run: RunFolder, tiny_study: Study, labeler: str
) -> None:
    fold = {image.id: image.fold for image in tiny_study.images()}
    trials = tiny_study.trials(labeler)
    judged = {stimulus(trial.left, trial.right) for trial in trials}
    plans = {}
    for order in ("telling", "unsure"):
        asked = PlanArguments(
            study=tiny_study.path, labeler=labeler, kind="comparison", order=order, count=5
        )
        plans[order] = found = last(plan_trials(asked))
        assert len(set(found)) == 5
        assert not set(found) & judged
        assert all(fold[one] == fold[other] for one, other in found)
    assert plans["telling"] != plans["unsure"]
    asked = PlanArguments(study=tiny_study.path, labeler=labeler, kind="rating", order="telling")
    faces = last(plan_trials(asked))
    assert {image for (image,) in faces} == set(fold) - {
        trial.left for trial in trials if trial.kind == "rating"
    }


def test_that_without_a_run_pairs_are_planned_by_what_everybody_said(tiny_study: Study) -> None:
    tiny_study.add_labeler("N")
    fold = {image.id: image.fold for image in tiny_study.images()}
    asked = PlanArguments(
        study=tiny_study.path, labeler="N", kind="comparison", order="telling", count=6
    )
    found = last(plan_trials(asked))
    assert len(set(found)) == 6
    assert all(fold[one] == fold[other] for one, other in found)
    assert last(plan_trials(asked.model_copy(update={"kind": "rating"}))) == ()


def test_that_nothing_is_planned_where_nothing_is_known(make_study: MakeStudy) -> None:
    study = make_study(images=14, labelers=1, comparisons=0, ratings=0)
    asked = PlanArguments(study=study.path, labeler="L1", kind="comparison", order="telling")
    assert last(plan_trials(asked)) == ()


def test_that_the_command_tells_what_to_ask_somebody_new_and_somebody_who_entered(
    bayes_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "next.json"
    assert run("adapt", bayes_run.path, "--next", 4, "--task", "rating", "--json", out) == 0
    told = json.loads(out.read_text())["next"]
    shown = capsys.readouterr().out
    assert len(told) == 4
    assert all(trial["names"][0] in shown for trial in told)
    assert run("adapt", bayes_run.path, "--labeler", "L3", "--next", 2, "--json", out) == 0
    told = json.loads(out.read_text())
    assert told["code"] == "L3"
    assert [len(trial["images"]) for trial in told["next"]] == [2, 2]
    assert run("adapt", bayes_run.path, "--next", 4, "--task", "both") != 0
    assert "A task is rating or comparison, not both." in capsys.readouterr().err
