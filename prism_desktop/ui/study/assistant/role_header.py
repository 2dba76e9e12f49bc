"""The header of the preview: each column's name, the role it is taken for, and how sure that is."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHeaderView, QSizePolicy, QVBoxLayout, QWidget

from prism_desktop.engine.study.importing.plan import ColumnPlan, TablePlan
from prism_desktop.ui.plain import elided, set_tip
from prism_desktop.ui.study.assistant.recipe_edits import (
    CONFIDENCE_WORDS,
    ROLE_WORDS,
    explained,
    role_words,
)
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, columns, label, restyle

HEIGHT, WIDTH, WIDEST = 96, 166, 250  # px
_ROLES = tuple(ROLE_WORDS)


class SteadyBox(QComboBox):
    """A combo box that the wheel does not turn, since it stands in what is scrolled."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class RoleBox(QWidget):
    """One column's name, role, and below it the attribute of a judgment or how sure the role is."""

    def __init__(self, header: "RoleHeader", place: int) -> None:
        super().__init__(header.viewport())
        self._header, self.place = header, place
        self.column: ColumnPlan | None = None
        self.name = label("", "strong")
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.role = SteadyBox()
        for role in _ROLES:
            self.role.addItem(ROLE_WORDS[role], role)
        self.role.setMaxVisibleItems(len(_ROLES))
        self.sure = label("", "small")
        self.attribute = SteadyBox()
        self.attribute.setEditable(True)
        self.attribute.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for box in (self.role, self.attribute):
            box.setProperty("role", "dense")
            box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(4)
            box.view().setMinimumWidth(190)
            box.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        layout.setSpacing(3)
        head = columns(self.name, self.sure)
        head.setStretch(0, 1)
        layout.addLayout(head)
        for part in (self.role, self.attribute):
            layout.addWidget(part)
        layout.addStretch(1)
        self.role.activated.connect(self._role_chosen)
        self.attribute.activated.connect(lambda _: self._attribute_chosen())
        editor = self.attribute.lineEdit()
        assert editor is not None
        editor.editingFinished.connect(self._attribute_chosen)
        editor.setPlaceholderText("attribute")
        editor.setAcceptDrops(False)  # files are dropped on the window

    def show_column(self, column: ColumnPlan, rows: int, attributes: tuple[str, ...]) -> None:
        """Show what the column is taken for; what is being typed is left alone."""
        self.column = column
        told = explained(column, rows)
        self.role.setItemText(0, role_words(column) if column.role == "judgment" else "Judgment")
        self.role.setCurrentIndex(_ROLES.index(column.role))
        self.role.setAccessibleName(f"Role of the column {column.name}")
        self.attribute.setAccessibleName(f"Attribute that {column.name} judges")
        for part in (self, self.name, self.role):
            set_tip(part, told)
        self.role.setAccessibleDescription(told)
        judged = column.role == "judgment"
        self.attribute.setVisible(judged)
        self.sure.setText(CONFIDENCE_WORDS[column.confidence])
        self._elide()
        restyle(self.role, sure=column.confidence)
        editor = self.attribute.lineEdit()
        if judged and editor is not None and not editor.isModified():
            self.attribute.clear()
            self.attribute.addItems(list(dict.fromkeys((*attributes, column.attribute))))
            self.attribute.setCurrentText(column.attribute)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows to the sides lead from column to column; Home and End to the ends."""
        if event.type() == QEvent.Type.FocusIn:
            self._header.column_entered.emit(self.place)
        elif (
            event.type() == QEvent.Type.KeyPress
            and watched is self.role
            and isinstance(event, QKeyEvent)
        ):
            return self._header.step(self.place, Qt.Key(event.key()))
        return super().eventFilter(watched, event)

    def _elide(self) -> None:
        if self.column is not None:
            room = max(0, self.width() - 2 * GRID - self.sure.sizeHint().width())
            metrics = self.name.fontMetrics()
            middle = Qt.TextElideMode.ElideMiddle
            self.name.setText(elided(metrics, self.column.name, room, middle))

    def _role_chosen(self, place: int) -> None:
        role = _ROLES[place]
        if self.column is not None and role != self.column.role:
            self._header.role_chosen.emit(self.column.name, role, "")

    def _attribute_chosen(self) -> None:
        editor = self.attribute.lineEdit()
        if editor is not None:
            editor.setModified(False)
        text, column = self.attribute.currentText().strip(), self.column
        if column is not None and column.role == "judgment" and text not in ("", column.attribute):
            self._header.role_chosen.emit(column.name, "judgment", text)


class RoleHeader(QHeaderView):
    """A box above each column, made when the column first comes into view.

    Tab reaches the header once, however many columns there are: the arrows lead on inside."""

    role_chosen = Signal(str, str, str)  # column, role, attribute or ""
    column_entered = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._boxes: dict[int, RoleBox] = {}
        self._table: TablePlan | None = None
        self._attributes: tuple[str, ...] = ()
        self._last = 0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Roles of the columns")
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setMinimumSectionSize(96)
        self.sectionResized.connect(lambda *_: self.place())
        self.column_entered.connect(self._remember)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEIGHT)

    def box(self, place: int) -> RoleBox:
        """The box of a column, made if it was not needed before."""
        table = self._table
        assert table is not None
        found = self._boxes.get(place)
        if found is None:
            found = self._boxes[place] = RoleBox(self, place)
            found.show_column(table.columns[place], table.rows, self._attributes)
        return found

    def show_columns(self, table: TablePlan | None, attributes: tuple[str, ...]) -> None:
        """Show the columns of a table; boxes of the same columns stay, and so does the focus."""
        before = [column.name for column in self._table.columns] if self._table else []
        self._table, self._attributes = table, attributes
        names = [column.name for column in table.columns] if table else []
        if before != names:
            for box in self._boxes.values():
                box.hide()
                box.deleteLater()
            self._boxes, self._last = {}, 0
        elif table is not None:
            for place, box in self._boxes.items():
                box.show_column(table.columns[place], table.rows, attributes)
        self.place()

    def place(self) -> None:
        """Put the boxes above their columns."""
        if self._table is None:
            return
        wide = self.viewport().width()
        for column in range(min(self.count(), len(self._table.columns))):
            left, width = self.sectionViewportPosition(column), self.sectionSize(column)
            seen = not self.isSectionHidden(column) and left + width > 0 and left < wide
            if seen or column in self._boxes:
                box = self.box(column)
                box.setGeometry(left, 0, width, HEIGHT - 1) if seen else box.move(-9999, 0)
                box.show()

    def enter(self, column: int) -> None:
        """Give the focus to a column's role."""
        self.column_entered.emit(column)
        self.box(column).show()
        self.box(column).role.setFocus(Qt.FocusReason.OtherFocusReason)

    def step(self, column: int, key: Qt.Key) -> bool:
        """Go on from a column as a key says; whether the key was one of the header's."""
        shown = [each for each in range(self.count()) if not self.isSectionHidden(each)]
        if column not in shown:
            return False
        here = shown.index(column)
        places = {
            Qt.Key.Key_Left: max(0, here - 1),
            Qt.Key.Key_Right: min(len(shown) - 1, here + 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(shown) - 1,
        }
        if key in places:
            self.enter(shown[places[key]])
        return key in places

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        shown = [each for each in range(self.count()) if not self.isSectionHidden(each)]
        if shown:
            self.enter(self._last if self._last in shown else shown[0])

    def focusNextPrevChild(self, forward: bool) -> bool:
        """From a role to its attribute and back; else out of the header."""
        for box in self._boxes.values():
            if box.attribute.isVisible():
                if forward and box.role.hasFocus():
                    box.attribute.setFocus(Qt.FocusReason.TabFocusReason)
                    return True
                if not forward and box.attribute.hasFocus():
                    box.role.setFocus(Qt.FocusReason.BacktabFocusReason)
                    return True
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # or going back would lead in again
        try:
            return super().focusNextPrevChild(forward)
        finally:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place()

    def _remember(self, column: int) -> None:
        self._last = column
