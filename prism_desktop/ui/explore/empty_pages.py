"""What stands in place of Explore while there is nothing to explore."""

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.empty_state import EmptyState


def no_study(context: AppContext) -> EmptyState:
    """No study is open."""
    return EmptyState(
        context.theme,
        "explore",
        "No study is open",
        "Open a study with a trained model to see what it learned of each labeler.",
        (("Go to Study", lambda: context.panel_wanted.emit("study")),),
    )


def no_runs(context: AppContext) -> EmptyState:
    """The study has no run with predictions."""
    return EmptyState(
        context.theme,
        "explore",
        "Nothing to explore yet",
        "Train a model first. Then this is where you see every face as each labeler would, "
        "who agrees with whom, and how right the model is.",
        (("Go to Train", lambda: context.panel_wanted.emit("train")),),
    )
