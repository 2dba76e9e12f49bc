"""A relevance map laid over its image. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.map_scale import MapScale

# Lightness rises evenly from dark blue to yellow, which everyone can tell apart (matplotlib's
# cividis).
_COLOURS = "cividis"
OPACITY = 0.6  # of a map where it is strongest
FAINT = 0.35  # times that, of a map that its own test does not support
_SIGNED = "PuOr_r"  # orange for, purple against


@dataclass(frozen=True, slots=True)
class Area:
    """A part of an image in shares of its width and height."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0


def seen_area(size: tuple[int, int]) -> Area:
    """The central square of an image of (width, height) px, which is what a backbone sees."""
    width, height = size
    side = min(width, height)
    return Area(
        (width - side) / 2 / width, (height - side) / 2 / height, side / width, side / height
    )


def render_overlay(
    image: Image.Image,
    grid: NDArray[np.float32],
    opacity: float = OPACITY,
    area: Area | None = None,
    scale: MapScale | None = None,
) -> Image.Image:
    """The image in grey with the map in colour over the part that the model saw.

    Args:
        image: RGB.
        grid: (rows, columns); negative values are drawn in another colour.
        opacity: 0-1 of the map where it is strongest.
        area: the part of the image that the map is of; the central square if None.
        scale: of all maps that stand side by side; the map's own if None.

    Returns:
        RGB of the image's size.
    """
    area = area or seen_area(image.size)
    left, top = round(area.left * image.width), round(area.top * image.height)
    size = max(1, round(area.width * image.width)), max(1, round(area.height * image.height))
    scale = scale or MapScale.of([grid])
    strength = _enlarged(scale.shares(grid), size, scale.signed)
    colours = _coloured(strength, scale.signed)
    base = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64).copy()
    part = base[top : top + size[1], left : left + size[0]]
    alpha = opacity * (0.25 + 0.75 * np.abs(strength)[: part.shape[0], : part.shape[1], None])
    part[:] = (1 - alpha) * part + alpha * colours[: part.shape[0], : part.shape[1]]
    return Image.fromarray(np.clip(base + 0.5, 0, 255).astype(np.uint8))


def _enlarged(
    shares: NDArray[np.float32], size: tuple[int, int], signed: bool
) -> NDArray[np.float64]:
    """Smoothly enlarged to (height, width), within [-1, 1] where signed, else [0, 1]."""
    smooth = Image.fromarray(np.ascontiguousarray(shares)).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(smooth, dtype=np.float64), -1.0 if signed else 0.0, 1.0)


def _coloured(strength: NDArray[np.float64], signed: bool) -> NDArray[np.float64]:
    """(height, width, 3), 0-255."""
    from matplotlib import colormaps

    colours = colormaps[_SIGNED if signed else _COLOURS](strength / 2 + 0.5 if signed else strength)
    return np.asarray(colours, dtype=np.float64)[..., :3] * 255
