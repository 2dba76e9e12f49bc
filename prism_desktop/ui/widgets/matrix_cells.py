"""What the cells of a matrix hold, in words and as one picture."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from prism_desktop.engine.analysis.coefficients import ALIKE, Coefficient
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH, doubted

Rgba = NDArray[np.uint8]  # (colours, 4)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixCells:
    """Agreement of labelers.

    Attributes:
        names: of the labelers.
        values: (n, n), NaN where nothing is shared.
        counts: (n, n) of what is shared.
        about: what the values are.
        foretold: (n, n) what models say where nothing is shared, else NaN.
        half: of its 95% interval; NaN where that is unknown.
        exact: whether values are no estimates, so that no counts stand behind them.
    """

    names: tuple[str, ...] = ()
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    about: Coefficient = ALIKE
    foretold: NDArray[np.float64] | None = None
    half: float = math.nan
    exact: bool = False

    def known(self, row: int, column: int) -> bool:
        """Whether it was measured."""
        return bool(self.counts[row, column]) and not math.isnan(self.values[row, column])

    def guess(self, row: int, column: int) -> float | None:
        """What models alone say."""
        if self.foretold is None or math.isnan(self.foretold[row, column]):
            return None
        return float(self.foretold[row, column])

    def words(self, row: int, column: int) -> str:
        """A cell in a sentence."""
        one, other, about = self.names[row], self.names[column], self.about
        count, value = int(self.counts[row, column]), float(self.values[row, column])
        guess = self.guess(row, column)
        if self.exact:
            return one if row == column else f"{one} and {other}: {about.word} {value:.2f}."
        if guess is not None:
            off = "unchecked" if math.isnan(self.half) else f"±{about.off(self.half)}"
            return (
                f"Predicted, not measured: {one} and {other} answered nothing in common. Their "
                f"models let {about.word} {about.number(guess)} be expected, {off}."
            )
        if not self.known(row, column):
            return self._nothing(row, column)
        if row == column:
            asked = counted(count, "answer")
            told = f"{one} repeats {value:.1%} of {asked} asked twice."
            if about is not ALIKE:
                told = f"{one} with themselves: {about.word} {about.number(value)}, {asked} twice."
        else:
            shared = counted(count, *about.of)
            told = f"{one} and {other} agree on {value:.1%} of {shared}."
            if about is not ALIKE:
                told = f"{one} and {other}: {about.word} {about.number(value)}, {shared}."
        return doubted(told, count, opens=True)

    def _nothing(self, row: int, column: int) -> str:
        one, other = self.names[row], self.names[column]
        if row == column:
            return f"{one} answered nothing twice."
        if self.counts[row, column]:
            return f"{one} and {other} vary too little for {self.about.word}."
        return f"{one} and {other} answered nothing in common."

    def picture(self, shades: list[QColor], grey: QColor) -> QImage:
        """The cells as a picture of as many dots, coloured as single cells are; of what models
        alone say every other quarter is see-through.

        Args:
            shades: from the lowest to the highest value.
            grey: of the diagonal, and of few answers.
        """
        table = _rgba(shades)
        track, count = _rgba([grey])[0], len(self.names)
        known = (self.counts > 0) & ~np.isnan(self.values)
        guessed = np.zeros(known.shape, dtype=bool)
        values = np.where(known, self.values, 0.0)
        if self.foretold is not None:
            guessed = ~np.isnan(self.foretold)
            values = np.where(guessed, self.foretold, values)
        shares = values if self.about.chance == 0.5 else (values + 1) / 2
        dots = table[np.rint((len(table) - 1) * shares).astype(np.intp)]
        dots[known & (self.counts < ENOUGH)] = track
        dots[~known & ~guessed] = 0
        dots[np.arange(count), np.arange(count)] = track
        if guessed.any():
            dots, count = dots.repeat(2, 0).repeat(2, 1), 2 * count
            striped = guessed.repeat(2, 0).repeat(2, 1)
            striped[::2, ::2] = striped[1::2, 1::2] = False
            dots[striped] = 0
        made = QImage(dots.tobytes(), count, count, 4 * count, QImage.Format.Format_RGBA8888)
        return made.copy()  # the bytes go


def _rgba(colours: list[QColor]) -> Rgba:
    return np.array([(c.red(), c.green(), c.blue(), c.alpha()) for c in colours], np.uint8)
