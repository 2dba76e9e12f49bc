"""The import assistant looks as it did, and as docs/import.md shows it: real files, read by the
engine."""

import random
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study import overview, reports
from prism_desktop.ui.study.assistant.assistant_page import AssistantPage
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.window import Window
from tests.ui import golden
from tests.ui.conftest import OpenWindow
from tests.ui.study.plans import drawn_study

PEOPLE = ("anna", "ben", "carla", "dan")
FACES = 12


@pytest.fixture(autouse=True)
def steady_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day and the hour at which a test runs do not show."""
    monkeypatch.setattr(overview, "made", lambda _: "Made 1 January 2026")
    monkeypatch.setattr(reports, "ago", lambda _: "just now")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Twelve drawn faces, nothing judged yet."""
    return drawn_study(tmp_path, FACES)


def _ratings(file: Path, *, missing: str = "") -> Path:
    """48 ratings as a laboratory has them; every ninth is `missing`, if there is such a code."""
    dice = random.Random(3)
    lines = ["participant,participant_age,face,face_sex,rating,rt,ITI"]
    for person, name in enumerate(PEOPLE):
        for face in range(FACES):
            value = min(7, max(1, round(dice.gauss(4, 1.4))))
            said = missing if missing and (person * FACES + face) % 9 == 4 else str(value)
            lines.append(
                f"{name},{23 + 4 * person},face-{face:03d}.jpg,{'fm'[face % 2]},{said},"
                f"{dice.randint(600, 4200)},0.5"
            )
    file.write_text("\n".join(lines), "utf-8")
    return file


def _pairs(file: Path) -> Path:
    """40 comparisons whose outcomes are numbers."""
    dice = random.Random(5)
    lines = ["participant,image_a,image_b,winner"]
    for number in range(40):
        one, other = dice.sample(range(FACES), 2)
        lines.append(
            f"{PEOPLE[number % 4]},face-{one:03d}.jpg,face-{other:03d}.jpg,{dice.choice('0012')}"
        )
    file.write_text("\n".join(lines), "utf-8")
    return file


def _open(window: Window, qtbot: QtBot, file: Path) -> AssistantPage:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    panel.import_tables([file])
    page = panel.assistant
    qtbot.waitUntil(lambda: page.plan is not None and window.context.idle(), timeout=20_000)
    qtbot.wait(400)  # thumbnails
    page.setFocus()
    return page


def _check(window: Window, qtbot: QtBot, name: str, folder: Path) -> None:
    qtbot.wait(100)
    golden.check(window, name, folder, guide=True)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_the_preview_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path, mode: Mode
) -> None:
    window = open_window(study)
    window.context.theme.apply(mode)
    page = _open(window, qtbot, _ratings(tmp_path / "ratings.csv"))
    assert page.plan is not None
    assert page.plan.ratings == 4 * FACES
    assert page.run.isEnabled()
    _check(window, qtbot, f"import-preview-{mode}", tmp_path)


def test_that_a_question_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    page = _open(window, qtbot, _ratings(tmp_path / "ratings.csv", missing="-99"))
    assert [card.decision.kind for card in page.preview.decisions.cards] == ["missing-code"]
    _check(window, qtbot, "import-question-light", tmp_path)


def test_that_the_meanings_of_outcomes_look_as_they_did(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    page = _open(window, qtbot, _pairs(tmp_path / "pairs.csv"))
    (card,) = page.preview.decisions.cards
    next(b for b in card.findChildren(type(page.run)) if "value by value" in b.text()).click()
    _check(window, qtbot, "import-coding-light", tmp_path)


def test_that_an_import_with_doubts_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    page = _open(window, qtbot, _ratings(tmp_path / "ratings.csv"))
    page.run.click()
    panel = window.panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview and panel.idle())
    window.messages.hide_message()
    panel.overview.imports.open.clear()
    panel.overview.imports.show_imports(panel.overview.imports._imports)
    panel.overview.storage.place.setText("/studies/faces.prism")
    panel.overview.start.clearFocus()
    qtbot.wait(400)
    _check(window, qtbot, "import-doubts-light", tmp_path)
