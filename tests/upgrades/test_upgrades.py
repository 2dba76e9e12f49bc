"""A study of every schema version that was ever released still opens, with everything in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import NewerSchemaError
from prism_desktop.engine.study import checksums, opening, schema
from prism_desktop.engine.study.records import AnswerTime, Doubt
from prism_desktop.engine.study.store import Study
from tests.engine.study.damage import unguarded

DUMPS = sorted(Path(__file__).parent.glob("schema-*.sql"))
CHECKSUMS = [f"SELECT id, checksum FROM {table} ORDER BY id" for table in ("trial", "trial_event")]


def test_that_every_schema_version_has_its_dump() -> None:
    assert [dump.stem for dump in DUMPS] == [
        f"schema-{version:04d}" for version in range(1, schema.SCHEMA_VERSION + 1)
    ]


@pytest.mark.parametrize("version", [schema.SCHEMA_VERSION + 1, schema.SCHEMA_VERSION + 40])
@pytest.mark.parametrize("read_only", [False, True])
def test_that_a_newer_study_is_refused_and_left_as_it_is(
    version: int, read_only: bool, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.executescript(DUMPS[-1].read_text(encoding="utf-8"))
        connection.execute("CREATE TABLE later (id INTEGER)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*")}
    with pytest.raises(NewerSchemaError, match="Nothing was changed"):
        Study.open(tmp_path, read_only=read_only)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_that_an_old_study_opens_with_everything_in_it(dump: Path, tmp_path: Path) -> None:
    version = int(dump.stem[-4:])
    file = tmp_path / "study.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    with Study.open(tmp_path) as study:
        info = study.info()
        assert (info.name, info.schema_version, info.images) == (
            "Old study",
            schema.SCHEMA_VERSION,
            4,
        )
        assert [labeler.profile for labeler in study.labelers()] == ["A profile.", ""]
        log = {trial.id[0]: trial for trial in study.trials(current=False)}
        assert log["1"].superseded_by == "2" * 32
        assert log["1"].answers == {"attractive": "left", "smart": "tie"}
        assert (log["1"].onset, log["1"].seconds) == (1000.5, 1.25)
        assert log["3"].repeat_of == "2" * 32
        assert log["4"].skip_reason == "I know this person"
        assert (log["5"].status, log["5"].source, log["5"].answers) == (
            "withdrawn",
            "simulated",
            {"smart": 4},
        )
        assert {problem.kind for problem in study.check()} == {"missing"}
        if version >= 2:
            assert (log["1"].dropped_frames, study.targets()) == (1, {"comparison": 90})
            pending = study.pending("L1", "comparison")
            assert pending is not None
            assert pending.given.answers == {"smart": "tie"}
        else:
            assert (log["1"].dropped_frames, study.targets()) == (None, {})
            assert study.pending("L1", "comparison") is None
        if version >= 5:
            assert pending.given.times == {"smart": AnswerTime(3000.0, 0.75)}
            assert log["8"].answers == {"attractive": "left"}
            assert log["8"].skips == {"smart": "I cannot judge this"}
            assert log["8"].time("smart") == AnswerTime(2002.25, 1.75)
            assert (log["8"].strengths, log["8"].flags) == (
                {"attractive": 2},
                ("left", "interrupted"),
            )
            assert (log["8"].block, log["8"].strategy) == ("main", "random")
            started = {session.id: session.started for session in study.sessions()}
            assert (started["s1"], started["s4"], started["s3"]) == (1000.5, 2000.5, None)
        else:
            assert {session.started for session in study.sessions()} == {None}
            assert not any(trial.skips or trial.times or trial.flags for trial in log.values())
        assert log["1"].time("smart") == AnswerTime(None, None)  # it was one of two questions
        confirmed = {attribute.name: attribute.confirmed for attribute in study.attributes()}
        if version >= 3:
            assert confirmed == {"attractive": True, "smart": True, "guessed": False}
            assert [(f.kind, f.owner[-1], f.name, f.value) for f in study.facts()] == [
                ("rater", "1", "age", "31"),
                ("image", "1", "age", "44"),
            ]
            (report,) = study.imports()
            assert report.open_doubts == (Doubt("scale", "Two.", "t.csv", "guessed", (3, 5), 2),)
            assert (len(report.doubts), report.dismissed) == (2, {1})
            assert report.recipe == 'scale = "1-7"\n'
        else:
            assert confirmed == {"attractive": True, "smart": True}
            assert study.facts() == ()
        with (
            closing(sqlite3.connect(file)) as connection,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            connection.execute("UPDATE trial SET dropped_frames = 7")
        study.restore("5" * 32)
        assert study.progress()[1].ratings == 1


DAMAGE = {
    "UPDATE answer SET value = 3 - value WHERE trial_id = 1 AND attribute_id = 1": "checksum",
    "UPDATE trial SET seconds = 2.25 WHERE id = 1": "checksum",
    "UPDATE trial SET checksum = x'00' WHERE id = 3": "checksum",
    "DELETE FROM answer WHERE trial_id = 3 AND attribute_id = 1": "checksum",
    "UPDATE answer SET value = 'high' WHERE trial_id = 1": "value",
    "UPDATE pending SET answers = '[]'": "json",
}


@pytest.mark.parametrize("statement", DAMAGE)
def test_that_damage_of_before_the_upgrade_is_found_after_it(
    statement: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.executescript(DUMPS[3].read_text(encoding="utf-8"))
        kept = connection.execute(CHECKSUMS[0]).fetchall()
        with unguarded(connection):
            connection.execute(statement)
        connection.commit()
    with Study.open(tmp_path) as study:
        found = {problem.kind for problem in study.check()}
        assert DAMAGE[statement] in found
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        now = connection.execute(CHECKSUMS[0]).fetchall()
        assert sum(one != other for one, other in zip(kept, now, strict=True)) <= 1
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_that_a_version_of_the_protocol_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.executescript(DUMPS[-1].read_text(encoding="utf-8"))
        connection.execute("INSERT INTO protocol VALUES (1, 'a', 1, 1.0, 'text', NULL)")
        for statement in ("UPDATE protocol SET text = 'other'", "DELETE FROM protocol"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            connection.execute("INSERT INTO protocol VALUES (2, 'b', 1, 1.0, 'text', NULL)")


@pytest.mark.parametrize("dump", DUMPS[:3], ids=lambda dump: dump.stem)
def test_that_a_migrated_checksum_is_the_one_that_is_compared_with_today(
    dump: Path, tmp_path: Path
) -> None:
    """The migration has its own wording of it, which has to stay that of the first day."""
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
        with unguarded(connection):
            connection.execute("UPDATE answer SET raw = 5.25 WHERE attribute_id = 2")
            connection.execute("UPDATE trial SET place = 'none' WHERE id = 3")  # what cannot be
        connection.commit()
        opening.migrate(tmp_path / "study.sqlite3")
        migrated = [connection.execute(query).fetchall() for query in CHECKSUMS]
        with unguarded(connection):
            checksums.fill(connection)
            checksums.fill_others(connection)
        assert migrated == [connection.execute(query).fetchall() for query in CHECKSUMS]
    found = [checksum for _, checksum in migrated[0]]
    assert found[2] is None
    assert None not in found[:2] + found[3:]
    assert len(set(found)) == len(found) > 3
    assert migrated[1]
