"""The Explore panel: what a run's model believes of each labeler, in five views."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from prism_desktop.engine.runs.folder import ACTIVE, RunSummary
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.accuracy_view import AccuracyView
from prism_desktop.ui.explore.add_labeler_form import AddLabelerButton
from prism_desktop.ui.explore.agreement_view import AgreementView
from prism_desktop.ui.explore.face_view import FaceView
from prism_desktop.ui.explore.labeler_pair_view import LabelerPairView
from prism_desktop.ui.explore.ranking_view import FacesView
from prism_desktop.ui.explore.run_data import RunData, read_run
from prism_desktop.ui.explore.view import ExportButton, View, title
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.pickers import Picker, Segments


class RunLoader(QObject):
    """One reading at a time."""

    read = Signal(object)  # RunData
    missed = Signal()  # it was cancelled by hand, or failed and that was reported

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._job: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether a run is still to come."""
        return self._job is not None

    def forget(self) -> None:
        """What is being read is no longer wanted; neither signal follows."""
        if self._job is not None:
            self._job.cancel()
        self._job = None

    def start(self, run: Path, names: Mapping[str, str]) -> None:
        """Read a run; `names` says what to call each labeler."""
        self.forget()
        taken: list[RunData] = []

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, RunData):
                taken.append(found)

        def done() -> None:
            if self._job is not job:
                return
            self._job = None
            if taken:
                self.read.emit(taken[0])
            else:
                self.missed.emit()

        self._job = job = self._context.jobs.start(
            read_run(run, names), "Reading the run", events=on_events, owner=self
        )
        job.failed.connect(self._context.report)
        job.finished.connect(done)


_VIEWS = {
    "faces": "Faces",
    "two": "Two labelers",
    "face": "One face",
    "agreement": "Agreement",
    "accuracy": "Accuracy",
}
_PREDICTING = ("faces", "two", "face")
NOTE = "These judgments say something about the labeler, not about the person shown."


