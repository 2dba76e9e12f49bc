"""The gallery of faces: orders, filters and marks, and the way back through them."""

import numpy as np
import pandas as pd
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.face_ranking import ANSWERED, LEARNED
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore


@pytest.fixture
def panel(open_explore: OpenExplore, tiny_study: Study) -> ExplorePanel:
    """Of a run that knows a fact about its images."""
    made = fabricate.of_study(tiny_study)
    run = fabricate.run(tiny_study.path, made, labelers=CODES, attributes=NAMES)
    group = ["odd" if place % 2 else "even" for place in range(len(made.ids))]
    frame = pd.DataFrame({"image": made.ids, "name": "group", "value": group})
    frame.to_parquet(run / "data" / "facts.parquet")
    return open_explore(tiny_study)


def rows(panel: ExplorePanel) -> list[int]:
    shown_ = panel.faces.gallery.faces
    return [shown_.face(place) for place in range(shown_.rowCount())]


def data_of(panel: ExplorePanel) -> RunData:
    assert panel.data is not None
    return panel.data


def test_that_the_faces_that_differ_most_from_the_consensus_come_first(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    panel.faces.labeler.pick("L3")
    panel.faces.direction.pick("apart")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    data = data_of(panel)
    gap = np.abs(data.share("L3", "attractive") - data.share("", "attractive"))
    assert list(gap[rows(panel)]) == sorted(gap, reverse=True)
    assert "differs most from the consensus" in panel.faces.count.text()


def test_that_an_order_that_the_method_does_not_know_is_not_pretended(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    by_score = rows(panel)
    panel.faces.direction.pick("unsure")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert rows(panel) == by_score
    assert "not known" in panel.faces.count.text()


def test_that_each_face_has_the_mark_of_what_is_known_of_it(panel: ExplorePanel) -> None:
    data, facts = data_of(panel), panel.faces.gallery.faces.facts
    assert facts is not None
    split = pd.read_parquet(data.folder / "data" / "images.parquet")["split"]
    for row, mark in enumerate(facts.marks):
        answers = data.answers.about(row)
        own = [each for each in answers if (each.labeler, each.attribute) == ("L1", NAMES[0])]
        assert bool(mark & ANSWERED) == bool(own)
        assert bool(mark & LEARNED) == (bool(answers) and split[row] != "test")


def test_that_back_and_forward_lead_through_orders_and_filters(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    faces = panel.faces
    panel.history.look()
    everything = rows(panel)
    faces.filters.fact.pick("group\x1fodd")
    panel.history.look()
    odd = rows(panel)
    assert len(odd) == 12
    assert {row % 2 for row in odd} == {1}
    faces.direction.pick("low")
    panel.history.look()
    assert rows(panel) == odd[::-1]
    for expected, button in ((odd, "back"), (everything, "back"), (odd, "forward")):
        panel.history._buttons[button].click()
        assert rows(panel) == expected
    assert faces.filters.fact.key == "group\x1fodd"
    assert faces.more.isChecked()


def test_that_a_card_says_in_words_what_it_shows(panel: ExplorePanel, qtbot: QtBot) -> None:
    faces, data = panel.faces, data_of(panel)
    faces.filters.kind.pick("answered")
    model = faces.gallery.faces
    told = model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    labels = data.labels("L1", NAMES[0])
    assert "answered by this labeler" in told
    assert labels.words(model.face(0)) in told
    assert labels.words(model.face(0))
    faces.filters.kind.pick("in-sample")
    assert not any(labels.answered[row] for row in rows(panel))
