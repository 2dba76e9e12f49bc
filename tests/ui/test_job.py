"""Long work beside the window."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job, Jobs
from prism_desktop.ui.lifetimes import Lifetime, Lifetimes


def _flood(closed: threading.Event) -> Iterator[Progress]:
    number = 0
    try:
        while True:
            number += 1
            yield Progress(number, None, "flooding")
    finally:
        closed.set()


def test_that_cancel_is_heard_under_a_flood_of_events(qtbot: QtBot, qapp: QApplication) -> None:
    closed = threading.Event()
    job = Job(_flood(closed), "flood", Lifetime(qapp))
    with qtbot.waitSignal(job.events, timeout=5000):
        job.start()
    with qtbot.waitSignal(job.ended, timeout=5000) as ended:
        job.cancel()
    assert ended.args == [True]
    assert closed.is_set()
    assert job.wait(5)


def test_that_events_come_in_order_and_in_batches(qtbot: QtBot, qapp: QApplication) -> None:
    batches: list[list[int]] = []
    job = Job(iter(range(50_000)), "count", Lifetime(qapp))
    job.events.connect(batches.append)
    with qtbot.waitSignal(job.ended, timeout=10_000) as ended:
        job.start()
    assert ended.args == [False]
    assert [number for batch in batches for number in batch] == list(range(50_000))
    assert len(batches) < 5_000
    job.wait(5)


def test_that_the_window_stays_alive_under_a_flood(qtbot: QtBot, qapp: QApplication) -> None:
    beats: list[float] = []
    job = Job(_flood(threading.Event()), "flood", Lifetime(qapp)).start()
    for _ in range(20):
        qtbot.wait(5)
        beats.append(time.monotonic())
    assert len(beats) == 20
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.cancel()
    job.wait(5)


def test_that_an_error_comes_in_place_of_the_end(qtbot: QtBot, qapp: QApplication) -> None:
    def work() -> Iterator[Progress]:
        yield Progress(1, 2, "working")
        raise InputError("It cannot be done.")

    ends: list[bool] = []
    job = Job(work(), "fail", Lifetime(qapp))
    job.ended.connect(ends.append)
    with qtbot.waitSignal(job.failed, timeout=5000) as failed:
        job.start()
    assert isinstance(failed.args[0], InputError)
    assert not ends
    job.wait(5)


def test_that_closing_ends_all_jobs(qtbot: QtBot, qapp: QApplication) -> None:
    jobs, closed = Jobs(Lifetimes()), threading.Event()
    jobs.start(_flood(closed), "flood", owner=qapp)
    qtbot.wait(50)
    jobs.close()
    assert closed.is_set()
    assert len(jobs) == 0


def test_that_late_answers_are_dropped(qtbot: QtBot, context: AppContext) -> None:
    owner, gate, answers = QObject(), threading.Event(), []
    context.ask(lambda: gate.wait(5) and "old", answers.append, owner=owner, topic="same")
    context.ask(lambda: "new", answers.append, owner=owner, topic="same")
    gate.set()
    qtbot.waitUntil(lambda: not context.worker.busy)
    assert answers == ["new"]


def test_that_an_answer_to_something_gone_is_dropped(qtbot: QtBot, context: AppContext) -> None:
    owner, gate, answers = QObject(), threading.Event(), []
    context.ask(lambda: gate.wait(5), answers.append, owner=owner)
    owner.deleteLater()
    qtbot.wait(20)
    gate.set()
    qtbot.waitUntil(lambda: not context.worker.busy)
    assert answers == []


def test_that_a_known_error_is_a_sentence_and_a_bug_is_logged(
    qtbot: QtBot, context: AppContext, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[tuple[str, str]] = []
    context.messaged.connect(lambda kind, text: said.append((kind, text)))

    def fail(error: Exception) -> None:
        raise error

    context.ask(lambda: fail(InputError("There is no such labeler.")), owner=context)
    context.ask(lambda: fail(KeyError("oops")), owner=context)
    qtbot.waitUntil(lambda: len(said) == 2)
    assert said[0] == ("bad", "There is no such labeler.")
    assert "unexpected" in said[1][1]
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="None and True are immortal there (PEP 683), whatever Qt's binding adds or takes away",
)
def test_that_signals_keep_the_references_of_none_and_true_flat(qtbot: QtBot) -> None:
    class Sender(QObject):
        told = Signal(object, bool)

    sender, heard = Sender(), [0]

    def receive(value: object, flag: bool) -> None:
        heard[0] += 1

    sender.told.connect(receive)
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(10_000):
        sender.told.emit(None, True)
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert heard == [10_000]
    assert abs(after[0] - before[0]) < 500
    assert abs(after[1] - before[1]) < 500


def test_that_the_result_is_the_last_event(qtbot: QtBot, qapp: QApplication) -> None:
    def work() -> Iterator[object]:
        yield Progress(1, 1, "working")
        yield Done("result")

    events: list[object] = []
    job = Job(work(), "work", Lifetime(qapp))
    job.events.connect(events.extend)
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    assert events[-1] == Done("result")
    job.wait(5)
