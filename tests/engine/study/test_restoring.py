"""Going back to a backup, and forth again."""

from pathlib import Path

import pytest

from prism_desktop.engine.errors import CorruptStudyError, InputError, StudyLockedError
from prism_desktop.engine.study.backup import described
from prism_desktop.engine.study.restoring import restore
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
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
