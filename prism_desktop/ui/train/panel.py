"""The Train panel: a form for a new run, the run that goes on, and all runs to compare."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMessageBox, QSplitter, QStackedWidget, QWidget

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import message_box
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.compare_view import CompareView
from prism_desktop.ui.train.form import RunForm
from prism_desktop.ui.train.monitor import Monitor, Overlay
from prism_desktop.ui.train.progress_store import ProgressStore
from prism_desktop.ui.train.run_progress import RunProgress
from prism_desktop.ui.train.run_tabs import RunTabs, export_curves, export_table
from prism_desktop.ui.train.runs import cells
from prism_desktop.ui.widgets.basics import columns, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.file_export import save_report


class DeviceSearch(QObject):
    """A search in the background."""

    found = Signal(str, str)  # name, and why that one

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._asked = self.busy = False

    def start(self) -> None:
        """Search, unless that was done already."""
        if self._asked:
            return
        self._asked = self.busy = True
        job = self._context.jobs.start(
            operations.find_device(),
            "Looking for a GPU",
            quiet=True,
            events=self._receive,
            owner=self,
        )
        job.finished.connect(self._end)

    def _receive(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                self.found.emit(*event.value)

    def _end(self) -> None:
        self.busy = False


if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

_LEAST_RUNS = 200  # px, the card of runs in a low window
_POLL = 2000  # ms between looks at the runs' states, which another window or a kill may change


class TrainPanel(QWidget):
    """Starts runs, watches the one that goes on, compares those that are done."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self._rows: tuple[operations.RunRow, ...] = ()
        self._progress_store = ProgressStore(context, self)
        self._names: dict[str, str] = {}
        self._shown = ""
        self._mine: set[str] = set()  # runs whose process ends with this window
        self._wanted = ""  # a run just begun, to be shown as soon as it is listed
        self._device = DeviceSearch(context, self)
        self._shared = False  # whether the border above the runs was moved by hand
        self._fresh = True  # whether the form still shows another study's choices
        self._make()
        self._lay_out()
        context.study_opened.connect(self._open)
        context.study_closed.connect(self._close)
        context.changed.connect(self._changed)
        context.in_training = self.in_training
        context.kept_on_leaving = self.kept_on_leaving
        context.closing.connect(operations.end_trainings)
        self._progress_store.grown.connect(self._grown)
        self._progress_store.ended.connect(self._ended)
        self._poll = QTimer(self, interval=_POLL)
        self._poll.timeout.connect(self.refresh)
        self._open()

    # What screenshots and tests ask of a panel.

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        return ("runs", "log", "advanced", "compare", *self.compare.curves())

    def show_view(self, name: str) -> None:
        """Bring a view to the front."""
        self.form.mode.pick("compare" if name in ("compare", "shots", "curve") else "run")
        self.compare.plots.pages.pick(name if name in ("shots", "curve") else "labelers")
        self.form.fold.setChecked(name == "advanced")
        self.run_tabs.segments.pick("log" if name == "log" else "runs")

    def idle(self) -> bool:
        """Whether everything asked for has been shown; a run that goes on does not count."""
        seen = self._right.currentWidget() is not self._split or self.monitor.idle()
        return not self._device.busy and not self.context.worker.busy and seen

    def in_training(self) -> int:
        """How many runs and measurements begun here still go on."""
        return operations.living(self._mine) + self.compare.measuring

    def kept_on_leaving(self) -> list[str]:
        """What is left of these if they end with the window."""
        measured = ["Of a curve, the runs that are finished are used again."]
        return operations.kept_on_leaving(self._mine) + measured * self.compare.measuring

    def refresh(self) -> None:
        """Read the list of runs again."""
        study = self.context.study
        if study is not None:
            path = Path(study.path)
            self.context.ask(
                lambda: operations.rows(path), self._show_rows, owner=self, topic="runs"
            )

    def _make(self) -> None:
        """The parts of the panel, and what each tells the others."""
        theme = self.context.theme
        self.form = RunForm(theme)
        self.form.started.connect(self.start)
        self.form.backbone.chosen.connect(self._keep_backbone)
        self._device.found.connect(self.form.show_device)
        self.compare = CompareView(self.context)
        self.form.compared.connect(self.compare.start)
        self.form.turned.connect(lambda _: self._turn())
        self.compare.begun.connect(lambda run: self._mine.add(str(run)))
        self.compare.refused.connect(self.form.refuse)
        self.monitor = Monitor(theme)
        self.monitor.asked.connect(self.act)
        self.run_tabs = RunTabs(theme, self._export_curves, self._export)
        self.table, self.log = self.run_tabs.table, self.run_tabs.log
        self.table.shown.connect(self.show_run)
        self.table.runs.ticked.connect(self._overlay)
        self.no_study, self.no_runs = (
            no_study(self.context),
            no_runs(self.context, self.form.start.click),
        )

        monitor = self.monitor
        self.context.guard.add(
            self.form.start,
            *(monitor.pause, monitor.stop, monitor.discard, monitor.resume),
            self.compare.plots.measure,
            *self.no_runs.buttons,
        )

    def _lay_out(self) -> None:
        """The form at the left; at the right the runs, the comparison or a hint."""
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(self.monitor)
        self._split.addWidget(self.run_tabs)
        self._split.setStretchFactor(0, 1)
        self._split.splitterMoved.connect(lambda *_: self._keep_share())
        self._split.setChildrenCollapsible(False)
        self._right = QStackedWidget()
        self._right.addWidget(self._split)
        self._right.addWidget(self.no_runs)
        self._right.addWidget(self.compare)
        body = QWidget()
        inside = columns(self.form, self._right, gap=0)
        inside.setStretch(1, 1)
        body.setLayout(inside)
        self._whole = QStackedWidget()
        self._whole.addWidget(body)
        self._whole.addWidget(self.no_study)
        self.setLayout(rows(self._whole, gap=0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _keep_share(self) -> None:
        self._shared = True

    def _share_height(self) -> None:
        """Give the runs the height of all their rows, a third of the window at most.

        Whoever moved the border has shared it out.
        """
        if not self._shared:
            runs = min(self.run_tabs.whole_height(), max(_LEAST_RUNS, self.height() // 3))
            self._split.setSizes([self.height() - runs, runs])

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._poll.start()
        self._share_height()
        self.refresh()
        self._device.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._poll.stop()

    def _open(self) -> None:
        self._close()
        study = self.context.study
        self._whole.setCurrentIndex(0 if study is not None else 1)
        if study is not None:
            self._ask_study(study, fresh=True)
            self.refresh()

    def _ask_study(self, study: "Study", *, fresh: bool = False) -> None:
        """Ask what the form may offer; `fresh` forgets what was chosen for the study before."""
        self._fresh = self._fresh or fresh

        def show(found: operations.StudyChoices) -> None:
            if self.context.study is study:
                self._show_study(found)

        last = self.context.settings.backbone(study.path)
        self.context.ask(
            lambda: operations.study_choices(study, last), show, owner=self, topic="study"
        )

    def _keep_backbone(self, backbone: str) -> None:
        """The choice is there again after a restart."""
        if self.context.study is not None:
            self.context.settings.keep_backbone(self.context.study.path, backbone)

    def _close(self) -> None:
        self._progress_store.forget()
        self._rows, self._shown = (), ""
        self.table.runs.show(())
        self.compare.open_study()
        self._turn()
        if self.context.study is None:
            self._whole.setCurrentIndex(1)

    def _changed(self, changes: Any) -> None:
        study = self.context.study
        if changes.runs:
            self.refresh()
        if study is not None and (
            changes.labelers or changes.attributes or changes.images or changes.trials
        ):
            self._ask_study(study)

    def _show_study(self, found: operations.StudyChoices) -> None:
        self._names = dict(found.labelers)
        self.compare.name_labelers(self._names)
        fresh, self._fresh = self._fresh, False
        self.form.show_study(found, fresh=fresh)
        self._tell()

    def _show_rows(self, found: tuple[operations.RunRow, ...]) -> None:
        """Show the list of runs and, of them, the one just begun or else the one shown before."""
        changed = found != self._rows
        before = {row.run.damage for row in self._rows}
        if new := [row.run.damage for row in found if row.run.damage not in {"", *before}]:
            self.context.message(" ".join(new), "warn")
        self._rows = found
        self._turn()
        for row in found:
            if row.live:
                self._progress_store.follow(row)
        if not changed:
            return
        self.table.runs.show(found)
        self._share_height()
        self.form.show_parameter_counts(
            {
                (row.run.method, row.run.backbone): row.parameters
                for row in reversed(found)
                if row.parameters
            }
        )
        names = {row.run.name for row in found}
        if self._wanted in names:
            wanted, self._wanted = self._wanted, ""
            self.show_run(wanted)
        elif self._shown not in names and found:
            personal = [row for row in found if row.run.method != "consensus"]
            first = next((row for row in found if row.live), (personal or found)[0])
            self.show_run(first.run.name)
        elif self._shown:
            self.table.select(self._shown)
            self._tell()

    def show_run(self, name: str) -> None:
        """Show a run whole: its curves, its log."""
        self._shown = name
        self.table.select(name)
        self._tell(fresh=True)

    def _turn(self) -> None:
        """Show what the form is about: the comparison, or the run."""
        self._right.setCurrentIndex(2 if self.form.comparing else 0 if self._rows else 1)

    def _row(self, name: str) -> operations.RunRow | None:
        return next((row for row in self._rows if row.run.name == name), None)

    def _ended(self, _name: str) -> None:
        self.context.changed.emit(Changes(runs=True))

    def _grown(self, name: str) -> None:
        if name == self._shown:
            self._tell()
            return
        shown = self._row(self._shown)
        if shown is not None and shown.live and self._progress_store.of(shown).companion == name:
            self._tell()  # its curves are drawn until the run has its own
        if name in self.table.runs.ticks:
            self._overlay()

    def _tell(self, *, fresh: bool = False) -> None:
        row = self._row(self._shown)
        if row is None:
            return
        progress = self._progress_store.of(row)
        if fresh:
            self.monitor.show_run(row, progress, self._names, self._first(progress))
            self.log.begin()
        else:
            self.monitor.renew(row, progress, self._names, self._first(progress))
        self.log.tell(progress)

    def _first(self, progress: RunProgress) -> RunProgress | None:
        """The consensus model's progress while it is trained first."""
        first = self._row(progress.companion)
        return (
            self._progress_store.of(first)
            if first is not None and not progress.step_loss.x
            else None
        )

    def _overlay(self) -> None:
        overlays, runs = [], self.table.runs
        for name in runs.ticks:
            row, colour = self._row(name), runs.colour(name)
            if row is not None and colour is not None and name != self._shown:
                method, begun = cells(row)[1:3]
                overlays.append(Overlay(f"{method}, {begun}", colour, self._progress_store.of(row)))
        self.monitor.overlay(overlays)

    def start(self, config: TrainConfig) -> None:
        """Start a run; it is watched as soon as it exists."""
        study = self.context.study
        if study is None:
            return
        self.form.start.setEnabled(False)
        work = operations.start(Path(study.path), config)
        job = self.context.jobs.start(work, "Preparing the run", events=self._begun, owner=self)
        job.failed.connect(self._not_begun)
        job.finished.connect(lambda: self.form.start.setEnabled(True))

    def _begun(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                self._wanted = event.value.name
                self._mine.add(str(event.value.path))
                self.refresh()

    def _not_begun(self, error: Exception) -> None:
        if isinstance(error, PrismError):  # about what the form says, so it stands there
            self.form.refuse(str(error))
        else:
            self.context.report(error)

    def act(self, what: str) -> None:
        """Do what a button of the shown run says."""
        row = self._row(self._shown)
        if row is None or (what == "discard" and not sure_to_discard(self, live=row.live)):
            return
        path = row.run.path
        if what == "resume":
            self.context.run(
                operations.resume(path), "Resuming the run", events=self._begun, owner=self
            )
            return
        if what == "report":
            save_report(self, self.context, partial(operations.save_report, path))
            return
        self.monitor.acknowledge(what)
        told = Changes(runs=True)
        self.context.ask(
            lambda: operations.tell(path, what),
            lambda _: self.context.changed.emit(told),
            owner=self,
        )

    def _export_curves(self) -> None:
        names = dict.fromkeys((self._shown, *self.table.runs.ticks))
        shown = [row for row in map(self._row, names) if row is not None]
        export_curves(self, self.context, shown, dict(self._names))

    def _export(self) -> None:
        export_table(self, self.context, self._rows)


def sure_to_discard(parent: QWidget, *, live: bool) -> bool:
    """The one question that stands in the way: what is discarded cannot be had again."""
    verb, keep = ("Discard", "Keep training") if live else ("Delete", "Keep it")
    what = (
        "Training ends and everything it has learned"
        if live
        else "Its model, predictions and results are"
    )
    more = f"{what} {'is ' if live else ''}deleted. Your answers are not touched."
    box = message_box(parent, f"{verb} this run?", f"{verb} this run?", more)
    discard = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(keep, QMessageBox.ButtonRole.RejectRole))
    box.exec()
    sure = box.clickedButton() is discard
    box.deleteLater()
    return sure


def no_study(context: AppContext) -> EmptyState:
    """Shown until a study is open."""
    return EmptyState(
        context.theme,
        "train",
        "No study is open",
        "Open a study, label some faces, and train a model of each labeler here.",
        (("Go to Study", lambda: context.panel_wanted.emit("study")),),
    )


def no_runs(context: AppContext, start: Callable[[], object]) -> EmptyState:
    """Shown until the study has a run."""
    return EmptyState(
        context.theme,
        "train",
        "No runs yet",
        "A run fits a model to the labelers' answers and tests it on faces it has never seen. "
        "The settings on the left are a good start.",
        (("Start training", start),),
    )
