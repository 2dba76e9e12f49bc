"""How a run stands: `status.json`, and whether the process that it names is still there."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from prism_desktop.engine.atomic import read_json, write_json
from prism_desktop.engine.runs.process_identity import birth, is_alive

# interrupted: also where the status says that the run goes on, but its process is gone
State = Literal[
    "preparing", "training", "paused", "finished", "stopped", "failed", "discarded", "interrupted"
]
Command = Literal["run", "pause", "stop", "discard"]

ACTIVE: frozenset[State] = frozenset({"preparing", "training", "paused"})
ENDED: frozenset[State] = frozenset({"finished", "stopped", "failed", "discarded", "interrupted"})
_FILE = "status.json"


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands."""

    state: State
    pid: int | None  # the process that works on it
    born: str  # tells that process from a later one with the same number
    started: float  # unix seconds
    updated: float  # unix seconds
    message: str  # one sentence on a failure, otherwise empty
    advice: str  # what to do about it


def read_status(run: Path) -> Status:
    """How the run in a folder stands now; "interrupted" if its process died without a word."""
    stored = read_json(run / _FILE) or {}
    state: State = stored["state"] if stored.get("state") in get_args(State) else "interrupted"
    pid, born = stored.get("pid"), str(stored.get("born", ""))
    if state in ACTIVE and not is_alive(pid, born):
        state = "interrupted"
    updated = float(stored.get("updated", 0.0))
    started = float(stored.get("started", updated))
    return Status(
        state,
        pid,
        born,
        started,
        updated,
        str(stored.get("message", "")),
        str(stored.get("advice", "")),
    )


def write_status(
    run: Path, state: State, *, pid: int | None = None, message: str = "", advice: str = ""
) -> None:
    """Record how the run in a folder stands; `pid` is the
    process that works on it (None: nobody does, or will)."""
    now = time.time()
    started = (read_json(run / _FILE) or {}).get("started", now)
    status = Status(state, pid, birth(pid) if pid else "", started, now, message, advice)
    write_json(run / _FILE, asdict(status))
