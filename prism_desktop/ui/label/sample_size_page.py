"""The page on how much is enough: labelers, trials, repeats and faces for the wanted precision."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.records import Changes, Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.label.sample_size_data import (
    CHARTED,
    FittedLine,
    FittedLines,
    PlanInput,
    PlanNumbers,
    PlanShown,
    fit_answers,
    follow_plan,
    plan_input,
    plan_shown,
)
from prism_desktop.ui.operations import Overview
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.spoken_labels import speak_of
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import Card, ScrollPage
from prism_desktop.ui.widgets.curves import Curve, CurveChart, Legend
from prism_desktop.ui.widgets.fields import PERCENT, AmountField, CountField
from prism_desktop.ui.widgets.file_export import save_table
from prism_desktop.ui.widgets.painted import series_colour
from prism_desktop.ui.widgets.pickers import Picker, Segments
from prism_desktop.ui.widgets.reading_table import ReadingTable

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

KINDS: Final = {"comparison": "Comparisons", "rating": "Ratings"}
# where the shares of an answer come from, if not from an attribute of the study
_USUAL, _TYPED = "usual", "typed"
_LOOKING: Final = "The study's answers are being looked at."
_UNKNOWN: Final = (
    "Whether one more labeler or fifty more answers of everybody bring the results further is told "
    "by the study's own answers. {}"
)
_NOTHING: Final = 0.005  # of a reliability, which is told as 0.00
_FLAT: Final = (
    "Labelers share no taste here, so no number of answers gives a reliable order of the faces."
)
_HEADS: Final = ("Labelers", "Trials each", "In all", "Reliability", "Ceiling", "Gain")
_SHARES = {  # attribute of PlanNumbers -> caption, tip
    "shared": ("Shared taste", "What all labelers see alike in one answer."),
    "private": ("Private taste", "What one labeler sees again, and others do not."),
}
_TARGETS = {
    "reliability": ("Consensus ranking", "Reliability of the order of the faces, at least."),
    "alpha": ("Alpha ±", "Half of the 95% interval of Krippendorff's alpha, at most."),
    "ceiling": ("Ceiling ±", "Half of the interval of one labeler's noise ceiling, in points."),
    "gain": ("Gain ±", "Half of the interval of one labeler's gain, in points."),
    "per_face": ("Comparisons of a face", "At least so many."),
}
_SIZES = {
    "faces": ("Faces", "That the study has, or is to have."),
    "labelers": ("Labelers", "So many; or any number, to find the cheapest."),
    "trials": ("Trials of each", "So many; or any number, to find the fewest."),
    "repeats": ("Repeats", "Share of trials shown again; or as many as it takes, 10% at least."),
}


class SampleSizePage(QWidget):
    """What is wanted on the left; what it takes, and what it costs, on the right."""

    left = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._numbers = PlanNumbers()
        self._images = 0
        self._words = FACES
        self._found = FittedLines()
        self._study: Study | None = None
        self._state: object = None  # of the study whose answers were looked at
        self._job: Job | None = None
        self._shown: PlanShown | None = None
        self._filling = False
        self._make()
        self._lay_out()
        self._fill()

    def begin(self, overview: Overview, kind: Kind) -> None:
        """Plan for a study: for its faces and questions, by its answers where they tell enough."""
        questions = sum(each.confirmed for each in overview.attributes)
        self._numbers = replace(
            self._numbers, kind=kind, faces=max(3, overview.info.images),
            questions=max(1, questions),
        )  # fmt: skip
        self._images, self._words = overview.info.images, overview.info.words
        speak_of(self._wanted, self._words)
        self.use.setEnabled(not overview.info.read_only)
        self._fill()
        self._look(overview)
        self._work()

    def begin_anew(self) -> None:
        """Another study, or none: nothing typed goes on into it."""
        self._numbers, self._found = PlanNumbers(), FittedLines()
        self._state, self._shown = None, None
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self.measure.settle(next(iter(CHARTED)))
        self._fill()

    def idle(self) -> bool:
        """Whether everything asked for is shown."""
        return self._job is None and self._context.idle()

    def _make(self) -> None:
        self.kind = Segments(KINDS)
        self.kind.picked.connect(self._choose_kind)
        self.source = Picker()
        self.source.setAccessibleName("Where the shares of an answer come from")
        self.source.currentIndexChanged.connect(lambda _: self._choose_source())
        self.fields: dict[str, CountField | AmountField] = {}
        for name in (*_SHARES, *_TARGETS, *_SIZES):
            self.fields[name] = self._field(name)
        self.verdict, self.design = label("", "heading", wrap=True), label("", wrap=True)
        self.hours, self.variances = label("", "muted", wrap=True), label("", "small", wrap=True)
        self.advice, self.flat = label("", wrap=True), label("", wrap=True)
        self.origin = label("", "small", wrap=True)  # where the numbers come from
        self.measures = ReadingTable("What the plan will tell", ("", "Expected, 95%"), 1)
        self.designs = ReadingTable("As precise, with other numbers of labelers", _HEADS, 0)
        self.measure = Segments(CHARTED)
        self.measure.picked.connect(lambda _: self._draw())
        theme = self._context.theme
        self.legend, self.chart = Legend(theme), CurveChart(theme, across="trials in all")
        self.chart.setMinimumHeight(220)
        theme.changed.connect(self._draw)
        self.use = button("", self._use, "primary")
        self.use.hide()
        self.export = button("Export &table", self._export, "quiet", tip="As CSV")
        self._context.guard.add(self.use)

    def _field(self, name: str) -> "CountField | AmountField":
        made: CountField | AmountField
        if name in ("reliability", "alpha"):
            made = AmountField()
            made.setRange(0.0, 0.99)
            made.setSingleStep(0.05)
        else:
            made = CountField()
            most = {"shared": 100, "private": 100, "repeats": 50, "ceiling": 50, "gain": 50}
            most |= {"faces": 1_000_000, "labelers": 1_000}
            made.setRange(3 if name == "faces" else 0, most.get(name, 100_000))
            made.setGroupSeparatorShown(True)
            made.setSuffix({"ceiling": " points", "gain": " points"}.get(name, ""))
            if name in ("shared", "private", "repeats"):
                made.setSuffix(PERCENT)
        if name not in _SHARES and name != "faces":
            made.setSpecialValueText("as it takes" if name == "repeats" else "any")
        caption, tip = (_SHARES | _TARGETS | _SIZES)[name]
        made.setKeyboardTracking(False)
        made.setAccessibleName(caption)
        set_tip(made, tip)
        made.setFixedWidth(132)
        made.lineEdit().setTextMargins(GRID, 0, 0, 0)
        made.valueChanged.connect(lambda _: self._typed(name))
        return made

    def _lay_out(self) -> None:
        """Two columns of cards that scroll together."""
        left = self._wanted = Card("What is wanted")
        left.body.addWidget(self.kind)
        left.body.addSpacing(GRID)
        for caption, names in (
            ("Precision", tuple(_TARGETS)),
            ("Size", tuple(_SIZES)),
            ("Of one answer", tuple(_SHARES)),
        ):
            left.body.addWidget(label(caption, "strong"))
            if caption == "Of one answer":
                left.body.addWidget(self.source)
            grid = QGridLayout()
            grid.setColumnStretch(0, 1)
            for row, name in enumerate(names):
                text = (_SHARES | _TARGETS | _SIZES)[name][0]
                grid.addWidget(label(text, "muted"), row, 0)
                grid.addWidget(self.fields[name], row, 1)
            left.body.addLayout(grid)
            left.body.addSpacing(GRID)
        left.setFixedWidth(340)
        right = Card()
        self.measures.setFixedHeight(6 * 30 + 8)
        self.designs.setFixedHeight(7 * 30 + 8)
        for part in (
            self.verdict, self.design, self.hours, self.variances, self.origin, self.measures,
        ):  # fmt: skip
            right.body.addWidget(part)
        right.body.addLayout(columns(self.use, None))
        curve = Card("What precision costs", self.measure)
        curve.body.addWidget(self.flat)
        curve.body.addWidget(self.legend)
        curve.body.addWidget(self.chart)
        more = self.more = Card("One more labeler or fifty more answers?")
        more.body.addWidget(self.advice)
        others = self.others = Card("As precise, with other numbers of labelers", self.export)
        others.body.addWidget(self.designs)
        side = rows(right, more, curve, others, None, gap=2 * GRID)
        body = columns(rows(left, None), side, gap=2 * GRID)
        body.setStretch(1, 1)
        top = columns(label("How much is enough?", "title"), None, button("&Back", self.left.emit))
        whole = rows(
            top,
            label(
                "Before data are collected, and while they are: how precise the results will be.",
                "muted",
            ),
            GRID, body, None, gap=GRID,
        )  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(whole, 1400))
        self.setFocusProxy(self.fields["reliability"])

    def _fill(self) -> None:
        """Show the numbers in their fields."""
        self._filling = True
        for name, field in self.fields.items():
            field.setValue(getattr(self._numbers, name))
        self.kind.settle(self._numbers.kind)
        compared = self._numbers.kind == "comparison"
        self.fields["per_face"].setEnabled(compared)
        self._offer()
        self._filling = False

    def _offer(self) -> None:
        """Offer the usual shares, those of attributes of which the answers tell enough, and those
        that were typed."""
        before = self.source.key
        names = [
            (f"attribute {each.attribute}", f"As {each.attribute} shows") for each in self._known()
        ]
        self.source.offer([(_USUAL, "Usual shares"), *names, (_TYPED, "Shares as typed")])
        if not self.source.has(before):
            self.source.settle(_USUAL)

    def _known(self) -> list[FittedLine]:
        """What the study's answers of the kind that is planned tell enough of."""
        kind = self._numbers.kind
        return [each for each in self._found.lines if each.known and each.kind == kind]

    def _line(self) -> FittedLine | None:
        """The study's answers that the shares are taken from."""
        for each in self._known():
            if self.source.key == f"attribute {each.attribute}":
                return each
        return None

    def _choose_kind(self, kind: str) -> None:
        self._numbers = replace(self._numbers, kind="rating" if kind == "rating" else "comparison")
        if self.source.key != _TYPED:
            self.source.settle(_USUAL)
        self._settle_line()

    def _choose_source(self) -> None:
        if not self._filling:
            self._take_line()

    def _take_line(self) -> None:
        """Plan by what the chosen attribute shows, or by what is usual."""
        line, usual = self._line(), PlanNumbers()
        if line is not None:
            self._numbers = replace(
                self._numbers, shared=line.shared, private=line.private, level=line.level,
                seconds=line.seconds or usual.seconds,
                timed="measured" if line.seconds else usual.timed,
            )  # fmt: skip
        elif self.source.key == _USUAL:
            self._numbers = replace(
                self._numbers, shared=usual.shared, private=usual.private, level=usual.level,
                seconds=usual.seconds, timed=usual.timed,
            )  # fmt: skip
        self._fill()
        self._work()

    def _typed(self, name: str) -> None:
        if self._filling:
            return
        value: Any = self.fields[name].value()
        self._numbers = replace(self._numbers, **{name: value})
        if name in _SHARES:
            self.source.settle(_TYPED)
            other = "private" if name == "shared" else "shared"
            rest = min(getattr(self._numbers, other), 100 - int(value))
            self._numbers = replace(self._numbers, **{other: rest})
            self._fill()
        self._work()

    def _work(self) -> None:
        """Work the plan out, off the window's thread; a newer one takes its place."""
        numbers = self._numbers

        def failed(error: Exception) -> None:
            if isinstance(error, PrismError):
                self.verdict.setText(str(error))
            else:
                self._context.report(error)

        self._context.ask(
            lambda: plan_shown(numbers), self._show, owner=self, what="Working the plan out",
            topic="plan", failed=failed,
        )  # fmt: skip

    def _show(self, shown: PlanShown) -> None:
        self._shown, told = shown, self._words.told
        self.verdict.setText(told(shown.verdict))
        self.design.setText(told(shown.design))
        self.hours.setText(shown.hours)
        self.variances.setText(shown.variances)
        self.measures.show_lines(
            [each[:2] for each in shown.measures], [each[2] for each in shown.measures]
        )
        self.designs.show_lines(shown.designs)
        self.others.setVisible(len(shown.designs) > 1)
        self.use.setVisible(shown.enough)
        kind = "rating" if self._numbers.kind == "rating" else "comparison"
        self.use.setText(f"Ask each labeler for {counted(shown.trials, f'{kind} trial')}")
        line = self._line()
        self._show_origin(line, shown)
        self._draw()

    def _show_origin(self, line: FittedLine | None, shown: PlanShown) -> None:
        """Where each number comes from, and what the study's own answers say or why they do not."""
        numbers = self._numbers
        untold = self._found.untold.get(numbers.kind, _LOOKING)
        faces = (
            f"{counted(numbers.faces, self._words.one)}: as many as the study has."
            if numbers.faces == self._images
            else f"{counted(numbers.faces, self._words.one)}: as typed; the study has "
            f"{self._images:,}."
        )
        shares = shown.source if line is None else line.source
        self.origin.setText(" ".join(filter(None, (shares, untold, faces))))
        pick = untold or "Choose above whose answers to go by."
        advice = _UNKNOWN.format(pick) if line is None else line.advice
        self.advice.setText(self._words.told(advice))

    def _draw(self) -> None:
        """The curves of the chosen measure, for three numbers of labelers."""
        if self._shown is None:
            return
        tokens = self._context.theme.tokens
        curves = [
            Curve(counted(count, "labeler"), series_colour(tokens, place), x, y, "dots")
            for place, (count, x, y) in enumerate(self._shown.curves[self.measure.current])
        ]
        values = [value for curve in curves for value in curve.y]
        flat = self.measure.current == "reliability" and max(values, default=1.0) < _NOTHING
        self.flat.setText(self._words.told(_FLAT) if flat else "")
        for part in (self.chart, self.legend):
            part.setVisible(not flat)
        self.flat.setVisible(flat)
        self.chart.show_curves(curves)
        self.chart.fit()
        self.legend.show_entries([(curve.name, curve.colour) for curve in curves])

    def _use(self) -> None:
        """The plan becomes the protocol, or without one the study's target."""
        study, shown, numbers = self._context.study, self._shown, self._numbers
        if study is None or shown is None:
            return
        told: list[str] = []

        def work() -> Changes:
            changes, sentence = follow_plan(study, numbers, shown)
            told.append(sentence)
            return changes

        self._context.write(
            work, lambda _: self._context.message(told[0], "good"), owner=self,
            what="Saving the plan",
        )  # fmt: skip

    def _export(self) -> None:
        if self._shown is not None:
            save_table(self, self._context, "plan", _HEADS, self._shown.designs)

    def _look(self, overview: Overview) -> None:
        """Look at the study's answers, unless that was done and nothing has changed since."""
        study = self._context.study
        state = (str(overview.info.path), overview.info.progress, overview.attributes)
        if study is None or state == self._state:
            return
        self._state, self._study = state, study
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._found = FittedLines()
        self._offer()

        def take(given: PlanInput) -> None:
            if self._context.study is study:
                self._fit(given)

        self._context.ask(
            lambda: plan_input(study), take, owner=self, what="Reading the answers",
            topic="answers for a plan",
        )  # fmt: skip

    def _fit(self, given: PlanInput) -> None:
        def hear(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done) and self._job is job:
                    self._found = event.value
                    self._settle_line()

        def done() -> None:
            if self._job is job:
                self._job = None

        self._job = job = self._context.jobs.start(
            fit_answers(given), "What the answers say for a plan", quiet=True, events=hear,
            owner=self,
        )  # fmt: skip
        job.failed.connect(self._context.report)
        job.finished.connect(done)

    def _settle_line(self) -> None:
        """Go by the first attribute that tells enough, if nobody has typed anything else."""
        untouched = self.source.key == _USUAL
        self._fill()
        known = self._known()
        if untouched and known:
            self.source.settle(f"attribute {known[0].attribute}")
        if untouched:
            self._take_line()
        else:
            self._work()
