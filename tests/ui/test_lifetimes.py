"""Nothing calls back into a view that is gone, at whatever stage of whatever work it goes."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QObject,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import (
    add_labeler_form,
    agreement_operations,
    face_view,
    new_images,
    run_loader,
)
from prism_desktop.ui.explore import operations as explore_operations
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.job import Job, Jobs
from prism_desktop.ui.label import prefetch
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.lifetimes import Lifetimes, Mailbox
from prism_desktop.ui.study import panel as study_panel
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train import operations as train_operations
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.widgets import file_export, thumbnails
from prism_desktop.ui.window import Window
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

# of dialogs, offscreen
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

STAGES = ("before the first event", "between events", "before the result", "result not delivered")
ENDINGS = ("views deleted", "window closed", "window deleted")
_EVENTS = (Progress(0, 3, "Working"), Progress(1, 3, "Working"), Done(None))


class Work:
    """A kind of job's work, a generator that goes on when it is told to."""

    def __init__(self, name: str, events: Sequence[Any] = _EVENTS) -> None:
        self.name, self.events = name, events
        self.gates = [threading.Event() for _ in range(3)]
        self.begun, self.closed = threading.Event(), threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Iterator[Any]:
        """Two events and a result, each behind its gate."""
        try:
            self.begun.set()
            for gate, event in zip(self.gates, self.events, strict=True):
                gate.wait(30)
                yield event
        finally:
            self.closed.set()

    def reach(self, stage: str) -> None:
        """Let it go on to a stage."""
        for gate in self.gates[: STAGES.index(stage)]:
            gate.set()

    def release(self) -> None:
        """Let it go on to its end."""
        for gate in self.gates:
            gate.set()


