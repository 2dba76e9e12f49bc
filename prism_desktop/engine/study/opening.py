"""Making and opening a study's database: who it is, which
schema it has, and bringing an old one up to date."""

import os
import time
import uuid
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from prism_desktop.engine import files
from prism_desktop.engine.errors import (
    CorruptStudyError,
    InputError,
    NewerSchemaError,
    ReadOnlyStudyError,
    StudyError,
)
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, open_foreign
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.backup import back_up
from prism_desktop.engine.study.database import Database, explained, rescue
from prism_desktop.engine.study.records import AttributeRecord
from prism_desktop.engine.study.writer_lock import WriterLock, network_share
from prism_desktop.engine.study.writing import add_attributes

FILE = "study.sqlite3"
MIGRATIONS = Path(__file__).parent / "migrations"
FOLDERS = ("thumbnails", "cache", "runs", "backups")
_PART = "study.part"
_HEADER = b"SQLite format 3\0"
_QUICK = 32 << 20  # bytes; read in 0.1 s


def make_folder(path: Path) -> None:
    """Make a study's folder with its parts.

    Raises:
        InputError: it holds something already.
        ReadOnlyStudyError: it cannot be made.
    """
    if (path / FILE).exists():
        raise InputError(f"There is a study in {path} already. Open it, or choose another folder.")
    try:
        if path.exists() and (
            not path.is_dir() or not all(_is_ours(part) for part in path.iterdir())
        ):
            raise InputError(
                f"{path} holds other files. Choose an empty or a new folder for the study."
            )
        for part in ("", *FOLDERS):
            files.make_folder(path / part)
    except OSError as error:
        raise ReadOnlyStudyError(
            f"{path} cannot be made ({error.strerror}). Choose another place."
        ) from error


def _is_ours(part: Path) -> bool:
    """Whether it is what an attempt to make a study that was cut off leaves behind."""
    return part.name.startswith(_PART) or (
        part.name in FOLDERS and part.is_dir() and not part.is_symlink() and not any(part.iterdir())
    )


def make_database(file: Path, name: str, attributes: Sequence[AttributeRecord]) -> None:
    """Write an empty study to a file that does not exist yet.

    The file gets its name once it is complete.
    """
    refuse_network_share(file.parent)
    part = file.with_name(_PART)
    for left in file.parent.glob(f"{_PART}*"):
        files.remove(left)
    try:
        with explained(file):
            with closing(files.connect(part, "rwc")) as connection:
                connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            migrate(part)
            facts = {
                "id": uuid.uuid4().hex,
                "name": name,
                "created": repr(time.time()),
                "revision": "0",
            }
            with closing(files.connect(part, "rw")) as connection, connection:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        database = Database(part, writable=True)
        try:
            database.write(lambda c: add_attributes(c, attributes))
        finally:
            database.close()
        files.move(part, file)
    finally:
        files.remove(part)


def lock_for_writing(file: Path) -> WriterLock:
    """Become the study's only writer, having made sure that it is one and lies on a local disk."""
    frozen = not os.access(file.parent, os.W_OK)
    identify(file, immutable=frozen)
    refuse_network_share(file.parent)
    if frozen or not os.access(file, os.W_OK):
        raise ReadOnlyStudyError(
            f"The study {file.parent} cannot be written. Nothing was changed; open it read-only."
        )
    return WriterLock(file.parent)


def open_writer(file: Path) -> Database:
    """The connection that writes, the schema brought up to date first, after a backup."""
    for folder in FOLDERS:
        with suppress(OSError):  # whoever needs it will say what is wrong
            files.make_folder(file.parent / folder)
    if identify(file) < schema.SCHEMA_VERSION:
        _bring_up_to_date(file)
    database = Database(file, writable=True)
    try:
        _refuse_damaged(file, database)
    except BaseException:
        database.close()
        raise
    return database


