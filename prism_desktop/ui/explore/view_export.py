"""Saving what a view shows: figures through the engine, tables as CSV."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.view import View
from prism_desktop.ui.widgets.figure_export import save_figure
from prism_desktop.ui.widgets.table_export import save_table


class ExportButton(QToolButton):
    """A menu of what the view in front can be saved as."""

    def __init__(self, context: AppContext, view: Callable[[], View]) -> None:
        super().__init__()
        self._context, self._view = context, view
        self.setText("Export")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip("Export what is shown as a figure or a table (Ctrl+E)")
        self.setShortcut("Ctrl+E")
        menu = QMenu(self)
        self.figure = QAction("Figure (SVG, PDF, PNG)…", menu)
        self.figure.triggered.connect(self._save_figure)
        self.table = QAction("Table (CSV)…", menu)
        self.table.triggered.connect(self._save_table)
        menu.addActions([self.figure, self.table])
        menu.aboutToShow.connect(self.check)
        self.setMenu(menu)
        context.theme.changed.connect(self._draw)
        self._draw()

    def check(self) -> None:
        """Offer only what the view can give."""
        view = self._view()
        self.figure.setEnabled(view.figure() is not None)
        self.table.setEnabled(view.data is not None)

    def _draw(self) -> None:
        self.setIcon(self._context.theme.icon("export"))

    def _save_table(self) -> None:
        table = self._view().table()
        if table is not None:
            save_table(self, self._context, table.name, table.head, table.body)

    def _save_figure(self) -> None:
        figure = self._view().figure()
        if figure is not None:
            save_figure(self, self._context, figure.name, figure.draw)
