"""The names of embeddings that were dropped together with tables."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLineEdit

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.study.embeddings import NAMED
from prism_desktop.ui import operations
from prism_desktop.ui.widgets.basics import GRID, clear, columns, label, rows
from prism_desktop.ui.widgets.fields import Field

_TOLD = "Embeddings come in with the tables. Runs choose them by name as their backbone."
_BESIDE = 3  # fields in a line


class SetNames(QFrame):
    """A field for each set of embeddings that comes in with the tables; hidden without any."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.files: tuple[Path, ...] = ()
        self.names: list[QLineEdit] = []
        self._fields: list[Field] = []
        self._body = rows(gap=GRID)
        self.setLayout(rows(label(_TOLD, "muted", wrap=True), self._body, gap=GRID))
        self.hide()

    def show_sets(self, files: Sequence[Path]) -> None:
        """Ask for the names of these; nothing typed before stays."""
        clear(self._body)
        self.files, self.names, self._fields = tuple(files), [], []
        for place, file in enumerate(files):
            if place % _BESIDE == 0:
                line = columns(gap=2 * GRID)
                self._body.addLayout(line)
            name = QLineEdit()
            name.setPlaceholderText(operations.usual_name(file))
            name.setMinimumWidth(160)
            field = Field(f"Name of the embeddings in {file.name}", name)
            name.textChanged.connect(partial(self._check, field, name))
            line.addWidget(field, 1)
            self.names.append(name)
            self._fields.append(field)
        for _ in range(-len(files) % _BESIDE):
            line.addStretch(1)
        self.setVisible(bool(files))

    def chosen(self) -> tuple[tuple[Path, str | None], ...]:
        """The files, each with what it is to be called; None for the usual name."""
        said = [name.text().strip() or None for name in self.names]
        return tuple(zip(self.files, said, strict=True))

    def problem(self) -> str:
        """Why these names cannot be; empty if they can."""
        called = [(name.text().strip() or name.placeholderText()).casefold() for name in self.names]
        for name in self.names:
            if wrong := _wrong(name.text()):
                return wrong
        if len(set(called)) < len(called):
            return "Two sets of embeddings have the same name; give one of them another."
        return ""

    def _check(self, field: Field, name: QLineEdit, _text: str = "") -> None:
        wrong = _wrong(name.text())
        field.say(wrong, bad=bool(wrong))
        self.edited.emit()


def _wrong(name: str) -> str:
    """Why a set cannot have this name; empty if it can."""
    try:
        checked_name(name.strip() or "usual", NAMED)
    except InputError as error:
        return str(error)
    return ""
