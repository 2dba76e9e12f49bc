"""Which device "auto" means, asked of another process,
since the window never loads the tensor library."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.processes.rpc import call


class DeviceArguments(BaseModel):
    """Nothing is needed to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def device_in_worker() -> Iterator[Event[tuple[str, str]]]:
    """The device's name, and why that one. Closing this ends the search.

    Raises:
        RunError: one sentence.
    """
    for event in call("choose-device", DeviceArguments(), "Looking for a GPU"):
        yield Done((event.value[0], event.value[1])) if isinstance(event, Done) else event
