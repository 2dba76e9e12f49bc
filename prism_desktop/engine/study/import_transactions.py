"""Imports: everything of one source in one transaction, and out again.

Runs in the writer's thread.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select, text, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study import checksums, facts, relink, schema, text_rows, writing
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.embeddings import path_of
from prism_desktop.engine.study.recording import Recorder
from prism_desktop.engine.study.records import (
    Changes,
    ImportBatch,
    LabelerRecord,
    NewImage,
    Rescaled,
    TrialRecord,
)
from prism_desktop.engine.study.stimulus_kinds import drop_usual
from prism_desktop.engine.study.stored_json import (
    dismissed_places,
    report_from_json,
    report_to_json,
)
from prism_desktop.engine.study.texts import new_text_id

CHUNK: Final = 20_000  # trials that exist as records at one time
# What of an import may be used by later work, and by which rows.
_USED: Final = {
    "stimulus": "SELECT left_id FROM trial UNION SELECT right_id FROM trial WHERE right_id IS NOT "
    "NULL UNION SELECT owner_id FROM fact WHERE owner_kind = 'image' UNION SELECT left_id FROM "
    "pending UNION SELECT right_id FROM pending WHERE right_id IS NOT NULL",
    "attribute": "SELECT attribute_id FROM answer",
    "labeler": "SELECT author_id FROM stimulus_text WHERE author_id IS NOT NULL UNION SELECT "
    "labeler_id FROM own_text UNION SELECT labeler_id FROM session UNION SELECT owner_id FROM fact "
    "WHERE owner_kind = 'rater' UNION SELECT labeler_id FROM pending",
}
_RESCALING: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS step (raw REAL PRIMARY KEY, value INTEGER)",
    "CREATE TEMP TABLE IF NOT EXISTS moved "
    "(trial_id INTEGER PRIMARY KEY, attribute_id INTEGER, value INTEGER, raw REAL, onset REAL, "
    "seconds REAL)",
    "DELETE FROM temp.step",
    "DELETE FROM temp.moved",
)
# Answers whose step changes; one without a place on the scale has none.
_MOVED: Final = """INSERT INTO temp.moved
SELECT a.trial_id, a.attribute_id, s.value, coalesce(a.raw, a.value), a.onset, a.seconds
FROM answer AS a JOIN trial AS t ON t.id = a.trial_id
LEFT JOIN temp.step AS s ON s.raw = coalesce(a.raw, a.value)
WHERE a.attribute_id = (SELECT id FROM attribute WHERE name = ?) AND t.kind = 'rating'
AND a.value IS NOT NULL
AND t.import_id IS NOT NULL AND t.source = 'imported' AND s.value IS NOT a.value"""


def apply(
    connection: Connection,
    study: Path,
    batch: ImportBatch,
    *,
    replaces: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Changes, list[Path]]:
    """Bring in a batch under its report's id, in place of another import if one is named.

    Also returns files that may go once this is committed, as `undo` does. `progress` is told how
    many trials are recorded; what it raises undoes everything.
    """
    if batch.basis and batch.basis != basis(connection):
        raise InputError(
            "The study has changed since the files were looked at; look at them again. Nothing was "
            "imported."
        )
    old = None if replaces is None else _begin_undo(connection, replaces)
    key = _add_import(connection, batch)
    changes = Changes(imports=True)
    if old is not None:
        changes |= old.changes
        _inherit(connection, old.key, key, batch)
    changes |= _people_and_attributes(connection, batch, key)
    images = writing.add_images(connection, study, batch.images, copied=batch.copied, import_id=key)
    if old is not None and batch.texts:
        text_rows.succeed(connection, batch.texts, old.key, key, _USED["stimulus"])
    texts = text_rows.add_texts(connection, batch.texts, key)
    changes |= texts.changes | text_rows.add_own_texts(connection, batch.own_texts, key)
    changes |= images.changes | relink.link(connection, batch.moved, study)
    for rescaled in batch.rescaled:
        changes |= rescale(connection, rescaled)
    changes |= _record(connection, batch.trials, key, progress)
    changes |= facts.add(connection, batch.facts, key)
    writing.touch(connection)
    return changes, [] if old is None else _finish_undo(connection, study, old, heir=key)


def basis(connection: Connection) -> str:
    """What an import rests on: which imports, images, labelers and attributes there are.

    Answers that are labeled meanwhile change nothing about how a file is read.
    """
    counts = connection.execute(
        text(
            "SELECT (SELECT group_concat(uid || coalesce(undone, '')) FROM import), "
            "(SELECT count(*) || '-' || max(id) FROM stimulus), "
            "(SELECT count(*) || '-' || max(id) FROM labeler), "
            "(SELECT count(*) || '-' || max(id) FROM own_text), "
            "(SELECT count(*) || '-' || max(id) FROM attribute)"
        )
    ).one()
    return sha256(repr(tuple(counts)).encode()).hexdigest()


def undo(connection: Connection, study: Path, import_id: str) -> tuple[Changes, list[Path]]:
    """Take a batch out again.

    Also returns files that may go once this is committed: copied images, embeddings.
    """
    old = _begin_undo(connection, import_id)
    copies = _finish_undo(connection, study, old, heir=None)
    writing.touch(connection)
    return old.changes, copies


def dismiss_doubts(
    connection: Connection, import_id: str, places: Collection[int] | None
) -> Changes:
    """Remember that somebody looked at doubts of an import; None: at all of them.

    Raises:
        InputError: there is no such import or doubt.
    """
    row = schema.ImportRow
    found = connection.execute(
        select(row.id, row.report, row.dismissed).where(row.uid == import_id)
    ).first()
    if found is None:
        raise InputError(f"There is no import {import_id} in this study.")
    known = range(len(report_from_json(found[1]).doubts))
    chosen = set(known if places is None else places)
    if unknown := chosen - set(known):
        raise InputError(
            f"The import has {counted(len(known), 'doubt')}, numbered from 0, and none "
            f"{min(unknown)}."
        )
    before = set(dismissed_places(found[2]))
    if chosen <= before:
        return Changes()
    connection.execute(
        update(row).where(row.id == found[0]).values(dismissed=json.dumps(sorted(before | chosen)))
    )
    writing.touch(connection)
    return Changes(imports=True)


def rescale(connection: Connection, rescaled: Rescaled) -> Changes:
    """Put imported ratings of an attribute on the study's steps again, from what their files say.

    Answers cannot be changed, but those that an import brought can be written again.

    Raises:
        InputError: a step is none, or a rating has none.
    """
    driver = driver_of(connection)
    if bad := [step for step in rescaled.steps.values() if step not in (1, 2, 3, 4)]:
        raise InputError(f"{bad[0]!r} is no rating of the study's: 1, 2, 3, 4 are.")
    for statement in _RESCALING:
        driver.execute(statement)
    steps = [(float(raw), int(step)) for raw, step in rescaled.steps.items()]
    driver.executemany("INSERT INTO temp.step VALUES (?, ?)", steps)
    driver.execute(_MOVED, (rescaled.attribute,))
    lacking = driver.execute("SELECT raw FROM temp.moved WHERE value IS NULL LIMIT 1").fetchone()
    if lacking is not None:
        raise InputError(
            f"An earlier rating {lacking[0]:g} of {rescaled.attribute!r} has no place on the "
            "scale; nothing was changed."
        )
    driver.execute(
        "DELETE FROM answer WHERE (trial_id, attribute_id) IN "
        "(SELECT trial_id, attribute_id FROM temp.moved)"
    )
    driver.execute(
        "INSERT INTO answer (trial_id, attribute_id, value, raw, onset, seconds) "
        "SELECT trial_id, attribute_id, value, raw, onset, seconds FROM temp.moved"
    )
    checksums.fill(driver, "t.id IN (SELECT trial_id FROM temp.moved)")
    people = driver.execute(
        "SELECT DISTINCT p.code FROM temp.moved AS m JOIN trial AS t ON t.id = m.trial_id "
        "JOIN labeler AS p ON p.id = t.labeler_id"
    )
    return Changes(trials=frozenset(code for (code,) in people))


@dataclass(frozen=True, slots=True)
class _Undone:
    """An import whose trials are gone."""

    key: int
    embeddings: str  # the name of a set that it brought
    changes: Changes


def _add_import(connection: Connection, batch: ImportBatch) -> int:
    row, report = schema.ImportRow, batch.report
    if connection.execute(select(row.id).where(row.uid == report.id)).first():
        raise InputError(f"Import {report.id} is in the study already; nothing was changed.")
    values = {
        "uid": report.id,
        "source": report.source,
        "format": report.format,
        "created": time.time(),
        "report": report_to_json(report),
        "dismissed": json.dumps(sorted(report.dismissed)),
    }
    made = connection.execute(insert(row).values(**values)).inserted_primary_key
    assert made is not None
    return int(made[0])


def _people_and_attributes(connection: Connection, batch: ImportBatch, key: int) -> Changes:
    """Those that the study has not yet, what is said of people of whom only the code is known, and
    new wordings of attributes that it has."""
    codes = set(connection.execute(select(schema.LabelerRow.code)).scalars())
    changes = _introduce(connection, [each for each in batch.labelers if each.code in codes])
    people = [labeler for labeler in batch.labelers if labeler.code not in codes]
    if batch.instead_of_usual and drop_usual(connection, batch.instead_of_usual):
        changes |= Changes(attributes=True)
    names = set(connection.execute(select(schema.AttributeRow.name)).scalars())
    judged = [attribute for attribute in batch.attributes if attribute.name not in names]
    changes |= writing.add_labelers(connection, people, key)
    changes |= writing.add_attributes(connection, judged, key)
    for attribute in batch.revised:
        wording = writing.attribute_values(
            attribute.question, attribute.scale_labels, attribute.templates
        )
        changes |= writing.update_attribute(connection, attribute.name, wording)
        if attribute.confirmed:
            changes |= writing.confirm_attribute(connection, attribute.name)
    return changes


def _introduce(connection: Connection, people: Iterable[LabelerRecord]) -> Changes:
    """What is said of people of whom the study knows the code alone; it outlives an undo."""
    row, known = schema.LabelerRow, False
    for each in people:
        nothing_said = (row.display_name == "") & (row.profile == "") & (row.simulated == 0)
        said = {
            "display_name": each.display_name,
            "profile": each.profile,
            "simulated": int(each.simulated),
        }
        if each != LabelerRecord(each.code):
            changed = connection.execute(
                update(row).where((row.code == each.code) & nothing_said).values(**said)
            )
            known |= changed.rowcount > 0
    return Changes(labelers=known)


def _record(
    connection: Connection,
    trials: Iterable[TrialRecord],
    key: int,
    progress: Callable[[int], None] | None,
) -> Changes:
    recorder, coming = Recorder(connection, key), iter(trials)
    while chunk := list(islice(coming, CHUNK)):
        recorder.add(chunk)
        if progress is not None:
            progress(recorder.count)
    return recorder.finish()


def _begin_undo(connection: Connection, import_id: str) -> _Undone:
    """Remove the trials, sessions and facts that an import brought.

    Raises:
        InputError: there is no such import, it was undone, or later work builds upon it.
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
    brought = "SELECT id FROM trial WHERE import_id = :key"
    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    for removal in (
        f"DELETE FROM answer WHERE trial_id IN ({brought})",
        f"DELETE FROM trial_event WHERE trial_id IN ({brought})",
        "DELETE FROM trial WHERE import_id = :key",
        "DELETE FROM fact WHERE import_id = :key",
        "DELETE FROM own_text WHERE import_id = :key",
        "DELETE FROM session WHERE import_id = :key AND id NOT IN (SELECT session_id FROM trial)",
        "UPDATE session SET import_id = NULL WHERE import_id = :key",
    ):
        connection.execute(text(removal), {"key": key})
    connection.execute(update(row).where(row.id == key).values(undone=time.time()))
    embeddings = report_from_json(report).mapping.get("embeddings")
    changes = Changes(images=True, labelers=True, attributes=True, trials=touched, imports=True)
    return _Undone(key, embeddings if isinstance(embeddings, str) else "", changes)


