"""The console: progress and notices on standard error, results on standard output or as JSON."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice
from prism_desktop.engine.events import Progress as ProgressEvent
from prism_desktop.engine.files import put_text, write_named

T = TypeVar("T")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

JSON_HELP = "Also write the result as JSON to this file; - is standard output."


def follow(events: Iterable[Event[T]]) -> T:
    """Show long work's events as a progress bar and return its result.

    Raises:
        RuntimeError: if the work ended without a result.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = None
        for event in events:
            match event:
                case ProgressEvent(done, total, what):
                    if task is None:
                        task = bar.add_task(what, total=total)
                    bar.update(task, completed=done, total=total, description=what)
                case Notice(text):
                    err.print(text, markup=False)
                case Done(value):
                    return value
    raise RuntimeError("the work ended without a result")


def write_json(value: Any, target: str | None) -> None:
    """Write a JSON-ready value to a file or, for "-", to standard output; do nothing for None."""
    if target is None:
        return
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if target == "-":
        # Not through rich, which would wrap long lines.
        print(text, end="")
        return
    write_file(Path(target), lambda beside: put_text(beside, text))


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file that the user named.

    Raises:
        InputError: it cannot be written there, or not in the format of its name.
    """
    try:
        write_named(path, write)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise InputError(
            f"The file {path} could not be written: {reason.rstrip('.')}."
        ) from problem


def say(text: str, target: str | None = None) -> None:
    """Print a line for people, unless standard output is taken by JSON."""
    if target != "-":
        out.print(text, markup=False, soft_wrap=True)


def names(text: str | None) -> tuple[str, ...] | None:
    """Split "a,b,c" into its names; None stays None."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise InputError("A list of names such as a,b,c was expected, but it is empty.")
    return parts
