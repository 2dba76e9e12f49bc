"""Thumbnails as they are decoded and kept."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.ui.widgets import thumbnails
from prism_desktop.ui.widgets.thumbnails import Thumbnails


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
