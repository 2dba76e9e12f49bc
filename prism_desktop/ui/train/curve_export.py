"""Curves and the table of runs as files."""

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.runs import COLUMNS, cells
from prism_desktop.ui.widgets.file_export import save_figure, save_table


def export_curves(parent: QWidget, context: AppContext, rows: Sequence[RunRow]) -> None:
    """Ask for a file and draw these runs' curves into it."""
    runs = {", ".join(cells(row)[1:3]): row.run.path for row in rows}
    if runs:
        save_figure(parent, context, "curves", lambda path: operations.draw_curves(path, runs))


def export_table(parent: QWidget, context: AppContext, rows: Sequence[RunRow]) -> None:
    """Ask for a file and write the table of runs."""
    save_table(parent, context, "runs", COLUMNS[1:], [cells(row)[1:] for row in rows])
