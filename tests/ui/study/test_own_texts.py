"""What people wrote themselves, in the Study panel."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.ui.study.panel import StudyPanel
from tests.ui.conftest import OpenWindow


def test_that_what_people_wrote_is_found_by_person_and_word_and_shown_as_plain_text(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    study = Study.create(tmp_path / "s.prism", kind="text")
    study.add_labeler("ada", display_name="Ada", profile="Writes <i>letters</i>.")
    study.add_labeler("ben")
    study.add_own_texts(
        [OwnText("ada", "<b>Hello</b>\nyou", "Greet."), OwnText("ada", "Bye"), OwnText("ben", "Yo")]
    )
    panel = open_window(study).show_panel("study")
    assert isinstance(panel, StudyPanel)
    card = panel.overview.own_texts
    qtbot.waitUntil(lambda: card.told.text() == "3 texts", timeout=10_000)
    people = [card.person.itemText(place) for place in range(card.person.count())]
    assert people == ["2 people", "Ada (2)", "ben (1)"]
    card.person.setCurrentIndex(1)
    assert card.told.text() == "2 texts"
    assert card.profile.text() == "Writes <i>letters</i>."
    assert card.whole.toPlainText() == "Greet.\n\n<b>Hello</b>\nyou"
    card.search.setText("BYE")
    qtbot.waitUntil(lambda: card.told.text() == "1 text", timeout=10_000)
    assert card.whole.toPlainText() == "Bye"
    card.search.setText("nothing of that")
    qtbot.waitUntil(lambda: card.told.text() == "0 texts", timeout=10_000)
    assert card.whole.toPlainText() == ""


def test_that_the_card_is_not_there_where_nobody_wrote(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(Study.create(tmp_path / "s.prism", kind="text"))
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(window.context.idle, timeout=10_000)
    assert not panel.overview.own_texts.isVisible()
