"""Thumbnails as they are decoded and kept."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.ui.widgets import thumbnails
from prism_desktop.ui.widgets.text_picture import WrittenCard
from prism_desktop.ui.widgets.thumbnails import Thumbnails, decode


def test_that_a_card_on_its_way_has_room_for_a_mark_only_if_there_is_one_when_it_comes(
    qapp: QApplication, qtbot: QtBot
) -> None:
    card = WrittenCard("Hello there, and more of it")
    shown = Thumbnails(lambda _: (card,))
    shown.arrived.connect(lambda keys: [shown.get(key) for key in keys])  # as a gallery repaints
    shown.resize(120)
    for marked in (True, False, True, False):
        shown.mark(marked=marked)
        shown.get("a")  # on its way when the next is told
    qtbot.waitUntil(lambda: shown.idle() and bool(shown.get("a")))
    found = shown.get("a")
    assert found is not None
    assert found.toImage() == decode((card,), 120).convertToFormat(found.toImage().format())
    assert decode((card,), 120) != decode((card,), 120, marked=True)
    shown.arrived.disconnect()  # which holds it


def test_that_letters_of_a_small_card_are_as_large_as_its_own_screen_needs(
    qapp: QApplication, qtbot: QtBot
) -> None:
    card = WrittenCard("Hello there, and more of it")
    shown = Thumbnails(lambda _: (card,))
    seen = []
    for ratio in (1.0, 2.0):  # moved to another screen, where as many pixels are half as wide
        shown.resize(80, ratio)
        shown.get("a")
        qtbot.waitUntil(shown.idle)
        found = shown.get("a")
        assert found is not None
        seen.append(found.toImage())
        assert seen[-1] == decode((card,), 80, ratio).convertToFormat(seen[-1].format())
    assert seen[0] != seen[1]


def test_that_an_image_found_again_is_shown(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "face.png"
    shown = Thumbnails(lambda _: (file,))
    shown.resize(32)
    shown.get("a")
    qtbot.waitUntil(shown.idle)
    lost = shown.get("a")
    assert lost is not None
    assert lost.isNull()
    assert shown.idle()  # not tried at every painting
    Image.new("RGB", (64, 48), (200, 30, 30)).save(file)
    monkeypatch.setattr(thumbnails, "_RETRY", -1.0)
    assert shown.get("a") is not None  # no flicker meanwhile
    qtbot.waitUntil(shown.idle)
    found = shown.get("a")
    assert found is not None
    assert not found.isNull()
