"""Comparisons of several methods, in real processes on a small study."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.experiments import study_data
from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan, folder_of
from prism_desktop.engine.experiments.variants import Variant
from prism_desktop.engine.files import write_json
from prism_desktop.engine.processes.supervisor import READ_AGAINST
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.run_events import ComparisonBegun, ItemBegun, ProgressTold, Resumed
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.embeddings import path_of, write_embeddings
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.run_evaluation import evaluate_run
from tests.fixtures.comparing import QUICK, compared, on_embeddings, plan_of, prepared
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """Enough answers that every split has some of each labeler."""
    return make_study(images=42, comparisons=60)


def test_that_methods_are_compared_and_finished_runs_used_again(
    study: Study, tiny_backbone: str
) -> None:
    board, events = compared(
        plan_of(study, tiny_backbone, "lora-visual-prompt", "hierarchical-bayes", controls=True)
    )
    items = [event for event in events if isinstance(event, ItemBegun)]
    assert [item.method for item in items] == [
        "consensus",
        "hierarchical-bayes",
        "lora-visual-prompt",
    ]
    assert len({RunFolder(Path(str(item.run))).environment().threads for item in items}) == 1
    assert len(list_runs(study.path)) == 3  # the consensus was not trained a second time
    kinds = [event.type for event in events]
    last = len(kinds) - 1 - kinds[::-1].index("item-ended")
    assert not any(
        isinstance(event, ProgressTold) and event.what == READ_AGAINST for event in events[:last]
    )
    assert {"ridge", "zero_shot", "others_majority"} <= board.baselines.keys()
    told = [RunFolder(run.path).summary() for run in list_runs(study.path)]
    assert all(one is not None and one.baselines == board.baselines for one in told)
    rows = {row.method: row for row in board.methods}
    assert rows["consensus"].gain is None
    for name in ("lora-visual-prompt", "hierarchical-bayes"):
        row = rows[name]
        assert row.test.macro.low <= row.test.macro.accuracy <= row.test.macro.high
        gained = row.test.macro.accuracy - rows["consensus"].test.macro.accuracy
        assert row.gain.value == pytest.approx(gained)
        assert row.gain.low <= row.gain.value <= row.gain.high
        assert 0 <= row.gain.p_raw <= row.gain.p <= 1
        assert 0 <= row.improved <= 1
        assert row.parameters > 0
        assert row.seconds > 0
        assert isinstance(row.verdict.passed, bool)
    assert set(board.swapped) == {"lora-visual-prompt", "hierarchical-bayes"}
    again, events = compared(
        plan_of(study, tiny_backbone, "lora-visual-prompt", "hierarchical-bayes", controls=True)
    )
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    assert again.methods == board.methods


@pytest.mark.soak
def test_that_a_run_of_an_earlier_revision_of_its_method_is_not_used_again(study: Study) -> None:
    plan = on_embeddings(study, "hierarchical-bayes", "selective")

    def states() -> dict[str, str]:
        return {
            str(item.method): str(item.state)
            for item in compared(plan)[1]
            if isinstance(item, ItemBegun)
        }

    assert set(states().values()) == {"new"}
    for run in list_runs(study.path):  # as the version before wrote them
        environment = RunFolder(run.path).environment().dump()
        assert environment.pop("revisions")["hierarchical-bayes"] > 1  # type: ignore[index, call-overload, operator]
        write_json(run.path / "environment.json", environment)
        write_manifest(run.path)
    assert states() == {"consensus": "reused", "hierarchical-bayes": "new", "selective": "new"}


@pytest.mark.soak
def test_that_one_process_trains_all_and_gives_what_a_process_each_gives(
    study: Study, tiny_backbone: str, tmp_path: Path
) -> None:
    from prism_desktop.engine.processes import pool, supervisor

    plan = plan_of(study, tiny_backbone, "text-token")
    compared(plan)
    runs = {run.method: RunFolder(run.path) for run in list_runs(study.path)}
    pool.close_waiting()
    alone = supervisor.start(
        study.path, plan.config("text-token").model_copy(update={"compare": False})
    )
    for _ in supervisor.follow(alone):
        pass
    assert alone.predictions().equals(runs["text-token"].predictions())


@pytest.mark.soak
def test_that_a_killed_comparison_goes_on(study: Study, tiny_backbone: str) -> None:
    options = {
        "backbone": tiny_backbone,
        **QUICK,
        "max_steps": 4000,
        "epochs": 400,
        "patience": 400,
    }
    options["checkpoint_seconds"] = 0.01
    code = (
        "import sys, json\nfrom pathlib import Path\nfrom "
        "prism_desktop.engine.experiments.comparison import compare\n"
        "from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan\n"
        "for batch in "
        f"compare(ComparisonPlan(Path({str(study.path)!r}), ('consensus',), "
        f"json.loads({json.dumps(options)!r}))):\n    for event in batch:\n        "
        "print(event.model_dump_json(), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "step" and event["step"] > 25:
                os.kill(process.pid, signal.SIGKILL)
                break
    (run,) = [RunFolder(run.path) for run in list_runs(study.path)]
    trainer = run.status().pid
    assert trainer is not None
    for _ in range(600):
        if run.status().state == "interrupted":
            break
        time.sleep(0.1)
    assert run.status().state == "interrupted"  # and not stopped and tested
    assert run.summary() is None
    events = compare(ComparisonPlan(study.path, ("consensus",), options))
    seen = []
    for batch in events:
        seen += batch
        if any(isinstance(event, Resumed) for event in batch):
            break
    events.close()
    assert next(event for event in seen if isinstance(event, ItemBegun)).state == "resumed"
    assert next(event for event in seen if isinstance(event, Resumed)).step > 20


def test_that_a_method_that_fails_is_told_and_the_others_go_on(
    study: Study, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prism_desktop.engine.experiments import comparison_runs

    copy = comparison_runs.copy_snapshot

    def without_pairs(source: RunFolder, run: RunFolder) -> None:
        copy(source, run)
        if run.config().method == "retrieval":
            (run.data / "pairs.parquet").unlink()

    monkeypatch.setattr(comparison_runs, "copy_snapshot", without_pairs)
    board, _ = compared(plan_of(study, tiny_backbone, "retrieval", "hierarchical-bayes"))
    assert [one.method for one in board.failed] == ["retrieval"]
    assert "lacks data/pairs.parquet" in board.failed[0].message
    assert {row.method for row in board.methods} == {"consensus", "hierarchical-bayes"}


def test_that_a_second_call_leaves_the_data_of_a_running_comparison_alone(
    study: Study, tiny_backbone: str
) -> None:
    plan = plan_of(study, tiny_backbone, "retrieval", name="one")
    folder = prepared(plan).path
    before = (folder / "data-1" / "data" / "pairs.parquet").read_bytes()
    study.withdraw(study.trials("L1", "comparison")[0].id)
    with (
        held(folder, "The comparison one"),
        pytest.raises(RunError, match="The comparison one goes on already"),
    ):
        compared(plan)
    assert (folder / "data-1" / "data" / "pairs.parquet").read_bytes() == before


def test_that_the_data_are_taken_in_another_process_which_is_watched(
    study: Study, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: object) -> None:
        raise AssertionError("the data are taken in the process that compares")

    monkeypatch.setattr(study_data, "take_snapshot", here)
    plan, told = plan_of(study, tiny_backbone, "retrieval", cross_fit=True, name="one"), []
    events = compare(plan)
    for batch in events:
        told += batch
        if any(isinstance(event, ComparisonBegun) for event in batch):
            break
    events.close()
    said = {event.what for event in told if isinstance(event, ProgressTold)}
    assert "Splitting the answers" in said
    assert "Splitting the answers, data 6 of 6" in said  # the other folds
    folder = folder_of(plan)
    assert sorted(path.name for path in folder.glob("*data*")) == [f"data-{n}" for n in range(1, 8)]
    tested = [RunFolder(folder / f"data-{n}").table("images") for n in range(1, 8)]
    faces = pd.concat([table[table["split"] == "test"]["image"] for table in tested])
    assert sorted(faces) == sorted(image.id for image in study.images())
    assert not list_runs(study.path)


@pytest.mark.soak
def test_that_embeddings_imported_again_are_trained_on_again(study: Study) -> None:
    images = [image.id for image in study.images()]
    options = {"backbone": "embeddings:mine"}
    plan = ComparisonPlan(study.path, ("hierarchical-bayes",), options, cross_fit=False)

    def states(seed: int) -> set[str]:
        path_of(study.path, "mine").unlink(missing_ok=True)
        numbers = np.random.default_rng(seed).normal(size=(len(images), 4)).astype(np.float32)
        write_embeddings(study.path, "mine", images, numbers)
        return {str(event.state) for event in compared(plan)[1] if isinstance(event, ItemBegun)}

    assert states(0) == {"new"}
    first = next(
        RunFolder(run.path) for run in list_runs(study.path) if run.method == "hierarchical-bayes"
    )
    assert states(0) == {"reused"}
    assert states(1) == {"new"}
    with pytest.raises(RunError, match="imported anew"):
        list(open_fitter(first))


def test_that_wrong_input_is_one_sentence_before_anything_is_trained(
    study: Study, make_study: MakeStudy, tiny_backbone: str
) -> None:
    wrong = {
        "unknown": plan_of(study, tiny_backbone, "magic"),
        "no labeler has one": plan_of(study, tiny_backbone, "profile-text"),
        "no labeler L9": ComparisonPlan(study.path, ("consensus",), {"labelers": ("L9",)}),
        "seeds": plan_of(study, tiny_backbone, "consensus", seeds=0),
        "needs two": plan_of(
            make_study("one", labelers=1, images=42, comparisons=60), tiny_backbone, "retrieval"
        ),
        "no setting": plan_of(study, tiny_backbone, "consensus", settings=("lora_rl=1",)),
        "cannot name a comparison": plan_of(
            study, tiny_backbone, "consensus", name="../../elsewhere"
        ),
        "no study": ComparisonPlan(study.path / "nowhere", ("consensus",)),
    }
    for words, plan in wrong.items():
        with pytest.raises(InputError, match=words):
            prepared(plan)
    assert not list_runs(study.path)


def test_that_a_device_that_is_not_there_ends_the_comparison_and_leaves_no_run(
    study: Study, tiny_backbone: str
) -> None:
    plan = ComparisonPlan(
        study.path,
        ("retrieval", "text-token"),
        {"backbone": tiny_backbone, **QUICK, "device": "mps"},
    )
    with pytest.raises(InputError, match=r"mps|Apple|Metal"):
        compared(plan)
    assert not list_runs(study.path)


def test_that_a_method_that_reads_answers_about_tested_faces_is_marked_and_no_control_speaks_of_it(
    study: Study, tiny_backbone: str
) -> None:
    board, events = compared(
        plan_of(study, tiny_backbone, "collaborative", "hierarchical-bayes", controls=True)
    )
    marked = {row.method for row in board.methods if row.reads_tested_faces}
    assert marked == {"collaborative"}
    assert set(board.swapped) == {"hierarchical-bayes"}
    assert [one.method for one in board.unswapped] == ["collaborative"]
    text = (Path(str(events[-1].path)) / "leaderboard.md").read_text()
    assert "| collaborative * |" in text
    assert "\\* uses the other labelers' answers about the very faces tested" in text
    run = next(
        RunFolder(run.path) for run in list_runs(study.path) if run.method == "collaborative"
    )
    assert (
        "\\* uses the other labelers' answers"
        in (run.path / "summary.md").read_text().split("## By labeler")[0]
    )
    with pytest.raises(InputError, match="no control of collaborative"):
        evaluate_run(run, ("L1", "L2"))


def test_that_shuffled_labelers_leave_out_what_reads_answers_about_tested_faces(
    study: Study, tiny_backbone: str
) -> None:
    found = prepared(plan_of(study, tiny_backbone, "collaborative", "retrieval", shuffled=True))
    assert found.variants == (Variant("consensus"), Variant("retrieval"))
    assert "this control says nothing about it" in found.left_out["collaborative"]
    with pytest.raises(InputError, match="no control of collaborative"):
        prepared(plan_of(study, tiny_backbone, "collaborative", shuffled=True))


def test_that_all_leaves_out_what_is_impossible(study: Study, tiny_backbone: str) -> None:
    found = prepared(plan_of(study, tiny_backbone, "all"))
    assert "profile-text" in found.left_out
    methods = [variant.method for variant in found.variants]
    assert "profile-text" not in methods
    assert methods[0] == "consensus"
    assert methods.index("lora-visual-prompt") < methods.index("ensemble")


def test_that_shuffled_labelers_keep_the_answers_and_the_test(
    study: Study, tiny_backbone: str
) -> None:
    plain = prepared(plan_of(study, tiny_backbone, "hierarchical-bayes")).sources["consensus", 0]
    before = plain.table("pairs")
    found = prepared(plan_of(study, tiny_backbone, "hierarchical-bayes", shuffled=True)).sources[
        "consensus", 0
    ]
    after = found.table("pairs")
    keys = ["trial", "attribute", "left", "right", "outcome", "split"]
    pd.testing.assert_frame_equal(before[keys], after[keys])
    test = before["split"] == "test"
    assert (before["labeler"] == after["labeler"])[test].all()
    assert (before["labeler"] != after["labeler"])[~test].mean() > 0.3
    assert "permuted" in found.meta().notices[0]
