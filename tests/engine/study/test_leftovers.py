"""What a killed program left is gone after the next opening; nothing else is."""

import os
import time
from pathlib import Path

import pytest

from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.process_identity import host_mark
from prism_desktop.engine.study.records import ImageRecord
from prism_desktop.engine.study.store import Study

DEAD = 4_190_000  # no system gives its processes such a number
HASH = "ab" * 32
OURS = (
    "study.part", "study.part-journal", ".settings.json.0123abcd.tmp",
    f"backups/.study-{DEAD}.part", f"backups/.study-{DEAD}.part-journal",
    f"backups/.before-schema-4-{DEAD}.part", "embeddings/.x.safetensors.0123abcd.tmp.safetensors",
    f"images/ab/.{HASH}.jpg.0123abcd.tmp", f"thumbnails/ab/.{HASH}.2.jpg.0123abcd.tmp",
)  # fmt: skip
THEIRS = (
    "notes.tmp", ".hidden", "study.partial", f"backups/.study-{os.getppid()}.part",
    "backups/mine.part", "backups/old.sqlite3", "images/.0123abcd.tmp.txt", ".a.0123ABCD.tmp",
    "runs/r/.config.json.0123abcd.tmp", "runs/.x.0123abcd.tmp",
)  # fmt: skip


def _put(study: Path, names: tuple[str, ...]) -> list[Path]:
    for name in names:
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        (study / name).write_bytes(b"x")
    return [study / name for name in names]


def test_that_leftovers_are_swept_and_nothing_else(tiny_study: Study, tmp_path: Path) -> None:
    tiny_study.close()
    ours, theirs = _put(tiny_study.path, OURS), _put(tiny_study.path, THEIRS)
    linked = _put(tmp_path / "linked", (".a.0123abcd.tmp",))[0]
    (tiny_study.path / "images" / "cd").symlink_to(linked.parent)
    with Study.open(tiny_study.path, read_only=True):
        assert all(file.exists() for file in ours)
    with Study.open(tiny_study.path):
        assert not any(file.exists() for file in ours)
        assert all(file.exists() for file in (*theirs, linked))


@pytest.mark.parametrize(("days", "there"), [(6, True), (8, False)])
def test_that_copies_of_a_killed_import_wait_for_a_week(
    tiny_study: Study, days: float, there: bool
) -> None:
    tiny_study.close()
    file = _put(tiny_study.path, (f"cache/copies/{HASH}.jpg",))[0]
    moment = time.time() - days * 86_400
    os.utime(file, (moment, moment))
    with Study.open(tiny_study.path) as study:
        assert file.exists() is there
        first: ImageRecord = study.images()[0]
        assert study.check() == []
        assert not first.missing


def test_that_what_others_may_be_writing_waits_for_an_hour(tiny_study: Study) -> None:
    tiny_study.close()
    names = ("comparisons/a/.leaderboard.json.0123abcd.tmp", "curves/.shots-a.json.0123abcd.tmp")
    old, new = _put(tiny_study.path, names), _put(tiny_study.path, ("search/.a.0123abcd.tmp",))
    theirs = _put(tiny_study.path, ("curves/notes.tmp", "comparisons/a/mine.txt"))
    for file in (*old, *theirs):
        os.utime(file, (0, 0))
    Study.open(tiny_study.path).close()
    assert not any(file.exists() for file in old)
    assert all(file.exists() for file in (*new, *theirs))


def test_that_who_works_in_a_folder_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    ours = _put(
        tmp_path,
        (".leaderboard.json.0123abcd.tmp", f".data-1-{DEAD}/data/images.parquet",
         f".data-2-{DEAD}/data/.pairs.parquet.0123abcd.tmp", f".{DEAD}-77/data/meta.json",
         f".{DEAD}-78-{host_mark()}/data/meta.json"),
    )  # fmt: skip
    theirs = _put(
        tmp_path,
        ("notes.tmp", f".data-3-{os.getppid()}/data/meta.json", f".{os.getppid()}-7/data/meta.json",
         "data-1/data/meta.json", ".git/config", f".{DEAD}-79-00000000/data/meta.json"),
    )  # fmt: skip
    with held(tmp_path, "The comparison"):
        assert not any(file.exists() for file in ours)
        elsewhere = f".{DEAD}-79-00000000"  # of a process of another computer
        assert [path.name for path in tmp_path.glob(f".*{DEAD}*")] == [elsewhere]
        assert all(file.exists() for file in theirs)


@pytest.mark.parametrize(("days", "there"), [(1, True), (8, False)])
def test_that_data_for_a_curve_that_nobody_measures_any_more_is_swept(
    tiny_study: Study, tmp_path: Path, days: float, there: bool
) -> None:
    tiny_study.close()
    scratch = tiny_study.path / "cache" / "shots-0123abcd"
    _put(scratch, ("data/meta.json",))
    theirs = _put(tiny_study.path, ("cache/shots-mine/a", "cache/shots-1/b"))
    precious = _put(tmp_path / "precious", ("a",))[0]
    (tiny_study.path / "cache" / "shots-89abcdef").symlink_to(precious.parent)
    moment = time.time() - days * 86_400
    for path in (scratch, precious, precious.parent, *(file.parent for file in theirs)):
        os.utime(path, (moment, moment))
    Study.open(tiny_study.path).close()
    assert scratch.exists() is there
    assert all(path.exists() for path in (*theirs, precious))
