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


def labeler_place(everybody: Iterable[str], code: str) -> int:
    """The place whose colour a labeler has, wherever the labeler is shown.

    Args:
        everybody: the study's labelers by code, in the order in which they were added, so that a
            new one changes nobody's colour.
        code: the labeler; one whom the study does not know gets a colour by the code alone.
    """
    known = tuple(everybody)
    return known.index(code) if code in known else crc32(code.encode())
