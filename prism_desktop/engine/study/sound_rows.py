"""A reader sees only rows that are what this program writes; odd ones are passed over.

One odd value must not take a study with it, and must not be computed with either. What is odd is
looked for when the study is opened, and hidden by temporary views of the connection: of the file
nothing changes. `odd_rows` names them.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.stimulus_words import FACES, StimulusWords, words_for
from prism_desktop.engine.study import schema, sound_files
from prism_desktop.engine.study.expected_schema import stand_ins
from prism_desktop.engine.study.row_rules import (
    KEYS,
    RULES,
    SHOWN,
    STAND_INS,
    RowRule,
)
from prism_desktop.engine.study.writing import check_name

_NAMED: Final = 3  # rows named of those that a sentence counts
_LONG: Final = 60  # characters of what is named


class OddRows(NamedTuple):
    """Rows that break one rule."""

    rule: RowRule
    number: int  # of rows
    examples: tuple[str, ...]
    words: StimulusWords = FACES  # for what the study holds


def hide_odd_rows(connection: sqlite3.Connection, file: Path | None = None) -> None:
    """Make readers of this connection pass over what is odd.

    Its `file`, if that is given, is not looked through again where it was found sound and nobody
    has changed it since; the connection is in a transaction then.
    """
    found = stand_ins(connection, schema.SCHEMA_VERSION)
    for table, place in found.items():
        connection.execute(f'CREATE TEMP VIEW "{table}" AS SELECT * FROM {place}')
    # once something was read: from here on nothing that others commit gets into the file
    before = None if file is None or found else sound_files.state(file)
    if file is not None and before is not None and sound_files.is_sound(file, before):
        return
    places = places_of(connection)
    _learn(connection)
    hidden = [
        _hide(connection, table, places, list(rules))
        for table, rules in groupby(RULES, lambda rule: rule.table)
    ]
    if file is None or before is None or any(hidden):
        return
    if sound_files.state(file) == before:
        sound_files.note(file, before)


def odd_rows(connection: sqlite3.Connection) -> Iterator[OddRows]:
    """What breaks a rule, hidden or not, rule by rule; for a connection of `hide_odd_rows`."""
    return _broken(connection, RULES)


def passed_over(connection: sqlite3.Connection) -> list[OddRows]:
    """What `hide_odd_rows` hid, and by which rule; looks at tables only of which it hid some."""
    hidden = {table for table in KEYS if _exists(connection, f"odd_{table}")}
    rules = [rule for rule in RULES if rule.hides and rule.table in hidden]
    return list(_broken(connection, rules))


def _broken(connection: sqlite3.Connection, rules: Iterable[RowRule]) -> Iterator[OddRows]:
    places = places_of(connection)
    _learn(connection)
    words = None
    for rule in rules:
        shown = SHOWN[rule.table].format(**places)
        broken = f"({rule.holds.format(**places)}) IS NOT TRUE"
        rows = connection.execute(
            f"SELECT {shown}, count(*) OVER () FROM {places[rule.table]} AS r "
            f"WHERE {broken} LIMIT {_NAMED}"
        ).fetchall()
        if rows:
            words = words or _words(connection)
            examples = tuple(dict.fromkeys(readable(row[0]) for row in rows))
            yield OddRows(rule, rows[0][1], examples, words)


def _words(connection: sqlite3.Connection) -> StimulusWords:
    found = connection.execute("SELECT kind FROM stimulus LIMIT 1").fetchone()
    return words_for("text" if found == ("text",) else "image")


def places_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Table -> where its rows are, odd ones too, as SQL; for a connection of `hide_odd_rows`."""
    temporary = {row[0] for row in connection.execute("SELECT name FROM temp.sqlite_master")}
    return {
        table: f'temp."found_{table}"' if f"found_{table}" in temporary else f'main."{table}"'
        for table in KEYS
    }


def readable(value: object) -> str:
    """Something from a database in a sentence, shortened."""
    return one_line(value if isinstance(value, str) else repr(value), _LONG)


def _hide(
    connection: sqlite3.Connection,
    table: str,
    places: Mapping[str, str],
    rules: Sequence[RowRule],
) -> bool:
    """Put a view in front of a table if rows of it break a rule; whether some did."""
    keys = KEYS[table]
    columns, chosen = ", ".join(keys), ", ".join(f"r.{key}" for key in keys)
    odd, mended = (
        " OR ".join(f"({rule.holds}) IS NOT TRUE" for rule in rules if rule.hides is hides) or "0"
        for hides in (True, False)
    )
    begin = f"SELECT {chosen} FROM {places[table]} AS r WHERE "
    found = connection.execute((begin + odd).format(**places)).fetchall()
    mend = table in STAND_INS and connection.execute((begin + mended).format(**places)).fetchone()
    if not found and not mend:
        return False
    connection.execute(f'CREATE TEMP TABLE "odd_{table}" ({columns}, PRIMARY KEY ({columns}))')
    same = " AND ".join(f"o.{key} IS r.{key}" for key in keys)
    connection.execute(f'DROP VIEW IF EXISTS temp."{table}"')
    connection.execute(
        f'CREATE TEMP VIEW "{table}" AS SELECT {_seen(connection, table, places)} '
        f"FROM {places[table]} AS r "
        f'WHERE NOT EXISTS (SELECT 1 FROM temp."odd_{table}" AS o WHERE {same})'
    )
    marks = ", ".join("?" * len(keys))
    connection.executemany(f'INSERT OR IGNORE INTO temp."odd_{table}" VALUES ({marks})', found)
    return True


def _seen(connection: sqlite3.Connection, table: str, places: Mapping[str, str]) -> str:
    """The columns of a table as readers see them, as SQL."""
    cursor = connection.execute(f"SELECT * FROM {places[table]} LIMIT 0")
    seen = []
    for name, *_ in cursor.description:
        rule, instead = STAND_INS.get(table, {}).get(name, ("1", "NULL"))
        value = (
            f'r."{name}"' if rule == "1" else f'CASE WHEN {rule} THEN r."{name}" ELSE {instead} END'
        )
        seen.append(f'{value} AS "{name}"')
    return ", ".join(seen)


def _exists(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM temp.sqlite_master WHERE name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def _learn(connection: sqlite3.Connection) -> None:
    connection.create_function("is_name", 1, _is_name, deterministic=True)


def _is_name(value: object) -> bool:
    try:
        check_name(value, "a name") if isinstance(value, str) else None
    except InputError:
        return False
    return isinstance(value, str)
