"""Brushing and linking: what is chosen in one view of Explore is chosen in the others, and comes
back with Back, Forward and named views."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.face_ranking import NOWHERE
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.named_views import read_views
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.message import MessageBar
from tests.ui.explore.conftest import CODES, OpenExplore, shown
from tests.ui.explore.test_named_views import figure

LEFT = (-9.0, -9.0, 0.0, 9.0)  # half of the map
PLANE = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
INSIDE = set(np.flatnonzero(PLANE[:, 0] <= 0).tolist())


def known(panel: ExplorePanel, monkeypatch: pytest.MonkeyPatch) -> RunData:
    """The run, as one that knows a map of its faces."""
    monkeypatch.setattr(RunData, "knows_faces", True)
    assert panel.data is not None
    panel.data.plane = PLANE
    panel.faces.show_data(panel.data)
    return panel.data


def brush(panel: ExplorePanel, qtbot: QtBot) -> None:
    panel.faces.map_.click()
    panel.faces.plane.brush(LEFT)
    panel.faces.plane.brushed.emit(LEFT)
    qtbot.waitUntil(panel.idle, timeout=20_000)


def test_that_faces_brushed_on_the_map_are_the_faces_of_the_other_views(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = known(panel, monkeypatch)
    shown(panel, qtbot, "two")
    pair = panel.pair
    whole, correlated = pair.gallery.faces.rowCount(), pair.figures.text()
    shown(panel, qtbot, "faces")
    brush(panel, qtbot)
    assert panel.brushed.told.text() == f"{len(INSIDE)} faces are brushed"
    shown(panel, qtbot, "two")
    disputed = {pair.gallery.faces.face(n) for n in range(pair.gallery.faces.rowCount())}
    assert disputed == INSIDE
    assert {row for each in pair.pairs.pairs for row in each.rows} <= INSIDE
    assert pair.scatter._lit is not None
    assert pair.scatter._lit.sum() == len(INSIDE)
    assert pair.figures.text() == correlated  # a statistic is of all faces, and says so
    assert "correlations and percentiles are of all" in pair.meaning.text()
    dice = np.random.default_rng(1)
    scores = {code: dice.normal(size=24).astype(np.float32) for code in CODES}
    data.with_attribute("kind", scores)
    panel.selection.words = "kind"
    shown(panel, qtbot, "words")
    opened: list[int] = []
    panel.words.face_wanted.connect(opened.append)
    panel.words.faces.activated.emit(panel.words.faces.model().index(0, 1))
    assert opened == [max(INSIDE, key=lambda row: scores["L2"][row])]
    panel.face.after.click()
    assert panel.face.face in INSIDE
    shown(panel, qtbot, "accuracy")
    assert panel.brushed.told.text() == f"Of all faces, not of the {len(INSIDE)} brushed"
    shown(panel, qtbot, "words")
    table = panel.words.table()
    assert table is not None
    assert {row[4] for row in table.body} == {data.images[row] for row in INSIDE}
    assert panel.words.command()[-4:-2] == ["--area", ",".join(map(repr, LEFT))]  # type: ignore[index]
    shown(panel, qtbot, "two")
    panel.brushed.clear.click()
    assert panel.selection.area == NOWHERE
    assert pair.gallery.faces.rowCount() == whole
    assert pair.scatter._lit is None


def test_that_a_named_view_of_brushed_faces_finds_their_map_and_looks_the_same(
    panel: ExplorePanel,
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    known(panel, monkeypatch)
    brush(panel, qtbot)
    shown(panel, qtbot, "two")
    panel.pair.kind.pick("pairs")
    before, pairs = figure(panel, tmp_path / "one.svg"), panel.pair.pairs.pairs
    assert pairs
    panel.named.keep("half")
    qtbot.waitUntil(lambda: panel.named.names() == ["half"], timeout=10_000)
    panel.window().close()
    again = open_explore(tiny_study)

    class Heads:
        def faces(self, what: str) -> Iterator[Any]:
            assert what == "plane"
            yield Done({"at": PLANE})

        def close(self) -> None:
            pass

    monkeypatch.setattr(RunData, "model", lambda _: Heads())
    again.named.wanted.emit(read_views(tiny_study.path)[0])
    qtbot.waitUntil(lambda: "are brushed" in again.brushed.told.text(), timeout=20_000)
    qtbot.waitUntil(again.idle, timeout=20_000)
    assert again.segments.current == "two"
    assert again.pair.kind.current == "pairs"
    assert again.pair.pairs.pairs == pairs
    assert figure(again, tmp_path / "two.svg") == before


def test_that_typed_words_come_back_with_a_named_view_and_with_back(
    panel: ExplorePanel,
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def score(data: RunData, words: str) -> Iterator[Any]:
        dice = np.random.default_rng(len(words))
        yield Done({code: dice.normal(size=24).astype(np.float32) for code in data.labelers})

    monkeypatch.setattr(operations, "score_text", score)
    for words in ("kind", "brave one"):
        panel.faces.typed.setText(words)
        panel.faces.typed.returnPressed.emit()
        qtbot.waitUntil(lambda words=words: panel.faces.attribute.key == words, timeout=10_000)  # type: ignore[misc]
        shown(panel, qtbot, "words")
        assert panel.words.words.key == words
        panel.history.look()
        shown(panel, qtbot, "faces")
    panel.faces.search.setText("face-00")
    panel.history.look()
    shown(panel, qtbot, "two")
    panel.history.look()
    panel.faces.search.setText("")
    panel.history._buttons["back"].click()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert (panel.segments.current, panel.faces.search.text()) == ("faces", "face-00")
    while panel.words.words.key != "kind" or panel.segments.current != "words":
        panel.history._buttons["back"].click()
    panel.named.keep("kindness")
    qtbot.waitUntil(lambda: panel.named.names() == ["kindness"], timeout=10_000)
    table = panel.words.table()
    panel.window().close()
    again = open_explore(tiny_study)
    again.context.message("Something went wrong before.", "bad")
    again.named.wanted.emit(read_views(tiny_study.path)[0])
    qtbot.waitUntil(lambda: again.words.words.key == "kind", timeout=20_000)
    said = again.window().findChild(MessageBar)
    assert said.isVisible()  # nobody asked for anything new
    assert said.text.text() == "Something went wrong before."
    qtbot.waitUntil(again.idle, timeout=60_000)
    assert again.words.mark.isVisible()
    assert again.words.table() == table


def test_that_quality_is_of_the_labeler_who_was_chosen_elsewhere_and_the_reverse(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    panel.faces.labeler.pick("L3")
    shown(panel, qtbot, "quality")
    assert panel.quality.who.text() == "Labeler 3"
    panel.quality.labelers.setCurrentCell(1, 0)
    shown(panel, qtbot, "faces")
    assert panel.faces.labeler.key == "L2"
