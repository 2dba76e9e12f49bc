"""The question before answers are lost that could not be stored."""

from PySide6.QtWidgets import QMessageBox, QWidget

from prism_desktop.ui.context import AppContext


def may_leave(context: AppContext, parent: QWidget) -> bool:
    """Whether the study may be let go of: always, unless answers are held back and the user wants to keep them."""
    count = context.held_back()
    return not count or sure_to_lose(parent, count)


def sure_to_lose(parent: QWidget, count: int) -> bool:
    """Ask whether `count` key presses may be lost."""
    title = "One answer is not on the disk" if count == 1 else f"{count:,} answers are not on the disk"
    box = QMessageBox(QMessageBox.Icon.Warning, title, f"{title}.", parent=parent)
    box.setInformativeText("They could not be saved and are lost when you leave. Go back to Label to try again.")
    lose = box.addButton("Leave and lose them", QMessageBox.ButtonRole.DestructiveRole)
    stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.exec()
    sure = box.clickedButton() is lose
    box.deleteLater()
    return sure
