"""The list of all keys, which F1 opens: searchable, with the way to change those of labeling."""

from collections.abc import Iterator

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.fuzzy_match import distance
from prism_desktop.ui.label.keys import Keys, names_for
from prism_desktop.ui.shortcuts import IN_PLACE, SHORTCUTS, KeyUse
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import ScrollPage
from prism_desktop.ui.widgets.keycap import KeyCap

LABELING = "Label, while labeling"


def all_keys(context: AppContext) -> Iterator[KeyUse]:
    """Every key of the window, those of labeling as they are in force, in the words for what the
    open study holds."""
    told, keys = context.words.told, Keys(context.settings.keys)
    for each in SHORTCUTS.values():
        yield KeyUse(each.keys, told(each.does), told(each.place))
    for action, does in names_for(context.words).items():
        yield KeyUse(keys[action], does, LABELING)
    for each in IN_PLACE:
        yield KeyUse(each.keys, told(each.does), told(each.place))


class KeyList(QFrame):
    """A card over the window, of keys by where they work; Escape closes it."""

    change_wanted = Signal()
    left = Signal()

    def __init__(self, parent: QWidget, context: AppContext) -> None:
        super().__init__(parent)
        self.setProperty("role", "popover")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        high = min(640, parent.height() - 8 * GRID)
        self.setGeometry((parent.width() - 560) // 2, (parent.height() - high) // 2, 560, high)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a key by what it does, or by its name")
        self.search.setAccessibleName("Find a key")
        self.search.textChanged.connect(self._filter)
        self._lines: list[tuple[KeyUse, tuple[QWidget, ...]]] = []
        self._headings: dict[str, QWidget] = {}
        grid = QGridLayout()
        grid.setColumnStretch(0, 1)
        grid.setVerticalSpacing(GRID // 2 + 2)
        self._fill(grid, context)
        self.none = label("No key does that.", "muted")
        self.none.hide()
        change = button("Change the keys of labeling…", self._change)
        close = button("Close", self.close)
        self.setLayout(
            rows(
                label("Keys", "title"),
                self.search,
                self.none,
                ScrollPage(rows(grid, None), 520),
                columns(change, None, close),
                margin=2 * GRID,
            )
        )
        self.setFocusProxy(self.search)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.left.emit()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def shown(self) -> list[KeyUse]:
        """The keys that are listed now."""
        return [key for key, parts in self._lines if not parts[0].isHidden()]

    def _fill(self, grid: QGridLayout, context: AppContext) -> None:
        by_place: dict[str, list[KeyUse]] = {}
        for key in all_keys(context):
            by_place.setdefault(key.place, []).append(key)
        for place, keys in by_place.items():
            heading = label(place, "heading")
            self._headings[place] = heading
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for key in keys:
                if key.keys:
                    name, cap = label(key.does), KeyCap(context.theme, key.keys)
                    row = grid.rowCount()
                    grid.addWidget(name, row, 0)
                    grid.addWidget(cap, row, 1, Qt.AlignmentFlag.AlignRight)
                    self._lines.append((key, (name, cap)))

    def _filter(self, typed: str) -> None:
        """Show the keys that fit, and the places that still have some."""
        for key, parts in self._lines:
            fits = distance(typed, f"{key.does} {key.keys} {key.place}") is not None
            for part in parts:
                part.setVisible(fits)
        places = {key.place for key in self.shown()}
        for place, heading in self._headings.items():
            heading.setVisible(place in places)
        self.none.setVisible(not places)

    def _change(self) -> None:
        self.close()
        self.change_wanted.emit()
