"""A run on texts in Train and Explore: cards, the whole text, and words that fit."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.mean_word_relevance import CommonWord, MeanWordRelevance
from prism_desktop.engine.analysis.word_deletion import (
    RIVALS,
    DeletionTest,
    WordMargin,
    WordTests,
)
from prism_desktop.engine.analysis.word_relevance import WordRelevance
from prism_desktop.engine.analysis.word_units import words_of
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.stimulus_words import FACES, REPLIES
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.texts import NewText
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.face_view import FaceView
from prism_desktop.ui.explore.operations import ManyWordMaps, MapsRequest
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.spoken_labels import Captions
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.widgets.basics import label
from prism_desktop.ui.widgets.text_picture import PAPER, WrittenCard, large_card, small_card
from prism_desktop.ui.window import Window
from tests.ui import golden
from tests.ui.conftest import OpenWindow
from tests.ui.said_texts import painted, said_by
from tests.ui.test_cuts import cut_in

_OF_FACES = re.compile(r"\b(faces?|images?|pictures?|photo\w*|person shown)\b", re.IGNORECASE)
_VIEWS = (
    "faces", "two", "face", "agreement", "accuracy", "quality", "taste", "worth", "words", "where"
)  # fmt: skip


@pytest.fixture
def trained(text_run: RunFolder, tmp_path: Path) -> Path:
    """A run on texts in a study of the test's own."""
    study = tmp_path / "replies.prism"
    shutil.copytree(text_run.study, study)
    return study / "runs" / text_run.path.name


@pytest.fixture
def explored(trained: Path, open_window: OpenWindow, qtbot: QtBot) -> ExplorePanel:
    window: Window = open_window(trained.parents[1])
    panel = window.show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    return panel


def test_that_no_view_of_a_run_on_texts_speaks_of_faces(
    explored: ExplorePanel, qtbot: QtBot
) -> None:
    with painted() as drawn:
        for view in _VIEWS:
            explored.show_view(view)
            qtbot.waitUntil(explored.idle, timeout=20_000)
            explored.grab()
            told = [text for _, text in said_by(explored)] + drawn
            assert [text for text in told if _OF_FACES.search(text)] == []
    assert explored.segments.button("faces").text() == "Replies"
    assert explored.notice.text.text() == ""  # nothing hinders the last of these views
    assert not explored.notice.action.isVisible()


def test_that_a_text_stands_whole_in_its_sheet_and_as_plain_text(
    explored: ExplorePanel, qtbot: QtBot
) -> None:
    explored.show_view("face")
    qtbot.waitUntil(explored.idle, timeout=20_000)
    data, sheet = explored.data, explored.face
    assert data is not None
    prompt, text = data.texts[data.images[sheet.face]]
    assert sheet.text.toPlainText() == f"{prompt}\n\n{text}"
    assert sheet.stage.currentWidget() is sheet.text
    assert not sheet.labeler_maps.isVisible()
    command = sheet.command() or []
    assert command[:1] == ["face"]
    assert command[command.index("--text") + 1] == data.image_names[sheet.face]
    sheet.text.show_text(None, "<b>bold</b> & \u202eevil")
    assert "<b>bold</b> &" in sheet.text.toPlainText()


def test_that_texts_added_since_are_scored_and_stand_whole_in_their_sheet(
    explored: ExplorePanel, qtbot: QtBot
) -> None:
    study, data, button = explored.context.study, explored.data, explored.faces.new_images
    assert study is not None
    assert data is not None
    study.add_texts([NewText("later", "Nobody judged this one.", "Is it new?")])
    explored.context.changed.emit(Changes(images=True))
    qtbot.waitUntil(button.isVisible, timeout=20_000)
    assert _OF_FACES.search(button.text()) is None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(data.images) == 25 and explored.idle(), timeout=60_000)
    row = data.image_names.index("later")
    assert np.isfinite(data.score_table(data.attributes)[:, :, row]).all()
    explored.show_view("face")
    explored.face.show_face(row)
    qtbot.waitUntil(explored.idle, timeout=20_000)
    assert explored.face.text.toPlainText() == "Is it new?\n\nNobody judged this one."


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_cards_and_the_sheet_of_a_text_look_as_they_did(
    explored: ExplorePanel, qtbot: QtBot, mode: Mode, tmp_path: Path
) -> None:
    explored.context.theme.apply(mode)
    data, names = explored.data, [f"reply-{n:03d}" for n in range(24)]
    assert data is not None
    by_name = [data.image_names.index(name) for name in names]
    gallery = explored.faces.gallery
    gallery.faces.show(data.images, data.image_names, np.array(by_name))  # whatever was learned
    gallery.grab()  # asks for the cards
    qtbot.waitUntil(gallery.idle, timeout=20_000)
    golden.check(gallery, f"texts-gallery-{mode}", tmp_path)
    explored.show_view("face")
    explored.face.show_face(by_name[5])
    qtbot.waitUntil(explored.idle, timeout=20_000)
    golden.check(explored.face.stage, f"texts-sheet-{mode}", tmp_path)


