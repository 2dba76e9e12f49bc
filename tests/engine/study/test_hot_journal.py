"""A change that was cut off while the database had a journal, as an upgrade has."""

import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import CorruptStudyError, StudyError
from prism_desktop.engine.study.store import Study
from tests.upgrades.test_upgrades import DUMPS


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """A study of the first schema whose change was cut off, with half of it in the database."""
    live, left = tmp_path / "live", tmp_path / "left"
    live.mkdir()
    with closing(sqlite3.connect(live / "study.sqlite3", isolation_level=None)) as connection:
        connection.executescript(DUMPS[0].read_text("utf-8"))
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("UPDATE meta SET value = 'Half' WHERE key = 'name'")
        connection.execute("CREATE TABLE half AS SELECT hex(randomblob(20000)) FROM meta")
        shutil.copytree(live, left)
    assert (left / "study.sqlite3-journal").stat().st_size > 0
    return left


def test_that_a_change_that_was_cut_off_is_undone_on_opening(cut_off: Path) -> None:
    with Study.open(cut_off) as study:
        assert study.info().name == "Old study"
        assert len(study.trials(current=False)) == 5
    assert not (cut_off / "study.sqlite3-journal").exists()


def test_that_reading_leaves_it_to_a_writer(cut_off: Path) -> None:
    before = {path.name: path.read_bytes() for path in cut_off.iterdir()}
    with pytest.raises(StudyError, match="cut off"):
        Study.open(cut_off, read_only=True)
    assert {path.name: path.read_bytes() for path in cut_off.iterdir()} == before


def test_that_a_journal_that_names_a_file_elsewhere_deletes_nothing(
    cut_off: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("mine")
    name = str(other).encode()
    with (cut_off / "study.sqlite3-journal").open("ab") as journal:
        checksum = sum(struct.unpack(f"{len(name)}b", name)) & 0xFFFFFFFF
        head = struct.pack(">I", 0x40000000 // 4096 + 1)
        tail = struct.pack(">II", len(name), checksum) + bytes.fromhex("d9d505f920a163d7")
        journal.write(head + name + tail)
    with pytest.raises(CorruptStudyError, match="names another file"):
        Study.open(cut_off)
    assert other.read_text() == "mine"
