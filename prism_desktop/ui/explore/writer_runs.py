"""What Explore knows of the runs that write, and how it asks them; one reading for all views."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.writing.written_runs import (
    ReplyArguments,
    WriterRun,
    WrittenRuns,
    written_runs,
)
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.ways_out import way_out
from prism_desktop.ui.widgets.empty_state import EmptyState


@dataclass(frozen=True, slots=True)
class GeneratedReply:
    """What a run's model wrote as somebody might."""

    run: str  # its folder's name
    person: str  # code
    prompt: str
    text: str
    mark: str  # what must be said of it wherever it is shown


def write_replies(
    wanted: Sequence[tuple[WriterRun, Sequence[str]]], prompt: str
) -> Iterator[Event[Any] | GeneratedReply]:
    """Have runs answer a prompt as people might, in a process of their own, each text told as soon
    as its run has written it; closing this ends the work.

    Raises:
        RunError: some runs could not write, after all others have.
    """
    failed = []
    for run, people in wanted:
        try:
            yield from _written_by(run, people, prompt)
        except PrismError as error:
            failed.append(f"{run.title}: {error}")
    if failed:
        raise RunError(" ".join(failed))
    yield Done(None)


def _written_by(
    run: WriterRun, people: Sequence[str], prompt: str
) -> Iterator[Event[Any] | GeneratedReply]:
    from prism_desktop.engine.processes import rpc

    asked = ReplyArguments(run=run.path, prompt=prompt, people=tuple(people))
    for event in rpc.call("replies", asked, f"Writing with {run.title}"):
        if not isinstance(event, Done):
            yield event
            continue
        for person, text, marked in event.value:
            mark = str(marked).removesuffix(str(text)).rstrip()
            yield GeneratedReply(run.name, str(person), prompt, str(text), mark)


_NO_TEXTS = (
    "Models learn to write like somebody from what people wrote themselves, and this study has "
    "none of that: bring a file with the columns author, text and prompt, or see docs/writing.md."
)


def say_no_run(view: QObject, context: AppContext, none: EmptyState, no_run: str) -> None:
    """Say on an empty page that runs that write are lacking, or what they would learn from, with
    the way there.

    Args:
        view: whose page it is.
        context: of the window.
        none: the page; its title stays.
        no_run: why there is nothing where people have own texts.
    """
    study = context.study
    if study is None:
        return

    def tell(own_texts: int) -> None:
        if context.study is study:
            way = way_out(context, "runs" if own_texts else "images")
            none.tell(none.title.text(), no_run if own_texts else _NO_TEXTS, way)

    context.ask(
        lambda: study.info().own_texts, tell, owner=view, topic="own texts",
        what="Reading the study",
    )  # fmt: skip


class Writers(QObject):
    """Reads the study's runs that write when a view first wants them, and again when runs changed.

    Attributes:
        found: None until they are read.
    """

    came = Signal()
    failed = Signal(Exception)

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._job = LatestJob(context, self)
        self._stale = True
        self.found: WrittenRuns | None = None
        context.study_opened.connect(self.forget)
        context.study_closed.connect(self.forget)
        context.changed.connect(self._changed)

    @property
    def busy(self) -> bool:
        """Whether they are still to come."""
        return self._job.busy

    def forget(self) -> None:
        """Another study."""
        self._job.stop()
        self._stale, self.found = True, None

    def renew(self) -> None:
        """Runs may have changed without a word: read them when a view wants them next."""
        self._stale = True

    def look(self) -> None:
        """Read them unless they are known; `came` follows."""
        study = self._context.study
        if study is None or not self._stale:
            return
        self._stale = False

        def take(found: WrittenRuns) -> None:
            if self._context.study is study:
                self.found = found
                self.came.emit()

        self._job.start(written_runs(Path(study.path)), "Runs that write", take, self.failed.emit)

    def _changed(self, changes: Any) -> None:
        self._stale |= bool(changes.runs)
