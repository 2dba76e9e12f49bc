"""Versions of the protocol, and what is noted of sessions that follow one.

Runs in the writer's thread, inside a transaction; a version that was stored never changes.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, func, insert, select, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.checksums import protocol_checksum, session_checksum
from prism_desktop.engine.study.records import (
    Changes,
    ProtocolRecord,
    SessionRecord,
    new_id,
)
from prism_desktop.engine.study.writing import touch

_IN_FORCE = "protocol"  # key in `meta`: the identifier of the version that is followed


def put(connection: Connection, text: str) -> Changes:
    """Follow this protocol from now on: a new version, unless it is what the newest one says."""
    row = schema.ProtocolRow
    newest = connection.execute(
        select(row.uid, row.version, row.text).order_by(row.version.desc())
    ).first()
    if newest is not None and newest.text == text:
        uid = str(newest.uid)
    else:
        uid, created = new_id(), time.time()
        version = (connection.execute(select(func.max(row.version))).scalar() or 0) + 1
        connection.execute(
            insert(row).values(
                uid=uid,
                version=version,
                created=created,
                text=text,
                checksum=protocol_checksum(uid, version, created, text),
            )
        )
    _follow(connection, uid)
    return Changes(labelers=True)


def bring(
    connection: Connection, texts: Mapping[int, str], sessions: Sequence[tuple[SessionRecord, int]]
) -> Changes:
    """Take over versions from elsewhere and what followed them, all or nothing.

    Args:
        connection: inside a transaction.
        texts: TOML by the number of its version, oldest first; the newest is followed from now on.
        sessions: each with the number of the version that it followed, 0 for none.
    """
    kept: dict[int, str | None] = {0: None}
    for version, text in texts.items():
        put(connection, text)
        record = in_force(connection)
        assert record is not None
        kept[version] = record.id
    for session, version in sessions:
        note_session(connection, replace(session, protocol=kept[version]))
    return Changes(labelers=True)


def let_go(connection: Connection) -> Changes:
    """Follow none; the versions stay."""
    _follow(connection, "")
    return Changes(labelers=True)


def _follow(connection: Connection, uid: str) -> None:
    meta = schema.MetaRow
    connection.execute(delete(meta).where(meta.key == _IN_FORCE))
    if uid:
        connection.execute(insert(meta).values(key=_IN_FORCE, value=uid))
    touch(connection)


def versions(connection: Connection) -> tuple[ProtocolRecord, ...]:
    """All of them, oldest first."""
    row = schema.ProtocolRow
    rows = connection.execute(
        select(row.uid, row.version, row.created, row.text).order_by(row.version)
    )
    return tuple(ProtocolRecord(*each) for each in rows)


def in_force(connection: Connection) -> ProtocolRecord | None:
    """The version that sessions follow; None where labelers choose their task themselves."""
    meta = schema.MetaRow
    uid = connection.execute(select(meta.value).where(meta.key == _IN_FORCE)).scalar()
    return next((each for each in versions(connection) if each.id == uid), None)


def note_session(connection: Connection, session: SessionRecord) -> Changes:
    """Begin a session, or note of one that began what is known of it by now.

    Raises:
        InputError: the labeler or the protocol is not in the study, or the session is somebody
            else's.
    """
    row, people, kept = schema.SessionRow, schema.LabelerRow, schema.ProtocolRow
    labeler = connection.execute(select(people.id).where(people.code == session.labeler)).scalar()
    if labeler is None:
        raise InputError(f"There is no labeler {session.labeler!r} in this study.")
    protocol = None
    if session.protocol is not None:
        protocol = connection.execute(select(kept.id).where(kept.uid == session.protocol)).scalar()
        if protocol is None:
            raise InputError(f"There is no protocol {session.protocol!r} in this study.")
    made = session_checksum(
        session.id, session.labeler, session.started, session.ended, session.protocol,
        session.timing,
    )  # fmt: skip
    values = {
        "started": session.started, "ended": session.ended, "protocol_id": protocol,
        "timing": session.timing, "checksum": made,
    }  # fmt: skip
    owner = connection.execute(select(row.labeler_id).where(row.uid == session.id)).scalar()
    if owner is None:
        connection.execute(insert(row).values(uid=session.id, labeler_id=labeler, **values))
    elif owner == labeler:
        connection.execute(update(row).where(row.uid == session.id).values(**values))
    else:
        raise InputError(f"Session {session.id} is not one of {session.labeler}.")
    touch(connection)
    return Changes()
