"""Trains a run in this process, and records whatever goes wrong with it in the run's folder."""

import contextlib
import traceback
from collections.abc import Generator
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import PrismError, TakenOverError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.processes.failures import describe, refused
from prism_desktop.engine.processes.process_setup import lower_priority, prepare_torch
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Failed

if TYPE_CHECKING:
    from prism_desktop.engine.training.resources import ResourceCache


def train_reported(
    run: RunFolder, control: Control, resource_cache: "ResourceCache | None" = None
) -> Generator[Progress, None, None]:
    """Train; the run's status and events tell the rest.

    Closing this leaves the run interrupted, to be gone on with.

    Args:
        run: a run with a snapshot.
        control: what the user tells.
        resource_cache: what earlier runs left open.

    Yields:
        The same progress again and again, between two steps.

    Raises:
        TakenOverError: the run is no longer this process's, so that its folder tells of others.
        Exception: whatever else went wrong, when it is the run's status and last event.
    """
    failure: Exception | None = None
    try:
        session = _session(run, control, resource_cache)
        prepare_torch(run)
        lower_priority()  # only now: the imports above are what the user waits for
        with contextlib.closing(session) as events:
            for _ in events:
                yield Progress(0, None, "Training")
    except TakenOverError:
        raise
    except Exception as error:
        failure = error
        if not isinstance(error, PrismError):
            traceback.print_exc()
        # Tensors hang on the frames of the traceback; without them there may be memory again to
        # report with.
        failure.__traceback__ = failure.__context__ = failure.__cause__ = None
    except BaseException:  # closed, or the process is asked to end
        run.abandon()
        raise
    if failure is not None:
        _report(run, failure)
        raise failure


def _session(
    run: RunFolder, control: Control, resource_cache: "ResourceCache | None"
) -> Generator[object, None, None]:
    """The training of a run's task."""
    if run.task == "writing":
        from prism_desktop.engine.writing.writing_session import write_run

        return write_run(run, control)
    from prism_desktop.engine.training.session import train_run

    return train_run(run, control, resource_cache=resource_cache)


def _report(run: RunFolder, failure: Exception) -> None:
    message, advice = describe(failure, run)
    with contextlib.closing(EventLog(run)) as log:
        log.write(Failed(message=message, advice=advice, refused=refused(failure, run)))
    run.set_status("failed", message=message, advice=advice)
