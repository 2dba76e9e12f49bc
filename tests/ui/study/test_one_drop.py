"""What is dropped together comes in together, in whatever order it is named."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.window import Window
from tests.fixtures.study import MakeStudy, draw_faces
from tests.ui.conftest import OpenWindow
from tests.ui.study.assistant_steps import drop, settled, study_panel

_NAMES = [f"new-{number}.jpg" for number in range(4)]


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    """A folder of four images, a table of their ratings, their embeddings in two kinds of file."""
    folder = tmp_path / "faces"
    for old, new in zip(sorted(draw_faces(tmp_path / "drawn", 10))[6:], _NAMES, strict=True):
        folder.mkdir(exist_ok=True)
        (tmp_path / "drawn" / old.name).rename(folder / new)
    table = tmp_path / "ratings.csv"
    lines = [f"{who},{name},{1 + (place + len(who)) % 4}" for who in ("Ada", "Bob")
             for place, name in enumerate(_NAMES)]  # fmt: skip
    table.write_text("\n".join(["rater,image,attractive", *lines]), encoding="utf-8")
    vectors = tmp_path / "facenet.npz"
    numbers = np.random.default_rng(1).random((4, 5), np.float32)
    np.savez(vectors, names=np.array(_NAMES), vectors=numbers)
    return {"images": folder, "table": table, "embeddings": vectors}


def _come_in(window: Window, qtbot: QtBot, act: Callable[[], None]) -> Study:
    """Drop, and press Import in the one assistant that opens."""
    panel = study_panel(window)
    act()
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel._assistant, timeout=10_000)
    settled(panel.assistant, qtbot)
    assert panel.assistant.sets.isVisible()
    assert panel.assistant.run.text() == "&Import 8 ratings and 1 set of embeddings"
    panel.assistant.sets.names[0].setText("mine")
    panel.assistant.run.click()
    study = window.context.study
    assert study is not None
    qtbot.waitUntil(lambda: len(study.imports()) >= 2 and window.context.idle(), timeout=10_000)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview)
    return study


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(order, marks=[pytest.mark.soak] if 0 < place < 5 else [])
        for place, order in enumerate(permutations(("images", "table", "embeddings")))
    ],
)
def test_that_a_folder_a_table_and_embeddings_dropped_together_are_one_import(
    order: tuple[str, ...],
    open_window: OpenWindow,
    qtbot: QtBot,
    make_study: MakeStudy,
    parts: dict[str, Path],
) -> None:
    window = open_window(make_study(attributes=("attractive",), images=6))
    qtbot.waitUntil(study_panel(window).idle)
    study = _come_in(window, qtbot, lambda: drop(window, [parts[each] for each in order]))
    reports = {report.format: report for report in study.imports()[-3:]}
    assert reports["images"].rows_kept == 4
    assert reports["embeddings"].rows_kept == 4
    assert reports["embeddings"].mapping["embeddings"] == "mine"
    told = window.messages.text.text()
    assert all(name in told for name in ("faces: 4 of 4", "ratings.csv: 8 of 8", "facenet.npz: 4"))


def test_that_what_lies_in_one_dropped_folder_comes_in_together(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy, parts: dict[str, Path]
) -> None:
    for each in ("table", "embeddings"):
        parts[each].rename(parts["images"] / parts[each].name)
    window = open_window(make_study(attributes=("attractive",), images=6))
    qtbot.waitUntil(study_panel(window).idle)
    study = _come_in(window, qtbot, lambda: drop(window, [parts["images"]]))
    assert {report.format for report in study.imports()[-3:]} >= {"images", "embeddings"}


def test_that_what_is_dropped_before_there_is_a_study_comes_into_the_new_one(
    open_window: OpenWindow, qtbot: QtBot, parts: dict[str, Path], tmp_path: Path
) -> None:
    parts["table"].rename(parts["images"] / parts["table"].name)
    window = open_window()
    panel = study_panel(window)

    def act() -> None:
        drop(window, [parts["embeddings"], parts["images"]])
        panel.new.place.setText(str(tmp_path))
        panel.new.create_button.click()

    study = _come_in(window, qtbot, act)
    assert study.info().images == 4
    assert (
        "faces: 4 of 5 kept · 1 no image; ratings.csv: 8 of 8 kept" in window.messages.text.text()
    )
    assert len(study.imports()) == 3


def test_that_embeddings_wait_for_the_images_that_came_with_them(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy, parts: dict[str, Path]
) -> None:
    window = open_window(make_study(attributes=("attractive",), images=6))
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    drop(window, [parts["embeddings"], parts["images"]])
    card = panel.overview.importing
    qtbot.waitUntil(lambda: card.run.isVisible() and card.run.isEnabled(), timeout=10_000)
    card.run.click()
    qtbot.waitUntil(lambda: "facenet.npz: 4 of 4" in window.messages.text.text(), timeout=10_000)
    assert "faces: 4 of 4" in window.messages.text.text()
    qtbot.waitUntil(window.context.idle)
    buttons = [each.text() for each in panel.overview.imports.findChildren(QPushButton)]
    assert "Read anew…" not in buttons  # there is one way to read either


def test_that_a_name_that_cannot_be_is_said_before_anything_comes_in(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy, parts: dict[str, Path]
) -> None:
    window = open_window(make_study(attributes=("attractive",), images=6))
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    drop(window, list(parts.values()))
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel._assistant, timeout=10_000)
    settled(panel.assistant, qtbot)
    panel.assistant.sets.names[0].setText("../elsewhere")
    assert not panel.assistant.run.isEnabled()
    panel.assistant.sets.names[0].setText("elsewhere")
    assert panel.assistant.run.isEnabled()
