"""The one signed colour scale of shaded words, for window, figures and pages: red is for, blue
against, as in maps of images, over the paper that texts stand on in every theme.

The strongest shade still leaves letters a contrast of more than 4.5 to 1.
"""

from typing import Final

Rgb = tuple[int, int, int]

PAPER: Final[Rgb] = (247, 247, 248)
INK: Final[Rgb] = (28, 28, 33)
_AGAINST: Final[Rgb] = (33, 102, 172)
_FOR: Final[Rgb] = (178, 24, 43)
_FULL: Final = 0.55  # of the colour over the paper
FAINT: Final = 0.35  # times that, of a map that its own test does not support


def shade(share: float, strength: float = 1.0) -> Rgb:
    """The colour behind a word.

    Args:
        share: of the strongest relevance on the scale, -1 to 1; NaN is none.
        strength: of the whole scale, 0 to 1.
    """
    if share != share:
        return PAPER
    part = min(1.0, abs(share)) * _FULL * strength
    colour = _FOR if share > 0 else _AGAINST
    red, green, blue = (
        round(part * over + (1 - part) * paper) for over, paper in zip(colour, PAPER, strict=True)
    )
    return red, green, blue


def as_hex(colour: Rgb) -> str:
    """As "#b2182b"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def strength_of(supported: bool | None) -> float:
    """Of a map's shades: what its own test does not support is faint."""
    return FAINT if supported is False else 1.0
