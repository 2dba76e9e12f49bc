"""Mending a study's database: written anew from what is sound in it, after a backup.

A new database has the right schema whatever the old one brought. Rows that are what this program
writes are copied; what can be put right is; trials that are damaged are moved to JSON lines that
`study import` reads again, and everything else that was changed or left out stands beside them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine import files
from prism_desktop.engine.errors import CorruptStudyError, InputError, StudyError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.paths import typed
from prism_desktop.engine.study import (
    checksums,
    database_header,
    hot_journal,
    opening,
    schema,
    stored_json,
)
from prism_desktop.engine.study.backup import back_up
from prism_desktop.engine.study.backup_files import stamped
from prism_desktop.engine.study.check import stray_embeddings
from prism_desktop.engine.study.database import connect, decoded, explained, newest_backup
from prism_desktop.engine.study.embeddings import path_of
from prism_desktop.engine.study.records import AnswerTime, TrialRecord
from prism_desktop.engine.study.row_mending import mended_meta, mended_row
from prism_desktop.engine.study.row_rules import KEYS, LARGEST
from prism_desktop.engine.study.sound_rows import hide_odd_rows, places_of
from prism_desktop.engine.study.trial_lines import write_trial_lines
from prism_desktop.engine.study.writer_lock import WriterLock

FOLDER: Final = "repairs"
_RAW: Final = """SELECT r.id, r.uid, p.code, s.uid, r.place, r.kind, l.sha256, g.sha256, r.onset,
r.seconds, r.skipped, r.withdrawn, r.skip_reason, e.uid, r.source, r.probability, i.uid,
r.dropped_frames, r.flags, r.block, r.strategy FROM {trial} AS r
LEFT JOIN {labeler} AS p ON p.id = r.labeler_id
LEFT JOIN {session} AS s ON s.id = r.session_id LEFT JOIN {stimulus} AS l ON l.id = r.left_id
LEFT JOIN {stimulus} AS g ON g.id = r.right_id LEFT JOIN {trial} AS e ON e.id = r.repeat_of_id
LEFT JOIN {import} AS i ON i.id = r.import_id ORDER BY r.id"""
_RAW_ANSWERS: Final = """SELECT a.trial_id, n.name, a.value, a.raw, a.skip_reason, a.onset,
a.seconds, a.strength FROM {answer} AS a
LEFT JOIN {attribute} AS n ON n.id = a.attribute_id ORDER BY a.trial_id"""


# Which table the numbers in a column are of.
_REFERRED: Final = {
    "labeler_id": "labeler", "session_id": "session", "left_id": "stimulus",
    "right_id": "stimulus", "supersedes_id": "trial", "repeat_of_id": "trial",
    "trial_id": "trial", "attribute_id": "attribute", "import_id": "import",
    "stimulus_id": "stimulus", "author_id": "labeler",
    "protocol_id": "protocol",
}  # fmt: skip


@dataclass(slots=True)
class RepairReport:
    """What a repair did."""

    backup: Path
    moved: int = 0  # trials that are in `files` now
    changed: int = 0  # rows that were put right or left out, each with what it was in `files`
    strays: int = 0  # sets of embeddings that no import owns, now among `files`
    files: list[Path] = field(default_factory=list)

    def summary(self) -> str:
        """A sentence or three."""
        words = f"The study's database was written anew; {self.backup} is a copy of the old one."
        if self.moved:
            moved = counted(self.moved, "damaged trial was", "damaged trials were")
            words += (
                f" {moved} moved out of it; `prism-desktop study import STUDY FILE` reads them "
                "again."
            )
        if self.changed:
            rows = counted(self.changed, "row was", "rows were")
            words += f" {rows} put right or left out."
        if self.strays:
            words += " Embeddings that belong to no import were moved out of the way."
        if self.files:
            words += f" What was there is in {', '.join(map(str, self.files))}."
        return words


def repair(study: Path) -> RepairReport:
    """Mend the database of a study that is not open.

    Raises:
        StudyLockedError, ReadOnlyStudyError: it is open elsewhere, or cannot be written.
        CorruptStudyError: so much is damaged that it cannot be read through.
    """
    study = typed(study)
    study = real(study.parent if study.name == opening.FILE else study)
    file = study / opening.FILE
    before = None
    try:
        before = _with_sound_header(file)
        lock = opening.lock_for_writing(file)
        try:
            version = opening.identify(file)
            kept = before or _copy_of(file)
            fold_in_log(file)
            with explained(file):
                report = _rebuilt(file, version, RepairReport(kept))
            _move_strays(study, report)
            return report
        finally:
            files.remove(file.with_name(opening.PART))
            lock.release()
    except (sqlite3.DatabaseError, CorruptStudyError) as error:
        left = "It was left as it is"
        if before is not None:
            left = f"Only its header was put right, and {before} is a copy of it as it was"
        raise CorruptStudyError(
            f"{file} is no study's database, or damaged so much that it cannot be read through. "
            f"{left}; {newest_backup(study)}."
        ) from error


def _with_sound_header(file: Path) -> Path | None:
    """Put a damaged header right, without which nothing else can be looked at; the copy that was
    made before, None if there was nothing to do or nothing that could be done."""
    opening.refuse_special(file)
    if hot_journal.is_hot(file) or database_header.mended(file) is None:
        return None
    opening.refuse_network_share(file.parent)
    lock = WriterLock(file.parent)
    try:
        header = database_header.mended(file)  # again, now that nobody else writes
        if header is None:
            return None
        kept = kept_bytes(file)
        database_header.replace(file, header)
        return kept
    except OSError as error:
        raise_fault(error, file, kept="Nothing was changed.")
        raise
    finally:
        lock.release()


def _copy_of(file: Path) -> Path:
    """A backup; of a database that SQLite finds damaged, its bytes as they are."""
    try:
        return back_up(file)
    except CorruptStudyError:
        return kept_bytes(file)


def kept_bytes(file: Path) -> Path:
    """A copy of a damaged database, with what lies beside it."""
    folder = file.parent / "backups"
    copy = folder / f"{stamped(folder, 'damaged-')}.sqlite3"
    try:
        files.make_folder(copy.parent)
        files.copy(file, copy)
        log = file.with_name(file.name + "-wal")
        if log.exists():
            files.copy(log, copy.with_name(copy.name + "-wal"))
    except OSError as error:
        raise StudyError(
            f"No backup could be written to {copy.parent} ({error.strerror}), so nothing was "
            "changed. Make room and try again."
        ) from error
    return copy


def fold_in_log(file: Path) -> None:
    """Bring what SQLite keeps beside the database into it, since a new one takes its place."""
    with explained(file), closing(connect(file, "rw")) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if opened.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
            raise StudyError(
                f"The study {file.parent} is being read by another program. Nothing was changed; "
                "close it there and try again."
            )


def _rebuilt(file: Path, version: int, report: RepairReport) -> RepairReport:
    part = file.with_name(opening.PART)
    with closing(connect(file)) as source:
        source.text_factory = decoded
        source.execute("BEGIN")
        hide_odd_rows(source)
        opening.make_empty(part)
        with closing(connect(part, "rw")) as target:
            target.execute("BEGIN")
            work = _Repair(source, target, version >= 4)
            work.copy(file.parent)
            target.execute("COMMIT")
            if (verdict := target.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise StudyError(f"The repair went wrong ({verdict}); nothing was changed.")
    report.moved, report.changed = len(work.moved), len(work.changed)
    report.files = _write_log(file.parent, work)
    files.sync(part)
    files.move(part, file)
    return report


def _move_strays(study: Path, report: RepairReport) -> None:
    """Put embeddings that no import owns beside what else was moved."""
    reader = opening.read_connection(study / opening.FILE)
    try:
        strays = reader.read(lambda c: stray_embeddings(c, study))
    finally:
        reader.close()
    stem = stamped(study / FOLDER)
    for name in strays:
        files.make_folder(study / FOLDER)
        report.files.append(study / FOLDER / f"{stem}-embeddings-{name}.safetensors")
        files.move(path_of(study, name), report.files[-1])
        report.strays += 1


def _write_log(study: Path, work: "_Repair") -> list[Path]:
    """What was moved and changed, before the old database goes."""
    if not work.moved and not work.changed:
        return []
    folder = study / FOLDER
    stem = stamped(folder)
    written = write_trial_lines(folder, stem, work.moved, work.names)
    if work.changed:
        written.append(folder / f"{stem}-other-rows.jsonl")
        files.write_text(written[-1], "".join(work.changed))
    return written


class _Repair:
    """Copies table by table what is sound or can be mended."""

    def __init__(
        self, source: sqlite3.Connection, target: sqlite3.Connection, has_checksums: bool
    ) -> None:
        self._source, self._target = source, target
        self._places = places_of(source)
        self._altered = (
            set(checksums.altered(source, self._places)) if has_checksums else set[int]()
        )
        self._left_out: set[int] = set()  # numbers of trials
        self._new_numbers = {
            table: _new_numbers(source, place)
            for table, place in self._places.items()
            if KEYS[table] == ("id",)
        }
        self.moved: list[TrialRecord] = []
        self.changed: list[str] = []
        self.names: dict[str, str] = {}

    def copy(self, study: Path) -> None:
        """Everything, in the order in which rows refer to each other."""
        rows = self._source.execute("SELECT key, value FROM meta").fetchall()
        facts = mended_meta(dict(rows), study)
        for key, value in rows:
            if facts.get(key) != value:
                self._note("meta", {"key": key, "value": value})
        self._target.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        for table in (
            "import", "stimulus", "labeler", "stimulus_text", "own_text", "attribute", "protocol",
            "session",
        ):  # fmt: skip
            self._copy_table(table)
        self.names = dict(self._source.execute("SELECT sha256, name FROM stimulus"))
        self._copy_trials()
        for table in ("answer", "trial_event", "pending", "fact"):
            self._copy_table(table)
        self._settle()
        self._measure(study)
        self._move_trials()

    def _copy_table(self, table: str) -> None:
        """Rows that readers see, put right; the others are noted, but for answers of trials that
        are moved as a whole."""
        keys = KEYS[table]
        sound = {}
        for row in self._rows(f'"{table}"'):
            if row.get("trial_id") not in self._left_out and self._put(table, row):
                sound[tuple(row[name] for name in keys)] = row
        for row in self._rows(self._places[table]):
            own = table == "answer" and row["trial_id"] in self._left_out
            seen = sound.get(tuple(row[name] for name in keys))
            if not own and (seen is None or any(row[name] != seen[name] for name in seen)):
                self._note(table, row)

    def _copy_trials(self) -> None:
        visible = set()
        for row in self._rows("trial"):
            if row["id"] not in self._altered and self._put("trial", row):
                visible.add(row["id"])
        numbers = self._source.execute(f"SELECT id FROM {self._places['trial']}")
        self._left_out = {row[0] for row in numbers} - visible

    def _put(self, table: str, row: Mapping[str, Any]) -> bool:
        """Insert a row as it should be; False if there is no room for it."""
        made = self._renumbered(table, mended_row(table, row))
        if made != row:
            self._note(table, row)
        marks = ", ".join("?" * len(made))
        names = ", ".join(f'"{name}"' for name in made)
        try:
            self._target.execute(
                f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(made.values())
            )
        except sqlite3.IntegrityError:
            return False
        return True

    def _renumbered(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """The row with numbers that leave room for others, its own and those it refers to."""
        if not any(self._new_numbers.values()):
            return row
        owners = {"rater": "labeler", "image": "stimulus"}
        referred = {**_REFERRED, "id": table, "owner_id": owners.get(row.get("owner_kind", ""), "")}
        return {
            name: self._new_numbers.get(referred.get(name, ""), {}).get(value, value)
            for name, value in row.items()
        }

    def _settle(self) -> None:
        """References to what is gone end; the log of withdrawals decides; new checksums."""
        trial = "(SELECT id FROM trial)"
        statements = {
            "supersedes_id": f"supersedes_id NOT IN {trial} OR supersedes_id = id",
            "repeat_of_id": f"repeat_of_id NOT IN {trial} OR repeat_of_id = id",
            "import_id": "import_id NOT IN (SELECT id FROM import)",
        }
        with _unguarded(self._target):
            for column, broken in statements.items():
                self._end(column, broken)
            for column in ("supersedes_id", "repeat_of_id"):
                for number in _circles(self._target, column):
                    self._end(column, f"id = {number}")
            for table in ("stimulus", "labeler", "own_text", "attribute", "session"):
                self._target.execute(
                    f"UPDATE {table} SET import_id = NULL WHERE import_id NOT IN "
                    "(SELECT id FROM import)"
                )
            self._target.execute(
                "UPDATE trial SET withdrawn = (SELECT e.event = 'withdrawn' FROM trial_event AS e "
                "WHERE e.trial_id = trial.id ORDER BY e.id DESC LIMIT 1) "
                "WHERE id IN (SELECT trial_id FROM trial_event)"
            )
            self._target.execute("DELETE FROM fact WHERE import_id NOT IN (SELECT id FROM import)")
            checksums.fill(self._target)
            self._target.execute(
                "UPDATE session SET protocol_id = NULL WHERE protocol_id NOT IN "
                "(SELECT id FROM protocol)"
            )
            checksums.fill_others(self._target)

    def _measure(self, study: Path) -> None:
        """Sizes of images that nobody knows, from their files."""
        from prism_desktop.engine.study.images import read_image

        query = "SELECT id, sha256, path FROM stimulus WHERE width = 0 AND kind = 'image'"
        for number, image, place in self._target.execute(query).fetchall():
            with suppress(InputError):  # whose file is missing or another one keeps none
                found = read_image(study / place, place)
                size = (found.width, found.height, number)
                if found.sha256 == image:
                    self._target.execute(
                        "UPDATE stimulus SET width = ?, height = ? WHERE id = ?", size
                    )

    def _end(self, column: str, broken: str) -> None:
        rows = self._target.execute(
            f"SELECT id, uid, {column} FROM trial WHERE {column} IS NOT NULL AND ({broken})"
        ).fetchall()
        for number, uid, other in rows:
            self._note("trial", {"uid": uid, column: other})
            self._target.execute(f"UPDATE trial SET {column} = NULL WHERE id = ?", (number,))

    def _move_trials(self) -> None:
        """Trials that were left out, as far as they can be said in the words of an export."""
        if not self._left_out:
            return
        answers: dict[int, list[tuple[Any, ...]]] = {}
        for number, *answer in self._source.execute(_RAW_ANSWERS.format(**self._places)):
            if number in self._left_out:
                answers.setdefault(number, []).append(tuple(answer))
        for row in self._source.execute(_RAW.format(**self._places)).fetchall():
            if row[0] in self._left_out:
                self.moved.append(_record(row, answers.get(row[0], [])))

    def _rows(self, place: str) -> Iterator[dict[str, Any]]:
        cursor = self._source.execute(f"SELECT * FROM {place}")
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def _note(self, table: str, row: Mapping[str, Any]) -> None:
        line = json.dumps({"table": table, **row}, ensure_ascii=False, default=repr)
        self.changed.append(line + "\n")


@contextmanager
def _unguarded(target: sqlite3.Connection) -> Iterator[None]:
    """The new database without its triggers, which guard what is finished."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    triggers = target.execute(query).fetchall()
    for name, _ in triggers:
        target.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        target.execute(sql)


