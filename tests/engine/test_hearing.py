"""Long work of every kind is closed at random moments, in the middle of what takes long too: it
returns soon, and what is on the disk is what was there before."""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.engine.events import Done, Event, Notice, Progress, outcome
from prism_desktop.engine.hearing import UnwantedError, check_wanted, responsive
from prism_desktop.engine.study import backup, check
from prism_desktop.engine.study.exporting import export, rows
from prism_desktop.engine.study.importing import plan_making
from prism_desktop.engine.study.importing.import_files import import_files, redo_import
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan_making import plan_import
from prism_desktop.engine.study.store import Study
from tests.fixtures.disk_state import disk_state

_BOUND = 8.0  # s; on a machine that does much else
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
Work = Callable[[Study, Path], Iterator[Event[Any]]]


def _forever(*_: object, **__: object) -> Iterator[Any]:
    """A loop without events."""
    while True:
        check_wanted()
        time.sleep(0.001)
        yield None


def _wait(*_: object, **__: object) -> Any:
    for _each in _forever():
        pass


def _endless(connection: sqlite3.Connection, *_: object) -> Any:
    """One call into SQLite that does not come back."""
    return connection.execute(_ENDLESS).fetchall()


def _table(study: Study, folder: Path) -> Path:
    file = folder / "new.csv"
    lines = [f"L9,{image.name},{1 + place % 4}" for place, image in enumerate(study.images())]
    file.write_text("\n".join(["rater,image,attractive", *lines]) + "\n", encoding="utf-8")
    return file


def _undone(study: Study, folder: Path) -> str:
    report = outcome(import_files(study, [_table(study, folder)]))
    study.undo_import(report.id)
    return report.id


# kind of work -> how it is begun, and what in the middle of it takes for ever
_KINDS: dict[str, tuple[Work, tuple[object, str, Callable[..., Any]]]] = {
    **{
        f"export {kind}": (
            lambda study, folder, kind=kind: export(study, folder / "out", kind),
            (rows, "_answers", lambda trial: _wait()),
        )
        for kind in ("csv", "xlsx", "parquet", "sav", "jsonl")
    },
    "check, a query": (
        lambda study, folder: study.checking(),
        (check, "database_problems", _endless),
    ),
    "check, the images": (
        lambda study, folder: study.checking(deep=True),
        (check, "hash_file", lambda path: _wait()),
    ),
    "backup, copying": (lambda study, folder: study.backing_up(), (backup, "_copy", _wait)),
    "backup, checking": (
        lambda study, folder: study.backing_up(),
        (backup, "_verdict", _endless),
    ),
    "preview of an import": (
        lambda study, folder: plan_import(study, [_table(study, folder)], Recipe()),
        (plan_making, "understand", _wait),
    ),
    "import": (
        lambda study, folder: import_files(study, [_table(study, folder)]),
        (plan_making, "find_repeats", _wait),
    ),
    "bringing an import back": (
        lambda study, folder: redo_import(study, _undone(study, folder)),
        (plan_making, "understand", _wait),
    ),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_that_work_that_takes_for_ever_is_left_at_once_and_leaves_nothing(
    kind: str, tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, (module, name, stuck) = _KINDS[kind]
    events = begin(tiny_study, tmp_path)
    last = next(events)
    before = disk_state(tiny_study.path)
    monkeypatch.setattr(module, name, stuck)
    heard = 0
    while heard < 3:  # the same again: it is in the middle of what takes long
        event = next(events)
        assert not isinstance(event, Done), event
        heard = heard + 1 if event == last else 0
        last = event
    begun = time.monotonic()
    assert isinstance(events, Generator)
    events.close()
    assert time.monotonic() - begun < _BOUND
    monkeypatch.undo()
    assert disk_state(tiny_study.path) == before
    assert not list((tmp_path / "out").glob("*"))
    assert tiny_study.check() == []  # its connections are free again


def test_that_work_that_hears_nothing_is_left_and_ends_in_silence() -> None:
    free, ended = threading.Event(), threading.Event()

    def work() -> Generator[Event[None], None, None]:
        try:
            free.wait()
            yield Progress(1, 1, "Going on")
            raise AssertionError("nobody asked for this")
        finally:
            ended.set()

    events = responsive(work(), "Computing")
    assert next(events) == Progress(0, None, "Computing")
    events.close()
    assert not ended.is_set()
    free.set()
    assert ended.wait(_BOUND)


def test_that_work_never_runs_ahead_and_its_errors_come_through() -> None:
    done: list[int] = []

    def work() -> Generator[Event[int], None, None]:
        for number in range(3):
            done.append(number)
            yield Notice(str(number))
        raise ValueError("no fourth")

    with closing(responsive(work(), "Counting")) as events:
        for number in range(3):
            while (event := next(events)) == Progress(0, None, "Counting"):
                pass
            assert event == Notice(str(number))
            assert done == list(range(number + 1))
        with pytest.raises(ValueError, match="no fourth"):
            list(events)


def test_that_a_loop_goes_on_where_somebody_waits_or_nobody_can_be_asked() -> None:
    check_wanted()
    went_on: list[bool] = []

    def work() -> Generator[Event[None], None, None]:
        check_wanted()
        went_on.append(True)
        yield Notice("here")
        try:
            _wait()
        except UnwantedError:
            went_on.append(False)
            raise

    events = responsive(work(), "Looping")
    while not isinstance(next(events), Notice):
        pass
    next(events)
    events.close()
    assert went_on == [True, False]
