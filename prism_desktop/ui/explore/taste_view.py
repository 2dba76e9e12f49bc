"""The taste view: what of the pictures goes with each labeler's choices, beyond the others."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget

from prism_desktop.engine.evaluation.taste.taste_records import (
    LabelerTaste,
    PropertyLink,
    TasteReport,
)
from prism_desktop.engine.evaluation.taste.taste_words import (
    KINDS,
    brief,
    headline,
    in_words,
    limits_of,
    overview,
    standing,
    strongest,
    together,
    told_beyond,
    told_share_of,
)
from prism_desktop.engine.experiments.choice_report import TasteArguments, taste_in_worker
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.quality_page import state_of
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import AXIS, PROFILE
from prism_desktop.ui.explore.taste_axis import TasteAxis
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    is_found,
    picker,
    settle,
    settle_text,
)
from prism_desktop.ui.study.doubt_words import told as without_options
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.interval_chart import (
    IntervalChart,
    IntervalGroup,
    IntervalRow,
    Mark,
)
from prism_desktop.ui.widgets.pickers import Picker, Segments
from prism_desktop.ui.widgets.reading_table import ReadingTable

WORDS: tuple[tuple[str, str], ...] | None = None  # that pictures are near to: the usual ones
TOGETHER = "All labelers together"
_MARKS: dict[str, Mark] = {"out": "sure", "alone": "perhaps", "few": "few"}
ORDERS = {"": "What stands out first", "listed": "As listed", "name": "By name"}
_LOOKING = "Looking at the pictures and at what was chosen…"
_NOTHING = "Nobody has compared or rated faces yet, so there is no taste to tell of."
_MANY = 8  # labelers, above which they are searched and sorted
_BEYOND = "points more often chosen than by the other labelers"
_HALF = "points more often chosen than one half"


class TasteView(View):
    """Labelers with what stands out on the left, the chosen one's profile on the right."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self._report: TasteReport | None = None
        self._state: tuple[str, object] | None = None  # of the study that the report is about
        self._job = LatestJob(context, self)
        self._asking = False
        self._listed: list[str] = []  # codes of the rows; "" stands for all together
        self._make()
        self._lay_out()

    def _make(self) -> None:
        self.attribute, self._attribute = picker("Attribute", self._choose_attribute)
        self.search = HintedLine("Find a labeler")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._find)
        self.order = Picker()
        self.order.setAccessibleName("Order of the labelers")
        self.order.offer(list(ORDERS.items()))
        self.order.currentIndexChanged.connect(lambda _: self._choose_order())
        self.overview = label("", "small", wrap=True)
        heads = ("Labeler", "What stands out")
        self.labelers = ReadingTable("What stands out of each labeler", heads, 1)
        self.labelers.row_chosen.connect(self._choose_row)
        self.who, self.headline = label("", "heading"), label("", wrap=True)
        self.part = Segments({PROFILE: "What it goes with", AXIS: "From least to most"})
        self.part.picked.connect(self._turn)
        self.axis = TasteAxis(self.context)
        self.axis.face_wanted.connect(self.face_wanted)
        self.axis.held.toggled.connect(self._hold)
        self.chart = IntervalChart(self.context.theme)
        self.chart.setAccessibleName("What goes with the choices")
        self.notes = label("", "small", wrap=True)

    def _lay_out(self) -> None:
        """The list on the left, the chosen profile on the right, which alone scrolls."""
        self._tools = QWidget()
        self._tools.setLayout(columns(self.search, self.order, gap=GRID))
        left = rows(self._attribute, self.overview, self._tools, self.labelers, gap=GRID)
        left.setStretch(3, 1)
        inside = QWidget()
        inside.setLayout(rows(self.chart, self.notes, None, gap=GRID))
        profile = QWidget()
        told = rows(self.headline, _scrolled(inside), gap=GRID)
        told.setStretch(1, 1)
        profile.setLayout(told)
        self._parts = QStackedWidget()
        self._parts.addWidget(profile)
        self._parts.addWidget(_scrolled(self.axis))
        right = rows(columns(self.who, None, self.part), self._parts, gap=GRID)
        right.setStretch(1, 1)
        split = side_by_side(left, right, (430, 810))
        self.setLayout(rows(split, gap=0))
        self._clear("")

    def show_data(self, data: RunData | None) -> None:
        """Look at the study's answers, unless that was done and nothing has changed since."""
        super().show_data(data)
        self.axis.light(data, self.brush())
        study = self.context.study
        if study is None:
            self._state = None
            self._job.stop()
            self._clear("")
            return
        if self._state is not None and self._state[0] != str(study.path):
            self._clear(self.words_for(_LOOKING))
        if self._report is not None:
            self._detail(self.labelers.currentRow())  # the axis is of the run that is shown
        self._asking = True

        def take(state: object) -> None:
            self._asking = False
            now = (str(study.path), state)
            if self.context.study is study and now != self._state:
                self._state = now
                self._look(Path(study.path))

        self.context.ask(
            lambda: (state_of(study), study.imports()), take, owner=self,
            what="Reading the answers", topic="taste", failed=self._failed,
        )  # fmt: skip

    def show_selection(self) -> None:
        if self.brush_changed():
            self.axis.light(self.data, self.brush())
        if self._report is not None:
            self._settle()
            self._list()

    def _settle(self) -> None:
        """Bring the controls to what is chosen."""
        chosen = self.selection
        settle(self.attribute, chosen.attribute)
        settle_text(self.search, chosen.find if len(self._codes()) > _MANY else "")
        settle(self.order, chosen.ranked)
        self.part.settle(chosen.taste)
        self._parts.setCurrentIndex(int(chosen.taste == AXIS))
        self.axis.hold(held=chosen.held)

    def _codes(self) -> list[str]:
        return [] if self._report is None else [each.labeler for each in self._report.labelers]

    def idle(self) -> bool:
        return not self._job.busy and not self._asking and self.axis.idle()

    @property
    def has_table(self) -> bool:
        return self._report is not None

    def table(self) -> ExportTable | None:
        """Every number of every labeler and of all together."""
        report = self._report
        if report is None:
            return None
        head = ("labeler", "name", *PropertyLink.model_fields)
        told = [(each.labeler, report.names.get(each.labeler, ""), each.links)
                for each in report.labelers]  # fmt: skip
        body = [
            (code, name, *link.model_dump().values())
            for code, name, links in (*told, ("", TOGETHER, report.everybody))
            for link in links
        ]
        return ExportTable("taste", head, body)

    def command(self) -> list[str] | None:
        study = self.context.study
        if study is None or self._report is None:
            return None
        chosen = self._chosen()
        if self.part.current == AXIS:
            return self.axis.command(chosen, self.attribute.key)
        who = ["--labeler", chosen] if chosen else []
        return ["profile", str(study.path), *who, "--json", "taste.json"]

    def figure(self) -> ExportFigure | None:
        report, attribute = self._report, self.attribute.key
        links = self._links()
        if self.part.current == AXIS:
            return self.axis.figure(self.who.text(), attribute)
        if report is None or not links:
            return None
        title = f"{self.who.text()}: what goes with “{attribute}”"
        draw = partial(_draw, links=links, title=title, note=report.answers)
        return ExportFigure(f"taste {self.who.text()} {attribute}", draw)

    def _failed(self, error: Exception) -> None:
        self._asking, self._state = False, None
        self._clear(str(error))

    def _look(self, study: Path) -> None:
        """Look at the pictures and the answers in another process, while the window goes on."""
        self._job.stop()
        self._clear(_LOOKING)

        work = taste_in_worker(TasteArguments(study=study, words=WORDS))
        self._job.start(work, self.words_for("Looking at the pictures"), self._show, self._failed)

    def _clear(self, told: str) -> None:
        self._report, self._listed = None, []
        self.part.hide()
        self._attribute.hide()  # until it is known what was judged
        self._parts.setCurrentIndex(0)
        self.labelers.show_lines([])
        self.attribute.offer([])
        self._tools.hide()
        self.overview.setText("")
        self.who.setText("")
        self.headline.setText(told)
        self.notes.setText("")
        self.chart.show_groups((), "")

    def _show(self, report: TasteReport) -> None:
        self._report = report
        self.part.show()
        self._attribute.show()
        names = dict.fromkeys(link.attribute for link in report.everybody)
        self.attribute.offer([(name, name) for name in names])
        self._settle()
        self._tools.setVisible(len(report.labelers) > _MANY)
        self.overview.setText(overview(report))
        self._list()

    def _find(self, text: str) -> None:
        self.selection.find = text
        self._list()

    def _choose_order(self) -> None:
        self.selection.ranked = self.order.key
        self._list()

    def _hold(self, held: bool) -> None:
        self.selection.held = held

    def _choose_attribute(self) -> None:
        if self.attribute.key:
            self.selection.attribute = self.attribute.key
            self._list()

    def _list(self) -> None:
        """List labelers as they are searched and ordered, all together first."""
        report, attribute = self._report, self.attribute.key
        if report is None or not attribute:
            return
        text, chosen = self.search.text(), self.selection.labeler
        found = [
            each
            for each in self._ordered(report, attribute)
            # whoever is chosen is seen, also after a search in another view
            if each.labeler == chosen or is_found(text, each.labeler, self._name(each.labeler))
        ]
        lines = [(TOGETHER, "")]
        lines += [(self._name(one.labeler), brief(report, one, attribute)) for one in found]
        tips = [together(report, attribute)]
        tips += [headline(report, one, attribute) for one in found]
        self._listed = ["", *(each.labeler for each in found)]
        few = [False, *(not _tested(each, attribute) for each in found)]
        self.labelers.show_lines(lines, tips, few)
        known = chosen and chosen in self._listed
        row = self._listed.index(chosen) if known else min(1, len(found))
        row = 0 if self.selection.consensus else row
        self.labelers.blockSignals(True)
        self.labelers.setCurrentCell(row, 0)
        self.labelers.blockSignals(False)
        self._detail(row)

    def _ordered(self, report: TasteReport, attribute: str) -> Sequence[LabelerTaste]:
        if self.order.key == "name":
            return sorted(report.labelers, key=lambda one: self._name(one.labeler).casefold())
        if self.order.key == "listed" or len(report.labelers) <= _MANY:
            return report.labelers
        order = ("out", "alone", "not", "few", "unknown")

        def rank(one: LabelerTaste) -> tuple[int, float]:
            links = strongest([link for link in one.links if link.attribute == attribute])
            first = links[0] if links else PropertyLink(property="", attribute="")
            return order.index(standing(first)), -abs(first.beyond or 0.0)

        return sorted(report.labelers, key=rank)

    def _name(self, code: str) -> str:
        return self._report.names.get(code, code) if self._report is not None else code

    def _chosen(self) -> str:
        row = self.labelers.currentRow()
        return self._listed[row] if 0 <= row < len(self._listed) else ""

    def _choose_row(self, row: int) -> None:
        if row < len(self._listed) and self._listed[row]:
            self.selection.choose_labeler(self._listed[row])
        else:
            self.selection.consensus = True
        self._detail(row)

    def _links(self) -> list[PropertyLink]:
        """Of the chosen labeler, or of all together, on the chosen attribute."""
        report, code = self._report, self._chosen()
        if report is None:
            return []
        taste = report.of(code) if code else None
        links = taste.links if taste is not None else report.everybody
        return [link for link in links if link.attribute == self.attribute.key]

    def _detail(self, row: int) -> None:
        """The profile: words first, then dots and intervals, then what they rest on."""
        report = self._report
        if report is None or row >= len(self._listed):
            return
        code, attribute = self._listed[row], self.attribute.key
        if self.part.current == AXIS:
            self.axis.show_axis(self.data, code, self._name(code), attribute)
        taste, links = report.of(code) if code else None, self._links()
        self.who.setText(self._name(code) if code else TOGETHER)
        told = together(report, attribute) if taste is None else headline(report, taste, attribute)
        self.headline.setText(told)
        beyond = any(link.beyond is not None for link in links)
        kinds = {one.name: one.kind for one in report.properties}
        groups = [
            IntervalGroup(
                self.words_for(heading),
                tuple(
                    self._row(report, link)
                    for link in strongest(links)
                    if kinds[link.property] == kind
                ),
            )
            for kind, heading in KINDS.items()
        ]
        self.chart.show_groups(groups, _BEYOND if beyond else _HALF)
        marks = (
            f"Filled: stands out among {report.tests:,} tests of all labelers. Ring in colour: "
            f"among this one's {taste.tests:,} alone. Intervals: 95%, over faces. "
            if taste is not None and beyond
            else "Filled: stands out among all tests here. Intervals: 95%, over faces. "
        )
        rests = f"It rests on {report.answers} {limits_of(report)}"
        notes = map(without_options, report.notes)
        self.notes.setText(" ".join((self.words_for(marks) + rests, *notes)))

    def _turn(self, part: str) -> None:
        self.selection.taste = part
        self.brush_moved.emit()  # faces are listed in one part alone
        self._parts.setCurrentIndex(int(part == AXIS))
        self._detail(self.labelers.currentRow())

    def _row(self, report: TasteReport, link: PropertyLink) -> IntervalRow:
        properties = {one.name: one for one in report.properties}
        if link.beyond is not None:
            ends: tuple[float | None, ...] = (link.beyond, link.low, link.high)
            told = told_beyond(link)
        else:  # about one half
            own = (link.own, link.own_low, link.own_high)
            ends = tuple(None if one is None else one - 0.5 for one in own)
            told = told_share_of(link)
        value, low, high = (float("nan") if one is None else one for one in ends)
        return IntervalRow(
            link.property,
            value,
            low,
            high,
            "" if told.few else told.number.removesuffix(" points"),
            f"{TOO_FEW}, n {link.n:,}" if told.few else told.doubt,
            _MARKS.get(standing(link), "plain"),
            in_words(link, properties),
        )


def _scrolled(inside: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidget(inside)
    scroll.setWidgetResizable(True)
    scroll.setProperty("role", "reach")
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll


def _draw(path: Path, links: Sequence[PropertyLink], title: str, note: str) -> None:
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.evaluation.taste.taste_figure import taste_figure

    save_figure(taste_figure(links, title, note), path)


def _tested(taste: LabelerTaste, attribute: str) -> bool:
    return any(
        standing(link) not in ("few", "unknown")
        for link in taste.links
        if link.attribute == attribute
    )
