"""The view of more labels: would it pay to label more, by whom, and what to label next."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel

from prism_desktop.engine.adaptation.growth import MORE
from prism_desktop.engine.adaptation.label_worth import (
    ExpectedGain,
    LabelerWorth,
    rows_of,
    worth_of_everybody,
)
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.curve_store import curve_obstacle, curve_of_run
from prism_desktop.engine.experiments.measurement import measure_in_worker
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import POSTERIOR, method_title
from prism_desktop.engine.runs.curve_files import CurvePoint, Forecast, LabelerPoint, LearningCurve
from prism_desktop.engine.runs.estimates import told_accuracy, told_share, too_few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import worth_data
from prism_desktop.ui.explore.operations import thumbnail_paths
from prism_desktop.ui.explore.run_data import UNREAD, RunData
from prism_desktop.ui.explore.view import ExportTable, View, is_found, settle_text
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import LowScroll, side_by_side
from prism_desktop.ui.widgets.curves import Curve, CurveChart, Legend
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.thumbnails import Thumbnails
from prism_desktop.ui.widgets.whole_table import WholeTable

_HEADS = ("Labeler", "Worth it?", counted(MORE, "more answer"), "Right", "Of ceiling", "Answers")
_GIVE_WAY = (5, 4, 3)  # columns that a narrow window leaves out
_MANY = 8  # labelers among whom one searches
_FACE = 84  # px
_TRIALS = 3  # that are shown of what would tell most
_NARROW = 1000  # px; below, one trial less is shown
_LEAST = 490  # px, the height below which all of it scrolls
_Z = 1.96  # half a 95 % interval, in standard errors
_ASKING = "Asking the labelers' models…"
_ALONE = (
    "No model says how surely it knows a labeler who is the only one: hierarchical Bayes, which "
    "does, learns from two or more."
)
_NOBODY = (
    "No finished run of this study says how surely it knows a labeler; train "
    f"{method_title(POSTERIOR)}."
)


class WorthView(View):
    """Everybody on the left; the chosen labeler's curve and next trials on the right."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._curve: LearningCurve | None = None
        self._expected: dict[str, ExpectedGain] = {}
        self._next: dict[str, tuple[tuple[str, ...], ...]] = {}
        self._lines: list[LabelerWorth] = []  # as the table shows them
        self._job: Job | None = None
        self._planning: Job | None = None
        self._measuring: Job | None = None
        self._make()
        self._lay_out()
        self.labelers.row_chosen.connect(self._choose)
        self.search.textChanged.connect(self._find)
        self.thumbnails.arrived.connect(lambda _: self._paint_faces())
        context.changed.connect(self._changed)
        context.theme.changed.connect(self._draw)

    def _make(self) -> None:
        context = self.context
        self.everybody = label("", wrap=True)
        self.measure = button("&Measure", self._measure)
        self.plan = button(
            "How much is enough?", partial(context.view_wanted.emit, "label", "plan"), "quiet",
            tip="Labelers, trials and repeats for a wanted precision, in Label",
        )  # fmt: skip
        self.search = HintedLine("Find a labeler")
        self.search.setClearButtonEnabled(True)
        self.labelers = ReadingTable("Would more answers help?", _HEADS, 0, _GIVE_WAY)
        self.note = label("", "small", wrap=True)
        self.who, self.sentence = label("", "heading"), label("", wrap=True)
        self.chart = CurveChart(context.theme, percent=True, across="answers of the labeler")
        self.legend = Legend(context.theme)
        self.no_curve = label("", "muted", wrap=True)
        self.no_curve.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.next_head = label("Would tell most next", "strong")
        self.faces: list[QLabel] = []
        for number in range(2 * _TRIALS):
            face = label("")
            face.setFixedSize(QSize(_FACE, _FACE))
            face.setAccessibleName(f"Face {number + 1} of what would tell most")
            self.faces.append(face)
        self.next_note = label("", "small", wrap=True)
        self.start = button("&Label these", self._start, "primary")
        self.thumbnails = Thumbnails(lambda key: thumbnail_paths(self.data, key), self)
        context.guard.add(self.start)

    def _lay_out(self) -> None:
        """What holds for everybody above; the table and the chosen labeler below it."""
        told = columns(self.everybody, self.measure, self.plan, gap=2 * GRID)
        told.setStretch(0, 1)
        left = rows(self.search, WholeTable(self.labelers), self.note, gap=GRID)
        left.setStretch(1, 1)
        self._pairs = [
            columns(*self.faces[2 * number : 2 * number + 2], gap=4) for number in range(_TRIALS)
        ]
        pairs = columns(*self._pairs, None, gap=2 * GRID)
        foot = columns(self.next_note, self.start, gap=2 * GRID)
        foot.setStretch(0, 1)
        right = rows(
            self.who, self.sentence, self.legend, self.chart, self.no_curve, self.next_head, pairs,
            foot, None, gap=GRID,
        )  # fmt: skip
        right.setStretch(3, 1_000)  # where there is a curve, all the room is its own
        split = side_by_side(left, right, (600, 560))
        whole = rows(told, split, gap=GRID + 4)
        whole.setStretch(1, 1)
        self.setLayout(rows(LowScroll(whole, _LEAST), gap=0))
        self.setFocusProxy(self.labelers)

    def show_data(self, data: RunData | None) -> None:
        """Read the study's curve, and ask the labelers' models beside it, the chosen one first."""
        before = self.data
        super().show_data(data)
        if data is None or before is None or before.folder != data.folder:
            self._forget()
            self._curve = None
        self.thumbnails.clear()
        self.search.setVisible(data is not None and len(data.labelers) > _MANY)
        self._offer_to_measure()
        self._list()
        study = self.context.study
        if data is None or study is None:
            return

        def take(found: tuple[LearningCurve | None, bool]) -> None:
            if self.data is data:
                self._curve, older = found
                self.everybody.setText(" ".join(worth_of_everybody(self._curve, older)))
                self._list()

        path = Path(study.path)
        self.context.ask(
            lambda: curve_of_run(path, data.folder), take, owner=self, topic="curve",
            what="Reading the learning curve",
        )  # fmt: skip
        if self._job is None and len(self._expected) < len(data.labelers):
            self._ask(data, path)

    def show_selection(self) -> None:
        many = self.data is not None and len(self.data.labelers) > _MANY
        sought = settle_text(self.search, self.selection.find if many else "")
        listed = any(each.code == self.selection.labeler for each in self._lines)
        if sought or (self.search.text() and not listed):
            self._list()
        self._settle()

    def _find(self, text: str) -> None:
        self.selection.find = text
        self._list()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._paint_faces()

    def idle(self) -> bool:
        working = (self._job, self._planning, self._measuring)
        return all(job is None for job in working) and self.thumbnails.idle()

    def table(self) -> ExportTable | None:
        if self.data is None or not self._lines:
            return None
        head = (
            "labeler", "labeler_code", "answers", "accuracy", "ceiling", "gain", "low", "high",
            "source", "verdict",
        )  # fmt: skip
        body = []
        for each in self._lines:
            value, low, high = each.numbers
            tested = each.tested
            body.append(
                (self.data.names[each.code], each.code, each.answers, tested.accuracy,
                 tested.ceiling, value, low, high, each.source, each.verdict)
            )  # fmt: skip
        return ExportTable("worth-of-more-answers", head, body)

    def command(self) -> list[str] | None:
        if self.data is None:
            return None
        return ["worth", str(self.data.folder), "--json", "worth.json"]

    def _changed(self, changes: Any) -> None:
        if changes.trials or changes.runs:
            self._forget()

    def _forget(self) -> None:
        """What was found is of answers or runs that are not the study's any more."""
        for job in (self._job, self._planning):
            if job is not None:
                job.cancel()
        self._job = self._planning = None
        self._expected, self._next = {}, {}

    def _offer_to_measure(self) -> None:
        """The button measures this run's method, or says why it cannot."""
        data = self.data
        why = "Choose a run." if data is None else curve_obstacle("curve", data.summary.method)
        allow(why, self.measure)
        if self._measuring is not None:
            self.measure.setEnabled(False)
        elif not why:
            set_tip(self.measure, "The method is fitted to ever more of the answers: some minutes")
        self.measure.setText("Measuring…" if self._measuring is not None else "&Measure")

    def _measure(self) -> None:
        data = self.data
        if data is None or self._measuring is not None:
            return
        self.context.begin()
        work = measure_in_worker("curve", RunFolder(data.folder))
        self._measuring = job = self.context.jobs.start(
            work, "Measuring the learning curve", owner=self
        )

        def done() -> None:
            self._measuring = None
            self.show_data(self.data)

        job.failed.connect(self.context.report)
        job.finished.connect(done)
        self._offer_to_measure()

    def _ask(self, data: RunData, study: Path) -> None:
        """Ask the models of all labelers whose answer is not known, the chosen one first."""
        chosen = self.selection.labeler
        wanted = sorted(
            (code for code in data.labelers if code not in self._expected),
            key=lambda code: code != chosen,
        )

        def take(events: list[Any]) -> None:
            found = [event for event in events if isinstance(event, ExpectedGain)]
            if found and self._job is job:
                self._expected |= {each.labeler: each for each in found}
                self._list()

        def failed(error: Exception) -> None:
            if self._job is job:
                self.note.setText(str(error))

        def done() -> None:
            if self._job is job:
                self._job = None
                self._list()

        self._job = job = self.context.jobs.start(
            worth_data.expected_gains(study, wanted), "Asking the labelers' models", quiet=True,
            events=take, owner=self,
        )  # fmt: skip
        job.failed.connect(failed)
        job.finished.connect(done)

    def _list(self) -> None:
        """Fill the table: who gains most first, of whom nothing is known last."""
        data = self.data
        if data is None:
            self._lines = []
            self.labelers.show_lines([])
            self.everybody.setText("")
            self._detail(None)
            return
        text, chosen = self.search.text(), self.selection.labeler
        codes = [
            code
            for code in data.labelers
            # whoever is chosen is seen, also after a search in another view
            if code == chosen or is_found(text, code, data.names[code])
        ]
        found = [
            each.with_expected(self._expected.get(each.code))
            for each in rows_of(data.test.per_labeler, codes, self._curve)
        ]
        self._lines = sorted(found, key=_least_gain)
        self.labelers.show_lines(
            [_cells(each, data.names[each.code]) for each in self._lines],
            [each.sentence(data.names[each.code]) for each in self._lines],
            [too_few(each.tested.n) for each in self._lines],
        )
        asking = self._job is not None
        known = any(each.source for each in self._lines)
        measured = "Measured: the learning curve's law. Expected: by the model's own doubt."
        nobody = _NOBODY if len(data.labelers) > 1 else _ALONE
        self.note.setText(_ASKING if asking else measured if known else nobody)
        self._settle()

    def _settle(self) -> None:
        """Bring the table to whoever is chosen."""
        chosen = self.selection.labeler
        row = next((n for n, each in enumerate(self._lines) if each.code == chosen), 0)
        if not self._lines:
            self._detail(None)
            return
        self.labelers.blockSignals(True)
        self.labelers.setCurrentCell(row, 0)
        self.labelers.blockSignals(False)
        self._detail(self._lines[row])

    def _choose(self, row: int) -> None:
        if row < len(self._lines):
            self.selection.choose_labeler(self._lines[row].code)
            self._detail(self._lines[row])

    def _chosen(self) -> LabelerWorth | None:
        row = self.labelers.currentRow()
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def _detail(self, who: LabelerWorth | None) -> None:
        """One labeler: what is known, the curve, and what would tell most next."""
        data = self.data
        shown = who is not None and data is not None
        self.who.setText(data.names[who.code] if who is not None and data is not None else "")
        self.sentence.setText(
            who.sentence(data.names[who.code]) if who is not None and data is not None else ""
        )
        self._draw()
        self.next_head.setVisible(shown)
        self.start.setVisible(shown)
        if who is not None and data is not None:
            self._plan(who.code)
        self._paint_faces()

    def _draw(self) -> None:
        """The labeler's curve with its interval and its ceiling, and everybody's beside it."""
        who, data = self._chosen(), self.data
        points = () if who is None else who.points
        drawn = bool(points) and data is not None
        self.chart.setVisible(drawn)
        self.legend.setVisible(drawn)
        self.no_curve.setVisible(who is not None and not drawn)
        self.no_curve.setText(
            "No learning curve has been measured. Measure it to see how accuracy grew with answers."
        )
        if who is None or data is None or not points or self._curve is None:
            return
        theme = self.context.theme
        colour, grey = self.colour(who.code), QColor(theme.tokens.muted)
        mine = _line(points)
        curves = [Curve("", colour, mine[0], bound, "ghost") for bound in mine[2:]]
        curves.append(Curve(data.names[who.code], colour, mine[0], mine[1], "dots"))
        all_of = [each for each in self._curve.points if each.accuracy is not None]
        x, y, *_ = _line(all_of)
        curves.append(Curve("Everybody", grey, x, y, "dots", dashed=True))
        entries = [(data.names[who.code], colour), ("Everybody", grey)]
        if who.tested.ceiling is not None:
            top = QColor(theme.tokens.text)
            curves.append(Curve("Ceiling", top, [0], [who.tested.ceiling], "level", dashed=True))
            entries.append(("Ceiling", top))
        if who.measured is not None and (ahead := _ahead(who.measured)):
            curves.append(Curve("", colour, *ahead, "line", dashed=True))
        self.chart.show_curves(curves)
        self.chart.fit()
        self.legend.show_entries(entries)

    def _plan(self, code: str) -> None:
        """Have it found out what would tell most of a labeler, once."""
        study, data = self.context.study, self.data
        if study is None or data is None or code in self._next or self._planning is not None:
            return
        if data.unread:  # it is not known yet whether they compare or rate
            return
        kind = worth_data.kind_of(data, code)

        def take(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done) and self._planning is job:
                    self._next[code] = tuple(event.value)

        def done() -> None:
            if self._planning is job:
                self._planning = None
                self._next.setdefault(code, ())
                chosen = self._chosen()
                if chosen is not None and chosen.code != code:
                    self._plan(chosen.code)
                self._paint_faces()

        self._planning = job = self.context.jobs.start(
            worth_data.next_trials(Path(study.path), code, kind), "Choosing what to ask next",
            quiet=True, events=take, owner=self,
        )  # fmt: skip
        job.failed.connect(self.context.report)
        job.finished.connect(done)

    def _paint_faces(self) -> None:
        """The faces of the first trials; those of a pair stand together."""
        who = self._chosen()
        found = self._next.get(who.code) if who is not None else ()
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_FACE * ratio), ratio)
        single = bool(found) and len(found[0]) == 1 if found else False
        flat: dict[int, str] = {}
        room = _TRIALS if self.width() >= _NARROW else _TRIALS - 1
        for number, images in enumerate((found or ())[: 2 * room if single else room]):
            for side, image in enumerate(images):
                flat[number if single else 2 * number + side] = image
        for place, face in enumerate(self.faces):
            face.setVisible(place in flat)
            got = self.thumbnails.get(flat[place]) if place in flat else None
            pixmap = QPixmap() if got is None else QPixmap(got)
            pixmap.setDevicePixelRatio(ratio)
            face.setPixmap(pixmap)
        for pair in self._pairs:
            pair.setSpacing(2 * GRID if single else 4)
        unread = self.data is not None and self.data.unread
        self.next_note.setText(UNREAD if unread else _told(found))
        self.start.setEnabled(bool(found) and not unread)

    def _start(self) -> None:
        """Label, the most telling trials first."""
        who, data = self._chosen(), self.data
        if who is not None and data is not None:
            self.context.labeling_wanted.emit(who.code, worth_data.kind_of(data, who.code))


