"""The table of faults and commands of docs/reliability.md: each cell is one test.

A fault is real wherever the machine allows it: a small disk that is full or read-only (mounted,
which only root may), a limit on the size of files or on open files (of this process). Whatever
happens, the command ends with one sentence and the study holds what it held.
"""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from prism_desktop.engine.study.records import StudyInfo
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import draw_faces, fill

Fault = Callable[[Path], contextlib.AbstractContextManager[None]]
_ROOM = 48 << 20  # bytes of the small disk


@dataclass(frozen=True)
class Place:
    """A disk with a study on it, and files beside it on another."""

    disk: Path
    study: Path
    beside: Path


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill a mounted disk to its last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Mount a disk anew, for reading only."""
    _mount("-o", "remount,ro", disk)
    try:
        yield
    finally:
        _mount("-o", "remount,rw", disk)


@contextlib.contextmanager
def limited(disk: Path) -> Iterator[None]:
    """No file may become larger than a few bytes, as on a disk with a quota."""
    with _limit(resource.RLIMIT_FSIZE, 16):
        yield


@contextlib.contextmanager
def few_files(disk: Path) -> Iterator[None]:
    """Hardly any file may be opened beside those that are open."""
    opened = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    with _limit(resource.RLIMIT_NOFILE, opened + 3):
        taken = []
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(taken.pop())
        try:
            yield
        finally:
            for handle in taken:
                os.close(handle)


@contextlib.contextmanager
def _limit(kind: int, most: int) -> Iterator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def _mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own if this process may mount one, else a folder."""
    folder = tmp_path_factory.mktemp("disk")
    try:
        _mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError):
        yield folder
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with answers, more faces and tables beside it."""
    folder = tmp_path_factory.mktemp("original")
    with Study.create(folder / "s.prism", attributes=("attractive", "smart")) as study:
        fill(study)
    draw_faces(folder / "more", 3, seed=9)
    (folder / "t.csv").write_text(
        "rater,image,smart\n" + "".join(f"New,face-{n:03d}.jpg,{n % 4 + 1}\n" for n in range(12))
    )
    return folder


@pytest.fixture
def place(disk: Path, original: Path) -> Iterator[Place]:
    """A copy of the study on the disk."""
    study = disk / "s.prism"
    shutil.copytree(original / "s.prism", study)
    yield Place(disk, study, original)
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


COMMANDS: dict[str, Callable[[Place], list[object]]] = {
    "study new": lambda at: ["study", "new", at.disk / "new.prism"],
    "study import": lambda at: ["study", "import", at.study, at.beside / "t.csv"],
    "study import (images)": lambda at: ["study", "import", at.study, at.beside / "more"],
    "study import --copy": lambda at: ["study", "import", at.study, at.beside / "more", "--copy"],
    "study export csv": lambda at: ["study", "export", at.study, "--out", at.disk / "out"],
    "study export xlsx": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "xlsx"
    ],
    "study export parquet": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "parquet"
    ],
    "study export sav": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "sav"
    ],
    "study export jsonl": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "jsonl"
    ],
    "study confirm": lambda at: ["study", "confirm", at.study, "smart"],
    "study info --json": lambda at: ["study", "info", at.study, "--json", at.disk / "i.json"],
    "agreement --csv": lambda at: ["agreement", at.study, "--csv", at.disk / "a.csv"],
    "train": lambda at: ["train", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "compare": lambda at: ["compare", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "search": lambda at: [
        "search", at.study, "--method", "ridge", "--backbone", "prism-mini", "--device", "cpu"
    ],
    "shots": lambda at: ["shots", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "curve": lambda at: ["curve", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "screenshot": lambda at: ["screenshot", at.study, "--out", at.disk / "pictures"],
    "demo": lambda at: ["demo", at.disk / "demo.prism"],
}  # fmt: skip
FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "full": (full, ("full",)),
    "read-only": (read_only, ("read-only", "cannot be written", "cannot be made")),
    "no larger files": (
        limited, ("no file of this size", "could not be read or written", "full", "failed to read")
    ),
    "too many files": (few_files, ("Too many files", "cannot be opened")),
}  # fmt: skip
# Reading alone is no work for a full disk, and need not fail.
MAY_WORK = {("study confirm", "full"), ("study confirm", "no larger files")}
QUICK = {("study new", name) for name in FAULTS} | {
    (name, fault)
    for name in ("study import", "study import --copy", "study export csv", "agreement --csv")
    for fault in ("full", "no larger files")
}


def cells() -> Iterator[object]:
    for name in COMMANDS:
        for fault in FAULTS:
            marks = [] if (name, fault) in QUICK else [pytest.mark.soak]
            yield pytest.param(name, fault, marks=marks, id=f"{name}: {fault}")


def held(study: Path) -> tuple[StudyInfo, int]:
    """What a study holds."""
    with Study.open(study) as opened:
        return opened.info(), len(opened.trials())


@pytest.mark.parametrize(("name", "fault"), list(cells()))
def test_that_a_fault_is_one_sentence_and_the_study_holds_what_it_held(
    name: str, fault: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it, words = FAULTS[fault]
    if break_it in (full, read_only) and not place.disk.is_mount():
        pytest.skip("only root may mount a disk")
    before = held(place.study)
    with break_it(place.disk):
        code = run(*COMMANDS[name](place))
    told = capsys.readouterr()
    assert held(place.study) == before or code == 0
    assert "Traceback" not in told.err + told.out
    assert "unexpected" not in told.err
    if (name, fault) in MAY_WORK and code == 0:
        return
    assert code in (1, 2)
    assert told.err.count("prism-desktop: ") == 1
    assert any(word in told.err for word in words), told.err
    left = list(place.study.rglob("*.tmp*"))
    assert left == []
