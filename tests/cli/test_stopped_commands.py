"""Commands that are stopped in the middle, by Ctrl-C or by the system: they end with a sentence,
their exit code and either all or nothing of their work; no process of theirs stays.

Commands that need no torch are stopped in this process, at chosen calls of the program's functions;
the others, in soak, are real processes.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import psutil
import pytest

from prism_desktop.engine.study.store import Study
from tests.cli.test_fault_table import (
    COMMANDS,
    Place,
    disk,
    held,
    original,
    place,
    renew,
    trained,
)
from tests.cli.test_study_commands import run

__all__ = ["disk", "original", "place", "trained"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SENTENCES = {130: "prism-desktop: Interrupted. ", 143: "prism-desktop: Ended, as the system asked."}
LIGHT = (
    "study new", "study import", "study import (images)", "study import --copy",
    "study undo-import", "study redo-import", "study relink", "study check",
    "study check --repair", "study upgrade", "study export csv", "study export xlsx",
    "agreement --csv",
)  # fmt: skip
# In every run of the suite; all commands with both signals are stopped in soak.
QUICK = (
    ("study import", signal.SIGINT), ("study import --copy", signal.SIGTERM),
    ("study undo-import", signal.SIGINT), ("study check --repair", signal.SIGTERM),
    ("study upgrade", signal.SIGINT), ("study export csv", signal.SIGTERM),
)  # fmt: skip
SOON = 20.0  # s, on a machine that does much else
_OURS = str(Path("prism_desktop", "engine"))


@contextlib.contextmanager
def _calls(at: Callable[[int], object]) -> Iterator[None]:
    """Count the calls of the engine's functions, and tell each."""
    count = 0

    def called(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        if event == "call" and _OURS in frame.f_code.co_filename:
            count += 1
            at(count)

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


def _heard() -> None:
    """A job in the background is born deaf to Ctrl-C, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def _surviving() -> Iterator[None]:
    """A signal that comes when the command is done does nothing."""
    before = {number: signal.signal(number, lambda *_: None) for number in CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _studies(place: Place) -> dict[str, object]:
    """What the studies hold that the commands are for."""
    found: dict[str, object] = {}
    for path in sorted(place.disk.glob("*.prism")):
        if path.name in ("s.prism", "lost.prism"):
            found[path.name] = held(path), len(_missing(path))
    return found


def _missing(path: Path) -> list[str]:
    with Study.open(path, read_only=True) as study:
        return [image.name for image in study.images() if image.missing]


@pytest.mark.parametrize(
    ("name", "number"), QUICK, ids=[f"{name}, {number.name}" for name, number in QUICK]
)
def test_that_a_stopped_command_did_all_or_nothing(
    name: str, number: signal.Signals, request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _all_or_nothing(name, number, (0.3, 0.8), request, capsys)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", list(CODES), ids=lambda number: number.name)
@pytest.mark.parametrize("name", LIGHT)
def test_that_a_command_stopped_anywhere_did_all_or_nothing(
    name: str, number: signal.Signals, request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _all_or_nothing(name, number, [part / 20 for part in range(20)], request, capsys)


def _all_or_nothing(
    name: str, number: signal.Signals, parts: Sequence[float], request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Stop a command at some parts of its way; 0 is its first step."""
    place: Place = request.getfixturevalue("place")
    renew(place)  # whatever the last command left there
    words = COMMANDS[name](place)
    before = _studies(place)
    total = 0

    def note(count: int) -> None:
        nonlocal total
        total = count

    with _calls(note):
        run(*words)
    after = _studies(place)
    codes = set()
    for part in parts:
        renew(place)
        capsys.readouterr()
        at = max(1, int(total * part))

        def stop(count: int, at: int = at) -> None:
            if count == at:
                signal.raise_signal(number)

        with _surviving(), _calls(stop):
            code = run(*words)
        told = capsys.readouterr()
        codes.add(code)
        assert code in (CODES[number], 0, 1), (part, told.err)
        assert "unexpected" not in told.err, (part, told.err)
        if code == CODES[number]:
            assert told.err.splitlines()[-1].startswith(SENTENCES[code]), (part, told.err)
        assert _studies(place) in (before, after), part
        assert not list(place.disk.rglob("*.tmp*")), part
    assert CODES[number] in codes


# Of commands that load torch; each goes on for long enough.
HEAVY = ("train", "resume", "compare", "search", "shots", "curve", "adapt", "predict --images")
LEFT_OUT = {
    "adapt",
    "predict --images",
    "resume",
}  # short: they may be done before they are stopped


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("whole", [True, False], ids=["its group", "alone"])
@pytest.mark.parametrize("number", list(CODES), ids=lambda number: number.name)
@pytest.mark.parametrize("name", HEAVY)
def test_that_a_stopped_command_leaves_no_process(
    name: str, number: signal.Signals, whole: bool, trained: Path, place: Place
) -> None:
    words = [sys.executable, "-m", "prism_desktop", *map(str, COMMANDS[name](place))]
    before = _studies(place)
    begun = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=_heard,
    )  # fmt: skip
    with begun:
        time.sleep(8)  # it has loaded what it needs, and is at work
        children = []
        if begun.poll() is None:
            children = psutil.Process(begun.pid).children(recursive=True)
            (os.killpg if whole else os.kill)(begun.pid, number)
        _, told = begun.communicate(timeout=SOON)
    # Python itself ends by the signal where it came within what `exec` does; to a shell that is 130
    stopped = begun.returncode in (CODES[number], -number)
    assert stopped or (begun.returncode == 0 and name in LEFT_OUT), told
    # nothing is said of a signal that comes when all is done and Python itself is ending
    if begun.returncode > 0 or told:
        assert begun.returncode == 0 or told.splitlines()[-1].startswith(
            SENTENCES[CODES[number]]
        ), told
    assert "Traceback" not in told
    _, alive = psutil.wait_procs(children, SOON)
    assert not alive
    assert _studies(place) == before


