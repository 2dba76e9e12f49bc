"""Which test reaches which statement: measured once, kept in a file, renewed where a test changed.

Each statement of the code in question first sets a byte of its own, which costs next to nothing. A
statement is known by its function and its distance from the function's first line, so that what
changes elsewhere in a file does not matter. Of a function that changed since, every test that
reached any of it counts.
"""

import ast
import builtins
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import pytest

from tools.mutate.sites import digest, first_line, functions

HITS = "__reached_statements__"


class Place(NamedTuple):
    """A statement: `offset` lines below the first of a function whose digest is `code`."""

    file: str
    function: str
    code: str
    offset: int


class ReachedTests:
    """Which tests reach a place, and how long each usually takes.

    Attributes:
        usual: processor seconds by test.
    """

    def __init__(self, path: Path) -> None:
        stored = json.loads(path.read_text())
        places = [Place(*one) for one in stored["statements"]]
        self.usual: dict[str, float] = {}
        self._exact: dict[Place, set[str]] = defaultdict(set)
        self._by_function: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(dict)
        for entry in stored["files"].values():
            for test, seen in entry["tests"].items():
                self.usual[test] = seen["processor"]
                for number in seen["reached"] if seen["passed"] else ():
                    place = places[number]
                    self._exact[place].add(test)
                    codes = self._by_function[place.file, place.function]
                    codes.setdefault(place.code, set()).add(test)

    def of(self, place: Place) -> set[str]:
        """Those that reach the statement or, if its function was another then, reached that."""
        found = set(self._exact.get(place, ()))
        for code, tests in self._by_function.get((place.file, place.function), {}).items():
            if code != place.code:
                found |= tests
        return found


class Marker(ast.NodeTransformer):
    """Put a mark before each statement of one function."""

    def __init__(
        self, file: str, name: str, function: ast.FunctionDef, names: dict[Place, int]
    ) -> None:
        self.first, self.names = first_line(function), names
        self.start = Place(file, name, digest(function), 0)

    def marked(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for one in body:
            name = self.start._replace(offset=one.lineno - self.first)
            number = self.names.setdefault(name, len(self.names))
            mark = ast.parse(f"{HITS}[{number}] = 1").body[0]
            docstring = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            found += [one] if docstring else [_placed(mark, one), one]
        return found

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            value = getattr(node, field, None)
            if isinstance(value, list) and not isinstance(node, ast.ClassDef):
                setattr(node, field, self.marked(value))
        return node


def _placed(mark: ast.stmt, where: ast.stmt) -> ast.stmt:
    for node in ast.walk(mark):
        ast.copy_location(node, where)
    return mark


class MarkingLoader(SourceFileLoader):
    """Loads a module with marks in it."""

    def __init__(self, name: str, path: str, file: str, names: dict[Place, int]) -> None:
        super().__init__(name, path)
        self.file, self.names = file, names

    def get_code(self, fullname: str) -> CodeType:
        tree = ast.parse(self.get_data(self.path))
        for function, name in functions(tree):
            Marker(self.file, name, function, self.names).visit(function)
        return compile(tree, self.path, "exec")


class MarkingFinder(MetaPathFinder):
    """Finds the modules that are to carry marks, before anybody else does."""

    def __init__(self, root: Path, files: Sequence[Path], names: dict[Place, int]) -> None:
        self.files = {str(root / file): file.as_posix() for file in files}
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin not in self.files:
            return None
        loader = MarkingLoader(fullname, spec.origin, self.files[spec.origin], self.names)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


class Watch:
    """A pytest plugin that notes what each test reaches and how long it takes."""

    def __init__(
        self,
        names: dict[Place, int],
        hits: bytearray,
        path: Path,
        known: Any,
        contents: Mapping[str, str],
    ) -> None:
        self.names, self.hits, self.path, self.known = names, hits, path, known
        self.contents = contents
        self.fixtures: dict[str, set[int]] = {}
        self.passed = True

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, None]:
        """What a shared fixture reaches belongs to every test that asks for it."""
        if fixturedef.scope == "function":
            yield
            return
        before = bytes(self.hits)
        self.hits[:] = bytes(len(self.hits))
        yield
        self.fixtures.setdefault(fixturedef.argname, set()).update(self._reached())
        self.hits[:] = before

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, Any, None]:
        self.hits[:] = bytes(len(self.hits))
        self.passed = True
        start = os.times()
        yield
        end = os.times()
        reached = self._reached()
        for fixture in getattr(item, "fixturenames", ()):
            reached |= self.fixtures.get(fixture, set())
        file = item.nodeid.split("::")[0]
        self.known.setdefault(file, {"tests": {}})["tests"][item.nodeid] = {
            "passed": self.passed,
            "seconds": round(end.elapsed - start.elapsed, 3),
            "processor": round(sum(end[:4]) - sum(start[:4]), 3),
            "reached": sorted(reached),
        }
        if nextitem is None or nextitem.nodeid.split("::")[0] != file:
            self.known[file]["content"] = self.contents[file]
            self.save()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed &= report.passed

    def save(self) -> None:
        """Write all that is known so far."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"statements": list(self.names), "files": self.known}))
        new.replace(self.path)

    def _reached(self) -> set[int]:
        return {mark.start() for mark in re.finditer(b"\x01", self.hits)}


def content(file: Path) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_files(root: Path, tests: Sequence[str]) -> list[str]:
    """The test files below the given folders or files, as paths below `root`."""
    found: dict[str, None] = {}
    for name in tests:
        path = root / name
        for one in sorted(path.rglob("test_*.py")) if path.is_dir() else [path]:
            found[one.relative_to(root).as_posix()] = None
    return list(found)


def measure(root: Path, files: Sequence[Path], tests: Sequence[str], path: Path) -> None:
    """Run those test files in this process that changed since
    they were last measured; to be called before any module of `files` is imported."""
    stored = json.loads(path.read_text()) if path.exists() else {"statements": [], "files": {}}
    names = {Place(*name): number for number, name in enumerate(stored["statements"])}
    known = {f: entry for f, entry in stored["files"].items() if (root / f).exists()}
    contents = {file: content(root / file) for file in test_files(root, tests)}
    stale = [f for f, now in contents.items() if known.get(f, {}).get("content") != now]
    for file in stale:
        known.pop(file, None)
    hits = bytearray(100_000)
    setattr(builtins, HITS, hits)
    sys.meta_path.insert(0, MarkingFinder(root, files, names))
    watch = Watch(names, hits, path, known, contents)
    arguments = [*(str(root / f) for f in stale), "--rootdir", str(root), "-p", "no:xdist"]
    if pytest.main(arguments, plugins=[watch]) in (
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
    ):
        for file in stale:  # those without a test of the usual kind, too
            known.setdefault(file, {"tests": {}})["content"] = contents[file]
    watch.save()
