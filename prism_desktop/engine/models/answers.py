"""Answers as arrays, as every method learns from them. Importing this needs no pandas."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.coded_columns import codes_in, rows_in

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one split, (answers,) each, sorted so
    that a presentation's attributes are neighbours."""

    labeler: Ints  # row of the labeler
    attribute: Ints  # row of the attribute
    left: Ints  # row of the image
    right: Ints
    outcome: Floats  # 1 the left image was chosen, 0 the right one, 0.5 tie
    weight: Floats
    group: Ints  # answers to the same pair, shown once to one labeler, share a number; ascending
    derived: Bools | None = None  # those made of two ratings; None: none is
    time: Ints | None = None  # the labeler's trials counted in time; None where nobody says

    def __len__(self) -> int:
        return len(self.labeler)

    @property
    def tie_share(self) -> float:
        """Share of ties."""
        return float(np.mean(self.outcome == 0.5)) if len(self) else 0.0


def answers(
    pairs: "pd.DataFrame", labelers: Sequence[str], attributes: Sequence[str], images: Sequence[str]
) -> Answers:
    """Turn rows of data/pairs.parquet into arrays.

    Args:
        pairs: the rows of one split.
        labelers, attributes, images: what the numbers mean, in the model's order.
    """
    order, group = _presentations(pairs)
    rows = pairs.take(order)
    return Answers(
        labeler=rows_in(rows["labeler"], labelers),
        attribute=rows_in(rows["attribute"], attributes),
        left=rows_in(rows["left"], images),
        right=rows_in(rows["right"], images),
        outcome=rows["outcome"].to_numpy(dtype=np.float32),
        weight=rows["weight"].to_numpy(dtype=np.float32),
        group=group,
        derived=(rows["source"] == "rating").to_numpy(dtype=bool) if "source" in rows else None,
        time=rows["order"].to_numpy(dtype=np.int64) if "order" in rows else None,
    )


def _presentations(pairs: "pd.DataFrame") -> tuple[Ints, Ints]:
    """The order of answers, and in it the number of each one's presentation, ascending from 0."""
    if "place" in pairs:
        place = pairs["place"].to_numpy(dtype=np.int64)
    else:
        keys = ["trial", "labeler", "left", "right"]
        place = pairs.groupby(keys, sort=True, observed=True).ngroup().to_numpy(dtype=np.int64)
    order = np.lexsort((codes_in(pairs["attribute"])[0], place)).astype(np.int64)
    return order, np.cumsum(np.diff(place[order], prepend=place[order][:1]) != 0, dtype=np.int64)


def select(answers: Answers, keep: npt.NDArray[np.bool_] | Ints) -> Answers:
    """Some of the answers."""
    told = [part.name for part in fields(answers) if getattr(answers, part.name) is not None]
    return Answers(**{name: getattr(answers, name)[keep] for name in told})


def choices(answers: Answers) -> Answers:
    """Without those that were made of ratings, for what learns from the ratings themselves."""
    return answers if answers.derived is None else select(answers, ~answers.derived)
