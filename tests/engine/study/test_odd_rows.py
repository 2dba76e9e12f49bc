"""One odd value is named and passed over; all else is there, and nothing is computed with it."""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study import checksums
from prism_desktop.engine.study.database import connect, decoded
from prism_desktop.engine.study.database_check import database_problems
from prism_desktop.engine.study.exporting import export
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    AnswerTime,
    Doubt,
    FactRecord,
    GivenAnswers,
    ImportBatch,
    ImportReport,
    PendingAnswers,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.repair import repair
from prism_desktop.engine.study.sound_rows import hide_odd_rows
from prism_desktop.engine.study.store import Study
from tests.engine.study.damage import altered, flipped, unguarded
from tests.engine.study.helpers import finished
from tests.fixtures.study import MakeStudy

# SQL -> the kind of problem that a check must name.
ODD = {
    "UPDATE answer SET value = 7 WHERE trial_id = 2": "value",
    "UPDATE answer SET value = 0 WHERE trial_id = (SELECT id FROM trial WHERE kind = 'rating')":
        "value",
    "UPDATE answer SET value = 2 WHERE trial_id = (SELECT id FROM trial WHERE kind = 'comparison')":
        "value",
    "UPDATE answer SET value = 'high' WHERE trial_id = 1": "value",
    "UPDATE answer SET value = 2.5 WHERE trial_id = 1": "value",
    "UPDATE answer SET value = x'00' WHERE trial_id = 1": "value",
    "UPDATE answer SET raw = 'much' WHERE trial_id = 1": "value",
    "UPDATE answer SET raw = 9e999 WHERE trial_id = 1": "value",
    "UPDATE answer SET attribute_id = 99 WHERE trial_id = 1 AND attribute_id = 1": "reference",
    "UPDATE OR IGNORE answer SET trial_id = 9999 WHERE trial_id = 1": "reference",
    "UPDATE answer SET value = NULL WHERE trial_id = 1": "value",
    "UPDATE answer SET value = NULL, skip_reason = 'x' WHERE trial_id = 1": "reference",
    "UPDATE answer SET skip_reason = 'x' WHERE trial_id = 1": "value",
    "UPDATE answer SET skip_reason = '' WHERE value IS NULL": "value",
    "UPDATE answer SET skip_reason = 'z' WHERE value IS NULL": "checksum",
    "UPDATE answer SET value = 1, skip_reason = NULL WHERE value IS NULL": "checksum",
    "UPDATE answer SET raw = 1 WHERE value IS NULL": "value",
    "UPDATE answer SET strength = 1 WHERE value IS NULL": "value",
    "UPDATE answer SET strength = 10 WHERE trial_id = 1": "value",
    "UPDATE answer SET strength = 3 WHERE strength = 2": "checksum",
    "UPDATE answer SET seconds = -1 WHERE trial_id = 1": "value",
    "UPDATE answer SET seconds = seconds + 1 WHERE seconds IS NOT NULL": "checksum",
    "UPDATE answer SET onset = 'then' WHERE trial_id = 1": "value",
    "UPDATE answer SET onset = 1e13 WHERE trial_id = 1": "date",
    "UPDATE answer SET onset = onset + 1 WHERE onset IS NOT NULL": "checksum",
    "UPDATE trial SET flags = 'left' WHERE id = 1": "json",
    "UPDATE trial SET flags = '[\"odd\"]' WHERE id = 1": "json",
    "UPDATE trial SET flags = '[]' WHERE id = 1": "json",
    "UPDATE trial SET flags = x'00' WHERE id = 1": "value",
    "UPDATE trial SET flags = NULL WHERE flags IS NOT NULL": "checksum",
    "UPDATE trial SET block = 7 WHERE id = 1": "checksum",
    "UPDATE trial SET block = x'00' WHERE id = 1": "value",
    "UPDATE trial SET strategy = 'other' WHERE strategy IS NOT NULL": "checksum",
    "UPDATE session SET started = -1 WHERE started IS NOT NULL": "value",
    "UPDATE session SET started = started + 1": "checksum",
    "UPDATE session SET ended = 'x' WHERE id = 1": "value",
    "UPDATE session SET timing = x'00' WHERE id = 1": "value",
    "UPDATE session SET timing = '{}' WHERE id = 1": "checksum",
    "UPDATE session SET protocol_id = 99 WHERE id = 1": "reference",
    "UPDATE session SET protocol_id = NULL": "checksum",
    "UPDATE protocol SET text = text || 'x'": "checksum",
    "UPDATE protocol SET text = x'00'": "value",
    "UPDATE protocol SET version = 'one'": "value",
    "UPDATE protocol SET created = 1e13": "date",
    "UPDATE protocol SET uid = 'x'": "identifier",
    "DELETE FROM protocol": "reference",
    "UPDATE pending SET flags = '{'": "json",
    "UPDATE pending SET dropped_frames = -1": "value",
    "DELETE FROM answer WHERE trial_id = 1": "reference",
    "UPDATE trial SET skipped = 1 WHERE id = 1": "reference",
    "UPDATE trial SET kind = 'ranking' WHERE id = 1": "kind",
    "UPDATE trial SET kind = '' WHERE id = 1": "kind",
    "UPDATE trial SET kind = x'ff' WHERE id = 1": "kind",
    "UPDATE trial SET kind = CASE kind WHEN 'rating' THEN 'comparison' ELSE 'rating' END "
    "WHERE id = 1": "value",
    "UPDATE trial SET source = 'guessed' WHERE id = 1": "kind",
    "UPDATE trial SET uid = 'x' WHERE id = 1": "identifier",
    "UPDATE trial SET uid = '../../../etc/passwd' WHERE id = 1": "identifier",
    "UPDATE trial SET uid = x'0011' WHERE id = 1": "identifier",
    "UPDATE trial SET uid = upper(hex(randomblob(16))) WHERE id = 1": "checksum",
    "UPDATE trial SET onset = -5 WHERE id = 1": "value",
    "UPDATE trial SET onset = 9e999 WHERE id = 1": "value",
    "UPDATE trial SET onset = 'yesterday' WHERE id = 1": "value",
    "UPDATE trial SET onset = 1e13 WHERE id = 1": "date",
    "UPDATE trial SET recorded = 1e13 WHERE id = 1": "date",
    "UPDATE trial SET recorded = -1 WHERE id = 1": "date",
    "UPDATE trial SET recorded = '' WHERE id = 1": "value",
    "UPDATE trial SET seconds = -1 WHERE id = 1": "value",
    "UPDATE trial SET seconds = 'NaN' WHERE id = 1": "value",
    "UPDATE trial SET seconds = 123 WHERE id = 1": "checksum",
    "UPDATE trial SET probability = 3 WHERE id = 1": "value",
    "UPDATE trial SET withdrawn = 2 WHERE id = 1": "value",
    "UPDATE trial SET withdrawn = 1 WHERE id = 1": "checksum",
    "UPDATE trial SET place = 'first' WHERE id = 1": "value",
    "UPDATE trial SET place = 1e300 WHERE id = 1": "value",
    "UPDATE trial SET dropped_frames = -1 WHERE id = 1": "value",
    "UPDATE trial SET left_id = 9999 WHERE id = 1": "reference",
    "UPDATE trial SET right_id = left_id WHERE kind = 'comparison' AND id < 40": "value",
    "UPDATE trial SET labeler_id = 9999 WHERE id = 1": "reference",
    "UPDATE trial SET labeler_id = 3 - labeler_id WHERE id = 1": "reference",
    "UPDATE trial SET session_id = 9999 WHERE id = 1": "reference",
    "UPDATE trial SET supersedes_id = id WHERE id = 1": "order",
    "UPDATE trial SET repeat_of_id = id WHERE id = 1": "order",
    "UPDATE trial SET repeat_of_id = 3 - id WHERE id IN (1, 2)": "order",
    "UPDATE trial SET supersedes_id = id % 3 + 1 WHERE id < 4": "order",
    "UPDATE trial SET supersedes_id = 9999 WHERE id = 1": "reference",
    "UPDATE trial SET checksum = NULL WHERE id = 1": "checksum",
    "UPDATE trial SET checksum = x'00' WHERE id = 1": "checksum",
    "UPDATE stimulus SET sha256 = '../../etc' WHERE id = 1": "identifier",
    "UPDATE stimulus SET sha256 = upper(sha256) WHERE id = 1": "checksum",
    "UPDATE stimulus SET kind = 'film' WHERE id = 1": "value",
    "UPDATE stimulus SET width = 0 WHERE id = 1": "value",
    "UPDATE stimulus SET height = 'tall' WHERE id = 1": "value",
    "UPDATE stimulus SET name = x'00' WHERE id = 1": "value",
    "UPDATE stimulus SET copied = 1 WHERE id = 1": "value",
    "UPDATE stimulus SET copied = 1, path = '../../x.jpg' WHERE id = 1": "value",
    "UPDATE stimulus SET path = x'ff' WHERE id = 1": "value",
    "UPDATE stimulus SET path = '/a' || char(0) || 'b/x.jpg' WHERE id = 1": "value",
    "UPDATE stimulus SET fold = 7 WHERE id = 1": "fold",
    "UPDATE stimulus SET fold = 'a' WHERE id = 1": "fold",
    "UPDATE labeler SET code = '' WHERE id = 1": "identifier",
    "UPDATE labeler SET code = ' L1' WHERE id = 1": "identifier",
    "UPDATE labeler SET code = 'a' || char(27) WHERE id = 1": "identifier",
    "UPDATE labeler SET simulated = 2 WHERE id = 1": "value",
    "UPDATE labeler SET profile = x'00' WHERE id = 1": "value",
    "UPDATE attribute SET name = '' WHERE id = 1": "identifier",
    "UPDATE attribute SET confirmed = 'yes' WHERE id = 1": "value",
    "UPDATE attribute SET scale_labels = '[1, 2' WHERE id = 1": "json",
    "UPDATE attribute SET scale_labels = '[1, 2, 3, 4]' WHERE id = 1": "json",
    "UPDATE attribute SET scale_labels = '{}' WHERE id = 1": "json",
    "UPDATE attribute SET templates = 'null' WHERE id = 1": "json",
    "UPDATE attribute SET templates = '[\"no place\"]' WHERE id = 1": "json",
    "UPDATE attribute SET templates = x'ff' WHERE id = 1": "json",
    "UPDATE session SET uid = x'00' WHERE id = 1": "identifier",
    "UPDATE session SET labeler_id = 9999 WHERE id = 1": "reference",
    "UPDATE import SET report = '' WHERE id = 1": "json",
    "UPDATE import SET report = '[]' WHERE id = 1": "json",
    "UPDATE import SET report = replace(report, '\"doubts\": [', '\"doubts\": [3, ')": "json",
    "UPDATE import SET report = replace(report, '\"rows_read\": 1', '\"rows_read\": NaN')": "json",
    "UPDATE import SET report = replace(report, '\"mapping\": {}', '\"mapping\": []')": "json",
    "UPDATE import SET report = replace(report, '\"recipe\": \"\"', '\"recipe\": 5')": "json",
    "UPDATE import SET dismissed = '{' WHERE id = 1": "json",
    "UPDATE import SET created = 1e15 WHERE id = 1": "date",
    "UPDATE import SET undone = 'x' WHERE id = 1": "date",
    "UPDATE import SET uid = '/etc' WHERE id = 1": "identifier",
    "UPDATE pending SET answers = '{\"smart\": 9}'": "json",
    "UPDATE pending SET answers = 'no'": "json",
    "UPDATE pending SET kind = 'x'": "value",
    "UPDATE trial_event SET event = 'lost'": "value",
    "UPDATE trial_event SET at = 1e13": "date",
    "UPDATE trial_event SET at = at + 1": "checksum",
    "DELETE FROM trial_event": "checksum",
    "UPDATE fact SET owner_id = 9999": "reference",
    "UPDATE fact SET owner_kind = 'dog'": "value",
    "UPDATE fact SET name = ''": "value",
    "UPDATE meta SET value = 'x' WHERE key = 'created'": "date",
    "UPDATE meta SET value = x'00' WHERE key = 'id'": "identity",
    "DELETE FROM meta WHERE key = 'name'": "identity",
    "UPDATE meta SET value = '-' WHERE key = 'revision'": "identity",
    "UPDATE meta SET value = replace(hex(zeroblob(2500)), '0', '9') WHERE key = 'revision'":
        "identity",
    "INSERT INTO meta VALUES ('target/rating', replace(hex(zeroblob(2500)), '0', '9'))": "identity",
    "INSERT INTO meta VALUES ('target/comparison', '0')": "identity",
    "UPDATE session SET timing = '[' WHERE id = 1": "json",
    "UPDATE session SET timing = '[]' WHERE id = 1": "json",
    "UPDATE protocol SET version = 9223372036854775807": "value",
    "UPDATE trial SET place = 9223372036854775807 WHERE id = 1": "value",
    "UPDATE trial SET dropped_frames = 9223372036854775807 WHERE id = 1": "value",
    "UPDATE stimulus SET width = 9223372036854775807 WHERE id = 1": "value",
    "UPDATE stimulus SET bytes = 9223372036854775807 WHERE id = 1": "value",
    "UPDATE answer SET value = 9223372036854775807 WHERE trial_id = 1": "value",
    "UPDATE answer SET strength = -9223372036854775808 WHERE trial_id = 1": "value",
    "INSERT INTO meta VALUES ('target/rating', 'many')": "identity",
}  # fmt: skip


