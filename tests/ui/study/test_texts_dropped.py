"""Tables of texts that are dropped on the window, or chosen in it."""

from pathlib import Path

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.panel import StudyPanel
from tests.ui.conftest import OpenWindow


def test_that_texts_come_in_before_the_judgments_dropped_with_them(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """The study was made for nothing in particular; from then on it is one of replies."""
    texts, judged = tmp_path / "t.csv", tmp_path / "j.csv"
    texts.write_text("id,text,prompt\na,Yes.,Is it?\nb,No.,Is it?\nc,,Is it?\n")
    judged.write_text("rater,left,right,winner,attribute\nL1,a,b,a,kind\n")
    window = open_window(Study.create(tmp_path / "s.prism", attributes=["kind"]))
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    study = window.context.study
    assert study is not None
    panel.take([judged, texts])
    qtbot.waitUntil(lambda: len(study.texts()) == 2, timeout=10_000)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.assistant, timeout=10_000)
    qtbot.waitUntil(lambda: panel.assistant.plan is not None, timeout=10_000)
    plan = panel.assistant.plan
    assert plan is not None
    assert plan.headline() == "1 comparison by 1 rater of 2 replies"
    panel.show_view("overview")
    said = [part.text() for part in panel.overview.findChildren(QLabel)]
    qtbot.waitUntil(lambda: window.context.idle())
    assert "How kind does this reply sound?\nWhich reply sounds kinder?" in [
        part.text() for part in panel.overview.findChildren(QLabel)
    ]
    assert any("text is empty" in text for text in said) or study.imports()[0].refused
    assert study.check() == []


POSTS = "nr,text,author,likes\n1,Good morning,ada,3\n2,See you,ben,4\n3,,ben,4\n"


def test_that_a_file_of_texts_dropped_on_the_empty_window_makes_a_study(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """Columns that are no part of a text are doubted, and come in as somebody says."""
    posts = tmp_path / "posts.csv"
    posts.write_text(POSTS)
    window = open_window(None)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    panel.take([posts])
    qtbot.waitUntil(lambda: panel.new.texts.text() == str(posts), timeout=10_000)
    assert panel.new.attributes.text() == "clear, convincing, trustworthy"
    qtbot.waitUntil(lambda: "Kept as facts" in panel.new.texts_field.help.text(), timeout=10_000)
    panel.new.place.setText(str(tmp_path))
    panel.new.create_button.click()
    qtbot.waitUntil(lambda: panel.intake.made is not None, timeout=20_000)
    page = panel.intake.page
    qtbot.waitUntil(page.run.isEnabled, timeout=10_000)
    assert page.headline.text() == "2 texts come in; 1 row is left out."
    assert page.doubt.isVisible()
    page.say("nr", "id")
    page.say("likes", "ignore")
    qtbot.waitUntil(page.run.isEnabled, timeout=10_000)
    assert not page.doubt.isVisible()
    page.run.click()
    study = window.context.study
    assert study is not None
    qtbot.waitUntil(lambda: [each.name for each in study.texts()] == ["1", "2"], timeout=10_000)
    assert study.facts() == ()
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview, timeout=10_000)


def test_that_a_table_in_the_assistant_can_be_said_to_be_what_people_wrote(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    letters = tmp_path / "letters.csv"
    letters.write_text("subject,letter\nada,Good morning\nben,See you\n")
    window = open_window(Study.create(tmp_path / "s.prism", kind="text"))
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    panel.import_tables([letters])
    qtbot.waitUntil(panel.assistant.texts.isVisible, timeout=10_000)
    panel.assistant.texts.click()
    page = panel.intake.page
    qtbot.waitUntil(lambda: page.found is not None, timeout=10_000)
    assert "no column text" in page.why.text()
    page.kind.pick("own texts")
    page.say("letter", "text")
    page.say("subject", "author")
    qtbot.waitUntil(page.run.isEnabled, timeout=10_000)
    page.run.click()
    study = window.context.study
    assert study is not None
    qtbot.waitUntil(lambda: len(study.own_texts()) == 2, timeout=10_000)
    assert study.texts() == ()
