"""Where something is refused or empty, the window names what of it helps, and no command."""

import ast
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

import prism_desktop.engine
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.plain import in_window, tip_text
from prism_desktop.ui.study.check_dialog import CheckDialog
from prism_desktop.ui.study.doubt_words import told
from prism_desktop.ui.window import PANELS, Window
from tests.fixtures import source_trees
from tests.ui.conftest import OpenWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of dialogs
ENGINE = Path(prism_desktop.engine.__file__).parent


def _sentences() -> Iterator[tuple[str, str]]:
    """Every text of the engine that names a command, with X for what is put in, and its place."""
    for file in source_trees.files(ENGINE):
        parts = {
            id(part)
            for node in source_trees.nodes(file)
            if isinstance(node, ast.JoinedStr)
            for part in node.values
        }
        for node in source_trees.nodes(file):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "X"
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and id(node) not in parts:
                text = str(node.value)
            else:
                continue
            if "prism-desktop " in text:
                yield f"{file.relative_to(ENGINE)}:{node.lineno}", text


def test_that_every_sentence_that_names_a_command_names_a_place_in_the_window() -> None:
    found = dict(_sentences())
    assert len(found) > 8
    for where, text in found.items():
        for shown in (in_window(text), told(text), tip_text(text)):
            assert "prism-desktop " not in shown, where
            assert "`" not in shown, where


def test_that_a_command_beside_what_the_window_has_is_left_out() -> None:
    text = 'Confirm it in the Study panel or by `prism-desktop study confirm "my study" a1`. Kept.'
    assert in_window(text) == "Confirm it in the Study panel. Kept."
    text = "They are in F; bring them in by `prism-desktop study import STUDY F`."
    assert in_window(text) == "They are in F; bring them in by Import… in Study."
    text = "`prism-desktop study check --repair 'a`b'` mends what can be mended."
    assert in_window(text) == "Repair, under Check…, mends what can be mended."


def _texts(window: Window) -> Iterator[str]:
    """All that stands in the window, and in what it opened."""
    for widget in window.findChildren(QWidget):
        yield widget.toolTip()
        if isinstance(widget, QLabel | QAbstractButton):
            yield widget.text()
        elif isinstance(widget, QPlainTextEdit):
            yield widget.toPlainText()


def _commands(window: Window, qtbot: QtBot) -> list[str]:
    """What names a command anywhere in the panels as they are now."""
    for name in PANELS:
        window.show_panel(name)
        qtbot.waitUntil(window.context.idle, timeout=30_000)
    return [text for text in _texts(window) if "prism-desktop " in text]


def test_that_no_empty_page_and_no_refusal_names_a_command(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    tiny_study.close()
    broken = tmp_path / "broken.prism"
    shutil.copytree(tiny_study.path, broken)
    with closing(sqlite3.connect(broken / "study.sqlite3")) as database:
        database.execute("CREATE TRIGGER odd AFTER DELETE ON trial BEGIN SELECT 1; END")
        database.commit()
    window = open_window()
    assert not _commands(window, qtbot)
    window.context.open_study(broken)
    qtbot.waitUntil(lambda: "Repair, under Check…" in window.messages.text.text(), timeout=20_000)
    assert not _commands(window, qtbot)
    window.context.check_wanted.emit(broken)
    dialog = window.findChild(CheckDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.repair.isVisible(), timeout=20_000)
    assert not _commands(window, qtbot)
    dialog.reject()

    with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
        window.context.open_study(Path(tiny_study.path))
    assert not _commands(window, qtbot)