def open_reader(file: Path) -> Database:
    """A connection for reading only, beside a writer or on a disk that cannot be written.

    Raises:
        StudyError: the schema is older than this program's, or the last writer was cut off on a
            disk that cannot be written now; opening it for writing once helps with both.
    """
    frozen = not os.access(file.parent, os.W_OK)
    log = file.with_name(file.name + "-wal")
    if frozen and log.exists() and log.stat().st_size:
        raise StudyError(
            f"The study {file.parent} was not closed properly and its folder cannot be written. "
            "Nothing was changed; copy it to a folder that you can write and open it there."
        )
    if identify(file, immutable=frozen) < schema.SCHEMA_VERSION:
        raise StudyError(
            f"The study {file.parent} was written by an older version. Nothing was changed; bring "
            f"it up to date by `prism-desktop study upgrade {file.parent}`, or open it in the "
            "window. A backup is made first."
        )
    return Database(file, writable=False, immutable=frozen)


def refuse_network_share(study: Path) -> None:
    """Raises: StudyError: the folder lies on a network share."""
    if share := network_share(study):
        raise StudyError(
            f"The study {study} lies on a network share ({share}), where SQLite cannot keep it "
            "safe. Nothing was changed; move it to a local disk. Sharing a study needs "
            "PostgreSQL, which is not supported yet."
        )


def _bring_up_to_date(file: Path) -> None:
    copy = back_up(file, before_schema=schema.SCHEMA_VERSION)
    try:
        with explained(file):
            migrate(file)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"The study {file.parent} could not be brought up to date ({reason}). It was left as "
            f"it was, and {copy} is a copy of it; please report this."
        ) from error


def _refuse_damaged(file: Path, database: Database) -> None:
    """A quick check of every page, as long as that is quick."""
    if file.stat().st_size > _QUICK:
        return
    verdict = database.read(lambda c: c.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    if verdict != "ok":
        raise CorruptStudyError(
            f"The database of {file.parent} is damaged ({verdict}). {rescue(file.parent)}"
        )


def migrate(file: Path, migrations: Path = MIGRATIONS) -> None:
    """Bring the schema to the newest revision, all of it or nothing."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    # No foreign keys while tables are rebuilt; they are checked before the commit instead.
    with closing(files.connect(file, "rw", isolation_level=None)) as opened:
        engine = create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)
        event.listen(
            engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE")
        )
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise CorruptStudyError(
                    f"The study {file.parent} could not be brought up to date: its table "
                    f"{broken[0]} has references to rows that are gone. It was left as it is."
                )
            version = connection.exec_driver_sql(
                "SELECT version_num FROM alembic_version"
            ).scalar_one()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")


def identify(file: Path, *, immutable: bool = False) -> int:
    """The schema version of a study's file.

    Raises:
        StudyError: there is no such file.
        CorruptStudyError: it is damaged, or no study.
        NewerSchemaError: a newer version of this program wrote it.
    """
    study = file.parent
    if not file.is_file():
        raise StudyError(
            f"There is no study in {study}: it has no {FILE}. Choose a study's folder, or make a "
            "new one."
        )
    with explained(file):
        try:
            with open_foreign(file, MAX_WEIGHTS) as stream:
                start = stream.read(len(_HEADER))
        except OSError as error:
            raise StudyError(
                f"The study {study} cannot be read ({error.strerror}). Nothing was changed."
            ) from error
        if start != _HEADER:
            raise CorruptStudyError(
                f"{file} is no SQLite database, so it is damaged or no study. It was left as it "
                f"is; look in {study / 'backups'} for an older state."
            )
        with closing(files.connect(file, immutable=immutable)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != schema.APPLICATION_ID or version < 1 or not tables:
        raise CorruptStudyError(
            f"{file} is a database of another program, not a study. It was left as it is."
        )
    if version > schema.SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The study {study} was written by a newer version of PRISM Desktop (schema {version}; "
            f"this one knows {schema.SCHEMA_VERSION}). Nothing was changed; update the program to "
            "open it."
        )
    return version
