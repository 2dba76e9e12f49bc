"""What a training process is told, and by whom it was started."""

import time
from dataclasses import dataclass

from prism_desktop.engine.runs.folder import Command, RunFolder
from prism_desktop.engine.runs.process_identity import is_alive


@dataclass(frozen=True, slots=True)
class Control:
    """Listens to control.json, and to whether the process
    that asked for the training still lives."""

    run: RunFolder
    parent: int | None = None  # process number; None: nobody waits for this training
    parent_born: str = ""

    def poll(self) -> Command:
        """What to do now. Whoever lost its parent stops and keeps: nobody would see or end it."""
        command = self.run.command()
        if (
            self.parent is not None
            and command in ("run", "pause")
            and not is_alive(self.parent, self.parent_born)
        ):
            return "stop"
        return command

    def wait_while_paused(self) -> None:
        """Return when something else than pause is told."""
        while self.poll() == "pause":
            time.sleep(0.1)
