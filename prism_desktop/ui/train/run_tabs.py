"""Below the curves: all runs to compare, or the log of the one that is shown."""

from collections.abc import Callable

from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.run_log import RunLog
from prism_desktop.ui.train.runs import RunsTable
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, rows
from prism_desktop.ui.widgets.pickers import Segments

SCROLL_BAR = 12  # px, its width in the style sheet


class Below(QWidget):
    """A card with two pages and the buttons that write files."""

    def __init__(
        self, theme: Theme, export_curves: Callable[[], object], export_table: Callable[[], object]
    ) -> None:
        super().__init__()
        self.table, self.log = RunsTable(theme), RunLog()
        self.segments = Segments({"runs": "Runs", "log": "Log"})
        pages = QStackedWidget()
        pages.addWidget(self.table)
        pages.addWidget(self.log)
        self.segments.picked.connect(lambda name: pages.setCurrentIndex(0 if name == "runs" else 1))
        curves = button(
            "Export &curves", export_curves, "quiet", tip="As SVG, PDF or PNG, with the ticked runs"
        )
        table = button("E&xport table", export_table, "quiet", tip="As CSV")
        lower = rows(columns(self.segments, None, curves, table), pages, gap=GRID)
        lower.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        around = rows(frame("card", lower))
        around.setContentsMargins(3 * GRID, 0, 2 * GRID + SCROLL_BAR, 2 * GRID)
        self.setLayout(around)
