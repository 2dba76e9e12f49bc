"""The schema that a study's database must have, and how a file's differs from it.

A file from elsewhere may bring triggers, views or columns of its own; they would run with the
first statement that meets them, so that they are looked for before there is one.
"""

import functools
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from prism_desktop.engine.foreign_files import MAX_RECORD, read_foreign
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.database import harden

KEPT: Final = "made"  # folder of what the migrations up to each version make
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_SPACE: Final = re.compile(r"\s+")
# What SQLite itself adds when somebody runs ANALYZE; it only steers plans of queries.
_STATISTICS: Final = {
    "sqlite_stat1": "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    "sqlite_stat4": "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """A row of `sqlite_master`."""

    kind: str  # "table", "index", "trigger" or "view"
    name: str
    table: str
    sql: str | None  # with single blanks; None for the indexes that SQLite makes itself


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """Something that the schema has, lacks or words otherwise; one of the two is None at most."""

    found: SchemaObject | None
    wanted: SchemaObject | None

    @property
    def words(self) -> str:
        """ "a foreign trigger x on table trial", for a sentence."""
        if self.wanted is None:
            assert self.found is not None
            on = (
                f" on table {self.found.table!r}" if self.found.kind in ("trigger", "index") else ""
            )
            return f"a foreign {self.found.kind} {self.found.name!r}{on}"
        what = f"the {self.wanted.kind} {self.wanted.name!r}"
        return f"{what} is missing" if self.found is None else f"{what} was changed"


def differences(connection: sqlite3.Connection, version: int) -> list[SchemaDifference]:
    """How a database differs from what the migrations make for a version; empty if it does not.

    So it is for a version that other migrations than these made.
    """
    if not any(MIGRATIONS.glob(f"versions/v{version:04d}_*.py")):
        return []
    wanted = {(each.kind, each.name): each for each in expected(version)}
    found = {(each.kind, each.name): each for each in objects(connection)}
    odd = [SchemaDifference(found[key], None) for key in found if key not in wanted]
    odd += [
        SchemaDifference(found.get(key), each)
        for key, each in wanted.items()
        if found.get(key) != each
    ]
    return odd


def described(odd: Iterable[SchemaDifference]) -> str:
    """What differs, in words for a sentence."""
    return few([each.words for each in odd])


def objects(connection: sqlite3.Connection) -> Iterator[SchemaObject]:
    """What the database holds beside SQLite's own statistics."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_master").fetchall()
    for row in rows:
        kind, name, table, sql = ("" if part is None else str(part) for part in row)
        if kind == "table" and _STATISTICS.get(name) == sql:
            continue
        yield SchemaObject(kind, name, table, _SPACE.sub(" ", sql).strip() if row[3] else None)


def expected(version: int) -> tuple[SchemaObject, ...]:
    """What the migrations up to a version make, tables first."""
    return _made(version, MIGRATIONS)


@functools.cache
def _made(version: int, migrations: Path) -> tuple[SchemaObject, ...]:
    """As it is kept beside the migrations; else made once in memory, in a fiftieth of a second."""
    kept = migrations / KEPT / f"{version:04d}.json"
    if kept.is_file():
        found: Any = parse_json(read_foreign(kept, MAX_RECORD))
        return tuple(SchemaObject(*each) for each in found)
    return made_by_migrations(version, migrations)


def made_by_migrations(version: int, migrations: Path) -> tuple[SchemaObject, ...]:
    """What they make, tables first."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        harden(opened)
        with upgraded(opened, f"{version:04d}", migrations):
            return tuple(sorted(objects(opened), key=lambda each: each.kind != "table"))


def create(opened: sqlite3.Connection, version: int) -> None:
    """Give an empty database what the migrations up to a version make, without running them."""
    opened.execute("BEGIN EXCLUSIVE")
    for each in expected(version):
        if each.sql is not None:
            opened.execute(each.sql)
    opened.execute("INSERT INTO alembic_version VALUES (?)", (f"{version:04d}",))
    opened.execute(f"PRAGMA user_version = {version}")
    opened.execute("COMMIT")


@contextmanager
def upgraded(
    opened: sqlite3.Connection, revision: str, migrations: Path = MIGRATIONS
) -> Iterator[Connection]:
    """Run the migrations up to a revision; committed if the block ends well, else undone."""
    from alembic import command  # takes half a second, and most databases need no migration
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection


def stand_ins(connection: sqlite3.Connection, version: int) -> dict[str, str]:
    """Let a reader of an odd schema find every table and column that it asks for.

    Nothing of the file is changed: a temporary table stands for one that is missing, a temporary
    view for one whose columns are missing or computed. No trigger runs on reading.

    Returns:
        Table -> its stand-in, as SQL.
    """
    places = {}
    for each in differences(connection, version):
        table = each.wanted
        if table is not None and table.kind == "table" and _stand_in(connection, table, each.found):
            places[table.name] = f'temp."found_{table.name}"'
    return places


def _stand_in(
    connection: sqlite3.Connection, wanted: SchemaObject, found: SchemaObject | None
) -> bool:
    """Make a stand-in for a table; False if the table will do as it is."""
    sql, name = wanted.sql or "", wanted.name
    there = {} if found is None else _columns(connection, found)
    if not there:
        begin = re.compile(rf'CREATE TABLE "?{name}"?')
        connection.execute(begin.sub(f'CREATE TEMP TABLE "found_{name}"', sql, count=1))
        return True
    columns = _expected_columns(sql, name)
    if columns.keys() <= there.keys():
        return False
    chosen = ", ".join(
        f'"{column}"' if column in there else f'{default or "NULL"} AS "{column}"'
        for column, default in columns.items()
    )
    connection.execute(f'CREATE TEMP VIEW "found_{name}" AS SELECT {chosen} FROM main."{name}"')
    return True


def _columns(connection: sqlite3.Connection, table: SchemaObject) -> Mapping[str, None]:
    """The columns of a table that hold what was stored in them; none of a virtual table."""
    if not (table.sql or "").upper().startswith("CREATE TABLE"):
        return {}
    name = table.name.replace('"', '""')
    rows = connection.execute(f'PRAGMA main.table_xinfo("{name}")').fetchall()
    return {row[1]: None for row in rows if row[6] == 0}


def _expected_columns(sql: str, name: str) -> Mapping[str, str | None]:
    """Column -> what it holds where nothing is said, as SQL."""
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute(sql)
        return {row[1]: row[4] for row in opened.execute(f'PRAGMA table_info("{name}")')}
