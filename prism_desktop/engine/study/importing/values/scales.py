"""Putting ratings of any numeric scale onto the study's, whose steps are 1, 2, 3, 4.

The scale from `low` to `high` is cut into steps of equal width. On a scale of whole numbers each
number stands for the unit around it, so 1-10 is cut at 3, 5.5 and 8. A rating that lies on a cut
goes towards the middle (1, 2 -> 1; 3-5 -> 2; 6-8 -> 3; 9, 10 -> 4), and one on the middle cut goes
up. The original number is kept beside the step.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# usual scales, by lowest
_TOP = {0: (1.0, 3.0, 4.0, 6.0, 10.0, 100.0), 1: (4.0, 5.0, 7.0, 9.0, 10.0, 11.0, 20.0, 100.0)}
_EVEN = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 50.0, 100.0)  # usual ones with as much below zero as above
_MANY = 25  # a scale with more whole numbers than these is treated as continuous
# "(1-9)", "1 to 9 scale", "scale of 1 to 9", "(1 = not at all, 9 = very)"
_HEADED = re.compile(
    r"[(\[]\s*(-?\d{1,3})\s*(?:-|–|—|to|bis|\.\.)\s*(\d{1,3})\s*[)\]]"
    r"|scale (?:of|from)?\s*(-?\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})"
    r"|(?<![\d.])(-?\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})[- ]?(?:point )?scale"
    r"|[(\[]\s*(-?\d{1,3})\s*=[^()\[\]]*?[,;–-]\s*(\d{1,3})\s*=",
    re.IGNORECASE,
)
_DECLARED = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-|–|to|\.\.|:)\s*([+-]?\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Scale:
    """The numeric scale that a file's ratings are on."""

    low: float
    high: float
    whole: bool  # every rating is a whole number

    @property
    def cuts_units(self) -> bool:
        """Whether each whole number stands for the unit around it."""
        return self.whole and self.high - self.low < _MANY

    def same_as_steps(self, steps: int) -> bool:
        """Whether ratings are on the study's scale already."""
        return self.whole and self.low == 1 and self.high == steps

    def cuts(self, steps: int = 4) -> tuple[float, ...]:
        """The steps - 1 limits between neighbouring steps, rising."""
        margin = 0.5 if self.cuts_units else 0.0
        width = (self.high - self.low + 2 * margin) / steps
        return tuple(self.low - margin + width * place for place in range(1, steps))

    def step(self, rating: float, steps: int = 4) -> int:
        """The study's step, 1 to `steps`, for a rating on this scale.

        Raises:
            ValueError: with words for the user, if the rating lies outside the scale.
        """
        if not self.low <= rating <= self.high:
            raise ValueError(f"{rating:g} lies outside the scale {self}")
        middle = (self.low + self.high) / 2
        cuts = self.cuts(steps)
        return 1 + sum(rating > cut or (rating == cut and cut <= middle) for cut in cuts)

    def steps(self, ratings: "ArrayLike", steps: int = 4) -> "NDArray[np.int64]":
        """Every rating's step, as `step` gives it.

        Args:
            ratings: (n,) float64, all within the scale.
            steps: of the study.

        Returns:
            (n,) int64, 1 to `steps`.

        Raises:
            ValueError: with words for the user, if a rating lies outside the scale or is NaN.
        """
        values = np.asarray(ratings, np.float64)
        outside = ~self.holds(values)
        if outside.any():
            raise ValueError(f"{values[outside][0]:g} lies outside the scale {self}")
        middle = (self.low + self.high) / 2
        found = np.ones(values.shape, np.int64)
        for cut in self.cuts(steps):
            found += values >= cut if cut <= middle else values > cut
        return found

    def holds(self, ratings: "ArrayLike") -> "NDArray[np.bool_]":
        """(n,) bool: which ratings lie within the scale; NaN does not."""
        values = np.asarray(ratings, np.float64)
        return (self.low <= values) & (values <= self.high)

    def option(self) -> str:
        """The scale as the option --scale takes it: "1-7"."""
        return f"{self.low:.15g}-{self.high:.15g}"

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def described(self, steps: int = 4) -> dict[str, object]:
        """How ratings were put onto the study's scale, for the record of the import."""
        return {
            "low": self.low,
            "high": self.high,
            "cuts": list(self.cuts(steps)),
            "steps": steps,
            "rule": "equal widths",
        }


def declared(words: str) -> Scale:
    """Read a scale as the user writes it: "1-10", "0 to 100", "-3..3".

    It is taken to be of whole numbers.

    Raises:
        InputError: if it is no scale.
    """
    match = _DECLARED.fullmatch(words)
    if match is None or float(match[1]) >= float(match[2]):
        raise InputError(f"“{words}” is not a scale; write it as LOW-HIGH, such as 1-10.")
    return Scale(float(match[1]), float(match[2]), whole=True)


def scale_in_head(text: str) -> Scale | None:
    """The scale that a column's head names: "attractive (1-9)"."""
    match = _HEADED.search(text)
    if match is None:
        return None
    low, high = (float(part) for part in match.groups() if part is not None)
    return (
        Scale(low, high, True)
        if low in (-100, -50, -10, -5, -4, -3, -2, -1, 0, 1) and (low + 2 <= high <= 1000)
        else None
    )


def observed(ratings: Iterable[float]) -> Scale:
    """The narrowest usual scale that holds all ratings, else the range that they span, from whole
    number to whole number.

    Usual: 1 to 4, 5, 7, 9, 10, 11, 20 or 100; 0 to 1, 3, 4, 6, 10 or 100; the same number below
    and above zero. Sliders that go a little beyond their ends (100.19, -0.2) are not taken for
    scales below zero.
    """
    values = np.asarray(list(ratings), np.float64)
    low, high = float(values.min()), float(values.max())
    whole = bool((values == np.floor(values)).all())
    if low < 0 and (low > -1 and high >= 50 and not whole):
        return Scale(float(np.floor(low)), max(float(np.ceil(high)), 100.0), whole)
    if low < 0:
        top = max(-low, high)
        top = next((usual for usual in _EVEN if top <= usual), float(np.ceil(top)))
        return (
            Scale(-top, top, whole)
            if top <= 100
            else Scale(float(np.floor(low)), float(np.ceil(high)), whole)
        )
    bottom = 1 if low >= 1 and (whole or high <= 20) else 0
    top = next((usual for usual in _TOP[bottom] if high <= usual), float(np.ceil(high)))
    return Scale(float(bottom), max(top, bottom + 1.0), whole)
