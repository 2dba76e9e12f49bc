"""Every option and argument that takes a path, given something that is none: one sentence, before
any long work; nothing is written and nothing waited for.

The options are found in the command line itself, so that none can be forgotten.
"""

import inspect
import os
import re
import shutil
import socket
import sys
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from prism_desktop.cli.main import app
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.engine.hostile_folders import within
from tests.fixtures.disk_state import disk_state
from tests.fixtures.study import fill

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")


@dataclass(frozen=True)
class Option:
    """One place of the command line that takes a path."""

    command: str
    name: str
    flag: str  # empty for an argument

    def __str__(self) -> str:
        return f"{self.command} {self.flag or self.name.upper()}"


def _commands(group: typing.Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, typing.Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*way, name))
        else:
            yield " ".join((*way, name)), command


_NO_PATH = ("--encoding", "--rater")  # their help speaks of files


def _takes_path(hint: object, help_: str) -> bool:
    """Whether a parameter is a path, or text that may be one or becomes a name on the disk."""
    return "Path" in str(hint) or re.search(r"\bfile\b|PATH\b|Name of ", help_) is not None


def options() -> Iterator[Option]:
    """All of the command line that take a path or a name for one."""
    for name, command in _commands(get_command(app)):
        hints = typing.get_type_hints(inspect.unwrap(command.callback))
        for one in command.params:
            flag = one.opts[0] if one.param_type_name == "option" else ""
            if (
                one.name in hints
                and flag not in _NO_PATH
                and _takes_path(hints[one.name], one.help or "")
            ):
                yield Option(name, one.name, flag)


# What a command needs beside the odd path. Work that would take long is given a study or a run that
# is none: what is odd must be found before it.
ARGUMENTS: dict[str, dict[str, str]] = {
    "open": {"study": "no.prism"},
    "screenshot": {"study": "no.prism", "--out": "pictures"},
    "demo": {"folder": "full"},
    "train": {"study": "no.prism"},
    "resume": {"run": "no-run"},
    "evaluate": {"run": "no-run"},
    "predict": {"run": "run"},
    "faces": {"run": "run", "--labeler": "L1"},
    "face": {"run": "run", "--image": "face-000.jpg"},
    "two-labelers": {"run": "run", "--one": "L1", "--other": "L2"},
    "report": {"run": "run"},
    "methods": {"study": "s.prism"},
    "compare": {"study": "no.prism"},
    "search": {"study": "no.prism", "--method": "text-token"},
    "adapt": {"run": "run", "--labels": "t.csv"},
    "shots": {"study": "no.prism"},
    "curve": {"study": "no.prism"},
    "agreement": {"study": "s.prism"},
    "similarity": {"run": "run"},
    "figure": {"name": "agreement", "study": "s.prism", "--out": "f.svg"},
    "quality": {"study": "s.prism"},
    "worth": {"run": "no-run"},
    "words": {"run": "run"},
    "axis": {"run": "run", "--labeler": "L1", "--attribute": "smart"},
    "profile": {"study": "s.prism", "--words": "none"},
    "plan": {"study": "s.prism"},
    "rank-replies": {"study": "new.prism", "--of": "no-run", "--against": "no-run"},
    "lamp import": {"study": "s.prism", "questions": "t.csv"},
    "lamp answer": {"run": "no-run", "questions": "t.csv", "--out": "out.json"},
    "lamp score": {"outputs": "t.csv", "predictions": "t.csv"},
    "relevance": {
        "run": "run", "--labeler": "L1", "--attribute": "smart", "--image": "face-000.jpg",
        "--png": "map.png",
    },
    "doctor": {},
    "protocol new": {"file": "new.toml"},
    "protocol show": {"folder": "s.prism"},
    "protocol check": {"folder": "s.prism", "file": "p.toml"},
    "protocol set": {"folder": "s.prism", "file": "p.toml"},
    "protocol off": {"folder": "s.prism"},
    "protocol checks": {"folder": "s.prism"},
    "protocol bring": {"folder": "s.prism", "exported": "full"},
    "runs list": {"study": "s.prism"},
    "runs rename": {"run": "run", "name": "first"},
    "runs note": {"run": "run", "text": "a note"},
    "study new": {"folder": "new.prism"},
    "study import": {"folder": "s.prism", "files": "t.csv"},
    "study redo-import": {"folder": "s.prism", "id": "none"},
    "study undo-import": {"folder": "s.prism", "id": "none"},
    "study confirm": {"folder": "s.prism", "names": "smart"},
    "study info": {"folder": "s.prism"},
    "study relink": {"folder": "s.prism", "images": "faces"},
    "study check": {"folder": "s.prism"},
    "study backup": {"folder": "s.prism"},
    "study backups": {"folder": "s.prism"},
    "study restore": {"folder": "s.prism", "name": "none"},
    "study upgrade": {"folder": "s.prism"},
    "study export": {"folder": "s.prism", "--out": "out"},
    "study report": {"folder": "s.prism", "--html": "r.html"},
    "study paper": {"folder": "s.prism", "--out": "out"},
}  # fmt: skip


def words(option: Option, path: str) -> list[str]:
    """A command with an odd path in one place."""
    given = dict(ARGUMENTS[option.command])
    if option.name == "labels":
        given.pop("--labels")
    if option.flag == "--backbone":  # of weights; of a study, since it is looked at last
        given["study"], path = "s.prism", f"ViT-B-32:{path}"
    given[option.flag or option.name] = path
    said = option.command.split()
    for key, value in given.items():
        said += [key, value] if key.startswith("--") else [value]
    return said


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