class Question:
    """A function that answers when it is told to."""

    def __init__(self, answer: Any) -> None:
        self.gate, self.begun, self.answer = threading.Event(), threading.Event(), answer

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.begun.set()
        self.gate.wait(30)
        return self.answer


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whatever Python or Qt complain about."""
    found: list[str] = []

    def complain(where: str) -> Callable[..., None]:
        return lambda *told: found.append(f"{where}: {told}")

    monkeypatch.setattr(sys, "excepthook", complain("excepthook"))
    monkeypatch.setattr(sys, "unraisablehook", complain("unraisable"))
    monkeypatch.setattr(threading, "excepthook", complain("thread"))

    def message(kind: QtMsgType, _: object, text: str) -> None:
        if kind != QtMsgType.QtDebugMsg and "This plugin does not support" not in text:
            found.append(f"Qt: {text}")

    before = qInstallMessageHandler(message)
    yield found
    qInstallMessageHandler(before)


class Everything:
    """A window in which every kind of work goes on, and the views that it works for."""

    def __init__(self, window: Window, qtbot: QtBot, patch: pytest.MonkeyPatch) -> None:
        self.window, self.qtbot, self.patch = window, qtbot, patch
        self.works: list[Work] = []
        self.questions: list[Question] = []
        self.owners: list[QWidget] = []

    def work(self, module: object, name: str, events: Sequence[Any] = _EVENTS) -> Work:
        """Put a `Work` in place of a function that makes a job's generator."""
        made = Work(name, events)
        self.works.append(made)
        self.patch.setattr(module, name, made)
        return made

    def question(self, module: object, name: str, answer: Any) -> Question:
        made = Question(answer)
        self.questions.append(made)
        self.patch.setattr(module, name, made)
        return made

    def begin(self) -> None:
        """Begin every kind of work, and wait until each has begun."""
        study, train, explore = (
            self.window.show_panel(name) for name in ("study", "train", "explore")
        )
        assert isinstance(study, StudyPanel)
        assert isinstance(train, TrainPanel)
        assert isinstance(explore, ExplorePanel)
        for panel in (study, train):
            self.qtbot.waitUntil(lambda panel=panel: not self.window.context.worker.busy)
        self.qtbot.waitUntil(lambda: explore.data is not None and explore.idle(), timeout=20_000)
        self._begin_explore(explore)
        self._begin_study(study)
        self._begin_train(train)
        for work in self.works:
            assert work.begun.wait(20), f"{work.name} did not begin"
        self._begin_questions(explore)

    def _begin_explore(self, panel: ExplorePanel) -> None:
        self.work(explore_operations, "relevance")
        panel.show_view("map")
        self.work(agreement_operations, "agreement")
        panel.agreement.show_data(panel.data)
        self.work(explore_operations, "score_text")
        panel.faces.attribute_wanted.emit("friendly")
        self.work(new_images, "score")
        panel.faces.new_images._images = (object(),)  # type: ignore[assignment]
        panel.faces.new_images._score()
        self.patch.setattr(add_labeler_form, "get_ready", lambda: None)
        self.work(add_labeler_form, "adapt_in_worker")
        panel.add.open_form()
        assert panel.add.form is not None
        panel.add.form.take_file(Path("answers.csv"))
        panel.add.form.add.click()
        self.work(file_export, "drawing")
        self.patch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("out.svg", "SVG (*.svg)"))
        panel.export.figure.trigger()
        self.qtbot.waitUntil(lambda: not self.window.context.worker.busy, timeout=20_000)
        self.owners += [panel.face, panel.agreement, panel.faces.new_images, panel.faces]
        self.owners += [panel.add, panel.export, panel]

    def _begin_study(self, panel: StudyPanel) -> None:
        self.work(operations, "demo")
        panel.make_demo(Path("Demo.prism"))
        self.work(operations, "import_images")
        panel.import_images(Path("images"))
        self.work(operations, "import_embeddings")
        panel.import_embeddings(Path("faces.npz"), "")
        self.work(operations, "plan_import")
        panel.import_tables([Path("ratings.csv")])
        self.work(study_panel, "sort_incoming")
        panel.take([Path("ratings.csv")])
        self.work(operations, "export")
        panel.export(Path("out"), "csv")
        self.work(operations, "relink")
        panel.upkeep.relink(Path("images"))
        self.work(operations, "back_up")
        panel.overview.storage.back_up.click()
        self.work(operations, "count_images")
        panel.new.images.setText("/")
        panel.new._count()
        self.owners += [panel.assistant, panel.overview.storage, panel.new, panel]

    def _begin_train(self, panel: TrainPanel) -> None:
        self.work(train_operations, "start")
        panel.starts.ask(TrainConfig())
        self.work(train_operations, "compare", ([], [], []))
        panel.compare.start(None)  # type: ignore[arg-type]
        self.work(train_operations, "watch", ([], [], []))
        name = "20260101-130000-consensus"
        run = SimpleNamespace(
            name=name, path=Path("run"), method="consensus", features=False, task="judging"
        )
        panel._progress_store.follow(SimpleNamespace(run=run))  # type: ignore[arg-type]
        self.owners += [panel.compare, panel, panel.starts]

    def _begin_questions(self, panel: ExplorePanel) -> None:
        image = self.question(face_view, "read_image", QImage())
        panel.face.show_face(1)
        assert image.begun.wait(20)
        self.question(file_export, "write_rows", None)  # waits behind the image
        self.patch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("out.csv", ""))
        panel.show_view("faces")
        panel.export.table.trigger()
        decoding = self.question(thumbnails, "decode", QImage())
        panel.faces.gallery.thumbnails.get("0" * 64)
        assert decoding.begun.wait(20)
        label = self.window.show_panel("label")
        assert isinstance(label, LabelPanel)
        ahead = self.question(prefetch, "decode", QImage())
        label.prefetch.want([("0" * 64, Path("image.jpg"))], label.size())
        assert ahead.begun.wait(20)
        self.owners.append(label)

    def end(self, ending: str) -> None:
        """Destroy the views, or close or destroy the window."""
        if ending == "window closed":
            self.window.context.in_training = lambda: 0
            self.window.close()
        else:
            for gone in self.owners if ending == "views deleted" else [self.window]:
                gone.deleteLater()
            _delete()

    def release(self) -> None:
        for gate in (*self.works, *self.questions):
            gate.release() if isinstance(gate, Work) else gate.gate.set()


