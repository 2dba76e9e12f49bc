"""Views of Explore that are saved in the study and shown again."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError, UnreadableError
from prism_desktop.engine.runs.named_views import read_views, save_view
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.views_button import choose, told, told_gone
from tests.ui.explore.conftest import OpenExplore, shown

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of sizes


def of_view(panel: ExplorePanel) -> dict[str, object]:
    """What is chosen, but for what is of this window alone."""
    return {k: v for k, v in asdict(panel.selection).items() if k not in ("by_hand", "known")}


def figure(panel: ExplorePanel, file: Path) -> bytes:
    drawn = panel.view(panel.segments.current).figure()
    assert drawn is not None
    drawn.draw(file)
    return file.read_bytes()


def test_that_a_named_view_is_shown_again_byte_for_byte_also_by_another_window(
    panel: ExplorePanel, open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, tmp_path: Path
) -> None:
    faces = panel.faces
    faces.labeler.pick("L2")
    faces.attribute.pick("smart")
    faces.direction.pick("apart")
    faces.filters.kind.pick("answered")
    faces.size_.pick("l")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    before, chosen = figure(panel, tmp_path / "one.svg"), of_view(panel)
    panel.named._ask_name()
    dialog = panel.window().findChild(QDialog)
    assert dialog is not None
    QTest.keyClicks(dialog.findChild(QLineEdit), "Ben's surprises")
    QTest.keyClick(dialog.findChild(QLineEdit), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.named.names() == ["Ben's surprises"], timeout=10_000)
    panel.window().close()
    again = open_explore(tiny_study)
    qtbot.waitUntil(lambda: again.named.names() == ["Ben's surprises"], timeout=10_000)
    shown(again, qtbot, "two")
    assert of_view(again) != chosen
    again.named.wanted.emit(read_views(tiny_study.path)[0])
    qtbot.waitUntil(again.idle, timeout=20_000)
    assert again.segments.current == "faces"
    assert of_view(again) == chosen
    assert figure(again, tmp_path / "two.svg") == before
    again.history.look()
    again.history._buttons["back"].click()
    assert again.segments.current == "two"


def test_that_a_view_of_a_name_is_replaced_and_one_can_be_deleted(
    panel: ExplorePanel, qtbot: QtBot, tiny_study: Study
) -> None:
    for labeler in ("L2", "L3"):
        panel.faces.labeler.pick(labeler)
        panel.named.keep(" mine ")
        qtbot.waitUntil(
            lambda labeler=labeler: [
                view.chosen["labeler"] for view in read_views(tiny_study.path)
            ] == [labeler],
            timeout=10_000,
        )  # fmt: skip
    panel.named.delete("mine")
    qtbot.waitUntil(lambda: not read_views(tiny_study.path), timeout=10_000)


def test_that_a_file_from_elsewhere_chooses_nothing_that_is_not_there(tmp_path: Path) -> None:
    odd = {
        "view": "../x", "run": "../../etc", "other_run": "..", "labeler": "x" * 10_000,
        "low": -5, "high": 1e9, "disputed": "yes", "fact": ["a"], "direction": ["high"],
        "size": "xxl", "nothing": {"deep": [1]}, "attribute": "smart", "least": True,
        "alike": "x", "map": "x", "taste": "x", "answers": "x", "source": "agreement",
    }  # fmt: skip
    selection = Selection()
    choose(selection, odd, tmp_path)
    expected = Selection(by_hand=True, attribute="smart")
    assert asdict(selection) == asdict(expected)


@pytest.mark.parametrize(
    "content",
    ["[]", "{", '{"views": 3}', '{"views": [{"chosen": {}}]}', '{"views": [{"name": 1}]}'],
)
def test_that_a_damaged_file_is_told_and_never_written_over(tmp_path: Path, content: str) -> None:
    file = tmp_path / "views.json"
    file.write_text(content)
    for call in (lambda: read_views(tmp_path), lambda: save_view(tmp_path, "mine", {})):
        with pytest.raises(UnreadableError):
            call()
    assert file.read_text() == content


def test_that_a_view_is_readable_and_has_a_name_of_a_sensible_length(tmp_path: Path) -> None:
    selection = Selection(run=str(tmp_path / "runs" / "r1"), labeler="L2", fact=("group", "odd"))
    save_view(tmp_path, "mine", told(selection))
    stored = json.loads((tmp_path / "views.json").read_text())["views"][0]
    assert (stored["name"], stored["chosen"]["run"]) == ("mine", "r1")  # no path of this machine
    back = Selection()
    choose(back, read_views(tmp_path)[0].chosen, tmp_path)
    assert (back.run, back.fact) == (selection.run, ("group", "odd"))
    for name in ("", " \n", "x" * 81):
        with pytest.raises(InputError, match="nothing was saved"):
            save_view(tmp_path, name, {})


def test_that_what_a_view_was_of_and_a_run_lacks_is_named() -> None:
    data: Any = SimpleNamespace(
        labelers=("L1", "L2"), attributes=("smart",), row={"a": 0}, images=("a",)
    )
    there = Selection(labeler="L1", other="L2", attribute="smart", face="a")
    assert told_gone(there, data) == ""
    assert told_gone(replace(there, attribute="kind", words="kind"), data) == ""
    told = told_gone(Selection(labeler="L9", attribute="brave", face="b"), data)
    assert told == (
        "This view was of labeler L9, the attribute brave and a face, which this run does not "
        "have; others are shown."
    )
