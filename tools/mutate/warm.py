"""Try changes in forks of a process that has imported everything and collected all tests."""

import ast
import gc
import importlib
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from tools.mutate import sites

# Of processor time, so that a busy machine makes no difference.
_PATIENCE_SECONDS = 10.0  # with a test, on top of several times what it usually takes
_TIMES = 5.0
_IDLE_SECONDS = 180.0  # by the clock, for a test that waits for something that does not come


@dataclass(frozen=True)
class Outcome:
    """What became of one change.

    Attributes:
        word: "found", "slow" (found, since a test did not end), "survived", or "cut" (survived all
            tests for which there was time).
        test: the one that found it, or "".
        tried: how many tests ran.
    """

    word: str
    test: str
    tried: int
    seconds: float


class Changer:
    """Puts changes into the modules of this process."""

    def __init__(self, root: Path, files: Iterable[Path]) -> None:
        self.root = root
        self.modules = {}
        for file in files:
            name = ".".join(file.with_suffix("").parts)
            self.modules[str(root / file)] = importlib.import_module(name)
        self.functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        for one in gc.get_objects():
            # Some objects warn when they are asked for their class.
            if type(one) is FunctionType and one.__code__.co_filename in self.modules:
                code = one.__code__
                key = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self.functions.setdefault(key, []).append(one)

    def change(self, file: str, number: int) -> None:
        """Put the change `number` of a file's sites into this process."""
        path = self.root / file
        source = path.read_text("utf-8")
        site = sites.sites(ast.parse(source))[number]
        tree = sites.changed(source, number)
        if site.constant:
            self._set_number(str(path), site.function, tree)
            return
        module = compile(tree, str(path), "exec", dont_inherit=True)
        code = sites.code_of(module, site.function, site.first)
        for function in self.functions[str(path), site.function, site.first]:
            function.__code__ = code

    def _set_number(self, path: str, name: str, tree: ast.Module) -> None:
        """Give a module's number its other value wherever it was imported to."""
        value = eval(compile(ast.Expression(sites.number(tree, name)), path, "eval"))
        old = vars(self.modules[path])[name]
        for module in list(sys.modules.values()):
            inside = str(getattr(module, "__file__", None) or "").startswith(str(self.root))
            if inside and vars(module).get(name) == old:
                setattr(module, name, value)


class Trials:
    """A pytest plugin that, in place of running the tests,
    lets `work` try changes against tests of its choice."""

    def __init__(self, work: Callable[["Trials"], None]) -> None:
        self.work = work
        self.items: dict[str, pytest.Item] = {}
        self.sound: dict[str, bool] = {}  # whether a test passes in a fork with nothing changed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self.work(self)
        return True

    def attempt(
        self,
        change: Callable[[], None],
        tests: Sequence[str],
        usual: dict[str, float],
        limit: float,
    ) -> Outcome:
        """Run tests in a fork after `change` until one fails.

        Args:
            usual: the processor seconds that each test usually takes.
            limit: processor seconds for all of them.
        """
        start = time.monotonic()
        passed: list[str] = []
        while True:
            word, test, ran = self._fork(change, tests[len(passed) :], usual, limit)
            passed += ran
            if word in ("found", "slow") and not self._sound(test, usual):
                passed.append(test)
                continue
            return Outcome(word, test, len(passed), round(time.monotonic() - start, 1))

    def _sound(self, test: str, usual: dict[str, float]) -> bool:
        if test not in self.sound:
            word, *_ = self._fork(lambda: None, [test], usual, 1000.0)
            self.sound[test] = word == "survived"
        return self.sound[test]

    def _fork(
        self,
        change: Callable[[], None],
        tests: Sequence[str],
        usual: dict[str, float],
        limit: float,
    ) -> tuple[str, str, list[str]]:
        """The outcome's word, the last test, and those that passed."""
        tests = [test for test in tests if self.sound.get(test, True)]
        reading, writing = os.pipe()
        scratch = tempfile.mkdtemp(prefix="mutate-")
        child = os.fork()
        if child == 0:
            os.close(reading)
            _run(self.session, change, [self.items[t] for t in tests], writing, Path(scratch))
        os.close(writing)
        try:
            return _watch(child, reading, tests, usual, limit)
        finally:
            os.close(reading)
            _end(child)
            shutil.rmtree(scratch, ignore_errors=True)


def _watch(
    child: int, reading: int, tests: Sequence[str], usual: dict[str, float], limit: float
) -> tuple[str, str, list[str]]:
    """Follow a fork, which writes one byte for each test that passed and another at a failure."""
    passed: list[str] = []
    began, since = 0.0, time.monotonic()  # of the present test
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while len(passed) < len(tests):
            test = tests[len(passed)]
            if selector.select(0.5):
                if os.read(reading, 1) != b".":  # a failure, or the fork's death
                    return "found", test, passed
                passed.append(test)
                began, since = _processor_seconds(child), time.monotonic()
                continue
            used = _processor_seconds(child)
            slow = used - began > _PATIENCE_SECONDS + _TIMES * usual.get(test, 1.0)
            if slow or time.monotonic() - since > _IDLE_SECONDS:
                return "slow", test, passed
            if used > limit and passed:
                return "cut", "", passed
    return "survived", "", passed


def _processor_seconds(process: int) -> float:
    """What a process and its ended children used."""
    text = Path(f"/proc/{process}/stat").read_text()
    return sum(map(int, text.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")


def _end(child: int) -> None:
    """End a fork with all that it started."""
    for target in (os.killpg, os.kill):
        try:
            target(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os.waitpid(child, 0)


def _run(
    session: pytest.Session,
    change: Callable[[], None],
    items: Sequence[pytest.Item],
    writing: int,
    scratch: Path,
) -> None:
    """The life of a fork; does not return."""
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        factory: Any = session.config._tmp_path_factory  # type: ignore[attr-defined]
        factory._basetemp = scratch
        change()
        following = [*items[1:], None]
        for item, after in zip(items, following, strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            os.write(writing, b"x" if session.testsfailed else b".")
            if session.testsfailed:
                break
    except BaseException:
        os.write(writing, b"x")
    finally:
        os._exit(0)
