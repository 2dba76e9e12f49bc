"""The one window: a left rail, four panels, messages above and progress below."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.leave_dialogs import may_close, may_leave
from prism_desktop.ui.plain import set_tip, set_window_title
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.widgets.basics import GRID, columns, rows
from prism_desktop.ui.widgets.message import MessageBar
from prism_desktop.ui.widgets.progress import ProgressStack

PANELS = ("study", "label", "train", "explore")
_MODES: dict[Mode, tuple[str, Mode]] = {
    "system": ("theme", "light"),
    "light": ("sun", "dark"),
    "dark": ("moon", "system"),
}


def _study(context: AppContext) -> QWidget:
    from prism_desktop.ui.study.panel import StudyPanel

    return StudyPanel(context)


def _label(context: AppContext) -> QWidget:
    from prism_desktop.ui.label.panel import LabelPanel

    return LabelPanel(context)


def _train(context: AppContext) -> QWidget:
    from prism_desktop.ui.train.panel import TrainPanel

    return TrainPanel(context)


def _explore(context: AppContext) -> QWidget:
    from prism_desktop.ui.explore.panel import ExplorePanel

    return ExplorePanel(context)


_MAKERS: dict[str, Callable[[AppContext], QWidget]] = {
    "study": _study,
    "label": _label,
    "train": _train,
    "explore": _explore,
}


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
        self.setMinimumSize(960, 640)
        self.resize(1440, 900)
        self.stack = QStackedWidget()
        self.messages = MessageBar(context.theme)
        self.progress = ProgressStack()
        self.setCentralWidget(self._lay_out())
        self._connect()
        self._retitle()
        if (geometry := context.settings.geometry) is not None:
            self.restoreGeometry(geometry)
        self.show_panel("study")

    def show_panel(self, name: str) -> QWidget:
        """Bring a panel to the front, building it if this is the first time."""
        if name not in self._panels:
            panel = _MAKERS[name](self.context)
            self._panels[name] = panel
            self.stack.addWidget(panel)
        panel = self._panels[name]
        self._rail_buttons[name].setChecked(True)
        self._redraw()
        self.stack.setCurrentWidget(panel)
        panel.setFocus(Qt.FocusReason.OtherFocusReason)
        return panel

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
        """The rail at the left; beside it messages, the panel in the rest, and progress.

        The message's holder is hidden with it, for its margins would leave a gap.
        """
        top = QWidget()
        holder = QVBoxLayout(top)
        holder.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 0)
        holder.addWidget(self.messages)
        self._message_holder = top
        top.hide()
        page = QWidget()
        page.setProperty("role", "page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = rows(top, self.stack, self.progress, gap=0)
        layout.setStretch(1, 1)
        page.setLayout(layout)
        body = QWidget()
        whole = columns(self._rail(), page, gap=0)
        whole.setStretch(1, 1)
        body.setLayout(whole)
        return body

    def _rail(self) -> QFrame:
        """A button per panel with Ctrl and its number as a key; at the foot, the colour mode."""
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
            QShortcut(QKeySequence(f"Ctrl+{number}"), self, lambda name=name: self.show_panel(name))
        self._mode_button = self._rail_button("System", "")
        self._mode_button.clicked.connect(self._next_mode)
        layout = rows(*self._rail_buttons.values(), None, self._mode_button, gap=GRID // 2)
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
        context.panel_wanted.connect(self.show_panel)
        context.run_wanted.connect(self._explore)
        context.study_opened.connect(self._retitle)
        context.study_closed.connect(self._retitle)
        context.theme.changed.connect(self._redraw)
        self.messages.shown.connect(self._message_holder.setVisible)
        self._redraw()

    def _explore(self, run: Path) -> None:
        from prism_desktop.ui.explore.panel import ExplorePanel

        panel = self.show_panel("explore")
        assert isinstance(panel, ExplorePanel)
        panel.show_run(run)

    def _say(
        self, kind: str, text: str, action: tuple[str, Callable[[], object]] | tuple[()]
    ) -> None:
        self.messages.show_message(kind, text, action or None)

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
        mode = theme.mode
        self._mode_button.setIcon(theme.icon(_MODES[mode][0]))
        self._mode_button.setText(mode.capitalize())
        set_tip(self._mode_button, f"Colours: {mode}. Press for {_MODES[mode][1]}.")

    def _next_mode(self) -> None:
        mode = _MODES[self.context.theme.mode][1]
        self.context.settings.mode = mode
        self.context.theme.apply(mode)
