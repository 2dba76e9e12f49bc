"""Files that never end, wait for ever or are none, given to commands: one sentence, and no more."""

import os
import resource
import socket
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.adaptation.predictions import images_in
from prism_desktop.engine.events import Done, Notice
from prism_desktop.engine.study.images import make_thumbnails
from prism_desktop.engine.study.pixel_cache import PixelCache
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.engine.hostile_folders import within

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
MOST = 400 * 1024  # KiB of memory that a refusal may take beyond what was there


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    if path.parent != Path():
        Path(path.name).rename(path)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


ODD = {"zero": _zero, "pipe": _pipe, "socket": _socket, "folder": Path.mkdir, "loop": _loop,
       "sparse": _sparse}  # fmt: skip
COMMANDS = [
    "study import tiny.prism X.csv",
    "study import tiny.prism X.npz",
    "study import tiny.prism table.csv --recipe X.toml",
    "study relink tiny.prism X.jpg",
    "study info X.prism",
    "study check X.prism",
    "train tiny.prism --config X.json",
    "train tiny.prism --backbone X.safetensors",
    "predict X.run",
    "adapt run --labels X.csv",
]


@pytest.fixture
def place(tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study, and of what is given to commands."""
    tiny_study.close()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("rater,image,smart\nA,face-000.jpg,3\n")
    return tmp_path


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("odd", sorted(ODD))
def test_that_a_command_says_in_one_sentence_that_a_file_is_none(
    place: Path, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    for command in COMMANDS:
        words = command.split()
        file = Path(next(word for word in words if word.startswith("X.")))
        ODD[odd](file)
        before = _memory()
        if (odd, words[:2]) == ("folder", ["study", "relink"]) or (
            odd == "folder"
            and words[1] == "import"
            and words[-1] == file.name
            and ".toml" not in command
        ):
            _remove(file)  # there a folder is right
            continue
        with within(60):
            assert run(*words) != 0, command
        told = capsys.readouterr()
        assert told.err.count("\n") == 1, f"{command}: {told.err}"
        assert "unexpected" not in told.err, f"{command}: {told.err}"
        assert _memory() - before < MOST, command
        _remove(file)


def _remove(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        file.rmdir()
    else:
        file.unlink()


@pytest.mark.parametrize("odd", sorted(ODD))
def test_that_an_image_that_is_none_is_named_and_passed_over(place: Path, odd: str) -> None:
    with Study.open(place / "tiny.prism") as study:
        first, *others = study.images()
        first.path.unlink()
        ODD[odd](first.path)
        with within(60):
            *events, done = PixelCache(place / "cache", 32).build(
                (image.id, image.path) for image in (first, *others)
            )
            assert isinstance(done, Done)
            assert [image for image, _ in done.value.broken] == [first.id]
            assert next(e.text for e in events if isinstance(e, Notice)).startswith(first.path.name)
            made = list(make_thumbnails(study.path, study.images()))
            assert made[-1] == Done(len(others))
            assert any(first.path.name in e.text for e in made if isinstance(e, Notice))
            assert any(first.name in problem.text for problem in study.check(deep=True))
            *_told, found = images_in(first.path.parent)
            assert isinstance(found, Done)
            assert len(found.value) == len(others)
            study.relink(first.path.parent)
