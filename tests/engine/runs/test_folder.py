import json
import os
from pathlib import Path

import psutil
import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.files import write_json, write_whole
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.process_identity import birth, is_alive
from prism_desktop.engine.runs.run_events import NoticeTold
from prism_desktop.engine.runs.run_list import list_runs

NOBODY = 4_000_000  # beyond the largest process number


def test_that_runs_made_in_the_same_second_differ_in_name(tmp_path: Path) -> None:
    runs = [RunFolder.create(tmp_path, TrainConfig()) for _ in range(3)]
    assert len({run.name for run in runs}) == 3
    assert all(run.name.partition("-lora-visual-prompt")[1] for run in runs)
    assert {summary.path for summary in list_runs(tmp_path)} == {run.path for run in runs}


def test_that_a_run_whose_process_is_gone_is_interrupted(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("training", pid=os.getpid())
    assert run.status().state == "training"
    run.set_status("training", pid=NOBODY)
    assert run.status().state == "interrupted"
    run.set_status("finished")
    assert run.status().state == "finished"


def test_that_a_later_process_with_the_same_number_is_not_taken_for_the_first() -> None:
    assert is_alive(os.getpid(), birth(os.getpid()))
    if birth(os.getpid()):
        assert not is_alive(os.getpid(), "1")
    assert not is_alive(NOBODY)
    assert not is_alive(None)


def test_that_a_half_written_event_waits_and_a_spoiled_one_is_passed_over(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    path = run.path / "events.jsonl"
    assert run.events() == ([], 0)
    path.write_bytes(b'{"type": "stage"}\n{"type": "st')
    events, offset = run.events()
    assert [event.type for event in events] == ["stage"]
    assert run.events(offset) == ([], offset)
    log = EventLog(run)  # as the next process after a kill
    log.write(NoticeTold(text="ü"))
    log.close()
    assert [event.type for event in run.events(offset)[0]] == ["notice"]


def test_that_commands_are_heard_and_a_lost_parent_means_stop(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    assert Control(run).poll() == "run"
    run.tell("pause")
    assert Control(run, os.getpid(), birth(os.getpid())).poll() == "pause"
    assert Control(run, NOBODY).poll() == "stop"
    run.tell("discard")
    assert Control(run, NOBODY).poll() == "discard"


def test_that_a_folder_that_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run.* runs list STUDY"):
        RunFolder.open(tmp_path)
    (tmp_path / "runs" / "junk").mkdir(parents=True)
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "config.json").write_text("{")
    assert list_runs(tmp_path) == ()


def test_that_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_json(path, {"state": "training"})

    def fail(beside: Path) -> None:
        beside.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, fail)
    assert path.read_text().startswith('{\n  "state": "training"')
    assert [child.name for child in tmp_path.iterdir()] == ["status.json"]


def test_that_a_number_that_a_stranger_wrote_trains_nothing(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("training", pid=os.getpid())
    assert run.status().state == "training"
    if psutil.LINUX:
        for pid, born in ((1, ""), (os.getpid(), ""), (os.getpid(), "7")):
            stored = {"state": "training", "pid": pid, "born": born}
            (run.path / layout.STATUS).write_text(json.dumps(stored))
            assert run.status().state == "interrupted"
