"""Records are written strictly, and read whatever version wrote them."""

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Counts,
    Result,
    SplitReport,
    Summary,
)
from prism_desktop.engine.runs.run_events import Finished, Stage, Step, logged, parse_events


def test_that_our_own_code_cannot_write_an_unknown_field_or_change_a_record() -> None:
    with pytest.raises(ValidationError, match="accuraccy"):
        Accuracy(accuraccy=0.5)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="frozen"):
        Counts().train = 3  # type: ignore[misc]


def test_that_a_field_of_a_later_version_is_passed_over_at_every_depth() -> None:
    found = Summary.parse(
        {"method": "m", "mood": 1, "test": {"macro": {"accuracy": 0.5, "mood": 2}, "mood": 3}}
    )
    assert found.test.macro.accuracy == 0.5
    assert found.dump() == {"method": "m", "test": {"macro": {"accuracy": 0.5}}}


def test_that_what_an_earlier_version_did_not_write_is_none_and_not_written() -> None:
    found = Summary.parse({"method": "consensus", "test": {"micro": {"accuracy": None}}})
    assert (found.seconds, found.gain, found.consensus, found.trained) == (None, None, None, None)
    assert found.test.macro.accuracy is None
    assert set(found.dump()) == {"method", "test"}


def test_that_earlier_spellings_are_understood() -> None:
    found = Summary.parse(
        {"method": "m", "split": "pair", "parameters": 15, "seconds_per_epoch": 3.0, "epochs": 4}
    )
    assert found.split == SplitReport(kind="pair")
    assert (found.trained, found.training_seconds) == (15, 12.0)


def test_that_a_file_that_holds_something_else_is_none_and_told_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "summary.json"
    assert Summary.load(path) is None
    path.write_text('{"test": {"macro": {"accu')
    assert Summary.load(path) is None
    assert not caplog.records
    path.write_text('{"test": {"macro": {"accuracy": "high"}}}')
    with caplog.at_level(logging.WARNING):
        assert Summary.load(path) is None
    assert "summary.json holds no Summary" in caplog.text


def test_that_saving_and_loading_is_the_same_record(tmp_path: Path) -> None:
    record = Summary(
        method="m", test=Result(macro=Accuracy(accuracy=0.5, low=0.4, high=0.6, n=3)), seed=1
    )
    record.save(tmp_path / "summary.json")
    assert Summary.load(tmp_path / "summary.json") == record


def test_that_events_are_lines_with_their_time_and_type_first(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    summary, log = Summary(method="m"), EventLog(run)
    told = [
        Stage(name="preparing", process="started"),
        Stage(name="training"),
        Step(epoch=1, step=1, loss=0.5, accuracy=None),
        logged(Notice("ü")),
        logged(Progress(1, None, "Reading")),
        Finished(best_epoch=1, summary=summary, time=5.0),
    ]
    for event in told:
        log.write(event)
    log.close()
    lines = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert all(list(line)[:2] == ["time", "type"] for line in lines)
    assert all(line["time"] > 0 for line in lines)
    assert [line.get("process") for line in lines[:2]] == ["started", None]
    assert lines[2]["accuracy"] is None
    assert lines[-1] == {
        "time": 5.0,
        "type": "finished",
        "best_epoch": 1,
        "summary": {"method": "m"},
    }
    found, _ = run.events()
    assert [event.model_copy(update={"time": 0.0}) for event in found[:-1]] == told[:-1]
    assert found[-1] == told[-1]


def test_that_lines_that_are_no_events_of_this_version_are_passed_over() -> None:
    block = (
        b'{"type": "sparkle", "n": 1}\n[]\n{"type": "step", "epoch": 1}\n{"type": "st\n'
        b'{"type": "step", "epoch": 1, "step": 2, "mood": 3}\n'
    )
    assert list(parse_events(block)) == [Step(epoch=1, step=2)]
