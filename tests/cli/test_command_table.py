"""The list of commands is what their modules have, and listing them imports none."""

import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.main import get_command, get_group
from typer.testing import CliRunner

from prism_desktop import cli
from prism_desktop.cli.command_table import COMMANDS
from prism_desktop.cli.main import app


@pytest.mark.parametrize("name", COMMANDS)
def test_that_a_command_is_listed_as_its_help_begins(name: str) -> None:
    told = " ".join(get_command(app).commands[name].help.split())
    assert told.startswith(COMMANDS[name].summary.rstrip("."))
    assert name in CliRunner().invoke(app, ["--help"]).output


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
