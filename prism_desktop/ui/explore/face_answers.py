"""The answer table: what the labelers answered about one face."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.explore.run_answers import FaceAnswer
from prism_desktop.ui.explore.run_data import UNREAD, RunData

_HEAD = ("Labeler", "Attribute", "Task", "Answer")
_NOBODY = "Nobody has judged this face."
_WIDEST = 160  # px of the columns before the answer


class AnswerTable(QTableWidget):
    """One line per answer; Enter or a double click on a comparison opens the other face."""

    opened = Signal(int)  # row of the other face

    def __init__(self) -> None:
        """A table to read: it cannot be edited, whole rows are selected, and Tab leaves it."""
        super().__init__(0, len(_HEAD))
        self.setProperty("role", "plain")
        self.setHorizontalHeaderLabels(_HEAD)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(30)
        header = self.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setShowGrid(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(120)
        self.setAccessibleName("What was labeled on this face")
        self.cellActivated.connect(self._open)

    def show_answers(self, data: RunData, face: int) -> None:
        """Show what the run was given about a face."""
        judged = sorted(
            data.answers.about(face),
            key=lambda each: (each.labeler, each.kind, each.attribute),
        )
        lines = [
            (
                data.names.get(each.labeler, each.labeler),
                each.attribute,
                each.kind,
                told(each, data),
            )
            for each in judged
        ] or [(data.words.told(UNREAD if data.unread else _NOBODY), "", "", "")]
        header = self.horizontalHeader()
        self.setRowCount(len(lines))
        self.clearSpans()
        if not judged:
            self.setSpan(0, 0, 1, len(_HEAD))
        for row, line in enumerate(lines):
            for column, text in enumerate(line):
                item = QTableWidgetItem(one_line(text))
                item.setData(Qt.ItemDataRole.UserRole, judged[row].other if judged else -1)
                self.setItem(row, column, item)
        for column in range(len(_HEAD) - 1):  # the answer has the rest
            wanted = max(self.sizeHintForColumn(column), header.sectionSizeHint(column))
            self.setColumnWidth(column, min(_WIDEST, wanted + 8))
        self.scrollToTop()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.selectedItems() and self.rowCount():
            self.setCurrentCell(0, 0)  # so that one sees where the keys will go

    def _open(self, row: int, _column: int) -> None:
        item = self.item(row, 0)
        other = item.data(Qt.ItemDataRole.UserRole) if item is not None else -1
        if isinstance(other, int) and other >= 0:
            self.opened.emit(other)


def told(answer: FaceAnswer, data: RunData) -> str:
    """An answer in words."""
    if answer.kind == "rating":
        return f"rated {answer.value} of 4"
    unknown = data.words.told("a face not in this run")
    other = data.image_names[answer.other] if answer.other >= 0 else unknown
    return {
        "won": f"chosen over {other}",
        "lost": f"{other} was chosen",
        "tie": f"tie with {other}",
    }[answer.outcome]