class MadeUpMaps:
    """Maps of words without a model, and how often they were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        monkeypatch.setattr(operations, "word_map", self.word_map)
        monkeypatch.setattr(operations, "many_maps", self.many_maps)

    def word_map(
        self, data: RunData, face: int, labeler: str, attribute: str, kind: str
    ) -> Iterator[Done[WordRelevance]]:
        """Every other word speaks for, the others against, the first ones most."""
        self.asked += 1
        prompt, told = data.texts[data.images[face]]
        words = words_of(told)
        values = np.array([(-1) ** n / (1 + n) for n in range(len(words))], np.float32)
        tests = WordTests(np.array([1.2]), np.array([[0.3, -0.4, np.nan]]), np.array([0.9]))
        yield Done(
            WordRelevance(
                "occlusion", labeler, attribute, "name", prompt or "", told, words, values, 0.0,
                1.0, 0.2, "", tests,
            )
        )  # fmt: skip

    def many_maps(self, data: RunData, asked: MapsRequest) -> Iterator[ManyWordMaps]:
        """Of all texts, in whose scores "yes" counts."""
        sizes = [len(words_of(told)) for _, told in data.texts.values()]
        margins = tuple(WordMargin(rival, 0.5, 0.4, 0.6) for rival in RIVALS)
        n = len(sizes)
        yield ManyWordMaps(
            MeanWordRelevance(
                "occlusion", asked.labeler, asked.attribute, tuple(data.texts), n,
                np.array(sizes), np.linspace(-1, 1, sum(sizes), dtype=np.float32),
                np.arange(n) % 2 == 0, np.ones(n, bool),
                DeletionTest(n, n // 2, n // 2, 0.7, margins),
                (CommonWord("yes", 12, 0.5, 0.4, 0.6), CommonWord("hm", 12, -0.1, -0.3, 0.1)),
                (0.8, 0.7, 0.9), asked.against,
            )
        )  # fmt: skip


def shaded(sheet: FaceView) -> dict[str, str]:
    """The words of a text that have a colour behind them, with that colour."""
    document, found = sheet.text.document(), {}
    block = document.begin()
    while block.isValid():
        pieces = block.begin()
        while not pieces.atEnd():
            form = pieces.fragment().charFormat()
            if form.background().style() != Qt.BrushStyle.NoBrush:
                found[pieces.fragment().text()] = form.background().color().name()
            pieces += 1
        block = block.next()
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_words_are_shaded_by_what_they_do_to_the_score_and_back(
    explored: ExplorePanel,
    qtbot: QtBot,
    mode: Mode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explored.context.theme.apply(mode)
    data, sheet = explored.data, explored.face
    assert data is not None
    made_up = MadeUpMaps(monkeypatch)
    explored.show_view("face")
    sheet.show_face(data.image_names.index("reply-005"))
    qtbot.waitUntil(explored.idle, timeout=20_000)
    whole = sheet.text.toPlainText()
    assert shaded(sheet) == {}
    sheet.shading.invite.click()
    qtbot.waitUntil(explored.idle, timeout=20_000)
    found = shaded(sheet)
    assert sheet.text.toPlainText() == whole
    assert found["Yes"] == "#d17c87"  # 0.55 of the red for, over the paper
    red, blue = (int(found[","][place : place + 2], 16) for place in (1, 5))
    assert blue > red  # the next word speaks against
    assert "passes its test" in sheet.shading.verdict.text()
    golden.check(sheet.stage, f"texts-shaded-{mode}", tmp_path)
    golden.check(sheet.shading.legend, f"texts-shade-legend-{mode}", tmp_path)
    assert (sheet.command() or [])[:1] == ["relevance"]
    sheet.kind.pick("")
    qtbot.waitUntil(explored.idle, timeout=20_000)
    assert shaded(sheet) == {}
    sheet.kind.pick("occlusion")
    qtbot.waitUntil(explored.idle, timeout=20_000)
    assert shaded(sheet) == found
    assert made_up.asked == 1  # it was kept


def test_that_words_that_are_not_used_are_not_invited(explored: ExplorePanel, qtbot: QtBot) -> None:
    explored.show_view("words")
    view = explored.words
    qtbot.waitUntil(lambda: view.idle() and view._report() is not None, timeout=30_000)
    report = view._report()
    assert report is not None
    assert "not used here" in report.refused  # so few answers tell of no word that it holds
    assert view.told.text() == report.refused
    assert report.refused not in view.notes.text()
    assert not any(each.isEnabled() for each in (view.typed, view._go))
    assert "looks" not in view.typed.placeholderText()
    table = view.table_
    shown = [column for column in range(table.columnCount()) if not table.isColumnHidden(column)]
    assert 1 not in shown  # of words that somebody asks
    assert all(table.columnWidth(each) >= table.sizeHintForColumn(each) for each in shown)
    assert table.horizontalScrollBar().maximum() == 0


def test_that_where_names_the_words_that_matter_over_many_texts(
    explored: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = explored.where
    MadeUpMaps(monkeypatch)
    explored.show_view("where")
    qtbot.waitUntil(explored.idle, timeout=20_000)
    assert "Which words matter?" in where.words.answer.text()
    where.words.invite.click()
    qtbot.waitUntil(explored.idle, timeout=20_000)
    told = where.words.answer.text()
    assert "“yes” (+0.50 [0.40, 0.60]) raises it" in told
    assert "“hm”" not in told
    assert "✓ reply-" in where.words.texts.toPlainText()
    assert "✗ reply-" in where.words.texts.toPlainText()
    assert (where.command() or [])[:1] == ["relevance"]
    assert "--texts" in (where.command() or [])


def test_that_nothing_is_cut_beside_shaded_words(
    explored: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = explored.window()
    assert isinstance(window, Window)
    window.resize(1280, 720)
    MadeUpMaps(monkeypatch)
    explored.show_view("face")
    explored.face.shading.invite.click()
    explored.show_view("where")
    explored.where.words.invite.click()
    assert cut_in(window, qtbot, (("explore", "where"), ("explore", "face"))) == []


def test_that_train_offers_what_reads_texts_in_words_for_texts(
    trained: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = open_window(trained.parents[1]).show_panel("train")
    assert isinstance(panel, TrainPanel)
    box = panel.form.backbone
    qtbot.waitUntil(lambda: box.findData("prism-mini-lm") >= 0, timeout=20_000)
    offered = [str(box.itemData(place)) for place in range(box.count())]
    assert not [name for name in offered if "ViT" in name or name == "prism-mini"]
    found = {each.method.name: each for each in panel.form._availability()}
    assert [name for name, each in found.items() if each.obstacle] == ["profile-text"]
    assert found["lora-visual-prompt"].method.title == "LoRA + soft prompt"
    told = [text for each in found.values() for text in (each.method.title, each.method.summary)]
    assert [text for text in told if _OF_FACES.search(text) or "isual" in text] == []
    panel.form.method.pick("lora-visual-prompt")
    assert panel.form.method.currentText() == "LoRA + soft prompt"
    assert "how each labeler reads" in panel.form._method_note.text()


def test_that_captions_go_back_to_faces_and_leave_what_was_changed_since(
    context: AppContext, qtbot: QtBot
) -> None:
    page = label("Every face")
    qtbot.addWidget(page)
    captions = Captions(page, context)
    context.speak_of(REPLIES)
    assert page.text() == "Every reply"
    page.setText("Ada's face")  # somebody's own words
    context.speak_of(FACES)
    assert page.text() == "Ada's face"
    assert captions is not None


def test_that_a_card_has_the_beginning_of_a_text_and_only_letters_of_it(
    qapp: QApplication,
) -> None:
    blank, written = (small_card(WrittenCard(text), 132) for text in (" ", "word " * 200))
    inked = [
        sum(image.pixelColor(x, y).lightness() < 120 for x in range(132) for y in range(132))
        for image in (blank, written)
    ]
    assert inked[0] == 0
    assert inked[1] > 200
    assert large_card(WrittenCard("a", "b")).pixelColor(450, 850) == PAPER
