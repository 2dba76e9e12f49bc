"""A study from elsewhere may bring triggers, views and tables of its own; none ever runs."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import CorruptStudyError, PrismError
from prism_desktop.engine.study import opening, schema
from prism_desktop.engine.study.database import connect
from prism_desktop.engine.study.expected_schema import MIGRATIONS, differences
from prism_desktop.engine.study.store import Study

PLANTED = {
    "deletes answers": "CREATE TRIGGER t AFTER INSERT ON import BEGIN DELETE FROM answer; END",
    "drops every write": "CREATE TRIGGER t BEFORE INSERT ON trial BEGIN SELECT RAISE(IGNORE); END",
    "on meta": "CREATE TRIGGER t UPDATE ON meta BEGIN UPDATE meta SET value = 'x'; END",
    "view": "CREATE VIEW extra AS SELECT load_extension('x')",
    "table": "CREATE TABLE extra (a)",
    "table that generates": "CREATE TABLE extra (a, b AS (hex(zeroblob(100000000))))",
    "index that computes": "CREATE INDEX extra ON answer (abs(value))",
    "rule that forbids": "CREATE UNIQUE INDEX extra ON trial (uid, kind)",
    "virtual table": "CREATE VIRTUAL TABLE extra USING fts5(a)",
    "guard is gone": "DROP TRIGGER answer_kept",
    "guard does nothing": "DROP TRIGGER trial_kept; CREATE TRIGGER trial_kept BEFORE DELETE ON "
    "trial WHEN 0 BEGIN SELECT 1; END",
    "index is gone": "DROP INDEX trial_supersedes_live",
    "column more": "ALTER TABLE labeler ADD COLUMN age INTEGER DEFAULT 3",
    "column less": "ALTER TABLE attribute DROP COLUMN confirmed",
    "table is gone": "DROP TABLE fact",
    "table is a view": "ALTER TABLE pending RENAME TO old; "
    "CREATE VIEW pending AS SELECT * FROM old",
    "other version inside": "UPDATE alembic_version SET version_num = '0002'",
}


def planted(study: Study, script: str) -> Path:
    """The study, closed, with something planted into its database."""
    study.close()
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as connection:
        connection.executescript(script)
    return study.path


@pytest.mark.parametrize("script", PLANTED.values(), ids=PLANTED.keys())
def test_that_a_foreign_schema_is_refused_for_writing_and_can_be_read(
    tiny_study: Study, script: str
) -> None:
    trials, people = tiny_study.trials(current=False), tiny_study.labelers()
    path = planted(tiny_study, script)
    before = (path / "study.sqlite3").read_bytes()
    with pytest.raises(CorruptStudyError, match=r"Nothing was changed.*study check --repair"):
        Study.open(path)
    with Study.open(path, read_only=True) as reader:
        assert reader.trials(current=False) == trials
        assert reader.labelers() == people
        assert [attribute.confirmed for attribute in reader.attributes()] == [True] * 2
        assert reader.facts() == ()
        assert reader.pending("L1", "rating") is None
        assert reader.info().images == 24
        assert reader.check() != []
    assert (path / "study.sqlite3").read_bytes() == before


@pytest.mark.parametrize("table", ["trial", "answer", "meta", "stimulus", "import", "session"])
def test_that_a_study_that_lacks_a_table_is_a_sentence(tiny_study: Study, table: str) -> None:
    path = planted(tiny_study, f'PRAGMA foreign_keys = OFF; DROP TABLE "{table}"')
    with pytest.raises(CorruptStudyError, match=f"the table '{table}' is missing"):
        Study.open(path)
    with Study.open(path, read_only=True) as reader:
        assert reader.info().path == path
        assert any("is missing" in problem.text for problem in reader.check())


def test_that_an_old_version_is_compared_with_what_it_was(tmp_path: Path) -> None:
    script = (Path(__file__).parents[2] / "upgrades/schema-0002.sql").read_text("utf-8")
    file = tmp_path / opening.FILE
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script + PLANTED["deletes answers"])
    with pytest.raises(CorruptStudyError, match="a foreign trigger 't' on table 'import'"):
        Study.open(tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER t")
    with Study.open(tmp_path) as study:
        assert len(study.trials(current=False)) == 5


def test_that_what_a_database_administrator_may_do_harms_nothing(tiny_study: Study) -> None:
    path = planted(tiny_study, "ANALYZE; VACUUM; PRAGMA journal_mode = DELETE")
    with Study.open(path) as study:
        assert study.check() == []


def test_that_every_version_equals_itself(tiny_study: Study) -> None:
    assert sorted(MIGRATIONS.glob("versions/v*.py"))
    with closing(connect(tiny_study.path / "study.sqlite3")) as connection:
        assert differences(connection, schema.SCHEMA_VERSION) == []
        assert {each.words for each in differences(connection, 4)} >= {
            "the table 'answer' was changed",
            "a foreign table 'protocol'",
        }


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
@pytest.mark.parametrize("name", ["study.sqlite3", "study.sqlite3-wal", "study.sqlite3-journal"])
def test_that_a_database_is_a_plain_file(
    tiny_study: Study, tmp_path: Path, kind: str, name: str
) -> None:
    tiny_study.close()
    file, precious = tiny_study.path / name, tmp_path / "precious"
    precious.write_bytes((tiny_study.path / "study.sqlite3").read_bytes())
    before = precious.read_bytes()
    file.unlink(missing_ok=True)
    if kind == "link":
        file.symlink_to(precious)
    elif kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(file)
    for read_only in (False, True):
        with pytest.raises(PrismError, match="is no plain file"):
            Study.open(tiny_study.path, read_only=read_only)
    assert precious.read_bytes() == before