def _finish_undo(
    connection: Connection, study: Path, old: _Undone, *, heir: int | None
) -> list[Path]:
    """Remove what nothing uses any more; the rest belongs to `heir`, or to the study itself."""
    copies = connection.execute(
        text(
            "SELECT path FROM stimulus WHERE import_id = :key AND copied AND id NOT IN "
            f"({_USED['stimulus']})"
        ),
        {"key": old.key},
    ).scalars()
    paths = [study / path for path in copies]
    for table, users in _USED.items():
        connection.execute(
            text(f"DELETE FROM {table} WHERE import_id = :key AND id NOT IN ({users})"),
            {"key": old.key},
        )
        connection.execute(
            text(f"UPDATE {table} SET import_id = :heir WHERE import_id = :key"),
            {"key": old.key, "heir": heir},
        )
    if old.embeddings and heir is None:
        with suppress(InputError):  # a damaged report may name none that can be
            paths.append(path_of(study, old.embeddings))
    return paths


def _inherit(connection: Connection, old: int, heir: int, batch: ImportBatch) -> None:
    """What both a replaced import and its successor bring is the successor's.

    An attribute that the old one guessed, and the new one does not, is confirmed.
    """
    driver = driver_of(connection)
    for table, column, names in (
        (
            "stimulus",
            "sha256",
            [image.sha256 for image in map(NewImage._make, batch.images)]
            + [new_text_id(each) for each in batch.texts],
        ),
        ("labeler", "code", [labeler.code for labeler in batch.labelers]),
        ("attribute", "name", [attribute.name for attribute in batch.attributes]),
    ):
        driver.executemany(
            f"UPDATE {table} SET import_id = ? WHERE import_id = ? AND {column} = ?",
            [(heir, old, name) for name in names],
        )
    driver.executemany(
        "UPDATE attribute SET confirmed = 1 WHERE import_id = ? AND name = ?",
        [(heir, attribute.name) for attribute in batch.attributes if attribute.confirmed],
    )


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
            f"The import of {source} cannot be undone: "
            f"{counted(later, 'later answer builds', 'later answers build')} upon "
            "trials that it brought. Nothing was changed."
        )
