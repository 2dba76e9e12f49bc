"""What a training process is told, and by whom it was started."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from prism_desktop.engine.runs.folder import Command, RunFolder
from prism_desktop.engine.runs.process_identity import is_alive


@dataclass(slots=True)
class Control:
    """Listens to control.json, and to whether the process
    that asked for the training still lives."""

    run: RunFolder
    parent: int | None = None  # process number; None: nobody waits for this training
    parent_born: str = ""
    # whether nobody waits for the work any more, so that it is about to be closed
    left: Callable[[], bool] = lambda: False
    # whether a stop ends the work at once, as going on would keep nothing more
    stop_ends: bool = True
    heard: float = field(default_factory=time.monotonic)  # when the work last asked what to do

    def poll(self) -> Command:
        """What to do now; the work asks this between two steps."""
        self.heard = time.monotonic()
        return self.order()

    def order(self) -> Command:
        """What was told. Whoever lost its parent stops and keeps: nobody would see or end it."""
        command = self.run.command()
        if (
            self.parent is not None
            and command in ("run", "pause")
            and not is_alive(self.parent, self.parent_born)
        ):
            return "stop"
        return command

    def ends(self) -> bool:
        """Whether what was told ends the work without any more of it being wanted."""
        order = self.order()
        wanted = self.run.order().tested is True
        return order == "discard" or (order == "stop" and self.stop_ends and not wanted)

    def untested(self) -> bool:
        """Whether a stop that was told ends the work here, before it is tested."""
        promised = self.run.order().tested
        return self.stop_ends if promised is None else not promised

    def wait_while_paused(self) -> None:
        """Return when something else than pause is told, or when nobody waits any more."""
        while self.poll() == "pause" and not self.left():
            time.sleep(0.1)
