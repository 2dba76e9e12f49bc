"""The view of people: where a run that writes has each, and whether those who are near write
alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.analysis.coefficients import COSINE
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.methods.writing_parts import EmbeddedPrefix, GroupPrefix, PersonPrefix
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.written_runs import WriterRun
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    captioned,
    is_found,
    picker,
    settle,
    settle_text,
)
from prism_desktop.ui.explore.writer_runs import Writers, say_no_run
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.network_view import NetworkNode, NetworkView
from prism_desktop.ui.widgets.reading_table import ReadingTable

if TYPE_CHECKING:
    from prism_desktop.engine.experiments.people_report import PeopleReport

_HEADS = (
    "Person", "Nats per token", "Nearest", "Similarity", "Writes most like", "Texts", "Profile"
)  # fmt: skip
_GIVE_WAY = (6, 5, 3)
_WITH_VECTORS = (PersonPrefix, EmbeddedPrefix, GroupPrefix)
_NO_RUN = (
    "People lie where a run has them that learns soft tokens or numbers for each, such as Prefix "
    "on the unified LoRA. None is trained yet."
)
_EXPLAINED = (
    "Cosine similarity of {what}, each about the mean of all. Texts are those that the run never "
    "saw. A click on a row leads to that person's replies."
)


def reading(run: Path) -> Iterator[Event["PeopleReport"]]:
    """What a run has of people; the last event is Done[PeopleReport]."""
    yield Progress(0, None, "Comparing people")
    from prism_desktop.engine.experiments.people_report import people_report

    yield Done(people_report(RunFolder(run)))


class PeopleView(View):
    """The table on the left, the map on the right, what they mean below."""

    person_wanted = Signal(str)  # code of somebody whose replies are to be seen

    def __init__(self, context: AppContext, writers: Writers) -> None:
        super().__init__(context)
        self.writers = writers
        self.report: PeopleReport | None = None
        self._asked = ""  # folder of the run that is shown or being read
        self._listed: list[int] = []  # people in the rows of the table
        self._job = LatestJob(context, self)
        self.run, run = picker("Run", self._choose, 240)
        self.search = HintedLine("Find a person")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._find)
        self.explanation = label("", "small", wrap=True)
        self.people = ReadingTable("People", _HEADS, 0, _GIVE_WAY)
        self.people.cellClicked.connect(lambda row, _: self._open(row))
        self.people.activated.connect(lambda index: self._open(index.row()))
        self.map = NetworkView(context.theme)
        self.axes = label("", "small", wrap=True)
        self.meaning = label("", "", wrap=True)
        self.meaning.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.none = EmptyState(context.theme, "explore", "Nobody to show yet", _NO_RUN)
        self._lay_out(run)
        writers.came.connect(self._came)

    def _lay_out(self, run: QWidget) -> None:
        bar = columns(run, captioned("Person", self.search), None, gap=GRID + 4)
        top = QWidget()
        top.setLayout(bar)
        left = rows(self.people, gap=GRID)
        right = rows(label("Map of people", "strong"), self.map, self.axes, gap=GRID)
        right.setStretch(1, 1)
        split = side_by_side(left, right, (640, 600))
        whole = rows(top, self.explanation, split, self.meaning, gap=GRID)
        whole.setStretch(2, 1)
        page = QWidget()
        page.setLayout(whole)
        self._pages = QStackedWidget()
        self._pages.addWidget(page)
        self._pages.addWidget(self.none)
        self.setLayout(rows(self._pages, gap=0))

    def begin_anew(self, selection: Selection) -> None:
        super().begin_anew(selection)
        self.run.offer([])
        self._clear("")

    def show_selection(self) -> None:
        settle_text(self.search, self.selection.find)
        self.writers.look()
        self._take()

    def idle(self) -> bool:
        return not self._job.busy and not self.writers.busy

    @property
    def has_table(self) -> bool:
        return self.report is not None

    def table(self) -> ExportTable | None:
        if self.report is None:
            return None
        frame = self.report.frame().astype(object)
        body = frame.where(frame.notna(), None).itertuples(index=False, name=None)
        return ExportTable("people", tuple(map(str, frame.columns)), list(body))

    def figure(self) -> ExportFigure | None:
        report = self.report
        if report is None:
            return None

        def draw(path: Path) -> None:
            from prism_desktop.engine.experiments.people_report import draw_people

            draw_people(report, path)

        return ExportFigure("people", draw)

    def command(self) -> list[str] | None:
        if self.report is None:
            return None
        return ["similarity", self._asked, "--figure", "people.svg"]

    def _runs(self) -> tuple[WriterRun, ...]:
        """Those that keep something of each person, the least NLL first."""
        found = () if self.writers.found is None else self.writers.found.runs
        able = [run for run in found if _knows_people(run)]
        return tuple(sorted(able, key=lambda run: run.summary.test.value or float("inf")))

    def _came(self) -> None:
        """The runs are known; a view that is not in front takes them when it is looked at."""
        if self.isVisible():
            self._take()

    def _take(self) -> None:
        """The runs are known, or another is chosen."""
        runs = self._runs()
        bare = self.writers.found is not None and not runs
        self._pages.setCurrentIndex(int(bare))
        if bare:
            say_no_run(self, self.context, self.none, _NO_RUN)
        self.run.offer([(run.name, run.title) for run in runs])
        settle(self.run, self.selection.writer or (runs[0].name if runs else ""))
        self._ask()

    def _choose(self) -> None:
        self.selection.writer = self.run.key
        self._ask()

    def _ask(self) -> None:
        path = next((str(one.path) for one in self._runs() if one.name == self.run.key), "")
        if path == self._asked:
            return
        self._clear("Comparing people…" if path else "")
        self._asked = path

        def failed(error: Exception) -> None:
            if isinstance(error, PrismError):
                self.explanation.setText(str(error))
            else:
                self.context.report(error)

        if path:
            self._job.start(reading(Path(path)), "People", self._show, failed)

    def _clear(self, told: str) -> None:
        self._job.stop()
        self.report, self._asked, self._listed = None, "", []
        self.people.show_lines([])
        self.map.show_network((), {})
        self.axes.setText("")
        self.meaning.setText("")
        self.explanation.setText(told)

    def _show(self, report: "PeopleReport") -> None:
        self.report = report
        places = {row: (float(x), float(y)) for row, (x, y) in enumerate(report.plane.places)}
        self.map.show_network(self._nodes(report), places, COSINE, even=True)
        one, two = (f"{100 * share:.0f}%" for share in report.plane.shares)
        self.axes.setText(
            f"Principal components: {one} of the vectors' variance from left to right, {two} from "
            "bottom to top."
        )
        self.explanation.setText(_EXPLAINED.format(what=report.what))
        self.meaning.setText("\n".join(report.told()))
        self._list(report)

    def _nodes(self, report: "PeopleReport") -> list[NetworkNode]:
        names, made = list(report.names.values()), []
        for row, one in enumerate(report.facts):
            nats, near = report.nats.get(one.code), report.nearest(row)
            told = [] if nats is None else [f"{nats.value:.3f} nats per token"]
            told += [] if near is None else [f"nearest {names[near]}"]
            group = 0 if report.groups is None else report.groups[row]
            made.append(
                NetworkNode(names[row], group if report.used[row] else None, "; ".join(told))
            )
        return made

    def _list(self, report: "PeopleReport") -> None:
        names, lines, tips, dim = list(report.names.values()), [], [], []
        self._listed = []
        for row, one in enumerate(report.facts):
            if not is_found(self.search.text(), one.code, names[row]):
                continue
            near, alike = report.nearest(row), report.nearest(row, style=True)
            nats = report.nats.get(one.code)
            lines.append((
                names[row],
                "–" if nats is None else f"{nats.value:.3f}",
                "–" if near is None else names[near],
                "–" if near is None else _decimal(report.similarity[row, near]),
                "–" if alike is None else names[alike],
                str(report.texts[row]),
                one.profile or "–",
            ))  # fmt: skip
            tips.append(one.profile)
            dim.append(not report.used[row])
            self._listed.append(row)
        self.people.show_lines(lines, tips, dim)

    def _find(self, text: str) -> None:
        self.selection.find = text
        if self.report is not None:
            self._list(self.report)

    def _open(self, row: int) -> None:
        if self.report is not None and 0 <= row < len(self._listed):
            self.person_wanted.emit(self.report.facts[self._listed[row]].code)


def _decimal(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


def _knows_people(run: WriterRun) -> bool:
    writer = WRITING_METHODS.get(run.method)
    many = len(run.people) > 1
    return many and writer is not None and any(writer.first(kind) for kind in _WITH_VECTORS)
