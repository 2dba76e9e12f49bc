"""Back and Forward through what was looked at in Explore."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from prism_desktop.ui.explore.selection import OF_WRITING, Selection
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.shortcuts import SHORTCUTS, press_by
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import columns

# What makes a place to go back to.
_FIELDS = (
    "run", "view", "labeler", "other", "consensus", "attribute", "every", "everybody", "face",
    "source", "map", "direction", "kind", "fact", "disputed", "low", "high", "other_run", "alike",
    "plane", "area", "disputes", "words", "taste", "held", "against", "below", "part", "prompt",
    "people", "writer",
)  # fmt: skip
# What is typed on the way makes no place, but a place is gone back to as it was left.
_ALONG = ("search", "find", "ranked", "ticked", "many", "over", "dispute", "writers")
_OFTEN = 300  # ms between looks at what is chosen
_MOST = 100  # places that are kept
Place = tuple[object, ...]


class SelectionHistory(QObject):
    """The places of one study, and the two buttons that lead through them.

    Whoever chooses something says nothing to it: while the panel is seen it looks by itself.
    """

    moved = Signal()  # the selection was set to another place

    def __init__(self, theme: Theme, panel: QWidget) -> None:
        super().__init__(panel)
        self._selection = Selection()
        self._now: Place | None = None
        self._past: list[Place] = []
        self._future: list[Place] = []
        self._theme = theme
        self._buttons = {"back": QToolButton(), "forward": QToolButton()}
        for name, button in self._buttons.items():
            button.clicked.connect(partial(self._go, name))
            press_by(button, f"selection {name}")
            key = SHORTCUTS[f"selection {name}"]
            button.setAccessibleName(key.does)
            set_tip(button, f"{key.does} ({key.keys})")
        self.buttons = QWidget()
        self.buttons.setLayout(columns(*self._buttons.values(), gap=0))
        self.buttons.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._clock = QTimer(self)
        self._clock.setInterval(_OFTEN)
        self._clock.timeout.connect(self.look)
        theme.changed.connect(self._draw)
        self._draw()

    def begin(self, selection: Selection) -> None:
        """Another study: its places are still to come."""
        self._selection, self._now = selection, None
        self._past, self._future = [], []
        self._allow()

    def watch(self, seen: bool) -> None:
        """Look for new places from now on, or no more."""
        self._clock.start() if seen else self._clock.stop()

    def look(self) -> None:
        """Keep the place before, if another one is looked at now."""
        now = self._place()
        chosen = self._selection
        if now == self._now or not (chosen.run or chosen.view in OF_WRITING):
            return
        if self._now is not None and now[: len(_FIELDS)] != self._now[: len(_FIELDS)]:
            self._past = [*self._past, self._now][-_MOST:]
            self._future.clear()
        self._now = now
        self._allow()

    def _place(self) -> Place:
        return tuple(getattr(self._selection, name) for name in (*_FIELDS, *_ALONG))

    def _go(self, way: str) -> None:
        self.look()
        before, after = self._past, self._future
        source, target = (before, after) if way == "back" else (after, before)
        if not source or self._now is None:
            return
        target.append(self._now)
        self._now = source.pop()
        for name, value in zip((*_FIELDS, *_ALONG), self._now, strict=True):
            setattr(self._selection, name, value)
        self._allow()
        self.moved.emit()
        self._now = self._place()  # whoever shows it may have had to choose the rest

    def _allow(self) -> None:
        self._buttons["back"].setEnabled(bool(self._past))
        self._buttons["forward"].setEnabled(bool(self._future))

    def _draw(self) -> None:
        for side, button in zip(("left", "right"), self._buttons.values(), strict=True):
            button.setIcon(self._theme.icon(f"chevron-{side}"))
