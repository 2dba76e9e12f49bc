"""One face as all models see it: who is shown, in which order, and which faces are like it."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.face_shares import percentiles, share_at
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.widgets.dot_plot import Dot, DotGroup, Dots
from tests.ui.explore.conftest import shown


def test_that_the_place_of_one_face_is_that_among_all() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (3, 40)).astype(np.float32)
    scores[1, 5] = scores[2, 7] = np.nan
    for row in (0, 5, 7):
        whole = [percentiles(each)[row] for each in scores]
        np.testing.assert_allclose(share_at(scores, row), whole, rtol=1e-6)


@pytest.mark.parametrize("count", [6, 180])
def test_that_a_click_on_a_dot_chooses_its_labeler_however_many_there_are(
    qtbot: QtBot, context: AppContext, count: int
) -> None:
    rng = np.random.default_rng(1)
    shares = rng.permutation(count) / count
    dots = [Dot(f"L{place}", float(share), QColor("#0072b2")) for place, share in enumerate(shares)]
    widget = Dots(context.theme)
    qtbot.addWidget(widget)
    widget.show_groups([DotGroup("smart", tuple(dots), 0.5)], (0, 0))
    widget.resize(500, widget.sizeHint().height())
    assert widget.height() < 1200
    highest = int(np.argmax(shares)) if count > 24 else 0
    with qtbot.waitSignal(widget.clicked) as clicked:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(300, 26))
    assert clicked.args == [0, highest]


def test_that_faces_alike_to_a_labeler_have_near_scores_and_one_opens_by_a_click(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    shown(panel, qtbot, "face")
    view, data = panel.face, panel.data
    assert data is not None
    view.below.pick("alike")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    scores = data.score_table(data.attributes)[0]
    away = (((scores - scores[:, view.face, None]) / scores.std(axis=1)[:, None]) ** 2).sum(axis=0)
    found = [row for row, _, _ in view.alike.taste.faces]
    assert view.face not in found
    assert found[0] == np.argsort(away)[1]
    assert "does not keep" in view.alike._by_features.text()
    QTest.mouseClick(view.alike.taste, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert view.face == found[0]
