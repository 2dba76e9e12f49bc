"""Schema changes: what the revisions make is what the
code expects, and a failed one changes nothing."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.files import database_address as address
from prism_desktop.engine.study import expected_schema, opening, schema
from prism_desktop.engine.study.store import Study

NEXT = '''
"""A revision of the future."""
import sqlalchemy as sa
from alembic import op
revision = "{next}"
down_revision = "{present}"
def upgrade() -> None:
    with op.batch_alter_table("labeler") as table:
        table.add_column(sa.Column("born", sa.Integer()))
    {then}
'''


def test_that_the_revisions_make_the_tables_that_the_code_knows(tiny_study: Study) -> None:
    with closing(sqlite3.connect(tiny_study.path / "study.sqlite3")) as opened:
        engine = create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, schema.Base.metadata) == []


def test_that_the_newest_revision_is_the_schema_version() -> None:
    script = ScriptDirectory(str(opening.MIGRATIONS))
    assert int(script.get_current_head() or 0) == schema.SCHEMA_VERSION


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations with one more revision, used by whoever opens a study now."""
    folder = tmp_path / "migrations"
    shutil.copytree(opening.MIGRATIONS, folder)
    migrate = opening.migrate
    monkeypatch.setattr(opening, "migrate", lambda file: migrate(file, folder))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    return folder / "versions" / f"v{schema.SCHEMA_VERSION:04d}_next.py"


def test_that_an_old_study_is_backed_up_and_brought_up_to_date(
    tiny_study: Study, future: Path
) -> None:
    tiny_study.close()
    with Study.open(_with(tiny_study, future, "pass")) as study:
        assert study.info().schema_version == schema.SCHEMA_VERSION
        assert [copy.name[:15] for copy in study.backups()] == [
            f"before-schema-{schema.SCHEMA_VERSION}"
        ]
        assert len(study.labelers()) == 3
        assert study.check() == []


def test_that_a_failed_migration_leaves_the_study_as_it_was(
    tiny_study: Study, future: Path
) -> None:
    tiny_study.close()
    path = _with(tiny_study, future, "op.execute('DROP TABLE missing')")
    with pytest.raises(PrismError, match=r"could not be brought up to date.*left as it was"):
        Study.open(path)
    with closing(sqlite3.connect(address(path / "study.sqlite3"), uri=True)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION - 1,)
        assert "born" not in {row[1] for row in connection.execute("PRAGMA table_info(labeler)")}


def test_that_an_old_study_is_not_opened_read_only(tiny_study: Study, future: Path) -> None:
    tiny_study.close()
    with pytest.raises(PrismError, match="older version"):
        Study.open(tiny_study.path, read_only=True)


def _with(study: Study, revision: Path, then: str) -> Path:
    revision.write_text(
        NEXT.format(
            then=then,
            next=f"{schema.SCHEMA_VERSION:04d}",
            present=f"{schema.SCHEMA_VERSION - 1:04d}",
        )
    )
    return study.path


def test_that_the_schemas_kept_beside_the_migrations_are_what_these_make() -> None:
    versions = sorted(expected_schema.MIGRATIONS.glob("versions/v*.py"))
    for version in range(1, len(versions) + 1):
        made = expected_schema.made_by_migrations(version, expected_schema.MIGRATIONS)
        assert expected_schema.expected(version) == made
    kept = (expected_schema.MIGRATIONS / expected_schema.KEPT).glob("*.json")
    assert [int(file.stem) for file in sorted(kept)] == list(range(1, len(versions) + 1))


def test_that_a_new_database_is_what_the_migrations_make(tmp_path: Path) -> None:
    new, migrated = tmp_path / "new.sqlite3", tmp_path / "migrated.sqlite3"
    opening.make_empty(new)
    migrated.touch()
    opening.migrate(migrated)
    told = []
    for file in (new, migrated):
        with closing(sqlite3.connect(file)) as opened:
            found = set(expected_schema.objects(opened))
            version = opened.execute("PRAGMA user_version").fetchone()
            told.append(
                (found, version, opened.execute("SELECT * FROM alembic_version").fetchall())
            )
    assert told[0] == told[1]
