"""The Study panel."""

from PySide6.QtWidgets import QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import rows
from prism_desktop.ui.widgets.empty import EmptyState


class StudyPanel(QWidget):
    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.setLayout(rows(EmptyState(context.theme, "study", "Study", "Under construction.")))

    def idle(self) -> bool:
        return True
