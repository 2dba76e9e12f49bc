"""Losses and accuracies per labeler and attribute,
summed up while an epoch goes on, and metrics.csv."""

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.atomic import write_text
from prism_desktop.engine.runs.folder import METRIC_COLUMNS

MACRO = "(macro)"

Doubles = npt.NDArray[np.float64]
Mean = Mapping[str, float | int | None]  # nll, accuracy (None without answers) and n


@dataclass(slots=True)
class Tally:
    """Sums over answers.

    Attributes:
        sums: (4, labelers, attributes) float64: answers, their loss, answers that are no ties,
            right ones among those.
    """

    labelers: Sequence[str]
    attributes: Sequence[str]
    sums: Doubles = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((4, len(self.labelers), len(self.attributes)))

    def add(
        self,
        labeler: npt.NDArray[np.int64],
        attribute: npt.NDArray[np.int64],
        loss: Doubles,
        correct: Doubles,
    ) -> None:
        """Add answers, (answers,) each; `correct` is 1, 0, 0.5 for equal scores, NaN for a tie."""
        shape = self.sums.shape[1:]
        cell = labeler * shape[1] + attribute
        decided = ~np.isnan(correct)
        values = (np.ones(len(cell)), loss, decided.astype(float), np.where(decided, correct, 0.0))
        for row, value in zip(self.sums, values, strict=True):
            row += np.bincount(cell, value, shape[0] * shape[1]).reshape(shape)

    def overall(self) -> Mean:
        """Mean over all answers."""
        return _mean(self.sums.sum(axis=(1, 2)))

    def macro(self) -> Mean:
        """Mean over the labelers that have answers."""
        means = [mean for mean in self.per_labeler().values() if mean["n"]]
        return {key: _average([mean[key] for mean in means]) for key in ("nll", "accuracy")} | {
            "n": int(self.sums[0].sum())
        }

    def per_labeler(self) -> dict[str, Mean]:
        """Mean over each labeler's answers."""
        return {
            name: _mean(self.sums[:, place].sum(axis=1)) for place, name in enumerate(self.labelers)
        }

    def per_attribute(self) -> dict[str, Mean]:
        """Mean over each attribute's answers."""
        return {
            name: _mean(self.sums[:, :, place].sum(axis=1))
            for place, name in enumerate(self.attributes)
        }

    def rows(self) -> list[tuple[str, str, Mean]]:
        """(labeler, attribute, mean): all, macro, each labeler,
        each attribute, each of both that has answers."""
        cells = [
            (labeler, attribute, _mean(self.sums[:, i, j]))
            for i, labeler in enumerate(self.labelers)
            for j, attribute in enumerate(self.attributes)
            if self.sums[0, i, j]
        ]
        return [
            ("", "", self.overall()),
            (MACRO, "", self.macro()),
            *((name, "", mean) for name, mean in self.per_labeler().items()),
            *(("", name, mean) for name, mean in self.per_attribute().items()),
            *cells,
        ]


def append_metrics(
    path: Path, epoch: int, step: int, seconds: float, split: str, tally: Tally
) -> None:
    """Add an epoch's rows to metrics.csv, durably."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.exists():
        writer.writerow(METRIC_COLUMNS)
    for labeler, attribute, mean in tally.rows():
        nll = "" if mean["nll"] is None else f"{mean['nll']:.6f}"
        accuracy = "" if mean["accuracy"] is None else f"{mean['accuracy']:.6f}"
        writer.writerow(
            [
                epoch,
                step,
                f"{seconds:.2f}",
                split,
                labeler,
                attribute,
                nll,
                nll,
                accuracy,
                mean["n"],
            ]
        )
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
    csv.writer(text, lineterminator="\n").writerows([head, *kept])
    write_text(path, text.getvalue())


def _mean(sums: Doubles) -> Mean:
    answers, loss, decided, right = (float(value) for value in sums)
    return {
        "nll": loss / answers if answers else None,
        "accuracy": right / decided if decided else None,
        "n": int(answers),
    }


def _average(values: Sequence[float | int | None]) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return sum(known) / len(known) if known else None
