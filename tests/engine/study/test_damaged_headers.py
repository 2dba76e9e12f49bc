"""Damage to the first hundred bytes of a study's database, which say how to read the others."""

import random
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study import database_header
from prism_desktop.engine.study.repair import repair
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill

# place in the header -> bytes that are wrong there
WRONG: dict[str, tuple[int, bytes]] = {
    "all of it": (0, bytes(100)),
    "all bits": (0, b"\xff" * 100),
    "noise": (0, random.Random(3).randbytes(100)),
    "another kind of file": (0, b"PK\3\4"),
    "small pages": (16, b"\2\0"),
    "larger pages": (16, b"\x20\0"),
    "no size of pages": (16, b"\0\0"),
    "journals of a later SQLite": (18, b"\3\3"),
    "written by a later SQLite": (18, b"\3"),
    "reserved bytes": (20, b"\x20"),
    "payload": (21, b"\0"),
    "fewer pages": (28, struct.pack(">I", 3)),
    "more pages": (28, struct.pack(">I", 2**31)),
    "free pages": (32, struct.pack(">II", 2, 9)),
    "far free pages": (32, struct.pack(">II", 2**31, 2**31)),
    "later format": (44, struct.pack(">I", 9)),
    "largest root": (52, struct.pack(">I", 7)),
    "UTF-16": (56, struct.pack(">I", 2)),
    "no encoding": (56, struct.pack(">I", 77)),
    "no version": (60, bytes(4)),
    "version of no program": (60, struct.pack(">I", 1 << 24 | 4)),
    "version of the future": (60, struct.pack(">I", 12)),
    "another program": (68, b"abcd"),
    "expansion": (72, b"\1" * 20),
}


def _read(path: Path, *, read_only: bool) -> tuple[object, str]:
    """The trials that somebody sees who opens a study, or the sentence that it is refused with."""
    try:
        with Study.open(path, read_only=read_only) as study:
            return study.trials(current=False), ""
    except PrismError as error:
        return None, str(error)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study, closed."""
    folder = tmp_path_factory.mktemp("headers") / "small.prism"
    with Study.create(folder, attributes=("smart",)) as made:
        fill(made, images=6, labelers=2, comparisons=4, ratings=4)
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_that_a_damaged_header_is_told_and_mended(
    template: Path, tmp_path: Path, name: str
) -> None:
    path = shutil.copytree(template, tmp_path / "a.prism")
    trials, _ = _read(path, read_only=True)
    file = path / "study.sqlite3"
    whole, (place, wrong) = file.read_bytes(), WRONG[name]
    damaged = whole[:place] + wrong + whole[place + len(wrong) :]
    file.write_bytes(damaged)
    for read_only in (True, False):
        seen, said = _read(path, read_only=read_only)
        assert seen == trials or "check --repair" in said or "newer version" in said
    before = file.read_bytes()
    report = repair(path)
    assert (report.moved, report.changed) == (0, 0)
    assert report.backup.read_bytes() == before or not report.backup.name.startswith("damaged")
    with Study.open(path) as study:
        assert study.trials(current=False) == trials
        assert study.check() == []


@pytest.mark.parametrize("rest", [b"", b"\0", b"x" * 5000, b"pages"])
def test_that_only_a_study_of_a_known_version_is_given_a_header(
    template: Path, tmp_path: Path, rest: bytes
) -> None:
    path = shutil.copytree(template, tmp_path / "a.prism")
    file = path / "study.sqlite3"
    if rest == b"pages":
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = '0099'")
        rest = file.read_bytes()[100:]
    broken = bytes(100) + rest
    file.write_bytes(broken)
    with pytest.raises(PrismError, match="It was left as it is; there is no backup of it"):
        repair(path)
    assert file.read_bytes() == broken
    assert not list((path / "backups").iterdir())


def test_that_a_study_of_which_only_the_header_can_be_mended_says_so(
    template: Path, tmp_path: Path
) -> None:
    path = shutil.copytree(template, tmp_path / "a.prism")
    file = path / "study.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        (root,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'trial'"
        ).fetchone()
    content = bytearray(file.read_bytes())
    content[:16], content[4096 * (root - 1) : 4096 * root] = bytes(16), b"\xff" * 4096
    file.write_bytes(content)
    with pytest.raises(PrismError, match="Only its header was put right") as refused:
        repair(path)
    (copy,) = (path / "backups").iterdir()
    assert str(copy) in str(refused.value)
    assert copy.read_bytes() == content
    assert file.read_bytes()[100:] == content[100:]


def test_that_two_repairs_in_one_second_keep_both_copies(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _form: "20260102-030405")
    path = shutil.copytree(template, tmp_path / "a.prism")
    file = path / "study.sqlite3"
    damaged = [
        file.read_bytes()[:16] + wrong + file.read_bytes()[18:] for wrong in (b"\2\0", b"\0\0")
    ]
    for content in damaged:
        file.write_bytes(content)
        repair(path)
    kept = [copy.read_bytes() for copy in (path / "backups").glob("damaged-*.sqlite3")]
    assert sorted(kept) == sorted(damaged)


def test_that_a_sound_database_is_not_read_into_the_memory(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    monkeypatch.setattr(database_header, "read_foreign", lambda file, _limit: read.append(file))
    assert database_header.mended(template / "study.sqlite3") is None
    assert read == []
