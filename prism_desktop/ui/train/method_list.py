"""The list of methods: the featured ones in front, the others grouped under "More methods".

Methods are found by typing; those that cannot be trained here are greyed, with the reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from prism_desktop.engine.methods import Method
from prism_desktop.ui.plain import draw_text, tip_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.availability import (
    FAMILIES,
    MethodAvailability,
    methods_in_order,
)
from prism_desktop.ui.widgets.basics import GRID, rows
from prism_desktop.ui.widgets.painted import sized

# px: around a row's text, for its tick, a heading, a title's line, the fold
_PAD, _TICK, _HEAD, _LINE, _FOLD = (10, 30, 34, 20, 44)
_Index = QModelIndex | QPersistentModelIndex
NAME = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class MoreMethods:
    """The row that unfolds the methods that are not featured."""

    names: frozenset[str]  # of the methods that lie under it


Row = str | MoreMethods | MethodAvailability  # a heading, the fold, a method


class MethodsModel(QAbstractListModel):
    """The featured methods that fit what was typed, and a fold with the others under headings.

    Ticks where several may be chosen.
    """

    ticked = Signal()

    def __init__(self, *, many: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.many = many
        self.methods: tuple[MethodAvailability, ...] = tuple(
            MethodAvailability(method) for method in methods_in_order()
        )
        self.ticks: set[str] = set()
        self.unfolded = False
        self._unfolded_before = False  # before something was typed
        self._typed = ""
        self.rows: list[Row] = list(self._lay_out())

    def show_methods(self, methods: Sequence[MethodAvailability]) -> None:
        """Show these; what is ticked stays ticked where it is possible."""
        if tuple(methods) == self.methods:
            return
        self.methods = tuple(methods)
        self.ticks &= {each.method.name for each in methods if not each.obstacle}
        self._reset()

    def begin(self, name: str) -> None:
        """Show all methods; unfolded if `name`, or a ticked method, is not featured."""
        self._typed = ""
        chosen = self.ticks | {name}
        self.unfolded = any(
            each.method.name in chosen and not each.method.featured for each in self.methods
        )
        self._reset()

    def find(self, typed: str) -> None:
        """Show only methods whose name, title or summary has every typed word, unfolded."""
        if typed.strip() and not self._typed.strip():
            self._unfolded_before, self.unfolded = self.unfolded, True
        elif self._typed.strip() and not typed.strip():
            self.unfolded = self._unfolded_before
        self._typed = typed
        self._reset()

    def unfold(self, on: bool) -> None:
        """Show or hide the methods that are not featured."""
        self.unfolded = on
        self._reset()

    def fold_row(self) -> int:
        """Where the fold stands; -1 if no method lies under it."""
        places = (place for place, row in enumerate(self.rows) if isinstance(row, MoreMethods))
        return next(places, -1)

    def fold_text(self, row: MoreMethods) -> str:
        """What the fold is called: how many methods lie under it, and how many are ticked."""
        ticked = len(self.ticks & row.names)
        return f"More methods ({len(row.names)})" + (f", {ticked} chosen" if ticked else "")

    def row_of(self, name: str) -> int:
        """Where a method stands now; -1 if it does not."""
        places = (
            place
            for place, row in enumerate(self.rows)
            if isinstance(row, MethodAvailability) and row.method.name == name
        )
        return next(places, -1)

    def first(self) -> int:
        """The first method that can be chosen; -1 if there is none."""
        places = (
            place
            for place, row in enumerate(self.rows)
            if isinstance(row, MethodAvailability) and not row.obstacle
        )
        return next(places, -1)

    def tick(self, names: Sequence[str], *, on: bool | None = None) -> None:
        """Tick or untick; None turns each round. What is impossible is never ticked."""
        possible = {each.method.name for each in self.methods if not each.obstacle}
        for name in possible.intersection(names):
            if on or (on is None and name not in self.ticks):
                self.ticks.add(name)
            else:
                self.ticks.discard(name)
        hidden = {each.method.name for each in self.methods if not each.method.featured}
        if not self.unfolded and hidden & self.ticks.intersection(names):
            self.unfold(True)  # what was just ticked is to be seen
        self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))
        self.ticked.emit()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A row: its text, what a screen reader says, and its tick."""
        row = self.rows[index.row()]
        if isinstance(row, str):
            return row if role == Qt.ItemDataRole.DisplayRole else None
        if isinstance(row, MoreMethods):
            return self._fold_data(row, role)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.method.title
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(row.words())
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.words()
            case Qt.ItemDataRole.CheckStateRole if self.many:
                return (
                    Qt.CheckState.Checked
                    if row.method.name in self.ticks
                    else Qt.CheckState.Unchecked
                )
        return row.method.name if role == NAME else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        row = self.rows[index.row()]
        if isinstance(row, str) or (isinstance(row, MethodAvailability) and row.obstacle):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def _fold_data(self, row: MoreMethods, role: int) -> str | None:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.fold_text(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.fold_text(row)}, {'open' if self.unfolded else 'closed'}"
        return None

    def _reset(self) -> None:
        self.beginResetModel()
        self.rows = list(self._lay_out())
        self.endResetModel()

    def _lay_out(self) -> Iterator[Row]:
        words = self._typed.casefold().split()
        found = [each for each in self.methods if _fits(each.method, words)]
        yield from (each for each in found if each.method.featured)
        more = [each for each in found if not each.method.featured]
        if more:
            yield MoreMethods(frozenset(each.method.name for each in more))
        for group in FAMILIES if self.unfolded else ():
            grouped = [each for each in more if each.method.family == group]
            if grouped:
                yield group
                yield from grouped


