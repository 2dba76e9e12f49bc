"""The rows of a tested model's accuracies: labelers, attributes, and the mean over labelers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtGui import QColor

from prism_desktop.engine.runs.result_files import Accuracy, Difference, Gain, Result
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.widgets.dumbbell import AccuracyRow
from prism_desktop.ui.widgets.painted import labeler_colour, series_colour


def labeler_rows(
    test: Result,
    consensus: Result | None,
    names: Mapping[str, str],
    tokens: Tokens,
    gain: Gain | None = None,
) -> list[AccuracyRow]:
    """A row per labeler whom a model was tested on, then their mean.

    Args:
        test: the model's results.
        consensus: the consensus model's on the same answers, if there are any.
        names: what to call each labeler, in the order of the study, which gives the colours.
        tokens: the theme's colours.
        gain: over the consensus, with its intervals.
    """
    base, gained, found = consensus or Result(), gain or Gain(), []
    for code, cell in test.per_labeler.items():
        if cell.accuracy is not None:
            theirs = base.per_labeler.get(code, Accuracy()).accuracy
            known = "ceiling" in cell.model_fields_set
            ceiling = cell.ceiling if known else test.ceiling.get(code)
            colour, mine = labeler_colour(tokens, names, code), gained.per_labeler.get(code)
            name = names.get(code, code)
            found.append(accuracy_row(name, colour, cell, theirs, ceiling, gained=mine))
    if test.macro.accuracy is None:
        return found
    mean = _mean_row(test.macro, base.macro.accuracy, found, tokens)
    return [*found, replace(mean, gained=gained.macro)]


def attribute_rows(
    test: Result, consensus: Result | None, tokens: Tokens, gain: Gain | None = None
) -> list[AccuracyRow]:
    """A row per attribute that a model was tested on."""
    base, gained = consensus or Result(), gain or Gain()
    return [
        accuracy_row(
            name,
            series_colour(tokens, place),
            cell,
            base.per_attribute.get(name, Accuracy()).accuracy,
            None,
            gained=gained.per_attribute.get(name),
        )
        for place, (name, cell) in enumerate(test.per_attribute.items())
        if cell.accuracy is not None
    ]


def _mean_row(
    mean: Accuracy, consensus: float | None, labelers: Sequence[AccuracyRow], tokens: Tokens
) -> AccuracyRow:
    """The mean of the labelers; its share of the ceiling is the mean of their shares."""
    ceiling = _mean([row.ceiling for row in labelers if row.ceiling])
    share = _mean([row.of_ceiling for row in labelers if row.of_ceiling is not None])
    colour = QColor(tokens.text)
    return accuracy_row("Mean", colour, mean, consensus, ceiling, strong=True, share=share)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def accuracy_row(
    name: str,
    colour: QColor,
    cell: Accuracy,
    consensus: float | None,
    ceiling: float | None,
    *,
    strong: bool = False,
    share: float | None = None,
    gained: Difference | None = None,
) -> AccuracyRow:
    """One row; `consensus` is the consensus model's accuracy on the same answers."""
    assert cell.accuracy is not None
    count, low, high = cell.n or 0, cell.low, cell.high
    return AccuracyRow(
        name, colour, cell.accuracy, low, high, count, consensus, ceiling, strong, share,
        gained, cell,
    )  # fmt: skip
