"""The command palette: type a few letters of what is wanted, Enter does it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.commands import Command, Commands
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.fuzzy_match import best
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.reachable import Reachable, reachable
from prism_desktop.ui.shortcuts import written_natively
from prism_desktop.ui.widgets.basics import GRID, frame, label, rows

_MOST = 80  # lines
_FACES = 15  # of them at most
_WIDE = 720  # px
_ROWS = 15  # at most
_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: 8,
    Qt.Key.Key_PageUp: -8,
}


class CommandPalette(QWidget):
    """A card over the window's upper middle; it goes with Escape, Enter or a click elsewhere."""

    left = Signal()

    def __init__(self, parent: QWidget, context: AppContext, commands: Commands) -> None:
        super().__init__(parent)
        self._context, self._commands = context, commands
        self._found: Reachable | None = None
        self._all: list[Command] = []
        self._shown: list[Command] = []
        self.search = QLineEdit()
        context.worded.connect(self._word)
        self._word()
        self.search.setAccessibleName("Find and do anything")
        self.search.textChanged.connect(lambda _: self._list())
        self.search.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("What can be done")
        head = self.list.header()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.itemClicked.connect(lambda _item, _column: self._do())
        self.why = label("", "small", wrap=True)
        self.why.setFixedHeight(2 * self.why.fontMetrics().height())
        card = frame("popover", rows(self.search, self.list, self.why, margin=GRID + 4))
        self.setLayout(rows(card))
        self.list.currentItemChanged.connect(lambda *_: self._explain())
        self.hide()

    @property
    def offered(self) -> Sequence[Command]:
        """What is listed, the nearest first."""
        return self._shown

    def pop_up(self) -> None:
        """Show all there is; what the study holds follows as soon as it is read."""
        self._all, self._found = self._commands.all(), None
        self.search.clear()
        self._list()
        self.place()
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)
        study = self._context.study
        if study is not None:
            self._context.ask(
                lambda: reachable(study),
                self._take,
                owner=self,
                what="Reading what there is to find",
                topic="reachable",
            )

    def place(self) -> None:
        """In the upper middle of the window, as high as whole lines are."""
        parent = self.parentWidget()
        if parent is None:
            return
        row = max(1, self.list.sizeHintForRow(0))
        frame = 2 * self.list.frameWidth()
        # the field, two lines of a reason, and what lies around them
        others = self.search.sizeHint().height() + self.why.height() + 10 * GRID
        fit = max(1, min(_ROWS, (parent.height() - 8 * GRID - others) // row))
        self.list.setFixedHeight(fit * row + frame)
        inside = self.list.parentWidget()
        for holder in (inside, self):
            layout = holder.layout() if holder is not None else None
            if layout is not None:
                layout.invalidate()
        wide = min(_WIDE, parent.width() - 4 * GRID)
        self.setGeometry((parent.width() - wide) // 2, 6 * GRID, wide, self.sizeHint().height())

    def leave(self) -> None:
        """Go, and let the focus go back to where it was."""
        if self.isVisible():
            self.hide()
            self.left.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The field keeps the keys; those that move and do are the list's."""
        if event.type() == QEvent.Type.FocusOut and watched is self.search:
            if self.isActiveWindow():
                self.hide()
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            event.accept()  # keys of the window wait until the palette is gone
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event.key())
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        if key == Qt.Key.Key_Escape:
            self.leave()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._do()
        elif step := _STEPS.get(Qt.Key(key), 0):
            row = self.list.currentIndex().row() + step
            row = max(0, min(self.list.topLevelItemCount() - 1, row))
            self._choose(row)
        else:
            return key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)  # there is nowhere else to go
        return True

    def _take(self, found: Reachable) -> None:
        if self.isVisible() and self._context.study is not None:
            self._found, self._all = found, self._commands.all(found)
            self._list()

    def _list(self) -> None:
        typed = self.search.text()
        shown = best(typed, self._all, lambda each: each.name, _MOST)
        names = {each.name for each in shown if each.place != _HERE}
        shown = [each for each in shown if each.place != _HERE or each.name not in names]
        self._shown = []
        self.list.clear()
        self.why.setText("Nothing is called that.")
        self._add(shown)
        study = self._context.study
        if study is not None and len(typed.strip()) > 1:
            self._context.ask(
                lambda: study.images_named(typed, _FACES),
                lambda named: self._add_faces(typed, named),
                owner=self,
                what=self._context.words.told("Looking for faces of that name"),
                topic="faces",
            )

    def _word(self) -> None:
        """Hint at what can be found, of what the open study holds."""
        hint = "A panel, a view, a labeler, a run, a face, an action"
        self.search.setPlaceholderText(one_line(self._context.words.told(hint)))

    def _add_faces(self, typed: str, named: tuple[tuple[str, str], ...]) -> None:
        """Faces that are called what was typed, below the rest."""
        if self.isVisible() and typed == self.search.text():
            self._add(list(self._commands.faces(named, self._found)))

    def _add(self, more: list[Command]) -> None:
        first = not self._shown
        self._shown += more
        self.list.addTopLevelItems([self._item(each) for each in more])
        if first and more:
            self._choose(0)

    def _item(self, command: Command) -> QTreeWidgetItem:
        """A line: what is done, where it belongs, its key; faint where it cannot be done."""
        keys = written_natively(command.keys) if command.keys else ""
        item = QTreeWidgetItem([one_line(command.name), command.place, keys])
        tokens = self._context.theme.tokens
        for column in (1, 2):
            item.setForeground(column, QBrush(QColor(tokens.muted)))
        if command.hindrance:
            item.setForeground(0, QBrush(QColor(tokens.faint)))
            item.setToolTip(0, tip_text(command.hindrance))
        return item

    def _choose(self, row: int) -> None:
        self.list.setCurrentIndex(self.list.model().index(row, 0))

    def _chosen(self) -> Command | None:
        row = self.list.currentIndex().row()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _explain(self) -> None:
        """Why what is chosen cannot be done."""
        command = self._chosen()
        self.why.setText(command.hindrance if command is not None else "")

    def _do(self) -> None:
        """Do what is chosen, if it can be done; the focus is back where it was by then."""
        command = self._chosen()
        if command is not None and not command.hindrance:
            self.leave()
            act: Callable[[], object] = command.act
            act()


_HERE = "In this panel"
