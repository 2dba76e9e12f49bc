"""Attributes that nobody labeled: any words, as a run's model scores them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.job import Job


def score_words(
    context: AppContext,
    data: RunData,
    words: str,
    owner: QWidget,
    done: Callable[[], object],
    *,
    asked: bool = True,
) -> Job:
    """Score every face of a run on words, into its data; then call `done`.

    `asked` says whether somebody asks just now, which takes away what was said of things before.
    """

    def on_events(events: list[Any]) -> None:
        found = operations.result(events)
        if isinstance(found, dict):
            data.with_attribute(words, found)
            done()

    work = operations.score_text(data, words)
    title = f"Scoring “{words}”"
    if asked:
        return context.run(work, title, events=on_events, owner=owner)
    job = context.jobs.start(work, title, quiet=True, events=on_events, owner=owner)
    job.failed.connect(context.report)
    return job


class RecalledWords(QObject):
    """Ranks by the words that somebody typed once, where the run that is shown has not done so yet:
    a named view, a step back or another run may ask for them."""

    came = Signal(object)  # the RunData that knows the words now

    def __init__(self, context: AppContext, owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner
        self._asked: tuple[RunData, str] | None = (
            None  # the run and the words, so that what failed is not tried again
        )
        self.busy = False

    def look(self, data: RunData | None, selection: Selection) -> None:
        """Rank by the words that are chosen, if the view in front is of them."""
        words = selection.words
        wanted = words and (words == selection.attribute or selection.view == "words")
        if data is None or not wanted or words in data.attributes or data.obstacles.words:
            return
        if self._asked is not None and self._asked[0] is data and self._asked[1] == words:
            return
        self._asked, self.busy = (data, words), True

        def done() -> None:
            self.busy = False

        came = partial(self.came.emit, data)
        job = score_words(self._context, data, words, self._owner, came, asked=False)
        job.finished.connect(done)
