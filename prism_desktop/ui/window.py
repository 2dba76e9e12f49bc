"""The one window: a left rail, four panels, messages and progress at the foot."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QMimeData, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QWidget,
)
from shiboken6 import isValid

from prism_desktop.ui.command_palette import CommandPalette
from prism_desktop.ui.commands import Commands
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.focus_keeper import FocusKeeper
from prism_desktop.ui.leave_dialogs import may_close, may_leave
from prism_desktop.ui.palette import DARK
from prism_desktop.ui.plain import set_tip, set_window_title
from prism_desktop.ui.shortcuts import SHORTCUTS, bind, written_natively
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.widgets.basics import GRID, columns, rows
from prism_desktop.ui.widgets.foot import HEIGHT, Foot
from prism_desktop.ui.widgets.keycap import KeyHint
from prism_desktop.ui.widgets.message import MessageBar
from prism_desktop.ui.widgets.progress import ProgressStack

SMALLEST = (960, 640)  # px, where the screen has room for it
FRAME = QSize(8, 40)  # px, about what a window manager draws around a window
PANELS = ("study", "label", "train", "explore")
_MODES: dict[Mode, tuple[str, Mode]] = {
    "system": ("theme", "light"),
    "light": ("sun", "dark"),
    "dark": ("moon", "system"),
}


def _study() -> Callable[[AppContext], QWidget]:
    from prism_desktop.ui.study.panel import StudyPanel

    return StudyPanel


def _label() -> Callable[[AppContext], QWidget]:
    from prism_desktop.ui.label.panel import LabelPanel

    return LabelPanel


def _train() -> Callable[[AppContext], QWidget]:
    from prism_desktop.ui.train.panel import TrainPanel

    return TrainPanel


def _explore() -> Callable[[AppContext], QWidget]:
    from prism_desktop.ui.explore.panel import ExplorePanel

    return ExplorePanel


_CLASSES = {"study": _study, "label": _label, "train": _train, "explore": _explore}
_IMPORTING = threading.Lock()


def panel_class(name: str) -> Callable[[AppContext], QWidget]:
    """What makes a panel, imported with all that it needs; one at a time, as two threads that
    import what imports each other can meet half a module."""
    with _IMPORTING:
        return _CLASSES[name]()


_Action = tuple[str, Callable[[], object]]  # a button's name and what it does
_SLOW = ("train", "explore")  # whose first building takes longer than a glance


def _local(data: QMimeData) -> list[Path]:
    """The files on this machine that are dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class Window(QMainWindow):
    """Builds each panel when it is first looked at."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        # where it is destroyed without having been closed
        self.destroyed.connect(lambda: context.lifetimes.end_all())
        self._panels: dict[str, QWidget] = {}
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self.stack = QStackedWidget()
        self.messages = MessageBar(context.theme)
        self.progress = ProgressStack()
        self.commands = Commands(self)
        self.setCentralWidget(self._lay_out())
        self.palette_card = CommandPalette(self, context, self.commands)
        self._focus = FocusKeeper(self, self.stack)
        self._focus_before: QWidget | None = None  # the palette was opened
        self._mode = ""  # of a labeler at work, see `AppContext.labeler_mode`
        self._state_before = Qt.WindowState.WindowNoState
        self._untold: tuple[str, str, _Action | None] | None = None  # waits until that is over
        self._connect()
        self._retitle()
        context.theme.dress(self)
        self._restore(context.settings.geometry)
        self.show_panel("study")

    def _restore(self, geometry: QByteArray | None) -> None:
        """Come back where the window was, on the screen that there is now.

        That may be another one, or have another scale; what would lie beside it is fetched in.
        """
        if geometry is not None:
            self.restoreGeometry(geometry)
        room = self.screen().availableGeometry()
        self.setMinimumSize(QSize(*SMALLEST).boundedTo(room.size() - FRAME))
        if geometry is not None and not self.isMaximized() and not self.isFullScreen():
            self.setGeometry(fitted(self.geometry(), room))

    def find_anything(self) -> None:
        """Open the palette; the focus comes back when it goes."""
        self._focus_before = self.focusWidget()
        self.palette_card.pop_up()

    def list_keys(self) -> None:
        """Open the list of keys, or close it."""
        from prism_desktop.ui.key_list import KeyList

        if (open_one := self.findChild(KeyList)) is not None:
            open_one.close()
            return
        self._focus_before = self.focusWidget()
        listed = KeyList(self, self.context)
        listed.change_wanted.connect(self.commands.change_keys)
        listed.left.connect(self._refocus)
        listed.show()
        listed.setFocus()

    def _refocus(self) -> None:
        before, self._focus_before = self._focus_before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.palette_card.place()

    def show_panel(self, name: str) -> QWidget:
        """Bring a panel to the front, building it if this is the first time."""
        if name not in self._panels:
            self._tell_building(name)
            panel = panel_class(name)(self.context)
            self._panels[name] = panel
            self.stack.addWidget(panel)
            self.progress.wait("window", "")
        panel = self._panels[name]
        self._rail_buttons[name].setChecked(True)
        self._redraw()
        self.stack.setCurrentWidget(panel)
        panel.setFocus(Qt.FocusReason.OtherFocusReason)
        return panel

    def set_labeler_mode(self, mode: str) -> None:
        """Keep a labeler to the trials: other panels and keys are shut and out of sight, what is
        told to others waits, the screen is full if it is locked; "" gives all of it back."""
        if mode == self._mode:
            return
        before, self._mode = self._mode, mode
        for key in self.findChildren(QShortcut):
            key.setEnabled(not mode)
        self._rail_frame.setVisible(not mode)
        self.progress.setVisible(not mode)
        self.setAcceptDrops(not mode)
        if mode:
            self.messages.hide_message()
        self._idle.setVisible(not mode and not self.messages.isVisible())
        self.foot.show_stage(bool(mode))
        if mode == "locked":
            self._state_before = self.windowState()
            self.showFullScreen()
        elif before == "locked":
            self.setWindowState(self._state_before)
        if not mode and self._untold is not None:
            untold, self._untold = self._untold, None
            self.messages.show_message(*untold)

    def _tell_building(self, name: str) -> None:
        """Say what is built before that begins: nothing is painted while this thread is at it."""
        if name not in _SLOW or not self.isVisible():
            return
        self.progress.wait("window", f"Opening {name.capitalize()}")
        self._rail_buttons[name].setChecked(True)
        self._redraw()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self.repaint()

    def panel(self, name: str) -> QWidget | None:
        """The panel if it was built."""
        return self._panels.get(name)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders can be dropped on every panel."""
        if _local(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """The Study panel takes in what is dropped, wherever that is."""
        if paths := _local(event.mimeData()):
            event.acceptProposedAction()
            self.take(paths)

    def take(self, paths: list[Path]) -> None:
        """Import files or folders, in the Study panel."""
        from prism_desktop.ui.study.panel import StudyPanel

        panel = self.show_panel("study")
        if isinstance(panel, StudyPanel):
            panel.take(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._mode:
            event.ignore()
            self.context.pause_wanted.emit()
            self.context.labeler_told.emit("info", "Leave the session first, then the window.")
            return
        if not may_leave(self.context, self):
            event.ignore()
            self.show_panel("label")
            return
        if not may_close(self.context, self):
            event.ignore()
            self.show_panel("train")
            return
        self.context.settings.geometry = self.saveGeometry()
        self.hide()  # at once; the last answers may still be on their way to the disk
        self.context.close()
        super().closeEvent(event)

    def _lay_out(self) -> QWidget:
        """The rail at the left; beside it the panel, and the foot in the place that it leaves."""
        page = QWidget()
        page.setProperty("role", "page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = rows(self.stack, gap=0)
        layout.setContentsMargins(0, 0, 0, HEIGHT)
        page.setLayout(layout)
        known = (SHORTCUTS["palette"], SHORTCUTS["keys"])
        hints = [KeyHint(self.context.theme, key.keys, key.does) for key in known]
        self._idle = QWidget()
        self._idle.setLayout(columns(*hints, None, gap=3 * GRID))
        self.foot = Foot(page, self.messages, self.progress, self._idle)
        body = QWidget()
        self._rail_frame = self._rail()
        whole = columns(self._rail_frame, page, gap=0)
        whole.setStretch(1, 1)
        body.setLayout(whole)
        return body

    def _rail(self) -> QFrame:
        """A button per panel with Ctrl and its number as a key; at the foot, search, keys and the
        colour mode."""
        rail = QFrame()
        rail.setObjectName("rail")
        rail.setFixedWidth(80)
        self._rail_buttons = {}
        group = QButtonGroup(self)
        for number, name in enumerate(PANELS, start=1):
            button = self._rail_button(name.capitalize(), f"{name.capitalize()} (Ctrl+{number})")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=name: self.show_panel(name))
            group.addButton(button)
            self._rail_buttons[name] = button
            bind(self, name, partial(self.show_panel, name))
        self._find = self._rail_button(
            "Find", f"Find and do anything ({written_natively('Ctrl+K')})"
        )
        self._find.clicked.connect(self.find_anything)
        bind(self, "palette", self.find_anything)
        self._keys = self._rail_button("Keys", "All keys (F1)")
        self._keys.clicked.connect(self.list_keys)
        bind(self, "keys", self.list_keys)
        self._mode_button = self._rail_button("System", "")
        self._mode_button.clicked.connect(self._next_mode)
        layout = rows(
            *self._rail_buttons.values(),
            None,
            self._find,
            self._keys,
            self._mode_button,
            gap=GRID // 2,
        )
        layout.setContentsMargins(GRID, 2 * GRID, GRID, 2 * GRID)
        rail.setLayout(layout)
        return rail

    def _rail_button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "rail")
        button.setText(text)
        set_tip(button, tip)
        button.setIconSize(QSize(24, 24))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

    def _connect(self) -> None:
        context = self.context
        context.messaged.connect(self._say)
        context.jobs.started.connect(self.progress.add)
        context.waiting.connect(self.progress.wait)
        context.begun.connect(self.messages.make_way)
        context.labeler_told.connect(self.messages.show_message)
        context.panel_wanted.connect(self.show_panel)
        context.view_wanted.connect(self.commands.show_view)
        context.labeling_wanted.connect(self.commands.label_telling)
        context.run_wanted.connect(self._explore)
        context.study_opened.connect(self._retitle)
        context.study_closed.connect(self._retitle)
        context.theme.changed.connect(self._redraw)
        context.labeler_mode.connect(self.set_labeler_mode)
        self.messages.shown.connect(
            lambda shown: self._idle.setVisible(not shown and not self._mode)
        )
        self.palette_card.left.connect(self._refocus)
        self._redraw()

    def _explore(self, run: Path) -> None:
        from prism_desktop.ui.explore.panel import ExplorePanel

        panel = self.show_panel("explore")
        assert isinstance(panel, ExplorePanel)
        panel.show_run(run)

    def _say(self, kind: str, text: str, action: _Action | tuple[()]) -> None:
        """Show a message; while a labeler is at work only what went wrong, and no way elsewhere."""
        if not self._mode:
            self.messages.show_message(kind, text, action or None)
        elif kind == "bad":
            self.messages.show_message(kind, text)
        else:
            self._untold = (kind, text, action or None)

    def _retitle(self) -> None:
        study = self.context.study
        set_window_title(
            self,
            f"{Path(study.path).stem} — PRISM Desktop" if study is not None else "PRISM Desktop",
        )

    def _redraw(self) -> None:
        theme = self.context.theme
        for name, button in self._rail_buttons.items():
            button.setIcon(
                theme.icon(
                    name, theme.tokens.accent_text if button.isChecked() else theme.tokens.muted
                )
            )
        self._find.setIcon(theme.icon("search"))
        self._keys.setIcon(theme.icon("keyboard"))
        mode = theme.mode
        now = "dark" if theme.tokens is DARK else "light"
        told = f"as the system has them, {now} at present" if mode == "system" else mode
        self._mode_button.setIcon(theme.icon(_MODES[mode][0]))
        self._mode_button.setText(f"System\n({now})" if mode == "system" else mode.capitalize())
        set_tip(self._mode_button, f"Colours: {told}. Press for {_MODES[mode][1]}.")

    def _next_mode(self) -> None:
        self.set_mode(_MODES[self.context.theme.mode][1])

    def set_mode(self, mode: Mode) -> None:
        """Take on these colours, also the next time."""
        self.context.settings.mode = mode
        self.context.theme.apply(mode)


def fitted(wanted: QRect, room: QRect) -> QRect:
    """A window's place, moved and made smaller until the screen's room holds it and its frame."""
    inside = QRect(room.topLeft() + QPoint(FRAME.width() // 2, FRAME.height()), room.size() - FRAME)
    size = wanted.size().boundedTo(inside.size())
    x = max(inside.left(), min(wanted.x(), inside.right() + 1 - size.width()))
    y = max(inside.top(), min(wanted.y(), inside.bottom() + 1 - size.height()))
    return QRect(QPoint(x, y), size)
