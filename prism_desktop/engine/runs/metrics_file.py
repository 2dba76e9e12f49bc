"""metrics.csv: the curves of a run, appended epoch by epoch."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prism_desktop.engine.atomic import write_text
from prism_desktop.engine.runs.folder import METRIC_COLUMNS
from prism_desktop.engine.study.formula_guard import CsvWriter, restored

Mean = Mapping[str, float | int | None]  # nll, accuracy (None without answers) and n
Row = tuple[str, str, Mean]  # labeler and attribute, empty for all together


def append_metrics(
    path: Path, epoch: int, step: int, seconds: float, split: str, rows: Iterable[Row]
) -> None:
    """Add an epoch's rows to metrics.csv, durably."""
    text = io.StringIO()
    writer = CsvWriter(text)
    if not path.exists():
        writer.row(METRIC_COLUMNS)
    for labeler, attribute, mean in rows:
        nll = "" if mean["nll"] is None else f"{mean['nll']:.6f}"
        accuracy = "" if mean["accuracy"] is None else f"{mean['accuracy']:.6f}"
        parts = (labeler, attribute, nll, nll, accuracy, mean["n"])
        writer.row((epoch, step, f"{seconds:.2f}", split, *parts))
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())


def drop_metrics_from(path: Path, epoch: int) -> None:
    """Remove the rows of an epoch and later ones, which a resumed training writes again."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    # A killed process may have left half a row.
    kept = [row for row in rows if len(row) == len(METRIC_COLUMNS) and int(row[0]) < epoch]
    text = io.StringIO()
    writer = CsvWriter(text)
    for row in (head, *kept):
        writer.row(map(restored, row))
    write_text(path, text.getvalue())
