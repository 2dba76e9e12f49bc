"""A plot of pyqtgraph's without its menus and buttons."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtWidgets import QWidget


class BarePlot(pg.PlotWidget):  # type: ignore[misc]
    """Only axes and curves; the look and the interaction are the subclass's."""

    def __init__(self, parent: QWidget | None = None, **given: Any) -> None:
        super().__init__(parent, enableMenu=False, **given)
        plot = self.getPlotItem()
        plot.hideButtons()
        # pyqtgraph makes it without a parent, so that it would outlive the plot.
        plot.ctrlMenu.setParent(self, plot.ctrlMenu.windowFlags())
