"""A large database that was found sound is not looked through again, unless anything of it may have
changed since."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine import paths
from prism_desktop.engine.study import sound_files, sound_rows
from prism_desktop.engine.study.row_rules import RULES
from prism_desktop.engine.study.store import Study
from tests.engine.study.damage import unguarded
from tests.fixtures.study import MakeStudy

ODD = "UPDATE answer SET value = 7 WHERE trial_id = 2"


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that were looked through, as that happens; a small study counts as a large one."""
    if not Path("/proc/self/mounts").exists():
        pytest.skip("only Linux says which file system a folder lies on")
    monkeypatch.setattr(sound_files, "_LARGE", 0)
    monkeypatch.setattr(sound_files, "_SETTLED", 0.05)
    monkeypatch.setattr(sound_files, "_EXACT", {sound_files.file_system(Path.cwd())})
    monkeypatch.setattr(sound_files, "file_system", lambda folder: next(iter(sound_files._EXACT)))
    done: list[str] = []
    look = sound_rows._hide

    def hide(connection: sqlite3.Connection, table: str, *rest: object) -> bool:
        done.append(table)
        return look(connection, table, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sound_rows, "_hide", hide)
    return done


@pytest.fixture
def sound(make_study: MakeStudy, looked: list[str]) -> Path:
    """A study that was found sound."""
    study = make_study("sound", images=7, comparisons=6, ratings=5)
    study.close()
    time.sleep(0.1)
    Study.open(study.path, read_only=True).close()
    looked.clear()
    return study.path


def opened(study: Path) -> tuple[int, tuple[str, ...]]:
    """How many trials a reader sees, and what is passed over."""
    with Study.open(study, read_only=True) as reader:
        return len(reader.trials(current=False)), reader.info().passed_over


def test_that_what_nobody_touched_is_looked_through_once(sound: Path, looked: list[str]) -> None:
    count, odd = opened(sound)
    with Study.open(sound) as study:
        assert (len(study.trials(current=False)), study.info().passed_over) == (count, odd)
    assert opened(sound) == (count, ())  # after a writer who wrote nothing
    assert looked == []
    assert odd == ()
    assert count > 0


def statement(study: Path) -> None:
    """Damage of rows."""
    with closing(sqlite3.connect(study / "study.sqlite3")) as connection, unguarded(connection):
        connection.execute(ODD)
        connection.commit()


def damaged_copy(study: Path) -> bytes:
    """The bytes of the database with an odd row; the database itself is left as it is."""
    copy = study.parent / "copy.prism"
    copy.mkdir()
    shutil.copy2(study / "study.sqlite3", copy)
    statement(copy)
    return (copy / "study.sqlite3").read_bytes()


def in_place(study: Path) -> None:
    """Bytes are written over, as a damaged disk or an editor of bytes would."""
    content = damaged_copy(study)
    with (study / "study.sqlite3").open("r+b") as file:
        file.write(content)


def replaced(study: Path) -> None:
    """Another file takes the place, with the same size and date."""
    content, file = damaged_copy(study), study / "study.sqlite3"
    (study / "new").write_bytes(content)
    shutil.copystat(file, study / "new")
    (study / "new").replace(file)


def elsewhere(study: Path) -> None:
    """The whole folder is replaced by a copy that keeps every date."""
    content = damaged_copy(study)
    shutil.copytree(study, study.with_name("other"))
    (study.with_name("other") / "study.sqlite3").write_bytes(content)
    shutil.copystat(study / "study.sqlite3", study.with_name("other") / "study.sqlite3")
    shutil.rmtree(study)
    study.with_name("other").rename(study)


@pytest.mark.parametrize("change", [statement, in_place, replaced, elsewhere])
def test_that_any_change_is_looked_for_again(
    sound: Path, looked: list[str], change: Callable[[Path], None]
) -> None:
    file = sound / "study.sqlite3"
    before, count = file.stat(), opened(sound)[0]
    change(sound)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    time.sleep(0.1)
    for _ in range(2):  # what is not sound is not noted
        looked.clear()
        seen, odd = opened(sound)
        assert seen == count - 1
        assert "answer" in odd[0]
        assert "trial" in looked


def test_that_a_log_that_was_left_is_looked_through(
    sound: Path, looked: list[str], tmp_path: Path
) -> None:
    file, count = sound / "study.sqlite3", opened(sound)[0]
    log = file.with_name("study.sqlite3-wal")
    work = tmp_path / "work.prism"
    work.mkdir()
    shutil.copy2(file, work)
    with closing(sqlite3.connect(work / "study.sqlite3")) as connection:
        with unguarded(connection):
            connection.execute(ODD)
        connection.commit()
        content = (work / "study.sqlite3-wal").read_bytes()
        assert content
        assert (work / "study.sqlite3").read_bytes() == file.read_bytes()
    log.write_bytes(content)
    assert opened(sound)[0] == count - 1
    assert "answer" in looked


def test_that_a_change_of_a_moment_ago_is_looked_for_again(
    sound: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one tick of the disk's clock bear the same time."""
    with Study.open(sound) as study:
        study.add_labeler("new")
    monkeypatch.setattr(sound_files, "_SETTLED", 3600.0)
    for _ in range(2):
        looked.clear()
        opened(sound)
        assert "trial" in looked


@pytest.mark.parametrize("what", ["rules", "disk", "note"])
def test_that_without_a_note_that_holds_everything_is_looked_through(
    sound: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "rules":  # a later version of the program looks for more
        monkeypatch.setattr(sound_files, "RULES", RULES[1:])
        sound_files._rules.cache_clear()
    elif what == "disk":  # FAT, say, keeps only what anybody can set
        monkeypatch.setattr(sound_files, "file_system", lambda folder: "vfat")
    else:
        (paths.config() / "looked_through.json").write_text("[1, {")
    opened(sound)
    sound_files._rules.cache_clear()
    assert "trial" in looked


def test_that_nothing_is_remembered_inside_the_study(sound: Path, looked: list[str]) -> None:
    told = (paths.config() / "looked_through.json").read_text()
    assert sound.name not in told  # nor is the folder's name told
    assert not any("looked" in file.name for file in sound.rglob("*"))
    (paths.config() / "looked_through.json").unlink()
    opened(sound)
    assert "trial" in looked
