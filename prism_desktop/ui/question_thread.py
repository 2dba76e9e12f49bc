"""Question threads: short work off the window's thread, in order, answered in the window's."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject

from prism_desktop.ui.lifetimes import Lifetime, Lifetimes, Mailbox


@dataclass(slots=True)
class _Question:
    function: Callable[[], Any]
    then: Callable[[Any], None] | None
    failed: Callable[[Exception], None]
    lifetime: Lifetime  # of the object that asked; once it is over the answer is void
    topic: str | None
    number: int  # among the owner's questions on the topic
    answer: Any = None
    error: Exception | None = None

    @property
    def void(self) -> bool:
        """Whether nobody waits for the answer any more."""
        newer = self.topic is not None and not self.lifetime.is_newest(self.topic, self.number)
        return newer or self.lifetime.over


class QuestionThread:
    """Runs functions one after another in a thread; calls back in the window's thread.

    A question with a `topic` is void once the same owner asks a newer one on that topic, and any
    question once its owner is gone: a late answer is dropped."""

    def __init__(
        self,
        failed: Callable[[Exception], None],
        name: str,
        lifetimes: Lifetimes,
        parent: QObject,
    ) -> None:
        """`failed` is called where a question does not say what is; `parent` ends the thread."""
        self._default_failed, self._lifetimes = failed, lifetimes
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._answers = Mailbox(self._answered, parent)
        self._open = 0
        self._dropping = False
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
        owner: QObject,
        topic: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `function` in the thread.

        `then(result)` or `failed(error)` follows in the window's thread while `owner` lives.
        """
        lifetime = self._lifetimes.of(owner)
        number = lifetime.number(topic) if topic is not None else 0
        self._open += 1
        failed = failed or self._default_failed
        self._questions.put(_Question(function, then, failed, lifetime, topic, number))

    def close(self, seconds: float, *, drop: bool = False) -> None:
        """End the thread when all that was asked is done (an answer must reach the disk).

        What was answered by then is handed over. With `drop`, the thread ends at once and nothing
        is handed over.
        """
        self._dropping = drop
        self._questions.put(None)
        self._thread.join(seconds)
        if not drop:
            self._answers.collect()
        self._answers.close()

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            if self._dropping:
                continue
            try:
                question.answer = question.function()
            except Exception as error:  # carried to the window, which words or logs it
                question.error = error
            self._answers.put(question)

    def _answered(self, question: _Question) -> None:
        self._open -= 1
        if question.void:
            return
        if question.error is not None:
            question.failed(question.error)
        elif question.then is not None:
            question.then(question.answer)
