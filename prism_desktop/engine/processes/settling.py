"""What becomes of the folder of a run whose process died on an order."""

import contextlib
from pathlib import Path

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.run_events import Stage, Stopped
from prism_desktop.engine.runs.status import CUT_SHORT, Status


def settle_run(run: RunFolder) -> None:
    """Put the folder of a run right whose process died on an order: carry the order out."""
    stored = Status.load(run.path / layout.STATUS) or Status()
    state = run.status().state
    if state == "discarded":
        begun = [*_begun_for(run, stored), run]
        try:
            for each in begun:
                each.delete()
        except RunError as error:
            with contextlib.suppress(OSError):
                if run.exists:  # it is still there to be told of
                    run.set_status("failed", message=str(error))
    elif state == "stopped" and stored.state in ACTIVE:
        run.set_status("stopped", message=CUT_SHORT)
        with contextlib.closing(EventLog(run)) as log:
            log.write(Stopped())


def _begun_for(run: RunFolder, stored: Status) -> list[RunFolder]:
    """What the run's process was training for it when it died."""
    names = {event.run for event in run.events()[0] if isinstance(event, Stage)}
    found = [RunFolder(run.path.with_name(name)) for name in names if Path(name).name == name != ""]
    known = [(one, Status.load(one.path / layout.STATUS) or Status()) for one in found]
    return [
        one
        for one, status in known
        if status.state in ACTIVE
        and status.pid
        and (status.pid, status.host) == (stored.pid, stored.host)
    ]
