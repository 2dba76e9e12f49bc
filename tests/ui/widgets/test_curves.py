"""The axes of curves show what can be, and only where something is drawn."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.curves import Curve, CurveChart

BLUE = QColor("blue")


def chart_of(qtbot: QtBot, context: AppContext, *, percent: bool) -> CurveChart:
    chart = CurveChart(context.theme, percent=percent)
    qtbot.addWidget(chart)
    chart.resize(400, 180)
    chart.show()
    return chart


def marks(chart: CurveChart, side: str) -> list[float]:
    """The numbers told on an axis."""
    axis = chart.getPlotItem().getAxis(side)
    low, high = axis.range
    found = axis.tickValues(low, high, 300.0)
    return sorted(value for value in (found[0][1] if found else []) if low <= value <= high)


def curve(x: Sequence[float], y: Sequence[float], style: str = "dots") -> Curve:
    return Curve("validation", BLUE, x, y, style)


@pytest.mark.parametrize("epochs", [1, 2, 3, 12, 400])
@pytest.mark.parametrize(("percent", "value"), [(True, 1.0), (True, 0.0), (False, 0.0)])
def test_that_epochs_are_whole_and_values_possible(
    qtbot: QtBot, context: AppContext, epochs: int, percent: bool, value: float
) -> None:
    chart = chart_of(qtbot, context, percent=percent)
    x = [float(epoch) for epoch in range(1, epochs + 1)]
    chart.show_curves([curve(x, [value] * epochs)], 1)
    (left, right), (low, high) = chart.getPlotItem().getViewBox().viewRange()
    assert left >= 0
    assert low >= 0
    assert high <= 1 or not percent
    assert low <= value <= high
    assert right >= epochs
    told = marks(chart, "bottom")
    assert told
    assert all(mark.is_integer() and mark >= 0 for mark in told)
    assert all(second - first >= 1 for first, second in pairwise(told))
    assert not percent or all(0 <= mark <= 1 for mark in marks(chart, "left"))


def test_that_zooming_out_reaches_nothing_impossible(qtbot: QtBot, context: AppContext) -> None:
    chart = chart_of(qtbot, context, percent=True)
    chart.show_curves([curve([1, 2, 3], [0.6, 0.7, 0.99])])
    box = chart.getPlotItem().getViewBox()
    box.scaleBy((50, 50))
    box.translateBy(x=-5, y=5)
    (left, _), (low, high) = box.viewRange()
    assert left >= 0
    assert 0 <= low <= high <= 1


def test_that_a_chart_without_a_point_has_no_numbers_on_its_axes(
    qtbot: QtBot, context: AppContext
) -> None:
    chart = chart_of(qtbot, context, percent=True)
    assert marks(chart, "bottom") == marks(chart, "left") == []
    chart.show_curves([curve([1, 2, 3], [0.6, 0.7, 0.8])], 2)
    assert marks(chart, "bottom")
    chart.show_curves([curve([], [])], 2)
    assert marks(chart, "bottom") == marks(chart, "left") == []
    assert not chart._best_label.isVisible()


def test_that_a_short_run_after_a_long_one_has_axes_of_its_own(
    qtbot: QtBot, context: AppContext
) -> None:
    chart = chart_of(qtbot, context, percent=False)
    chart.show_curves([curve(range(1, 101), [9.0] * 100)])
    chart.show_curves([curve([1], [0.3])])
    chart.fit()
    (_, right), (_, high) = chart.getPlotItem().getViewBox().viewRange()
    assert right < 2
    assert high < 1


def test_that_a_loss_that_is_negative_is_seen(qtbot: QtBot, context: AppContext) -> None:
    chart = chart_of(qtbot, context, percent=False)
    chart.show_curves([curve([1, 2], [0.5, -0.5])])
    assert chart.getPlotItem().getViewBox().viewRange()[1][0] < -0.5


def test_that_a_value_of_no_epoch_is_a_line_across(qtbot: QtBot, context: AppContext) -> None:
    chart = chart_of(qtbot, context, percent=True)
    fitted = Curve("fitted", BLUE, [1.0], [0.8], "level", dashed=True)
    chart.show_curves([curve([1, 2, 3, 4], [0.5, 0.6, 0.7, 0.7]), fitted])
    x, y = chart.listDataItems()[1].getData()
    assert (x[0], list(y)) == (0.0, [0.8, 0.8])
    assert x[1] >= 4


@pytest.mark.parametrize("best", [1, 2, 6, 11, 12])
def test_that_no_curve_strikes_the_best_epoch_through(
    qtbot: QtBot, context: AppContext, best: int
) -> None:
    chart = chart_of(qtbot, context, percent=True)
    epochs = [float(epoch) for epoch in range(1, 13)]
    chart.show_curves([curve(epochs, [epoch / 12 for epoch in epochs])], best)
    box, word = chart.getPlotItem().getViewBox(), chart._best_label

    def rested() -> bool:
        told = word.textItem.mapRectToScene(word.textItem.boundingRect())
        inside = told.adjusted(4, 4, -4, -4)  # without the margin that Qt leaves around a text
        above = inside.bottom() <= box.sceneBoundingRect().top() + 1
        return above and chart.sceneRect().adjusted(0, -1, 0, 0).contains(inside)

    qtbot.waitUntil(rested)
    assert word.isVisible()
    chart.resize(700, 300)
    qtbot.waitUntil(rested)