@pytest.fixture
def rich(make_study: MakeStudy) -> Study:
    """A small study with something in every table."""
    study = make_study("rich", images=7, comparisons=6, ratings=5)
    image = study.images()[0].id
    trial = TrialRecord(
        new_id(), "L1", "s9", 0, "rating", image, answers={"smart": 3}, raw={"smart": 5.5},
        source="imported",
    )  # fmt: skip
    report = ImportReport(new_id(), "t.csv", "csv", 1, 1, doubts=(Doubt("time", "Why?"),))
    study.apply_import(
        ImportBatch(report, trials=[trial], facts=[FactRecord("rater", "L1", "age", "30")])
    )
    study.keep_pending(PendingAnswers("L1", "rating", image, None, GivenAnswers({"smart": 2})))
    _give_more(study)
    study.withdraw(study.trials()[4].id)
    return study


def _give_more(study: Study) -> None:
    """What the fifth schema knows: skips, times, flags, a protocol."""
    one, two = (image.id for image in study.images()[:2])
    study.record(
        TrialRecord(
            new_id(), "L1", "s8", 0, "comparison", one, two, 1000.0, 3.0,
            answers={"smart": "left"}, skips={"attractive": "The image is bad"},
            times={"smart": AnswerTime(1000.0, 1.0), "attractive": AnswerTime(1001.5, 1.5)},
            strengths={"smart": 2}, flags=("left",), block="main", strategy="random",
        )
    )  # fmt: skip
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as connection:
        with unguarded(connection):
            connection.execute(
                "INSERT INTO protocol (uid, version, created, text) "
                "VALUES (lower(hex(zeroblob(16))), 1, 1000.0, 'attributes = 2')"
            )
            connection.execute("UPDATE session SET protocol_id = 1 WHERE uid = 's8'")
            checksums.fill_others(connection)
        connection.commit()


