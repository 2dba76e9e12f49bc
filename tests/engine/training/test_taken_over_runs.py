"""A process that was silent for so long that another computer goes on with its run leaves it."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prism_desktop.engine.errors import TakenOverError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.processes.reported_training import train_reported
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.process_identity import birth
from prism_desktop.engine.runs.run_events import Finished, Stage, Step, TrainingEvent
from prism_desktop.engine.runs.status import SILENT_SECONDS
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.run_making import begin_writing
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_session import train_writing
from tests.fixtures.runs import MakeRun

TrainHere = Callable[..., list[TrainingEvent]]
# What another computer leaves in the status of a run that it took over.
OTHERS = [
    {"state": "training", "pid": os.getpid(), "born": birth(os.getpid()), "host": "node7"},
    {"state": "paused", "pid": 77, "born": "1", "host": "node7"},
    {"state": "finished"},
    {"state": "stopped", "message": "Stopped there."},
    {"state": "failed", "message": "Failed there."},
    {"state": "interrupted"},
    {"state": "discarded"},
]


def taken(run: RunFolder, said: dict[str, object]) -> dict[str, bytes]:
    """Another computer takes a run over; what its folder holds then."""
    (run.path / layout.STATUS).write_text(json.dumps({**said, "updated": time.time()}))
    return contents(run)


def contents(run: RunFolder) -> dict[str, bytes]:
    return {
        path.relative_to(run.path).as_posix(): path.read_bytes()
        for path in sorted(run.path.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


class Others:
    """Take a run over when its process first tells of a step."""

    def __init__(self, run: RunFolder, said: dict[str, object]) -> None:
        self.run, self.said = run, said
        self.left: dict[str, bytes] = {}

    def hear(self, event: object) -> None:
        if isinstance(event, Step) and not self.left:
            self.left = taken(self.run, self.said)


@pytest.mark.parametrize("said", OTHERS, ids=lambda said: str(said["state"]))
def test_that_it_leaves_a_run_that_judges_as_the_others_have_it(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, said: dict[str, object]
) -> None:
    run = make_run(tiny_study, compare=False, start="random")
    others = Others(run, said)
    with pytest.raises(TakenOverError, match="this one has left it"):
        train_here(run, others.hear)
    assert contents(run) == others.left != {}


@pytest.mark.parametrize("said", OTHERS[:3], ids=lambda said: str(said["state"]))
def test_that_it_leaves_a_run_that_writes_as_the_others_have_it(
    written_study: Path, tmp_path: Path, tiny_language_model: str, said: dict[str, object]
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    small = ["epochs=2", "batch=8", "rank=2", "held_out=0", "entry_steps=1"]
    run = begin_writing(study, WritingConfig.of("unified-lora", options, small))
    others = Others(run, said)
    with pytest.raises(TakenOverError, match="this one has left it"):
        list(map(others.hear, train_writing(run)))
    assert contents(run) == others.left != {}


def test_that_its_process_says_nothing_more_in_the_run(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, compare=False, start="random")
    working = train_reported(run, Control(run))
    for _ in working:
        if any(isinstance(event, Step) for event in run.events()[0]):
            break
    before = taken(run, OTHERS[0])
    with pytest.raises(TakenOverError, match=r"goes on on node7, in another process"):
        list(working)
    run.abandon()
    assert contents(run) == before


def test_that_a_consensus_which_was_taken_over_is_waited_for(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study)
    consensus: list[RunFolder] = []
    waited: list[str] = []

    def hear(event: TrainingEvent) -> None:
        if isinstance(event, Stage) and event.name == "consensus":
            consensus.append(RunFolder(run.path.with_name(event.run)))
        if not isinstance(event, Progress):
            return
        if event.what.startswith("Training consensus") and len(consensus) == 1 and not waited:
            taken(consensus[0], OTHERS[0])
        if event.what.startswith("Waiting for"):
            waited.append(event.what)
            silent = {**OTHERS[0], "updated": time.time() - 2 * SILENT_SECONDS}
            (consensus[0].path / layout.STATUS).write_text(json.dumps(silent))

    events = train_here(run, hear)
    assert isinstance(events[-1], Finished)
    assert waited == [f"Waiting for {consensus[0].name}, which another process trains on node7"]
    assert [again.path for again in consensus] == [consensus[0].path] * 2
    assert (run.status().state, consensus[0].status().state) == ("finished", "finished")


def test_that_a_unified_run_which_was_taken_over_is_waited_for(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    small = ["epochs=2", "batch=8", "rank=2", "held_out=0", "entry_steps=1", "prefix=2"]
    run = begin_writing(study, WritingConfig.of("prefix-on-unified", options, small))
    unified: list[RunFolder] = []
    waited: list[str] = []
    for event in train_writing(run):
        if isinstance(event, Stage) and event.name == "consensus":
            unified.append(RunFolder(run.path.with_name(event.run)))
        if isinstance(event, Progress) and event.what.startswith("Training") and not waited:
            taken(unified[0], OTHERS[0])
        if isinstance(event, Progress) and event.what.startswith("Waiting for"):
            waited.append(event.what)
            silent = {**OTHERS[0], "updated": time.time() - 2 * SILENT_SECONDS}
            (unified[0].path / layout.STATUS).write_text(json.dumps(silent))
    assert waited == [f"Waiting for {unified[0].name}, which is trained on node7"]
    assert [again.path for again in unified] == [unified[0].path] * 2
    assert (run.status().state, unified[0].status().state) == ("finished", "finished")