def _delete() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("stage", "ending"),
    [
        pytest.param(stage, ending, marks=() if place % 3 == number else pytest.mark.soak)
        for place, stage in enumerate(STAGES)
        for number, ending in enumerate(ENDINGS)
    ],
)
def test_that_no_work_outlives_its_view(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    printed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    ending: str,
) -> None:
    made = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, made, labelers=("L1", "L2"), attributes=("attractive", "smart"))
    monkeypatch.setattr(train_operations, "find_device", lambda: iter(()))
    monkeypatch.setattr(Job, "wait", lambda *_: False)  # as if it took longer than anyone waits
    everything = Everything(open_window(tiny_study), qtbot, monkeypatch)
    everything.begin()
    for work in everything.works:
        work.reach(stage)
    if stage == "result not delivered":  # nor anything before it
        assert all(work.closed.wait(20) for work in everything.works)
    else:
        qtbot.wait(50)  # what has come is delivered
    # Closing waits for what is being read, so it is answered meanwhile.
    timer = threading.Timer(0.2, lambda: [each.gate.set() for each in everything.questions])
    timer.start()
    everything.end(ending)
    timer.join()
    everything.release()
    for work in everything.works:
        assert work.closed.wait(20), f"{work.name} was not closed"
    qtbot.wait(100)
    gc.collect()
    assert printed == []


def test_that_a_run_being_read_ends_with_its_panel(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    printed: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L2"))
    work = Work("read_run")
    monkeypatch.setattr(run_loader, "read_run", work)
    panel = open_window(tiny_study).show_panel("explore")
    qtbot.waitUntil(work.begun.is_set, timeout=20_000)
    panel.deleteLater()
    _delete()
    work.release()
    assert work.closed.wait(20)
    qtbot.wait(50)
    assert printed == []


def test_that_a_dead_owner_s_job_is_cancelled_and_kept_account_of(qtbot: QtBot) -> None:
    jobs, owner, work = Jobs(Lifetimes()), QObject(), Work("work")
    heard: list[object] = []
    job = jobs.start(work(), "Work", owner=owner, events=heard.append)
    for signal in (job.ended, job.failed, job.finished):
        signal.connect(lambda *told: heard.append(told))
    assert work.begun.wait(5)
    owner.deleteLater()
    _delete()
    assert job.cancelled
    work.release()
    qtbot.waitUntil(lambda: len(jobs) == 0)
    assert heard == []
    assert work.closed.is_set()


def test_that_a_failed_write_is_reported_even_if_who_asked_is_gone(
    qtbot: QtBot, context: AppContext
) -> None:
    owner, gate, said, heard = QObject(), threading.Event(), [], []
    context.messaged.connect(lambda kind, text: said.append(kind))

    def fail() -> None:
        gate.wait(5)
        raise OSError("The disk is full.")

    context.write(fail, heard.append, owner=owner, failed=heard.append)
    owner.deleteLater()
    _delete()
    gate.set()
    qtbot.waitUntil(lambda: not context.writer.busy)
    assert (said, heard) == (["bad"], [])


def test_that_work_begun_after_the_end_never_calls_back(qtbot: QtBot) -> None:
    lifetimes, owner = Lifetimes(), QObject()
    lifetimes.end_all()
    assert lifetimes.of(owner).over
    jobs, heard = Jobs(lifetimes), []
    job = jobs.start(iter([1, 2, 3]), "Late", owner=owner, events=heard.append)
    qtbot.waitUntil(lambda: len(jobs) == 0)
    assert job.cancelled
    assert heard == []


def test_that_a_thread_may_fill_a_mailbox_whose_owner_is_gone(qtbot: QtBot) -> None:
    class Receiver(QObject):
        def take(self, value: object) -> None:
            heard.append(value)

    heard: list[object] = []
    owner = Receiver()
    mailbox = Mailbox(owner.take, owner)
    mailbox.put(1)
    qtbot.waitUntil(lambda: heard == [1])
    mailbox.put(2)
    owner.deleteLater()
    _delete()
    thread = threading.Thread(target=mailbox.put, args=(3,))
    thread.start()
    thread.join()
    qtbot.wait(20)
    assert heard == [1]
