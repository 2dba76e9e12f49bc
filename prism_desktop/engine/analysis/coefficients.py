"""What agreement of two labelers is told as: the share answered alike, or how far it goes beyond
chance. Light, so that widgets can word a value as figures and commands do."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Measure = Literal["alike", "corrected"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """How values of agreement are worded and coloured."""

    key: str  # a column's heading
    word: str  # within a sentence
    chance: float  # that labelers reach who answer at random
    lowest: float
    of: tuple[str, str]  # what is counted, one and several

    @property
    def title(self) -> str:
        """At the beginning of a sentence."""
        return self.word[0].upper() + self.word[1:]

    def share(self, value: float) -> float:
        """The value on a scale from 0 to 1 whose middle is chance, for colours and links."""
        return value if self.chance == 0.5 else (value + 1) / 2

    def short(self, value: float) -> str:
        """In a cell: "62", or ".42"."""
        if self.chance == 0.5:
            return f"{100 * value:.0f}"
        told = f"{value:.2f}".replace("0.", ".", 1)
        return told.replace("-.00", ".00")

    def number(self, value: float) -> str:
        """In a line: "62%", or "0.42"."""
        if self.chance == 0.5:
            return f"{100 * value:.0f}%"
        return f"{value:.2f}".replace("-0.00", "0.00")

    def off(self, value: float) -> str:
        """A difference: "7 points", or "0.14"."""
        return f"{100 * value:.0f} points" if self.chance == 0.5 else f"{value:.2f}"

    def between(self, low: float, high: float) -> str:
        """An interval: "[55, 69]", or "[0.31, 0.52]"."""
        if self.chance == 0.5:
            return f"[{100 * low:.0f}, {100 * high:.0f}]"
        return f"[{self.number(low)}, {self.number(high)}]"


ALIKE: Final = Coefficient("agreement", "agreement", 0.5, 0.0, ("shared answer", "shared answers"))
KAPPA: Final = Coefficient("kappa", "Cohen's kappa", 0.0, -1.0, ("shared answer", "shared answers"))
COSINE: Final = Coefficient("similarity", "similarity", 0.0, -1.0, ("vector", "vectors"))
ALPHA: Final = Coefficient(
    "alpha", "Krippendorff's alpha", 0.0, -1.0, ("face that both rated", "faces that both rated")
)
