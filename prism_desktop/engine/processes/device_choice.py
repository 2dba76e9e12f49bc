"""Which device "auto" means, asked of another process,
since the window never loads the tensor library."""

from collections.abc import Iterator
from typing import IO

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.processes.rpc import listen, speak


def device_in_worker() -> Iterator[Event[tuple[str, str]]]:
    """The device's name, and why that one. Closing this ends the search.

    Raises:
        RunError: one sentence.
    """
    for event in listen(__name__, what="Looking for a GPU"):
        yield Done((event.value[0], event.value[1])) if isinstance(event, Done) else event


def serve(channel: IO[str]) -> bool:
    """Choose, in a worker."""
    return speak(channel, _choose, list, "The device could not be chosen")


def _choose() -> Iterator[Event[tuple[str, str]]]:
    from prism_desktop.engine.device import choose_device

    chosen = choose_device("auto")
    yield Done((chosen.name, chosen.why))
