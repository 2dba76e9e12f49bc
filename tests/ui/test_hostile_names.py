"""A window on a study whose names mean something to Qt shows every one of them as plain text."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pyqtgraph import AxisItem, PlotWidget
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel
from PySide6.QtGui import QAction, QImage, QPainter, Qt, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QMessageBox,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.engine import paths
from prism_desktop.engine.plain_text import many_lines, one_line
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import plain
from prism_desktop.ui.screenshot import Viewable
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.widgets.basics import button, label
from prism_desktop.ui.widgets.fields import text_field
from prism_desktop.ui.window import PANELS, Window
from tests.fixtures.hostile_names import HOSTILE, STEERING
from tests.fixtures.study import fill
from tests.ui import comparisons, fabricate
from tests.ui.conftest import OpenWindow

MARK = "&Mq"  # part of every name below; nothing that the program itself says
LABELERS = (f"<b>{MARK}1</b>", f"<img src=x>{MARK}2", f"[*]{MARK}3", f"$a_b$&lt;{MARK}4")
ATTRIBUTES = (f"<i>{MARK}5</i>", f"<a href='x'>{MARK}6</a>")
IMAGE = f"<u>{MARK}7</u>\x1b[31m\u202e.jpg"
TIP = Qt.ItemDataRole.ToolTipRole


def _rename(study: Path) -> None:
    with closing(sqlite3.connect(study / "study.sqlite3")) as database, database:
        for number in range(1, 25):
            named = (f"{number} {IMAGE}", number)
            database.execute("UPDATE stimulus SET name = ? WHERE id = ?", named)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Labelers, attributes, images, an import, two runs and a comparison of hostile names."""
    folder = tmp_path / f"<b>{MARK}[*].prism"
    with Study.create(folder, attributes=ATTRIBUTES) as made:
        fill(made, labelers=1, comparisons=6, ratings=4)
        for code in LABELERS:
            made.add_labeler(code, f"<s>{MARK}8</s>{code}", profile=code)
        faces = fabricate.of_study(made)
    _rename(folder)
    names = tuple(f"{number} {IMAGE}" for number in range(1, 25))
    faces = fabricate.Faces(faces.folder, faces.ids, names, faces.paths, faces.factors)
    about = {"labelers": LABELERS, "attributes": ATTRIBUTES}
    fabricate.run(folder, faces, **about)
    failed = fabricate.run(folder, faces, f"20260102-120000-<b>{MARK}9", state="failed", **about)
    status = json.loads((failed / "status.json").read_text())
    (failed / "status.json").write_text(json.dumps({**status, "message": f"<b>{MARK}10</b>"}))
    comparisons.comparison(folder, LABELERS)
    (paths.config() / "studies.json").unlink()  # made on another computer
    return folder


def _files(folder: Path, *, but: Path) -> dict[Path, bytes]:
    """What lies in a folder, the study and the window's own settings left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and but not in path.parents)
    return {path: path.read_bytes() for path in found if path.suffix != ".ini"}


class Walk:
    """What a window shows, all of it, and what of it is wrong."""

    def __init__(self, root: QWidget) -> None:
        self.seen: set[str] = set()  # where a hostile name was found
        self.wrong: list[str] = []
        for widget in (root, *root.findChildren(QWidget)):
            self._look(widget)
        for action in root.findChildren(QAction):
            self._marked("action", action.text())
            self._tip(action, action.toolTip())

    def _look(self, widget: QWidget) -> None:
        self._tip(widget, widget.toolTip())
        for text in (widget.accessibleName(), widget.accessibleDescription(), widget.statusTip()):
            self.seen |= {"accessible"} if MARK in text else set()
        if widget.isWindow():
            self._title(widget)
        if isinstance(widget, QLabel):
            self._label(widget)
        elif isinstance(widget, QAbstractButton):
            self._marked("button", widget.text())
        elif isinstance(widget, QGroupBox):
            self._marked("group", widget.title())
        elif isinstance(widget, QTabBar):
            for place in range(widget.count()):
                self._marked("tab", widget.tabText(place))
                self._tip(widget, widget.tabToolTip(place))
        elif isinstance(widget, QAbstractItemView | QComboBox):
            self._model(widget, widget.model())
        elif isinstance(widget, PlotWidget):
            for axis in (item for item in widget.items() if isinstance(item, AxisItem)):
                self._html("axis", axis.labelText)

    def _label(self, widget: QLabel) -> None:
        text = widget.text()
        if MARK not in text:
            return
        self.seen.add("label")
        if widget.textFormat() != Qt.TextFormat.PlainText:
            self.wrong.append(f"label {text!r}")
        self._unseen(widget, text)

    def _title(self, widget: QWidget) -> None:
        title = widget.windowTitle()
        if MARK in title:
            self.seen.add("title")
            if "[*]" in title.replace("[*][*]", ""):
                self.wrong.append(f"title {title!r}")

    def _tip(self, owner: object, text: str) -> None:
        self._html(f"tip of {type(owner).__name__}", text, kind="tip")

    def _html(self, where: str, text: str, kind: str = "") -> None:
        """A text that is taken for HTML holds no tag of a name, and says the name."""
        if MARK not in text.replace("&amp;", "&"):
            return
        self.seen.add(kind or where)
        said = text
        if Qt.mightBeRichText(text) or kind != "tip":
            page = QTextDocument()
            page.setHtml(text)
            said = page.toPlainText()
            if re.search("<(?!/?span)", text) or MARK not in said:
                self.wrong.append(f"{where}: {text!r}")
        self._unseen(where, said)

    def _marked(self, where: str, text: str) -> None:
        """What marks mnemonics: the name's own `&` stands twice."""
        if MARK in text:
            self.seen.add(where)
            if MARK in text.replace("&&", ""):
                self.wrong.append(f"{where} {text!r}")

    def _model(self, owner: QWidget, model: QAbstractItemModel | None) -> None:
        if model is None:
            return
        wide = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
        for row in range(min(model.rowCount(), 30)):
            for column in range(wide):
                tip = model.index(row, column).data(TIP)
                if isinstance(tip, str):
                    self._tip(model, tip)
                shown = model.index(row, column).data(Qt.ItemDataRole.DisplayRole)
                if isinstance(shown, str) and MARK in shown:
                    self.seen.add("item")
                    self._unseen(f"an item of {type(model).__name__}", shown)

    def _unseen(self, where: object, text: str) -> None:
        if any(sign in text for sign in STEERING):
            self.wrong.append(f"unseen signs in {where}: {text!r}")


