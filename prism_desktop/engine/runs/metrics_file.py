"""metrics.csv: the curves of a run, appended epoch by epoch."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prism_desktop.engine.files import append, write_all, write_text
from prism_desktop.engine.foreign_files import read_text
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
    with append(path) as file:
        write_all(file, text.getvalue().encode())
        os.fsync(file.fileno())


def drop_metrics_from(path: Path, epoch: int) -> None:
    """Remove the rows of an epoch and later ones, which a resumed training writes again."""
    if not path.exists():
        return
    head, *rows = csv.reader(io.StringIO(read_text(path), newline=""))
    # A killed process may have left half a row.
    kept = [row for row in rows if len(row) == len(METRIC_COLUMNS) and int(row[0]) < epoch]
    text = io.StringIO()
    writer = CsvWriter(text)
    for row in (head, *kept):
        writer.row(map(restored, row))
    write_text(path, text.getvalue())
