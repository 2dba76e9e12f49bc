"""`prism-desktop runs`: the runs of a study, and what people call them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from prism_desktop.cli.console import Json, err, out, say, write_json
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_choice import also_called, best_first, marks
from prism_desktop.engine.runs.run_label import write_label
from prism_desktop.engine.runs.run_list import RunSummary, list_runs

app = typer.Typer(help="List, name and annotate the runs of a study.", no_args_is_help=True)


def register(commands: typer.Typer) -> None:
    """Add this module's group of commands."""
    commands.add_typer(app, name="runs")


Run = Annotated[
    Path, typer.Argument(help="The run's folder, STUDY/runs/NAME or STUDY/writing/NAME.")
]


@app.command("list")
def list_(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    json: Json = None,
) -> None:
    """The runs, those first that tell labelers apart best; runs of the task writing apart."""
    if not study.is_dir():
        raise InputError(f"There is no study at {study}.")
    found = best_first([run for run in list_runs(study) if run.state != "discarded"])
    writers = [run for run in list_runs(study, "writing") if run.state != "discarded"]
    if not (found or writers) and not (study / layout.RUNS).is_dir():
        with open_existing(study):  # which says so of a folder that is no study
            pass
    write_json(
        [
            {"run": run.name, "name": run.label, "note": run.note, "method": run.method,
             "state": run.state, "accuracy": run.macro, "marks": list(marks(run, found)),
             "damage": run.damage, "task": run.task, "nll": run.nll}
            for run in (*found, *writers)
        ],
        json,
    )  # fmt: skip
    if json == "-":
        return
    if not found and not writers:
        say("This study has no runs yet.")
        return
    if found:
        out.print(_table(found))
    if writers:
        out.print(_writers(writers))
    for run in (*found, *writers):
        if run.damage:
            err.print(run.damage)


def _table(found: Sequence[RunSummary]) -> Table:
    """A row per run, its name and note below its folder, in which no word of ours is torn apart in
    80 columns and the folder can be copied whole."""
    lines = [
        (method_title(run.method, run.backbone), "" if run.macro is None else f"{run.macro:.1%}",
         ", ".join(marks(run, found)))
        for run in found
    ]  # fmt: skip
    return _lines(found, ("method", "accuracy", "marks"), lines)


def _writers(found: Sequence[RunSummary]) -> Table:
    """The same of runs of the task writing, whose results are nats and no accuracies."""
    titles = {name: one.title for name, one in WRITING_METHODS.items()}
    lines = [
        (titles.get(run.method, run.method), "" if run.nll is None else f"{run.nll:.3f}", run.state)
        for run in found
    ]
    return _lines(found, ("writing method", "nats per token", "state"), lines)


def _lines(
    found: Sequence[RunSummary], heads: Sequence[str], lines: Sequence[Sequence[str]]
) -> Table:
    folder = max(len(run.name) for run in found)
    table = Table(box=None)
    table.add_column("run", overflow="fold", width=folder)
    for head, texts in zip(heads, zip(*lines, strict=True), strict=True):
        words = " ".join((head, *texts)).split()
        table.add_column(head, overflow="fold", min_width=max(map(len, words)))
    for run, line in zip(found, lines, strict=True):
        called = [f"“{run.label}”"] if run.label else []
        about = [one_line(text) for text in (run.name, *called, run.note) if text]
        table.add_row(Text("\n".join(about)), *line)
    return table


@app.command()
def rename(
    run: Run, name: Annotated[str, typer.Argument(help="What to call it; empty for no name.")]
) -> None:
    """Give a run a name; its folder keeps its own."""
    opened = RunFolder.open(run)
    label = write_label(opened.path, name=name)
    what = f"is called “{label.name}” now" if label.name else "has no name of its own now"
    say(f"The run {opened.name} {what}.")
    if doubt := also_called(label.name, opened.path, list_runs(opened.study, opened.task)):
        say(doubt)


@app.command()
def note(
    run: Run, text: Annotated[str, typer.Argument(help="The note; empty to remove it.")]
) -> None:
    """Write a note about a run, in place of the one it had."""
    opened = RunFolder.open(run)
    label = write_label(opened.path, note=text)
    say(f"The note about {opened.name} is {'kept' if label.note else 'removed'}.")
