"""The list of commands is what their modules have, and listing them imports none."""

import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.main import get_command, get_group
from typer.testing import CliRunner

from prism_desktop import cli
from prism_desktop.cli.command_table import COMMANDS
from prism_desktop.cli.main import app
from prism_desktop.engine.config import settings


@pytest.mark.parametrize("name", COMMANDS)
def test_that_a_command_is_listed_as_its_help_begins(name: str) -> None:
    told = " ".join(get_command(app).commands[name].help.split())
    assert told.startswith(COMMANDS[name].summary.rstrip("."))
    assert name in CliRunner().invoke(app, ["--help"]).output


def _helps(name: str, command: Any) -> Iterator[tuple[str, str]]:
    """Every text of a command's help, and of those below it, by what is typed."""
    for below in list(getattr(command, "commands", ())):
        yield from _helps(f"{name} {below}".strip(), command.commands[below])
    yield name, command.help or ""
    for option in command.params:
        yield f"{name} {option.opts[0]}", getattr(option, "help", None) or ""


# What only a study of images has, and pictures that the program draws.
_OF_IMAGES = {
    "screenshot --out", "demo --images", "demo --show", "demo --out", "predict --images",
    "study new --copy", "study import --copy", "study relink", "study relink images",
    "study paper --images", "flips", "trunk",
}  # fmt: skip


def test_that_help_speaks_of_texts_wherever_it_speaks_of_images() -> None:
    told = dict(_helps("", get_command(app))) | {one.key: one.description for one in settings()}
    images = re.compile(r"\b(faces?|images?|pictures?|photographs?)\b", re.IGNORECASE)
    also = re.compile(r"\b(texts?|stimul\w+|repl\w+|of images)\b", re.IGNORECASE)
    alone = {key for key, text in told.items() if images.search(text) and not also.search(text)}
    assert alone - _OF_IMAGES == set()
    for key in ("train --backbone", "compare --backbone", "backbone"):
        assert all(name in told[key] for name in ("prism-mini,", "prism-mini-lm", "lm:FOLDER"))


def test_that_every_command_of_a_module_is_listed() -> None:
    for module in pkgutil.iter_modules(cli.__path__):
        register = getattr(import_module(f"{cli.__name__}.{module.name}"), "register", None)
        if register is None:
            continue
        alone = typer.Typer()
        register(alone)
        for name in get_group(alone).commands:
            assert module.name in COMMANDS[name].modules


def test_that_a_command_imports_the_module_of_no_other() -> None:
    code = (
        "import sys\n"
        "from prism_desktop.cli.main import main\n"
        "try: main(['doctor', '--help'])\n"
        "except SystemExit: pass\n"
        "found = [name for name in sys.modules if name.startswith('prism_desktop.cli.')]\n"
        "print(sorted(found), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "prism_desktop.cli.doctor" in ended.stderr
    assert "prism_desktop.cli.training" not in ended.stderr
