"""The method fields: one that chooses a method, one that ticks several; each opens the list."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFrame, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, FLAGSHIP, METHODS, STARTERS, method
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.availability import (
    MethodAvailability,
    methods_as_listed,
    methods_in_order,
)
from prism_desktop.ui.train.method_list import MethodList
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows

_WIDTH, _HEIGHT = 660, 640  # px of the opened list


class MethodPopup(QFrame):
    """The list in a frame of its own, below the field that opened it."""

    def __init__(self, theme: Theme, *, many: bool = False) -> None:
        super().__init__()
        self.list = MethodList(theme, many=many)
        self.body = rows(self.list, margin=GRID + 4)
        self.body.setStretch(0, 1)
        self.setLayout(rows(frame("popup", self.body), gap=0))

    def open_below(self, field: QWidget, name: str) -> None:
        """Show the list beside the field, `name` the present method; it stays on the screen."""
        self.setParent(field, Qt.WindowType.Popup)
        room = field.screen().availableGeometry()
        place = field.mapToGlobal(QPoint(0, field.height() + 4))
        width, height = min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 2 * GRID)
        x = max(room.left(), min(place.x(), room.right() - width))
        y = max(room.top(), min(place.y(), room.bottom() - height))
        self.setGeometry(x, y, width, height)
        self.show()
        self.list.begin(name)
        self.list.search.setFocus(Qt.FocusReason.PopupFocusReason)


class MethodBox(QComboBox):
    """One method; closed, the arrow keys pass over those that cannot be trained."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        for each in methods_as_listed():
            self.addItem(each.title, each.name)
        self.popup = MethodPopup(theme)
        self.popup.setParent(self, Qt.WindowType.Popup)
        self.popup.list.chosen.connect(self._take)
        self.pick(FLAGSHIP)

    @property
    def name(self) -> str:
        return str(self.currentData())

    def pick(self, name: str) -> None:
        """Choose a method.

        Raises:
            InputError: if there is none of that name.
        """
        self.setCurrentIndex(self.findData(method(name).name))

    def show_methods(self, methods: Sequence[MethodAvailability]) -> None:
        """What each method is for this study.

        The chosen one stays chosen even if it became impossible.
        """
        self.popup.list.model.show_methods(methods)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for each in methods:
            item = model.item(self.findData(each.method.name))
            item.setText(each.method.title)
            item.setEnabled(not each.obstacle)

    def showPopup(self) -> None:
        self.popup.open_below(self, self.name)

    def _take(self, name: str) -> None:
        self.popup.hide()
        self.pick(name)
        self.setFocus(Qt.FocusReason.PopupFocusReason)


class MethodsBox(QComboBox):
    """Several methods, ticked in the list."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        """The list with a tick per method, and buttons that tick many at once."""
        super().__init__()
        self.addItem("")
        self.popup = MethodPopup(theme, many=True)
        self.popup.setParent(self, Qt.WindowType.Popup)
        self._model = self.popup.list.model
        self._count = label("", "small")
        fast = button(
            "Fast ones",
            self._fast,
            "quiet",
            tip="Those fitted on frozen features, without a training",
        )
        every = button(
            "All", lambda: self.pick(tuple(METHODS)), "quiet", tip="All that can be trained here"
        )
        none = button("None", lambda: self.pick(()), "quiet")
        done = button("Done", self.popup.hide)
        self.popup.body.addLayout(columns(self._count, None, fast, every, none, done))
        self._model.ticked.connect(self._tell)
        self.pick(STARTERS)

    def picked(self) -> tuple[str, ...]:
        """The ticked methods, group by group."""
        return tuple(
            each.method.name
            for each in self._model.methods
            if each.method.name in self._model.ticks
        )

    def pick(self, names: Sequence[str]) -> None:
        """Tick exactly these, as far as they are possible.

        Raises:
            InputError: if there is no method of one of the names.
        """
        known = [method(name).name for name in names]
        self._model.ticks.clear()
        self._model.tick(known, on=True)

    def show_methods(self, methods: Sequence[MethodAvailability]) -> None:
        """What each method is for this study; what became impossible is no longer ticked."""
        self._model.show_methods(methods)
        self._tell()

    def showPopup(self) -> None:
        self.popup.open_below(self, (self.picked() or STARTERS)[0])

    def _fast(self) -> None:
        self.pick(
            [
                CONSENSUS,
                *(m.name for m in methods_in_order() if m.family == "Fast on frozen features"),
            ]
        )

    def _tell(self) -> None:
        picked = self.picked()
        names = [one.method.title for one in self._model.methods if one.method.name in picked]
        count = len(names)
        self._count.setText(f"{count} chosen")
        self.setItemText(0, counted(count, "method") if count != 1 else names[0])
        set_tip(self, ", ".join(names))
        self.changed.emit()
