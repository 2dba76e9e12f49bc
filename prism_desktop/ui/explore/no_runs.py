"""What stands in place of Explore's views while no run has predictions."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent

from prism_desktop.engine.study.lacks import Lack
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.selection import OF_STUDY, OF_WRITING
from prism_desktop.ui.ways_out import way_out
from prism_desktop.ui.widgets.empty_state import EmptyState

_THEN: Final = (
    "Once a model is trained, this is where you see every face as each labeler would, who agrees "
    "with whom, and how right the model is."
)


class NoRuns(EmptyState):
    """The study has no run with predictions: what is to be done first on the way to one."""

    found = Signal()  # what that is

    def __init__(self, context: AppContext) -> None:
        super().__init__(
            context.theme, "explore", "Nothing to explore yet", _THEN, (way_out(context, "runs"),)
        )
        self._context = context
        self._lack: Lack | None = None
        context.study_opened.connect(self._ask)
        context.changed.connect(self._changed)
        self._ask()

    @property
    def why(self) -> str:
        """Why nothing can be done with what is shown."""
        return "" if self._lack is None else self._lack.why

    def covers(self, view: str) -> bool:
        """Whether it stands in this view's place; some need answers, but no run."""
        if view in OF_WRITING:  # which say themselves what there is to do
            return False
        return view not in OF_STUDY or (self._lack is not None and self._lack.step != "runs")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def _changed(self, _changes: Changes) -> None:
        """With every answer, while there are too few for a training."""
        if self.isVisible() or self._lack is None or self._lack.step != "runs":
            self._ask()

    def _ask(self) -> None:
        """Read what the study lacks."""
        study = self._context.study

        def take(lack: Lack) -> None:
            if study is self._context.study and lack != self._lack:
                self._lack = lack
                way = None if lack.step == "runs" else way_out(self._context, lack.step)
                self.tell(lack.title, f"{lack.why} {self._context.words.told(_THEN)}", way)
                self.found.emit()

        if study is not None:
            self._context.ask(
                lambda: operations.first_step(study),
                take,
                owner=self,
                what="Reading the study",
                topic="first step",
            )