def _full(path: Path) -> None:
    path.mkdir()
    (path / "a").touch()


def _nothing(path: Path) -> None:
    """There is none."""


# kind -> what is typed, and how that is made
ODD: dict[str, tuple[str, Callable[[Path], object]]] = {
    "missing": ("no/where/x", _nothing),
    "folder": ("x", Path.mkdir),
    "folder with a file": ("x", _full),
    "empty file": ("x", Path.touch),
    "file": ("x", lambda path: path.write_bytes(b"\xff\0 none")),
    "in a file": ("x/y", lambda path: path.parent.touch()),
    "pipe": ("x", os.mkfifo),
    "socket": ("x", _socket),
    "endless device": ("x", lambda path: path.symlink_to("/dev/zero")),
    "loop": ("x", lambda path: path.symlink_to(path.name)),
    "dangling link": ("x", lambda path: path.symlink_to("no/where")),
    "too long": ("x" * 300, _nothing),
    "long way": ("/".join(["x" * 200] * 30), _nothing),
    "steering": ("a\nb\x1b[31mc", _nothing),
    "bytes": ("caf\udce9", _nothing),
    "empty": ("", _nothing),
    "blank": (" ", _nothing),
    "above": ("..", _nothing),
    "unknown user": ("~nobody-there/x", _nothing),
    "unreadable": ("x", lambda path: path.touch(0)),
}
# As a file to be written these are refused, whatever the rest of the command.
NO_TARGET = {
    "missing", "folder", "folder with a file", "in a file", "pipe", "socket", "loop",
    "dangling link", "too long", "long way", "empty", "above", "unknown user",
}  # fmt: skip
TARGETS = ("--json", "--csv", "--png", "report --out", "--key", "plan --protocol")
FEW = 3  # kinds that each option meets in the suite


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with a run, and what else commands need."""
    folder = tmp_path_factory.mktemp("original")
    with Study.create(folder / "s.prism", attributes=("smart",)) as study:
        fill(study, images=4, labelers=2, comparisons=4, ratings=4)
        study.backup()
        run_folder = RunFolder.create(study.path, TrainConfig())
        run_folder.set_status("finished")
        (folder / "run").symlink_to(run_folder.path)
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    (folder / "faces").symlink_to("s-faces")
    (folder / "t.csv").write_text("rater,image,smart\nA,face-000.jpg,3\n")
    (folder / "p.toml").write_text('[[blocks]]\nname = "A"\nkind = "rating"\ntrials = 3\n')
    return folder


def cases() -> Iterator[object]:
    """Each option with a few kinds, others for the next option; in soak with all of them."""
    kinds = list(ODD)
    for number, option in enumerate(options()):
        few = [kinds[(number * 7 + step * 3) % len(kinds)] for step in range(FEW)]
        slow = [pytest.mark.soak] if str(option) == "relevance --image" else []  # torch for each
        yield pytest.param(option, few, marks=slow, id=str(option))
        rest = [kind for kind in kinds if kind not in few]
        yield pytest.param(option, rest, marks=pytest.mark.soak, id=f"{option}, all")


def _is_work(option: Option, path: str) -> bool:
    """Whether a window would be opened, or hundreds of faces drawn, or a folder's images be
    imported: nothing is wrong then."""
    if option.command == "open" or option.name == "files":
        return os.path.isdir(path or ".")  # noqa: PTH112
    return (option.command, option.name) == ("demo", "folder") and not (
        os.path.lexists(path) and any(Path(path).iterdir() if Path(path).is_dir() else [1])
    )


def _state(place: Path) -> dict[str, str]:
    """What lies there, but for folders of a study in which nothing is."""
    empty = {f"s.prism/{name}" for name in ("comparisons", "curves", "search")}
    return {
        name: held
        for name, held in disk_state(place).items()
        if name not in empty or any((place / name).iterdir())
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("option", "kinds"), list(cases()))
def test_that_an_odd_path_is_one_sentence_and_nothing_is_written(
    option: Option, kinds: list[str], original: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for kind in kinds:
        if kind == "unreadable" and os.geteuid() == 0:
            continue  # root reads everything
        place = tmp_path / kind
        shutil.copytree(original, place, symlinks=True)
        monkeypatch.chdir(place)
        path, make = ODD[kind]
        make(Path(path))
        if _is_work(option, path):
            continue
        before = _state(place)
        capsys.readouterr()
        with within(120):
            code = run(*words(option, path))
        told = capsys.readouterr()
        assert "unexpected" not in told.err, (kind, told.err)
        assert "\x1b" not in told.err + told.out
        if str(option).endswith(TARGETS) and kind in NO_TARGET:
            assert code == 2, (kind, told.err)
            assert "no.prism" not in told.err  # it was looked at first
            assert "no-run" not in told.err
        if code == 0:
            continue
        assert code in (1, 2)
        if option.name == "files" and not told.err:
            assert "0 of " in told.out  # the report says why
        else:
            assert told.err.splitlines()[-1].startswith("prism-desktop: "), (kind, told.err)
            assert told.err.count("prism-desktop: ") == 1
        assert _state(place) == before, kind


def test_that_every_command_is_in_the_table() -> None:
    assert {name for name, _ in _commands(get_command(app))} == {
        option.command for option in options()
    }
    assert set(ARGUMENTS) == {option.command for option in options()}
