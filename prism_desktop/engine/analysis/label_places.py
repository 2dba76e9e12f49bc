"""Where the names of points in a plane can stand without covering each other or another point.

The window's maps and networks and the figures' place names by this alone. Greedy, in the order of
the points: beside their own point first, then further off at the end of a line (the candidate
positions of Christensen, Marks and Shieber, ACM Trans. Graph. 1995). Who finds no room goes without
a name.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_ASIDE: Final = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
_FURTHER: Final = (14.0, 26.0, 40.0, 58.0, 80.0, 106.0)  # px, lengths of lines
_AROUND: Final = 24  # directions of lines
_THIN: Final = 1.0  # px on either side of a line


class LabelPlace(NamedTuple):
    """A name's box, and the line that leads to it where it is not beside its point."""

    left: float
    top: float
    line: tuple[float, float, float, float] | None = None  # x and y of its start and its end


def label_places(
    points: Floats, radii: Floats, sizes: Mapping[int, tuple[float, float]],
    room: tuple[float, float], gap: float = 4.0, *, above: bool = False, scale: float = 1.0,
) -> dict[int, LabelPlace]:  # fmt: skip
    """A place for every name that finds one.

    Args:
        points: (n, 2) float64, in px, y downwards.
        radii: (n,) float64, in px; a name covers no point.
        sizes: width and height of the names by row of their point, those that go first in front.
        room: width and height, in px; names stay inside.
        gap: px between a point and the name beside it.
        above: whether a name stands above its point rather than below if both are free.
        scale: of the lengths of lines, for letters smaller or finer than a window's.
    """
    plane, found = _Plane(points, radii, room), dict[int, LabelPlace]()
    for far in (False, True):  # nobody loses the place beside their point to somebody's line
        for row, size in sizes.items():
            if row in found:
                continue
            at, radius = points[row], float(radii[row])
            rings = _further(at, radius, size, scale) if far else [
                _beside(at, radius + gap, size, above=above)
            ]  # fmt: skip
            for corners in rings:
                place = plane.first_free(row, corners, size, far=far)
                if place is not None:
                    found[row] = place
                    break
    return found


def _beside(at: Floats, off: float, size: tuple[float, float], *, above: bool) -> Floats:
    """(8, 2) corners of boxes that touch a point's margin."""
    half = np.array(size) / 2
    steps = np.array(_ASIDE, np.float64) * ((1, -1) if above else (1, 1))
    away = np.where(np.abs(steps).sum(axis=1, keepdims=True) == 2, 0.7, 1.0) * off
    return at - half + steps * (half + away)


def _further(at: Floats, radius: float, size: tuple[float, float], scale: float) -> list[Floats]:
    """For each length of line (directions, 2) corners of boxes at its end."""
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    way = np.column_stack([np.sin(turn), np.cos(turn)])
    half = np.array(size) / 2
    return [at - half + way * (half + radius + length * scale) for length in _FURTHER]


class _Plane:
    """Points, and the names and lines that are placed among them."""

    def __init__(self, points: Floats, radii: Floats, room: tuple[float, float]) -> None:
        self._points, self._radii, self._room = points, radii, room
        self._boxes = np.column_stack([points - radii[:, None], points + radii[:, None]])
        self._lines = np.zeros((0, 4))

    def first_free(
        self, row: int, corners: Floats, size: tuple[float, float], *, far: bool
    ) -> LabelPlace | None:
        """Take the first of (places, 2) that is inside and free, with its line where it has one."""
        ends = corners + size
        boxes = np.hstack([corners, ends])
        free = (corners >= 0).all(axis=1) & (ends <= self._room).all(axis=1)
        free &= ~_overlap(boxes, self._boxes) & ~_crossed(self._lines, boxes).any(axis=0)
        boxes = boxes[free]
        lines = self._lines_to(row, boxes) if far else np.zeros((len(boxes), 4))
        if far:
            others = np.delete(self._boxes, row, axis=0)
            clear = ~_crossed(lines, others).any(axis=1)
            boxes, lines = boxes[clear], lines[clear]
        if not len(boxes):
            return None
        self._boxes = np.vstack([self._boxes, boxes[:1]])
        line = None
        if far:
            self._lines = np.vstack([self._lines, lines[:1]])
            x0, y0, x1, y1 = map(float, lines[0])
            line = x0, y0, x1, y1
        return LabelPlace(float(boxes[0, 0]), float(boxes[0, 1]), line)

    def _lines_to(self, row: int, boxes: Floats) -> Floats:
        """(boxes, 4) lines from a point's edge to the nearest place of each box."""
        at = self._points[row]
        stops = np.clip(at, boxes[:, :2], boxes[:, 2:])
        way = stops - at
        share = self._radii[row] / np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)
        return np.hstack([at + way * share[:, None], stops])


def _overlap(boxes: Floats, taken: Floats) -> npt.NDArray[np.bool_]:
    """(boxes,) which of them overlap any that is taken; rows are left, top, right, bottom."""
    one, other = boxes[:, None], taken[None]
    apart = (one[..., 2:] <= other[..., :2]) | (one[..., :2] >= other[..., 2:])
    return np.asarray(np.any(~np.any(apart, axis=2), axis=1))


def _crossed(lines: Floats, boxes: Floats) -> npt.NDArray[np.bool_]:
    """(lines, boxes) whether a line comes into a box, by the slabs of its two axes."""
    start, way = lines[:, None, :2], lines[:, None, 2:] - lines[:, None, :2]
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    one, other = (boxes[:, :2] - _THIN - start) / way, (boxes[:, 2:] + _THIN - start) / way
    enters, leaves = np.minimum(one, other).max(axis=2), np.maximum(one, other).min(axis=2)
    return np.asarray((enters <= leaves) & (leaves >= 0) & (enters <= 1))