def _views(window: Window, qtbot: QtBot) -> Iterator[str]:
    for name in PANELS:
        panel = window.show_panel(name)
        views = panel.views() if isinstance(panel, Viewable) else ("",)
        for view in views:
            if isinstance(panel, Viewable):
                panel.show_view(view)
                qtbot.waitUntil(lambda p=panel: p.idle() and window.context.idle(), timeout=30_000)
            QApplication.processEvents()
            yield f"{name} {view}"


def test_that_every_view_shows_names_from_elsewhere_as_plain_text(
    study: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    before = _files(study.parent, but=study)
    window = open_window(study)
    wrong, seen = [], set()
    for view in _views(window, qtbot):
        walk = Walk(window)
        wrong += [f"{view}: {what}" for what in walk.wrong]
        seen |= walk.seen
    window.context.message(f"It failed for <b>{MARK}11</b>.", "bad")
    assert "label" in Walk(window.messages).seen
    wrong += Walk(window.messages).wrong
    assert wrong == []
    assert _files(study.parent, but=study) == before
    assert not _files(paths.cache(), but=study)  # nothing was downloaded
    assert {"label", "tip", "button", "title", "accessible", "item"} <= seen


def test_that_a_study_that_is_new_here_says_where_it_comes_from_once(
    tiny_study: Study, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    tiny_study.close()
    known = paths.config() / "studies.json"
    for is_new in (True, False):
        if is_new:
            known.unlink()  # made on another computer
        window = open_window(tiny_study.path)
        panel = window.show_panel("study")
        assert isinstance(panel, StudyPanel)
        qtbot.waitUntil(lambda p=panel: p.idle() and bool(p.overview.name.text()))
        line = panel.overview.origin
        assert line.isVisible() == is_new
        assert not is_new or "never open on this computer before" in line.text()
        window.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_that_each_kind_of_text_is_plain(qtbot: QtBot, name: str) -> None:
    window = label(name)
    qtbot.addWidget(window)
    assert window.textFormat() == Qt.TextFormat.PlainText
    assert window.text() == many_lines(name)
    plain.set_window_title(window, name)
    assert window.windowTitle().replace("[*][*]", "[*]") == one_line(name)
    assert "[*]" not in window.windowTitle().replace("[*][*]", "")
    plain.set_tip(window, name)
    page = QTextDocument()
    if Qt.mightBeRichText(window.toolTip()):
        page.setHtml(window.toolTip())
    else:
        page.setPlainText(window.toolTip())
    assert page.toPlainText() == many_lines(name)
    page.setHtml(plain.as_html(name))
    assert " ".join(page.toPlainText().split()) == " ".join(one_line(name).split())
    assert plain.literal(name).replace("&&", "&") == one_line(name)
    assert "&" not in plain.literal(name).replace("&&", "")


def _painted(text: str, width: int) -> QImage:
    image = QImage(width, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    short = plain.elided(painter.fontMetrics(), text, width)
    plain.draw_text(painter, image.rect(), int(Qt.AlignmentFlag.AlignVCenter), short)
    painter.end()
    return image


def test_that_a_painted_name_is_not_turned_around(qapp: object) -> None:
    assert _painted("a\u202ebcd", 400) == _painted("a\\u202ebcd", 400) != _painted("abcd", 400)
    assert _painted("a\nb", 400) == _painted("a b", 400)


def test_that_a_message_box_shows_names_as_they_are(qtbot: QtBot) -> None:
    parent = label("")
    qtbot.addWidget(parent)
    box = plain.message_box(parent, "<b>[*]</b>", "<b>one</b>", "<i>two</i>")
    texts = [part for part in box.findChildren(QLabel) if part.text()]
    assert {part.text() for part in texts} == {"<b>one</b>", "<i>two</i>"}
    assert all(part.textFormat() == Qt.TextFormat.PlainText for part in texts)
    assert box.windowTitle() == "<b>[*][*]</b>"
    assert isinstance(box, QMessageBox)


def test_that_a_field_keeps_its_mnemonic(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    field, editor = text_field("&Name")
    other = button("Other")
    for part in (field, other):
        part.setParent(holder)
    with qtbot.waitExposed(holder):
        holder.show()
    other.setFocus()
    qtbot.keyClick(holder, Qt.Key.Key_N, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(editor.hasFocus)


def test_that_the_walk_finds_what_is_wrong(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    bad = QLabel(f"<b>{MARK}</b>", holder)
    bad.setToolTip(f"<b>{MARK}</b>")
    tabs = QTabBar(holder)
    tabs.addTab(MARK)
    made = button(MARK)
    made.setParent(holder)
    holder.setWindowTitle(f"{MARK}[*]")
    found = Walk(holder)
    for kind in ("label", "tip", "tab", "button", "title"):
        assert any(what.startswith(kind) for what in found.wrong), kind
