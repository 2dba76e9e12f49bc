"""Every text that a window shows: of widgets, their tips and hints, lists, and what is painted."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QAction, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLabel,
    QLineEdit,
    QTableView,
    QWidget,
)

_MOST = 20  # rows and columns
_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)


def said_by(page: QWidget) -> Iterator[tuple[str, str]]:
    """What the widgets below a page say, each with the kind of widget."""
    for part in (page, *page.findChildren(QWidget), *page.findChildren(QAction)):
        kind = type(part).__name__
        texts = []
        if isinstance(part, QWidget | QAction):
            texts.append(part.toolTip())
        if isinstance(part, QWidget):
            texts.append(part.accessibleName())
        if isinstance(part, QLabel | QAbstractButton | QAction):
            texts.append(part.text())
        if isinstance(part, QLineEdit):
            texts += [part.placeholderText()]
        if isinstance(part, QComboBox):
            texts += [part.itemText(place) for place in range(part.count())]
        if isinstance(part, QAbstractItemView) and part.model() is not None:
            heads = part.horizontalHeader().count() if isinstance(part, QTableView) else 0
            texts += list(_cells(part.model(), heads))
        yield from ((kind, text) for text in texts if text)


def _cells(model: QAbstractItemModel, heads: int) -> Iterator[str]:
    """Headers and the first rows of a table."""
    for role in _ROLES:
        for column in range(heads):
            yield str(model.headerData(column, Qt.Orientation.Horizontal, role) or "")
        for row, column in product(range(_MOST), repeat=2):
            if model.hasIndex(row, column):
                yield str(model.index(row, column).data(role) or "")


@contextmanager
def painted() -> Iterator[list[str]]:
    """All that is painted as text meanwhile."""
    said: list[str] = []
    draw = QPainter.drawText

    def told(painter: QPainter, *given: object) -> object:
        said.extend(each for each in given if isinstance(each, str))
        return draw(painter, *given)  # type: ignore[call-overload]

    QPainter.drawText = told  # type: ignore[method-assign, assignment]
    try:
        yield said
    finally:
        QPainter.drawText = draw  # type: ignore[method-assign]
