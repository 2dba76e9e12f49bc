"""The Train panel: a form for a new run, the run that goes on, and all runs to compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.study.lacks import Lack
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.bare_pages import no_runs, no_study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.leave_dialogs import sure_to_discard
from prism_desktop.ui.shortcuts import press_by
from prism_desktop.ui.spoken_labels import Captions
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.compare_view import CompareView
from prism_desktop.ui.train.comparison_page import ComparisonPage
from prism_desktop.ui.train.device_search import DeviceSearch
from prism_desktop.ui.train.monitor import Monitor, Overlay
from prism_desktop.ui.train.operations import ComparisonRequest, WritingRequest
from prism_desktop.ui.train.progress_store import ProgressStore
from prism_desktop.ui.train.run_above_runs import RunAboveRuns
from prism_desktop.ui.train.run_orders import RunOrders
from prism_desktop.ui.train.run_progress import RunProgress
from prism_desktop.ui.train.run_starts import RunStarts
from prism_desktop.ui.train.run_tabs import RunTabs, export_curves, export_table
from prism_desktop.ui.train.runs import cells
from prism_desktop.ui.train.task_forms import TaskForms
from prism_desktop.ui.train.writer_compare import WriterCompareView
from prism_desktop.ui.ways_out import way_out
from prism_desktop.ui.widgets.basics import columns, rows
from prism_desktop.ui.widgets.waiting_page import WaitingPage

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

_NONE_WRITES = (
    "A run learns from people's own texts how each would answer, and is tested on prompts that it "
    "has never seen. The settings on the left are a good start."
)
_POLL = 2000  # ms between looks at the runs' states, which another window or a kill may change


class TrainPanel(QWidget):
    """Starts runs, watches the one that goes on, compares those that are done."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self._all: tuple[operations.RunRow, ...] = ()  # of both tasks
        self._rows: tuple[operations.RunRow, ...] = ()  # of the one that is chosen
        self._progress_store = ProgressStore(context, self)
        self._names: dict[str, str] = {}
        self._shown = ""
        self._path = Path()  # of the study that is open, or was
        self._listed = False  # whether the study's runs were read
        self._mine: set[str] = set()  # runs whose process ends with this window
        self._wanted = ""  # a run just begun, to be shown as soon as it is listed
        self._following = False  # whether the shown run was chosen while it went on
        self._device = DeviceSearch(context, self)
        self._blocked: tuple[str, Lack | None] = ("", None)  # why nothing can learn to judge
        self._fresh = True  # whether the form still shows another study's choices
        self._make()
        self._lay_out()
        context.study_opened.connect(self._open)
        context.study_closed.connect(self._leave)
        context.changed.connect(self._changed)
        context.in_training = self.in_training
        context.kept_on_leaving = self.kept_on_leaving
        context.in_queue = self.starts.unstarted
        context.closing.connect(operations.end_trainings)
        self._progress_store.grown.connect(self._grown)
        self._progress_store.ended.connect(self._ended)
        self._poll = QTimer(self, interval=_POLL)
        self._poll.timeout.connect(self._look_again)
        self._captions = Captions(self, context)
        self._open()

    # What screenshots and tests ask of a panel.

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        writing = self._forms.views(compared=self.writer_compare.board.board is not None)
        return ("runs", "log", "advanced", "compare", *self.compare.curves(), *writing)

    def show_view(self, name: str) -> None:
        """Bring a view to the front."""
        self._forms.show_view(name)
        self.compare.plots.pages.pick(name if name in ("shots", "curve") else "labelers")
        self.run_tabs.segments.pick("log" if name == "log" else "runs")

    def idle(self) -> bool:
        """Whether everything asked for has been shown; a run that goes on does not count."""
        seen = self._right.currentWidget() is not self._split or self.monitor.idle()
        return not self._device.busy and not self.context.worker.busy and seen

    def in_training(self) -> int:
        """How many runs and measurements begun here still go on; a comparison that is between two
        runs is one."""
        live = operations.living(self._mine)
        return max(live, self._comparing) + self.compare.measuring

    def kept_on_leaving(self) -> list[str]:
        """What is left of these if they end with the window."""
        measured = ["Of a curve, the runs that are finished are used again."]
        kept = operations.kept_on_leaving(self._mine) + measured * self.compare.measuring
        compared = ["Of a comparison, what is finished is used again when it is started again."]
        return [*kept, *compared * self._comparing, *self.starts.lost_on_leaving()]

    @property
    def _comparing(self) -> bool:
        """Whether a comparison of either task goes on."""
        return self.compare.busy or self.writer_compare.busy

    def refresh(self) -> None:
        """Read the list of runs again."""
        study = self.context.study
        if study is not None:
            path = Path(study.path)
            self.context.ask(
                lambda: operations.rows(path),
                self._show_rows,
                owner=self,
                what="Reading the runs",
                topic="runs",
            )

    def _look_again(self) -> None:
        """Unless an answer is still to come, which a newer question would void, again and again
        where reading takes longer than the time between two looks."""
        if not self.context.worker.busy:
            self.refresh()

    @property
    def _comparison(self) -> ComparisonPage:
        """The page of comparisons of the task that is chosen."""
        return self.writer_compare if self._forms.writes else self.compare

    def _make(self) -> None:
        """The parts of the panel, and what each tells the others."""
        forms = self._forms = TaskForms(self.context.theme)
        self.form, self.writer, self.task = forms.form, forms.writer, forms.task
        forms.switched.connect(self._change_task)
        forms.turned.connect(self._turn)
        self.form.backbone.chosen.connect(self._keep_backbone)
        self.form.blocked.connect(self._show_blocked)
        self._device.found.connect(self.form.show_device)
        self.context.begun.connect(forms.begin)
        self._make_starts(forms)
        self.monitor = Monitor(self.context.theme)
        self.monitor.asked.connect(self.act)
        self.monitor.labeled.connect(self._orders.label)
        self.run_tabs = RunTabs(self.context, self._export_curves, self._export)
        self.table, self.log = self.run_tabs.table, self.run_tabs.log
        self.table.shown.connect(self.show_run)
        self.table.runs.ticked.connect(self._overlay)
        self.no_study = no_study(self.context, "train")
        self.no_runs = no_runs(self.context, forms.press_start)
        self._hints = (self.no_runs, self.compare.empty, self.writer_compare.empty)
        hints = [each for hint in self._hints for each in hint.buttons]
        for each in hints:
            press_by(each, "start training")  # the form's, while that is hidden
        monitor = self.monitor
        self.context.guard.add(
            *(self.form.start, self.writer.start),
            *(monitor.pause, monitor.stop, monitor.discard, monitor.resume),
            *(monitor.run_label.name, monitor.run_label.note),
            self.compare.plots.measure,
            *hints,
        )

    def _make_starts(self, forms: TaskForms) -> None:
        """The pages of comparisons, and what begins whatever a form asks for."""
        self.compare = CompareView(self.context)
        self.writer_compare = WriterCompareView(self.context)
        pages = {ComparisonRequest: self.compare, WritingRequest: self.writer_compare}
        self.starts = RunStarts(self.context, pages, self._live, self)
        self._orders = RunOrders(self.context, self.starts, self)
        forms.started.connect(self.starts.ask)
        forms.moved.connect(self.starts.move)
        forms.removed.connect(self.starts.remove)
        self.starts.begun.connect(self._begun)
        self.starts.refused.connect(self._not_begun)
        self.starts.changed.connect(self._show_starts)
        for page in pages.values():
            page.begun.connect(lambda run: self._mine.add(str(run)))
            page.wanted.connect(forms.press_start)
            page.turned.connect(self._turn)

    def _lay_out(self) -> None:
        """The form at the left; at the right the runs, the comparison or a hint."""
        self._split = RunAboveRuns(self.monitor, self.run_tabs)
        self._right = QStackedWidget()
        self._right.addWidget(self._split)
        self._right.addWidget(self.no_runs)
        self._right.addWidget(self.compare)
        self._right.addWidget(WaitingPage("Reading the study's runs…"))
        self._right.addWidget(self.writer_compare)
        body = QWidget()
        inside = columns(gap=0)
        inside.addWidget(self._forms)
        inside.addWidget(self._right)
        inside.setStretch(1, 1)
        body.setLayout(inside)
        self._whole = QStackedWidget()
        self._whole.addWidget(body)
        self._whole.addWidget(self.no_study)
        self.setLayout(rows(self._whole, gap=0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._split.share(self.height())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._poll.start()
        self._split.share(self.height())
        self.refresh()
        self._device.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not self.starts.waiting():  # else somebody must see when it is their turn
            self._poll.stop()

    def _open(self) -> None:
        self._close()
        study = self.context.study
        self._whole.setCurrentIndex(0 if study is not None else 1)
        if study is not None:
            self._path = Path(study.path)
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
            lambda: operations.study_choices(study, last),
            show,
            owner=self,
            what="Reading what can be trained",
            topic="study",
        )

    def _keep_backbone(self, backbone: str) -> None:
        """The choice is there again after a restart."""
        if self.context.study is not None:
            self.context.settings.keep_backbone(self.context.study.path, backbone)

    def _leave(self) -> None:
        """The study is closed: its runs go on, and what waits for them is told."""
        if told := self.starts.leave(self._path):
            self.context.message(told)
        self._close()

    def _close(self) -> None:
        self._progress_store.forget()
        self._all = self._rows = ()
        self._shown, self._listed = "", False
        self.table.runs.show(())
        self.compare.open_study()
        self.writer_compare.open_study()
        self._show_starts()
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
        self._forms.show_study(found, fresh=fresh)
        self._tell()

    def _show_rows(self, found: tuple[operations.RunRow, ...]) -> None:
        """Show the list of runs and, of them, the one just begun or else the one shown before."""
        changed = found != self._all
        before = {row.run.damage for row in self._all}
        if new := [row.run.damage for row in found if row.run.damage not in {"", *before}]:
            self.context.message(" ".join(new), "warn")
        ended = [row for row in found if self._has_ended(row)]
        self._all, self._listed = found, True
        self._rows = self._of_task()
        self._turn()
        for row in self._rows:
            if row.live:
                self._progress_store.follow(row)
        self._tell_ended(ended)
        self.starts.advance()
        self._show_starts()
        if changed or self._wanted:  # which may have been listed before it was known as begun
            self._show_list()

    def _of_task(self) -> tuple[operations.RunRow, ...]:
        """The runs of the task that is chosen; those of the other are in no table with them."""
        return tuple(row for row in self._all if row.run.task == self.task.current)

    def _change_task(self) -> None:
        """Show the form and the runs of the other task."""
        self._rows, self._shown = self._of_task(), ""
        self._show_blocked(*self._blocked)
        self._turn()
        self._show_list()

    def _show_list(self) -> None:
        """The table, and of the runs the one just begun or else the one shown before."""
        found = self._rows
        self.table.runs.show(found)
        self._split.share(self.height())
        self.form.show_parameter_counts(
            {
                (row.run.method, row.run.backbone): row.parameters
                for row in reversed(self._all)
                if row.parameters and row.run.task == "judging"
            }
        )
        names = {row.run.name for row in found}
        if self._wanted in names:
            wanted, self._wanted = self._wanted, ""
            self.show_run(wanted)
        elif self._shown not in names and found:
            personal = [row for row in found if row.run.method != CONSENSUS]
            first = next((row for row in found if row.live), (personal or found)[0])
            self.show_run(first.run.name)
        elif self._shown:
            self.table.select(self._shown)
            self._tell()

    def _has_ended(self, row: operations.RunRow) -> bool:
        """Whether a run that was begun here went on at the last look, and has results now."""
        before = next((one for one in self._all if one.run.path == row.run.path), None)
        return (
            before is not None
            and before.live
            and row.explorable
            and str(row.run.path) in self._mine
        )

    def _tell_ended(self, ended: list[operations.RunRow]) -> None:
        """Say that runs have ended to somebody who does not see them; a comparison says it."""
        for row in ended:
            seen = self.isVisible() and self._shown == row.run.name and not self.starts.waiting()
            if not seen and not self.starts.comparing:
                self._orders.tell_ended(row)

    def show_run(self, name: str) -> None:
        """Show a run whole: its curves, its log."""
        self._shown = name
        shown = self._row(name)
        self._following = shown is not None and shown.live
        self.table.select(name)
        self._tell(fresh=True)

    def _turn(self) -> None:
        """Show what the form is about: the comparison, or the run.

        Of two buttons that start the same there is one: the one beside the hint, where it is.
        """
        place = 0 if self._rows else 1 if self._listed else 3
        compared = self._right.indexOf(self._comparison)
        self._right.setCurrentIndex(compared if self._forms.comparing else place)
        self._forms.show_start(self._alone())

    def _show_blocked(self, why: str, lack: Lack | None) -> None:
        """The hints to start something say it where nothing can be started, with the way out."""
        self._blocked = why, lack
        if self._forms.writes:  # which learns from other texts
            why, lack = "", None
        way = None if lack is None else way_out(self.context, lack.step)
        for hint in self._hints:
            hint.block(why, way)
        self._captions.speak()  # the page's own sentence is back
        if self._forms.writes:
            self.no_runs.text.setText(_NONE_WRITES)

    def _alone(self) -> bool:
        """Whether the form's Start is the only one: a hint has its own."""
        hinted = self._comparison.bare if self._forms.comparing else not self._rows and self._listed
        return not hinted

    def _row(self, name: str) -> operations.RunRow | None:
        return next((row for row in self._rows if row.run.name == name), None)

    def _ended(self, _name: str) -> None:
        self.context.changed.emit(Changes(runs=True))

    def _grown(self, name: str) -> None:
        grown = self._row(name)
        if grown is not None and grown.live:
            self.table.runs.show_stage(name, self._progress_store.of(grown).now)
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
            self.monitor.tiles.words = self.context.words
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

    def _live(self) -> bool:
        """Whether a run of this study goes on, or one that was begun here."""
        return any(row.live for row in self._all) or operations.living(self._mine) > 0

    def _begun(self, events: list[Any], waited: bool = False) -> None:
        """Watch a run that was begun; one that had waited only by who followed the one before."""
        for event in events:
            if isinstance(event, Done):
                self._mine.add(str(event.value.path))
                if not waited or self._following:
                    self._wanted = event.value.name
                self.refresh()

    def _not_begun(self, error: Exception) -> None:
        if isinstance(error, PrismError):  # about what the form says, so it stands there
            self._forms.refuse(str(error))
        else:
            self.context.report(error)

    def _show_starts(self) -> None:
        """What waits, and what Start does now."""
        starts = self.starts
        waiting = starts.waiting()
        self._forms.show_queue(waiting, busy=starts.busy or bool(waiting), held=starts.starting)
        self._forms.show_start(self._alone())

    def act(self, what: str) -> None:
        """Do what a button of the shown run says."""
        row = self._row(self._shown)
        if row is None or (what == "discard" and not sure_to_discard(self, live=row.live)):
            return
        self.monitor.acknowledge(what)
        self._orders.carry_out(row, what)

    def _export_curves(self) -> None:
        names = dict.fromkeys((self._shown, *self.table.runs.ticks))
        shown = [row for row in map(self._row, names) if row is not None]
        export_curves(self, self.context, shown, dict(self._names))

    def _export(self) -> None:
        export_table(self, self.context, self._rows)
