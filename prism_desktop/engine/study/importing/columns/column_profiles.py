"""What the values of a column look like, whatever it is called."""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.study.importing.cells import NUMBER_LIKE
from prism_desktop.engine.study.importing.data_tables import EMPTY, DataColumn
from prism_desktop.engine.study.importing.names.dialects import plain_name
from prism_desktop.engine.study.importing.values.numerals import is_missing_word
from prism_desktop.engine.study.importing.values.outcome_codings import WORDS, plain_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOKED_AT: Final = 2_000  # different values, the first ones
_USUAL_TOPS: Final = (1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0, 10.0, 11.0, 20.0, 100.0)


class Profile:
    """A column with what can be found out about its values; each part is computed when asked for.

    Attributes:
        column: the column.
        plain: its name as compared.
    """

    def __init__(self, column: DataColumn, find_image: Callable[[str], str]) -> None:
        """
        Args:
            column: to look at.
            find_image: a value -> the study's image that it means, "" for none.
        """
        self.column = column
        self.plain = plain_name(column.name)
        self._find_image = find_image

    @cached_property
    def counts(self) -> "NDArray[np.int64]":
        """(values,) int64: rows of each value."""
        return self.column.counts()

    @cached_property
    def filled(self) -> int:
        """Rows that hold something."""
        return int(self.counts.sum())

    @cached_property
    def answering(self) -> int:
        """Rows that hold something else than a usual word for a missing value."""
        return sum(
            int(count)
            for value, count in zip(self._seen, self.counts, strict=False)
            if not is_missing_word(value)
        )

    @property
    def _seen(self) -> Sequence[str]:
        return self.column.values[:_LOOKED_AT]

    @cached_property
    def numbers(self) -> "NDArray[np.float64]":
        """(values looked at,) float64: each as a number, NaN if it is none."""
        return np.array([_number(value) for value in self._seen], np.float64)

    @cached_property
    def numeric(self) -> float:
        """Share of the rows that answer and hold a number, 0 to 1."""
        counts = self.counts[: len(self.numbers)]
        return float(counts[~np.isnan(self.numbers)].sum()) / max(self.answering, 1)

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are whole."""
        numbers = self.numbers[~np.isnan(self.numbers)]
        return bool(len(numbers)) and bool(np.all(numbers == np.round(numbers)))

    @cached_property
    def images(self) -> float:
        """Share of the filled rows that name an image of the study, 0 to 1."""
        found = np.array([bool(self._find_image(value)) for value in self._seen[:500]], bool)
        counts = self.counts[: len(found)]
        return float(counts[found].sum()) / max(float(counts.sum()), 1.0)

    @cached_property
    def outcomes(self) -> float:
        """Share of the filled rows that hold a word for an outcome, 0 to 1."""
        found = np.array([_is_outcome(value) for value in self._seen[:500]], bool)
        counts = self.counts[: len(found)]
        return float(counts[found].sum()) / max(float(counts.sum()), 1.0)

    @cached_property
    def scale(self) -> tuple[float, float] | None:
        """The narrowest usual scale that nearly all numbers lie on, None if it is no usual one."""
        held = ~np.isnan(self.numbers)
        numbers, counts = self.numbers[held], self.counts[: len(self.numbers)][held]
        if not len(numbers) or self.numeric < 0.5:
            return None
        order = np.argsort(numbers)
        share = np.cumsum(counts[order]) / counts.sum()
        low, high = numbers[order][share > 0.02][0], numbers[order][share >= 0.98][0]
        if low < 0:
            top = float(np.ceil(max(-low, high)))
            return (-top, top) if top <= 100 else None
        bottom = 1.0 if low >= 1 and self.whole else 0.0
        usual = next((usual for usual in _USUAL_TOPS if high <= usual), None)
        return None if usual is None else (bottom, usual)

    def determined_by(self, other: DataColumn) -> bool:
        """Whether the other column's value tells this one's: a fact about it.

        False where nothing shows it, since each value of the other stands in one row only.
        """
        both = (self.column.codes != EMPTY) & (other.codes != EMPTY)
        keys = other.codes[both].astype(np.int64)
        pairs = keys * (len(self.column.values) + 1) + self.column.codes[both]
        different = len(np.unique(keys))
        return 0 < different < len(keys) and len(np.unique(pairs)) == different

    def counts_rows(self, within: DataColumn | None) -> bool:
        """Whether the column numbers rows: whole numbers that rise by row, in the whole table or
        for each value of another column."""
        if self.numeric < 0.99 or not self.whole or len(self.column.values) > _LOOKED_AT:
            return self.numeric >= 0.99 and len(self.column.values) == self.filled > _LOOKED_AT
        held = self.column.codes != EMPTY
        numbers = self.numbers[self.column.codes[held]]
        if len(numbers) >= 5 and bool(np.all(np.diff(numbers) > 0)):
            return True
        if within is None:
            return False
        keys = within.codes[held]
        order = np.lexsort((numbers, keys))
        numbers, keys = numbers[order], keys[order]
        same = keys[1:] == keys[:-1]
        steps = np.diff(numbers)[same]
        return bool(len(steps) >= 4 * len(np.unique(keys))) and bool(np.all(steps == 1))

    @property
    def constant(self) -> bool:
        """Whether every filled row holds the same."""
        return len(self.column.values) <= 1

    def examples(self, count: int = 5) -> tuple[str, ...]:
        """The commonest values."""
        order = np.argsort(-self.counts, kind="stable")[:count]
        return tuple(self.column.values[place].strip() for place in order)


def same_rows(one: DataColumn, other: DataColumn) -> float:
    """Share of the rows filled in both columns in which they say the same, 0 to 1."""
    both = (one.codes != EMPTY) & (other.codes != EMPTY)
    if not both.any():
        return 0.0
    places = {value: code for code, value in enumerate(one.values)}
    known = np.array([places.get(value, -2) for value in other.values], np.int64)
    return float(np.mean(one.codes[both] == known[other.codes[both]]))


def _is_outcome(value: str) -> bool:
    word = plain_word(value)
    return word in WORDS or word == "none"


def _number(value: str) -> float:
    words = unicodedata.normalize("NFKC", value).strip().replace("−", "-")
    if not NUMBER_LIKE.fullmatch(words):
        return float("nan")
    try:
        return float(words.rstrip("%").replace(",", "."))
    except ValueError:
        return float("nan")
