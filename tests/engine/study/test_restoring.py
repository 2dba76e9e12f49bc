"""Going back to a backup, and forth again."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.errors import CorruptStudyError, InputError, StudyLockedError
from prism_desktop.engine.study.backup import back_up, described, has_changed, is_due
from prism_desktop.engine.study.restoring import restore
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.engine.study.helpers import aged
from tests.engine.study.test_store import rating


@pytest.fixture
def went_on(tiny_study: Study) -> tuple[Path, str, int]:
    """A study that was backed up and went on: its path, the backup's name, trials in it."""
    count = len(tiny_study.trials(current=False))
    copy = tiny_study.backup()
    tiny_study.record(rating(tiny_study, "L1"))
    tiny_study.close()
    return tiny_study.path, copy.name, count


def _trials(path: Path) -> int:
    with Study.open(path) as study:
        assert study.check() == []
        return len(study.trials(current=False))


def test_that_one_goes_back_to_a_backup_and_forth_again(
    went_on: tuple[Path, str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    path, name, count = went_on
    assert run("study", "restore", path, name) == 0
    assert f"as it was in the backup {name}" in capsys.readouterr().out
    assert _trials(path) == count
    before, older = described(path)
    assert (before.why, before.trials) == ("before going back to an older backup", count + 1)
    assert (older.path.name, older.trials) == (name, count)
    assert restore(path, before.path.name).kept is not None
    assert _trials(path) == count + 1
    assert run("study", "backups", path) == 0
    assert name in capsys.readouterr().out


def test_that_a_damaged_or_missing_database_is_replaced_and_its_bytes_are_kept(
    went_on: tuple[Path, str, int],
) -> None:
    path, name, count = went_on
    file = path / "study.sqlite3"
    file.write_bytes(b"no database" * 1000)
    report = restore(path, name)
    assert report.kept is not None
    assert report.kept.read_bytes() == b"no database" * 1000
    assert _trials(path) == count
    file.unlink()
    assert restore(path, name).kept is None
    assert _trials(path) == count


def test_that_nothing_changes_where_the_backup_is_damaged_or_the_study_open(
    went_on: tuple[Path, str, int],
) -> None:
    path, name, count = went_on
    with pytest.raises(InputError, match="There is no backup"):
        restore(path, "study.sqlite3")
    with pytest.raises(InputError, match="There is no backup"):
        restore(path, f"../backups/{name}")
    with Study.open(path), pytest.raises(StudyLockedError):
        restore(path, name)
    content = bytearray((path / "backups" / name).read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    (path / "backups" / name).write_bytes(content)
    with pytest.raises(CorruptStudyError):
        restore(path, name)
    assert _trials(path) == count + 1


def test_that_going_back_to_the_oldest_backup_of_its_sort_keeps_it(
    went_on: tuple[Path, str, int],
) -> None:
    path, name, count = went_on
    copies = path / "backups"
    names = [f"before-restore-2020010{day}-000000.sqlite3" for day in (1, 2, 3)]
    for each in names:
        (copies / each).write_bytes((copies / name).read_bytes())
    report = restore(path, names[0])
    assert _trials(path) == count
    assert report.restored.is_file()
    assert report.kept is not None
    assert report.kept.is_file()


def test_that_a_daily_backup_that_has_grown_old_is_gone_back_to(
    went_on: tuple[Path, str, int],
) -> None:
    path, name, count = went_on
    copies = path / "backups"
    for back in range(1, 12):  # so that the ten newest and the newest of its week are others
        copy = copies / f"study-2020{back:02d}01-000000.sqlite3"
        copy.write_bytes((copies / name).read_bytes())
        aged(copy, back / 1440)
    old = aged(copies / name, 800)
    assert described(path)[-1].made < time.time() - 799 * 86_400  # though the file is new
    assert restore(path, old.name).restored.is_file()
    assert _trials(path) == count


def test_that_backups_count_the_answers_that_analyses_count(tiny_study: Study) -> None:
    count = len(tiny_study.trials())
    for flag in ("practice", "check"):
        tiny_study.record(replace(rating(tiny_study, "L1"), flags=(flag,)))
    tiny_study.backup()
    assert len(tiny_study.trials()) == count + 2
    assert [each.trials for each in described(tiny_study.path)] == [count]


def test_that_a_study_that_is_open_is_backed_up_beside_its_window(
    tiny_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = len(tiny_study.trials())
    tiny_study.record(rating(tiny_study, "L1"))
    assert run("study", "backup", tiny_study.path) == 0
    copy = Path(capsys.readouterr().out.strip())
    tiny_study.record(rating(tiny_study, "L1"))  # it is still the one that writes
    assert [(each.path, each.trials) for each in described(tiny_study.path)] == [(copy, count + 1)]
    assert run("study", "backup", tmp_path) == 2
    assert "no study" in capsys.readouterr().err


@pytest.mark.parametrize("table", ["meta", "trial"])
def test_that_a_received_backup_cannot_hold_up_the_study(
    went_on: tuple[Path, str, int], table: str
) -> None:
    path, name, count = went_on
    other = aged(path / "backups" / name, 400)
    planted = other.with_name("study-20200101-000000.sqlite3")
    planted.write_bytes(other.read_bytes())
    planted = aged(planted, 3)
    with closing(sqlite3.connect(planted)) as connection:
        columns = ", ".join(
            f"n AS {row[1]}" for row in connection.execute(f"PRAGMA table_info({table})")
        )
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute(f"ALTER TABLE {table} RENAME TO was_{table}")
        connection.execute(
            f"CREATE VIEW {table} AS WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL "
            f"SELECT n + 1 FROM endless) SELECT {columns} FROM endless"
        )
        connection.commit()
    newest = described(path)[0]
    assert (newest.path, newest.trials) == (planted, None)
    assert has_changed(path / "study.sqlite3")
    assert is_due(path / "study.sqlite3")
    with pytest.raises(CorruptStudyError, match="foreign view"):
        restore(path, planted.name)
    assert _trials(path) == count + 1


def test_that_backups_made_at_once_do_not_disturb_each_other(
    went_on: tuple[Path, str, int],
) -> None:
    path, _, count = went_on
    make: Callable[[int], Path] = lambda _: back_up(path / "study.sqlite3")  # noqa: E731
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(make, range(6)))
    assert len(set(made)) == 6
    assert {each.trials for each in described(path) if each.path in made} == {count + 1}
