"""The rows of a tested model's accuracies: labelers, attributes, and the mean over labelers."""

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QColor

from prism_desktop.engine.runs.result_files import Accuracy, Result
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.widgets.dumbbell import AccuracyRow
from prism_desktop.ui.widgets.painted import series_colour


def labeler_rows(
    test: Result, consensus: Result | None, names: Mapping[str, str], tokens: Tokens
) -> list[AccuracyRow]:
    """A row per labeler whom a model was tested on, then their mean.

    Args:
        test: the model's results.
        consensus: the consensus model's on the same answers, if there are any.
        names: what to call each labeler.
        tokens: the theme's colours.
    """
    base, found = consensus or Result(), []
    for place, (code, cell) in enumerate(test.per_labeler.items()):
        if cell.accuracy is not None:
            theirs = base.per_labeler.get(code, Accuracy()).accuracy
            known = "ceiling" in cell.model_fields_set
            ceiling = cell.ceiling if known else test.ceiling.get(code)
            colour = series_colour(tokens, place)
            found.append(_row(names.get(code, code), colour, cell, theirs, ceiling))
    if test.macro.accuracy is None:
        return found
    return [*found, _mean_row(test.macro, base.macro.accuracy, found, tokens)]


def attribute_rows(test: Result, consensus: Result | None, tokens: Tokens) -> list[AccuracyRow]:
    """A row per attribute that a model was tested on."""
    base = consensus or Result()
    return [
        _row(
            name,
            series_colour(tokens, place),
            cell,
            base.per_attribute.get(name, Accuracy()).accuracy,
            None,
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
    return _row("Mean", colour, mean, consensus, ceiling, strong=True, share=share)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _row(
    name: str,
    colour: QColor,
    cell: Accuracy,
    consensus: float | None,
    ceiling: float | None,
    *,
    strong: bool = False,
    share: float | None = None,
) -> AccuracyRow:
    assert cell.accuracy is not None
    count, low, high = cell.n or 0, cell.low, cell.high
    return AccuracyRow(
        name, colour, cell.accuracy, low, high, count, consensus, ceiling, strong, share
    )
