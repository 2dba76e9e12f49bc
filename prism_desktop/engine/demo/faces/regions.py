"""The parts of a drawn face: where each is seen, and the face without one of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.demo.faces.canvas import Canvas
from prism_desktop.engine.demo.faces.drawing import PARTS, Part, finished, pose, posed, steps


class _CoverageCanvas(Canvas):
    """Keeps for each pixel how much of each part is seen in it."""

    def __init__(self, size: int, values: Mapping[str, float]) -> None:
        super().__init__(size, pose(values))
        self.seen = np.zeros((len(PARTS), size, size), np.float32)
        self.part = 0

    def _lay(
        self, colour: tuple[int, int, int], box: tuple[int, int, int, int], mask: Image.Image
    ) -> None:
        left, top, right, bottom = box
        over = np.asarray(mask, np.float32)[: bottom - top, : right - left] / 255
        part = self.seen[:, top:bottom, left:right]
        part *= 1 - over
        part[self.part] += over


def coverage(values: Mapping[str, float], size: int = 112) -> NDArray[np.float32]:
    """How much of each part is seen at each place.

    Args:
        values: as of `draw`.
        size: side of the picture in pixels.

    Returns:
        (parts, size, size) in the order of `PARTS`; adds up to 1 at each place. Shading counts as
        what throws it.
    """
    canvas = _CoverageCanvas(size, values)
    for part, paint in steps(posed(values, canvas)):
        canvas.part = PARTS.index(part)
        paint()
    return canvas.seen


def draw_without(values: Mapping[str, float], part: Part, size: int = 256) -> Image.Image:
    """The face as `draw` paints it, without its eyes, brows, nose, mouth, beard, glasses or hair:
    what lies behind them is seen instead."""
    sitter = posed(values, Canvas(size, pose(values)))
    for each, paint in steps(sitter):
        if each != part:
            paint()
    return finished(sitter)
