"""What the Train panel says where there is nothing to show, and asks before something is lost."""

from collections.abc import Callable

from PySide6.QtWidgets import QMessageBox, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.empty_state import EmptyState


def sure_to_discard(parent: QWidget, *, live: bool) -> bool:
    """The one question that stands in the way: what is discarded cannot be had again."""
    verb, keep = ("Discard", "Keep training") if live else ("Delete", "Keep it")
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, f"{verb} this run?", f"{verb} this run?", parent=parent
    )
    what = (
        "Training ends and everything it has learned"
        if live
        else "Its model, predictions and results are"
    )
    box.setInformativeText(f"{what} {'is ' if live else ''}deleted. Your answers are not touched.")
    discard = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(keep, QMessageBox.ButtonRole.RejectRole))
    box.exec()
    sure = box.clickedButton() is discard
    box.deleteLater()
    return sure


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
