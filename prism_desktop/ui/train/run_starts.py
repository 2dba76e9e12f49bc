"""Starts runs and comparisons one at a time; what is asked for meanwhile waits in a queue.

The queue belongs to its study and lasts as long as the window. A run takes its data when it starts,
so that it learns from the answers that are there then; and one that needs the consensus model of a
run before it, on the same answers and settings, uses that again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.comparison_page import ComparisonPage
from prism_desktop.ui.train.operations import ComparisonRequest, WritingRequest
from prism_desktop.ui.train.runs import short


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that is gone on with."""

    run: Path
    title: str  # of its method


Order = TrainConfig | WritingConfig | ComparisonRequest | WritingRequest | Resumption


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run or a comparison whose turn comes."""

    number: int  # its own, as long as the window lasts
    order: Order

    @property
    def title(self) -> str:
        """What it is."""
        if isinstance(self.order, TrainConfig):
            return method_title(self.order.method, self.order.backbone)
        if isinstance(self.order, WritingConfig):
            return f"{writing_method(self.order.method).title}, writing"
        if isinstance(self.order, Resumption):
            return f"Resume {self.order.title}"
        compared = f"Comparison of {counted(len(self.order.methods), 'method')}"
        return f"{compared}, writing" if isinstance(self.order, WritingRequest) else compared

    @property
    def detail(self) -> str:
        """What tells it from others of the same title."""
        if isinstance(self.order, TrainConfig | WritingConfig):
            return f"{short(self.order.backbone)}, seed {self.order.seed}"
        if isinstance(self.order, Resumption):
            return self.order.run.name
        if isinstance(self.order, WritingRequest):
            return few([writing_method(name).title for name in self.order.methods])
        return ", ".join(method_title(name) for name in self.order.methods)


class RunStarts(QObject):
    """Everything that is started goes through here."""

    begun = Signal(list, bool)  # events of the start, `Done[RunFolder]` last; whether it had waited
    refused = Signal(Exception)  # why what was just asked for did not start
    changed = Signal()  # what waits, or whether something goes on

    def __init__(
        self,
        context: AppContext,
        pages: Mapping[type, ComparisonPage],
        live: Callable[[], bool],
        parent: QObject,
    ) -> None:
        """Args:
        context: of the window.
        pages: by the kind of a comparison's order, who carries it out.
        live: says whether a run that the window knows of goes on.
        parent: whose this is.
        """
        super().__init__(parent)
        self._context, self._pages, self._live = context, pages, live
        self._waiting: dict[str, list[Waiting]] = {}  # by the study's folder
        self._numbers = 0
        self._starting = False
        self._first: Waiting | None = None  # that had waited and starts now
        for page in pages.values():
            page.refused.connect(self._comparison_refused)
            page.ended.connect(self._ended)

    @property
    def starting(self) -> bool:
        """Whether a run is being prepared."""
        return self._starting

    @property
    def comparing(self) -> bool:
        """Whether a comparison goes on."""
        return any(page.busy for page in self._pages.values())

    @property
    def busy(self) -> bool:
        """Whether something goes on that what is asked for waits for."""
        return self._starting or self.comparing or self._live()

    def waiting(self) -> tuple[Waiting, ...]:
        """What waits in the study that is open, the next first."""
        return tuple(self._waiting.get(self._study(), ()))

    def ask(self, order: Order) -> None:
        """Start a run or a comparison, now or as soon as those before it have ended."""
        if not self._study():
            return
        self._context.begin()
        if self.busy or self.waiting():
            self._numbers += 1
            self._waiting.setdefault(self._study(), []).append(Waiting(self._numbers, order))
            self.changed.emit()
            self.advance()
        else:
            self._first = None
            self._start(order)

    def remove(self, number: int) -> None:
        """Let one wait no longer; it is not started."""
        queue = self._waiting.get(self._study(), [])
        queue[:] = [each for each in queue if each.number != number]
        self.changed.emit()

    def move(self, number: int, by: int) -> None:
        """Let one go `by` places down the queue; negative is up."""
        queue = self._waiting.get(self._study(), [])
        place = next((at for at, each in enumerate(queue) if each.number == number), None)
        if place is not None:
            each = queue.pop(place)
            queue.insert(max(0, min(len(queue), place + by)), each)
            self.changed.emit()

    def advance(self) -> None:
        """Start the next one if nothing goes on any more."""
        queue = self._waiting.get(self._study(), [])
        if not queue or self.busy or self._context.busy_opening:
            return
        self._first = queue.pop(0)
        self.changed.emit()
        self._start(self._first.order)

    def unstarted(self) -> int:
        """How many wait, in any study that was open here."""
        return sum(map(len, self._waiting.values()))

    def lost_on_leaving(self) -> list[str]:
        """A sentence on those that end with the window."""
        names = [each.title for queue in self._waiting.values() for each in queue]
        if not names:
            return []
        waits = word_for(len(names), "waits and is", "wait and are")
        return [f"In the queue {counted(len(names), 'run')} {waits} not started: {few(names)}."]

    def leave(self, study: Path) -> str:
        """What becomes of the queue of a study that is closed, in a sentence; empty without one."""
        count = len(self._waiting.get(str(study), ()))
        if not count:
            return ""
        return (
            f"{counted(count, 'run')} {word_for(count, 'waits', 'wait')} in the queue of "
            f"{study.stem} until it is open again; closing the window empties the queue."
        )

    def _study(self) -> str:
        study = self._context.study
        return "" if study is None else str(study.path)

    def _start(self, order: Order) -> None:
        if isinstance(order, ComparisonRequest | WritingRequest):
            self._pages[type(order)].start(order)
            self.changed.emit()
            return
        self._starting = True
        self.changed.emit()
        if isinstance(order, Resumption):
            work, what = operations.resume(order.run), "Resuming the run"
        else:
            work, what = operations.start(Path(self._study()), order), "Preparing the run"
        job = self._context.jobs.start(work, what, events=self._receive, owner=self)
        # the form says why it could not start what it asked for; it did not ask to go on
        told = self._context.report if isinstance(order, Resumption) else self._failed
        job.failed.connect(told)
        job.finished.connect(self._ended)

    def _receive(self, events: list[Any]) -> None:
        self.begun.emit(events, self._first is not None)

    def _failed(self, error: Exception) -> None:
        """What was just asked for is told beside its button, what had waited in a message."""
        if self._first is not None and isinstance(error, PrismError):
            self._context.message(
                f"{self._first.title} had waited and was not started. {error}", "bad"
            )
        else:
            self.refused.emit(error)

    def _comparison_refused(self, problem: str) -> None:
        self._failed(PrismError(problem))

    def _ended(self) -> None:
        self._starting, self._first = False, None
        self.changed.emit()
        self.advance()
