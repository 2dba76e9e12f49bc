"""Attributes that nobody labeled: any words, as a run's model scores them."""

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.run_data import RunData


def score_words(
    context: AppContext, data: RunData, words: str, owner: QWidget, done: Callable[[], object]
) -> None:
    """Score every face of a run on words, into its data; then call `done`."""

    def on_events(events: list[Any]) -> None:
        found = operations.result(events)
        if isinstance(found, dict):
            data.with_attribute(words, found)
            done()

    work = operations.score_text(data, words)
    context.run(work, f"Scoring “{words}”", events=on_events, owner=owner)
