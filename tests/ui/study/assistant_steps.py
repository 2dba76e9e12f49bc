"""What tests of the import assistant do again and again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.ui.study.assistant.assistant_page import AssistantPage
from prism_desktop.ui.study.assistant.role_header import RoleBox
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.window import Window

TABLE = Path("week1.csv")


@dataclass(frozen=True, slots=True)
class Report(ImportReport):
    """A report as the store keeps it with doubts and a recipe."""

    doubts: tuple[Doubt, ...] = ()
    dismissed: frozenset[int] = field(default=frozenset())
    recipe: str = ""


def study_panel(window: Window) -> StudyPanel:
    panel = window.panel("study")
    assert isinstance(panel, StudyPanel)
    return panel


def open_assistant(
    window: Window, qtbot: QtBot, files: Sequence[Path] = (TABLE,), *, wait: bool = True
) -> AssistantPage:
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    panel.import_tables(list(files))
    if wait:
        qtbot.waitUntil(lambda: panel.assistant.plan is not None and window.context.idle())
    return panel.assistant


def role_box(page: AssistantPage, name: str) -> RoleBox:
    table = page.preview.table.sample.table
    assert table is not None
    return page.preview.table.roles.box([column.name for column in table.columns].index(name))


def settled(page: AssistantPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page.planner.busy and page._fresh)


def drop(window: Window, paths: Sequence[Path]) -> None:
    """Drag files over the window and let go."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entered = QDragEnterEvent(QPoint(600, 400), copy, data, left, none)
    QApplication.sendEvent(window, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(600, 400), copy, data, left, none))
