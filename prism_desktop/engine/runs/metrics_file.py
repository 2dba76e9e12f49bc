"""metrics.csv: the curves of a run, appended epoch by epoch."""

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import append, write_all, write_text
from prism_desktop.engine.foreign_files import GIGABYTE, read_text
from prism_desktop.engine.runs.status import check_ours
from prism_desktop.engine.study.formula_guard import CsvWriter, restored

if TYPE_CHECKING:
    import pandas as pd

METRIC_COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "split",
    "labeler",
    "attribute",
    "loss",
    "nll",
    "accuracy",
    "count",
)
_HEAD = ",".join(METRIC_COLUMNS)
_TEXTS = ("split", "labeler", "attribute")
_WHOLE = ("epoch", "step", "count")
Mean = Mapping[str, float | int | None]  # nll, accuracy (None without answers) and n
Row = tuple[str, str, Mean]  # labeler and attribute, empty for all together


def append_metrics(
    path: Path, epoch: int, step: int, seconds: float, split: str, rows: Iterable[Row]
) -> None:
    """Add an epoch's rows to metrics.csv, durably.

    Raises:
        TakenOverError: the run is no longer this process's.
    """
    check_ours(path.parent)
    text = io.StringIO()
    writer = CsvWriter(text)
    if not path.exists() or path.stat().st_size == 0:
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
    """Remove the rows of an epoch and later ones, which a resumed training writes again.

    Raises:
        UnreadableError: the file cannot be read.
    """
    if not path.exists():
        return
    kept = [row for row in _rows(path) if int(row[0]) < epoch]
    text = io.StringIO()
    writer = CsvWriter(text)
    for row in (METRIC_COLUMNS, *kept):
        writer.row(row)
    write_text(path, text.getvalue())


def read_metrics(path: Path) -> "pd.DataFrame":
    """The curves as `RunFolder.metrics` describes them; without rows where there is no file.

    Rows that a killed process cut short, or that hold anything else, are passed over.

    Raises:
        UnreadableError: the file cannot be read, or holds something else.
    """
    import pandas as pd

    columns = list(zip(*_rows(path), strict=True)) if path.exists() else []
    columns = columns or [()] * len(METRIC_COLUMNS)
    frame = pd.DataFrame(dict(zip(METRIC_COLUMNS, columns, strict=True)), dtype="str")
    for name in set(METRIC_COLUMNS) - set(_TEXTS):
        numbers = [float(cell) if cell else math.nan for cell in frame[name]]
        frame[name] = pd.Series(numbers, dtype="int64" if name in _WHOLE else "float64")
    return frame


def _rows(path: Path) -> Iterator[list[str]]:
    """The rows that are whole, texts as they were given; raises UnreadableError."""
    try:
        text = read_text(path, GIGABYTE)
        if _HEAD.startswith(text):  # a full disk or a kill came before the first row
            return
        reader = csv.reader(io.StringIO(text, newline=""))
        if next(reader, None) != list(METRIC_COLUMNS):
            raise UnreadableError(path, "its columns are not those of curves")
        yield from ([*map(restored, row)] for row in reader if _is_whole(row))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, csv.Error) as error:
        raise UnreadableError(path, "it is no table of curves") from error


def _is_whole(row: list[str]) -> bool:
    if len(row) != len(METRIC_COLUMNS):
        return False
    cells = dict(zip(METRIC_COLUMNS, row, strict=True))
    try:
        counts = [int(cells[name]) for name in _WHOLE]
        numbers = [float(cells[name] or 0) for name in ("seconds", "loss", "nll", "accuracy")]
    except ValueError:
        return False
    plausible = 0 <= numbers[-1] <= 1 and all(map(math.isfinite, numbers))
    return plausible and all(0 <= count < 2**53 for count in counts)