def _new_numbers(source: sqlite3.Connection, place: str) -> dict[int, int]:
    """New numbers for the rows of a table whose own leave no room for those that come later."""
    fits = f"id BETWEEN 1 AND {LARGEST}"
    odd = source.execute(f"SELECT id FROM {place} WHERE NOT {fits} ORDER BY id").fetchall()
    last = source.execute(f"SELECT max(id) FROM {place} WHERE {fits}").fetchone()[0] if odd else 0
    return {row[0]: (last or 0) + more for more, row in enumerate(odd, 1)}


def _circles(target: sqlite3.Connection, column: str) -> list[int]:
    """Of each circle of trials that correct or repeat each other, its first."""
    query = f"SELECT id, {column} FROM trial WHERE {column} IS NOT NULL"
    later: dict[int, int] = dict(target.execute(query).fetchall())
    seen: set[int] = set()
    found = []
    for start in later:
        way: dict[int, None] = {}
        at = start
        while at in later and at not in way and at not in seen:
            way[at] = None
            at = later[at]
        if at in way:
            found.append(min(list(way)[list(way).index(at) :]))
        seen.update(way)
    return found


def _record(row: Sequence[Any], answers: Sequence[tuple[Any, ...]]) -> TrialRecord:
    """A damaged trial, its values as they are."""
    coded = row[7] is not None
    asked = [checksums.StoredAnswer(str(each[0]), *each[1:]) for each in answers]
    values = {
        each.attribute: schema.OUTCOME_NAME.get(each.value, each.value) if coded else each.value
        for each in asked
        if each.value is not None
    }
    return TrialRecord(
        id=str(row[1]), labeler=str(row[2]), session=str(row[3]), order=row[4],
        kind="comparison" if coded else "rating", left=str(row[6]), right=row[7], onset=row[8],
        seconds=row[9], status="withdrawn" if row[11] else "answered" if values else "skipped",
        skip_reason=row[12], answers=values,
        raw={each.attribute: each.raw for each in asked if each.raw is not None},
        repeat_of=row[13], source=row[14], probability=row[15], import_id=row[16],
        dropped_frames=row[17],
        skips={each.attribute: str(each.skip_reason) for each in asked if each.value is None},
        times={each.attribute: AnswerTime(each.onset, each.seconds) for each in asked},
        strengths={each.attribute: each.strength for each in asked if each.strength is not None},
        flags=stored_json.flags(row[18]), block=row[19], strategy=row[20],
    )  # fmt: skip
