"""Pickers: one thing of a few side by side, one of a list, or several of a list.

No picker ignores a key that it does not have: `pick` and the like raise KeyError, since it is the
caller's mistake. Who has a key from elsewhere asks `has` first and shows a sentence.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QHideEvent,
    QIcon,
    QPaintEvent,
    QStandardItemModel,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from prism_desktop.engine.plain_text import few, one_line
from prism_desktop.ui.plain import elided, set_tip, show_tip
from prism_desktop.ui.widgets.basics import GRID, button, columns, rows


class Segments(QFrame):
    """Buttons side by side of which one is pressed; the arrow keys move between them."""

    picked = Signal(str)

    def __init__(self, choices: Mapping[str, str], parent: QWidget | None = None) -> None:
        """`choices`: key to caption, in order; the first is pressed."""
        super().__init__(parent)
        self.setProperty("role", "segments")
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for key, caption in choices.items():
            made = button(caption, partial(self.picked.emit, key), "segment")
            made.setCheckable(True)
            self._group.addButton(made)
            self._buttons[key] = made
        next(iter(self._buttons.values())).setChecked(True)
        layout = columns(*self._buttons.values(), gap=2)
        layout.setContentsMargins(2, 2, 2, 2)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def current(self) -> str:
        return next(key for key, made in self._buttons.items() if made.isChecked())

    def has(self, key: str) -> bool:
        """Whether there is a button of this key."""
        return key in self._buttons

    def pick(self, key: str) -> None:
        """Press a button; `picked` follows as if by hand.

        Raises:
            KeyError: if there is no button of this key.
        """
        self._buttons[key].setChecked(True)
        self.picked.emit(key)

    def settle(self, key: str) -> None:
        """Press a button without any signal.

        Raises:
            KeyError: if there is no button of this key.
        """
        self._buttons[key].setChecked(True)

    def button(self, key: str) -> QPushButton:
        return self._buttons[key]


def row_of(box: QComboBox, key: object) -> int:
    """The row of a combo box whose data is `key`.

    Raises:
        KeyError: if there is none.
    """
    row = box.findData(key)
    if row < 0:
        raise KeyError(f"{key!r} is not among the choices of {box.accessibleName() or 'a picker'}")
    return row


def whole_parts(metrics: QFontMetrics, text: str, room: int) -> str:
    """As many of the parts between " · " as `room` px hold: no date and no number is cut in two."""
    parts = text.split(" · ")
    while len(parts) > 1 and metrics.horizontalAdvance(" · ".join(parts)) > room:
        parts.pop()
    return elided(metrics, " · ".join(parts), room)


class FittedBox(QComboBox):
    """A box that shows of a long caption what fits, and is never cut in a letter."""

    def room(self) -> int:
        """For the caption, in px."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        part, control = QStyle.SubControl.SC_ComboBoxEditField, QStyle.ComplexControl.CC_ComboBox
        room = self.style().subControlRect(control, option, part, self).width()
        return room if option.currentIcon.isNull() else room - option.iconSize.width() - 4

    def shown(self) -> str:
        """What the field has room for of the caption that is chosen."""
        text, metrics, room = self.currentText(), self.fontMetrics(), self.room()
        return text if metrics.horizontalAdvance(text) <= room else whole_parts(metrics, text, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As always, but for a caption that is wider than the field."""
        shown = self.shown()
        if shown == self.currentText():
            super().paintEvent(event)
            return
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = shown
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Picker(FittedBox):
    """A choice of one from a list that survives a change of the list where it can."""

    def offer(self, choices: Sequence[tuple[str, str]], icons: Sequence[QIcon] = ()) -> None:
        """Offer (key, caption) pairs; the present choice stays if it is among them."""
        before = self.currentData()
        self.blockSignals(True)  # neither emptying nor filling is a choice
        self.clear()
        for place, (key, caption) in enumerate(choices):
            if icons:
                self.addItem(icons[place], one_line(caption), key)
            else:
                self.addItem(one_line(caption), key)
        self.setCurrentIndex(max(0, self.findData(before)))
        self.blockSignals(False)

    def event(self, event: QEvent) -> bool:
        """A caption that is wider than the field is told whole at the pointer."""
        asked = event.type() == QEvent.Type.ToolTip and not self.toolTip()
        if asked and isinstance(event, QHelpEvent) and self.shown() != self.currentText():
            show_tip(event.globalPos(), self.currentText(), self)
            return True
        return super().event(event)

    def bar(self, keys: Collection[str]) -> None:
        """Let these be seen and not be chosen, all others be chosen."""
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for row in range(self.count()):
            model.item(row).setEnabled(self.itemData(row) not in keys)

    @property
    def key(self) -> str:
        """The key that is chosen, empty if none is."""
        return str(self.currentData() or "")

    def has(self, key: str) -> bool:
        """Whether this key is offered."""
        return self.findData(key) >= 0

    def pick(self, key: str) -> None:
        """Choose by key, as if by hand.

        Raises:
            KeyError: if it is not offered.
        """
        self.setCurrentIndex(row_of(self, key))

    def settle(self, key: str) -> None:
        """Choose by key without any signal.

        Raises:
            KeyError: if it is not offered.
        """
        self._settle(row_of(self, key))

    def choose_none(self) -> None:
        """Choose nothing, without any signal."""
        self._settle(-1)

    def _settle(self, row: int) -> None:
        self.blockSignals(True)
        self.setCurrentIndex(row)
        self.blockSignals(False)


class PickMany(FittedBox):
    """A field that tells what is ticked, and opens a list to tick."""

    changed = Signal()

    def __init__(self, noun: str, parent: QWidget | None = None) -> None:
        """`noun` is the plural that the list is of: "labelers"."""
        super().__init__(parent)
        self._noun = noun
        self._popup = _Ticks()
        self._popup.setParent(self, Qt.WindowType.Popup)
        self._popup.ticked.connect(self._show_names)
        self.setAccessibleName(noun.capitalize())
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.addItem("")
        self._show_names()

    def offer(self, choices: Mapping[str, str]) -> None:
        """Choices as key to caption; ticks stay, and what is new is ticked if all were."""
        self._popup.offer(choices)
        self._show_names()

    def has(self, key: str) -> bool:
        """Whether this key is offered."""
        return key in self._popup.offered()

    def picked(self) -> tuple[str, ...] | None:
        """The ticked keys in their order; None when all are."""
        ticked = self._popup.ticks()
        return None if len(ticked) == self._popup.count() else ticked

    def tick(self, keys: Sequence[str] | None) -> None:
        """Tick exactly these; None for all.

        Raises:
            KeyError: if one is not offered.
        """
        self._popup.tick(keys)
        self._show_names()

    def shown(self) -> str:
        """As many names as there is room for, and how many more are ticked."""
        names, metrics, room = self._popup.names(), self.fontMetrics(), self.room()
        fewer = (one_line(few(names, most)) for most in (2, 1) if most < len(names))
        told = (self.currentText(), *(fewer if len(names) < self._popup.count() else ()))
        fitting = (text for text in told if metrics.horizontalAdvance(text) <= room)
        return next(fitting, "") or elided(metrics, told[-1], room)

    def showPopup(self) -> None:
        self._popup.fit()
        self._popup.setMinimumWidth(self.width())
        self._popup.adjustSize()
        self._popup.move(self.mapToGlobal(QPoint(0, self.height() + 2)))
        self._popup.show()
        self._popup.list.setFocus()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _show_names(self) -> None:
        names, count = self._popup.names(), self._popup.count()
        if not count:
            text = f"No {self._noun} yet"
        elif len(names) == count == 1:
            text = names[0]
        elif len(names) == count:
            text = f"All {count} {self._noun}"
        elif not names:
            text = f"No {self._noun} chosen"
        else:
            text = few(names)
        self.setItemText(0, one_line(text))
        set_tip(self, ", ".join(names))
        self.changed.emit()


_WIDEST = 480  # px, of an opened list


class _Ticks(QFrame):
    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.list = QListWidget()
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.itemChanged.connect(self.ticked)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Find")
        self._search.textChanged.connect(self._filter)
        every = button("All", lambda: self.tick(None), "quiet")
        none = button("None", lambda: self.tick(()), "quiet")
        self.setLayout(rows(self._search, self.list, columns(every, none, None), margin=GRID))

    def offer(self, choices: Mapping[str, str]) -> None:
        """Offer these; what was offered before keeps its tick.

        New choices are ticked only where everything was, so that "all" goes on meaning all; hence
        the first offer ticks everything. No signal is sent, for nobody chose anything.
        """
        known = set(self.offered())
        ticked = set(self.ticks())
        self.list.blockSignals(True)
        self.list.clear()
        for key, caption in choices.items():
            item = QListWidgetItem(one_line(caption))
            item.setData(Qt.ItemDataRole.UserRole, key)
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsSelectable
            )
            on = key in ticked if key in known else ticked == known
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self._search.setVisible(len(choices) > 12)

    def fit(self) -> None:
        """As high as its rows and as wide as its names, up to a limit."""
        self.ensurePolished()
        self.list.ensurePolished()
        self.list.setMinimumWidth(min(_WIDEST, self.list.sizeHintForColumn(0) + 4 * GRID))
        self.list.setFixedHeight(
            min(320, max(24, self.list.sizeHintForRow(0)) * max(1, self.count()) + 12)
        )

    def count(self) -> int:
        return self.list.count()

    def ticks(self) -> tuple[str, ...]:
        return tuple(str(item.data(Qt.ItemDataRole.UserRole)) for item in self._ticked())

    def names(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self._ticked())

    def offered(self) -> tuple[str, ...]:
        items = (self.list.item(row) for row in range(self.list.count()))
        return tuple(str(item.data(Qt.ItemDataRole.UserRole)) for item in items)

    def tick(self, keys: Sequence[str] | None) -> None:
        if unknown := [key for key in keys or () if key not in self.offered()]:
            raise KeyError(f"{unknown} are not among the choices")
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            on = keys is None or item.data(Qt.ItemDataRole.UserRole) in keys
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self.ticked.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        self._search.clear()
        super().hideEvent(event)

    def _ticked(self) -> list[QListWidgetItem]:
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item for item in items if item.checkState() == Qt.CheckState.Checked]

    def _filter(self, text: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(text.casefold() not in item.text().casefold())
