"""The pages of the labeler-pair view: the comparison, or a sentence on why there is none."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.runs.run_choice import ignoring, run_name
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.view import title
from prism_desktop.ui.widgets.empty_state import EmptyState

Actions = tuple[tuple[str, Callable[[], object]], ...]


def one_labeler(data: RunData) -> str:
    """Why two labelers cannot be compared."""
    who = " and ".join(data.names.values()) or "nobody"
    return (
        f"This run knows {who} alone, so there are no two labelers to compare. Train a run with "
        "more labelers, or add one to this run."
    )


class PairPages(QStackedWidget):
    """Says in place of the comparison why there is none, with the way out."""

    run_wanted = Signal(str)  # path of the run to show in place of this one
    others_wanted = Signal()  # others are to be compared, whoever was asked for

    def __init__(self, context: AppContext, compared: QWidget) -> None:
        super().__init__()
        self._context = context
        self.missing: EmptyState | None = None  # what is said
        self._asked: tuple[str, str] | None = None  # two labelers a run with whom is looked for
        self.addWidget(compared)

    def hindered(self, data: RunData, personal: RunSummary | None) -> bool:
        """Say why no two labelers can be compared by a run; False if they can.

        Args:
            personal: the best run that tells labelers apart.
        """
        self._asked = None  # what is still looked for may not speak over this
        train = ("Train a personal run", partial(self._context.panel_wanted.emit, "train"))
        if len(data.labelers) < 2:
            self._say("One labeler", one_labeler(data), (train,))
            return True
        if not data.ignores_labelers:
            return False
        way = train
        if personal is not None:
            show = partial(self.run_wanted.emit, str(personal.path))
            way = (f"Show {run_name(personal)}", show)
        self._say("Nothing to compare", ignoring(data.title), (way,))
        return True

    def miss(
        self, asked: tuple[str, str], lacking: Sequence[str], names: Mapping[str, str]
    ) -> None:
        """Say who of two labelers is not part of the run, and look for one that has both."""
        study = self._context.study
        if study is None:
            return
        called = [names.get(code, code) for code in lacking]
        self._say_missing(called, None)
        self._asked, path = asked, Path(study.path)

        def take(run: RunSummary | None) -> None:
            if self._asked == asked and self.missing is not None:
                self._say_missing(called, run)

        self._context.ask(
            lambda: operations.run_with(operations.explorable(path), asked),
            take,
            owner=self,
            what="Looking for a run with both",
            topic="run with both",
        )

    def show_compared(self) -> None:
        """The comparison again."""
        self._asked = None
        self._clear()
        self.setCurrentIndex(0)

    def _say_missing(self, names: Sequence[str], run: RunSummary | None) -> None:
        """Say who is not part of the run and offer a way on: `run` if it has both, or training.

        Whatever was said before is replaced, for the other run is found only after the first
        saying.
        """
        verb = word_for(len(names), "is", "are")
        back = ("Compare others in this run", self.others_wanted.emit)
        actions: Actions
        if run is not None:
            text = f"The run {title(run)} has both labelers."
            actions = (("Show that run", partial(self.run_wanted.emit, str(run.path))), back)
        else:
            whom = word_for(len(names), names[0], "them")
            text = (
                f"No finished run of this study has both labelers. Add {whom} to this run with "
                "“Add a labeler” above, or train a run with both."
            )
            actions = (("Go to Train", partial(self._context.panel_wanted.emit, "train")), back)
        self._say(f"{' and '.join(names)} {verb} not part of this run", text, actions)

    def _say(self, heading: str, text: str, actions: Actions) -> None:
        self._clear()
        self.missing = EmptyState(self._context.theme, "people", heading, text, actions)
        self.addWidget(self.missing)
        self.setCurrentWidget(self.missing)

    def _clear(self) -> None:
        if self.missing is not None:
            self.removeWidget(self.missing)
            self.missing.deleteLater()
            self.missing = None
