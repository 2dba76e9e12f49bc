"""Pickers do not ignore a key that they do not have."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.widgets.pickers import Picker, PickMany, Segments, row_of
from prism_desktop.ui.window import PANELS
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

UNKNOWN = "nobody offers this"


def test_that_every_picker_of_the_window_refuses_an_unknown_key(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L2"))
    window = open_window(tiny_study)
    for name in PANELS:
        panel = window.show_panel(name)
        qtbot.waitUntil(panel.idle, timeout=20_000)  # type: ignore[attr-defined]
    refused = {Picker: 0, Segments: 0, PickMany: 0}
    for kind in refused:
        for each in window.findChildren(kind):
            before = _choice(each)
            assert not each.has(UNKNOWN)
            for choose in (
                (each.pick, each.settle)
                if isinstance(each, Picker)
                else (each.pick,)
                if isinstance(each, Segments)
                else (lambda key, each=each: each.tick([key]),)
            ):
                with pytest.raises(KeyError):
                    choose(UNKNOWN)
            assert _choice(each) == before
            refused[kind] += 1
    assert refused[Picker] >= 10
    assert refused[Segments] >= 3
    assert refused[PickMany] >= 1


def _choice(each: Picker | Segments | PickMany) -> object:
    if isinstance(each, Segments):
        return each.current
    return each.key if isinstance(each, Picker) else each.picked()


def test_that_a_picker_keeps_its_choice_and_may_have_none(qtbot: QtBot) -> None:
    picker = Picker()
    qtbot.addWidget(picker)
    changes: list[int] = []
    picker.currentIndexChanged.connect(changes.append)
    picker.offer([("a", "A"), ("b", "B")])
    picker.settle("b")
    assert (picker.key, changes) == ("b", [])
    picker.offer([("c", "C"), ("b", "B")])
    assert picker.key == "b"
    picker.choose_none()
    assert (picker.key, changes) == ("", [])
    picker.pick("c")
    assert (picker.key, changes) == ("c", [0])


def test_that_a_row_is_found_by_whatever_its_data_is(qtbot: QtBot, tmp_path: Path) -> None:
    box = QComboBox()
    qtbot.addWidget(box)
    box.setAccessibleName("Format")
    box.addItem("None", None)
    box.addItem("CSV", "csv")
    assert row_of(box, "csv") == 1
    with pytest.raises(KeyError, match="'xlsx' is not among the choices of Format"):
        row_of(box, "xlsx")
