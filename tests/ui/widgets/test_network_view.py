"""Names on maps and networks of people."""

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QMouseEvent
from pytestqt.qtbot import QtBot

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.network_view import NetworkNode, NetworkView

COUNT = 36


def crowded(qtbot: QtBot, context: AppContext, *, even: bool, heap: bool = True) -> NetworkView:
    view = NetworkView(context.theme)
    qtbot.addWidget(view)
    view.resize(420, 320)
    random = np.random.default_rng(3)
    places = random.normal(0, 1, (COUNT, 2)) ** 3 if heap else random.uniform(0, 1, (COUNT, 2))
    nodes = [NetworkNode(f"Person {row:02} (W{row:03})", 0) for row in range(COUNT)]
    view.show_network(
        nodes, {row: tuple(map(float, at)) for row, at in enumerate(places)}, even=even
    )
    view.show()
    return view


def test_that_names_of_a_crowd_give_way_and_the_one_that_is_meant_is_seen(
    qtbot: QtBot, context: AppContext
) -> None:
    for even in (True, False):
        view = crowded(qtbot, context, even=even)
        names = view.names()
        shown = [name.box for name in names.values()]
        assert 5 < len(shown) < COUNT
        assert not any(one.intersects(two) for at, one in enumerate(shown) for two in shown[:at])
        hidden = next(node for node in range(COUNT) if node not in names)
        view.mark([hidden])
        meant = view.names()
        assert meant.pop(hidden).text.startswith("Person")
        assert meant == names  # nobody else's moved


def test_that_hovering_tells_a_name_that_found_no_room(qtbot: QtBot, context: AppContext) -> None:
    view = crowded(qtbot, context, even=True, heap=False)
    before = set(view.names())
    for node in set(range(COUNT)) - before:
        at = view.where(node)
        move = QMouseEvent(
            QEvent.Type.MouseMove, at, at, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QCoreApplication.sendEvent(view, move)
        if set(view.names()) - before == {node}:  # else another disc lies above
            return
    raise AssertionError("nobody without a name can be reached")
