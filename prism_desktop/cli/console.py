"""The console: progress and notices on standard error, results on standard output or as JSON.

All text that commands print goes through `PlainConsole`, so what came from elsewhere, such as a
labeler's name or a file's, can neither style the output nor steer the terminal.
"""

import io
import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice
from prism_desktop.engine.events import Progress as ProgressEvent
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import named_in_time, put_text, write_named
from prism_desktop.engine.named_lists import listed_names
from prism_desktop.engine.plain_text import clause, json_text, one_line

T = TypeVar("T")


class PlainConsole(Console):
    """A console to which every string is plain text on one line: no markup, emoji codes or control
    characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """What all strings become: those printed, cells and titles of tables."""
        return super().render_str(one_line(text), **options)


class PlainColumn(ProgressColumn):
    """What a progress bar says beside it: the task's description, or one of its fields."""

    def __init__(self, field: str = "") -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._field = field

    def render(self, task: Task) -> Text:
        return Text(one_line(str(task.fields[self._field]) if self._field else task.description))


out = PlainConsole()
err = PlainConsole(stderr=True)


def write_what_fits() -> None:
    """Let standard output and errors escape letters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


# What this process was told to end with. It was raised where the program happened to be; a library
# may have swallowed it there, as Python itself does in what it calls while it tidies up.
ordered: list[type[BaseException]] = []


def obey() -> None:
    """Between two events of long work: end if the process was told to."""
    if ordered:
        raise ordered[0]


def follow(events: Iterable[Event[T]]) -> T:
    """Show long work's events as a progress bar and return its result.

    Raises:
        RuntimeError: if the work ended without a result.
    """
    columns = (
        PlainColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = None
        for event in events:
            obey()
            match event:
                case ProgressEvent(done, total, what):
                    if task is None:
                        task = bar.add_task(what, total=total)
                    bar.update(task, completed=done, total=total, description=what)
                case Notice(text):
                    err.print(text)
                case Done(value):
                    return value
    raise RuntimeError("the work ended without a result")


def write_json(value: Any, target: str | None) -> None:
    """Write a JSON-ready value to a file or, for "-", to standard output; do nothing for None."""
    if target is None:
        return
    text = json_text(value) + "\n"
    if target == "-":
        # Not through rich, which would wrap long lines.
        print(_fitting(text, sys.stdout.encoding), end="")
        return
    write_file(Path(target), lambda beside: put_text(beside, text))


def _fitting(text: str, encoding: str | None) -> str:
    """The same JSON in letters that an encoding has."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), indent=2) + "\n"
    return text


def in_time(context: typer.Context, target: Any) -> Any:
    """The callback of options that name a file to be written: one that cannot be is refused before
    the command begins its work, not after it."""
    if target is not None and str(target) != "-":
        trial = ExitStack()
        with _worded(Path(target)):
            trial.enter_context(named_in_time(Path(target)))
        context.call_on_close(trial.close)
    return target


def finite(value: float | None) -> float | None:
    """The callback of options that take a number within bounds, which no bound keeps NaN out of."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter(f"{value} is not a number.")
    return value


Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        help="Also write the result as JSON to this file; - is standard output.",
        callback=in_time,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        help="Of images prism-mini, MODEL:TAG or MODEL:PATH of local weights; of texts "
        "prism-mini-lm, lm:FOLDER, lm:FILE.gguf or lm:OWNER/NAME; of either embeddings:NAME."
    ),
]
Split = Annotated[str | None, typer.Option(help="image (or text), pair, labeler, time or label.")]


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file that the user named.

    Raises:
        InputError: it cannot be written there, or not in the format of its name.
    """
    with _worded(path):
        write_named(path, write)


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as problem:
        raise_fault(problem, path, kept="Nothing was written there; everything else is kept.")
        raise InputError(f"The file {path} could not be written: {clause(problem)}.") from problem


def say(text: str, target: str | None = None) -> None:
    """Print a line for people, unless standard output is taken by JSON."""
    if target != "-":
        out.print(text, soft_wrap=True)


def ask_secret(what: str) -> str:
    """Ask for something that is not shown while it is typed, twice."""
    asked: str = typer.prompt(one_line(what), hide_input=True, confirmation_prompt=True, err=True)
    return asked


def say_lines(text: str, *, wrap: bool = False) -> None:
    """Print text that the program laid out in lines, such as a table of pandas."""
    for line in text.split("\n"):
        out.print(line, soft_wrap=not wrap)


def names(text: str | None, known: Collection[str] = ()) -> tuple[str, ...] | None:
    """Split "a,b,c" into its names; None stays None. Of labelers and others of a study,
    `known_names` does it."""
    if text is None:
        return None
    parts = listed_names(text, known)
    if not parts:
        raise InputError("A list of names such as a,b,c was expected, but it is empty.")
    return parts
