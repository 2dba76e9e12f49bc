"""The Study panel as researchers use it: real files, a real store."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.study.embeddings import write_embeddings
from prism_desktop.engine.study.records import Changes, ImportReport
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.study.new_study_page import free_folder, split_names
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.window import Window
from tests.fixtures.study import draw_faces
from tests.ui.conftest import OpenWindow


def _panel(window: Window, qtbot: QtBot) -> StudyPanel:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    return panel


def _texts(panel: StudyPanel) -> str:
    people = panel.overview.labelers.list.lines
    return "\n".join(
        [
            *(label.text() for label in panel.overview.findChildren(QLabel) if label.isVisible()),
            *(line.title for line in people.rows),
        ]
    )


def test_that_a_study_is_made_from_a_folder_of_images(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    draw_faces(tmp_path / "faces", 12)
    window = open_window()
    panel = _panel(window, qtbot)
    qtbot.mouseClick(panel.home.new, Qt.MouseButton.LeftButton)
    form = panel.new
    qtbot.keyClicks(form.images, str(tmp_path / "faces"))
    qtbot.waitUntil(lambda: form.images_field.help.text() == "12 images found.")
    form.place.setText(str(tmp_path / "studies"))
    form.attributes.setText("warm, competent")
    assert form.name.text() == "faces"
    qtbot.mouseClick(form.create_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: panel.pages.currentWidget() is panel.overview and panel.idle(), timeout=20_000
    )
    qtbot.waitUntil(lambda: "12" in _texts(panel).splitlines(), timeout=20_000)
    study = window.context.study
    assert study is not None
    assert study.path == tmp_path / "studies" / "faces.prism"
    assert [attribute.name for attribute in study.attributes()] == ["warm", "competent"]
    assert len(study.images()) == 12
    assert "Imported" in window.messages.text.text()


def test_that_a_missing_folder_is_said_in_place(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = _panel(open_window(), qtbot)
    panel.home.new.click()
    panel.new.images.setText(str(tmp_path / "nowhere"))
    panel.new.create_button.click()
    assert panel.new.images_field.help.text() == "There is no such folder."


def test_that_a_labeler_is_added_and_edited(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    card = panel.overview.labelers
    card.add.click()
    assert card.form is not None
    qtbot.keyClicks(card.form.code, "L9")
    qtbot.keyClicks(card.form.name, "Zoe")
    qtbot.keyClick(card.form.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: card.form is None and panel.idle() and "Zoe" in _texts(panel))
    study = window.context.study
    assert study is not None
    assert not card.edit.isEnabled()
    while card.list.code != "L9":
        qtbot.keyClick(card.list.table, Qt.Key.Key_Down)
    assert card.edit.isEnabled()
    qtbot.keyClick(card.list.table, Qt.Key.Key_Return)
    assert card.form is not None
    assert card.form.code.text() == "L9"
    assert not card.form.code.isEnabled()
    card.form.name.setText("Zoë")
    card.form.save.click()
    qtbot.waitUntil(lambda: card.form is None and "Zoë" in _texts(panel))


def test_that_a_code_given_twice_is_refused_with_a_sentence(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    card = _panel(window, qtbot).overview.labelers
    card.save(True, "L1", "", "")
    qtbot.waitUntil(window.messages.isVisible)
    assert "L1" in window.messages.text.text()
    assert "unexpected" not in window.messages.text.text()


def test_that_an_attribute_is_edited(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    study = window.context.study
    assert study is not None
    card = panel.overview.attributes
    card.open_form(study.attributes()[0])
    assert card.form is not None
    card.form.question.setText("Who would you rather sit beside?")
    card.form.scale[0].setText("not at all")
    card.form.save.click()
    qtbot.waitUntil(lambda: card.form is None and "rather sit beside" in _texts(panel))
    changed = study.attributes()[0]
    assert changed.scale_labels == ("not at all", "low", "high", "very high")


def test_that_an_import_shows_its_report_and_can_be_undone(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    names = [image.name for image in tiny_study.images()[:2]]
    table = tmp_path / "ratings.csv"
    table.write_text(
        f"rater,image,attractive\nR1,{names[0]},3\nR1,{names[1]},4\nR1,unknown.jpg,2\n"
    )
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    panel.import_tables([table])
    qtbot.waitUntil(lambda: panel.assistant.run.isEnabled(), timeout=20_000)
    panel.assistant.run.click()
    qtbot.waitUntil(lambda: "Refused rows" in _texts(panel) and panel.idle(), timeout=20_000)
    assert "unknown.jpg" in _texts(panel)
    study = window.context.study
    assert study is not None
    report: ImportReport = study.imports()[-1]
    assert len(report.refused) == 1
    panel.overview.imports._undo(report)
    qtbot.waitUntil(lambda: "undone" in _texts(panel).splitlines())
    assert "R1" not in [labeler.code for labeler in study.labelers()]


def test_that_tables_are_exported(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    panel.export(tmp_path / "out", "csv")
    qtbot.waitUntil(lambda: "codebook" in window.messages.text.text(), timeout=20_000)
    assert {file.suffix for file in (tmp_path / "out").iterdir()} >= {".csv"}


def test_that_missing_images_are_shown_and_found_again(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    folder = Path(tiny_study.images()[0].path).parent
    moved = folder.rename(tmp_path / "moved")
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    qtbot.waitUntil(lambda: "24 images are not where they were" in _texts(panel))
    panel.upkeep.relink(moved)
    qtbot.waitUntil(lambda: "found again" in window.messages.text.text(), timeout=20_000)
    qtbot.waitUntil(lambda: "not where they were" not in _texts(panel))


def test_that_a_set_of_embeddings_is_named_on_import(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    names = np.array([image.name for image in tiny_study.images()])
    np.savez(
        tmp_path / "My vectors.npz",
        names=names,
        embeddings=np.eye(len(names), 8, dtype=np.float32) + 1,
    )
    panel = _panel(open_window(tiny_study), qtbot)
    panel.overview.importing.show()
    importing = panel.overview.importing
    assert not importing.name.isVisible()
    importing.set_files([tmp_path / "My vectors.npz"])
    qtbot.waitUntil(importing.name.isVisible)
    assert importing.name.placeholderText() == "My-vectors"
    importing.name.setText("../elsewhere")
    assert not importing.run.isEnabled()
    importing.name.setText("facenet")
    importing.run.click()
    qtbot.waitUntil(panel.overview.storage.embeddings.isVisible, timeout=10_000)
    assert panel.overview.storage.embeddings.text().startswith("facenet: 24 images, 8 dimensions")


def test_that_imported_embeddings_are_listed(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    ids = [image.id for image in tiny_study.images()]  # the window opens the study anew
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    assert not panel.overview.storage.embeddings.isVisible()
    write_embeddings(tiny_study.path, "dino", ids, np.ones((len(ids), 1200), np.float32))
    window.context.changed.emit(Changes(images=True))
    qtbot.waitUntil(panel.overview.storage.embeddings.isVisible)
    assert panel.overview.storage.embeddings.text() == "dino: 24 images, 1,200 dimensions"


def test_that_a_recent_study_that_nobody_can_look_at_is_passed_over(
    tiny_study: Study, settings: Settings
) -> None:
    settings.add_recent(tiny_study.path)
    for odd in (["/" + "x" * 300, "a\0b", 7, None, str(tiny_study.path)], "text", 7):
        settings.put("recent", odd)
        assert settings.recent == ([tiny_study.path] if isinstance(odd, list) else [])
    settings.add_recent(tiny_study.path)
    assert settings.recent == [tiny_study.path]


def test_that_recent_studies_are_offered_and_forgotten(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, settings: Settings
) -> None:
    window = open_window(tiny_study)
    assert settings.recent == [tiny_study.path]
    panel = _panel(window, qtbot)
    panel.overview.close_button.click()
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.home and window.context.idle())
    panel.home.study_wanted.emit(tiny_study.path)
    qtbot.waitUntil(lambda: window.context.study is not None)
    settings.forget_recent(tiny_study.path)
    assert settings.recent == []


def test_that_a_study_that_is_gone_is_said_in_a_sentence(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    window.context.open_study(tmp_path / "gone.prism")
    qtbot.waitUntil(window.messages.isVisible)
    assert "There is no study at" in window.messages.text.text()
    panel = window.panel("study")
    assert isinstance(panel, StudyPanel)
    assert panel.home.new.isEnabled()


def test_that_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "Faces.prism").mkdir()
    assert free_folder(tmp_path, "Faces").name == "Faces 2.prism"


def test_that_attribute_names_are_split_at_commas() -> None:
    assert split_names(" warm, kind person ,, warm") == ("warm", "kind person")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "just now"), (70, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_that_times_past_are_told_in_words(seconds: float, text: str) -> None:
    assert ago(1000.0, 1000.0 + seconds) == text
