"""What is chosen in Explore: one selection, whatever view, run, panel or study is looked at."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from tests.ui import fabricate
from tests.ui.explore.conftest import NAMES, shown


def chosen(panel: ExplorePanel, view: str) -> tuple[str, str]:
    """The labeler and attribute that a view is about."""
    of = {"faces": panel.faces, "face": panel.face}
    if view == "two":
        return panel.pair.one.key, panel.pair.attribute.key
    return of[view].labeler.key, of[view].attribute.key


@pytest.mark.parametrize("first", ["faces", "two", "face"])
def test_that_labeler_and_attribute_are_the_same_in_all_views(
    panel: ExplorePanel, qtbot: QtBot, first: str
) -> None:
    for view in ("faces", "two", "face", first):
        shown(panel, qtbot, view)
    of = {"faces": panel.faces, "face": panel.face}
    labeler = panel.pair.one if first == "two" else of[first].labeler
    attribute = panel.pair.attribute if first == "two" else of[first].attribute
    labeler.pick("L3")
    attribute.pick("smart")
    for view in ("faces", "two", "face"):
        shown(panel, qtbot, view)
        assert chosen(panel, view) == ("L3", "smart")
    panel.segments.pick("accuracy")
    panel.accuracy.pick("attractive")
    for view in ("faces", "two", "face"):
        shown(panel, qtbot, view)
        assert chosen(panel, view) == ("L3", "attractive")
    shown(panel, qtbot, "agreement")
    assert panel.agreement.attribute.key == "attractive"


def test_that_nobody_is_compared_with_themselves(panel: ExplorePanel, qtbot: QtBot) -> None:
    shown(panel, qtbot, "two")
    panel.pair.other.pick("L3")
    panel.pair.one.pick("L3")
    assert (panel.pair.one.key, panel.pair.other.key) == ("L3", "L1")
    panel.pair.other.pick("L3")
    assert (panel.pair.one.key, panel.pair.other.key) == ("L1", "L3")
    panel.faces.labeler.pick("L3")
    shown(panel, qtbot, "faces")
    shown(panel, qtbot, "two")
    assert (panel.pair.one.key, panel.pair.other.key) == ("L3", "L1")


def test_that_a_run_without_the_labeler_does_not_lose_the_choice(
    panel: ExplorePanel, run: Path, qtbot: QtBot, tiny_study: Study
) -> None:
    study = panel.context.study
    assert study is not None
    other = fabricate.run(
        study.path,
        fabricate.of_study(study),
        "20250102-120000-mlp-decoder",
        method="mlp-decoder",
        labelers=("L1", "L2"),
        attributes=("smart", "attractive"),
    )
    panel.faces.labeler.pick("L3")
    panel.faces.attribute.pick("smart")
    panel.faces.direction.pick("low")
    shown(panel, qtbot, "face")
    face = panel.face.face
    panel.context.changed.emit(Changes(runs=True))
    qtbot.waitUntil(lambda: panel.run.has(str(other)), timeout=10_000)
    for path, labeler in ((other, "L1"), (run, "L3")):
        panel.run.pick(str(path))
        qtbot.waitUntil(lambda path=path: panel.data is not None and panel.data.folder == path)  # type: ignore[misc]
        qtbot.waitUntil(panel.idle, timeout=10_000)
        assert panel.face.face == face
        assert chosen(panel, "face") == (labeler, "smart")
    shown(panel, qtbot, "faces")
    assert panel.faces.direction.key == "low"


def test_that_next_and_previous_follow_the_search_and_say_so(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    faces = panel.faces
    QTest.keyClicks(faces.search, "FACE-01")
    qtbot.waitUntil(lambda: faces.gallery.faces.rowCount() == 10, timeout=5_000)
    assert "whose names contain “FACE-01”" in faces.count.text()
    order = [faces.gallery.faces.face(place) for place in range(10)]
    faces.gallery.opened.emit(order[3])
    qtbot.waitUntil(panel.idle, timeout=10_000)
    panel.face.after.click()
    assert panel.face.face == order[4]
    for _ in range(5):
        panel.face.before.click()
    assert panel.face.face == order[-1]
    assert panel.face.place.text().startswith("10 of 10: most attractive first")
    assert "names with “FACE-01”" in panel.face.place.text()
    panel.face.back.click()
    current = faces.gallery.currentIndex().row()
    assert faces.gallery.faces.face(current) == order[-1]
    shown(panel, qtbot, "two")
    assert panel.pair.gallery.faces.rowCount() > 10  # the search is not of this view
    disputed = [panel.pair.gallery.faces.face(place) for place in range(3)]
    panel.pair.gallery.opened.emit(disputed[0])
    qtbot.waitUntil(panel.idle, timeout=10_000)
    panel.face.after.click()
    assert panel.face.face == disputed[1]
    assert "most disputed first" in panel.face.place.text()


def test_that_a_study_opened_again_is_as_it_was_left_and_another_is_not(
    panel: ExplorePanel, run: Path, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    panel.faces.labeler.pick("L2")
    panel.faces.attribute.pick("smart")
    QTest.keyClicks(panel.faces.search, "face-00")
    shown(panel, qtbot, "face")
    panel.face.after.click()
    face = panel.face.face
    path = Path(tiny_study.path)
    other = tmp_path / "other.prism"
    with Study.create(other, name="other", attributes=NAMES):
        pass
    for each in (other, path):
        panel.context.open_study(each)
        qtbot.waitUntil(
            lambda each=each: (
                panel.context.study is not None  # type: ignore[misc]
                and Path(panel.context.study.path) == each
            ),
            timeout=10_000,
        )
        if each == other:
            assert panel.faces.search.text() == ""
            assert panel.segments.current == "faces"
    qtbot.waitUntil(lambda: panel.data is not None, timeout=10_000)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.segments.current == "face"
    assert panel.face.face == face
    assert chosen(panel, "face") == ("L2", "smart")
    shown(panel, qtbot, "faces")
    assert panel.faces.search.text() == "face-00"


def test_that_back_and_forward_lead_through_what_was_looked_at(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    history = panel.history
    history.look()
    shown(panel, qtbot, "faces")
    panel.faces.labeler.pick("L2")
    history.look()
    panel.faces.attribute.pick("smart")
    history.look()
    panel._show_face(3)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    face = panel.selection.face
    history.look()
    shown(panel, qtbot, "agreement")
    QTest.keyClick(panel.window(), "[", Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel.segments.current == "face" and panel.idle(), timeout=20_000)
    assert panel.data is not None
    assert panel.data.images[panel.face.face] == face
    history._buttons["back"].click()
    assert panel.segments.current == "faces"
    assert chosen(panel, "faces") == ("L2", "smart")
    history._buttons["back"].click()
    assert chosen(panel, "faces") == ("L2", "attractive")
    history._buttons["forward"].click()
    assert chosen(panel, "faces") == ("L2", "smart")
    panel.faces.labeler.pick("L3")  # from here on there is another future
    history.look()
    history._buttons["forward"].click()
    assert chosen(panel, "faces") == ("L3", "smart")
    assert panel.segments.current == "faces"


def test_that_a_run_that_is_gone_is_not_gone_back_to(
    panel: ExplorePanel, run: Path, qtbot: QtBot
) -> None:
    study = panel.context.study
    assert study is not None
    made = fabricate.of_study(study)
    name = "20260101-110000-text-token"
    other = fabricate.run(study.path, made, name, labelers=("L1", "L2"), attributes=NAMES)
    panel.show_run(other)
    qtbot.waitUntil(lambda: panel.run.key == str(other) and panel.idle(), timeout=20_000)
    panel.history.look()
    panel.run.pick(str(run))
    qtbot.waitUntil(panel.idle, timeout=20_000)
    panel.history.look()
    panel.run.offer([(str(run), "The run")])
    panel.history._buttons["back"].click()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.run.key == str(run) == panel.selection.run