def rows(study: Study) -> set[str]:
    """Every trial."""
    return {repr(trial) for trial in study.trials(current=False)}


def test_that_every_odd_value_is_named_and_passed_over(rich: Study, tmp_path: Path) -> None:
    before, people = {trial.id: trial for trial in rich.trials(current=False)}, rich.progress()
    rich.close()
    whole = (rich.path / "study.sqlite3").read_bytes()
    assert not (rich.path / "study.sqlite3-wal").exists()
    for number, (statement, kind) in enumerate(ODD.items()):
        (rich.path / "study.sqlite3").write_bytes(whole)
        altered(rich, statement)
        with Study.open(rich.path, read_only=True) as study:
            problems = study.check()
            assert kind in {problem.kind for problem in problems}, (statement, problems)
            assert all(problem.text.isprintable() for problem in problems)
            # at most one labeler's trials are passed over
            assert len(study.trials(current=False)) >= len(before) // 3, statement
            assert len(study.progress()) >= len(people) - 1
            if number % 2 or "answer" in statement:
                _agrees(study, statement)
            if number % 20 == 0:
                finished(export(study, tmp_path / f"out{number}"))


REPORT = {
    "rows_read": 1, "rows_kept": 1, "duplicates": 0, "refused": [], "mapping": {}, "notices": [],
    "doubts": [], "recipe": "",
}  # fmt: skip
# Table -> the columns that hold its rows' numbers.
NUMBERED = {
    "import": ("import.id", "trial.import_id", "session.import_id", "fact.import_id"),
    "stimulus": ("stimulus.id", "trial.left_id", "trial.right_id", "pending.left_id"),
    "labeler": (
        "labeler.id", "session.labeler_id", "trial.labeler_id", "pending.labeler_id",
        "fact.owner_id",
    ),
    "attribute": ("attribute.id", "answer.attribute_id"),
    "protocol": ("protocol.id", "session.protocol_id"),
    "session": ("session.id", "trial.session_id"),
    "trial": (
        "trial.id", "trial.supersedes_id", "trial.repeat_of_id", "answer.trial_id",
        "trial_event.trial_id",
    ),
    "trial_event": ("trial_event.id",),
}  # fmt: skip


