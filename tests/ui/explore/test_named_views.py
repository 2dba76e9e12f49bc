"""Views of Explore that are saved in the study and shown again."""

import json
from collections.abc import Iterator
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
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import ManyMaps, MapsRequest
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.selection_storage import choose, told, told_gone, told_passed
from prism_desktop.ui.widgets.message import MessageBar
from tests.ui.explore.conftest import OpenExplore, shown
from tests.ui.explore.made_up_maps import many

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
        "ticked": [1], "pins": [["L1", 1.0]], "many": 31, "ranked": "x", "below": "x", "part": "x",
        "over": 1, "mapped": "..", "against": 3, "dispute": ["a"], "order": "x", "colour": "x",
    }  # fmt: skip
    selection = Selection()
    passed = choose(selection, odd, tmp_path)
    expected = Selection(by_hand=True, attribute="smart")
    assert asdict(selection) == asdict(expected)
    assert set(passed) == set(odd) - {"attribute"}
    assert told_passed(passed[:2]).startswith("The file of this view holds choices that")
    assert told_passed(()) == ""


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


def test_that_what_a_view_was_of_and_is_not_there_is_named() -> None:
    data: Any = SimpleNamespace(
        labelers=("L1", "L2"), attributes=("smart",), row={"a": 0}, images=("a",),
        facts={"group": {0: "odd"}}, obstacles=SimpleNamespace(words=""),
    )  # fmt: skip
    there = Selection(labeler="L1", other="L2", attribute="smart", face="a", fact=("group", "odd"))
    assert told_gone(there, data, (), ()) == ""
    assert told_gone(replace(there, attribute="kind", words="kind"), data, (), ()) == ""
    gone = Selection(labeler="L9", attribute="brave", face="b", fact=("group", "even"))
    told = told_gone(replace(gone, ticked=("L9", "L8", "L1"), against="consensus"), data, (), ())
    assert told == (
        "This view was of labelers L9, L8, the attribute brave, the group group: even and a face, "
        "which this run does not have; others are shown."
    )
    of_study = Selection(view="agreement", labeler="L9", attribute="brave")
    assert told_gone(of_study, data, ("L9",), ("brave",)) == ""
    assert "which this study does not have" in told_gone(of_study, None, (), ())


def test_that_a_view_of_what_is_gone_says_so_in_a_window_and_loses_nothing_else(
    panel: ExplorePanel, qtbot: QtBot, tiny_study: Study
) -> None:
    held = told(panel.selection) | {
        "labeler": "L9", "attribute": "brave", "direction": "low", "size": "l",
        "fact": ["group", "gone"], "low": 10, "run": "gone", "new in a later version": 1,
    }  # fmt: skip
    save_view(tiny_study.path, "old", held)
    panel.named.read()
    qtbot.waitUntil(lambda: panel.named.names() == ["old"], timeout=10_000)
    action = next(each for each in panel.named.menu().actions() if each.text() == "old")
    action.trigger()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    said = panel.window().findChild(MessageBar).text.text()
    assert said == (
        "The file of this view holds one choice that this version does not know (“new in a later "
        "version”); it is left out. The run of this view is gone; it is shown of this run. This "
        "view was of labeler L9, the attribute brave and the group group: gone, which this run "
        "does not have; others are shown."
    )
    faces = panel.faces
    assert (faces.direction.key, faces.size_.current, faces.filters.low.value()) == ("low", "l", 10)
    assert faces.labeler.key in panel.data.labelers  # type: ignore[union-attr]
    assert faces.gallery.faces.rowCount() > 0
    stored = read_views(tiny_study.path)[0].chosen
    assert (stored["labeler"], stored["run"]) == ("L9", "gone")  # what was saved is as it was


def test_that_a_view_holds_what_is_chosen_in_where_words_split_and_below_a_face(
    panel: ExplorePanel,
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def maps(_: object, asked: MapsRequest) -> Iterator[ManyMaps]:
        yield ManyMaps(many(asked))

    monkeypatch.setattr(operations, "many_maps", maps)
    panel.show_view("words")
    panel.words.labelers.tick(("L1", "L3"))
    panel.show_view("face")
    panel.face.below.pick("alike")
    shown(panel, qtbot, "agreement")
    panel.agreement.pair_wanted.emit("L1", "L2")
    split = panel.alike.split
    qtbot.waitUntil(lambda: panel.idle() and split.found is not None, timeout=20_000)
    split.disputes.setCurrentIndex(split.disputes.disputes.index(2))
    split._choose(split.disputes.disputes.rows[2].images[1])
    split.of.pick("pair")
    asked = split._faces()
    shown(panel, qtbot, "where")
    panel.where.faces.pick("30")
    panel.where.against.pick("consensus")
    panel.where.invite.click()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    before, chosen = figure(panel, tmp_path / "one.svg"), of_view(panel)
    panel.named.keep("where")
    qtbot.waitUntil(lambda: panel.named.names() == ["where"], timeout=10_000)
    panel.window().close()
    again = open_explore(tiny_study)
    again.named.wanted.emit(read_views(tiny_study.path)[0])
    qtbot.waitUntil(lambda: again.idle() and again.where.has_table, timeout=20_000)
    assert of_view(again) == chosen
    assert (again.where.faces.key, again.where.against.key) == ("30", "consensus")
    assert figure(again, tmp_path / "two.svg") == before
    again.show_view("words")
    assert again.words.labelers.picked() == ("L1", "L3")
    again.show_view("face")
    assert again.face.below.current == "alike"
    assert again.face.alike.isVisible()
    again.show_view("agreement")  # what splits the two, as it was left
    found = again.alike.split
    qtbot.waitUntil(lambda: again.idle() and found.found is not None, timeout=20_000)
    assert found.disputes.currentIndex().row() == 2
    assert found._faces() == asked
    assert len(asked) == 2
