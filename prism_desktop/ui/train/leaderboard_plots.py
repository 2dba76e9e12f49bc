"""Below the leaderboard: a method labeler by labeler,
and accuracy against the number of answers."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget

from prism_desktop.engine.experiments.curve_store import Kind, curve_obstacle
from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.comparisons_read import Board, lines
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.curves import Curve, CurveChart, Legend
from prism_desktop.ui.widgets.dumbbell import Bell, DumbbellKey, Dumbbells
from prism_desktop.ui.widgets.painted import series_colour
from prism_desktop.ui.widgets.pickers import Segments

PAGES = {"labelers": "Per labeler", "shots": "New labeler, K answers", "curve": "Learning curve"}
KINDS: Mapping[str, Kind] = {"shots": "shots", "curve": "curve"}  # pages that can be measured


class BoardPlots(QFrame):
    """Three pages of the same comparison; `export` is the button that saves the one in front."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._theme = theme
        self._board: Board | None = None
        self._method, self._names = "", dict[str, str]()
        self._busy = False
        self.pages = Segments(PAGES)
        self.pages.picked.connect(lambda _: self._show())
        self.measure = button("M&easure", variant="quiet")
        self.export = button("Export &figure", variant="quiet", tip="As SVG, PDF or PNG")
        self.subject = label("", "strong")
        self.key, self.legend = DumbbellKey(theme), Legend(theme)
        self.bells = Dumbbells(theme)
        self.chart = CurveChart(theme, percent=True, across="answers")
        self.sentence, self.none = label("", "muted", wrap=True), label("", "muted", wrap=True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # it has a command
        self.none.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        theme.changed.connect(self._show)

    def show_board(self, board: Board | None, method: str, names: Mapping[str, str]) -> None:
        """Show a comparison, `method` in front; `names` says what to call each labeler."""
        self._board, self._method, self._names = board, method, dict(names)
        self._show()

    def _lay_out(self) -> None:
        inside = QWidget()
        inside.setLayout(rows(self.bells, None))
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
        body = rows(
            columns(self.pages, None, self.measure, self.export),
            columns(self.subject, 2 * GRID, self.key, self.legend),
            self._stack,
            gap=GRID + 2,
        )
        body.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        body.setStretch(2, 1)
        self.setLayout(body)

    def _show(self) -> None:
        board, page = self._board, self.pages.current
        labelers = page == "labelers"
        found = lines(board, page) if board is not None and not labelers else {}
        self.key.setVisible(labelers)
        self._offer_to_measure(board, page)
        self.legend.setVisible(bool(found))
        self.export.setEnabled(board is not None and (labelers or bool(found)))
        if labelers:
            self.subject.setText(_title(self._method))
            self.bells.show_bells(self._bells() if board is not None else ())
            self._stack.setCurrentIndex(0)
            return
        self.subject.setText("Accuracy against the labeler's answers" if found else "")
        if found:
            self._draw(found)
            self._stack.setCurrentIndex(1)
        else:
            self.none.setText(board.lacks(page, self._names) if board is not None else "")
            self._stack.setCurrentIndex(2)

    def _offer_to_measure(self, board: Board | None, page: str) -> None:
        """The button measures the chosen method, or says why it cannot."""
        self.measure.setVisible(board is not None and page in KINDS and not board.never())
        if board is None or page not in KINDS:
            return
        title = _title(self._method)
        problem = curve_obstacle(KINDS[page], self._method)
        if not problem and board.run(self._method) is None:
            problem = (
                f"This comparison has no run of {title} on the same answers any more; compare "
                "again."
            )
        known = self._method in lines(board, page)
        self.measure.setText(
            f"M&easure {title}{' again' if known else ''}" if not self._busy else "Measuring…"
        )
        self.measure.setEnabled(not problem and not self._busy)
        self.measure.setToolTip(problem or _MEASURING[page])

    def wait(self, busy: bool) -> None:
        """While something is measured nothing else can be."""
        self._busy = busy
        self._show()

    def _draw(self, found: Mapping[str, Any]) -> None:
        curves: list[Curve] = []
        entries: list[tuple[str, QColor]] = []
        for place, (name, points) in enumerate(found.items()):
            colour = series_colour(self._theme.tokens, place)
            x = [point[0] for point in points]
            bounds = [[point[bound] for point in points] for bound in (2, 3)]
            curves += [Curve("", colour, x, bound, "ghost") for bound in bounds]
            curves.append(Curve(_title(name), colour, x, [point[1] for point in points], "dots"))
            entries.append((_title(name), colour))
        self.chart.show_curves(curves)
        self.chart.fit()
        self.legend.show_entries(entries)
        self.sentence.setText(self._forecast(found) if self.pages.current == "curve" else _SHOTS)

    def _forecast(self, found: Mapping[str, Any]) -> str:
        assert self._board is not None
        told = {name: self._board.curve[name] for name in found}
        said = [f"{_title(name)}: {row['curve']['sentence']}" for name, row in told.items()]
        return "  ".join(said)

    def _bells(self) -> list[Bell]:
        assert self._board is not None
        test = (self._board.method(self._method) or {}).get("test") or {}
        base = (
            {}
            if self._method == "consensus"
            else (self._board.method("consensus") or {}).get("test") or {}
        )
        found = []
        for place, (code, cell) in enumerate((test.get("per_labeler") or {}).items()):
            if cell.get("accuracy") is None:
                continue
            other = ((base.get("per_labeler") or {}).get(code) or {}).get("accuracy")
            colour = series_colour(self._theme.tokens, place)
            ceiling = cell.get("ceiling", (test.get("ceiling") or {}).get(code))
            found.append(_bell(self._names.get(code, code), colour, cell, other, ceiling))
        mean, other = test.get("macro") or {}, (base.get("macro") or {}).get("accuracy")
        if mean.get("accuracy") is not None:
            tops = [bell.ceiling for bell in found if bell.ceiling]
            shares = [bell.of_ceiling for bell in found if bell.of_ceiling is not None]
            top = sum(tops) / len(tops) if tops else None
            share = sum(shares) / len(shares) if shares else None
            colour = QColor(self._theme.tokens.text)
            found.append(_bell("Mean", colour, mean, other, top, strong=True, share=share))
        return found


_MEASURING = {
    "shots": "Labelers are held out in turn and enter with so many of their answers; a method "
    "that trains the image tower takes as long as five runs",
    "curve": "The method is fitted to ever more of the training answers",
}
_SHOTS = (
    "A labeler whom training never saw, after so many of their answers; pale lines are 95% "
    "intervals."
)


def _title(name: str) -> str:
    return METHODS[name].title if name in METHODS else name


def _bell(
    name: str,
    colour: QColor,
    cell: Mapping[str, Any],
    consensus: float | None,
    ceiling: float | None,
    *,
    strong: bool = False,
    share: float | None = None,
) -> Bell:
    count = int(cell.get("n") or 0)
    low, high = cell.get("low"), cell.get("high")
    return Bell(name, colour, cell["accuracy"], low, high, count, consensus, ceiling, strong, share)
