"""The home page before a study is open: make one, open one, try the demo, or open a recent one."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import StudyInfo
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import (
    GRID,
    Icon,
    IconButton,
    clear,
    columns,
    label,
    rows,
)
from prism_desktop.ui.widgets.cards import Card, ScrollPage
from prism_desktop.ui.widgets.tile import Tile


class RecentRow(QPushButton):
    """A study opened lately; all of the row opens it."""

    opened = Signal(Path)
    forgotten = Signal(Path)

    def __init__(self, context: AppContext, path: Path) -> None:
        """The study's name and place, what it held when it was seen last, when that was, and a
        cross that forgets it.

        The labels let the mouse through, so that all of the row is the button.
        """
        super().__init__()
        self._path = path
        self.setProperty("variant", "tile")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(True)
        self.setAccessibleName(f"Open {path.stem}")
        set_tip(self, f"Open {path}")
        self.clicked.connect(lambda _=False: self.opened.emit(path))
        forget = IconButton(
            context.theme, "close", f"Forget {path.stem}", lambda: self.forgotten.emit(path)
        )
        self.held = label(seen_last(context.settings.seen(path)), "small")
        name, place = label(path.stem, "strong"), label(str(path.parent), "small")
        place.setMinimumWidth(40)
        icon = Icon(context.theme, "database", 18)
        left = rows(name, place, gap=2)
        layout = columns(icon, left, None, self.held, forget, gap=GRID + 4)
        layout.setContentsMargins(GRID + 4, GRID, GRID, GRID)
        self.setLayout(layout)
        for part in (icon, name, place, self.held):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()


def seen_last(seen: Mapping[str, float]) -> str:
    """What a study held when it was looked at last, and when that was."""
    if not seen:
        return ""
    stimulus = "text" if seen.get("of texts") else "image"
    counts = (("images", stimulus), ("labelers", "labeler"), ("answers", "answer"))
    told = [counted(int(seen.get(key, 0)), what) for key, what in counts]
    return f"{' · '.join(told)} · {ago(seen.get('when'))}"


def see(context: AppContext, info: StudyInfo) -> None:
    """Remember for the list of recent studies what this one holds now, and speak of that."""
    context.speak_of(info.words)
    answers = info.comparison_trials + info.rating_trials
    context.settings.see(
        info.path, info.images, info.labelers, answers, of_texts=info.kind == "text"
    )


class HomePage(QWidget):
    """The first page that anyone sees."""

    new_wanted = Signal()
    open_wanted = Signal()
    demo_wanted = Signal()
    texts_demo_wanted = Signal()
    study_wanted = Signal(Path)

    def __init__(self, context: AppContext) -> None:
        """What the application is for, four tiles to begin with, and the recent studies.

        The line at the end says what is being opened. The focus goes to the first tile.
        """
        super().__init__()
        self._context = context
        theme = context.theme
        self.new = Tile(
            theme,
            "plus",
            "New study",
            "From a folder of face images or a file of texts.",
            self.new_wanted.emit,
        )
        self.open = Tile(
            theme, "folder", "Open study", "A folder that ends in .prism.", self.open_wanted.emit
        )
        self.demo = Tile(
            theme,
            "sparkle",
            "Demo study",
            "600 drawn faces, six simulated labelers.",
            self.demo_wanted.emit,
        )
        self.texts_demo = Tile(
            theme,
            "sparkle",
            "Demo of texts",
            "640 replies, six simulated judges.",
            self.texts_demo_wanted.emit,
        )
        self.recent = Card("Recent studies")
        self.busy = label("", "muted")
        self._lay_out()
        self.setFocusProxy(self.new)
        self.refresh()

    def _lay_out(self) -> None:
        """The tiles beside each other, the recent studies below, on a page that scrolls."""
        content = rows(
            5 * GRID,
            label("PRISM Desktop", "display"),
            label(
                "Learn how each person sees a face or reads a text: label, train, explore. "
                "Everything stays on this computer.",
                "muted",
            ),
            2 * GRID,
            columns(self.new, self.open, self.demo, self.texts_demo, gap=2 * GRID),
            2 * GRID,
            self.recent,
            self.busy,
            None,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(content, 840))

    def refresh(self) -> None:
        """Show the recent studies as they are now."""
        clear(self.recent.body)
        recent = self._context.settings.recent
        self.recent.setVisible(bool(recent))
        for path in recent:
            row = RecentRow(self._context, path)
            row.opened.connect(self.study_wanted)
            row.forgotten.connect(self._forget)
            self.recent.body.addWidget(row, 0, Qt.AlignmentFlag.AlignTop)

    def set_busy(self, name: str) -> None:
        """Say which study is being opened; nothing else can be begun meanwhile."""
        self.busy.setText(f"Opening {name}…" if name else "")
        for part in (self.new, self.open, self.demo, self.texts_demo, self.recent):
            part.setEnabled(not name)

    def _forget(self, path: Path) -> None:
        self._context.settings.forget_recent(path)
        self.refresh()
