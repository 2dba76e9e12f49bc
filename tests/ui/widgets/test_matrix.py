"""The matrix: what lies under the pointer at every size, and what a press means."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets import matrix as matrix_module
from prism_desktop.ui.widgets.matrix import Matrix
from prism_desktop.ui.widgets.matrix_cells import MatrixCells


@pytest.fixture
def matrix(qtbot: QtBot, context: AppContext) -> Matrix:
    """Of 150 labelers, each cell telling its row and column."""
    made = Matrix(context.theme)
    qtbot.addWidget(made)
    made.resize(700, 700)
    values = np.add.outer(np.arange(150) / 300, np.arange(150) / 300)
    names = tuple(f"Labeler {n}" for n in range(150))
    made.show_matrix(MatrixCells(names, values, np.full((150, 150), 99)))
    made.show()
    return made


def test_that_what_is_enlarged_stays_under_the_pointer(matrix: Matrix) -> None:
    for place in (QPointF(200, 300), QPointF(500, 150), QPointF(120, 600)):
        under = matrix._find(place)
        assert under is not None
        for _ in range(6):
            matrix.enlarge(1.5, place)
            matrix.grab()
            assert matrix._find(place) == under
        matrix.enlarge(0)
        assert matrix._find(place) == under


def test_that_a_press_chooses_and_a_drag_moves(matrix: Matrix, qtbot: QtBot) -> None:
    chosen: list[tuple[int, int]] = []
    matrix.chosen.connect(lambda row, column: chosen.append((row, column)))
    place = QPoint(300, 200)
    matrix.enlarge(8, QPointF(place))
    QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=place)
    assert chosen == [matrix._find(QPointF(place))]
    under = matrix._find(QPointF(place))
    QTest.mousePress(matrix, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseMove(matrix, QPoint(350, 260))
    QTest.mouseRelease(matrix, Qt.MouseButton.LeftButton, pos=QPoint(350, 260))
    assert len(chosen) == 1
    assert matrix._find(QPointF(350, 260)) == under


def test_that_keys_walk_over_cells_that_are_out_of_sight(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(matrix_module, "show_tip", lambda _place, words, _of: told.append(words))
    QTest.keyClicks(matrix, "+++++++++")
    for _ in range(30):
        QTest.keyClick(matrix, Qt.Key.Key_Left)
        QTest.keyClick(matrix, Qt.Key.Key_Up)
    assert matrix._at is not None
    row, column = matrix._at
    assert told[-1].startswith(f"Labeler {row}")
    (x, y), seen = matrix._seen()
    assert x <= column < x + seen
    assert y <= row < y + seen
    QTest.keyClick(matrix, Qt.Key.Key_0)
    assert matrix._seen()[0] == (0, 0)


def test_that_marked_labelers_come_into_sight(matrix: Matrix) -> None:
    matrix.enlarge(10, QPointF(120, 120))
    matrix.mark([140])
    (_, y), seen = matrix._seen()
    assert y <= 140 < y + seen
    matrix.grab()
