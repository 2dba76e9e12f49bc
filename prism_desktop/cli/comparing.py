"""Commands that set methods side by side: methods, compare."""

import csv as csv_module
import json as json_module
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from prism_desktop.cli.console import JSON_HELP, err, names, out, say, write_file, write_json
from prism_desktop.engine.errors import InputError, RunError

Json = Annotated[str | None, typer.Option("--json", help=JSON_HELP)]
_COLUMNS = (
    "method", "macro", "micro", "NLL", "ECE", "gain", "p (Holm)", "improved", "worst", "parameters", "seconds",
    "verdict",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (compare,):
        app.command()(command)


def compare(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    methods: Annotated[str, typer.Option(help="Methods: a,b,c; or all that are possible.")] = "all",
    backbone: Annotated[str | None, typer.Option(help="prism-mini, MODEL:TAG, MODEL:PATH or embeddings:NAME.")] = None,
    split: Annotated[str | None, typer.Option(help="image, pair, labeler, time or label.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each method, with as many seeds of training.")] = 1,
    labelers: Annotated[str | None, typer.Option(help="Only these labelers: a,b,c.")] = None,
    attributes: Annotated[str | None, typer.Option(help="Only these attributes: a,b,c.")] = None,
    epochs: Annotated[int | None, typer.Option(help="At most this many epochs.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda, mps or cpu.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Any other setting, as key=value.")] = None,
    controls: Annotated[bool, typer.Option("--controls", help="Test with labelers' models swapped, too.")] = False,
    shuffled: Annotated[bool, typer.Option("--shuffled", help="Control: train on shuffled labelers.")] = False,
    name: Annotated[str, typer.Option(help="Name of the comparison; empty for one that follows from the rest.")] = "",
    json: Json = None,
    csv: Annotated[Path | None, typer.Option(help="Write the leaderboard to this CSV file.")] = None,
) -> None:
    """Train several methods on a study, use finished runs again, and rank what they gain over consensus."""
    from prism_desktop.engine.training import comparing

    given = {
        "backbone": backbone, "split": split, "labelers": names(labelers), "attributes": names(attributes),
        "epochs": epochs, "device": device,
    }  # fmt: skip
    options = {key: value for key, value in given.items() if value is not None}
    wanted = names(methods) or ()
    plan = comparing.Plan(study, wanted, options, tuple(settings or ()), seeds, controls, shuffled, name)
    path = _follow(comparing.compare(plan))
    board = json_module.loads((path / "leaderboard.json").read_text("utf-8"))
    write_json(board, json)
    if csv is not None:
        write_file(csv, lambda file: _write_csv(file, board))
    if json != "-":
        out.print(_table(board))
        for text in _remarks(board):
            say(text)
        say(f"{path / 'leaderboard.md'} has the whole report.")
    if not any(row["method"] != "consensus" for row in board["methods"]) and board["failed"]:
        raise RunError(f"No method could be trained: {board['failed'][0]['message']}")


def _follow(batches: Iterable[Sequence[Mapping[str, Any]]]) -> Path:
    """Show a comparison's progress; returns its folder."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"))
    path: Path | None = None
    with Progress(*columns, console=err, transient=True) as bar:
        everything = bar.add_task("Preparing", total=None, state="")
        present = bar.add_task("", total=None, state="", visible=False)
        for event in (event for batch in batches for event in batch):
            match event["type"]:
                case "comparison":
                    path = Path(event["path"])
                    bar.update(everything, total=event["runs"], state=f"0 of {event['runs']} runs")
                    for method, why in event["left_out"].items():
                        err.print(f"{method} is left out: {why}", markup=False)
                case "item":
                    bar.update(everything, description=f"{event['method']}, seed {event['seed']}")
                    bar.reset(present, total=None, description="preparing", state="", visible=True)
                case "started":
                    total = event["epochs"] * event["steps_per_epoch"]
                    bar.reset(present, total=total, description="training", state="")
                case "progress":
                    bar.update(present, total=event["total"], completed=event["done"], state=event["what"])
                case "step":
                    bar.update(present, completed=event["step"], state=f"loss {event['loss']:.3f}")
                case "item-ended":
                    done = f"{event['number']} of {event['runs']} runs"
                    bar.update(everything, completed=event["number"], state=done)
                    end = f"failed: {event['failure']}" if event["failure"] else "done"
                    err.print(f"{done}: {event['method']}, seed {event['seed']}, {end}", markup=False, soft_wrap=True)
    if path is None:
        raise InputError("The comparison ended before it began.")
    return path


def _table(board: Mapping[str, Any]) -> Table:
    from prism_desktop.engine.training.board import board_cells

    seeds = f"{board['seeds']} seed{'s' if board['seeds'] > 1 else ''}"
    shuffled = ", labelers shuffled" if board["shuffled"] else ""
    table = Table(box=None, title=f"{board['study']}, test ({board['split']['kind']} split, {seeds}{shuffled})")
    table.add_column(_COLUMNS[0], no_wrap=True)
    for column in _COLUMNS[1:]:
        table.add_column(column, justify="right")
    for row in board["methods"]:
        table.add_row(*board_cells(row))
    return table


def _remarks(board: Mapping[str, Any]) -> list[str]:
    failed = [f"{one['method']}, seed {one['seed']}, failed: {one['message']}" for one in board["failed"]]
    swapped = [
        f"{method} swapped: {100 * row['gain']['value']:+.1f} points against consensus"
        f"{'' if row['below'] else ', NOT below it'}"
        for method, row in board["swapped"].items()
        if row["gain"]["value"] is not None
    ]
    return failed + swapped


def _write_csv(path: Path, board: Mapping[str, Any]) -> None:
    numbers = ("accuracy", "low", "high")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv_module.writer(file)
        head = [f"{average}_{number}" for average in ("macro", "micro") for number in numbers]
        writer.writerow(
            ["method", *head, "nll", "ece", "gain", "gain_low", "gain_high", "p_holm", "p", "improved",
             "worst_labeler", "worst_difference", "parameters", "seconds", "passes", "failure"]
        )  # fmt: skip
        for row in board["methods"]:
            test, gain = row["test"], row["gain"] or {}
            worst, verdict = row["worst"] or {}, row["verdict"] or {}
            writer.writerow(
                [row["method"], *(test[a][n] for a in ("macro", "micro") for n in numbers), test["nll"], test["ece"],
                 *(gain.get(key) for key in ("value", "low", "high", "p", "p_raw")), row["improved"],
                 worst.get("labeler"), worst.get("difference"), row["parameters"], row["seconds"],
                 verdict.get("passed"), ""]
            )  # fmt: skip
        for one in board["failed"]:
            writer.writerow([one["method"], *[None] * 18, one["message"]])
