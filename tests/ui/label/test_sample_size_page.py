"""How much is enough, as a researcher asks it in the window."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.sample_size_page import SampleSizePage
from tests.cli.test_study_commands import run as command
from tests.fixtures.study import MakeStudy
from tests.ui.conftest import OpenWindow


@pytest.fixture
def page(open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy) -> SampleSizePage:
    """The page, opened from the start page, of a study in which a little was answered."""
    window = open_window(make_study(images=12, labelers=2))
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.start.plan_wanted.emit("comparison")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    return panel.plan


def _type(page: SampleSizePage, qtbot: QtBot, name: str, text: str) -> None:
    field = page.fields[name]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(page.idle, timeout=20_000)


@pytest.mark.parametrize(("shared", "flat"), [("0", True), ("40", False)])
def test_that_what_no_answers_can_bring_is_told_in_place_of_a_curve(
    page: SampleSizePage, qtbot: QtBot, shared: str, flat: bool
) -> None:
    _type(page, qtbot, "faces", "100")
    _type(page, qtbot, "shared", shared)
    assert page.flat.isVisibleTo(page) == flat
    assert page.chart.isVisibleTo(page) != flat
    page.measure.pick("gain")
    assert page.chart.isVisibleTo(page)


def test_that_a_plan_is_typed_shown_and_becomes_what_is_asked_of_labelers(
    page: SampleSizePage, qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert page.fields["faces"].value() == 12  # of the study
    told = page.origin.text()
    assert "attractiveness; they are not estimated from answers" in told
    assert "forty of them" in told  # why not
    assert "12 faces: as many as the study has" in told
    assert page.more.isVisibleTo(page)
    assert "forty of them" in page.advice.text()
    assert "--" not in told  # nothing of the command line's
    for name, text in (("faces", "100"), ("shared", "50"), ("private", "20"), ("gain", "8")):
        _type(page, qtbot, name, text)
    file = tmp_path / "plan.json"
    assert command(
        "plan", "--faces", 100, "--shared", 0.5, "--private", 0.2, "--gain", 0.08, "--json", file
    ) == 0  # fmt: skip
    told = json.loads(file.read_text("utf-8"))
    assert told["told"] == page.verdict.text()
    assert f"{told['chosen']['cost']:,} trials in all" in page.design.text()
    assert [page.measures.item(row, 0).text() for row in range(4)] == [
        "Reliability of the consensus ranking", "Krippendorff's alpha",
        "Noise ceiling of one labeler", "Most that personalisation can add",
    ]  # fmt: skip
    page.measure.button("ceiling").click()
    low = told["curves"][0]
    assert list(page.chart._shown[0].x) == [r["cost"] for r in low if r["ceiling"] is not None]
    assert "as typed, not estimated" in page.origin.text()
    page.source.pick("usual")
    assert [page.fields[each].value() for each in ("shared", "private")] == [30, 30]
    # the more is shared, the less can be private
    _type(page, qtbot, "shared", "90")
    assert page.fields["private"].value() == 10
    page.use.click()
    study = page._context.study
    assert isinstance(study, Study)
    assert page._shown is not None
    qtbot.waitUntil(lambda: study.targets().get("comparison") == page._shown.trials)


def test_that_what_cannot_be_reached_is_said_and_nothing_is_offered(
    page: SampleSizePage, qtbot: QtBot
) -> None:
    _type(page, qtbot, "faces", "60")
    page.kind.button("rating").click()
    _type(page, qtbot, "ceiling", "2")
    assert "cannot be reached" in page.verdict.text()
    assert page.use.isHidden()
    assert not page.fields["per_face"].isEnabled()  # of comparisons
