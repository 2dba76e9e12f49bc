"""What a model knows of the labeler, beside the trials."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.adaptation.growth import Growth, Share
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label import operations
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.start_page import FOLLOW
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, begin, press

KNOWN = Growth(
    run="r", answers=120, accuracy=Share(value=0.78, low=0.7, high=0.85, n=96),
    ceiling=Share(value=0.86, low=0.8, high=0.91, n=40),
    more=Share(value=0.012, low=0.01, high=0.014, n=8),
)  # fmt: skip


@pytest.mark.parametrize("wanted", [True, False])
def test_that_a_model_that_learns_is_shown_only_where_it_is_wanted(
    open_window: OpenWindow,
    qtbot: QtBot,
    fresh: Study,
    monkeypatch: pytest.MonkeyPatch,
    wanted: bool,
) -> None:
    asked = []

    def follow(_study: object, labeler: str) -> Iterator[Event[Growth | None]]:
        asked.append(labeler)
        yield Done(KNOWN)

    monkeypatch.setattr(operations, "follow_growth", follow)
    window = open_window(fresh)
    window.context.settings.put(FOLLOW, wanted)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT, LEFT, LEFT)
    qtbot.waitUntil(window.context.idle)
    if wanted:
        qtbot.waitUntil(lambda: panel.trial.growth.text() != "")
        assert panel.trial.growth.text() == (
            "120 answers · foretold 78% [70, 85], n 96 · ceiling 86% [80, 91] · "
            "50 more answers: +1.2 points"
        )
        assert asked[0] == "L1"
    else:
        assert (asked, panel.trial.growth.text()) == ([], "")


def test_that_it_cannot_be_wanted_before_a_run_learns_so(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = open_window(fresh).show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert not panel.start.follow.isEnabled()
    assert "train Hierarchical Bayes first" in panel.start.follow.toolTip()


def test_that_too_few_to_tell_is_said_first() -> None:
    few = KNOWN.model_copy(update={"accuracy": Share(value=0.6, low=0.3, high=0.8, n=9)})
    assert "too few to tell: foretold 60%" in few.told()


def test_that_nothing_has_no_sign() -> None:
    none = KNOWN.model_copy(update={"more": Share(value=-0.0003, low=-0.01, high=0.01, n=8)})
    assert none.told().endswith("50 more answers: 0.0 points")
