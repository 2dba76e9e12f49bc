"""A disk that cannot be read says nothing of the files: none is called damaged, none deleted."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from prism_desktop.engine.errors import FailedReadError, UnreadableError
from prism_desktop.engine.runs import checkpoint, layout
from prism_desktop.engine.runs.checkpoint import Checkpoint
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_folder, write_manifest
from prism_desktop.engine.runs.metrics_file import read_metrics
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.tensor_files import read_arrays
from tests.cli.test_study_commands import run as command
from tests.engine.runs.test_failure_report import failed_run
from tests.fixtures.failing_reads import failing_reads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/mem")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with a file of each kind."""
    made = failed_run(tmp_path_factory.mktemp("runs"))
    save_file({"a": torch.ones(3)}, made.path / "model.safetensors")
    (made.path / layout.METRICS).write_text("x")
    (made.path / layout.SUMMARY).write_text("{}")
    write_manifest(made.path)
    return made


READINGS: dict[str, Callable[[RunFolder], object]] = {
    "summary": lambda run: run.summary(),
    "events": lambda run: run.events(),
    "curves": lambda run: read_metrics(run.path / layout.METRICS),
    "tensors": lambda run: read_arrays(run.path / "model.safetensors"),
    "table": lambda run: run.table("pairs"),
    "marks": lambda run: check_folder(run.path),
}


@pytest.mark.parametrize("name", READINGS)
def test_that_a_disk_that_fails_is_not_called_damage(name: str, run: RunFolder) -> None:
    with (
        failing_reads(lambda path: run.path in path.parents),
        pytest.raises(FailedReadError, match=r"failed to read or write .*may be whole") as told,
    ):
        READINGS[name](run)
    assert told.value.exit_code == 1
    assert isinstance(told.value, UnreadableError)  # it is passed over where damage is
    assert "copy of the file back" not in str(told.value)


def test_that_runs_are_listed_though_the_disk_fails(run: RunFolder) -> None:
    with failing_reads(lambda path: run.path in path.parents):
        (found,) = list_runs(run.study)
    assert found.path == run.path
    assert "Input/output error" in found.damage


def test_that_a_checkpoint_that_cannot_be_read_now_is_not_deleted(tmp_path: Path) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, Checkpoint({"a": torch.full((2,), step)}, {"step": step}), step)
    for file in (layout.STATE, layout.MANIFEST):
        with (
            failing_reads(lambda path, file=file: path.name == file),  # type: ignore[misc]
            pytest.raises(FailedReadError, match="may be whole"),
        ):
            checkpoint.recover(tmp_path)
    found, damaged = checkpoint.recover(tmp_path)
    assert found is not None
    assert (found.cursor, damaged) == ({"step": 2}, 0)


@pytest.mark.parametrize("words", ["predict RUN", "resume RUN", "evaluate RUN"])
def test_that_a_command_on_a_run_says_that_the_disk_failed(
    words: str, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [run.path if word == "RUN" else word for word in words.split()]
    with failing_reads(lambda path: run.path in path.parents):
        assert command(*given) == 1
    assert "The disk failed to read" in (told := capsys.readouterr().err)
    assert told.count("prism-desktop: ") == 1
