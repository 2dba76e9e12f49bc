"""The list of what people were asked, each prompt in up to three lines."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, Qt

from prism_desktop.ui.widgets.reading_table import ReadingTable

SAID: Final = 200  # characters of a prompt that are shown
_HEADS: Final = ("What they were asked", "Tested")
_LINES: Final = 62  # px, of a prompt in the list: three lines
_AROUND: Final = 24  # px beside the text in a cell


class PromptList(ReadingTable):
    """Prompts that do not fit their column go on in a second line, and a third."""

    def __init__(self) -> None:
        self._fitted = -1  # px, the column that rows are as high as they must be for
        super().__init__("What they were asked", _HEADS, 0)
        self.setWordWrap(True)

    def show_lines(
        self, lines: Sequence[Sequence[str]], tips: Sequence[str] = (), dim: Sequence[bool] = ()
    ) -> None:
        super().show_lines(lines, tips, dim)
        self._fitted = -1
        self.updateGeometries()

    def updateGeometries(self) -> None:
        """Also where the bar for scrolling takes some of the column, which the header tells
        nobody."""
        super().updateGeometries()
        wide = self.columnWidth(0)
        if wide == self._fitted:
            return
        self._fitted = wide
        least, metrics = self.verticalHeader().defaultSectionSize(), self.fontMetrics()
        room = QRect(0, 0, wide - _AROUND, _LINES)
        for row in range(self.rowCount()):
            item = self.item(row, 0)
            said = "" if item is None else item.text()[:SAID]
            told = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, said)
            self.setRowHeight(row, max(least, min(_LINES, told.height() + _AROUND // 2)))
