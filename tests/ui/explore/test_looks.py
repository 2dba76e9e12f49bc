"""The Explore panel looks as it did."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import FaceRelevance, ManyMaps
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.theme import Mode
from tests.ui import fabricate, golden
from tests.ui.explore.conftest import NAMES, OpenExplore, shown
from tests.ui.explore.made_up_maps import many

CODES = ("L1", "L2", "L3")


def look(data: RunData, _face: int, labeler: str, _attribute: str, _kind: str) -> "object":
    """A map around a place of the labeler's own; the last labeler's fails its test."""
    place = data.labelers.index(labeler)
    y, x = np.mgrid[0:7, 0:7]
    values = np.exp(-((x - 2 - place) ** 2 + (y - 4 + place) ** 2) / 2).astype(np.float32)
    passed = place < len(data.labelers) - 1
    words = (
        "passes its deletion test"
        if passed
        else "fails its deletion test, so do not read it as a reason"
    )
    return iter([Done(FaceRelevance(values, (0.0, 0.0, 1.0, 1.0), passed, f"The map {words}."))])


@pytest.mark.parametrize(
    ("view", "mode"),
    [
        ("faces", "light"),
        ("two", "light"),
        ("map", "light"),
        ("map", "dark"),
        ("agreement", "light"),
        ("accuracy", "light"),
        ("where", "light"),
        ("where", "dark"),
    ],
)
def test_that_a_view_looks_as_it_did(
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    view: str,
    mode: Mode,
) -> None:
    monkeypatch.setattr(operations, "relevance", look)
    monkeypatch.setattr(operations, "many_maps", lambda _, asked: iter([ManyMaps(many(asked))]))
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=CODES, attributes=NAMES)
    panel = open_explore(tiny_study)
    window = panel.window()
    panel.context.theme.apply(mode)
    window.resize(1440, 900)
    shown(panel, qtbot, view)
    if view == "where":
        panel.where.invite.click()
    qtbot.wait(100)  # the plot lays its axes out in the next round of the event loop
    qtbot.waitUntil(panel.idle, timeout=10_000)  # larger thumbnails
    focused = window.focusWidget()
    if focused is not None:
        focused.clearFocus()  # the cursor of a field blinks
    qtbot.wait(50)
    golden.check(window, f"explore-{view}-{mode}", tmp_path)