def _by_id(study: Study) -> dict[str, TrialRecord]:
    return {trial.id: trial for trial in study.trials(current=False)}


def test_that_a_row_of_any_number_is_read_and_mended_and_leaves_room_for_others(
    rich: Study,
) -> None:
    before, image = _by_id(rich), rich.images()[0].id
    rich.close()
    whole = (rich.path / "study.sqlite3").read_bytes()
    edges = (2**63 - 1, -(2**63), 2**53 + 1, 0)
    for count, (table, columns) in enumerate(reversed(NUMBERED.items())):
        odd, first = edges[count % 4], "(SELECT id FROM numbers)"
        (rich.path / "study.sqlite3").write_bytes(whole)
        altered(
            rich,
            f'CREATE TEMP TABLE numbers AS SELECT min(id) AS id FROM "{table}"',
            *(
                f'UPDATE "{name}" SET {column} = {odd} WHERE {column} = {first}'
                for name, column in (each.split(".") for each in columns)
            ),
        )
        what = (table, odd)
        with Study.open(rich.path) as study:
            assert "identifier" in {problem.kind for problem in study.check()}, what
            assert _by_id(study) == before, what
            paged = [trial.id for page in study.trial_pages(5) for trial in page]
            assert sorted(paged) == sorted(before), what
            trial = TrialRecord(new_id(), "L1", "s9", 1, "rating", image, answers={"smart": 1})
            study.record(trial)
            stored = _by_id(study)
            assert stored.keys() == {*before, trial.id}, what
        assert repair(rich.path).moved == 0, what
        with Study.open(rich.path, read_only=True) as study:
            assert study.check() == [], what
            assert _by_id(study) == stored, what


