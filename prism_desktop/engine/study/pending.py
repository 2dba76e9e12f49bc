"""Pending answers to a trial that is not complete yet, and which trials are asked for, how many and
in which order: all of it may change, unlike trials."""

from dataclasses import replace
from typing import get_args

from sqlalchemy import Connection, delete, insert, select, text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.records import (
    SET_ASIDE,
    Changes,
    ImageId,
    Kind,
    Order,
    PendingAnswers,
)
from prism_desktop.engine.study.row_rules import COUNTS
from prism_desktop.engine.study.stored_json import (
    flags,
    flags_to_json,
    pending_given,
    pending_place,
    pending_to_json,
)
from prism_desktop.engine.study.writing import touch

_TARGET = "target/"  # of the keys in `meta`
_ORDER = "order/"  # likewise


def keep(connection: Connection, pending: PendingAnswers) -> None:
    """Keep the answers given so far, in place of those kept before for this labeler and task.

    Raises:
        InputError: the labeler or an image is not in the study.
    """
    person = connection.execute(
        select(schema.LabelerRow.id).where(schema.LabelerRow.code == pending.labeler)
    ).scalar()
    if person is None:
        raise InputError(f"There is no labeler {pending.labeler!r} in this study.")
    forget(connection, person, pending.kind)
    connection.execute(
        insert(schema.PendingRow).values(
            labeler_id=person,
            kind=pending.kind,
            left_id=_image(connection, pending.left),
            right_id=None if pending.right is None else _image(connection, pending.right),
            answers=pending_to_json(pending),
            dropped_frames=pending.given.dropped_frames,
            flags=flags_to_json((*pending.given.flags, *pending.flags)),
        )
    )
    touch(connection)


def forget(connection: Connection, labeler: int, kind: str) -> None:
    """The trial was recorded: nothing of it is pending any more. `labeler` is the row's number."""
    row = schema.PendingRow
    connection.execute(delete(row).where(row.labeler_id == labeler, row.kind == kind))


def kept(connection: Connection, labeler: str, kind: Kind) -> PendingAnswers | None:
    """The answers given to a trial that was never completed."""
    row = connection.execute(
        text(
            """SELECT l.sha256, r.sha256, p.answers, p.dropped_frames, p.flags
            FROM pending AS p JOIN labeler ON labeler.id = p.labeler_id
            JOIN stimulus AS l ON l.id = p.left_id LEFT JOIN stimulus AS r ON r.id = p.right_id
            WHERE labeler.code = :labeler AND p.kind = :kind"""
        ),
        {"labeler": labeler, "kind": kind},
    ).first()
    given = None if row is None else pending_given(row[2], kind)
    if row is None or given is None:
        return None
    block, repeat_of = pending_place(row[2])
    of_trial = tuple(flag for flag in flags(row[4]) if flag in SET_ASIDE)
    of_given = tuple(flag for flag in flags(row[4]) if flag not in SET_ASIDE)
    given = replace(given, dropped_frames=row[3], flags=of_given)
    return PendingAnswers(labeler, kind, row[0], row[1], given, block, of_trial, repeat_of)


def targets(connection: Connection) -> dict[Kind, int]:
    """How many trials of each task a labeler is asked for, where someone said so."""
    rows = connection.execute(select(schema.MetaRow.key, schema.MetaRow.value))
    said = {
        key: value
        for key, value in rows
        if isinstance(value, str) and COUNTS[_TARGET].fullmatch(value)
    }
    kinds: tuple[Kind, ...] = ("comparison", "rating")
    return {kind: int(said[_TARGET + kind]) for kind in kinds if _TARGET + kind in said}


def set_target(connection: Connection, kind: Kind, count: int | None) -> Changes:
    """Ask every labeler for `count` trials of a task; None: as many as suit the number of images.

    Raises:
        InputError: not a positive number, or more than anybody could answer.
    """
    if count is not None and count < 1:
        raise InputError(f"At least one trial has to be asked for, not {count}.")
    if count is not None and not COUNTS[_TARGET].fullmatch(str(count)):
        raise InputError("At most 999,999,999 trials can be asked for.")
    row = schema.MetaRow
    connection.execute(delete(row).where(row.key == _TARGET + kind))
    if count is not None:
        connection.execute(insert(row).values(key=_TARGET + kind, value=str(count)))
    touch(connection)
    return Changes(labelers=True)


def orders(connection: Connection) -> dict[Kind, Order]:
    """In which order the trials of each task come."""
    rows = connection.execute(select(schema.MetaRow.key, schema.MetaRow.value))
    said = {key: value for key, value in rows}  # noqa: C416 - rows are no pairs to mypy
    known: dict[str, Order] = {order: order for order in get_args(Order)}
    kinds: tuple[Kind, ...] = ("comparison", "rating")
    return {kind: known.get(said.get(_ORDER + kind, ""), "random") for kind in kinds}


def set_order(connection: Connection, kind: Kind, order: Order) -> Changes:
    """Let the trials of a task come in this order, in every session that begins from now on."""
    row = schema.MetaRow
    connection.execute(delete(row).where(row.key == _ORDER + kind))
    connection.execute(insert(row).values(key=_ORDER + kind, value=order))
    touch(connection)
    return Changes(labelers=True)


def _image(connection: Connection, image: ImageId) -> int:
    found = connection.execute(
        select(schema.StimulusRow.id).where(schema.StimulusRow.sha256 == image)
    ).scalar()
    if found is None:
        raise InputError(f"There is no image {image!r} in this study.")
    return found
