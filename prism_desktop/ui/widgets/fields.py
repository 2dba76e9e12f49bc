"""Form fields: a small label above, the field, a line of help or complaint below."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionFrame,
    QWidget,
)

from prism_desktop.ui.plain import PlainLabel
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, restyle, rows

PERCENT = "%"  # the unit of shares, written as everywhere else
_BESIDE = 2  # px that Qt leaves at either side of a line's text


class Field(QWidget):
    """Any editor with its name above (a mnemonic leads to it) and a line below."""

    def __init__(self, name: str, editor: QWidget, help_text: str = "", *extra: QWidget) -> None:
        super().__init__()
        self.editor = editor
        self.name = PlainLabel(name)
        self.name.setProperty("role", "field")
        self.name.setBuddy(editor)
        editor.setAccessibleName(name.replace("&", ""))
        self.help = label(help_text, "small", wrap=True)
        self.help.setVisible(bool(help_text))
        line = columns(editor, *extra)
        line.setStretch(0, 1)
        self.setLayout(rows(self.name, line, self.help, gap=GRID // 2))

    def say(self, text: str, *, bad: bool = False) -> None:
        """Replace the line below."""
        self.help.setText(text)
        self.help.setVisible(bool(text))
        restyle(self.help, role="bad" if bad else "small")
        if isinstance(self.editor, QLineEdit):
            restyle(self.editor, bad=bad)


class HintedLine(QLineEdit):
    """Never narrower than the hint that it shows while it is empty."""

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.setPlaceholderText(hint)

    def minimumSizeHint(self) -> QSize:
        option, least = QStyleOptionFrame(), super().minimumSizeHint()
        self.initStyleOption(option)
        hint = self.fontMetrics().horizontalAdvance(self.placeholderText()) + 2 * _BESIDE + 2
        whole = self.style().sizeFromContents(
            QStyle.ContentsType.CT_LineEdit, option, QSize(hint, least.height()), self
        )
        return QSize(max(least.width(), whole.width()), least.height())


class CountField(QSpinBox):
    """Scrolling the page does not change the number below the pointer."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class AmountField(QDoubleSpinBox):
    """The same for a number with two decimals."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def text_field(
    name: str, text: str = "", hint: str = "", help_text: str = ""
) -> tuple[Field, QLineEdit]:
    """A one-line text field."""
    editor = QLineEdit(text)
    editor.setPlaceholderText(hint)
    return Field(name, editor, help_text), editor


def folder_field(
    name: str, title: str, hint: str = "", help_text: str = ""
) -> tuple[Field, QLineEdit]:
    """A folder, typed or chosen."""
    editor = QLineEdit()
    editor.setPlaceholderText(hint)
    browse = button(
        "Choose…", lambda: choose_folder(editor, title, lambda path: editor.setText(str(path)))
    )
    browse.setAccessibleName(f"{title}: choose a folder")
    return Field(name, editor, help_text, browse), editor


def file_field(
    name: str, title: str, pattern: str, hint: str = "", help_text: str = ""
) -> tuple[Field, QLineEdit]:
    """An existing file, typed or chosen; `pattern` as `choose_files` has it."""
    editor = QLineEdit()
    editor.setPlaceholderText(hint)
    browse = button(
        "Choose…",
        lambda: choose_files(editor, title, pattern, lambda files: editor.setText(str(files[0]))),
    )
    browse.setAccessibleName(f"{title}: choose a file")
    return Field(name, editor, help_text, browse), editor


def choose_folder(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Ask for a folder without blocking the window."""
    dialog = QFileDialog(parent.window(), title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def choose_files(
    parent: QWidget, title: str, pattern: str, then: Callable[[list[Path]], object]
) -> QFileDialog:
    """Ask for existing files without blocking the window; `pattern` as "Tables (*.csv *.xlsx)"."""
    dialog = QFileDialog(parent.window(), title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.setNameFilter(pattern)
    dialog.filesSelected.connect(lambda files: then([Path(file) for file in files]))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def choose_new_file(
    parent: QWidget, title: str, name: str, pattern: str, then: Callable[[Path], object]
) -> QFileDialog:
    """Ask where to save without blocking the window; `name` is proposed."""
    dialog = QFileDialog(parent.window(), title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setNameFilter(pattern)
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
