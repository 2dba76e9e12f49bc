"""Trials are recorded, withdrawn and restored here.

Runs in the writer's thread, inside a transaction.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.pending import forget
from prism_desktop.engine.study.records import Changes, TrialId, TrialRecord
from prism_desktop.engine.study.writing import touch

_MANY = 64  # from here on, whole columns are read instead of single rows


def record(
    connection: Connection,
    trials: Sequence[TrialRecord],
    *,
    supersedes: TrialId | None = None,
    import_id: int | None = None,
) -> Changes:
    """Append trials that may refer to each other in any order.

    Raises:
        InputError: a trial is malformed or refers to something that the study has not; nothing is
            recorded then.
    """
    if not trials:
        return Changes()
    if supersedes is not None and len(trials) != 1:
        raise InputError("Only one trial at a time can correct another.")
    for trial in trials:
        _check(trial)
    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    keys = _Keys(connection, trials, import_id)
    superseded = _superseded(trials, supersedes)
    if supersedes is not None and _corrected(connection, keys.trial(supersedes, trials[0])):
        raise InputError("This answer was corrected already; correct the later one.")
    now = time.time()
    rows = [_row(trial, keys, superseded, now, import_id) for trial in trials]
    answers = [
        {
            "trial_id": row["id"],
            "attribute_id": keys.attribute(name),
            "value": _value(trial, answer),
            "raw": trial.raw.get(name),
        }
        for trial, row in zip(trials, rows, strict=True)
        for name, answer in trial.answers.items()
    ]
    connection.execute(insert(schema.TrialRow), rows)
    if import_id is None:
        for key, kind in {(row["labeler_id"], row["kind"]) for row in rows}:
            forget(connection, key, kind)
    if answers:
        connection.execute(insert(schema.AnswerRow), answers)
    touch(connection)
    return Changes(trials=frozenset(trial.labeler for trial in trials))


def withdraw(connection: Connection, trial: TrialId) -> Changes:
    """Take a current trial back; what it replaced counts again."""
    labeler, key, withdrawn, _ = _found(connection, trial)
    if withdrawn:
        return Changes()
    if _corrected(connection, key):
        raise InputError("This answer was corrected by a later one; take that one back first.")
    return _move(connection, key, labeler, "withdrawn")


def restore(connection: Connection, trial: TrialId) -> Changes:
    """Let a withdrawn trial count again."""
    labeler, key, withdrawn, replaces = _found(connection, trial)
    if not withdrawn:
        return Changes()
    if replaces is not None and _corrected(connection, replaces):
        raise InputError(
            "What this answer corrected was corrected again since; take that one back first."
        )
    return _move(connection, key, labeler, "restored")


def _corrected(connection: Connection, key: int) -> bool:
    """Whether a live trial supersedes this one."""
    row = schema.TrialRow
    return bool(
        connection.execute(
            select(row.id).where(row.supersedes_id == key, row.withdrawn == 0)
        ).first()
    )


def _found(connection: Connection, trial: TrialId) -> tuple[str, int, bool, int | None]:
    row, person = schema.TrialRow, schema.LabelerRow
    found = connection.execute(
        select(person.code, row.id, row.withdrawn, row.supersedes_id)
        .join(person, person.id == row.labeler_id)
        .where(row.uid == trial)
    ).first()
    if found is None:
        raise InputError(f"There is no trial {trial} in this study.")
    return found[0], found[1], bool(found[2]), found[3]


def _move(connection: Connection, key: int, labeler: str, event: str) -> Changes:
    withdrawn = int(event == "withdrawn")
    connection.execute(
        update(schema.TrialRow).where(schema.TrialRow.id == key).values(withdrawn=withdrawn)
    )
    connection.execute(
        insert(schema.TrialEventRow).values(trial_id=key, event=event, at=time.time())
    )
    touch(connection)
    return Changes(trials=frozenset({labeler}))


def _check(trial: TrialRecord) -> None:
    """Refuse what no labeler can have answered, before anything of the batch is written.

    Raises:
        InputError: what is wrong with it.
    """
    rating = trial.kind == "rating"
    if trial.kind not in ("rating", "comparison") or trial.status not in (
        "answered",
        "skipped",
        "withdrawn",
    ):
        raise InputError(
            f"A trial is a rating or comparison, answered, skipped or withdrawn: {trial.kind}, "
            f"{trial.status}."
        )
    if rating != (trial.right is None) or trial.left == trial.right:
        raise InputError("A rating shows one image, a comparison two different ones.")
    if bool(trial.answers) == (trial.status == "skipped") and trial.status != "withdrawn":
        raise InputError("An answered trial needs at least one answer, and a skipped one has none.")
    allowed: tuple[object, ...] = (1, 2, 3, 4) if rating else ("left", "right", "tie")
    for attribute, answer in trial.answers.items():
        if answer not in allowed or isinstance(answer, bool):
            raise InputError(
                f"{answer!r} is no answer to {attribute!r}: {', '.join(map(str, allowed))} are."
            )
    for number in (trial.onset, trial.seconds, trial.probability, trial.dropped_frames):
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise InputError(f"Times, probabilities and counts are not negative: {number}.")


def _value(trial: TrialRecord, answer: int | str) -> int:
    return int(answer) if trial.kind == "rating" else schema.OUTCOME_VALUE[str(answer)]


def _superseded(
    trials: Sequence[TrialRecord], supersedes: TrialId | None
) -> dict[TrialId, TrialId]:
    """Correcting trial -> corrected trial."""
    pairs = {trial.superseded_by: trial.id for trial in trials if trial.superseded_by is not None}
    missing = pairs.keys() - {trial.id for trial in trials}
    if missing:
        raise InputError(
            f"Trial {missing.pop()} is said to correct another, but it does not come with it."
        )
    if len(pairs) < sum(trial.superseded_by is not None for trial in trials):
        raise InputError("One trial is said to correct two others; nothing was recorded.")
    if supersedes is not None:
        pairs[trials[0].id] = supersedes
    return pairs


def _row(
    trial: TrialRecord,
    keys: "_Keys",
    superseded: dict[TrialId, TrialId],
    now: float,
    import_id: int | None,
) -> dict[str, Any]:
    """The trial's row; of the two it may correct and repeat the numbers are looked up, which
    refuses those of another labeler."""
    corrected = superseded.get(trial.id)
    return {
        "id": keys.own[trial.id],
        "uid": trial.id,
        "labeler_id": keys.labeler(trial.labeler),
        "session_id": keys.session(trial),
        "place": trial.order,
        "kind": trial.kind,
        "left_id": keys.image(trial.left),
        "right_id": None if trial.right is None else keys.image(trial.right),
        "onset": trial.onset,
        "seconds": trial.seconds,
        "skipped": int(not trial.answers),
        "skip_reason": trial.skip_reason,
        "withdrawn": int(trial.status == "withdrawn"),
        "supersedes_id": None if corrected is None else keys.trial(corrected, trial),
        "repeat_of_id": None if trial.repeat_of is None else keys.trial(trial.repeat_of, trial),
        "source": trial.source,
        "probability": trial.probability,
        "recorded": now,
        "import_id": import_id,
        "dropped_frames": trial.dropped_frames,
    }


class _Keys:
    """The database's numbers for the strings in records, looked up once each."""

    def __init__(
        self, connection: Connection, trials: Sequence[TrialRecord], import_id: int | None
    ) -> None:
        """Numbers of new trials follow the last one's, so that trials of one batch can refer to
        each other. Images are read all at once only for many trials: labeling records one at a
        time."""
        self._connection = connection
        self._import = import_id
        self._many = len(trials) > _MANY
        last = connection.execute(select(func.max(schema.TrialRow.id))).scalar() or 0
        self.own = {trial.id: last + 1 + number for number, trial in enumerate(trials)}
        if len(self.own) != len(trials):
            raise InputError("Two of the trials have the same id; nothing was recorded.")
        self._labelers: dict[str, int] = _pairs(
            connection, select(schema.LabelerRow.code, schema.LabelerRow.id)
        )
        self._attributes: dict[str, int] = _pairs(
            connection, select(schema.AttributeRow.name, schema.AttributeRow.id)
        )
        self._images: dict[str, int] = {}
        self._sessions: dict[str, tuple[int, int]] = {}
        if self._many:
            self._images = _pairs(
                connection, select(schema.StimulusRow.sha256, schema.StimulusRow.id)
            )
        self._refuse_known(trials)

    def labeler(self, code: str) -> int:
        return self._get(self._labelers, code, "labeler")

    def attribute(self, name: str) -> int:
        return self._get(self._attributes, name, "attribute")

    def image(self, image: str) -> int:
        if image not in self._images and not self._many:
            row = schema.StimulusRow
            found = self._connection.execute(select(row.id).where(row.sha256 == image)).scalar()
            if found is not None:
                self._images[image] = found
        return self._get(self._images, image, "image")

    def session(self, trial: TrialRecord) -> int:
        """The session's number; a session begins with its first trial."""
        labeler = self.labeler(trial.labeler)
        if trial.session not in self._sessions:
            row = schema.SessionRow
            found = self._connection.execute(
                select(row.id, row.labeler_id).where(row.uid == trial.session)
            ).first()
            self._sessions[trial.session] = (
                (found[0], found[1]) if found else (self._begin(trial, labeler), labeler)
            )
        key, owner = self._sessions[trial.session]
        if owner != labeler:
            raise InputError(
                f"Session {trial.session} belongs to another labeler than {trial.labeler}."
            )
        return key

    def _begin(self, trial: TrialRecord, labeler: int) -> int:
        values = {"uid": trial.session, "labeler_id": labeler, "import_id": self._import}
        made = self._connection.execute(
            insert(schema.SessionRow).values(**values)
        ).inserted_primary_key
        assert made is not None
        return int(made[0])

    def trial(self, other: TrialId, trial: TrialRecord) -> int:
        """The number of a trial that this one repeats or corrects."""
        if other in self.own:
            return self.own[other]
        labeler, key, _, _ = _found(self._connection, other)
        if labeler != trial.labeler:
            raise InputError("A trial can repeat or correct only one of the same labeler.")
        return key

    def _refuse_known(self, trials: Sequence[TrialRecord]) -> None:
        row = schema.TrialRow
        for start in range(0, len(trials), 500):
            ids = [trial.id for trial in trials[start : start + 500]]
            if known := self._connection.execute(select(row.uid).where(row.uid.in_(ids))).scalar():
                raise InputError(f"Trial {known} is in the study already; nothing was recorded.")

    @staticmethod
    def _get(keys: dict[str, int], name: str, what: str) -> int:
        try:
            return keys[name]
        except KeyError:
            raise InputError(f"There is no {what} {name!r} in this study.") from None


def _pairs(connection: Connection, query: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query)}
