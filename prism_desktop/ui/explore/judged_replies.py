"""Two methods' replies made into a study of pairs, which people judge blind in Label."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.reply_words import BLIND, told_ranking
from prism_desktop.engine.writing.written_runs import WriterRun
from prism_desktop.ui.context import AppContext


def have_judged(view: QWidget, context: AppContext, first: WriterRun, second: WriterRun) -> None:
    """Ask where the study is to be, make it off the window's thread, and offer to open it."""
    name = f"{first.method} or {second.method}.prism"
    chosen, _ = QFileDialog.getSaveFileName(view, "A study of pairs of replies", name)
    if not chosen:
        return
    path = Path(chosen)

    def make() -> str:
        from prism_desktop.engine.writing.reply_ranking import make_ranking

        made = make_ranking(RunFolder(first.path), RunFolder(second.path), path)
        return " ".join((*told_ranking(made), BLIND))

    def tell(told: str) -> None:
        context.message(told, "good", ("Open it", lambda: context.open_study(path)))

    context.ask(make, tell, owner=view, what="Making the study")
