"""The colours of labelers, runs and methods: the same in the window, in charts and in figures."""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

# Told apart by colour-blind readers (after Okabe and Ito 2008): on white, as in the light theme
# and in figures, and on black.
ON_LIGHT: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b38600", "#56b4e9", "#6b4fbb", "#5f5f6b",
)  # fmt: skip
ON_DARK: Final = (
    "#4aa8e0", "#f0803c", "#2fc49b", "#e39ac4", "#e0b83c", "#8fd0f5", "#a48af0", "#a3a3ae",
)  # fmt: skip

# From little to much, ordered in lightness and told apart by everyone (after matplotlib's viridis):
# much stands out from white, and from black.
SCALE_ON_LIGHT: Final = ("#fde725", "#7ad151", "#22a884", "#2a788e", "#414487", "#440154")
SCALE_ON_DARK: Final = ("#5660b4", "#3a7fa8", "#22a884", "#7ad151", "#b8de29", "#fde725")


def scaled(share: float, *, dark: bool = False) -> str:
    """The colour of a share from 0 to 1, "#rrggbb"."""
    stops = SCALE_ON_DARK if dark else SCALE_ON_LIGHT
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    at = min(int(place), len(stops) - 2)
    ends = [
        [int(stop[digit : digit + 2], 16) for digit in (1, 3, 5)] for stop in stops[at : at + 2]
    ]
    mixed = (round(one + (two - one) * (place - at)) for one, two in zip(*ends, strict=True))
    return "#" + "".join(f"{each:02x}" for each in mixed)


def labeler_place(everybody: Iterable[str], code: str) -> int:
    """The place whose colour a labeler has, wherever the labeler is shown.

    Args:
        everybody: the study's labelers by code, in the order in which they were added, so that a
            new one changes nobody's colour.
        code: the labeler; one whom the study does not know gets a colour by the code alone.
    """
    known = tuple(everybody)
    return known.index(code) if code in known else crc32(code.encode())
