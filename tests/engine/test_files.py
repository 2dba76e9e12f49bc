"""Whatever the program does to a file, nothing outside the folder that it works in changes."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from prism_desktop.engine import files
from prism_desktop.engine.errors import UnsafeFileError
from tests.engine.hostile_folders import PLANTS, make_outside, plant, seen, within


def _whole(path: Path) -> None:
    files.write_bytes(path, b"new")


def _named(path: Path) -> None:
    files.copy(Path(__file__), path)


def _append(path: Path) -> None:
    with files.append(path) as file:
        files.write_all(file, b"more")


def _in_place(path: Path) -> None:
    with files.open_in_place(path) as file:
        file.truncate(0)


def _for_a_library(path: Path) -> None:
    files.in_place(path).write_bytes(b"new")


def _lock(path: Path) -> None:
    with files.lock(path):
        pass


def _folder(path: Path) -> None:
    files.make_folder(path)
    files.write_text(path / "config.json", "new")


def _fresh(path: Path) -> None:
    with files.scratch_folder(path, "shots-") as made:
        files.write_text(made / "a", "new")


def _remove(path: Path) -> None:
    files.remove(path)


def _clear(path: Path) -> None:
    files.remove_tree(path)


def _away(path: Path) -> None:
    files.write_text(path.parent / "mine", "new")
    files.move(path.parent / "mine", path)


def _elsewhere(path: Path) -> None:
    files.move(path, path.with_name("other"))
    files.write_text(path.with_name("other"), "new")


def _connect(path: Path) -> None:
    with closing(files.connect(path, "rwc")) as database, database:
        database.execute("CREATE TABLE a (b)")


DOINGS: tuple[Callable[[Path], None], ...] = (
    _whole, _named, _append, _in_place, _for_a_library, _lock, _folder, _fresh, _remove, _clear,
    _away, _elsewhere, _connect,
)  # fmt: skip
NAMES = ("config.json", "data", "mine", "other", "status.json", "a", "file", "shots-")


def _study(folder: Path) -> Path:
    """What passes for a study, with a run that holds one file."""
    study = folder / "s.prism"
    (study / "runs" / "r" / "data").mkdir(parents=True)
    for name in ("study.sqlite3", "runs/r/config.json", "runs/r/data/file"):
        (study / name).write_text("ours")
    return study


@pytest.mark.parametrize("place", ["runs", "runs/r", "runs/r/data", "runs/r/data/file"])
@pytest.mark.parametrize("how", sorted(PLANTS))
def test_that_nothing_outside_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str,
    how: str) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    outside = make_outside(tmp_path, NAMES)
    for number, do in enumerate(DOINGS):
        study = _study(tmp_path / str(number))
        plant(study, place, how, outside)
        before = seen(outside)
        with within(10):
            with suppress(UnsafeFileError, OSError, sqlite3.Error):
                do(study / "runs" / "r" / "data" / "file")
            assert seen(outside) == before, f"{do.__name__} of {place} as {how}"


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("how", ["link-to-file", "link-to-nothing", "hard-link", "pipe"])
def test_that_no_file_of_a_database_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    study, outside = tmp_path / "s.prism", make_outside(tmp_path, ())
    study.mkdir()
    with closing(files.connect(study / "study.sqlite3", "rwc")) as database, database:
        database.execute("CREATE TABLE a (b)")
    plant(study, f"study.sqlite3{ending}", how, outside)
    before = seen(outside)
    with within(10), pytest.raises(UnsafeFileError, match=r"link|pipe"):
        files.connect(study / "study.sqlite3", "rw")
    assert seen(outside) == before


def test_that_a_folder_is_cleared_of_the_names_of_ours_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("mine", "theirs", "data/mine", "data/theirs"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine").write_text("outside")
    (run / "link").symlink_to(tmp_path / "outside")
    left = files.remove_tree(run, {"mine", "data/mine", "data/", "link"}.__contains__)
    assert left == ("data/theirs", "theirs")
    assert sorted(path.name for path in run.rglob("*")) == ["data", "theirs", "theirs"]
    assert (tmp_path / "outside" / "mine").read_text() == "outside"


def test_that_a_path_does_not_go_up_and_out_of_a_folder_of_ours(tmp_path: Path) -> None:
    study = _study(tmp_path)
    (tmp_path / "thesis").write_text("ten years")
    for path in (study / "runs/r/../../../thesis", study / "cache/a-../../../../thesis"):
        with pytest.raises(UnsafeFileError, match="leads out of"):
            files.write_text(path, "new")
        with pytest.raises(UnsafeFileError, match="leads out of"):
            files.remove(path)
    assert (tmp_path / "thesis").read_text() == "ten years"
    files.write_text(study / "runs/r/../r/data/../status.json", "inside")
    assert (study / "runs/r/status.json").read_text() == "inside"


def test_that_a_study_may_itself_be_reached_through_a_link(tmp_path: Path) -> None:
    study = _study(tmp_path / "disk")
    (tmp_path / "mine").symlink_to(study)
    files.write_text(tmp_path / "mine" / "runs" / "r" / "status.json", "new")
    assert (study / "runs" / "r" / "status.json").read_text() == "new"


def test_that_a_file_that_the_user_named_is_written_through_its_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "out.csv").write_text("old")
    (tmp_path / "out.csv").symlink_to(tmp_path / "disk" / "out.csv")
    files.write_named(tmp_path / "out.csv", lambda beside: files.put_text(beside, "new"))
    assert (tmp_path / "disk" / "out.csv").read_text() == "new"
    assert (tmp_path / "out.csv").is_symlink()


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        (f"{'a' * 247}.csv.gz", ".csv.gz"),
        (f"{'ä' * 125}.csv", ".csv"),
        (f"a.{'b' * 250}", ""),
        (f"a.{'b' * 120}.{'c' * 120}", ""),
        (f"a.{'ü' * 12}.{'ü' * 12}.csv", ".csv"),
    ],
)
def test_that_a_name_as_long_as_the_disk_allows_is_written(
    tmp_path: Path, name: str, ending: str
) -> None:
    def write(beside: Path) -> None:
        assert files.BESIDE.fullmatch(beside.name)  # so that a kill leaves nothing for ever
        assert beside.name.endswith(f".tmp{ending}")
        files.put_text(beside, "new")

    files.write_named(tmp_path / name, write)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def _half(beside: Path) -> None:
    beside.write_text("half")
    raise ZeroDivisionError


def test_that_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ZeroDivisionError):
        files.write_whole(tmp_path / "a", _half)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_that_a_file_to_add_to_may_be_read_by_others_meanwhile(tmp_path: Path) -> None:
    with files.append(tmp_path / "log") as one, files.append(tmp_path / "log") as other:
        files.write_all(one, b"1\n")
        files.write_all(other, b"2\n")
    assert (tmp_path / "log").read_bytes() == b"1\n2\n"
    assert os.stat(tmp_path / "log").st_nlink == 1  # noqa: PTH116


@pytest.mark.parametrize("lying", ["folder", "file"])
def test_that_nothing_is_moved_over_what_somebody_else_made(tmp_path: Path, lying: str) -> None:
    target, made = tmp_path / "there", tmp_path / "made"
    if lying == "folder":  # with a file of its own
        (target / "more").mkdir(parents=True)
        made.mkdir()
    else:
        target.write_text("theirs")
        made.mkdir()
    with pytest.raises(UnsafeFileError, match="Move it away"):
        files.move(made, target)
    assert target.exists()
    assert made.exists()
