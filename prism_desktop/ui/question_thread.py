"""Question threads: short work off the window's thread, in order, answered in the window's."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer
from shiboken6 import isValid

from prism_desktop.ui.lifetimes import Lifetime, Lifetimes, Mailbox

GLANCE = 300  # ms; what is there sooner needs no words, which would only flicker


@dataclass(slots=True)
class _Question:
    function: Callable[[], Any]
    what: str | Callable[[], str]  # it does, for a reader, or at present does
    asked: float  # s, on the monotonic clock
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
    question once its owner is gone: a late answer is dropped. What takes longer than a glance is
    told by what it does, until it is answered."""

    def __init__(
        self,
        failed: Callable[[Exception], None],
        name: str,
        lifetimes: Lifetimes,
        parent: QObject,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`failed` is called where a question does not say what is; `parent` ends the thread.

        `tell` is called with what the oldest open question does once that takes longer than a
        glance, and with "" when it is answered.
        """
        self._default_failed, self._lifetimes = failed, lifetimes
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._answers = Mailbox(self._answered, parent)
        self._unanswered: deque[_Question] = deque()  # oldest first
        self._tell, self._told = tell, ""
        self._look_later = QTimer(parent, singleShot=True)
        self._look_later.timeout.connect(self._look)
        self._dropping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._unanswered)

    def ask(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        owner: QObject,
        what: str | Callable[[], str] = "Working",
        topic: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `function` in the thread.

        `then(result)` or `failed(error)` follows in the window's thread while `owner` lives.
        `what` it does is told to who waits for it: "Reading the labelers". A function says it anew
        every glance.
        """
        lifetime = self._lifetimes.of(owner)
        number = lifetime.number(topic) if topic is not None else 0
        asked, failed = time.monotonic(), failed or self._default_failed
        question = _Question(function, what, asked, then, failed, lifetime, topic, number)
        self._unanswered.append(question)
        self._questions.put(question)
        self._look()

    def close(self, seconds: float, *, drop: bool = False) -> None:
        """End the thread when all that was asked is done (an answer must reach the disk).

        What was answered by then is handed over. With `drop`, the thread ends at once and nothing
        is handed over.
        """
        self._dropping = drop
        if isValid(self._look_later):
            self._look_later.stop()
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

    def _look(self) -> None:
        """Tell what the oldest question does if it was asked a glance ago; else look then."""
        if not isValid(self._look_later):  # the window is gone
            return
        told = ""
        if self._unanswered:
            oldest = self._unanswered[0]
            left = GLANCE - round(1000 * (time.monotonic() - oldest.asked))
            if left > 0:
                self._look_later.start(left)
            else:
                told = oldest.what if isinstance(oldest.what, str) else oldest.what()
                if not isinstance(oldest.what, str):
                    self._look_later.start(GLANCE)
        if told != self._told:
            self._told = told
            self._tell(told)

    def _answered(self, question: _Question) -> None:
        self._unanswered.remove(question)
        self._look()
        if question.void:
            return
        if question.error is not None:
            question.failed(question.error)
        elif question.then is not None:
            question.then(question.answer)
