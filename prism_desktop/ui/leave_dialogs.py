"""The questions before something is lost: answers
that could not be stored, a training cut short."""

from collections.abc import Sequence

from PySide6.QtWidgets import QMessageBox, QWidget

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import message_box


def may_leave(context: AppContext, parent: QWidget) -> bool:
    """Whether the study may be let go of: always, unless
    answers are held back and the user wants to keep them."""
    count = context.held_back()
    if count and (rescued := context.rescued()):
        return sure_to_leave(parent, rescued)
    return not count or sure_to_lose(parent, count)


def may_close(context: AppContext, parent: QWidget) -> bool:
    """Whether the window may be closed while runs are trained, or wait, that end with it."""
    count = context.in_training()
    if not count and not context.in_queue():
        return True
    return sure_to_stop(parent, count, context.kept_on_leaving())


def sure_to_stop(parent: QWidget, count: int, kept: Sequence[str]) -> bool:
    """Ask whether `count` trainings may end now; `kept` says what is left of them.

    Without any there are runs that wait, which `kept` tells of.
    """
    title = counted(count, "training goes on", "trainings go on")
    if not count:
        title = "The queue is not empty"
    what = word_for(count, "It ends", "They end")
    ends = (f"{what} within seconds of the window.",) if count else ()
    box = message_box(parent, title, f"{title}. Close the window?", " ".join((*ends, *kept)))
    stop = box.addButton(
        "Stop and close" if count else "Close", QMessageBox.ButtonRole.DestructiveRole
    )
    stay = box.addButton("Keep training" if count else "Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.exec()
    sure = box.clickedButton() is stop
    box.deleteLater()
    return sure


def sure_to_lose(parent: QWidget, count: int) -> bool:
    """Ask whether `count` key presses may be left to a rescue file."""
    title = f"{counted(count, 'answer is', 'answers are')} not on the disk"
    more = (
        "They could not be saved in the study. If you leave, they go to a file outside it, to be "
        "imported later. Go back to Label to try again."
    )
    return _agreed(parent, title, more, "Leave")


def sure_to_leave(parent: QWidget, rescued: str) -> bool:
    """Ask whether a study that is gone may be left; `rescued` says where its answers are."""
    return _agreed(parent, "The study is gone", rescued, "Leave")


def _agreed(parent: QWidget, title: str, more: str, leave: str) -> bool:
    box = message_box(parent, title, f"{title}.", more, warns=True)
    go = box.addButton(leave, QMessageBox.ButtonRole.DestructiveRole)
    stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.exec()
    sure = box.clickedButton() is go
    box.deleteLater()
    return sure


def sure_to_discard(parent: QWidget, *, live: bool) -> bool:
    """The one question that stands in the way: what is discarded cannot be had again."""
    verb, keep = ("Discard", "Keep training") if live else ("Delete", "Keep it")
    what = (
        "Training ends and everything it has learned"
        if live
        else "Its model, predictions and results are"
    )
    more = f"{what} {'is ' if live else ''}deleted. Your answers are not touched."
    box = message_box(parent, f"{verb} this run?", f"{verb} this run?", more)
    discard = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(keep, QMessageBox.ButtonRole.RejectRole))
    box.exec()
    sure = box.clickedButton() is discard
    box.deleteLater()
    return sure
