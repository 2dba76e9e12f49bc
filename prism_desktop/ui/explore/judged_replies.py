"""Two methods' replies made into a study of pairs, which people judge blind in Label."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QFileDialog, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.reply_words import BLIND, told_ranking
from prism_desktop.engine.writing.written_runs import WriterRun
from prism_desktop.ui.context import AppContext

_NAME: Final = "replies in pairs.prism"  # who judges sees it, so that it names no method


def have_judged(view: QWidget, context: AppContext, first: WriterRun, second: WriterRun) -> None:
    """Ask where the study is to be, make it, and offer to open it."""
    chosen, _ = QFileDialog.getSaveFileName(view, "A study of pairs of replies", _NAME)
    if not chosen:
        return
    path = Path(chosen)
    path = path if path.suffix == ".prism" else path.with_name(f"{path.name}.prism")

    def tell(events: list[Event[str]]) -> None:
        for event in events:
            if isinstance(event, Done):
                way = ("Open it", lambda: context.open_study(path))
                context.message(event.value, "good", way)

    context.run(_made(first, second, path), "Making the study", owner=view, events=tell)


def _made(first: WriterRun, second: WriterRun, path: Path) -> Iterator[Event[str]]:
    """Make the study; the last event is what there is to say of it."""
    from prism_desktop.engine.writing.reply_ranking import make_ranking

    yield Progress(0, None, "Making the study")
    made = make_ranking(RunFolder(first.path), RunFolder(second.path), path)
    yield Done(" ".join((*told_ranking(made), BLIND)))
