"""`prism-desktop worth`: would it pay to label more?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from prism_desktop.cli.console import Json, follow, out, say, write_json
from prism_desktop.cli.known_names import SomeLabelers, labelers_named
from prism_desktop.engine.adaptation.growth import MORE
from prism_desktop.engine.adaptation.label_worth import (
    LabelerWorth,
    expected_in_worker,
    rows_of,
    worth_of_everybody,
)
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.curve_store import curve_of_run
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.estimates import told_accuracy, too_few
from prism_desktop.engine.runs.folder import RunFolder


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(worth)


def worth(
    run: Annotated[Path, typer.Argument(help="A finished run's folder, STUDY/runs/NAME.")],
    labelers: SomeLabelers = None,
    json: Json = None,
) -> None:
    """Would it pay to label more? What fifty more answers of each labeler, and one more labeler,
    would bring: as a learning curve measured it, else as each labeler's own model expects."""
    opened = RunFolder.open(run)
    known = opened.meta().codes
    wanted = labelers_named(labelers, run) or known
    if strange := [code for code in wanted if code not in known]:
        raise InputError(f"The run has no labeler {strange[0]}; it has {few(list(known), 5)}.")
    curve, older = curve_of_run(opened.study, opened.path)
    summary = opened.summary()
    rows = rows_of({} if summary is None else summary.test.per_labeler, wanted, curve)
    asked = [row.code for row in rows if row.measured is None]
    found = follow(expected_in_worker(opened.study, asked)) if asked else ()
    expected = {each.labeler: each for each in found}
    rows = tuple(row.with_expected(expected.get(row.code)) for row in rows)
    everybody = worth_of_everybody(curve, older)
    write_json({"everybody": list(everybody), "labelers": [_row(row) for row in rows]}, json)
    if json == "-":
        return
    out.print(_table(rows))
    for sentence in everybody:
        say(sentence)


def _row(row: LabelerWorth) -> dict[str, object]:
    value, low, high = row.numbers
    return {
        "labeler": row.code, "answers": row.answers, "accuracy": row.tested.accuracy,
        "n": row.tested.n, "ceiling": row.tested.ceiling, "more": MORE, "gain": value, "low": low,
        "high": high, "source": row.source, "verdict": row.verdict,
    }  # fmt: skip


def _table(rows: tuple[LabelerWorth, ...]) -> Table:
    table = Table(box=None)
    for column in ("labeler", "right", counted(MORE, "more answer"), "worth it?", "how known"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            row.code, told_accuracy(row.tested).number, row.gain.line, row.verdict, row.source,
            style="dim" if too_few(row.tested.n) else None,
        )  # fmt: skip
    return table
