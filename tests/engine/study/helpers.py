"""Short words for the tests of import, export and backups."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import openpyxl

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

T = TypeVar("T")


def finished(work: Iterator[Event[T]]) -> T:
    """Run work to its end; its result comes last and once."""
    events = list(work)
    assert [isinstance(event, Done) for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert isinstance(last, Done)
    return last.value


def bare(make_study: MakeStudy, name: str = "bare", **options: Any) -> Study:
    """A study of 12 images face-000.jpg ... without labelers and trials."""
    return make_study(name, **{"images": 12, "labelers": 0, **options})


def table(path: Path, text: str) -> Path:
    """Write a text file as it stands."""
    path.write_text(text, encoding="utf-8", newline="")
    return path


def sheet(path: Path, rows: list[list[Any]]) -> Path:
    """Write a workbook of one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def reasons(report: ImportReport) -> dict[int, str]:
    """Row -> why it was refused."""
    return {refused.row: refused.reason for refused in report.refused}


def aged(copy: Path, days: float) -> Path:
    """A backup as if it had been made some days ago, by its name; the file's own time is now."""
    moment = time.localtime(time.time() - days * 86_400)
    return copy.rename(copy.with_name(f"study-{time.strftime('%Y%m%d-%H%M%S', moment)}.sqlite3"))