def _fits(method: Method, words: Sequence[str]) -> bool:
    text = f"{method.name} {method.title} {method.summary} {method.family}".casefold()
    return all(word in text for word in words)


class MethodList(QWidget):
    """A field to type in and the list below.

    The arrows move, Enter chooses (or, where several may be, ticks). On "More methods" Enter and
    Space turn the fold round, Right opens it and Left closes it.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, *, many: bool = False) -> None:
        super().__init__()
        self.model = MethodsModel(many=many, parent=self)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a method")
        self.search.setAccessibleName("Find a method")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._find)
        self.search.installEventFilter(self)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Drawn(theme, self.view))
        self.view.setProperty("role", "methods")
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # rows keep their width, and height
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("Methods")
        self.view.installEventFilter(self)
        self.view.clicked.connect(self._take)
        self._kept = ""  # the current method while rows change
        self.model.modelAboutToBeReset.connect(self._remember)
        self.model.modelReset.connect(self._restore)
        self.setFocusProxy(self.search)
        self.setLayout(rows(self.search, self.view, gap=GRID))

    def begin(self, name: str) -> None:
        """All methods again, `name` the present one."""
        self.search.clear()
        self.model.begin(name)
        self._go(self.model.row_of(name))

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.KeyPress:
            typing = watched is self.search and bool(self.search.text())
            if self._press(event.key(), typing=typing):
                return True
            if watched is self.search and event.key() in _MOVES:
                self.view.keyPressEvent(event)
                return True
        return super().eventFilter(watched, event)

    def _press(self, key: int, *, typing: bool) -> bool:
        """Act on the current row; whether the key was for it. Text being typed keeps its keys."""
        index = self.view.currentIndex()
        on_fold = index.isValid() and index.row() == self.model.fold_row()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(index)
        elif typing:
            return False
        elif key == Qt.Key.Key_Space and (on_fold or self.model.many):
            self._take(index)
        elif on_fold and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._unfold(key == Qt.Key.Key_Right)
        else:
            return False
        return True

    def _unfold(self, on: bool) -> None:
        """Open or close the fold, which stays the current row; what opens is in view."""
        self.model.unfold(on)
        index = self.model.index(self.model.fold_row())
        self.view.setCurrentIndex(index)
        hint = QAbstractItemView.ScrollHint
        self.view.scrollTo(index, hint.PositionAtTop if on else hint.EnsureVisible)

    def _find(self, typed: str) -> None:
        self.model.find(typed)
        self._go(self.model.first())

    def _remember(self) -> None:
        self._kept = str(self.view.currentIndex().data(NAME) or "")

    def _restore(self) -> None:
        row = self.model.row_of(self._kept)
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row))

    def _go(self, row: int) -> None:
        index = self.model.index(row) if row >= 0 else QModelIndex()
        self.view.setCurrentIndex(index)
        if row >= 0:
            self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def _take(self, index: _Index) -> None:
        if not index.isValid() or not self.model.flags(index) & Qt.ItemFlag.ItemIsEnabled:
            return
        if index.row() == self.model.fold_row():
            self._unfold(not self.model.unfolded)
            return
        name = str(index.data(NAME))
        if self.model.many:
            self.model.tick([name])
        else:
            self.chosen.emit(name)


_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class _Drawn(QStyledItemDelegate):
    """A method: title, parameters at the right, and
    below its summary, or why it cannot be trained."""

    def __init__(self, theme: Theme, view: QListView) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        row = self._row(index)
        width = self._view.viewport().width()
        if not isinstance(row, MethodAvailability):
            return QSize(width, _HEAD if isinstance(row, str) else _FOLD)
        return QSize(
            width,
            _LINE + self._below(row, self._inside(QRect(0, 0, width, 0))).height() + 2 * _PAD - 2,
        )

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """A heading in small bold letters, the fold, or a method."""
        tokens, row, rect = self._theme.tokens, self._row(index), QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(row, str):
            painter.setFont(sized(self._view.font(), 0.85, bold=True))
            painter.setPen(QColor(tokens.muted))
            box = rect.adjusted(_PAD, 8, -_PAD, 0)
            draw_text(
                painter, box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), row
            )
        elif isinstance(row, MoreMethods):
            self._mark(painter, option, rect.adjusted(0, 4, 0, 0), enabled=True)
            self._paint_fold(painter, rect.adjusted(_PAD, 4, -_PAD, 0), row)
        else:
            self._mark(painter, option, rect, enabled=not row.obstacle)
            self._paint(painter, rect, row)
        painter.restore()

    def _mark(
        self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, *, enabled: bool
    ) -> None:
        """The ground of the current row, and of the one under the mouse."""
        tokens, state = self._theme.tokens, option.state
        current = bool(state & QStyle.StateFlag.State_Selected)
        if current or (enabled and state & QStyle.StateFlag.State_MouseOver):
            painter.setPen(QPen(QColor(tokens.accent), 1) if current else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_soft if current else tokens.hover))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 8, 8)

    def _paint_fold(self, painter: QPainter, inside: QRect, row: MoreMethods) -> None:
        """An arrow that says whether it is open, and how many methods lie under it."""
        unfolded = self._model().unfolded
        arrow = self._theme.icon("chevron-down-grey" if unfolded else "chevron-right")
        arrow.paint(painter, QRect(inside.left(), inside.center().y() - 8, 16, 16))
        painter.setFont(sized(self._view.font(), 1.0, bold=True))
        painter.setPen(QColor(self._theme.tokens.text))
        box = inside.adjusted(_TICK if self._model().many else 24, 0, 0, 0)
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        draw_text(painter, box, int(align), self._model().fold_text(row))

    def _paint(self, painter: QPainter, rect: QRect, row: MethodAvailability) -> None:
        """Title and number of parameters, and below them the summary or the obstacle."""
        tokens = self._theme.tokens
        inside = self._inside(rect)
        top = QRect(inside.left(), inside.top(), inside.width(), _LINE)
        painter.setFont(sized(self._view.font(), 0.92))
        painter.setPen(QColor(tokens.muted))
        count = "" if row.obstacle else row.size
        draw_text(
            painter, top, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), count
        )
        painter.setFont(sized(self._view.font(), 1.0, bold=True))
        painter.setPen(QColor(tokens.faint if row.obstacle else tokens.text))
        draw_text(
            painter,
            top,
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            row.method.title,
        )
        painter.setFont(sized(self._view.font(), 0.92))
        painter.setPen(QColor(tokens.warn if row.obstacle else tokens.muted))
        draw_text(
            painter,
            self._below(row, inside),
            int(Qt.TextFlag.TextWordWrap),
            row.obstacle or row.summary,
        )
        if self._model().many:
            self._tick(painter, rect, row)

    def _tick(self, painter: QPainter, rect: QRect, row: MethodAvailability) -> None:
        tokens, on = self._theme.tokens, row.method.name in self._model().ticks
        box = QRect(rect.left() + _PAD, rect.top() + _PAD + 1, 16, 16)
        painter.setPen(
            QColor(tokens.accent if on else tokens.border if row.obstacle else tokens.border_strong)
        )
        painter.setBrush(
            QColor(tokens.accent if on else tokens.hover if row.obstacle else tokens.raised)
        )
        painter.drawRoundedRect(box, 5, 5)
        if on:
            self._theme.icon("check", tokens.on_accent).paint(painter, box.adjusted(1, 1, -1, -1))

    def _inside(self, rect: QRect) -> QRect:
        return rect.adjusted(_PAD + (_TICK if self._model().many else 0), _PAD - 2, -_PAD, 0)

    def _below(self, row: MethodAvailability, inside: QRect) -> QRect:
        metrics = QFontMetrics(sized(self._view.font(), 0.92))
        room = QRect(inside.left(), inside.top() + _LINE, inside.width(), 400)
        return metrics.boundingRect(
            room, int(Qt.TextFlag.TextWordWrap), row.obstacle or row.method.summary
        )

    def _model(self) -> MethodsModel:
        model = self._view.model()
        assert isinstance(model, MethodsModel)
        return model

    def _row(self, index: _Index) -> Row:
        return self._model().rows[index.row()]
