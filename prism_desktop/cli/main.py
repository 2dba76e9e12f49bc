"""The command `prism-desktop`: opens the window, or runs one of the commands below it.

Qt and torch are imported only by the commands that need them, so that `--help` and `study info`
answer at once.
"""

import sys
from typing import Any, NoReturn

import typer
from typer.main import get_command

from prism_desktop import __version__
from prism_desktop.cli import (
    adaptation,
    analysis,
    demo,
    doctor,
    experiments,
    open_window,
    study,
    training,
)
from prism_desktop.cli.console import err, write_what_fits
from prism_desktop.engine.errors import PrismError

# Click's error for options that cannot be read; typer has it under its own name only in some
# versions.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="prism-desktop",
    help="PRISM Desktop: label faces, train a model of each labeler, explore what it learned.\n\n"
    "`prism-desktop [STUDY]` opens the window.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(study.app, name="study")
for module in (open_window, demo, training, experiments, adaptation, analysis, doctor):
    module.register(app)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True
    ),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        open_window.open_window(None)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; wrong input ends it with one sentence and exit code 2."""
    write_what_fits()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = get_command(app).main(
            args=_with_open(given), prog_name="prism-desktop", standalone_mode=False
        )
    except PrismError as problem:
        _refuse(str(problem))
    except _UsageError as problem:
        _refuse(_usage(problem))
    except typer.Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _refuse(sentence: str) -> NoReturn:
    # A command that was given nothing has shown its help instead.
    if sentence:
        err.print(f"prism-desktop: {sentence}", soft_wrap=True)
    sys.exit(2)


def _usage(problem: Any) -> str:
    """One sentence for options and arguments that cannot be read."""
    what = problem.format_message().strip().rstrip(".")
    where = problem.ctx.command_path if problem.ctx is not None else "prism-desktop"
    return f"{what}; see {where} --help." if what else ""


def _with_open(arguments: list[str]) -> list[str]:
    """`prism-desktop STUDY` is short for `prism-desktop open STUDY`."""
    commands = getattr(get_command(app), "commands", {})
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is None or first in commands:
        return arguments
    return ["open", *arguments]
