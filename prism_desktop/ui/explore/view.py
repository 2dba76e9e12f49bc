"""The base of the Explore views: the run they show, what they export, their pickers."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QToolButton, QWidget

from prism_desktop.engine.plain_text import dated, one_line
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.runs.run_choice import run_name
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.paper_menu import PaperMenu
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import press_by
from prism_desktop.ui.train.runs import short
from prism_desktop.ui.widgets.basics import label, rows
from prism_desktop.ui.widgets.file_export import save_figure, save_table
from prism_desktop.ui.widgets.painted import labeler_colour
from prism_desktop.ui.widgets.pickers import Picker

_LINE = 120  # letters of a copied command that are shown


class LazyRows(Sequence[Sequence[object]]):
    """The rows of a large table, made when they are first wanted: where it is saved, off the
    window's thread."""

    def __init__(self, make: Callable[[], Sequence[Sequence[object]]]) -> None:
        self._make = make

    @cached_property
    def _rows(self) -> Sequence[Sequence[object]]:
        return self._make()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyRows) and list(self._rows) == list(other._rows)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table to be saved as CSV."""

    name: str  # of the file, without its ending
    head: tuple[str, ...]
    body: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class ExportFigure:
    """A figure to be saved; `draw(path)` runs off the window's
    thread and takes the format from the ending."""

    name: str
    draw: Callable[[Path], object]


class View(QWidget):
    """One view of a run."""

    face_wanted = Signal(int)  # row of a face to show in detail
    brush_moved = Signal()  # other faces are brushed
    pair_wanted = Signal(str, str)  # two labelers to compare

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self.data: RunData | None = None
        self.personal: RunSummary | None = None  # the best run that tells labelers apart
        self.selection = Selection()  # the panel's, shared by its views
        self._of_scores = -1  # of the scores that are shown
        self._brush_shown: NDArray[np.bool_] | None = None  # the faces that are shown as brushed

    def begin_anew(self, selection: Selection) -> None:
        """Another study: what was offered or typed for the one before goes."""
        self.selection = selection
        for name in ("labeler", "one", "other", "attribute", "labelers"):
            if isinstance(box := getattr(self, name, None), Picker):
                box.offer([])
        for name in ("typed", "search"):
            if isinstance(line := getattr(self, name, None), QLineEdit):
                settle_text(line, "")  # nobody searches

    def words_for(self, sentence: str) -> str:
        """A sentence of faces, for what the open study holds."""
        return self.context.words.told(sentence)

    def show_selection(self) -> None:
        """Bring the controls to what is chosen, as far as the run knows it.

        Called before the view is seen, and cheap where nothing changed."""

    def choose_face(self, row: int) -> None:
        """The face in this row of the run's images is chosen, in every view."""
        if self.data is not None:
            self.selection.face = self.data.images[row]

    def brush(self) -> NDArray[np.bool_] | None:
        """(images,) which faces are brushed on their map; None where none are, or it is not known
        yet which."""
        return None if self.data is None else self.data.brushed(self.selection.area)

    def brush_changed(self) -> bool:
        """Whether other faces are brushed than when this was asked last."""
        before, self._brush_shown = self._brush_shown, self.brush()
        if before is None or self._brush_shown is None:
            return before is not self._brush_shown
        return not np.array_equal(before, self._brush_shown)

    def show_data(self, data: RunData | None) -> None:
        """Show a run, or nothing; called in the window's thread."""
        self.data = data
        self._of_scores = -1 if data is None else data.state
        self._brush_shown = self.brush()

    def renew(self, data: RunData) -> None:
        """More is known of the run that is shown."""
        if data.state == self._of_scores:
            self.show_answers(data)
        else:
            self.show_data(data)
            self.show_selection()

    def show_answers(self, data: RunData) -> None:
        """What the run learned from is known now, and its scores are the same as before."""
        self.show_data(data)
        self.show_selection()

    def idle(self) -> bool:
        """Whether everything asked for has been shown."""
        return True

    @property
    def has_table(self) -> bool:
        """Whether `table` has anything to give."""
        return self.data is not None

    def table(self) -> ExportTable | None:
        """The view's numbers as they are shown now."""
        return None

    def figure(self) -> ExportFigure | None:
        """The view as a figure to publish; None where there is nothing to draw."""
        return None

    def command(self) -> list[str] | None:
        """What to type after `prism-desktop` for the same figure or numbers; None where no command
        gives them."""
        return None

    def colour(self, labeler: str) -> QColor:
        """The labeler's colour, the same in every view."""
        assert self.data is not None
        return labeler_colour(self.context.theme.tokens, self.data.everybody, labeler)


def picker(title: str, changed: Callable[[], Any], width: int = 110) -> tuple[Picker, QWidget]:
    """A picker, and a holder with its caption above."""
    made = Picker()
    made.setMinimumWidth(width)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    made.setAccessibleName(title)
    made.currentIndexChanged.connect(lambda _: changed())
    return made, captioned(title, made)


def settle(picker: Picker, key: str) -> bool:
    """Choose a key without a signal where it is offered; whether that changed anything."""
    if key == picker.key or not picker.has(key):
        return False
    picker.settle(key)
    return True


