"""Undo and redo without limit over the store's append-only log."""

from collections.abc import Iterable

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import Changes, SessionRecord, TrialId, TrialRecord
from prism_desktop.engine.study.store import Study


class History:
    """What can be taken back and what can be brought back.

    Every step is durable before it returns.
    """

    def __init__(self, study: Study, done: Iterable[TrialId] = ()) -> None:
        """`done`: trials recorded earlier that may be taken back, oldest first."""
        self._study = study
        self._done = list(done)
        self._undone: list[TrialId] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back that can be brought back."""
        return bool(self._undone)

    def record(
        self,
        trial: TrialRecord,
        *,
        corrects: TrialId | None = None,
        session: SessionRecord | None = None,
    ) -> Changes:
        """Append a trial, the first of a session with what is noted of that.

        What was undone before it can no longer be redone, but stays in the log.
        """
        changes = self._study.record(trial, supersedes=corrects, session=session)
        self._done.append(trial.id)
        self._undone.clear()
        return changes

    def undo(self) -> Changes:
        """Take the latest trial back.

        Raises:
            InputError: there is none.
        """
        if not self._done:
            raise InputError("There is nothing to undo.")
        changes = self._study.withdraw(self._done[-1])
        self._undone.append(self._done.pop())
        return changes

    def redo(self) -> Changes:
        """Bring back the trial taken back last.

        Raises:
            InputError: there is none.
        """
        if not self._undone:
            raise InputError("There is nothing to redo.")
        changes = self._study.restore(self._undone[-1])
        self._done.append(self._undone.pop())
        return changes
