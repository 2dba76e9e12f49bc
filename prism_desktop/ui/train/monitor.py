"""The monitor of one run: its stage, numbers, curves and small multiples, as it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSlider, QWidget

from prism_desktop.engine.runs.stopping import kept
from prism_desktop.engine.series_colours import labeler_place
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.nats_words import nats_told
from prism_desktop.ui.train.number_tiles import Tiles
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_label_editor import RunLabelEditor
from prism_desktop.ui.train.run_progress import PartCurves, RunProgress, smoothed
from prism_desktop.ui.train.run_results import RunResults
from prism_desktop.ui.train.runs import cells
from prism_desktop.ui.train.stage_strip import StageStrip, stages_of
from prism_desktop.ui.widgets.basics import GRID, button, chip, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.curves import Curve, CurveChart, Legend
from prism_desktop.ui.widgets.painted import series_colour
from prism_desktop.ui.widgets.small_multiples import Mini, Multiples

# ms between two drawings of a live run: the eye sees motion, the event loop stays free
_REDRAW = 150
_HIGHEST, _AROUND = 420, 64  # px, a chart, and its card's title and margins
_EDGE = 64  # px: of a card that shows no more than so many nothing can be read
_KINDS = {
    "finished": "good",
    "failed": "bad",
    "interrupted": "warn",
    "stopped": "",
    "paused": "warn",
}
_ASKED = {
    "pause": "Pausing as soon as the present step has ended…",
    "run": "Going on…",
    "stop": "Stopping; a step that does not end is cut short where nothing is lost by it…",
    "discard": "Discarding; a step that does not end is cut short…",
}
_WORKING = ("preparing", "training", "paused")


@dataclass(frozen=True, slots=True)
class Overlay:
    """Another run drawn into the same charts."""

    name: str
    colour: QColor
    progress: RunProgress


class Monitor(QWidget):
    """One run on the screen; its buttons ask for what the user wants done with it."""

    drawn = Signal()  # what is shown has its place now
    labeled = Signal(object, str, str)  # path of a run, its name and its note
    asked = Signal(str)  # "pause", "run", "stop", "discard", "resume", "report", "explore"

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._row: RunRow | None = None
        self._progress = RunProgress()
        # the consensus model's, drawn while it trains and the run has no curves
        self._first: RunProgress | None = None
        # run, what it was told, and its state and stage then
        self._told: tuple[str, str, str, str] | None = None
        self._overlays: tuple[Overlay, ...] = ()
        self._names: dict[str, str] = {}
        self._dirty = False
        self._timer = QTimer(self, interval=_REDRAW)
        self._timer.timeout.connect(self._redraw)
        self._timer.start()
        self._make_head()
        self._make_charts()
        self._lay_out()
        theme.changed.connect(self.touch)

    def show_run(
        self,
        row: RunRow,
        progress: RunProgress,
        names: dict[str, str],
        first: RunProgress | None = None,
    ) -> None:
        """Show a run; `names` says what to call each labeler."""
        self.renew(row, progress, names, first)
        self._redraw()
        for chart in (self.loss, self.accuracy):
            chart.fit()

    def renew(
        self,
        row: RunRow,
        progress: RunProgress,
        names: dict[str, str],
        first: RunProgress | None = None,
    ) -> None:
        """The same run, grown or in another state, or its labelers
        renamed; `first` is its consensus model's progress."""
        self._row, self._progress, self._names, self._first = row, progress, names, first
        self.run_label.show_run(row.run)
        self.touch()

    def acknowledge(self, what: str) -> None:
        """Show at once that the run was told to do something; it answers after its present step."""
        if self._row is not None and what in _ASKED:
            self._told = (self._row.run.name, what, self.now(), self._progress.stage)
            self.touch()

    def overlay(self, overlays: Sequence[Overlay]) -> None:
        """Draw other runs' validation curves too."""
        self._overlays = tuple(overlays)
        self.touch()

    def touch(self) -> None:
        """Something changed: draw it at the next timeout."""
        self._dirty = True

    def idle(self) -> bool:
        """Whether everything told is on the screen."""
        return not self._dirty

    def fitting(self, height: int) -> int:
        """The most px, up to a height, below which no card shows by its upper edge alone."""
        content = self._content
        if (layout := content.layout()) is not None:
            layout.activate()
        frames = [each for each in content.findChildren(QFrame) if each.isVisibleTo(content)]
        cards = [each for each in frames if each.property("role") == "card"]
        tops = [each.mapTo(content, QPoint(0, 0)).y() for each in cards]
        edge = next((top for top in sorted(tops) if 0 < height - top < _EDGE), None)
        return height if edge is None or content.height() <= height else edge - GRID

    def shown_steps(self) -> int:
        """How many training steps the shown run has told of."""
        return len(self._progress.step_loss.x)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._redraw()

    def _make_head(self) -> None:
        """What the run is, how it stands, what it can be told, and why it broke off."""
        self.title, self.state = label("", "title"), chip("")
        self.run_label = RunLabelEditor()
        self.run_label.written.connect(self.labeled)
        self.stages, self.working = StageStrip(self.theme), label("", "small", wrap=True)
        self.pause = button("&Pause", self._pause, tip="Pause; the process keeps its place")
        self.stop = button(
            "S&top and keep", lambda: self.asked.emit("stop"), tip="Keep and test the best epoch"
        )
        self.discard = button(
            "&Discard", lambda: self.asked.emit("discard"), "danger", tip="Stop and delete this run"
        )
        self.resume = button(
            "&Resume", lambda: self.asked.emit("resume"), "primary", tip="From the last checkpoint"
        )
        self.explore = button(
            "See in E&xplore",
            lambda: self.asked.emit("explore"),
            "primary",
            tip="What this run's model believes of each labeler",
        )
        self.failure = label("", "", wrap=True)
        self.failure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.report = button(
            "Save a r&eport…",
            lambda: self.asked.emit("report"),
            tip="A file to give away: log, versions and settings, without names and images",
        )
        self.failure_box = frame("failure", columns(self.failure, self.report, margin=GRID + 4))
        self.failure_box.hide()

    def _make_charts(self) -> None:
        """Numbers and curves, and what takes their place where a run has none."""
        self.tiles = Tiles()
        self.loss = CurveChart(self.theme)
        self.accuracy = CurveChart(self.theme, percent=True)
        for chart in (self.loss, self.accuracy):
            chart.setMinimumHeight(166)
            chart.setMaximumHeight(_HIGHEST)
        self.legend = Legend(self.theme)
        self.others = Legend(self.theme)  # names of overlaid runs need the whole width
        self.others.hide()
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, 99)
        self.smoothing.setValue(85)
        self.smoothing.setFixedWidth(110)
        self.smoothing.setAccessibleName("Smoothing of the training curves")
        set_tip(
            self.smoothing, "Smoothing of the training curves; the raw values stay visible behind"
        )
        self.smoothing.valueChanged.connect(self.touch)
        self.per_labeler, self.per_attribute = Multiples(self.theme), Multiples(self.theme)
        self.nats = label("", wrap=True)  # of a run that writes, what its tests say
        self.nats.hide()
        self.results = RunResults(self.theme)  # in place of curves, where there are none
        self.results.hide()

    def _lay_out(self) -> None:
        buttons = columns(self.explore, self.pause, self.stop, self.resume, self.discard)
        head = columns(self.title, self.state, None, buttons, gap=GRID + 4)
        smoothing = QWidget()
        smoothing.setLayout(columns(None, label("Smoothing", "small"), self.smoothing))
        loss, accuracy = (
            self._card(*each)
            for each in (("Loss", self.loss, self.legend), ("Accuracy", self.accuracy, smoothing))
        )
        self._accuracy_card = accuracy
        charts = self._charts = QWidget()
        charts.setMaximumHeight(_HIGHEST + _AROUND)  # a card grows no further than what it holds
        charts.setLayout(columns(loss, accuracy, gap=2 * GRID))
        self._small = tuple(
            self._card(
                f"Accuracy per {noun}", view, label("validation solid, training dashed", "small")
            )
            for noun, view in (("labeler", self.per_labeler), ("attribute", self.per_attribute))
        )
        inside = self._content = QWidget()
        body = rows(
            head,
            self.run_label,
            self.failure_box,
            columns(self.stages, None),
            self.working,
            self.tiles,
            self.others,
            self.nats,
            charts,
            *self._small,
            self.results,
            None,
            gap=GRID + 4,
        )
        body.setContentsMargins(3 * GRID, 2 * GRID, 2 * GRID, GRID)
        body.setStretchFactor(charts, 20)  # they grow with the window before anything else does
        inside.setLayout(body)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setAccessibleName("Curves of the run")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # its room stays, as in the card below
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setLayout(rows(scroll, gap=0))

    def _card(self, title: str, content: QWidget, legend: QWidget | None = None) -> QFrame:
        space = (None,) if isinstance(legend, QLabel) else ()
        head = columns(label(title, "strong"), *space, legend, gap=2 * GRID)
        layout = rows(head, content, gap=GRID)
        layout.setStretch(1, 1)
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        return frame("card", layout)

    def _pause(self) -> None:
        self.asked.emit("run" if self._progress.state == "paused" else "pause")

    def _redraw(self) -> None:
        if not self._dirty or self._row is None or not self.isVisible():
            return
        self._dirty = False
        self._show_head(self._row)
        working = self._doing() in ("consensus", "training", "predicting")
        self.tiles.show_numbers(self._row, self._progress, self._kept(), working=working)
        self._show_curves()
        self._show_small()
        self.drawn.emit()

    def _show_head(self, row: RunRow) -> None:
        """The title, state, buttons, stages and, where the run broke off, why."""
        progress, state = self._progress, self.now()
        told = cells(row)
        self.title.setText(told[1])
        set_tip(self.title, row.run.name)
        self.state.setText(f"{self._doing()} · {told[2]}")
        if self.state.property("kind") != _KINDS.get(state, "accent"):
            restyle(self.state, kind=_KINDS.get(state, "accent"))
        live = state in _WORKING
        self._show_buttons(state, live=live, resumable=row.run.resumable)
        message = " ".join(
            part for part in (progress.message or row.run.message, progress.advice) if part
        )
        if state == "interrupted":
            message = (
                message
                or "The training's process ended without a word. Its last checkpoint was kept: "
                "press Resume."
            )
        self.failure.setText(message)
        self.failure_box.setVisible(state in ("failed", "interrupted") and bool(message))
        if self.failure_box.isVisible():
            restyle(self.failure_box, kind="bad" if state == "failed" else "warn")
        self.working.setText((self._asked_for() or progress.working) if live else "")
        self.working.setVisible(live)  # also where it is empty, so that nothing below moves
        self.stages.show_stage(
            progress.stage if progress.now == "paused" else progress.now,
            state,
            names=stages_of(row.run),
            done=not live and (row.run.macro is not None or row.run.nll is not None),
        )

    def _show_buttons(self, state: str, *, live: bool, resumable: bool) -> None:
        focused = self.focusWidget()
        steps = live and self._progress.stage != "evaluating"  # which takes a moment
        self._tell_stop()
        self.resume.setVisible(resumable)
        self.explore.setVisible(not live and self._row is not None and self._row.explorable)
        for each in (self.pause, self.stop):
            each.setVisible(steps)
        self.discard.setText("&Discard" if live else "De&lete")
        set_tip(
            self.discard,
            "Stop and delete this run" if live else "Delete this run and all it learned",
        )
        self.pause.setText("&Go on" if state == "paused" else "&Pause")
        if focused in (self.pause, self.stop, self.resume) and focused.isHidden():
            # Qt would hand the focus on to Delete.
            (self.resume if resumable else self.smoothing).setFocus(Qt.FocusReason.OtherFocusReason)

    def _tell_stop(self) -> None:
        """Say on the button what a stop leaves of the run at its present stage."""
        if self._row is not None:
            run, progress = self._row.run, self._progress
            stepped, validated = bool(progress.step_loss.x), progress.best_epoch is not None
            left = kept(
                run.method, progress.stage, "stop", features=run.features, stepped=stepped,
                task=run.task, validated=validated,
            )  # fmt: skip
            self.stop.setText("S&top and keep" if left.tested else "S&top")
            set_tip(self.stop, left.sentence)

    def _asked_for(self) -> str:
        """What the run was told and has not answered yet; empty if nothing."""
        if self._told is None or self._row is None:
            return ""
        run, what, state, stage = self._told
        if (run, state, stage) != (self._row.run.name, self.now(), self._progress.stage):
            self._told = None
            return ""
        return _ASKED[what]

    def now(self) -> str:
        """The run's state: its status where it has ended, its events while it goes on."""
        if self._row is None:
            return ""
        if not self._row.live or self._progress.state in ("finished", "stopped", "failed"):
            return self._progress.state if self._row.live else self._row.run.state
        return self._progress.state if self._progress.state == "paused" else self._row.run.state

    def _doing(self) -> str:
        """What is told beside the title: the stage of a run that goes on, the state of another."""
        state = self.now()
        return self._progress.now if state in _WORKING else state

    def _kept(self) -> int | None:
        """The epoch whose model an ended run kept, which
        its numbers are about; None while it goes on."""
        return None if self.now() in _WORKING else self._progress.best_epoch

    def _show_curves(self) -> None:
        """The training curves smoothed over their raw values, validation, and the overlaid runs."""
        progress, tokens = self._first or self._progress, self.theme.tokens
        whose = "consensus, " if self._first is not None else ""
        train, val = series_colour(tokens, 0), series_colour(tokens, 1)
        weight = self.smoothing.value() / 100
        overlaid = any(other.progress.has_curves for other in self._overlays)
        self._charts.setVisible(progress.has_curves or overlaid)
        for chart, step, per_epoch in (
            (self.loss, progress.step_loss, progress.val_loss),
            (self.accuracy, progress.step_accuracy, progress.val_accuracy),
        ):
            curves = [
                Curve("", train, step.x, step.y, "ghost"),
                Curve(f"{whose}train", train, step.x, smoothed(step.y, weight)),
                Curve(f"{whose}validation", val, per_epoch.x, per_epoch.y, _style(progress)),
            ]
            for other in self._overlays:
                trace = (
                    other.progress.val_loss if chart is self.loss else other.progress.val_accuracy
                )
                style = _style(other.progress)
                curves.append(
                    Curve(
                        other.name, other.colour, trace.x, trace.y, style, dashed=style == "level"
                    )
                )
            chart.show_curves(curves, progress.best_epoch if progress.has_curves else None)
        self.legend.show_entries([(f"{whose}train", train), (f"{whose}validation", val)])
        self.others.show_entries(
            [(f"{each.name}: validation", each.colour) for each in self._overlays]
        )
        self.others.setVisible(bool(self._overlays))

    def _show_small(self) -> None:
        """A small chart per labeler and per attribute, or what there is in place of curves."""
        progress, row = self._first or self._progress, self._row
        writes = row is not None and row.run.task == "writing"
        self._accuracy_card.setHidden(writes)
        self.nats.setVisible(writes)
        if writes and row is not None:
            self.nats.setText(nats_told(row))
        bare = progress.heard and not progress.has_curves and not writes
        self.results.setVisible(bare)
        if bare and row is not None:
            self.results.show_run(row, self._names)
        labelers = [
            self._mini(self._names.get(k, k), labeler_place(self._names, k), small)
            for k, small in progress.labelers.items()
        ]
        attributes = [
            self._mini(name, place, small)
            for place, (name, small) in enumerate(progress.attributes.items())
        ]
        for card, view, minis in zip(
            self._small, (self.per_labeler, self.per_attribute), (labelers, attributes), strict=True
        ):
            card.setVisible(bool(minis) and self._in_epochs(progress) and not writes)
            view.show_minis(minis, progress.best_epoch)

    def _in_epochs(self, progress: RunProgress) -> bool:
        """Whether there are epochs to draw over: several, or the first of several."""
        many = progress.epochs > 1 and self.now() in _WORKING
        return progress.has_curves and (many or len(progress.val_loss.x) > 1)

    def _mini(self, name: str, place: int, small: PartCurves) -> Mini:
        colour = series_colour(self.theme.tokens, place)
        kept = self._kept()
        value = small.val.last if kept is None else small.val.at(kept)
        return Mini(
            name,
            colour,
            (small.train.x, small.train.y),
            (small.val.x, small.val.y),
            value,
            small.count,
        )


def _style(progress: RunProgress) -> str:
    """How a run's validation is drawn: what was fitted in one go has one value, of no epoch."""
    return "dots" if progress.has_curves else "level"
