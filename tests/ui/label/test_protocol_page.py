"""The page where a protocol is written, and the labelers' locked screen."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.rehearsal import rehearse, told
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    BreakRules,
    GapRule,
    PracticeRules,
    Protocol,
    RepeatRules,
    SpacingRules,
    parse_protocol,
    usual_protocol,
)
from prism_desktop.engine.labeling.protocol_session import surroundings
from prism_desktop.engine.study.known_studies import Origin
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.protocol_form import ProtocolForm
from prism_desktop.ui.label.protocol_operations import for_study, from_values
from tests.ui.conftest import OpenWindow
from tests.ui.label.test_protocol import SPACE, go_on, rules, wait_card


def _page(open_window: OpenWindow, qtbot: QtBot, study: Study) -> LabelPanel:
    window = open_window(study)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    qtbot.mouseClick(panel.start.protocol, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.protocol)
    qtbot.waitUntil(lambda: bool(panel.protocol.form.blocks))
    return panel


def _study(panel: LabelPanel) -> Study:
    study = panel._context.study
    assert study is not None
    return study


def test_that_a_protocol_is_written_in_the_form_and_stored_as_toml(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, tmp_path: Path
) -> None:
    panel = _page(open_window, qtbot, fresh)
    page = panel.protocol
    page.form.title.setText("First impressions")
    page.form.numbers["repeats.share"].setValue(20)
    page.form.numbers["exposure.milliseconds"].setValue(200)
    page.form.marks["strength"].setChecked(True)
    page.form.add_block()
    page.form.blocks[1].kind.setCurrentIndex(1)
    page.form.blocks[1].attributes.setText("smart")
    page._export(tmp_path / "p.toml")
    qtbot.mouseClick(page.follow, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    record = _study(panel).protocol()
    assert record is not None
    stored = parse_protocol(record.text)
    assert stored == parse_protocol((tmp_path / "p.toml").read_text())
    assert (stored.title, stored.repeats.share, stored.strength) == ("First impressions", 0.2, True)
    assert stored.exposure.milliseconds == 200
    assert [block.kind for block in stored.blocks] == ["comparison", "rating"]
    assert stored.blocks[1].attributes == ("smart",)
    qtbot.waitUntil(lambda: "version 1: First impressions" in panel.start.version.text())


_ODD = Protocol(
    title=" Faces ",
    practice=PracticeRules(trials=2, least_right=2 / 3),
    repeats=RepeatRules(share=0.125),
    breaks=BreakRules(every=20_000),
    spacing=SpacingRules(similar_by="elsewhere"),
    gaps=(GapRule(after_minutes=0.5, then="ask"),),
    blocks=(
        BlockRules(
            name="Pairs", kind="comparison", trials=7, attributes=("smart, kind", 'so "smart"'),
            instructions="One line.\n\nAnother.",
        ),
    ),
)  # fmt: skip


def test_that_a_form_changes_nothing_that_nobody_touched(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    form = ProtocolForm(open_window().context.theme)
    qtbot.addWidget(form)
    form.offer(())
    form.show_values(_ODD.model_dump(mode="json"))
    assert from_values(form.values()) == _ODD
    assert form.numbers["breaks.every"].value() == 20_000
    form.numbers["repeats.share"].setValue(20)
    form.blocks[0].trials.setValue(8)
    form.blocks[0].attributes.setText(form.blocks[0].attributes.text() + ", kind")
    found = from_values(form.values())
    assert found.repeats.share == 0.2
    assert found.blocks[0].attributes == ("smart, kind", 'so "smart"', "kind")
    assert found.model_copy(update={"repeats": _ODD.repeats, "blocks": _ODD.blocks}) == _ODD


@pytest.mark.soak
def test_that_form_and_toml_show_the_same_and_what_is_wrong_is_said(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = _page(open_window, qtbot, fresh)
    page = panel.protocol
    page.view.pick("toml")
    text = page.text.toPlainText()
    page.text.setPlainText(text.replace("trials = 100", "trials = 0"))
    assert "trials" in page.trouble.text()
    assert not page.follow.isEnabled()
    page.view.pick("form")
    assert page.view.current == "toml"  # it cannot be read, so the text stays
    page.text.setPlainText(text.replace("trials = 100", "trials = 77"))
    page.view.pick("form")
    assert page.view.current == "form"
    assert page.form.blocks[0].trials.value() == 77
    page.form.blocks[0].name.setText("")
    assert page.trouble.text()
    page.form.blocks[0].name.setText("Pairs")
    assert not page.trouble.text()
    page.form.numbers["checks.every"].setValue(10)
    qtbot.mouseClick(page.follow, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "too few answers" in page.trouble.text())
    assert _study(panel).protocols() == ()


@pytest.mark.soak
def test_that_a_rehearsal_tells_what_labelers_would_go_through(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = _page(open_window, qtbot, fresh)
    qtbot.mouseClick(panel.protocol.rehearse, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(panel.protocol.rehearsal.isVisible, timeout=20_000)
    lines = panel.protocol.lines
    cells = [lines.item(4, column).text() for column in range(lines.columnCount())]
    study = _study(panel)
    usual = for_study(study, usual_protocol())
    (*_, last) = outcome(rehearse(usual, surroundings(study, usual)))
    assert cells == [*told(last)]  # as the command line tells it
    assert cells[0] == "careless"
    for each in (panel.protocol.rehearse, panel.protocol.follow):
        assert not each.visibleRegion().isEmpty()  # however far the form is scrolled
    assert _study(panel).trials() == ()


def test_that_a_study_from_elsewhere_locks_no_screen_unasked(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    fresh.put_protocol(rules().with_pin("4711").toml())
    window = open_window(fresh)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    window.context.origin = Origin(0.0, "", "", "", known=False, before="")
    panel.begin("L1", "comparison")
    wait_card(panel, qtbot, "Lock the screen?")
    assert not window.isFullScreen()
    qtbot.keyClick(panel.instructions, Qt.Key.Key_N)
    wait_card(panel, qtbot, "Welcome")
    assert not window.isFullScreen()
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    go_on(panel, qtbot)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    assert panel.pages.currentWidget() is panel.lock
    assert not panel.lock.pin.isVisible()  # nobody here knows it
    qtbot.mouseClick(panel.lock.leave, Qt.MouseButton.LeftButton)
    assert panel.pages.currentWidget() is panel.start


def test_that_a_locked_screen_is_left_by_the_pin_alone(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    locked = Protocol.model_validate(
        rules(blocks=(BlockRules(name="One", kind="rating", trials=2),)).model_dump()
    ).with_pin("4711")
    fresh.put_protocol(locked.toml())
    window = open_window(fresh)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.begin("L1", "comparison")
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    assert window.isFullScreen()
    assert not window._rail_frame.isVisible()
    stage = window.context.theme.tokens.stage
    assert window.foot.grab().toImage().pixelColor(4, 4).name() == stage.lower()
    assert not any(key.isEnabled() for key in window.findChildren(QShortcut))
    window.close()
    assert window.isVisible()
    qtbot.keyClick(panel.lock, SPACE)
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Now it counts")
    go_on(panel, qtbot)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    assert panel.pages.currentWidget() is panel.lock
    qtbot.keyClick(panel.lock, SPACE)
    assert panel.pages.currentWidget() is panel.trial
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    for typed in ("1234", "471", "4712"):
        panel.lock.pin.setText(typed)
        panel.lock._try()
        assert panel.pages.currentWidget() is panel.lock
    assert not panel.lock.leave.isEnabled()  # too many tries
    qtbot.keyClick(panel.lock, SPACE)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    assert "wait" in panel.lock.told.text()  # whoever comes back is told why nothing can be typed
    panel.lock._allow(True)
    panel.lock.pin.setText("4711")
    qtbot.mouseClick(panel.lock.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert not window.isFullScreen()
    assert window._rail_frame.isVisible()
    assert window.foot.grab().toImage().pixelColor(4, 4).name() != stage.lower()
    assert all(key.isEnabled() for key in window.findChildren(QShortcut))