class ExplorePanel(QWidget):
    """Chooses the run and the view; each view shows the same data."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self.data: RunData | None = None
        self._leaving: dict[int, RunData] = {}  # whose models are being put away
        self._runs: tuple[RunSummary, ...] = ()
        self._names: dict[str, str] = {}
        self._loader = RunLoader(context, self)
        self._new_labeler = ""  # code of a labeler who was just added to the run being read
        self._wanted = ""  # path of a run that was asked for and is not listed yet
        self._before = "faces"  # the view from which a face was opened
        # path of the run being read or shown; empty when that failed or was cancelled
        self._request = ""
        self._stale: set[str] = set(_VIEWS)  # views that have not seen the data yet
        self._make()
        self._lay_out()
        self._connect()
        self._open()

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        return (*_VIEWS, "map")

    def show_view(self, name: str) -> None:
        """Bring a view to the front; it is filled when first looked at.

        "map" is one face with a relevance map.
        """
        self.segments.pick("face" if name == "map" else name)
        if name == "map":
            self.face.kind.pick(next(iter(operations.MAPS)))

    def show_run(self, run: Path) -> None:
        """Show the run in a folder, as soon as it is listed."""
        self._wanted = str(run)
        self._take_wanted()
        self._list()

    def view(self, name: str) -> View:
        """A view by name."""
        return self._view[name]

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        if self._loader.busy or self.context.worker.busy:
            return False
        current = self._view[self.segments.current]
        if self.data is None and self.segments.current != "agreement":
            return True
        return self.segments.current not in self._stale and current.idle()

    def _make(self) -> None:
        """The five views, what stands above them, and what stands in their place.

        The picker of runs may shrink to ten characters and grow with the window: titles of runs are
        long, and the views' buttons share its line.
        """
        context = self.context
        self.faces, self.pair, self.face = (
            FacesView(context),
            LabelerPairView(context),
            FaceView(context),
        )
        self.agreement, self.accuracy = AgreementView(context), AccuracyView(context)
        self._view: dict[str, View] = dict(
            zip(
                _VIEWS,
                (self.faces, self.pair, self.face, self.agreement, self.accuracy),
                strict=True,
            )
        )
        self.run = Picker()
        self.run.setMinimumWidth(150)
        self.run.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run.setMinimumContentsLength(10)
        self.run.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.run.setAccessibleName("Run")
        self.run.setPlaceholderText("Choose a run")
        self.segments = Segments(_VIEWS)
        self.note = label(NOTE, "small")
        self.add = AddLabelerButton(context, lambda: self.data)
        self.add.entered.connect(self._entered)
        self.export = ExportButton(context, lambda: self._view[self.segments.current])
        self.no_study, self.no_runs = no_study(context), no_runs(context)

    def _lay_out(self) -> None:
        """One line of controls, the view in the rest, and the note about judgments below.

        Without runs a page takes the view's place; without a study one takes the place of
        everything.
        """
        self._stack = QStackedWidget()
        for view in (*self._view.values(), self.no_runs):
            self._stack.addWidget(view)
        top = columns(
            label("Explore", "title"),
            GRID,
            self.run,
            self.add,
            GRID,
            self.segments,
            self.export,
            gap=GRID,
        )
        top.setStretch(2, 1)
        body = QWidget()
        inside = rows(top, self._stack, self.note, gap=2 * GRID)
        inside.setContentsMargins(3 * GRID, 2 * GRID + 4, 3 * GRID, GRID + 4)
        inside.setStretch(1, 1)
        body.setLayout(inside)
        self._whole = QStackedWidget()
        for each in (body, self.no_study):
            self._whole.addWidget(each)
        self.setLayout(rows(self._whole, gap=0))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _connect(self) -> None:
        context = self.context
        context.study_opened.connect(self._open)
        context.study_closed.connect(self._open)
        context.changed.connect(self._changed)
        # In this thread, for the worker answers no more; the model's process ends even if the
        # panel was destroyed before its window was closed.
        context.closing.connect(self._close_models)
        self._loader.read.connect(self._loaded)
        self._loader.missed.connect(self._missed)
        self.run.currentIndexChanged.connect(lambda _: self._read())
        self.segments.picked.connect(self._show_view)
        for view in self._view.values():
            view.face_wanted.connect(self._show_face)
            view.pair_wanted.connect(self._compare)
        self.pair.run_wanted.connect(self._show_run)
        self.faces.attribute_wanted.connect(self._score)
        self.faces.new_images.grown.connect(self._give_data)
        self.face.back_wanted.connect(self._go_back)
        for number, name in enumerate(_VIEWS, start=1):
            QShortcut(QKeySequence(f"Alt+{number}"), self, lambda name=name: self._turn_to(name))
            set_tip(self.segments.button(name), f"{_VIEWS[name]} (Alt+{number})")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._list()
        self._show_view(self.segments.current)

    def _open(self) -> None:
        self._runs, self._wanted = (), ""
        self.run.offer([])
        self.run.hide()
        self.agreement.set_comparable(False)
        self._forget()
        self._stale.add("agreement")
        self._whole.setCurrentIndex(1 if self.context.study is None else 0)
        self._show_view(self.segments.current)
        self._ask_names()
        self._list()

    def _changed(self, changes: Any) -> None:
        if changes.runs:
            self._list()
        if changes.labelers:
            self._ask_names()
        if changes.trials or changes.labelers or changes.attributes:
            self._stale.add("agreement")
            if self.isVisible():
                self._fill(self.segments.current)

    def _ask_names(self) -> None:
        study = self.context.study

        def take(labelers: Any) -> None:
            if self.context.study is study:
                self._name(labelers)

        if study is not None:
            self.context.ask(study.labelers, take, owner=self, topic="labelers")

    def _name(self, labelers: Any) -> None:
        self._names = {each.code: each.display_name or each.code for each in labelers}
        if self.data is not None:
            self.data.everybody = tuple(self._names)
            self.data.names.update(
                {code: self._names.get(code, code) for code in self.data.labelers}
            )
            self._give_data()

    def _list(self) -> None:
        study = self.context.study

        def take(runs: tuple[RunSummary, ...]) -> None:
            if self.context.study is study and runs != self._runs:
                self._show_runs(runs)

        if study is not None:
            path = Path(study.path)
            self.context.ask(lambda: operations.explorable(path), take, owner=self, topic="runs")

    def _show_runs(self, runs: tuple[RunSummary, ...]) -> None:
        before, self._runs = {str(run.path): run for run in self._runs}, runs
        chosen = self.run.key
        self.run.offer([(str(run.path), title(run)) for run in runs])
        self.run.setVisible(bool(runs))
        self.agreement.set_comparable(bool(runs))
        now = next((run for run in runs if str(run.path) == self._request), None)
        if self._request and (
            now is None or (now != before.get(self._request) and now.state not in ACTIVE)
        ):
            self._forget()  # gone, or trained further since it was read
        self._show_view(self.segments.current)
        if not chosen and runs:
            # What labelers differ in is what people come for; the consensus is one choice away.
            personal = next((run for run in runs if run.method != "consensus"), runs[0])
            self.run.settle(str(personal.path))
        self._take_wanted()
        self._read()

    def _take_wanted(self) -> None:
        if self._wanted and self.run.has(self._wanted):
            wanted, self._wanted = self._wanted, ""
            self.run.pick(wanted)

    def _read(self) -> None:
        path = self.run.key
        if not path or path == self._request:
            return
        self._forget()
        self._request = path
        self._loader.start(Path(path), self._names)

    def _entered(self, code: str) -> None:
        """Read the run again, with somebody new in it, and show their faces."""
        self.show_view("faces")
        self._forget()
        self._read()
        self._new_labeler = code

    def _loaded(self, data: RunData) -> None:
        """Show the run that was read, and whoever was just added to it."""
        code = self._new_labeler
        self._take(data)
        if data.damage:
            self.context.message(" ".join(data.damage), "warn")
        if code in data.labelers:
            self._fill("faces")
            self.faces.labeler.pick(code)
        elif code:
            self.context.message(f"The predictions for {code} cannot be read.", "warn")

    def _missed(self) -> None:
        """Nothing is shown, so nothing may seem chosen."""
        self._request = self._new_labeler = ""
        self.run.choose_none()

    def _forget(self) -> None:
        """Show no run, and wait for none."""
        self._loader.forget()
        self._request = ""
        self._take(None)

    def _take(self, data: RunData | None) -> None:
        """Show another run and end the process that held the model of the one before."""
        before, self.data = self.data, data
        self._new_labeler = ""
        if before is not None:
            self._leaving[id(before)] = before
            self.context.ask(before.close, lambda _: self._has_left(before), owner=self)
        self._give_data()

    def _has_left(self, data: RunData) -> None:
        self._leaving.pop(id(data), None)

    def _close_models(self) -> None:
        for data in (*self._leaving.values(), *(() if self.data is None else (self.data,))):
            data.close()

    def _give_data(self) -> None:
        """Fill the view in front; the others when they are looked at."""
        self._stale |= set(_VIEWS)
        self._fill(self.segments.current)

    def _fill(self, name: str) -> None:
        if name in self._stale:
            self._stale.discard(name)
            self._view[name].show_data(self.data)

    def _show_view(self, name: str) -> None:
        self._fill(name)
        bare = not self._runs and name != "agreement"
        self._stack.setCurrentWidget(self.no_runs if bare else self._view[name])
        self.add.setVisible(name in _PREDICTING and not bare)
        self.note.setVisible(name in _PREDICTING and not bare)

    def _show_face(self, row: int) -> None:
        labeler, attribute = self._choice()
        self._before = self.segments.current
        self.show_view("face")
        if self.data is not None and labeler in self.data.labelers:  # not the consensus model
            self.face.labeler.settle(labeler)
        if self.face.attribute.has(attribute):
            self.face.attribute.settle(attribute)
        self.face.show_face(row)
        self.face.setFocus()

    def _go_back(self) -> None:
        """To the gallery from which a face was opened, which still stands where it did."""
        self.show_view(self._before)
        self._view[self._before].setFocus()

    def _choice(self) -> tuple[str, str]:
        """The labeler and attribute that the view in front is about."""
        view = self._view[self.segments.current]
        if isinstance(view, LabelerPairView):
            return view.one.key, view.attribute.key
        if isinstance(view, FacesView | FaceView):
            return view.labeler.key, view.attribute.key
        return "", ""

    def _turn_to(self, name: str) -> None:
        self.show_view(name)
        self.segments.button(name).setFocus()  # from where Tab leads into the view

    def _compare(self, one: str, other: str) -> None:
        self.show_view("two")
        self.pair.compare(one, other, self._names)

    def _show_run(self, path: str) -> None:
        """Show another run, in the view in front."""
        if self.run.has(path):
            self.run.pick(path)
        else:
            self.context.message("That run is not there any more.", "warn")

    def _score(self, attribute: str) -> None:
        """Score every face on an attribute that nobody labeled."""
        data = self.data
        if data is None:
            return

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, dict) and data is self.data:
                data.with_attribute(attribute, found)
                for view in (self.faces, self.pair, self.face):
                    view.offer()
                self.faces.attribute.pick(attribute)
                self.faces.typed.clear()

        work = operations.score_text(data, attribute)
        self.context.run(work, f"Scoring “{attribute}”", events=on_events, owner=self)


def no_study(context: AppContext) -> EmptyState:
    """No study is open."""
    return EmptyState(
        context.theme,
        "explore",
        "No study is open",
        "Open a study with a trained model to see what it learned of each labeler.",
        (("Go to Study", lambda: context.panel_wanted.emit("study")),),
    )


def no_runs(context: AppContext) -> EmptyState:
    """The study has no run with predictions."""
    return EmptyState(
        context.theme,
        "explore",
        "Nothing to explore yet",
        "Train a model first. Then this is where you see every face as each labeler would, "
        "who agrees with whom, and how right the model is.",
        (("Go to Train", lambda: context.panel_wanted.emit("train")),),
    )
