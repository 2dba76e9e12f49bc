"""Making and opening a study's database: who it is, which
schema it has, and bringing an old one up to date."""

import os
import sqlite3
import stat
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from prism_desktop.engine import files
from prism_desktop.engine.errors import (
    CorruptStudyError,
    InputError,
    NewerSchemaError,
    ReadOnlyStudyError,
    StudyError,
    UnsafeFileError,
)
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.names import printable
from prism_desktop.engine.stimulus_words import StimulusKind
from prism_desktop.engine.study import hot_journal, schema
from prism_desktop.engine.study.backup import back_up
from prism_desktop.engine.study.backup_files import BEFORE_MIGRATION
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.database import (
    Database,
    connect,
    decoded,
    driver_of,
    explained,
    rescue,
)
from prism_desktop.engine.study.expected_schema import (
    MIGRATIONS,
    create,
    described,
    differences,
    upgraded,
)
from prism_desktop.engine.study.known_studies import made_here
from prism_desktop.engine.study.records import AttributeRecord
from prism_desktop.engine.study.sound_rows import hide_odd_rows
from prism_desktop.engine.study.stimulus_kinds import KIND, USUAL
from prism_desktop.engine.study.writer_lock import NAME as LOCK
from prism_desktop.engine.study.writer_lock import WriterLock, network_share
from prism_desktop.engine.study.writing import add_attributes

FILE = "study.sqlite3"
FOLDERS = ("thumbnails", "cache", "runs", "backups")
PART = "study.part"
_LAST = 9_999  # version that a schema can have; it is written in four digits
_QUICK = 32 << 20  # bytes; read in 0.1 s


def make_folder(path: Path) -> None:
    """Make a study's folder with its parts.

    Raises:
        InputError: it holds something already.
        ReadOnlyStudyError: it cannot be made.
    """
    _refuse_odd_name(path)
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
        raise_fault(error, path, kept="No study was made.")
        raise ReadOnlyStudyError(
            f"{path} cannot be made ({error.strerror}). Choose another place."
        ) from error


def unmake(study: Path) -> None:
    """Remove a study that was just made, closed and of use to nobody; what else lies in its folder
    stays."""
    made = {*FOLDERS, LOCK, *(f"{FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal"))}
    files.remove_tree(study, lambda name: name.split("/", 1)[0] in made)


def _refuse_odd_name(study: Path) -> None:
    """Raises: InputError: the folder's name is no text, which neither SQLite nor a run can keep."""
    if printable(str(study)) != str(study):
        raise InputError(
            f"The name of {printable(str(study))} is not written in UTF-8; rename it, or choose "
            "another place. Nothing was changed."
        )


def _is_ours(part: Path) -> bool:
    """Whether it is what an attempt to make a study that was cut off leaves behind."""
    return part.name.startswith(PART) or (
        part.name in FOLDERS and part.is_dir() and not part.is_symlink() and not any(part.iterdir())
    )


def make_database(
    file: Path,
    name: str,
    attributes: Sequence[AttributeRecord],
    kind: StimulusKind | None = None,
    *,
    usual: bool = False,
) -> None:
    """Write an empty study to a file that does not exist yet.

    The file gets its name once it is complete. `kind` is what the study will hold, if that is said;
    `usual`, whether nobody named the attributes.
    """
    refuse_network_share(file.parent)
    part = file.with_name(PART)
    try:
        with explained(file):
            make_empty(part)
            facts = {
                "id": uuid.uuid4().hex,
                "name": name,
                "created": repr(time.time()),
                "revision": "0",
                **made_here(),
                **({} if kind is None else {KIND: kind}),
                **({USUAL: "yes"} if usual else {}),
            }
            with closing(connect(part, "rw")) as connection:
                connection.execute("BEGIN")
                connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
                connection.execute("COMMIT")
        database = Database(part, writable=True)
        try:
            database.write(lambda c: add_attributes(c, attributes))
        finally:
            database.close()
        files.move(part, file)
    finally:
        files.remove(part)


def make_empty(file: Path) -> None:
    """A database of the newest schema without rows; anything of that name goes before."""
    for left in file.parent.glob(f"{file.name}*"):
        files.remove(left)
    with closing(connect(file, "rwc")) as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        create(connection, schema.SCHEMA_VERSION)


def lock_for_writing(file: Path) -> WriterLock:
    """Become the study's only writer, having made sure that it is one and lies on a local disk."""
    frozen = not os.access(file.parent, os.W_OK)
    refuse_special(file)
    if not frozen:
        hot_journal.roll_back(file)
    identify(file, immutable=frozen)
    refuse_network_share(file.parent)
    if frozen or not os.access(file, os.W_OK):
        raise ReadOnlyStudyError(
            f"The study {file.parent} cannot be written. Nothing was changed; open it read-only."
        )
    return WriterLock(file.parent)


def open_writer(file: Path, tell: Callable[[str], None] = lambda _: None) -> Database:
    """The connection that writes, the schema brought up to date first, after a backup; `tell` is
    told of both."""
    for folder in FOLDERS:
        with suppress(OSError):  # whoever needs it will say what is wrong
            files.make_folder(file.parent / folder)
    version = identify(file)
    _refuse_altered(file, version)
    if version < schema.SCHEMA_VERSION:
        _bring_up_to_date(file, version, tell)
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
    refuse_special(file)
    log = file.with_name(file.name + "-wal")
    if frozen and log.exists() and log.stat().st_size:
        raise StudyError(
            f"The study {file.parent} was not closed properly and its folder cannot be written. "
            "Nothing was changed; copy it to a folder that you can write and open it there."
        )
    if hot_journal.is_hot(file):
        raise StudyError(
            f"The study {file.parent} was cut off while it was brought up to date. Nothing was "
            "changed; the half is undone and begun again once it is opened for writing in the "
            f"window, or by `prism-desktop study upgrade {quoted(str(file.parent))}`."
        )
    if identify(file, immutable=frozen) < schema.SCHEMA_VERSION:
        raise StudyError(
            f"The study {file.parent} was written by an older version. Nothing was changed; bring "
            "it up to date by opening it for writing in the window, or by "
            f"`prism-desktop study upgrade {quoted(str(file.parent))}`. A backup is made first."
        )
    return read_connection(file, immutable=frozen)


