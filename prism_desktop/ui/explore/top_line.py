"""The line above the views of Explore: back and forward, the run, what is done with a view."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.explore.run_picker import RunPicker
from prism_desktop.ui.explore.view import ExportButton
from prism_desktop.ui.widgets.basics import GRID, columns, label

NARROW = 950  # px; below, the panel's title gives its room to what one can do


class TopLine(QWidget):
    """In a narrow window the rail alone says where one is, and no button is cut."""

    def __init__(
        self, history: QWidget, run: RunPicker, add: QWidget, named: QWidget, export: ExportButton
    ) -> None:
        super().__init__()
        self._history, self._run, self._export = history, run, export
        self._title = label("Explore", "title")
        top = columns(self._title, history, GRID, run, add, GRID, named, export, gap=GRID)
        top.setStretch(3, 1)
        self.setLayout(top)

    def show_history(self) -> None:
        """Back and forward, where there are runs to look at and there is room."""
        self._history.setVisible(bool(self._run.runs) and self.width() >= NARROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= NARROW
        self._title.setVisible(wide)
        self._export.show_text(wide)
        self._run.setMinimumWidth(150 if wide else 90)
        self.show_history()
