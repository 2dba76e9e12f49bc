"""What stands in place of Train's runs while there are none."""

from collections.abc import Callable

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.empty_state import EmptyState


def no_study(context: AppContext) -> EmptyState:
    """Shown until a study is open."""
    return EmptyState(
        context.theme,
        "train",
        "No study is open",
        "Open a study, label some faces, and train a model of each labeler here.",
        (("Go to Study", lambda: context.panel_wanted.emit("study")),),
    )


def no_runs(context: AppContext, start: Callable[[], object]) -> EmptyState:
    """Shown until the study has a run."""
    return EmptyState(
        context.theme,
        "train",
        "No runs yet",
        "A run fits a model to the labelers' answers and tests it on faces it has never seen. "
        "The settings on the left are a good start.",
        (("Start training", start),),
    )