def read_connection(file: Path, *, immutable: bool = False) -> Database:
    """A connection that only reads, and sees only what is as this program writes it."""
    database = Database(file, writable=False, immutable=immutable)
    try:
        database.read(lambda c: hide_odd_rows(driver_of(c), file))
    except BaseException:
        database.close()
        raise
    return database


def refuse_network_share(study: Path) -> None:
    """Raises: StudyError: the folder lies on a network share."""
    if share := network_share(study):
        raise StudyError(
            f"The study {study} lies on a network share ({share}), where SQLite cannot keep it "
            "safe. Nothing was changed; move it to a local disk. Sharing a study needs "
            "PostgreSQL, which is not supported yet."
        )


def _bring_up_to_date(file: Path, version: int, tell: Callable[[str], None]) -> None:
    """Its tables, one version after another: all of it or nothing, after a backup."""
    name, newest = file.parent.stem, schema.SCHEMA_VERSION
    first = f"Backing up {name} before it is brought up to date, step 1 of 2"
    tell(first)
    copy = back_up(
        file,
        before=f"{BEFORE_MIGRATION}-{newest}",
        tell=lambda share: tell(f"{first}, {share:.0%}"),
    )
    tell(f"Bringing {name} up to date, from version {version} to {newest}, step 2 of 2")
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
    # No foreign keys while tables are rebuilt; they are checked before the commit instead.
    with closing(connect(file, "rw")) as opened:
        opened.text_factory = decoded
        _upgrade(opened, file, migrations)


def _upgrade(opened: sqlite3.Connection, file: Path, migrations: Path) -> None:
    with upgraded(opened, "head", migrations):
        if broken := opened.execute("PRAGMA foreign_key_check").fetchone():
            raise CorruptStudyError(
                f"The study {file.parent} could not be brought up to date: its table "
                f"{broken[0]} has references to rows that are gone. It was left as it is. "
                f"{mending(file.parent)}"
            )
        version = opened.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        opened.execute(f"PRAGMA user_version = {int(version)}")


def mending(study: Path) -> str:
    """The way out of a damaged or altered database."""
    return (
        f"`prism-desktop study check --repair {quoted(str(study))}` mends what can be mended, "
        f"after a backup; older states are in {study / 'backups'}."
    )


def identify(file: Path, *, immutable: bool = False) -> int:
    """The schema version of a study's file.

    Raises:
        StudyError: there is no such file, or it is no plain one.
        CorruptStudyError: it is damaged, or no study.
        NewerSchemaError: a newer version of this program wrote it.
    """
    study = file.parent
    _refuse_odd_name(study)
    refuse_special(file)
    with explained(file):  # by SQLite alone: closing the file here would drop the locks of others
        try:
            with closing(connect(file, immutable=immutable)) as connection:
                application = connection.execute("PRAGMA application_id").fetchone()[0]
                version: int = connection.execute("PRAGMA user_version").fetchone()[0]
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorname != "SQLITE_NOTADB":
                raise
            raise CorruptStudyError(
                f"{file} is no SQLite database, so it is damaged or no study. It was left as it "
                f"is. {mending(study)}"
            ) from error
    if application != schema.APPLICATION_ID or not 1 <= version <= _LAST or not tables:
        raise CorruptStudyError(
            f"{file} is a database of another program or damaged, not a study. It was left as it "
            f"is; if it was a study: {mending(study)}"
        )
    if version > schema.SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The study {study} was written by a newer version of PRISM Desktop (schema {version}; "
            f"this one knows {schema.SCHEMA_VERSION}). Nothing was changed; update the program to "
            "open it."
        )
    return version


def refuse_special(file: Path) -> None:
    """A study from elsewhere may bring links or devices in place of its database or its log.

    Raises:
        StudyError: there is no database.
        UnsafeFileError: one of its files is no plain one.
    """
    study = file.parent
    for ending in ("", "-wal", "-shm", "-journal"):
        part = file.with_name(file.name + ending)
        try:
            mode = part.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StudyError(
                f"The study {study} cannot be read ({error.strerror}). Nothing was changed."
            ) from error
        if not stat.S_ISREG(mode):
            raise UnsafeFileError(
                f"{part} is no plain file but a link, a folder or a device, and a study's database "
                "is never one. Nothing was changed; ask whoever sent the study for its own files."
            )
    if not file.is_file():
        raise StudyError(
            f"There is no study in {study}: it has no {FILE}. Choose a study's folder, or make a "
            "new one."
        )


def _refuse_altered(file: Path, version: int) -> None:
    """Nothing is executed in a database whose schema is not the one that its version has.

    Raises:
        CorruptStudyError: it has triggers, views or columns of its own, or lacks some.
    """
    with explained(file), closing(connect(file)) as connection:
        odd = differences(connection, version)
        if odd:
            raise CorruptStudyError(
                f"The database of {file.parent} is not made as this program makes it: "
                f"{described(odd)}. Nothing was changed; it can still be read, open it read-only. "
                f"{mending(file.parent)}"
            )
        marked = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if marked != [(f"{version:04d}",)]:
            raise CorruptStudyError(
                f"The database of {file.parent} contradicts itself about its version. Nothing was "
                f"changed; it can still be read, open it read-only. {mending(file.parent)}"
            )
