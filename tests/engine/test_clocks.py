"""A clock that goes backwards, jumps, or shows another time zone changes no order."""

import os
import random
import time
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import pytest

from prism_desktop.engine.clocks import ago, duration
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study import backup, backup_files
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study

NOW = 1_793_000_000.0  # in October 2026
YEAR_2100 = 4_102_444_800.0
SetClock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets what the program is told for the time, in unix seconds."""

    def put(moment: float) -> None:
        monkeypatch.setattr(time, "time", lambda: moment)

    return put


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the time zone."""

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows sets no zone for a process")
def test_that_answers_keep_their_order_whatever_the_clock_says(
    tiny_study: Study, clock: SetClock, zone: Callable[[str], None]
) -> None:
    images, told = [image.id for image in tiny_study.images()], []
    moments = (NOW, YEAR_2100, NOW - 3600, 0.0, NOW - 86_400, NOW + 1)
    zones = ("Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns", "UTC")
    for number, moment in enumerate(moments):
        clock(moment)
        zone(zones[number % len(zones)])
        left, right = random.Random(number).sample(images, 2)
        trial = TrialRecord(
            new_id(), "L3", f"s{number}", 0, "comparison", left, right, moment, 1.0,
            answers={"smart": "left"},
        )  # fmt: skip
        tiny_study.record(trial)
        told.append(trial.id)
    tiny_study.withdraw(told[-1])
    clock(0.0)
    tiny_study.restore(told[-1])
    assert [trial.id for trial in tiny_study.trials("L3", "comparison")][-6:] == told
    assert tiny_study.trial(told[1]).onset == YEAR_2100
    assert tiny_study.check() == []


def _dated(folder: Path, count: int, moment: float) -> list[Path]:
    folder.mkdir(exist_ok=True)
    made = []
    for number in range(count):
        made.append(folder / f"study-20260101-0000{number:02d}.sqlite3")
        made[-1].touch()
        os.utime(made[-1], (moment, moment))
    return made


def test_that_a_backup_outlives_those_of_a_clock_that_was_ahead(tiny_study: Study) -> None:
    ahead = _dated(tiny_study.path / "backups", backup_files.NEWEST + 3, YEAR_2100)
    assert backup.is_due(tiny_study.path / "study.sqlite3")
    made = tiny_study.backup()
    assert tiny_study.backups()[0] == made
    assert len(tiny_study.backups()) == backup_files.NEWEST
    assert set(tiny_study.backups()[1:]) < set(ahead)


def test_that_a_clock_that_went_back_loses_no_new_backup(
    tiny_study: Study, clock: SetClock
) -> None:
    _dated(tiny_study.path / "backups", backup_files.NEWEST, NOW)
    clock(1000.0)
    made = tiny_study.backup()
    os.utime(made, (1000.0, 1000.0))
    assert tiny_study.backups()[0] == made
    assert not backup.is_due(tiny_study.path / "study.sqlite3")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows sets no zone for a process")
def test_that_the_newest_run_comes_first_through_the_end_of_summer_time(
    tiny_study: Study, clock: SetClock, zone: Callable[[str], None]
) -> None:
    zone("Europe/Berlin")
    # 02:30 in summer, then 02:10 in winter time, then in a zone far behind; first a clock ahead
    names = []
    for number, moment in enumerate((YEAR_2100, 1_792_888_200.0, 1_792_890_600.0, 1_792_894_200.0)):
        if number == 3:
            zone("Pacific/Honolulu")
        clock(moment)
        names.append(RunFolder.create(tiny_study.path, TrainConfig()).name)
    assert [run.name for run in list_runs(tiny_study.path)] == [*names[:0:-1], names[0]]


def test_that_a_moment_in_the_future_is_shown_as_its_date() -> None:
    assert ago(YEAR_2100 + 86_400, NOW).startswith("dated ")
    assert ago(YEAR_2100 + 86_400, NOW).endswith("January 2100")
    assert ago(NOW + 60, NOW) == "just now"


def test_that_a_time_is_told_in_the_unit_in_which_it_is_short() -> None:
    told = [duration(seconds) for seconds in (0.3, 59.994, 180, 7_300, 200_000, 1e299, inf)]
    assert told == ["0.30 s", "59.99 s", "3 min", "2 h", "2 days", *["over 10,000 days"] * 2]
    assert duration(3.14159, 1) == "3.1 s"
