"""The card below the curves: all runs, the log of the shown one, and their export to files."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QWidget

from prism_desktop.engine.plain_text import dated, one_line
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import RunProgress
from prism_desktop.ui.train.runs import COLUMNS, WRITING_COLUMNS, RunsTable, cells
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, rows
from prism_desktop.ui.widgets.file_export import save_figure, save_table
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.whole_table import WholeTable


class RunLog(QPlainTextEdit):
    """What a run told, a sentence a line; it grows, and the place scrolled to stays."""

    def __init__(self) -> None:
        super().__init__()
        self._told = 0
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setProperty("role", "log")
        self.setAccessibleName("Log of the run")

    def begin(self) -> None:
        """Another run: start anew."""
        self._told = 0
        self.clear()

    def tell(self, progress: RunProgress) -> None:
        """Append what is new."""
        new, self._told = progress.log[self._told :], len(progress.log)
        if new:
            self.appendPlainText(
                "\n".join(f"{dated(t, '%H:%M:%S')}   {one_line(text)}" for t, _, text in new)
            )


SCROLL_BAR = 12  # px, its width in the style sheet


class RunTabs(QWidget):
    """A card with two pages and the buttons that write files."""

    def __init__(
        self,
        context: AppContext,
        export_curves: Callable[[], object],
        export_table: Callable[[], object],
    ) -> None:
        """`export_curves` and `export_table` are what the two buttons do."""
        super().__init__()
        self.table, self.log = RunsTable(context.theme), RunLog()
        self.segments = Segments({"runs": "Runs", "log": "Log"})
        self._pages = pages = QStackedWidget()
        self._whole = WholeTable(self.table)
        pages.addWidget(self._whole)
        pages.addWidget(self.log)
        self.segments.picked.connect(lambda name: pages.setCurrentIndex(int(name == "log")))
        curves = button(
            "Export &figure",
            export_curves,
            "quiet",
            tip="What is shown above, with the ticked runs, as SVG, PDF or PNG",
        )
        table = button("E&xport table", export_table, "quiet", tip="As CSV")
        lower = rows(columns(self.segments, None, curves, table), pages, gap=GRID)
        lower.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        around = rows(frame("card", lower))
        around.setContentsMargins(3 * GRID, 0, 2 * GRID + SCROLL_BAR, 2 * GRID)
        self.setLayout(around)

    def whole_height(self) -> int:
        """How high the card is with all runs in sight."""
        return self.height() - self._pages.height() + self._whole.sizeHint().height()


def export_curves(
    parent: QWidget, context: AppContext, rows: Sequence[RunRow], names: Mapping[str, str]
) -> None:
    """Ask for a file and draw these runs' curves into it; `names` says what to call labelers."""
    titles = [cells(row)[1] for row in rows]
    runs = {
        title if titles.count(title) == 1 else ", ".join(cells(row)[1:3]): row.run.path
        for title, row in zip(titles, rows, strict=True)
    }
    if runs:
        save_figure(
            parent, context, "curves", lambda path: operations.draw_curves(path, runs, names)
        )


def export_table(parent: QWidget, context: AppContext, rows: Sequence[RunRow]) -> None:
    """Ask for a file and write the table of runs."""
    columns_ = WRITING_COLUMNS if rows and rows[0].run.task == "writing" else COLUMNS
    head = (*columns_[1:], "Name", "Note", "Folder")
    body = [(*cells(row)[1:], row.run.label, row.run.note, row.run.name) for row in rows]
    save_table(parent, context, "runs", head, body)
