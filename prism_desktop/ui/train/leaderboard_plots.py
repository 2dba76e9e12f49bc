"""The plots of a leaderboard: a method's accuracy per labeler, K-shot and learning curves."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget

from prism_desktop.engine.experiments.curve_store import curve_obstacle
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, method_title
from prism_desktop.engine.runs.curve_files import (
    CurveKind,
)
from prism_desktop.engine.runs.estimates import doubted, too_few
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.accuracy_rows import labeler_rows
from prism_desktop.ui.train.leaderboard_data import (
    ComparisonRecord,
    curve_lines,
    fewest,
    line_titles,
)
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import Turning
from prism_desktop.ui.widgets.curves import Curve, CurveChart, Legend
from prism_desktop.ui.widgets.dumbbell import AccuracyRow, DumbbellKey, Dumbbells
from prism_desktop.ui.widgets.painted import series_colour
from prism_desktop.ui.widgets.pickers import Segments

PAGES = {"labelers": "Per labeler", "shots": "New labeler, K answers", "curve": "Learning curve"}
KINDS: Mapping[str, CurveKind] = {"shots": "shots", "curve": "curve"}  # pages that can be measured


Line = list[tuple[float, float, float, float]]  # answers, accuracy, low, high


class LeaderboardPlots(QFrame):
    """Three pages of the same comparison; `export` is the button that saves the one in front."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._theme = theme
        self._leaderboard: ComparisonRecord | None = None
        self._method, self._names = "", dict[str, str]()
        self._busy = False
        self.pages = Segments(PAGES)
        self.pages.picked.connect(lambda _: self._show())
        self.measure = button("M&easure", variant="quiet")
        self.export = button("Export &figure", variant="quiet", tip="As SVG, PDF or PNG")
        self.subject = label("", "strong")
        self.key, self.legend = DumbbellKey(theme), Legend(theme)
        self.dumbbells = Dumbbells(theme, self.key)
        self.chart = CurveChart(theme, percent=True, across="answers")
        self.sentence, self.none = label("", "muted", wrap=True), label("", "muted", wrap=True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # it has a command
        self.none.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        theme.changed.connect(self._show)

    def show_leaderboard(
        self, leaderboard: ComparisonRecord | None, method: str, names: Mapping[str, str]
    ) -> None:
        """Show a comparison, `method` in front; `names` says what to call each labeler."""
        self._leaderboard, self._method, self._names = leaderboard, method, dict(names)
        self._show()

    def _lay_out(self) -> None:
        """The pages and buttons above; below them the dumbbells, the chart or a sentence."""
        inside = QWidget()
        inside.setLayout(rows(self.dumbbells, None))
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setProperty("role", "reach")
        scroll.setAccessibleName("Accuracy per labeler")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        charted = QWidget()
        layout = rows(self.chart, self.sentence, gap=GRID)
        layout.setStretch(0, 1)
        charted.setLayout(layout)
        self._stack = QStackedWidget()
        for page in (scroll, charted, self.none):
            self._stack.addWidget(page)
        exports = QWidget()
        exports.setLayout(columns(self.measure, self.export))
        body = rows(
            Turning(self.pages, exports),
            columns(self.subject, 2 * GRID, self.key, self.legend),
            self._stack,
            gap=GRID + 2,
        )
        body.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        body.setStretch(2, 1)
        self.setLayout(body)

    def _show(self) -> None:
        """Draw the page in front; where nothing was measured, say how to measure it."""
        leaderboard, page = self._leaderboard, self.pages.current
        labelers = page == "labelers"
        found = curve_lines(leaderboard, page) if leaderboard is not None and not labelers else {}
        self.key.setVisible(labelers)
        self._offer_to_measure(leaderboard, page)
        self.legend.setVisible(bool(found))
        self.export.setEnabled(leaderboard is not None and (labelers or bool(found)))
        if labelers:
            called = leaderboard.called if leaderboard is not None else method_title
            self.subject.setText(called(self._method))
            self.dumbbells.show_rows(self._accuracy_rows() if leaderboard is not None else ())
            self._stack.setCurrentIndex(0)
            return
        self.subject.setText("Accuracy against the labeler's answers" if found else "")
        if found:
            self._draw(found)
            self._stack.setCurrentIndex(1)
        else:
            self.none.setText(leaderboard.lacks(page) if leaderboard is not None else "")
            self._stack.setCurrentIndex(2)

    def _offer_to_measure(self, leaderboard: ComparisonRecord | None, page: str) -> None:
        """The button measures the chosen method, or says why it cannot."""
        self.measure.setVisible(
            leaderboard is not None and page in KINDS and not leaderboard.never()
        )
        if leaderboard is None or page not in KINDS:
            return
        title = leaderboard.called(self._method)
        problem = (
            "A curve is of a method with the settings of its comparison, not of a point of a grid."
            if leaderboard.varied(self._method)
            else curve_obstacle(KINDS[page], self._method)
        )
        if not problem and leaderboard.run(self._method) is None:
            problem = (
                f"This comparison has no run of {title} on the same answers any more; compare "
                "again."
            )
        known = self._method in curve_lines(leaderboard, page)
        self.measure.setText(
            f"M&easure {literal(title)}{' again' if known else ''}"
            if not self._busy
            else "Measuring…"
        )
        self.measure.setEnabled(not problem and not self._busy)
        set_tip(self.measure, problem or _MEASURE_TIPS[page])

    def wait(self, busy: bool) -> None:
        """While something is measured nothing else can be."""
        self._busy = busy
        self._show()

    def _draw(self, found: Mapping[str, Line]) -> None:
        """A curve per method between pale lines that bound its 95% interval."""
        curves: list[Curve] = []
        entries: list[tuple[str, QColor]] = []
        called = line_titles(found)
        for place, (name, points) in enumerate(found.items()):
            colour = series_colour(self._theme.tokens, place)
            x = [point[0] for point in points]
            bounds = [[point[bound] for point in points] for bound in (2, 3)]
            curves += [Curve("", colour, x, bound, "ghost") for bound in bounds]
            curves.append(Curve(called[name], colour, x, [point[1] for point in points], "dots"))
            entries.append((called[name], colour))
        self.chart.show_curves(curves)
        self.chart.fit()
        self.legend.show_entries(entries)
        known = self._leaderboard.knowledge(self.pages.current) if self._leaderboard else []
        self.sentence.setText("  ".join([self._told(found), *known]))

    def _told(self, found: Iterable[str]) -> str:
        """What the curves say, after whose rest on too few answers to tell."""
        assert self._leaderboard is not None
        page = self.pages.current
        n = fewest(self._leaderboard, page)
        if page == "curve":
            told = {name: self._leaderboard.curve[name].curve.sentence for name in found}
            return "  ".join(
                f"{method_title(name)}: {doubted(said, n.get(name))}" for name, said in told.items()
            )
        called = line_titles(found)
        few = [
            f"{called[name]} was tested on {counted(n[name], 'answer')}"
            for name in found
            if too_few(n.get(name))
        ]
        return " ".join((doubted(f"{'; '.join(few)}.", 0, opens=True) if few else "", _KSHOT_NOTE))

    def _accuracy_rows(self) -> list[AccuracyRow]:
        """A row per labeler whom the chosen method was tested on, then their mean."""
        assert self._leaderboard is not None
        test = self._leaderboard.test(self._method)
        base = None if self._method == CONSENSUS else self._leaderboard.test(CONSENSUS)
        return labeler_rows(test, base, self._names, self._theme.tokens)


_MEASURE_TIPS = {
    "shots": "Labelers are held out in turn and enter with so many of their answers; a method "
    "that trains the image tower takes as long as five runs",
    "curve": "The method is fitted to ever more of the training answers",
}
_KSHOT_NOTE = (
    "A labeler whom training never saw, after so many of their answers, drawn at random or chosen "
    "because they tell most; pale lines are 95% intervals."
)
