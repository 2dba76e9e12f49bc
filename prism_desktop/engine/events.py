"""Events of long work: what a generator yields while it goes on.

Long work is a generator of these frozen records. Its last event is the result; closing the
generator cancels it.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is."""

    done: int  # units finished
    total: int | None  # units in all, None while unknown
    what: str  # the present activity, for a reader: "Reading images"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should read; the work goes on."""

    text: str  # one sentence


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The work's result, always the last event."""

    value: T


Event = Progress | Notice | Done[T]


def value(events: Iterator[Event[T]]) -> Generator[Progress | Notice, None, T]:
    """Pass progress and notices on, and return what the work
    is done with: `found = yield from value(work())`.

    Raises:
        RuntimeError: if the work ended without a result.
    """
    done: Done[T] | None = None
    for event in events:
        if isinstance(event, Done):
            done = event
        else:
            yield event
    if done is None:
        raise RuntimeError("the work ended without a result")
    return done.value


def outcome(events: Iterable[Event[T]]) -> T:
    """Do the work to its end and return its result.

    Raises:
        RuntimeError: if the work ended without a result.
    """
    for event in events:
        if isinstance(event, Done):
            return event.value
    raise RuntimeError("the work ended without a result")
