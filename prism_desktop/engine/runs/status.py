"""How a run stands: `status.json`, and whether the process that it names is still there.

A process of this computer is asked of the system. One of another computer, which works in the
folder over a shared disk, writes the time every few seconds (`beat`); it is there as long as it
does.
"""

import os
import threading
import time
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from prism_desktop.engine.errors import TakenOverError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.process_identity import birth, this_host, this_job, works
from prism_desktop.engine.runs.stored import Moment, Stored

# interrupted: also where the status says that the run goes on, but its process is gone
State = Literal[
    "preparing", "training", "paused", "finished", "stopped", "failed", "discarded", "interrupted"
]
Command = Literal["run", "pause", "stop", "discard"]

ACTIVE: frozenset[State] = frozenset({"preparing", "training", "paused"})
ENDED: frozenset[State] = frozenset({"finished", "stopped", "failed", "discarded", "interrupted"})


BEAT_SECONDS = 20.0  # between two times that a process says that it is there
# without one, after which nobody on another computer takes it to be there; attributes of files on
# a network's disk may be a minute old
SILENT_SECONDS = 150.0
# a beat must not write over what the process itself says meanwhile
_writing = threading.Lock()

# what a run is whose process died on an order
_LEFT: dict[Command, State] = {"stop": "stopped", "discard": "discarded"}
CUT_SHORT = "Stopped before it was tested; resume goes on from what was kept."


class Status(Stored):
    """How a run stands."""

    state: State = "interrupted"
    # the process that works on it
    pid: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    born: str = ""  # tells that process from a later one with the same number
    host: str = ""  # the computer that it works on; empty of earlier versions
    job: str = ""  # of Slurm, that the process is part of
    started: Moment = 0.0  # unix seconds
    updated: Moment = 0.0  # unix seconds
    message: str = ""  # one sentence on a failure, otherwise empty
    advice: str = ""  # what to do about it

    @field_validator("state", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return value if value in get_args(State) else "interrupted"

    @property
    def here(self) -> bool:
        """Whether its process is one of this computer's."""
        return self.host in ("", this_host())

    @property
    def ours(self) -> bool:
        """Whether this process is the one that works on the run."""
        return self.here and self.pid == os.getpid()

    @property
    def where(self) -> str:
        """The other computer that works on the run, for a sentence; empty of this one."""
        job = f" (Slurm job {self.job})" if self.job else ""
        return "" if self.here else f" on {self.host}{job}"

    def works(self) -> bool:
        """Whether the process that it names is there."""
        if self.here:
            return works(self.pid, self.born)
        return bool(self.pid) and abs(time.time() - self.updated) < SILENT_SECONDS


class Order(Stored):
    """What a run's process is told to do; what this version does not know is passed over."""

    command: Command = "run"
    # of a stop: whether the user was told that the model is kept and tested; None: nobody was told
    tested: bool | None = None

    @field_validator("command", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return value if value in get_args(Command) else "run"


def read_status(run: Path) -> Status:
    """How the run in a folder stands now.

    One whose process died without a word is "interrupted", or what it had been told to be.
    """
    stored = Status.load(run / layout.STATUS) or Status()
    update: dict[str, object] = {}
    if stored.state in ACTIVE and not stored.works():
        order = Order.load(run / layout.CONTROL) or Order()
        state = _LEFT.get(order.command, "interrupted")
        update |= {"state": state, "message": CUT_SHORT if state == "stopped" else stored.message}
    if "started" not in stored.model_fields_set:
        update["started"] = stored.updated
    return stored.model_copy(update=update)


def write_status(
    run: Path, state: State, *, pid: int | None = None, message: str = "", advice: str = ""
) -> None:
    """Record how the run in a folder stands; `pid` is the
    process that works on it (None: nobody does, or will)."""
    with _writing:
        now, before = time.time(), Status.load(run / layout.STATUS)
        known = before is not None and "started" in before.model_fields_set
        Status(
            state=state,
            pid=pid,
            born=birth(pid) if pid else "",
            host=this_host() if pid else "",
            job=this_job() if pid else "",
            started=before.started if before is not None and known else now,
            updated=now,
            message=message,
            advice=advice,
        ).save(run / layout.STATUS)


def check_ours(run: Path) -> None:
    """Ask whether the run in a folder is still this process's, which said that it works on it.

    Raises:
        TakenOverError: it is not; nothing of it may be changed from here.
    """
    stored = Status.load(run / layout.STATUS)
    if stored is None:  # it cannot be read for now
        return
    goes_on = stored.state in ACTIVE
    if goes_on and (stored.ours or not stored.pid):
        return
    now = f"goes on{stored.where}, in another process" if goes_on else f"is {stored.state} by now"
    raise TakenOverError(
        f"The run {run.name} {now}, as nothing was heard of this one for a while; this one has "
        "left it.",
        run,
    )


def beat(run: Path) -> None:
    """Say that this process still works on the run in a folder, if that is so."""
    with _writing:
        stored = Status.load(run / layout.STATUS)
        if stored is not None and stored.state in ACTIVE and stored.ours:
            fresh = stored.model_copy(update={"updated": time.time()})
            fresh.save(run / layout.STATUS)
