"""The Label panel."""

from PySide6.QtWidgets import QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import rows
from prism_desktop.ui.widgets.empty import EmptyState


class LabelPanel(QWidget):
    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.setLayout(rows(EmptyState(context.theme, "label", "Label", "Under construction.")))

    def idle(self) -> bool:
        return True
