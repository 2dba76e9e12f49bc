"""A run on texts in Train and Explore: cards, the whole text, and words that fit."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.stimulus_words import FACES, REPLIES
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.spoken_labels import Captions
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.widgets.basics import label
from prism_desktop.ui.widgets.text_picture import PAPER, WrittenCard, large_card, small_card
from prism_desktop.ui.window import Window
from tests.fixtures.runs import MakeRun
from tests.ui import golden
from tests.ui.conftest import OpenWindow
from tests.ui.said_texts import painted, said_by

_OF_FACES = re.compile(r"\b(faces?|images?|pictures?|photo\w*|person shown)\b", re.IGNORECASE)
_VIEWS = (
    "faces", "two", "face", "agreement", "accuracy", "quality", "taste", "worth", "words", "where"
)  # fmt: skip


@pytest.fixture
def trained(tiny_replies: Study, make_run: MakeRun, tiny_language_model: str) -> Path:
    run = make_run(tiny_replies, method="hierarchical-bayes", backbone=tiny_language_model)
    list(train_run(run, Control(run)))
    return run.path


@pytest.fixture
def explored(
    trained: Path, tiny_replies: Study, open_window: OpenWindow, qtbot: QtBot
) -> ExplorePanel:
    window: Window = open_window(tiny_replies)
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
    assert "texts" in explored.notice.text.text()
    assert not explored.notice.action.isVisible()  # no training would bring maps of texts


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
    sheet.text.show_text(None, "<b>bold</b> & \u202eevil")
    assert "<b>bold</b> &" in sheet.text.toPlainText()


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
    qtbot.waitUntil(gallery.idle, timeout=20_000)
    golden.check(gallery, f"texts-gallery-{mode}", tmp_path)
    explored.show_view("face")
    explored.face.show_face(by_name[5])
    qtbot.waitUntil(explored.idle, timeout=20_000)
    golden.check(explored.face.stage, f"texts-sheet-{mode}", tmp_path)


def test_that_train_offers_what_reads_texts_in_words_for_texts(
    trained: Path, tiny_replies: Study, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = open_window(tiny_replies).show_panel("train")
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
