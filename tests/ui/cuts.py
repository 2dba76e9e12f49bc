"""Finds what a page shows cut: text that is wider or higher than its place, dots in place of its
end, parts that reach out of what holds them, painted text that lies on other text.

The window's own widgets are measured as they lie there; what widgets paint themselves goes through
`plain.draw_text` and `plain.elided` (`tests/test_text_sinks.py`), which are listened to while the
page is painted once.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QScrollBar,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.ui import plain
from prism_desktop.ui.label.answer_buttons import AnswerButton
from prism_desktop.ui.widgets.pickers import FittedBox

_NEAR = 1.0  # px that rounding may take
_LINE_MARGIN = 2  # px that Qt leaves at either side of the text in a field


def cuts(page: QWidget) -> list[str]:
    """What is cut on a page that is seen, in words; empty where nothing is."""
    found = [told for part in _parts(page) for told in _of_widget(part)]
    return sorted({*found, *_painted(page)})


def rested(page: QWidget, qtbot: QtBot) -> None:
    """Wait until the layout of a page has come to rest."""
    found: list[dict[QWidget, QRect]] = [{}]

    def same() -> bool:
        qtbot.wait(30)
        found.append({part: part.geometry() for part in _parts(page)})
        return found[-1] == found[-2] == found[max(0, len(found) - 3)]

    qtbot.waitUntil(same, timeout=20_000)


def _parts(page: QWidget) -> Iterator[QWidget]:
    for part in (page, *page.findChildren(QWidget)):
        if part.isVisible() and not isinstance(part, QScrollBar):
            yield part


def _name(part: QWidget) -> str:
    owner, names = part, [type(part).__name__]
    while (owner := owner.parentWidget()) is not None and len(names) < 4:  # type: ignore[assignment]
        if type(owner).__module__.startswith("prism_desktop"):
            names.append(type(owner).__name__)
    return " in ".join(names)


def _of_widget(part: QWidget) -> Iterator[str]:
    match part:
        case QLabel():
            yield from _label(part)
        case QPushButton() if not isinstance(part, AnswerButton):
            if part.text() and part.width() < part.sizeHint().width() - _NEAR:
                yield _told(part, part.text(), part.sizeHint().width(), part.width())
        case QLineEdit():
            yield from _field(part)
        case QComboBox():
            yield from _combo(part)
        case QTableView():
            yield from _table(part)
        case QListView():
            yield from _list(part)
        case QAbstractButton():
            needs = part.fontMetrics().horizontalAdvance(part.text())
            if part.text() and needs > part.width() - _NEAR:
                yield _told(part, part.text(), needs, part.width())
    yield from _outside(part)


def _told(part: QWidget, text: str, needs: float, has: float) -> str:
    return f"{_name(part)}: “{text[:70]}” needs {needs:.0f} px and has {has:.0f}"


def _label(part: QLabel) -> Iterator[str]:
    if not part.text() or part.width() == 0:
        return
    if part.wordWrap():
        needs = part.heightForWidth(part.width())
        if part.height() < needs - _NEAR:
            yield _told(part, part.text(), needs, part.height()) + " (height)"
        return
    needs = part.minimumSizeHint().width()
    if part.width() < needs - _NEAR:
        yield _told(part, part.text(), needs, part.width())
    if part.height() < part.minimumSizeHint().height() - 4:
        yield _told(part, part.text(), part.minimumSizeHint().height(), part.height()) + " (height)"


def _field(part: QLineEdit) -> Iterator[str]:
    if isinstance(part.parentWidget(), QComboBox):
        return
    text = part.text() or part.placeholderText()
    option = QStyleOptionFrame()
    part.initStyleOption(option)
    place = part.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, part)
    room = place.width() - 2 * _LINE_MARGIN - part.textMargins().left() - part.textMargins().right()
    needs = part.fontMetrics().horizontalAdvance(text)
    if needs > room + _NEAR and not part.text():
        yield _told(part, text, needs, room)


def _combo(part: QComboBox) -> Iterator[str]:
    if isinstance(part, FittedBox) and part.shown() and "…" not in part.shown():
        return  # whole parts were left out, which its tip tells
    option = QStyleOptionComboBox()
    part.initStyleOption(option)
    control, field_ = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = part.style().subControlRect(control, option, field_, part).width()
    if not option.currentIcon.isNull():
        room -= option.iconSize.width() + 4
    text = part.currentText() or part.placeholderText()
    needs = part.fontMetrics().horizontalAdvance(text)
    if needs > room + _NEAR:
        yield _told(part, text, needs, room)


def _table(part: QTableView) -> Iterator[str]:
    model, header = part.model(), part.horizontalHeader()
    for column in range(model.columnCount()):
        if part.isColumnHidden(column):
            continue
        head = str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        wide = part.columnWidth(column)
        if header.isVisible() and header.sectionSizeHint(column) > wide + _NEAR:
            yield _told(part, head, header.sectionSizeHint(column), wide) + " (head)"
        for row in range(model.rowCount()):
            index = model.index(row, column)
            text = str(index.data() or "")
            place = part.visualRect(index)
            if not text or not place.intersects(part.viewport().rect()):
                continue
            needs = part.sizeHintForIndex(index).width()
            if needs > place.width() + _NEAR:
                yield _told(part, f"{head}: {text}", needs, place.width())
    right = sum(
        part.columnWidth(c) for c in range(model.columnCount()) if not part.isColumnHidden(c)
    )
    if right > part.viewport().width() + _NEAR:
        yield f"{_name(part)}: columns of {right} px in {part.viewport().width()}"


def _list(part: QListView) -> Iterator[str]:
    model = part.model()
    if model is None or part.viewMode() == QListView.ViewMode.IconMode:
        return
    for row in range(min(model.rowCount(), 200)):
        index = model.index(row, 0)
        place = part.visualRect(index)
        text = str(index.data() or "")
        if text and place.intersects(part.viewport().rect()):
            needs = part.sizeHintForIndex(index).width()
            if needs > place.width() + _NEAR:
                yield _told(part, text, needs, place.width())


def _outside(part: QWidget) -> Iterator[str]:
    """A part that reaches out of its holder, which does not scroll."""
    holder = part.parentWidget()
    if holder is None or part.isWindow() or isinstance(holder.parentWidget(), QAbstractScrollArea):
        return
    if isinstance(holder, (QAbstractItemView, QAbstractScrollArea, QHeaderView)):
        return
    if not holder.rect().adjusted(-1, -1, 1, 1).contains(part.geometry()):
        yield f"{_name(part)}: {_square(part.geometry())} reaches out of {_square(holder.rect())}"


def _square(place: QRect) -> str:
    return f"{place.x()},{place.y()} {place.width()}x{place.height()}"


@dataclass
class _Listener:
    """What was painted, and where."""

    found: list[str] = field(default_factory=list)
    places: dict[QWidget, list[tuple[QRectF, str]]] = field(default_factory=dict)

    def elided(self, metrics: Any, text: str, width: float, *mode: Any) -> str:
        shown = _ELIDED(metrics, text, width, *mode)
        if shown != plain.one_line(text):
            needs = metrics.horizontalAdvance(text)
            caller = sys._getframe(1).f_code.co_qualname
            self.found.append(f"{caller}: “{text[:70]}” needs {needs:.0f} px and has {width:.0f}")
        return shown

    def draw_text(self, painter: QPainter, *place_and_text: Any) -> None:
        _DRAW(painter, *place_and_text)
        *place, text = place_and_text
        text, part = plain.one_line(text), painter.device()
        if not text.strip() or not isinstance(part, QWidget):
            return
        if len(place) == 2 and isinstance(place[0], (QRectF, QRect)):
            box = QRectF(place[0])
            needs = painter.boundingRect(box, int(place[1]), text)
            if needs.width() > box.width() + _NEAR:
                self.found.append(_told(part, text, needs.width(), box.width()) + " (painted)")
        elif len(place) == 1:
            at = QPointF(place[0])
            needs = painter.fontMetrics().boundingRect(text).toRectF().translated(at)
        else:
            return
        self._lay(part, painter.transform(), needs, text)

    def _lay(self, part: QWidget, turned: QTransform, needs: QRectF, text: str) -> None:
        place = turned.mapRect(needs)
        scrolls = isinstance(part.parentWidget(), QAbstractScrollArea)
        inside = QRectF(part.rect()).adjusted(-_NEAR, -2, _NEAR, 2)
        across = inside.left() <= place.left() and place.right() <= inside.right()
        down = inside.top() <= place.top() and place.bottom() <= inside.bottom()
        if not across or not (down or scrolls):
            self.found.append(f"{_name(part)}: “{text[:70]}” is painted past its edge")
        for other, said in self.places.get(part, ()):
            both = place.intersected(other)
            if both.width() > 3 and both.height() > 4:
                self.found.append(f"{_name(part)}: “{text[:40]}” is painted on “{said[:40]}”")
        self.places.setdefault(part, []).append((place, text))


_ELIDED, _DRAW = plain.elided, plain.draw_text


def _painted(page: QWidget) -> list[str]:
    """Paint the page once, and listen."""
    listener = _Listener()
    listening: dict[str, Callable[..., Any]] = {
        "elided": listener.elided,
        "draw_text": listener.draw_text,
    }
    real = {"elided": _ELIDED, "draw_text": _DRAW}
    places = [
        (module, name)
        for key, module in sys.modules.items()
        for name in listening
        if key.startswith("prism_desktop.ui") and getattr(module, name, None) is real[name]
    ]
    try:
        for module, name in places:
            setattr(module, name, listening[name])
        page.grab()
    finally:
        for module, name in places:
            setattr(module, name, real[name])
    return listener.found