# Places of a text in JSON columns: (table, column, the JSON around it).
TEXTS = (
    ("attribute", "scale_labels", '["TEXT", "b", "c", "d"]'),
    ("attribute", "templates", '["TEXT {}"]'),
    ("session", "timing", '{"TEXT": 1}'),
    ("session", "timing", '{"a": "TEXT"}'),
    ("trial", "flags", '["TEXT"]'),
    ("pending", "answers", '{"smart": {"skip_reason": "TEXT"}}'),
    ("pending", "answers", '{"TEXT": {"value": 1}}'),
    ("pending", "flags", '["TEXT"]'),
    ("import", "dismissed", '["TEXT"]'),
    *(
        ("import", "report", json.dumps(REPORT | part))
        for part in (
            {"recipe": "TEXT"}, {"notices": ["TEXT"]}, {"mapping": {"TEXT": "a"}},
            {"mapping": {"a": ["TEXT"]}}, {"refused": [[1, "TEXT"]]},
            {"doubts": [{"kind": "TEXT", "text": "b"}]},
        )
    ),
)  # fmt: skip
# The half of a letter that JSON accepts and UTF-8 does not; the bytes of one; a byte that is none.
HALVES = (r"'\ud83d'", r"'\udfff\ud83d'", "char(55357)", "x'ff'")


