"""Tallies of losses and accuracies per labeler and attribute, summed up while an epoch goes on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.runs.metrics_file import Mean

MACRO = "(macro)"

Doubles = npt.NDArray[np.float64]


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
