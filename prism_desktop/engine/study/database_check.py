"""What can be wrong inside a study's database, looked for.

Every part is looked at on its own, so that damage to one does not hide what is wrong elsewhere.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study import checksums, schema, stored_json
from prism_desktop.engine.study.expected_schema import SchemaDifference, differences
from prism_desktop.engine.study.records import Problem
from prism_desktop.engine.study.row_rules import LATEST, is_odd_count
from prism_desktop.engine.study.sound_rows import OddRows, odd_rows, places_of, readable
from prism_desktop.engine.study.texts import text_id

_NAMED: Final = 3  # of what a sentence counts
_LISTED: Final = 20  # sentences about damage of pages, about the schema or about texts
_ID: Final = re.compile("[0-9a-f]{32}")
# What the rows of a table are called.
_ROWS: Final = {
    "meta": ("fact about the study", "facts about the study"),
    "import": ("import", "imports"),
    "stimulus": ("image", "images"),
    "labeler": ("labeler", "labelers"),
    "stimulus_text": ("text", "texts"),
    "own_text": ("text that a labeler wrote", "texts that labelers wrote"),
    "attribute": ("attribute", "attributes"),
    "protocol": ("version of the protocol", "versions of the protocol"),
    "session": ("session", "sessions"),
    "trial": ("trial", "trials"),
    "answer": ("answer", "answers"),
    "trial_event": ("withdrawal", "withdrawals or restorations"),
    "pending": ("unfinished trial", "unfinished trials"),
    "fact": ("fact about a rater or an image", "facts about raters or images"),
}


def database_problems(driver: sqlite3.Connection) -> Iterator[Problem]:
    """Everything that is wrong; for a connection that reads, see `sound_rows`."""
    places = places_of(driver)
    parts: tuple[tuple[str, Callable[[], Iterable[Problem]]], ...] = (
        ("schema", partial(_schema, driver)),
        ("pages", partial(_pages, driver)),
        ("letters", partial(_letters, driver, places)),
        ("references", partial(_references, driver)),
        ("facts about the study", partial(_identity, driver)),
        ("rows", lambda: map(odd_rows_problem, odd_rows(driver))),
        ("orders of corrections", partial(_cycles, driver, places)),
        ("texts", partial(_json, driver, places)),
        ("texts of people", partial(_said, driver)),
        ("checksums of trials", partial(_checksums, driver, places)),
    )
    told = set()
    before, driver.text_factory = driver.text_factory, str
    try:
        for name, part in parts:
            try:
                for problem in part():
                    if problem not in told:
                        told.add(problem)
                        yield problem
            except sqlite3.DatabaseError as error:
                words = f"The {name} of the database cannot be checked: {readable(str(error))}."
                yield Problem("integrity", words)
    finally:
        driver.text_factory = before


def odd_rows_problem(odd: OddRows) -> Problem:
    """Rows that break a rule, as a problem."""
    told = " Readers pass over what cannot be used." if odd.rule.hides else ""
    return Problem(odd.rule.kind, f"{odd_rows_sentence(odd)}{told}")


def odd_rows_sentence(odd: OddRows) -> str:
    """Rows that break a rule, counted and a few of them named."""
    return f"{_counted(odd.rule.table, odd)}."


def _counted(table: str, odd: OddRows) -> str:
    one, many = _ROWS[table]
    verb, rest = odd.rule.words.split(" ", 1)
    if odd.number == 1:
        what = f"1 {one} {_OF_ONE.get(verb, f'{verb}s')}"
    else:
        what = f"{odd.number} {many} {verb}"
    told = f"{what} {rest}"
    if odd.words is not FACES:
        told = told.replace("an image", f"a {odd.words.kept}").replace("image", odd.words.kept)
    return f"{told} ({few(odd.examples, count=odd.number)})"


_OF_ONE: Final = {"are": "is", "have": "has"}


def _schema(driver: sqlite3.Connection) -> Iterator[Problem]:
    version = f"{schema.SCHEMA_VERSION:04d}"
    odd: list[SchemaDifference] = differences(driver, schema.SCHEMA_VERSION)
    for each in odd[:_LISTED]:
        yield Problem("schema", f"The database has another schema than it should: {each.words}.")
    if driver.execute("SELECT version_num FROM alembic_version").fetchall() != [(version,)]:
        yield Problem("schema", "The database contradicts itself about its version.")
    if driver.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        yield Problem("identity", "The database does not carry the mark of a study.")


def _pages(driver: sqlite3.Connection) -> Iterator[Problem]:
    for row in driver.execute(f"PRAGMA main.integrity_check({_LISTED})").fetchall():
        if row[0] != "ok":
            yield Problem("integrity", f"The database is damaged: {readable(row[0])}.")


def _letters(driver: sqlite3.Connection, places: Mapping[str, str]) -> Iterator[Problem]:
    """Texts that are none in UTF-8; if there are some, what comes after this reads them as well."""
    odd = False
    for table, place in places.items():
        driver.text_factory = str  # which is quick, and stops at the first
        try:
            for _ in driver.execute(f"SELECT * FROM {place}"):
                pass
        except sqlite3.OperationalError as error:
            if "UTF-8" not in str(error):
                raise
            driver.text_factory = _escaped
            count = sum(map(_is_odd, driver.execute(f"SELECT * FROM {place}")))
            one, many = _ROWS[table]
            has = counted(count, f"{one} has", f"{many} have")
            odd = True
            yield Problem("value", f"{has} a text with bytes that are no letters.")
    driver.text_factory = _escaped if odd else str


def _escaped(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _is_odd(row: Sequence[object]) -> bool:
    try:
        "".join(each for each in row if isinstance(each, str)).encode()
    except UnicodeEncodeError:
        return True
    return False


def _references(driver: sqlite3.Connection) -> Iterator[Problem]:
    found: dict[tuple[str, str], int] = {}
    for table, _, other, _ in driver.execute("PRAGMA main.foreign_key_check").fetchall():
        found[table, other] = found.get((table, other), 0) + 1
    for (table, other), count in found.items():
        one, many = _ROWS.get(table, ("row", "rows"))
        rows = counted(count, f"{one} refers", f"{many} refer")
        yield Problem("reference", f"{rows} to a row of table {other} that is gone.")


def _identity(driver: sqlite3.Connection) -> Iterator[Problem]:
    """What the study says about itself."""
    rows = driver.execute("SELECT key, value FROM meta").fetchall()
    facts = {k: value for k, value in rows if isinstance(k, str) and isinstance(value, str)}
    if not _ID.fullmatch(facts.get("id", "")):
        yield Problem("identity", "The study's own identifier is missing or of the wrong form.")
    if not facts.get("name", "").strip():
        yield Problem("identity", "The study has lost its name.")
    try:
        dated = 0 <= float(facts.get("created", "")) <= LATEST
    except ValueError:
        dated = False
    if not dated:
        yield Problem("date", "The study's own date is missing or impossible.")
    for key, value in {"revision": "", **facts}.items():
        if is_odd_count(key, value):
            yield Problem("identity", f"The study's count {readable(key)!r} is no number.")


def _cycles(driver: sqlite3.Connection, places: Mapping[str, str]) -> Iterator[Problem]:
    """Trials that correct or repeat each other in a circle, so that none of them is the first."""
    for column, verb in (("supersedes_id", "correct"), ("repeat_of_id", "repeat")):
        later = dict(
            driver.execute(
                f"SELECT id, {column} FROM {places['trial']} WHERE {column} IS NOT NULL "
                f"AND {column} <> id"
            )
        )
        sound: set[int] = set()
        for start in later:
            way: dict[int, None] = {}
            at = start
            while at in later and at not in way and at not in sound:
                way[at] = None
                at = later[at]
            if at in way:
                circle = list(way)[list(way).index(at) :]
                yield Problem(
                    "order",
                    f"{counted(len(circle), 'trial')} {verb} each other in a circle "
                    f"({few(_uids(driver, places, circle), count=len(circle))}).",
                )
            sound.update(way)


def _uids(
    driver: sqlite3.Connection, places: Mapping[str, str], numbers: Iterable[int]
) -> list[str]:
    query = f"SELECT uid FROM {places['trial']} WHERE id = ?"
    found = [driver.execute(query, (number,)).fetchone() for number in list(numbers)[:_NAMED]]
    return [readable(row[0]) for row in found if row is not None]


def _json(driver: sqlite3.Connection, places: Mapping[str, str]) -> Iterator[Problem]:
    found = list(stored_json.faults(driver, places))
    for what in found[:_LISTED]:
        yield Problem("json", f"A text is damaged, and what can be read of it is used: {what}.")
    if (more := len(found) - _LISTED) > 0:
        yield Problem("json", f"{counted(more, 'more text is', 'more texts are')} damaged.")


def _said(driver: sqlite3.Connection) -> Iterator[Problem]:
    """Texts that are not what they were when they were added."""
    for words, query in (
        ("text", "SELECT s.name, s.sha256, t.text, t.prompt FROM stimulus AS s "
         "JOIN stimulus_text AS t ON t.stimulus_id = s.id"),
        ("own text", "SELECT p.code, o.sha256, o.text, o.prompt FROM own_text AS o "
         "JOIN labeler AS p ON p.id = o.labeler_id"),
    ):  # fmt: skip
        odd = [name for name, key, *said in driver.execute(query) if key != text_id(*said)]
        if odd:
            are = counted(len(odd), f"{words} is", f"{words}s are")
            yield Problem(
                "checksum", f"{are} not what was added ({few(odd, _NAMED)}); compare a backup."
            )


def _checksums(driver: sqlite3.Connection, places: Mapping[str, str]) -> Iterator[Problem]:
    """Trials and entries of their log that are not what was written."""
    trials = checksums.altered(driver, places)
    if trials:
        have = counted(len(trials), "trial says", "trials say")
        named = few(_uids(driver, places, trials), count=len(trials))
        yield Problem(
            "checksum", f"{have} something else than when recorded ({named}); compare a backup."
        )
    for table, count in checksums.altered_others(driver, places).items():
        one, many = _ROWS[table]
        have = counted(count, f"{one} is", f"{many} are")
        yield Problem("checksum", f"{have} not what was written; compare a backup.")
