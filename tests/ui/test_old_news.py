"""An error or a result goes when the next thing begins, and nothing goes on into another study."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import add_labeler_form
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.selection import VIEWS
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.window import Window
from tests.fixtures.study import MakeStudy
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
_OLD = "This came to nothing before."
_NAMES = ("attractive", "smart")


def _message(window: Window) -> None:
    window.context.report(InputError(_OLD))


def _result(window: Window) -> None:
    window.context.message(_OLD, "good")


def _start(window: Window) -> None:
    panel = window.show_panel("train")
    assert isinstance(panel, TrainPanel)
    panel.starts.refused.emit(InputError(_OLD))


def _newcomer(window: Window) -> None:
    panel = window.show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    panel.add.form = add_labeler_form.AddLabelerForm(panel.add, "lora-visual-prompt")
    panel.add.form.finished.connect(lambda _, form=panel.add.form: panel.add._closed(form))
    panel.add.form.show()
    panel.add.form.say(_OLD)


def _import(window: Window) -> None:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)

    def fail() -> Iterator[Any]:
        raise InputError(_OLD)
        yield

    window.context.run(fail(), "Importing", owner=panel)


def _told() -> list[str]:
    """All that is to be read on the screen."""
    return [
        label.text()
        for widget in QApplication.topLevelWidgets()
        for label in widget.findChildren(QLabel)
        if label.isVisible()
    ]


@pytest.mark.parametrize("fail", [_message, _result, _start, _newcomer, _import])
def test_that_what_was_told_before_goes_when_the_next_thing_begins(
    fail: Callable[[Window], None],
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    tmp_path: Path,
) -> None:
    window = open_window(tiny_study)
    qtbot.waitUntil(window.context.idle)
    fail(window)
    qtbot.waitUntil(lambda: any(_OLD in text for text in _told()))
    window.context.write(lambda: Changes(), owner=window)
    assert not any(_OLD in text for text in _told())
    for form in window.findChildren(add_labeler_form.AddLabelerForm):
        form.reject()


def test_that_each_way_to_begin_something_says_so(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    window, begun = open_window(), []
    qtbot.waitUntil(window.context.idle)
    window.context.begun.connect(lambda: begun.append(True))
    window.context.ask(lambda: None, owner=window, what="Looking")  # by itself
    assert not begun
    window.context.run(iter(()), "Working", owner=window)
    window.context.write(Changes, owner=window)
    study = make_study()
    study.close()
    with qtbot.waitSignal(window.context.study_opened):
        window.context.open_study(Path(study.path))
    assert len(begun) == 3
    window.panel("study").take([Path(study.path).parent])  # type: ignore[union-attr]
    assert len(begun) == 4
    qtbot.waitUntil(window.context.idle)


def test_that_what_was_said_of_another_folder_goes_when_one_is_typed(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = open_window().panel("study")
    assert isinstance(panel, StudyPanel)
    panel.home.new.click()
    panel.new.images.setText("nowhere")
    qtbot.waitUntil(lambda: "no such folder" in panel.new.images_field.help.text())
    panel.new.images.setText("elsewhere")
    assert not panel.new.images_field.help.text()
    qtbot.waitUntil(lambda: "no such folder" in panel.new.images_field.help.text())
    panel.new.cancel.click()
    panel.home.new.click()
    assert not panel.new.images_field.help.text()


def test_that_only_a_study_that_copies_its_images_is_told_to_hold_them(
    open_window: OpenWindow,
) -> None:
    panel = open_window().panel("study")
    assert isinstance(panel, StudyPanel)
    page = panel.new
    assert "images stay where they are" in page.where.text()
    page.copy.setChecked(True)
    assert "image and model of the study lives in one folder" in page.where.text()
    page.reset()
    assert "images stay where they are" in page.where.text()


_FIELDS: tuple[tuple[type[QWidget], Callable[[Any], object], Callable[[Any], object]], ...] = (
    (QComboBox, lambda box: box.currentText(), lambda box: _pick_last(box)),
    (QLineEdit, lambda line: line.text(), lambda line: _type(line)),
    (QPlainTextEdit, lambda text: text.toPlainText(), lambda text: text.setPlainText("9")),
    (QCheckBox, lambda tick: tick.isChecked(), lambda tick: tick.click()),
    (QSpinBox, lambda spin: spin.value(), lambda spin: spin.setValue(spin.value() + 1)),
)


def _pick_last(box: QComboBox) -> None:
    box.setCurrentIndex(box.count() - 1)
    box.activated.emit(box.count() - 1)


def _type(line: QLineEdit) -> None:
    if line.isReadOnly():
        return
    line.setText("9")
    line.textEdited.emit("9")


def _fields(window: Window, panel: str, view: str) -> dict[str, tuple[QWidget, Any, Any]]:
    """Every field of a panel, or of a view all that are seen, by kind, name and place."""
    found: dict[str, tuple[QWidget, Any, Any]] = {}
    for kind, value, change in _FIELDS:
        for each in window.show_panel(panel).findChildren(kind):
            if each.window() is not window or isinstance(each.parent(), QKeySequenceEdit):
                continue  # the keys are the computer's
            if view and not each.isVisible():
                continue
            name, place = f"{panel} {view} {kind.__name__} {each.accessibleName()}", 0
            while f"{name} {place}" in found:
                place += 1
            found[f"{name} {place}"] = (each, value, change)
    return found


def _look(
    window: Window, qtbot: QtBot, panel: str, act: Callable[[QWidget], object] | None = None
) -> dict[str, object]:
    """What all fields of a panel say; before that, `act` on each of them."""
    shown: Any = window.show_panel(panel)
    said: dict[str, object] = {}
    for view in VIEWS if panel == "explore" else ("",):
        if view:
            shown.show_view(view)
        qtbot.waitUntil(lambda: window.context.idle() and shown.idle(), timeout=10_000)
        for each, _, change in _fields(window, panel, view).values():
            if act is not None and each.isEnabled():
                change(each)
        qtbot.waitUntil(window.context.idle, timeout=10_000)
        fields = _fields(window, panel, view)
        said |= {name: value(each) for name, (each, value, _) in fields.items()}
    return said


@pytest.mark.parametrize(
    "panel", ["study", "label", pytest.param("explore", marks=pytest.mark.soak)]
)
def test_that_nothing_typed_or_chosen_goes_on_into_another_study(
    panel: str, open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    studies = []
    for name in ("first", "second"):
        study = make_study(name, attributes=_NAMES)
        if panel == "explore":
            fabricate.run(
                study.path, fabricate.of_study(study), labelers=("L1", "L2"), attributes=_NAMES
            )
        study.close()
        studies.append(Path(study.path))
    first, second = studies
    window = open_window(second)
    before = _look(window, qtbot, panel)

    def go_to(study: Path) -> None:
        with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
            window.context.open_study(study)

    go_to(first)
    changed = _look(window, qtbot, panel, lambda _: True)
    assert len([name for name in before if changed.get(name) != before[name]]) >= 2
    go_to(second)
    assert _look(window, qtbot, panel) == before
