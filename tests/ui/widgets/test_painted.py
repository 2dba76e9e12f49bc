"""Ticks, tables that spreadsheets open safely, and the gallery's pictures."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.curves import Curve, CurveChart
from prism_desktop.ui.widgets.file_export import write_rows
from prism_desktop.ui.widgets.gallery import FaceGallery
from prism_desktop.ui.widgets.heat import coloured
from prism_desktop.ui.widgets.painted import ticks
from prism_desktop.ui.widgets.pickers import PickMany


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.487, 0.913), (-3.2, 4.1), (0.5, 0.5000001)])
def test_that_ticks_are_round_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    assert found == sorted(found)
    assert len(found) <= 8


def test_that_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", ("name", "score"), [("=cmd()", -0.5), ("é", None)])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["name", "score"], ["'=cmd()", "-0.5"], ["é", ""]]


def test_that_only_faces_in_view_are_decoded(
    qtbot: QtBot, context: AppContext, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "red.png")
    asked: set[str] = set()

    def find(key: str) -> tuple[Path, ...]:
        asked.add(key)
        return (
            (tmp_path / "missing.jpg", tmp_path / "red.png")
            if key != "3"
            else (tmp_path / "missing.jpg",)
        )

    gallery = FaceGallery(context.theme, find)
    qtbot.addWidget(gallery)
    gallery.resize(620, 420)
    keys = [str(row) for row in range(5000)]
    gallery.faces.show(keys, keys, np.arange(5000), np.linspace(0, 1, 5000, dtype=np.float32))
    gallery.show()
    qtbot.waitUntil(lambda: bool(asked) and gallery.thumbnails.idle(), timeout=10_000)
    assert 0 < len(asked) < 60
    picture = gallery.thumbnails.get("0")
    assert picture is not None
    assert picture.toImage().pixelColor(picture.width() // 2, picture.height() // 2) == QColor(
        200, 30, 30
    )
    missing = gallery.thumbnails.get("3")
    assert missing is not None
    assert missing.isNull()


def test_that_curves_may_grow_while_they_are_shown(qtbot: QtBot, context: AppContext) -> None:
    from array import array

    chart = CurveChart(context.theme)
    qtbot.addWidget(chart)
    x, y = array("d", [1, 2]), array("d", [0.5, 0.4])
    chart.show_curves(
        [
            Curve("", QColor("red"), x, y, "ghost"),
            Curve("validation", QColor("blue"), x, y, "dots"),
        ],
        2,
    )
    x.append(3)
    y.append(0.3)
    chart.show_curves([Curve("validation", QColor("blue"), x, y, "dots")], 3)
    assert len(chart.listDataItems()) == 1


def test_that_a_map_is_opaque_where_it_is_strong_and_blue_where_it_speaks_against() -> None:
    picture = coloured(np.array([[0, 0], [0, 1]], np.float32))
    assert picture.pixelColor(0, 0).alpha() < 10 < 200 < picture.pixelColor(255, 255).alpha()
    against = coloured(np.array([[-1, -1], [1, 1]], np.float32)).pixelColor(128, 0)
    assert against.blue() > against.red()


def test_that_maps_side_by_side_have_one_colour_for_one_relevance() -> None:
    strong, weak = np.full((4, 4), 0.8, np.float32), np.full((4, 4), 0.4, np.float32)
    against = -strong
    alone = [coloured(each).pixelColor(9, 9) for each in (strong, weak)]
    assert alone[0] == alone[1]
    scale = MapScale.of([strong, weak, against])
    beside = [coloured(each, scale=scale).pixelColor(9, 9) for each in (strong, weak, against)]
    assert beside[0].alpha() == beside[2].alpha() > beside[1].alpha() > 0
    # of the same sign the same hue, although one map alone has nothing against
    assert beside[0].red() == beside[1].red() > beside[0].blue()
    assert beside[2].blue() > beside[2].red()


def test_that_a_picker_tells_what_is_ticked(qtbot: QtBot) -> None:
    picker = PickMany("labelers")
    qtbot.addWidget(picker)
    assert picker.itemText(0) == "No labelers yet"
    picker.offer({f"L{n}": f"Labeler {n}" for n in range(1, 6)})
    assert (picker.itemText(0), picker.picked()) == ("All 5 labelers", None)
    picker.tick(["L5", "L1", "L2", "L3"])
    assert picker.itemText(0) == "Labeler 1, Labeler 2, Labeler 3 and 1 more"
    assert picker.picked() == ("L1", "L2", "L3", "L5")


def test_that_a_map_s_weak_patches_are_see_through_and_it_has_no_hard_edges() -> None:
    values = np.zeros((7, 7), np.float32)
    values[3, 3] = 1.0
    picture = coloured(values, 140)
    alphas = [picture.pixelColor(x, 70).alpha() for x in range(140)]
    assert alphas[0] == alphas[-1] == 0
    assert alphas[70] == 255
    assert max(abs(a - b) for a, b in pairwise(alphas)) < 48
    # round
    assert picture.pixelColor(70, 84).alpha() == pytest.approx(
        picture.pixelColor(80, 80).alpha(), abs=40
    )
