"""The layout that fills lines."""

from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.ui.widgets.flow import Flow


def test_that_lines_follow_what_is_shown_put_in_taken_out_and_said(
    qtbot: QtBot, qapp: QApplication
) -> None:
    window = QWidget()  # of one size, whatever is in it
    page, flow = QWidget(window), Flow(gap=0)
    column = QVBoxLayout(page)
    column.addLayout(flow)
    column.addStretch()
    qtbot.addWidget(window)
    parts = [QLabel("words") for _ in range(3)]
    for part in parts:
        flow.addWidget(part)
    page.resize(4 * parts[0].sizeHint().width(), 400)
    window.show()

    def lines() -> tuple[int, int]:
        """As asked for, and as placed."""
        qapp.processEvents()
        high, wide = parts[0].sizeHint().height(), flow.geometry().width()
        placed = {part.y() for part in parts if part.isVisible()}
        return round(flow.heightForWidth(wide) / high), len(placed)

    assert lines() == (1, 1)
    parts[1].setText("words words")
    assert lines() == (2, 2)
    parts[1].hide()
    assert lines() == (1, 1)
    parts[1].show()
    assert lines() == (2, 2)
    parts[1].setText("words")
    assert lines() == (1, 1)
    parts.append(QLabel("words words"))
    flow.addWidget(parts[-1])
    assert lines() == (2, 2)
    flow.removeWidget(parts[-1])
    parts.pop().deleteLater()
    assert lines() == (1, 1)
