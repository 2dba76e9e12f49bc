"""Lifetimes: whether the object that began some work still exists to receive its results.

Jobs, questions and images decoded elsewhere all call back through here, so that nothing calls back
into a view that was destroyed or a window that was closed.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid


class Lifetime:
    """The lifetime of one object: over once it is destroyed, or once its window has closed."""

    def __init__(self, owner: QObject) -> None:
        self._owner = weakref.ref(owner)
        self._ended = False
        self._listeners: list[Callable[[], None]] = []
        self._newest: dict[str, int] = {}  # number of the newest question on each topic

    @property
    def over(self) -> bool:
        owner = self._owner()
        return self._ended or owner is None or not isValid(owner)

    def is_of(self, owner: QObject) -> bool:
        """Whether this is the object's; the `id` of one that is gone may be another's by now."""
        return self._owner() is owner

    def add_listener(self, call: Callable[[], None]) -> None:
        """Call this when the lifetime ends; at once if it is over."""
        if self.over:
            call()
        else:
            self._listeners.append(call)

    def remove_listener(self, call: Callable[[], None]) -> None:
        """Do not call this any more."""
        if call in self._listeners:
            self._listeners.remove(call)

    def end(self) -> None:
        """End it now: nothing calls back into the object any more."""
        self._ended = True
        listeners, self._listeners = self._listeners, []
        for call in listeners:
            call()

    def number(self, topic: str) -> int:
        """A number for a new question on `topic`; it makes the questions before it void."""
        self._newest[topic] = self._newest.get(topic, 0) + 1
        return self._newest[topic]

    def is_newest(self, topic: str, number: int) -> bool:
        """Whether no newer question was asked on `topic`."""
        return self._newest.get(topic) == number


class Lifetimes:
    """The lifetimes of all objects that began work in one window."""

    def __init__(self) -> None:
        self._by_id: dict[int, Lifetime] = {}
        self._closed = False

    def of(self, owner: QObject) -> Lifetime:
        """The object's lifetime, the same one each time."""
        key = id(owner)
        found = self._by_id.get(key)
        if found is None or not found.is_of(owner):
            found = self._by_id[key] = Lifetime(owner)
            owner.destroyed.connect(lambda: self._end(key, found))
            if self._closed:
                found.end()
        return found

    def end_all(self) -> None:
        """The window has closed: end all, those of later objects too."""
        self._closed = True
        for lifetime in list(self._by_id.values()):
            lifetime.end()
        self._by_id.clear()

    def _end(self, key: int, lifetime: Lifetime) -> None:
        if self._by_id.get(key) is lifetime:
            del self._by_id[key]
        lifetime.end()


_open: set["Mailbox"] = set()


class Mailbox(QObject):
    """Values from other threads, handed over one by one in the window's thread.

    It has no parent and is kept alive until it is closed: so a thread that ends after its window
    never touches a destroyed object, and what it still puts in is dropped."""

    _filled = Signal()

    def __init__(self, take: Callable[[Any], None], owner: QObject) -> None:
        """The method `take(value)` is called for each while its object lives.

        The mailbox closes when `owner` is destroyed.
        """
        super().__init__()
        self._take = weakref.WeakMethod(take)
        self._lock = threading.Lock()
        self._closed = False
        self._values: deque[Any] = deque()
        self._filled.connect(self.collect, Qt.ConnectionType.QueuedConnection)
        owner.destroyed.connect(lambda: self.close())
        _open.add(self)

    def put(self, value: Any) -> None:
        """Put a value in, from any thread."""
        with self._lock:
            if not self._closed and isValid(self):  # Qt goes first when the program ends
                self._values.append(value)
                self._filled.emit()

    def collect(self) -> None:
        """Hand over what has come; Qt calls this, and so does who ends without its event loop."""
        while self._values:
            value, take = self._values.popleft(), self._take()
            if take is not None:
                take(value)

    def close(self) -> None:
        """Hand over no more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._values.clear()
        _open.discard(self)
        if isValid(self):
            self.deleteLater()
