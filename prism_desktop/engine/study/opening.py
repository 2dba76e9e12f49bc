"""Making and opening a study's database: who it is, which schema it has, and bringing an old one up to date."""

import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from prism_desktop.engine.errors import CorruptStudyError, NewerSchemaError, StudyError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.database import address, explained

FILE = "study.sqlite3"
MIGRATIONS = Path(__file__).parent / "migrations"
_HEADER = b"SQLite format 3\0"


def make_database(file: Path, name: str) -> None:
    """Write an empty study to a file that does not exist yet."""
    with explained(file):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
        migrate(file)
        facts = {"id": uuid.uuid4().hex, "name": name, "created": repr(time.time()), "revision": "0"}
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())


def migrate(file: Path, migrations: Path = MIGRATIONS) -> None:
    """Bring the schema to the newest revision, all of it or nothing."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    # No foreign keys while tables are rebuilt; they are checked before the commit instead.
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address(file, "rw"), uri=True, isolation_level=None),
        poolclass=StaticPool,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise CorruptStudyError(
                    f"The study {file.parent} could not be brought up to date: its table {broken[0]} has references to "
                    "rows that are gone. It was left as it is."
                )
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
    finally:
        engine.dispose()


def identify(file: Path, *, immutable: bool = False) -> int:
    """The schema version of a study's file.

    Raises:
        StudyError: there is no such file.
        CorruptStudyError: it is damaged, or no study.
        NewerSchemaError: a newer version of this program wrote it.
    """
    study = file.parent
    if not file.is_file():
        raise StudyError(f"There is no study in {study}: it has no {FILE}. Choose a study's folder, or make a new one.")
    with explained(file):
        try:
            with file.open("rb") as stream:
                start = stream.read(len(_HEADER))
        except OSError as error:
            raise StudyError(f"The study {study} cannot be read ({error.strerror}). Nothing was changed.") from error
        if start != _HEADER:
            raise CorruptStudyError(
                f"{file} is no SQLite database, so it is damaged or no study. It was left as it is; "
                f"look in {study / 'backups'} for an older state."
            )
        with closing(sqlite3.connect(address(file, immutable=immutable), uri=True)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != schema.APPLICATION_ID or version < 1 or not tables:
        raise CorruptStudyError(f"{file} is a database of another program, not a study. It was left as it is.")
    if version > schema.SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The study {study} was written by a newer version of PRISM Desktop (schema {version}; this one knows "
            f"{schema.SCHEMA_VERSION}). Nothing was changed; update the program to open it."
        )
    return version