# Sends a signal while Qt's bindings run code of their own, from which nothing may be raised.
_INSIDE_QT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born without
def sent(event, given, done=[]):
    if event == "exec" and not done and "shibokensupport" in given[0].co_filename:
        done.append(os.kill(os.getpid(), {number:d}))
sys.addaudithook(sent)
from prism_desktop.__main__ import main
main()
"""
# Ctrl-C that the window heard closes it.
OPENED = {signal.SIGINT: (0, 130), signal.SIGTERM: (143,)}


@pytest.mark.parametrize("number", list(OPENED), ids=lambda number: number.name)
def test_that_an_order_that_comes_while_qt_is_imported_ends_the_window(
    number: signal.Signals,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INSIDE_QT.format(number=number), "open"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in OPENED[number], done.stderr
    assert "Traceback" not in done.stderr
    assert "Fatal" not in done.stderr


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["open", "screenshot"])
def test_that_an_order_at_any_moment_of_a_start_ends_the_window(name: str, place: Place) -> None:
    chance = random.Random(5)
    words = ["open", str(place.study)] if name == "open" else COMMANDS[name](place)
    for _ in range(30):
        number, seconds = chance.choice(list(OPENED)), chance.uniform(0.2, 4)
        begun = subprocess.Popen(
            [sys.executable, "-m", "prism_desktop", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heard,
        )  # fmt: skip
        with begun:
            time.sleep(seconds)
            begun.send_signal(number)
            _, told = begun.communicate(timeout=60)
        allowed = OPENED[number] if name == "open" else (CODES[number], 0)  # it may be done
        # Python itself ends by the signal before the program's first line
        assert begun.returncode in (*allowed, -number), (seconds, told)
        assert "Fatal" not in told, (seconds, told)
        assert begun.returncode < 0 or "Traceback" not in told, (seconds, told)
