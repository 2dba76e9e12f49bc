"""Commands under a real limit of memory, and those that are stopped or have none of it before the
command line is even imported: a sentence, an exit code, and the study as it was."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from prism_desktop.engine.runs.folder import RunFolder
from tests.cli.test_fault_table import COMMANDS, Place, disk, full, held, original, place, trained

__all__ = ["disk", "original", "place", "trained"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
# A finder of modules that does something where the command line begins to import others.
_EARLY = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born without
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            {what}
sys.meta_path.insert(0, Finder())
from prism_desktop.__main__ import main
from prism_desktop.engine import orders_to_end
orders_to_end._SOON = 60  # obeyed where the import ends, not when somebody looks again
main()
"""
EARLY = {
    "os.kill(os.getpid(), signal.SIGTERM)": (143, "Ended, as the system asked."),
    "os.kill(os.getpid(), signal.SIGINT)": (130, "Interrupted."),
    "raise MemoryError": (1, "Memory ran out."),
    "raise ImportError('liba.so: failed to map segment from shared object')": (1, "Memory ran out"),
    "raise SystemError('error return without exception set')": (1, "Memory ran out."),
    "raise SystemError('__import__ returned a result with an exception set')": (
        1, "Memory ran out.",
    ),
    # swallowed, as some libraries do with whatever comes while they look for others
    "try: os.kill(os.getpid(), signal.SIGTERM)\n            except BaseException: pass": (
        143, "Ended, as the system asked.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(EARLY))
def test_that_what_happens_while_the_command_line_is_imported_is_a_sentence(what: str) -> None:
    code, sentence = EARLY[what]
    done = subprocess.run(
        [sys.executable, "-c", _EARLY.format(what=what), "--version"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert done.stderr.startswith(f"prism-desktop: {sentence}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def _limited(words: Sequence[object], megabytes: int) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that may have so many megabytes of addresses."""
    limit = (
        "import resource, runpy; "
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20}, {megabytes << 20})); "
        "runpy.run_module('prism_desktop', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", limit, *map(str, words)], capture_output=True, text=True
    )


@pytest.mark.parametrize("megabytes", [150, 639])
def test_that_less_memory_than_the_libraries_need_is_said_before_they_are_loaded(
    megabytes: int, tmp_path: Path
) -> None:
    done = _limited(["study", "new", tmp_path / "s.prism"], megabytes)
    assert done.returncode == 1
    assert done.stderr.startswith(f"prism-desktop: This process may use only {megabytes} MB")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def _at_each(name: str, place: Place, limits: Sequence[int]) -> set[int]:
    """The exit codes of a command at some limits; all else is as it should be."""
    before = held(place.study)
    codes = set()
    for megabytes in limits:
        done = _limited(COMMANDS[name](place), megabytes)
        codes.add(done.returncode)
        assert held(place.study) == before or done.returncode == 0, megabytes
        if done.returncode < 0:  # Python itself could not go on, which nobody can word
            continue
        assert "Traceback" not in done.stderr + done.stdout, megabytes
        assert "unexpected" not in done.stderr, (megabytes, done.stderr)
        if done.returncode == 0:
            break
        assert done.returncode == 1, (megabytes, done.stderr)
        assert done.stderr.splitlines()[-1].startswith("prism-desktop: "), megabytes
        assert "memory" in done.stderr.lower(), (megabytes, done.stderr)
    return codes


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    ["study info", "study import", "study import --copy", "study export xlsx", "study check",
     "study check --repair", "agreement --csv", "quality --json"],
)  # fmt: skip
def test_that_a_command_with_little_memory_is_a_sentence_or_done(name: str, place: Place) -> None:
    assert _at_each(name, place, [630, 640, 660, 700]) <= {0, 1}


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["train", "predict --csv", "adapt", "adapt --next"])
def test_that_work_with_torch_with_little_memory_is_a_sentence_or_done(
    name: str, trained: Path, place: Place
) -> None:
    assert _at_each(name, place, [700, 720, 1_500, 4_000]) <= {0, 1}


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_that_a_disk_that_fills_while_a_training_goes_on_is_a_sentence(place: Place) -> None:
    if not place.disk.is_mount():
        pytest.skip("only root may mount a disk")
    before = held(place.study)
    words = ["train", place.study, "--method", "lora-visual-prompt", "--backbone", "prism-mini",
             "--device", "cpu", "--epochs", "500", "--set", "patience=500"]  # fmt: skip
    begun = subprocess.Popen(
        [sys.executable, "-m", "prism_desktop", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with begun:
        run = _training(place.study, begun)
        with full(place.disk):
            _, told = begun.communicate(timeout=120)
    assert begun.returncode == 1
    sentence = told.splitlines()[-1]
    assert re.search(r"The disk( of \S+)? is full", sentence), sentence
    assert "is full" in sentence
    assert "Traceback" not in told
    assert held(place.study) == before
    assert run.status().state in ("failed", "interrupted")
    assert not list(place.disk.rglob("*.tmp*"))


def _training(study: Path, begun: subprocess.Popen[str]) -> RunFolder:
    """The run of a study, once it is trained by a command that was begun."""
    until = time.monotonic() + 100
    while time.monotonic() < until:
        assert begun.poll() is None, begun.communicate()
        for path in (study / "runs").glob("*"):
            if RunFolder(path).status().state == "training":
                return RunFolder(path)
        time.sleep(0.1)
    raise AssertionError("no training began")