def test_that_a_text_that_is_none_is_named_in_every_json(rich: Study) -> None:
    before = rows(rich)
    rich.close()
    whole = (rich.path / "study.sqlite3").read_bytes()
    for count, (table, column, around) in enumerate(TEXTS):
        half = HALVES[count % 2] if count % 3 else HALVES[2 + count % 2]
        (rich.path / "study.sqlite3").write_bytes(whole)
        left, right = around.split("TEXT")
        altered(
            rich,
            f"UPDATE \"{table}\" SET {column} = CAST('{left}' || {half} || '{right}' AS TEXT) "
            f'WHERE rowid = (SELECT min(rowid) FROM "{table}")',
        )
        with Study.open(rich.path, read_only=True) as study:
            problems = study.check()
            assert "json" in {problem.kind for problem in problems}, (problems, table, half)
            str(problems).encode()
            assert len(rows(study)) == len(before)
            str((study.imports(), study.attributes(), study.sessions())).encode()


def _agrees(study: Study, what: str) -> None:
    """Nothing that a study says about its answers contradicts the rest of it."""
    current, info = study.trials(), study.info()
    ratings, comparisons = study.ratings(), study.comparisons()
    assert set(ratings["value"]) <= {1, 2, 3, 4}, what
    assert set(comparisons["outcome"]) <= {"left", "right", "tie"}, what
    answers = [answer for trial in current for answer in trial.answers.values()]
    assert set(answers) <= {1, 2, 3, 4, "left", "right", "tie"}, what
    assert len(answers) == len(ratings) + len(comparisons) == len(study.known_answers()), what
    assert info.rating_trials == sum(t.kind == "rating" and bool(t.answers) for t in current), what
    for read in (
        study.facts, study.imports, study.attributes, study.labelers, study.images,
        study.images_frame, study.targets, study.answer_rows,
    ):  # fmt: skip
        read()
    study.pending("L1", "rating")


@pytest.mark.parametrize("column", ["path", "name"])
@pytest.mark.parametrize(
    "place", ["'/a' || char(0) || 'b/x.jpg'", f"'/{'a' * 5_000}'", f"'/{'a/' * 5_000}x.jpg'"]
)
def test_that_a_place_that_no_disk_has_hides_no_other_image(
    rich: Study, tmp_path: Path, column: str, place: str
) -> None:
    (tmp_path / "empty").mkdir()
    images = rich.images()
    path = altered(
        rich,
        f"UPDATE stimulus SET path = '/gone/x.jpg', {column} = {place} "
        f"WHERE sha256 = '{images[0].id}'",
    )
    with Study.open(path) as study:
        assert {each.id for each in study.images()} == {each.id for each in images}
        assert study.image(images[0].id).missing
        assert not study.image(images[1].id).missing
        assert study.relink(tmp_path / "empty").found == 0
        assert study.relink(tmp_path).found == 1  # by its content
        study.check(deep=True)


