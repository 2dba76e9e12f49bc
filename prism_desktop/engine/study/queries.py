"""Queries: rows become frozen records or columns. Runs in the reader's thread."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import is_plain_file
from prism_desktop.engine.stimulus_words import REPLIES
from prism_desktop.engine.study import schema, stimulus_kinds, stored_json
from prism_desktop.engine.study.checksums import StoredAnswer
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.records import (
    SET_ASIDE,
    AnswerTime,
    AttributeRecord,
    ImageRecord,
    ImportReport,
    Kind,
    LabelerProgress,
    LabelerRecord,
    SessionRecord,
    StudyInfo,
    TrialRecord,
)
from prism_desktop.engine.study.row_rules import LATEST
from prism_desktop.engine.study.sound_rows import places_of

_NOTHING = (None, None, None, None)  # is stored of an answer beside its value
# A trial counts unless it was withdrawn or a live trial corrects it.
CURRENT = """t.withdrawn = 0 AND NOT EXISTS
 (SELECT 1 FROM trial AS later WHERE later.supersedes_id = t.id AND later.withdrawn = 0)"""
_ASIDE = " OR ".join(f"""t.flags LIKE '%"{flag}"%'""" for flag in SET_ASIDE)
# Practice and attention checks are no judgments to be analysed.
COUNTED = f"{CURRENT} AND (t.flags IS NULL OR NOT ({_ASIDE}))"


def meta(connection: Connection) -> dict[str, str]:
    """Facts about the study itself: `id`, `name`, `created`, `revision` and others, as texts."""
    return {
        row[0]: row[1]
        for row in connection.execute(text("SELECT key, value FROM meta"))
        if isinstance(row[1], str)
    }


def info(
    connection: Connection, path: Path, *, read_only: bool, passed_over: Sequence[str] = ()
) -> StudyInfo:
    """Everything that the start page shows."""
    facts = meta(connection)
    counts = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM stimulus), (SELECT count(*) FROM labeler), (SELECT "
            "count(*) FROM attribute), (SELECT count(*) FROM labeler WHERE simulated), "
            "(SELECT count(*) FROM own_text)"
        )
    ).one()
    words = stimulus_kinds.words_of(connection)
    people = progress(connection)
    return StudyInfo(
        id=facts.get("id", ""),
        name=facts.get("name", path.stem),
        path=path,
        created=_moment(facts.get("created")),
        schema_version=connection.execute(text("PRAGMA user_version")).scalar_one(),
        images=counts[0],
        labelers=counts[1],
        attributes=counts[2],
        rating_trials=sum(person.ratings for person in people),
        comparison_trials=sum(person.comparisons for person in people),
        skipped_trials=sum(person.skipped for person in people),
        simulated=counts[3] > 0,
        read_only=read_only,
        progress=people,
        made_on=facts.get("made_on", ""),
        made_by=facts.get("made_by", ""),
        passed_over=tuple(passed_over),
        kind=stimulus_kinds.kind_of(connection),
        prompted=words is REPLIES,
        own_texts=counts[4],
    )


def _moment(value: object) -> float:
    """Unix s; 0 where it is not known or none that can be."""
    try:
        moment = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return moment if 0 <= moment <= LATEST else 0.0


def progress(connection: Connection) -> tuple[LabelerProgress, ...]:
    """Counts of current trials, one record per labeler,
    in the order in which labelers were added."""
    # Of a million trials only two numbers and a time are sorted. LIMIT keeps the inner query apart,
    # which would be spread over the outer ones, and lets no index lead to each trial by itself.
    rows = connection.execute(
        text(
            f"""SELECT p.code, coalesce(sum(n.trials * (n.what IN (1, 3))), 0),
            coalesce(sum(n.trials * (n.what IN (2, 4))), 0),
            coalesce(sum(n.trials * (n.what = 0)), 0), coalesce(sum(n.trials * (n.what > 2)), 0),
            max(n.last) FROM labeler AS p LEFT JOIN (
            SELECT labeler_id, what, count(*) AS trials, max(onset) AS last FROM (
            SELECT t.labeler_id, t.onset, CASE WHEN t.skipped THEN 0 ELSE
            1 + (t.kind = 'comparison') + 2 * (t.repeat_of_id IS NOT NULL) END AS what
            FROM trial AS t WHERE {COUNTED} LIMIT -1) GROUP BY labeler_id, what
            ) AS n ON n.labeler_id = p.id GROUP BY p.id ORDER BY p.id"""
        )
    )
    return tuple(LabelerProgress(*row) for row in rows)


def images(connection: Connection, study: Path) -> Iterator[ImageRecord]:
    """Every image, in the order of their names."""
    rows = connection.execute(
        text(
            "SELECT sha256, name, path, copied, width, height, fold FROM stimulus "
            "WHERE kind = 'image' ORDER BY name"
        )
    )
    listings: dict[str, set[str]] = {}  # each folder is listed once: 70,000 files in 0.1 s
    for sha256, name, path, copied, width, height, fold in rows:
        # a Path costs ten times as much
        place = os.path.join(study, path) if copied else path  # noqa: PTH118
        folder, file = os.path.split(place)
        if folder not in listings:
            listings[folder] = _listed(folder)
        missing = file not in listings[folder]
        yield ImageRecord(sha256, name, Path(place), width, height, fold, bool(copied), missing)


def images_named(connection: Connection, text_: str, most: int) -> tuple[tuple[str, str], ...]:
    """The first images whose names hold every word, those that begin with the first word before.

    Args:
        text_: words; capital letters of ASCII and small ones are the same.
        most: how many at most.

    Returns:
        Names with identifiers.
    """
    words = [re.sub(r"([\\%_])", r"\\\1", word) for word in text_.split()]
    if not words:
        return ()
    wanted = " AND ".join(f"name LIKE :w{n} ESCAPE '\\'" for n in range(len(words)))
    rows = connection.execute(
        text(
            f"SELECT name, sha256 FROM stimulus WHERE {wanted} "
            "ORDER BY name NOT LIKE :begins ESCAPE '\\', name LIMIT :most"
        ),
        {f"w{n}": f"%{word}%" for n, word in enumerate(words)}
        | {"begins": f"{words[0]}%", "most": most},
    )
    return tuple((name, sha256) for name, sha256 in rows)


def _listed(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208, names alone are wanted
    except OSError:
        return set()


def hashes(connection: Connection) -> set[str]:
    """The identifiers of all images, of those too that readers pass over."""
    driver = driver_of(connection)
    rows = driver.execute(f"SELECT sha256 FROM {places_of(driver)['stimulus']}")
    return {row[0] for row in rows if isinstance(row[0], str)}


def labelers(connection: Connection) -> tuple[LabelerRecord, ...]:
    """In the order in which they were added."""
    rows = connection.execute(
        text("SELECT code, display_name, profile, simulated FROM labeler ORDER BY id")
    )
    return tuple(
        LabelerRecord(code, name, profile, bool(simulated))
        for code, name, profile, simulated in rows
    )


def attributes(connection: Connection) -> tuple[AttributeRecord, ...]:
    """In the order in which they were added."""
    rows = connection.execute(
        text("SELECT name, question, scale_labels, templates, confirmed FROM attribute ORDER BY id")
    )
    return tuple(
        AttributeRecord(
            name,
            question,
            stored_json.scale_labels(labels),
            stored_json.templates(texts),
            bool(confirmed),
        )
        for name, question, labels, texts, confirmed in rows
    )


def trials(
    connection: Connection,
    labeler: str | None,
    kind: Kind | None,
    *,
    current: bool,
    where: str = "",
    **parameters: Any,
) -> tuple[TrialRecord, ...]:
    """Trials in the order in which they were recorded."""
    conditions = ["1"]
    if labeler is not None:
        conditions.append("t.labeler_id = (SELECT id FROM labeler WHERE code = :labeler)")
        parameters["labeler"] = labeler
    if kind is not None:
        conditions.append("t.kind = :kind")
        parameters["kind"] = kind
    if current:
        conditions.append(CURRENT)
    if where:
        conditions.append(where)
    chosen = " AND ".join(conditions)
    answers = _answers(connection, chosen, parameters)
    rows = connection.execute(
        text(
            f"""SELECT t.id, t.uid, p.code, s.uid, t.place, t.kind, l.sha256, r.sha256, t.onset,
            t.seconds, t.skipped,
            t.withdrawn, t.skip_reason, c.uid, e.uid, t.source, t.probability, i.uid,
            t.dropped_frames, t.flags, t.block, t.strategy
            FROM trial AS t JOIN labeler AS p ON p.id = t.labeler_id JOIN session AS s ON s.id =
            t.session_id
            JOIN stimulus AS l ON l.id = t.left_id LEFT JOIN stimulus AS r ON r.id = t.right_id
            LEFT JOIN trial AS c ON c.supersedes_id = t.id AND c.withdrawn = 0
            LEFT JOIN trial AS e ON e.id = t.repeat_of_id LEFT JOIN import AS i ON i.id =
            t.import_id
            WHERE {chosen} ORDER BY t.id"""
        ),
        parameters,
    )
    return tuple(_trial(row, answers.get(row[0], ())) for row in rows)


def trial_page(
    connection: Connection, after: float, size: int
) -> tuple[float, tuple[TrialRecord, ...]]:
    """The next `size` trials recorded after the one with number `after`, and the last one's
    number; all come after minus infinity."""
    last = connection.execute(
        text(
            "SELECT max(id) FROM (SELECT id FROM trial WHERE id > :after ORDER BY id LIMIT :size)"
        ),
        {"after": after, "size": size},
    ).scalar()
    if last is None:
        return after, ()
    within = "t.id > :after AND t.id <= :last"
    found = trials(connection, None, None, current=False, where=within, after=after, last=last)
    return last, found


def set_aside(connection: Connection) -> dict[str, int]:
    """How many current answered trials each flag of `SET_ASIDE` keeps out of analyses."""
    found: dict[str, int] = {}
    for flag in SET_ASIDE:
        count = connection.execute(
            text(
                f"SELECT count(*) FROM trial AS t WHERE t.flags LIKE :flag AND t.skipped = 0 "
                f"AND {CURRENT}"
            ),
            {"flag": f'%"{flag}"%'},
        ).scalar_one()
        if count:
            found[flag] = count
    return found


def judged(connection: Connection) -> frozenset[str]:
    """Attributes about which somebody answered in a trial that analyses count."""
    rows = connection.execute(
        text(
            "SELECT n.name FROM attribute AS n WHERE EXISTS (SELECT 1 FROM answer AS a CROSS JOIN "
            "trial AS t WHERE t.id = a.trial_id AND a.attribute_id = n.id AND a.value IS NOT NULL "
            f"AND {COUNTED})"
        )
    )
    return frozenset(row[0] for row in rows)


def answer_rows(connection: Connection) -> dict[Kind, int]:
    """How many answers and skipped questions of each kind there are; a trial without is one."""
    rows = connection.execute(
        text(
            "SELECT t.kind, count(*) FROM trial AS t LEFT JOIN answer AS a ON a.trial_id = t.id "
            "GROUP BY t.kind"
        )
    )
    return {row[0]: row[1] for row in rows}


def _trial(row: Any, asked: Sequence[StoredAnswer]) -> TrialRecord:
    """A row of the query above with its answers; outcomes of comparisons are stored as numbers."""
    kind, skipped, withdrawn = row[5], row[10], row[11]
    coded = kind == "comparison"
    more = [each for each in asked if each[3:] != _NOTHING]
    return TrialRecord(
        id=row[1],
        labeler=row[2],
        session=row[3],
        order=row[4],
        kind=kind,
        left=row[6],
        right=row[7],
        onset=row[8],
        seconds=row[9],
        status="withdrawn" if withdrawn else "skipped" if skipped else "answered",
        skip_reason=row[12],
        answers={
            name: schema.OUTCOME_NAME[value] if coded else value
            for name, value, *_ in asked
            if value is not None
        },
        raw={name: raw for name, _, raw, *_ in asked if raw is not None},
        superseded_by=row[13],
        repeat_of=row[14],
        source=row[15],
        probability=row[16],
        import_id=row[17],
        dropped_frames=row[18],
        skips={each.attribute: each.skip_reason for each in more if each.skip_reason is not None},
        times={
            each.attribute: AnswerTime(each.onset, each.seconds)
            for each in more
            if (each.onset, each.seconds) != (None, None)
        },
        strengths={each.attribute: each.strength for each in more if each.strength is not None},
        flags=() if row[19] is None else stored_json.flags(row[19]),
        block=row[20],
        strategy=row[21],
    )


def _answers(
    connection: Connection, chosen: str, parameters: Mapping[str, Any]
) -> dict[int, list[StoredAnswer]]:
    """Trial's number -> what is stored about the questions of the chosen trials.

    One query for all of them, however many trials there are.
    """
    rows = connection.execute(
        text(
            f"""SELECT a.trial_id, n.name, a.value, a.raw, a.skip_reason, a.onset, a.seconds,
            a.strength FROM trial AS t JOIN answer AS a ON a.trial_id = t.id
            JOIN attribute AS n ON n.id = a.attribute_id WHERE {chosen} ORDER BY a.trial_id, n.id"""
        ),
        parameters,
    )
    answers: dict[int, list[StoredAnswer]] = defaultdict(list)
    for trial, *stored in rows:
        answers[trial].append(StoredAnswer(*stored))
    return answers


def sessions(connection: Connection) -> tuple[SessionRecord, ...]:
    """Every session, in the order in which they were begun."""
    rows = connection.execute(
        text(
            "SELECT s.uid, p.code, s.started, s.ended, o.uid, s.timing FROM session AS s "
            "JOIN labeler AS p ON p.id = s.labeler_id "
            "LEFT JOIN protocol AS o ON o.id = s.protocol_id ORDER BY s.id"
        )
    )
    return tuple(SessionRecord(*row) for row in rows)


def imports(connection: Connection) -> tuple[ImportReport, ...]:
    """Every import, oldest first, undone ones included."""
    rows = connection.execute(
        text(
            "SELECT report, uid, source, format, created, undone, dismissed FROM import ORDER BY id"
        )
    )
    return tuple(
        stored_json.report_from_json(
            report, uid, source, form,
            created=_moment(created) or None,
            undone=None if undone is None else _moment(undone),
            dismissed=stored_json.dismissed_places(dismissed),
        )
        for report, uid, source, form, created, undone, dismissed in rows
    )  # fmt: skip


def require_image(connection: Connection, study: Path, image: str) -> ImageRecord:
    """One image by its hash or its name."""
    query = (
        "SELECT sha256, name, path, copied, width, height, fold FROM stimulus WHERE kind = 'image' "
        "AND (sha256 = :image OR name = :image)"
    )
    found = connection.execute(text(query), {"image": image}).first()
    if found is None:
        raise InputError(f"There is no image {image!r} in this study.")
    sha256, name, path, copied, width, height, fold = found
    place = study / path if copied else Path(path)
    missing = not is_plain_file(place)
    return ImageRecord(sha256, name, place, width, height, fold, bool(copied), missing)
