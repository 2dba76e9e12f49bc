"""Commands that sentences of the program name as the way out can be typed as they stand there."""

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from prism_desktop.cli.command_table import COMMANDS
from prism_desktop.cli.main import app
from tests.fixtures import source_trees

_CODE = re.compile(r"`([^`\n]+)`")
FILLED = "X"  # what stands for a part that is filled in
# Where the command itself is filled in: `study relink`, `study import`.
_OPEN = {f"prism-desktop study {FILLED} {FILLED} FOLDER"}


def _sentences(path: Path) -> Iterator[str]:
    """Every text of a module that is none of its documentation."""
    apart = set[int]()
    for node in source_trees.nodes(path):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            apart.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            apart.update(map(id, node.values))
    for node in source_trees.nodes(path):
        if id(node) in apart:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else FILLED
                for part in node.values
            )


@functools.cache
def _said() -> set[str]:
    """What stands between backticks in sentences, but for patterns.

    It takes seconds, which are for a test's time: every process of the suite imports this file.
    """
    return {
        " ".join(found.split())
        for path in source_trees.files()
        if "`" in source_trees.text(path)
        for text in _sentences(path)
        for found in _CODE.findall(text)
        if "(?" not in found and "[" not in found
    }


@pytest.fixture(scope="module")
def advised() -> set[str]:
    """The lines that somebody may type."""
    return {said for said in _said() if said.startswith("prism-desktop ")} | {
        f"prism-desktop study {way} {FILLED} FOLDER" for way in ("relink", "import")
    }


def _faults(line: str) -> list[str]:
    """What the parser of the command lacks or does not know in a line."""
    words = shlex.split(line)[1:]
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return [f"no command {words[:1]}"]
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, list(words), resilient_parsing=True)
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    unknown = [word for word in words if word.startswith("-") and word not in known]
    lacking = [
        one.name
        for one in command.params
        if one.required and context.params.get(one.name) in (None, (), [])
    ]
    return [*unknown, *lacking, *context.args]


def test_that_an_advised_command_lacks_nothing(advised: set[str]) -> None:
    assert {line: found for line in sorted(advised - _OPEN) if (found := _faults(line))} == {}


def test_that_many_advised_commands_are_looked_at(advised: set[str]) -> None:
    assert len(advised) > 15


def test_that_the_parsers_find_what_is_wrong_with_a_line() -> None:
    for line in (
        "prism-desktop study import FILE",
        "prism-desktop study import --own-texts",
        "prism-desktop study check STUDY --mend",
        "prism-desktop study upgrade STUDY OTHER",
        "prism-desktop studies",
        "prism-desktop study",
    ):
        assert _faults(line) != [], line


def test_that_what_somebody_is_to_type_begins_with_the_program() -> None:
    """A command is named alone ("as `study backups` lists it"), but typed whole."""
    first = re.compile(rf"(?:{'|'.join(COMMANDS)})(?: .*)?")
    typed = {
        said
        for said in _said()
        if first.fullmatch(said) and re.search(r" (?:--|[A-Z]{2,}\b|X\b)", said)
    }
    assert typed == set()
    assert any(said.startswith("study backups") for said in _said())  # they are found
