"""The command `prism-desktop`: opens the window, or runs one of the commands below it.

Qt and torch are imported only by the commands that need them, so that `--help` and `study info`
answer at once.
"""

import contextlib
import functools
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from typer.main import get_command

from prism_desktop import __version__
from prism_desktop.cli.command_table import CommandsOnDemand
from prism_desktop.cli.console import err, ordered, write_what_fits
from prism_desktop.engine import orders_to_end
from prism_desktop.engine.faults import KEPT, fault_of, shown
from prism_desktop.engine.launched import leading, place_in_team
from prism_desktop.engine.log_file import logging_to_file
from prism_desktop.engine.misfit_words import misfit_option

# Click's error for options that cannot be read; typer has it under its own name only in some
# versions.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_INTERRUPTED = f"Interrupted. {KEPT}"
_log = logging.getLogger(__name__)

app = typer.Typer(
    name="prism-desktop",
    cls=CommandsOnDemand,
    help="PRISM Desktop: label faces or texts, train a model of each labeler, explore what it "
    "learned.\n\n`prism-desktop [STUDY]` opens the window.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


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
        from prism_desktop.cli.open_window import open_window

        open_window(None)


@functools.cache
def _commands() -> Any:
    """What is typed is read by them; making them takes longer than most of them take."""
    return get_command(app)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; whatever goes wrong ends it with one sentence and an exit code.

    0 fine, 1 the machine failed (or the program has a mistake), 2 the user has something to put
    right or to decide, 130 interrupted, 143 asked to end.
    """
    _open_missing_streams()
    write_what_fits()
    given = list(sys.argv[1:] if arguments is None else arguments)
    with logging_to_file() as log:
        code = _flushed(_run(given, log))
    sys.exit(code)


def _run(given: list[str], log: Path) -> int:
    try:
        with _terminable(), leading():
            if place_in_team()[0]:
                from prism_desktop.engine.processes.helping import help_train

                help_train()
                return 0
            code = _commands().main(
                args=_with_open(given), prog_name="prism-desktop", standalone_mode=False
            )
    except _UsageError as problem:
        return _told(_usage(problem), 2)
    except (typer.Abort, KeyboardInterrupt):
        return _told(_INTERRUPTED, 130)
    except _TerminatedError:
        return _told(f"Ended, as the system asked. {KEPT}", 143)
    except SystemExit as ended:  # whoever read the output has gone
        return ended.code if isinstance(ended.code, int) else 1
    except UnicodeEncodeError as error:
        odd = [word for word in given if shown(word) != word]
        if not odd:
            return _failed(error, log)
        return _told(f"What was typed as {shown(odd[0])} is no text in UTF-8. {KEPT}", 2)
    except Exception as error:
        return _failed(error, log)
    if code == 130:  # typer makes it of a KeyboardInterrupt
        return _told(_INTERRUPTED, 130)
    return code if isinstance(code, int) else 0


def _failed(error: Exception, log: Path) -> int:
    """Say and log what went wrong: a fault in its own words, anything else as a mistake of ours."""
    problem = fault_of(error)
    if problem is None:
        _log.critical("A mistake in the program.", exc_info=error)
        said = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
        return _told(
            f"Something unexpected went wrong ({reason.rstrip('.')}). {KEPT} Details are in {log}; "
            "please report them.",
            1,
            logged=True,
        )
    if problem.exit_code == 1:
        _log.error("%s", problem, exc_info=error)
    return _told(str(problem), problem.exit_code, logged=problem.exit_code == 1)


def _told(sentence: str, code: int, *, logged: bool = False) -> int:
    # A command that was given nothing has shown its help instead.
    if sentence:
        if not logged:
            _log.warning("%s", sentence)
        with contextlib.suppress(OSError, ValueError):  # nobody reads it
            err.print(f"prism-desktop: {sentence}", soft_wrap=True)
    return code


class _TerminatedError(BaseException):
    """The process is asked to end; every `finally` on the way runs."""


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int) -> NoReturn:
        order = KeyboardInterrupt if number == signal.SIGINT else _TerminatedError
        ordered.append(order)
        raise order

    ordered.clear()
    named = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no last one
    numbers = [getattr(signal, name) for name in named if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:  # as nohup asks
            orders_to_end.hear(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_missing_streams() -> None:
    """Put nothing in the place of standard streams that are closed: else the next file that is
    opened would take their number, and be printed into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _flushed(code: int) -> int:
    """The exit code, once all that was printed has left; another if that cannot be."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError) as error:
        # Python itself tries again at the very end, and would complain then.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError) or not isinstance(error, OSError):
            return code or int(isinstance(error, BrokenPipeError))
        fault = fault_of(error, "standard output")
        return _told(str(fault), 1)
    return code


def _usage(problem: Any) -> str:
    """One sentence for options and arguments that cannot be read."""
    what = problem.format_message().strip().rstrip(".")
    if isinstance(problem.__cause__, ValidationError):  # in the words of a library
        what = misfit_option(problem.__cause__, problem.param.opts[0])
    where = problem.ctx.command_path if problem.ctx is not None else "prism-desktop"
    return f"{what}; see {where} --help." if what else ""


def _with_open(arguments: list[str]) -> list[str]:
    """`prism-desktop STUDY` is short for `prism-desktop open STUDY`."""
    commands = getattr(_commands(), "commands", {})
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is None or first in commands:
        return arguments
    return ["open", *arguments]
