"""A sheet of small pictures for papers: rows of faces under headings, a line of text below each."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism_desktop.engine.analysis.plotting import (
    GREY,
    INK,
    JUDGMENTS,
    WIDE,
    beside,
    drawn,
    style,
    titled,
)

if TYPE_CHECKING:
    from PIL import Image

# All in mm.
_EDGE, _GAP, _LINE = 2.0, 1.6, 3.0
_TITLE, _HEADING = 6.0, 5.0
_LETTERS, _NOTE = 190, 2_000  # of a line of the note, and of all of it


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of the sheet."""

    image: "Image.Image"
    lines: tuple[str, ...]  # below it, the first in ink and the others in grey


def sheet_figure(
    blocks: Mapping[str, Sequence[Picture]],
    title: str = "",
    columns: int = 8,
    note: str = JUDGMENTS,
) -> Figure:
    """Blocks of pictures below each other, each picture cut to its central square.

    Args:
        blocks: heading -> its pictures, filled in row by row.
        title: above them all.
        columns: pictures in a row.
        note: below them all.
    """
    side = (WIDE - 2 * _EDGE - (columns - 1) * _GAP) / columns
    step = (
        side
        + _GAP
        + _LINE * max((len(each.lines) for block in blocks.values() for each in block), default=0)
    )
    heights = [_HEADING + step * -(-len(block) // columns) for block in blocks.values()]
    told = textwrap.wrap(drawn(note, _NOTE), _LETTERS)
    above = titled(title, WIDE - 2 * _EDGE)
    room = _TITLE + _LINE * above.count("\n") if title else 0
    height = _EDGE + room + sum(heights) + _LINE * max(1, len(told)) + _EDGE
    with style():
        figure = Figure(figsize=(WIDE / 25.4, height / 25.4))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        top = _EDGE
        if title:
            for line in above.split("\n"):
                axes.text(_EDGE, top, drawn(line, _LETTERS), fontsize=8, va="top")
                top += _LINE
            top += _TITLE - _LINE
        for (name, block), tall in zip(blocks.items(), heights, strict=True):
            axes.text(_EDGE, top, drawn(name), fontsize=7, weight="bold", va="top")
            for number, each in enumerate(block):
                row, column = divmod(number, columns)
                _draw(axes, each, _EDGE + column * (side + _GAP), top + _HEADING + row * step, side)
            top += tall
        for number, line in enumerate(reversed(told)):
            at = height - _EDGE - number * _LINE
            axes.text(
                WIDE / 2,
                at,
                drawn(line, _LETTERS),
                fontsize=5,
                color=GREY,
                ha="center",
                va="bottom",
            )
        # mm from the top left; set last, for pictures move the limits
        axes.set(xlim=(0, WIDE), ylim=(height, 0))
    return figure


def _draw(axes: Axes, picture: Picture, left: float, top: float, side: float) -> None:
    image = picture.image
    least = min(image.size)
    x, y = (image.width - least) // 2, (image.height - least) // 2
    square = np.asarray(image.crop((x, y, x + least, y + least)))
    axes.imshow(square, extent=(left, left + side, top + side, top), aspect="auto")
    for number, line in enumerate(picture.lines):
        colour = GREY if number else INK
        axes.text(
            left,
            top + side + 0.6 + number * _LINE,
            beside(line),
            fontsize=5.5,
            color=colour,
            va="top",
        )
