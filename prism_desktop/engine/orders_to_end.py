"""Orders to end, from the keyboard or the system: heard at any time, obeyed where that can be.

Python raises where the program happens to be. While a compiled module is being imported that is
inside the library, which ends the whole process (Qt's bindings) or swallows it; in what Qt calls it
is printed and forgotten. There an order waits. Where an object is being thrown away Python puts the
error away, too: then the order is given once more.
"""

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

_IMPORT: Final = "<frozen importlib._bootstrap>"
_SOON: Final = 0.02  # s until an order that came during an import is looked at again
_NUMBER: Final = "prism_order"  # where an error that is an order has its signal's number
_depth = 0  # of `held`
_waiting: list[int] = []  # numbers of signals, in the order in which they came


class _Hearing:
    """A handler of a signal that obeys or lets wait."""

    def __init__(self, obey: Callable[[int], object]) -> None:
        self._obey = obey

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if _depth == 0 and not _imports(frame):
            while number in _waiting:
                _waiting.remove(number)
            self._carry_out(number)
            return
        _waiting.append(number)
        if _depth == 0 and not _later(number):
            _waiting.remove(number)
            self._carry_out(number)

    def _carry_out(self, number: int) -> None:
        try:
            self._obey(number)
        except BaseException as order:
            setattr(order, _NUMBER, number)
            raise


def hear(number: int, obey: Callable[[int], object]) -> None:
    """Call `obey` with a signal's number when it comes, or right after what must not be disturbed.

    Only for the main thread.
    """
    signal.signal(number, _Hearing(obey))
    if not isinstance(sys.unraisablehook, _PutAway):
        sys.unraisablehook = _PutAway(sys.unraisablehook)


@dataclass(frozen=True, slots=True)
class _PutAway:
    """Is told of errors that nobody could catch; those that are orders are given once more."""

    others: Callable[[Any], object]

    def __call__(self, told: Any) -> None:
        if told.exc_value is None or not _given_again(told.exc_value):
            self.others(told)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let orders wait until the end of this: for what Qt calls. Only for the main thread."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            for number in dict.fromkeys(_waiting):
                _tell(number)


def _given_again(error: BaseException) -> bool:
    """Whether an error is an order that somebody raised here, which comes again in a moment."""
    number = getattr(error, _NUMBER, None)
    if number is None:
        return False
    _waiting.append(number)
    return _later(number)


def _tell(number: int) -> None:
    """Give a waiting order to whoever hears such orders now, if anybody does."""
    if number in _waiting and isinstance(signal.getsignal(number), _Hearing):
        if hasattr(signal, "pthread_kill"):  # also wakes the main thread where that waits
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            _thread.interrupt_main(signal.Signals(number))


def _later(number: int) -> bool:
    try:
        # no `threading.Thread`: it takes a lock that the main thread may hold just now
        _thread.start_new_thread(_tell_soon, (number,))
    except RuntimeError:  # no memory for a thread
        return False
    return True


def _tell_soon(number: int) -> None:
    time.sleep(_SOON)
    _tell(number)


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported here."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False
