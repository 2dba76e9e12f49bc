"""What the study that is open calls its labelers, and which attributes it judges."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.names import people
from prism_desktop.ui.context import AppContext


class StudyNames(QObject):
    """Asked for anew whenever labelers or attributes changed.

    Attributes:
        people: what to call each labeler, by code.
        attributes: the study's.
    """

    changed = Signal()  # somebody is called otherwise

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.people: dict[str, str] = {}
        self.attributes: tuple[str, ...] = ()

    def ask(self) -> None:
        """Read them."""
        study = self._context.study

        def take(found: tuple[Any, Any]) -> None:
            if self._context.study is study:
                self._take(*found)

        if study is not None:
            self._context.ask(
                lambda: (study.labelers(), study.attributes()), take, owner=self,
                what="Reading the labelers", topic="labelers",
            )  # fmt: skip

    def _take(self, labelers: Any, attributes: Any) -> None:
        self.attributes = tuple(each.name for each in attributes)
        before = self.people
        self.people = people((each.code, each.display_name) for each in labelers)
        if self.people != before:
            self.changed.emit()
