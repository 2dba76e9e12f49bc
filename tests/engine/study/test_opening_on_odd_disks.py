"""A study on a disk that is full or read-only: it opens, whatever else cannot be done there."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from prism_desktop.engine.errors import DiskFullError, ReadOnlyStudyError
from prism_desktop.engine.study.store import Study
from tests.cli.test_fault_table import disk, full, read_only
from tests.fixtures.study import fill

__all__ = ["disk"]


@pytest.fixture
def overdue(disk: Path) -> Path:
    """A study on the small disk whose automatic backup is due."""
    if not disk.is_mount():
        pytest.skip("only root may mount a disk")
    path = disk / "s.prism"
    if not path.exists():
        with Study.create(path, attributes=("smart",)) as study:
            fill(study)
            study.add_labeler("talkative", profile="x" * 2_000_000)
    for copy in (path / "backups").iterdir():
        copy.unlink()
    with closing(sqlite3.connect(path / "study.sqlite3")) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'created'")
        connection.commit()
    return path


@contextmanager
def hardly_any_room(disk: Path) -> Iterator[None]:
    """Room for SQLite's log, but not for a copy of the study."""
    with full(disk):
        filler = disk / "filler"
        os.truncate(filler, filler.stat().st_size - 600_000)
        yield


def test_that_a_study_without_any_room_is_a_sentence_and_opens_once_there_is_some(
    overdue: Path,
) -> None:
    with full(overdue.parent), pytest.raises(DiskFullError, match="Make room and try again"):
        Study.open(overdue)
    with Study.open(overdue) as study:
        assert len(study.trials()) > 0


def test_that_a_study_on_a_full_disk_opens_and_says_that_its_backup_failed(
    overdue: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), hardly_any_room(overdue.parent):
        with Study.open(overdue) as study:
            assert len(study.trials()) > 0
            assert study._automatic is not None
            assert study._automatic.looked.wait(20)
            assert "no backup was made" in str(study.backup_failure)
            assert "backup" in [problem.kind for problem in study.check()]
        assert list((overdue / "backups").iterdir()) == []
    assert [r.message for r in caplog.records if "automatic backup failed" in r.message]
    with Study.open(overdue) as study:
        assert len(study.trials()) > 0
    assert study.backup_failure is None
    assert len(study.backups()) == 1


def test_that_a_study_on_a_read_only_disk_opens_for_looking_and_nothing_is_tried_there(
    overdue: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = sorted(overdue.rglob("*"))
    with caplog.at_level(logging.WARNING), read_only(overdue.parent):
        with pytest.raises(ReadOnlyStudyError, match="open it read-only"):
            Study.open(overdue)
        with Study.open(overdue, read_only=True) as study:
            assert len(study.trials()) > 0
            assert study.backup_failure is None
    assert sorted(overdue.rglob("*")) == before
    assert caplog.records == []