def settle_text(line: QLineEdit, text: str) -> bool:
    """Put a text into a line without a signal; whether that changed anything."""
    if line.text() == text:
        return False
    line.blockSignals(True)
    line.setText(text)
    line.blockSignals(False)
    return True


def is_found(text: str, code: str, name: str) -> bool:
    """Whether a labeler is one of those who are searched by a part of their name or code."""
    wanted = text.strip().casefold()
    return wanted in code.casefold() or wanted in name.casefold()


def captioned(title: str, editor: QWidget) -> QWidget:
    """A widget with its caption above."""
    caption = label(title, "field")
    caption.setBuddy(editor)
    holder = QWidget()
    holder.setLayout(rows(caption, editor, gap=4))
    return holder


def dot(colour: QColor) -> QIcon:
    """A coloured dot as an icon."""
    pixmap = QPixmap(24, 24)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(0, 0, 0, 0))
    painter.setBrush(colour)
    painter.drawEllipse(4, 4, 16, 16)
    painter.end()
    return QIcon(pixmap)


def labeler_choices(
    view: View, other: RunData | None = None
) -> tuple[list[tuple[str, str]], list[QIcon]]:
    """The labelers of the view's run, or of another one, for a picker, each with the dot of its
    colour."""
    data = other or view.data
    if data is None:
        return [], []
    choices = [
        (code, data.names[code] + (" (added)" if code in data.adapted_labelers else ""))
        for code in data.labelers
    ]
    return choices, [dot(view.colour(code)) for code in data.labelers]


def title(run: RunSummary, marks: Sequence[str] = ()) -> str:
    """A run in the list: name and accuracy, what one must know of it, backbone, when.

    Where there is little room the last parts are left out (`pickers.whole_parts`)."""
    right = TOO_FEW if too_few(run.answers) else f"{run.macro or 0:.1%}"
    accuracy = f", {right}" if run.macro is not None else ""
    when = dated(run.created, "%d %b %H:%M")
    return " · ".join((f"{run_name(run)}{accuracy}", *marks, short(run.backbone), when))


def command_line(words: Sequence[str]) -> str:
    """A command as it is typed in a terminal of this system."""
    whole = ["prism-desktop", *words]
    if sys.platform != "win32":
        return shlex.join(whole)
    odd = frozenset(' \t"&|<>^%')
    return " ".join(
        '"{}"'.format(word.replace('"', '\\"')) if odd & set(word) else word for word in whole
    )


class ExportButton(QToolButton):
    """A menu of what the view in front can be saved as."""

    def __init__(self, context: AppContext, view: Callable[[], View]) -> None:
        """A button that only opens its menu.

        What the menu offers is checked each time it opens, for it depends on the view in front.
        """
        super().__init__()
        self._context, self._view = context, view
        self.setText("Export")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_tip(self, "Export what is shown as a figure or a table (Ctrl+E)")
        press_by(self, "export")
        menu = QMenu(self)
        self.figure = QAction("Figure (SVG, PDF, PNG)…", menu)
        self.figure.triggered.connect(self._save_figure)
        self.table = QAction("Table (CSV, XLSX, Parquet)…", menu)
        self.table.triggered.connect(self._save_table)
        self.command = QAction("Copy the command for this", menu)
        self.command.triggered.connect(self._copy_command)
        self.paper = PaperMenu(context, self._run, self)
        menu.addActions([self.figure, self.table, self.paper.menuAction()])
        menu.addSeparator()
        menu.addActions([self.command])
        menu.aboutToShow.connect(self.check)
        self.setMenu(menu)
        context.theme.changed.connect(self._draw)
        self._draw()

    def show_text(self, shown: bool) -> None:
        """Whether the button says what it does, or its icon and tip alone."""
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(
            style.ToolButtonTextBesideIcon if shown else style.ToolButtonIconOnly
        )

    def check(self) -> None:
        """Offer only what the view can give."""
        view = self._view()
        self.figure.setEnabled(self._figure() is not None)
        self.table.setEnabled(self._verified and view.has_table)
        self.command.setEnabled(view.command() is not None)
        self.paper.setEnabled(self._context.study is not None)

    @property
    def _verified(self) -> bool:
        """Whether the run's files were looked through: before, nothing of it is saved."""
        data = self._view().data
        return data is None or not data.unread

    def _figure(self) -> ExportFigure | None:
        return self._view().figure() if self._verified else None

    def _run(self) -> Path | None:
        """The folder of the run that is shown."""
        data = self._view().data
        return None if data is None else data.folder

    def _draw(self) -> None:
        self.setIcon(self._context.theme.icon("export"))

    def _save_table(self) -> None:
        table = self._view().table() if self._verified else None
        if table is not None:
            save_table(self, self._context, table.name, table.head, table.body)

    def _copy_command(self) -> None:
        words = self._view().command()
        if words is not None:
            line = command_line(words)
            QGuiApplication.clipboard().setText(line)
            self._context.message(f"Copied: {one_line(line, _LINE)}", "good")

    def _save_figure(self) -> None:
        figure = self._figure()
        if figure is not None:
            save_figure(self, self._context, figure.name, figure.draw)