def test_that_the_rest_is_exactly_as_it_was(rich: Study) -> None:
    before = rich.trials(current=False)
    rating = next(trial for trial in before if trial.kind == "rating")
    path = altered(
        rich,
        f"UPDATE answer SET value = 7 WHERE trial_id = (SELECT id FROM trial WHERE uid = "
        f"'{rating.id}')",
        "UPDATE trial SET kind = 'x' WHERE id = 3",
        "UPDATE attribute SET scale_labels = '[' WHERE name = 'smart'",
        "UPDATE import SET report = '{'",
    )
    with Study.open(path) as study:
        gone = {rating.id, before[2].id}
        assert study.trials(current=False) == tuple(t for t in before if t.id not in gone)
        smart = next(each for each in study.attributes() if each.name == "smart")
        assert smart.scale_labels == DEFAULT_SCALE
        (report,) = study.imports()
        assert (report.source, report.format) == ("t.csv", "csv")
        assert "cannot be read" in report.summary()
        study.undo_import(report.id)  # what it brought goes all the same
        assert study.facts() == ()


def test_that_a_flipped_bit_anywhere_in_an_answer_is_found(rich: Study) -> None:
    rich.close()
    dice = random.Random(7)
    with closing(connect(rich.path / "study.sqlite3", "rw")) as connection:
        connection.text_factory = decoded
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"
                                          ).fetchall():  # fmt: skip
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        missed, tried = [], 0
        while tried < 150:
            table = dice.choice(("trial", "answer", "session", "protocol"))
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            column, bit = dice.choice(columns), dice.randrange(512)
            row = connection.execute(
                f"SELECT {column}, {columns[0]}, {columns[1]} FROM {table} WHERE {column} NOT NULL "
                "ORDER BY random() LIMIT 1"
            ).fetchone()
            if row is None or flipped(row[0], bit) is None:
                continue
            if _unnoticed(connection, table, columns, column, row, flipped(row[0], bit)):
                missed.append((table, column, row[0], bit))
            tried += 1
    assert missed == []


def _unnoticed(
    connection: sqlite3.Connection, table: str, columns: list[str], column: str,
    row: tuple[object, ...], value: object,
) -> bool:  # fmt: skip
    connection.execute("BEGIN")
    try:
        made = "CAST(? AS TEXT)" if isinstance(row[0], str) else "?"
        connection.execute(
            f"UPDATE {table} SET {column} = {made} WHERE {columns[0]} = ? AND {columns[1]} = ?",
            (value, *row[1:]),
        )
        hide_odd_rows(connection)
        return all(problem.kind == "schema" for problem in database_problems(connection))
    except sqlite3.IntegrityError:
        return False  # SQLite itself noticed
    finally:
        connection.execute("ROLLBACK")


def test_that_a_damaged_file_is_read_as_far_as_it_goes_or_refused(
    rich: Study, tmp_path: Path
) -> None:
    before, dice = rows(rich), random.Random(3)
    rich.close()
    content = (rich.path / "study.sqlite3").read_bytes()
    place = tmp_path / "damaged.prism"
    place.mkdir()
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(dice.choice((1, 1, 1, 5, 200))):
            damaged[dice.randrange(100, len(damaged))] ^= 1 << dice.randrange(8)
        (place / "study.sqlite3").write_bytes(damaged)
        try:
            with Study.open(place, read_only=True) as study:
                problems = study.check()
                after = rows(study)
                study.info()
                study.ratings()
                assert after == before or problems
                assert problems or study.comparisons() is not None
        except PrismError:
            continue  # a sentence
    shutil.rmtree(place)
