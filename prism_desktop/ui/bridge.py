"""Short work off the window's thread: one worker, questions in order, answers by signal."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal


@dataclass(slots=True)
class _Question:
    function: Callable[[], Any]
    then: Callable[[Any], None] | None
    failed: Callable[[Exception], None]
    owner: int | None  # serial of the object that asked; its destruction makes the answer void
    topic: tuple[int | None, str] | None
    generation: int
    answer: Any = None
    error: Exception | None = None


class Worker(QObject):
    """Runs functions one after another in a thread; calls back in the window's thread.

    A question with a `topic` is void once the same owner asks a newer one on that topic: a late
    answer is dropped."""

    _answered = Signal()

    def __init__(
        self, failed: Callable[[Exception], None], name: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._default_failed = failed
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._generations: dict[tuple[int | None, str], int] = {}
        self._owners: dict[
            int, int
        ] = {}  # id of a living object to its serial; ids are used again, serials are not
        self._serial = 0
        self._open = 0
        self._dropping = False
        self._answered.connect(self.collect, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._open > 0

    def ask(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        owner: QObject | None = None,
        topic: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `function` in the worker; `then(result)` or
        `failed(error)` follows in the window's thread."""
        key = self._adopt(owner)
        full_topic = (key, topic) if topic else None
        generation = 0
        if full_topic:
            generation = self._generations[full_topic] = self._generations.get(full_topic, 0) + 1
        self._open += 1
        self._questions.put(
            _Question(function, then, failed or self._default_failed, key, full_topic, generation)
        )

    def close(self, seconds: float, *, drop: bool = False) -> None:
        """End the thread when all that was asked is done (an answer must reach the disk).

        With `drop`, at once.
        """
        self._dropping = drop
        self._questions.put(None)
        self._thread.join(seconds)

    def _adopt(self, owner: QObject | None) -> int | None:
        if owner is None:
            return None
        key = id(owner)
        if key not in self._owners:
            self._serial += 1
            self._owners[key] = self._serial
            owner.destroyed.connect(lambda: self._disown(key))
        return self._owners[key]

    def _disown(self, key: int) -> None:
        serial = self._owners.pop(key, None)
        self._generations = {
            topic: number for topic, number in self._generations.items() if topic[0] != serial
        }

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            if self._dropping:
                continue
            try:
                question.answer = question.function()
            except Exception as error:  # carried to the window, which words or logs it
                question.error = error
            self._answers.put(question)
            self._answered.emit()

    def collect(self) -> None:
        """Hand over the answers that have come; Qt calls this, and so does who ends without it."""
        while not self._answers.empty():
            question = self._answers.get()
            self._open -= 1
            if self._is_void(question):
                continue
            if question.error is not None:
                question.failed(question.error)
            elif question.then is not None:
                question.then(question.answer)

    def _is_void(self, question: _Question) -> bool:
        if question.owner is not None and question.owner not in self._owners.values():
            return True
        return (
            question.topic is not None
            and self._generations.get(question.topic) != question.generation
        )
