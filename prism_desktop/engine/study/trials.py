"""Trials are recorded, withdrawn and restored here.

Runs in the writer's thread, inside a transaction.
"""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.checksums import event_checksum
from prism_desktop.engine.study.pending import forget
from prism_desktop.engine.study.recording import FoundTrial, Recorder, find_trial
from prism_desktop.engine.study.records import Changes, TrialId, TrialRecord
from prism_desktop.engine.study.writing import touch


def record(
    connection: Connection, trials: Sequence[TrialRecord], *, supersedes: TrialId | None = None
) -> Changes:
    """Append trials that may refer to each other in any order.

    Raises:
        InputError: a trial is malformed or refers to something that the study has not; nothing is
            recorded then.
    """
    if not trials:
        return Changes()
    corrected = None
    if supersedes is not None:
        if len(trials) != 1:
            raise InputError("Only one trial at a time can correct another.")
        corrected = _correctable(connection, supersedes, trials[0].labeler)
    recorder = Recorder(connection)
    recorder.add(trials, corrected)
    return recorder.finish()


def _correctable(connection: Connection, trial: TrialId, labeler: str) -> tuple[int, TrialId]:
    """Number and identifier of the trial that is to be corrected."""
    found = find_trial(connection, trial)
    if found.labeler != labeler:
        raise InputError("A trial can repeat or correct only one of the same labeler.")
    if _corrected(connection, found.key):
        raise InputError("This answer was corrected already; correct the later one.")
    return found.key, trial


def withdraw(connection: Connection, trial: TrialId) -> Changes:
    """Take a current trial back; what it replaced counts again."""
    found = find_trial(connection, trial)
    if found.withdrawn:
        return Changes()
    if _corrected(connection, found.key):
        raise InputError("This answer was corrected by a later one; take that one back first.")
    return _move(connection, trial, found, "withdrawn")


def restore(connection: Connection, trial: TrialId) -> Changes:
    """Let a withdrawn trial count again; what of it was kept as unfinished is no longer."""
    found = find_trial(connection, trial)
    if not found.withdrawn:
        return Changes()
    if found.supersedes is not None and _corrected(connection, found.supersedes):
        raise InputError(
            "What this answer corrected was corrected again since; take that one back first."
        )
    kind = select(schema.TrialRow.kind).where(schema.TrialRow.id == found.key)
    forget(connection, found.labeler_key, connection.execute(kind).scalar_one())
    return _move(connection, trial, found, "restored")


def _corrected(connection: Connection, key: int) -> bool:
    """Whether a live trial supersedes this one."""
    row = schema.TrialRow
    return bool(
        connection.execute(
            select(row.id).where(row.supersedes_id == key, row.withdrawn == 0)
        ).first()
    )


def _move(connection: Connection, trial: TrialId, found: FoundTrial, event: str) -> Changes:
    at, withdrawn = time.time(), int(event == "withdrawn")
    connection.execute(
        update(schema.TrialRow).where(schema.TrialRow.id == found.key).values(withdrawn=withdrawn)
    )
    checksum = event_checksum(trial, event, at)
    connection.execute(
        insert(schema.TrialEventRow).values(
            trial_id=found.key, event=event, at=at, checksum=checksum
        )
    )
    touch(connection)
    return Changes(trials=frozenset({found.labeler}))
