"""What stands in place of a panel until a study is open, and of Train's runs until there is one."""

from collections.abc import Callable
from typing import Final

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.empty_state import EmptyState

# panel -> what it is for
_FOR: Final = {
    "label": "Open a study or make one, then come back to label.",
    "train": "Open a study, label some faces, and train a model of each labeler here.",
    "explore": "Open a study with a trained model to see what it learned of each labeler.",
}


def no_study(context: AppContext, panel: str) -> EmptyState:
    """Shown in a panel until a study is open."""
    go = ("Go to Study", lambda: context.panel_wanted.emit("study"))
    return EmptyState(context.theme, panel, "No study is open", _FOR[panel], (go,))


def no_runs(context: AppContext, start: Callable[[], object]) -> EmptyState:
    """Shown in Train until the study has a run."""
    return EmptyState(
        context.theme,
        "train",
        "No runs yet",
        "A run fits a model to the labelers' answers and tests it on faces it has never seen. "
        "The settings on the left are a good start.",
        (("Start training", start),),
    )