def _told(found: Sequence[Sequence[str]] | None) -> str:
    if found is None:
        return "Choosing what would tell most…"
    if not found:
        return "Nothing is known yet by which to choose."
    return (
        "Least is known of what will be said of these. Labeling starts with the most telling "
        "trials; one in five stays a random draw."
    )


def _least_gain(each: LabelerWorth) -> tuple[bool, float]:
    value = each.numbers[0]
    return value is None, -(value or 0.0)


def _cells(each: LabelerWorth, name: str) -> tuple[str, ...]:
    tested = each.tested
    answers = "" if each.answers is None else f"{each.answers:,}"
    share = told_share(tested.of_ceiling, tested).number if tested.of_ceiling else "–"
    return (
        name, each.verdict, each.gain.line, told_accuracy(tested).number, share, answers,
    )  # fmt: skip


def _line(points: Sequence[LabelerPoint | CurvePoint]) -> tuple[list[float], ...]:
    """answers, accuracy, low, high."""
    return (
        [float(each.answers) for each in points],
        [each.accuracy or 0.0 for each in points],
        [max(0.0, (each.accuracy or 0.0) - _Z * each.error) for each in points],
        [min(1.0, (each.accuracy or 0.0) + _Z * each.error) for each in points],
    )


def _ahead(found: Forecast) -> tuple[list[float], list[float]] | None:
    """The fitted law from the last point to `MORE` answers beyond it."""
    if found.answers is None:
        return None
    x = [float(found.answers), float(found.answers + (found.more or MORE))]
    y = [at for each in x if (at := found.at(each)) is not None]
    return (x, y) if len(y) == len(x) else None
