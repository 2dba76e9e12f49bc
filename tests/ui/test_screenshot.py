"""Pictures of the panels without a display."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import screenshot


def test_that_every_view_becomes_a_picture_and_nothing_is_written(
    qtbot: QtBot, tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the others need more than a second
    monkeypatch.setattr(screenshot, "PANELS", ("study", "label"))
    before = tiny_study.trials(current=False)
    files = screenshot.render_all(tiny_study.path, tmp_path / "out", theme="light")
    assert [file.stem for file in files] == [
        "study-overview-light",
        "label-start-light",
        "label-comparison-light",
        "label-rating-light",
        "label-plan-light",
        "label-protocol-light",
    ]
    sizes = {(image.width(), image.height()) for image in (QImage(str(file)) for file in files)}
    assert sizes == {screenshot.SIZE}
    assert tiny_study.trials(current=False) == before


def test_that_a_missing_study_is_said_in_a_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(PrismError, match="There is no study at"):
        screenshot.render_all(tmp_path / "gone.prism", tmp_path / "out")
