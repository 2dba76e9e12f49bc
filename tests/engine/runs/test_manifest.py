"""Marks of a run's files: who writes one file anew neither accuses it nor pardons the others."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.engine import foreign_files
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.curve_files import (
    CurvePoint,
    Forecast,
    LearningCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import changing, differences, read_manifest, write_manifest
from prism_desktop.engine.tensor_files import read_arrays, read_header


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that has ended, with marks."""
    made = RunFolder.create(tmp_path, TrainConfig())
    made.set_status("finished")
    made.tell("run")
    (made.path / layout.SUMMARY).write_text("{}")
    (made.path / layout.METRICS).write_text("no curves")
    (made.path / layout.EVENTS).write_text("")
    write_manifest(made.path)
    return made


def test_that_an_order_or_a_status_after_the_end_passes_for_no_damage(run: RunFolder) -> None:
    run.tell("stop", tested=True)
    run.set_status("failed", message="The disk is full.")
    assert not [*differences(run.path)]
    (run.path / layout.STATUS).write_text("{}")
    assert [name for name, _ in differences(run.path)] == [layout.STATUS]


def test_that_a_kill_while_a_file_is_written_anew_accuses_none(run: RunFolder) -> None:
    def killed() -> None:
        with changing(run.path, layout.STATUS):
            (run.path / layout.STATUS).write_text('{"state": "failed"}')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert not [*differences(run.path)]


@pytest.mark.soak
def test_that_an_order_that_comes_while_a_run_is_marked_passes_for_no_damage(
    run: RunFolder,
) -> None:
    (run.path / layout.MANIFEST).unlink()
    with changing(run.path, layout.CONTROL):  # the run ends between its two steps
        write_manifest(run.path)
        (run.path / layout.CONTROL).write_text('{"command": "stop"}')
    assert not [*differences(run.path)]


def curve(answers: int) -> LearningCurve:
    return LearningCurve(
        method="ridge", backbone="mini", fingerprint=str(answers), curve=Forecast(),
        points=(CurvePoint(answers=answers, accuracy=0.5, error=0.1),),
    )  # fmt: skip


def test_that_a_new_curve_does_not_pardon_a_damaged_one(tmp_path: Path) -> None:
    config = TrainConfig(method="ridge")
    first = save_curve(tmp_path, config, {}, curve(10))
    first.write_text(first.read_text().replace("0.5", "0.9"))
    second = save_curve(tmp_path, config, {}, curve(20))
    assert [name for name, _ in differences(first.parent)] == [first.name]
    (first.parent / layout.MANIFEST).write_text("[]")
    save_curve(tmp_path, config, {}, curve(20))
    marks = read_manifest(first.parent)
    assert marks is not None
    assert marks.files.keys() == {second.name}


READERS: dict[str, Callable[[RunFolder], Any]] = {
    "record": lambda run: run.summary(),
    "curves": lambda run: run.metrics(),
    "events": lambda run: run.events(),
    "header": lambda run: read_header(run.path / layout.SUMMARY),
    "tensors": lambda run: read_arrays(run.path / layout.SUMMARY),
}


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_that_a_disk_that_fails_is_not_a_damaged_file(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, reader: str, marked: bool
) -> None:
    if not marked:
        (run.path / layout.MANIFEST).unlink()
    opened = os.open

    def failing(path: Any, *more: Any, **options: Any) -> int:
        if Path(path).name in (layout.SUMMARY, layout.METRICS, layout.EVENTS):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *more, **options)

    monkeypatch.setattr(foreign_files.os, "open", failing)
    with pytest.raises(
        UnreadableError, match=r"Input/output error\); the file itself may be whole\."
    ) as told:
        READERS[reader](run)
    assert "check the disk" in str(told.value)
    assert "anew" not in str(told.value)
    assert told.value.exit_code == 1


@pytest.mark.parametrize("name", ["adapter/x\0y", "/etc/passwd", "../other", "a//b", ".", "a/../b"])
def test_that_marks_of_files_elsewhere_are_none(run: RunFolder, name: str) -> None:
    text = json.dumps({"files": {name: {"bytes": 1, "sha256": "0" * 64}}, "sha256": _sum(name)})
    (run.path / layout.MANIFEST).write_text(text)
    with pytest.raises(UnreadableError):
        read_manifest(run.path)


def _sum(name: str) -> str:
    return hashlib.sha256(f"{name} 1 {'0' * 64}".encode()).hexdigest()
