"""A study's database with flipped bits, missing ends and odd cells: read as far as it goes.

Each mutation is seeded, and judged by what a user meets: opening, looking, checking and exporting
end in their results or in a sentence, and an answer that changed is found by the check.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study.store import Study

ODD: tuple[Any, ...] = (
    None, -1, 0, 1, 3, 2**62, -0.5, 1e308, float("inf"), "", "x", "x" * 10_000, "\x1b[31m",
    "{", "[1, [2]]", "../..", b"\xff\xfe", b"",
)  # fmt: skip
FACTS: dict[str, Callable[[Study], Any]] = {
    "comparisons": lambda study: study.comparisons().to_csv(),
    "ratings": lambda study: study.ratings().to_csv(),
    "labelers": lambda study: study.labelers(),
    "attributes": lambda study: study.attributes(),
    "images": lambda study: study.images(),
    "info": lambda study: study.info(),
    "progress": lambda study: study.progress(),
    "trials": lambda study: study.trials(),
    "imports": lambda study: study.imports(),
}
COUNTED = ("comparisons", "ratings")  # what conclusions rest on


def facts(folder: Path) -> dict[str, Any]:
    """What a study says, each part its value or the sentence that takes its place."""
    with Study.open(folder, read_only=True) as study:
        return {name: asked(ask, study) for name, ask in FACTS.items()} | {
            "problems": asked(lambda one: [problem.text for problem in one.check()], study)
        }


def asked(ask: Callable[[Study], Any], study: Study) -> Any:
    try:
        return ask(study)
    except PrismError as error:
        return error


def mutate(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    way = rng.choice(("flip", "flip", "cut", "zeros", "cell", "cell", "cell", "delete", "schema"))
    if way == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif way == "cut":
        del content[rng.randrange(len(content)) :]
    elif way == "zeros":
        start = rng.randrange(len(content))
        content[start : start + 700] = bytes(len(content[start : start + 700]))
    else:
        return f"{way}: {_with_sql(path, way, rng)}"
    path.write_bytes(content)
    return way


def _with_sql(path: Path, way: str, rng: random.Random) -> str:
    """What another program, or somebody by hand, could do to the tables."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        table = rng.choice(sorted(row[0] for row in connection.execute(names)))
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        key = columns[0]
        rows = [row[0] for row in connection.execute(f'SELECT "{key}" FROM "{table}"')]
        column, row = rng.choice(columns), rng.choice(rows or [0])
        command = {
            "cell": f'UPDATE "{table}" SET "{column}" = ? WHERE "{key}" = ?',
            "delete": f'DELETE FROM "{table}" WHERE "{key}" = ?',
            "schema": rng.choice(
                (f'DROP TABLE "{table}"', f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO odd')
            ),
        }[way]
        value = rng.choice(ODD)
        with suppress(sqlite3.Error):  # what the database itself refuses
            connection.execute(command, {"cell": (value, row), "delete": (row,)}.get(way, ()))
            connection.commit()
        return f"{command} {value!r:.40}"


def fuzz(study: Study, scratch: Path, count: int, seed: int) -> None:
    study.close()
    folder = scratch / "mutated.prism"
    shutil.copytree(study.path, folder)
    path, rng = folder / "study.sqlite3", random.Random(seed)
    truth, content = facts(folder), path.read_bytes()
    assert truth["problems"] == []
    for number in range(count):
        for left in folder.glob("study.sqlite3*"):
            left.unlink()
        path.write_bytes(content)
        where = f"seed {seed}, number {number}: {mutate(path, rng)}"
        with suppress(PrismError):
            judge(facts(folder), truth, where)


def judge(found: dict[str, Any], truth: dict[str, Any], where: str) -> None:
    for name in COUNTED:
        changed = not isinstance(found[name], PrismError) and found[name] != truth[name]
        told = isinstance(found["problems"], PrismError) or found["problems"]
        assert told or not changed, f"{where}: {name} changed, and nobody says so"


def test_that_a_damaged_database_is_told_and_changes_no_answer_in_silence(
    tiny_study: Study, tmp_path: Path
) -> None:
    fuzz(tiny_study, tmp_path, 40, seed=4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_that_many_damaged_databases_are_told(tiny_study: Study, tmp_path: Path, seed: int) -> None:
    fuzz(tiny_study, tmp_path, 200, seed=400 + seed)
