"""Imports: everything of one source in one transaction, and out again.

Runs in the writer's thread.
"""

import time
from pathlib import Path

from sqlalchemy import Connection, insert, select, text, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import relink, schema, trials, writing
from prism_desktop.engine.study.embeddings import path_of
from prism_desktop.engine.study.queries import report_from_json, report_to_json
from prism_desktop.engine.study.records import Changes, ImportBatch


def apply(connection: Connection, study: Path, batch: ImportBatch) -> Changes:
    """Bring in a batch under its report's id."""
    row, report = schema.ImportRow, batch.report
    values = {
        "uid": report.id,
        "source": report.source,
        "format": report.format,
        "created": time.time(),
        "report": report_to_json(report),
    }
    if connection.execute(select(row.id).where(row.uid == report.id)).first():
        raise InputError(f"Import {report.id} is in the study already; nothing was changed.")
    made = connection.execute(insert(row).values(**values)).inserted_primary_key
    assert made is not None
    key: int = made[0]
    codes = set(connection.execute(select(schema.LabelerRow.code)).scalars())
    people = [labeler for labeler in batch.labelers if labeler.code not in codes]
    names = set(connection.execute(select(schema.AttributeRow.name)).scalars())
    judged = [attribute for attribute in batch.attributes if attribute.name not in names]
    changes = writing.add_labelers(connection, people, key) | writing.add_attributes(
        connection, judged, key
    )
    for attribute in batch.revised:
        wording = writing.attribute_values(
            attribute.question, attribute.scale_labels, attribute.templates
        )
        changes |= writing.update_attribute(connection, attribute.name, wording)
    images = writing.add_images(connection, study, batch.images, copied=batch.copied, import_id=key)
    changes |= relink.link(connection, batch.moved, study)
    return changes | images.changes | trials.record(connection, batch.trials, import_id=key)


def undo(connection: Connection, study: Path, import_id: str) -> tuple[Changes, list[Path]]:
    """Take a batch out again.

    Also returns files that may go once this is committed: copied images, embeddings.
    """
    row = schema.ImportRow
    found = connection.execute(
        select(row.id, row.source, row.undone, row.report).where(row.uid == import_id)
    ).first()
    if found is None:
        raise InputError(f"There is no import {import_id} in this study.")
    key, source, undone, report = found
    if undone is not None:
        raise InputError(f"The import of {source} was undone already; nothing was changed.")
    _refuse_if_built_upon(connection, key, source)
    people = connection.execute(
        text(
            "SELECT DISTINCT p.code FROM trial AS t JOIN labeler AS p ON p.id = t.labeler_id "
            "WHERE t.import_id = :key"
        ),
        {"key": key},
    ).scalars()
    touched = frozenset(people)
    copies = _remove(connection, study, key)
    if embeddings := report_from_json(report, 0.0, None).mapping.get("embeddings"):
        copies.append(path_of(study, str(embeddings)))
    connection.execute(update(row).where(row.id == key).values(undone=time.time()))
    writing.touch(connection)
    return Changes(images=True, labelers=True, attributes=True, trials=touched), copies


def _refuse_if_built_upon(connection: Connection, key: int, source: str) -> None:
    later = connection.execute(
        text(
            # A join on either column would compare every trial with every other.
            """WITH brought AS (SELECT id FROM trial WHERE import_id = :key)
            SELECT count(*) FROM trial WHERE import_id IS NOT :key
            AND (repeat_of_id IN (SELECT id FROM brought)
                 OR supersedes_id IN (SELECT id FROM brought))"""
        ),
        {"key": key},
    ).scalar_one()
    if later:
        raise InputError(
            f"The import of {source} cannot be undone: {later} later answers repeat or correct "
            "trials that it brought. Nothing was changed."
        )


def _remove(connection: Connection, study: Path, key: int) -> list[Path]:
    """Trials first, then whatever nothing uses any more.

    The rest belongs to the study from now on.
    """
    brought = "SELECT id FROM trial WHERE import_id = :key"
    used = {
        "session": "SELECT session_id FROM trial",
        "stimulus": "SELECT left_id FROM trial UNION SELECT right_id FROM trial WHERE right_id IS "
        "NOT NULL",
        "attribute": "SELECT attribute_id FROM answer",
        "labeler": "SELECT labeler_id FROM session",
    }
    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    connection.execute(text(f"DELETE FROM answer WHERE trial_id IN ({brought})"), {"key": key})
    connection.execute(text(f"DELETE FROM trial_event WHERE trial_id IN ({brought})"), {"key": key})
    connection.execute(text("DELETE FROM trial WHERE import_id = :key"), {"key": key})
    copies = connection.execute(
        text(
            "SELECT path FROM stimulus WHERE import_id = :key AND copied AND id NOT IN "
            f"({used['stimulus']})"
        ),
        {"key": key},
    ).scalars()
    paths = [study / path for path in copies]
    for table, users in used.items():
        connection.execute(
            text(f"DELETE FROM {table} WHERE import_id = :key AND id NOT IN ({users})"),
            {"key": key},
        )
        connection.execute(
            text(f"UPDATE {table} SET import_id = NULL WHERE import_id = :key"), {"key": key}
        )
    return paths
