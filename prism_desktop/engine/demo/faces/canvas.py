"""A small painter: smooth shapes with antialiased, blurred
or shaded edges, in the coordinates of a posed head."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Points = NDArray[np.float64]  # (points, 2): x to the right, y down, 1 is half the picture's side
Colour = tuple[float, float, float]  # red, green, blue in 0..255
_OVERSAMPLING = 4
_CURVATURE = np.array([1 / 0.75**2, 1 / 0.95**2])  # of the dome that gives a head its depth
_LEFTWARD = np.array([-1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is and how it is turned.

    A dome of depth makes the features move more than the outline.
    """

    yaw: float
    nod: float
    roll: float
    shift: tuple[float, float]
    zoom: float


@dataclass(frozen=True, slots=True)
class Stencil:
    """Coverage of a shape: an 8-bit mask and where it lies on the canvas."""

    mask: Image.Image
    left: int
    top: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return (self.left, self.top, self.left + self.mask.width, self.top + self.mask.height)


class Canvas:
    """An RGB picture that shapes are painted on, back to front."""

    def __init__(self, size: int, pose: Pose) -> None:
        self.size = size
        self.image = Image.new("RGB", (size, size))
        self._pose = pose
        cos, sin = math.cos(pose.roll) * pose.zoom, math.sin(pose.roll) * pose.zoom
        roll = np.array([[cos, sin], [-sin, cos]])
        self._turn = np.diag([math.cos(pose.yaw), 1.0]) @ roll
        self._push = np.array([pose.yaw, pose.nod]) @ roll
        self._shift = np.array(pose.shift)

    def place(self, points: Points, depth: float = 0.0) -> Points:
        """Turn and shift points; `depth` 1 lies on the front
        of the head, 0 on its outline, -1 behind it."""
        bulge = 0.5 * depth * np.sqrt(np.maximum(1 - (points * points) @ _CURVATURE, 0.05))
        placed: Points = points @ self._turn + bulge[:, None] * self._push + self._shift
        return placed

    def stencil(
        self, placed: Points, blur: float = 0.0, hole: Points | None = None
    ) -> Stencil | None:
        """Rasterise a closed outline.

        `blur` is in units of the head; None if nothing of it is in the picture.
        """
        pixels = (placed + 1) * (self.size / 2)
        radius = blur * self.size / 2
        margin = 1 + math.ceil(2.5 * radius)
        left, top = (max(0, int(edge) - margin) for edge in pixels.min(axis=0))
        right, bottom = (min(self.size, int(edge) + margin + 1) for edge in pixels.max(axis=0))
        if right <= left or bottom <= top:
            return None
        scale = 1 if radius >= 1.5 else _OVERSAMPLING
        mask = Image.new("L", ((right - left) * scale, (bottom - top) * scale))
        pen = ImageDraw.Draw(mask)
        origin = np.array([left, top])
        pen.polygon(((pixels - origin) * scale).ravel().tolist(), fill=255)
        if hole is not None:
            pen.polygon((((hole + 1) * (self.size / 2) - origin) * scale).ravel().tolist(), fill=0)
        if scale > 1:
            mask = mask.reduce(scale)
        if radius > 0:
            mask = mask.filter(ImageFilter.GaussianBlur(radius))
        return Stencil(mask, left, top)

    def paint(
        self,
        stencil: Stencil | None,
        colour: Colour,
        alpha: float = 1.0,
        within: Stencil | None = None,
    ) -> None:
        """Lay a colour over the picture where the stencil
        covers it, and only `within` another one."""
        if stencil is None or alpha <= 0:
            return
        self._lay(_solid(colour), stencil.box, _clipped(stencil, alpha, within))

    def fill(self, colour: Colour) -> None:
        """Cover everything."""
        whole = Image.new("L", self.image.size, 255)
        self._lay(_solid(colour), (0, 0, self.size, self.size), whole)

    def _lay(
        self, colour: tuple[int, int, int], box: tuple[int, int, int, int], mask: Image.Image
    ) -> None:
        """Everything that is painted comes by here."""
        self.image.paste(colour, box, mask)

    def shape(
        self,
        points: Points,
        colour: Colour,
        alpha: float = 1.0,
        *,
        depth: float = 0.0,
        blur: float = 0.0,
        within: Stencil | None = None,
    ) -> Stencil | None:
        """Place, rasterise and paint one outline; returns its stencil for shading and clipping."""
        stencil = self.stencil(self.place(points, depth), blur)
        self.paint(stencil, colour, alpha, within)
        return stencil

    def glow(
        self, centre: tuple[float, float], radii: tuple[float, float], colour: Colour, alpha: float,
        *, depth: float = 0.0, within: Stencil | None = None,
    ) -> None:  # fmt: skip
        """A soft round spot that fades to nothing at its edge: blush, highlight, shade."""
        x, y = ((self.place(np.array([centre]), depth)[0] + 1) * (self.size / 2)).tolist()
        half = [max(1.0, radius * self._pose.zoom * self.size / 2) for radius in radii]
        left, top = round(x - half[0]), round(y - half[1])
        mask = _falloff().resize(
            (max(2, round(2 * half[0])), max(2, round(2 * half[1]))), Image.Resampling.BILINEAR
        )
        crop = (
            max(0, -left),
            max(0, -top),
            min(mask.width, self.size - left),
            min(mask.height, self.size - top),
        )
        if crop[2] > crop[0] and crop[3] > crop[1]:
            spot = Stencil(mask.crop(crop), left + crop[0], top + crop[1])
            self.paint(spot, colour, alpha, within)

    def rim(
        self,
        stencil: Stencil,
        toward: tuple[float, float],
        blur: float,
        colour: Colour,
        alpha: float,
    ) -> None:
        """Shade the inside of a shape along the edge that
        lies away from `toward` (units of the head)."""
        radius = blur * self.size / 2
        shrink = 4 if radius > 6 else 2
        mask = stencil.mask
        small = mask.resize(
            (max(2, mask.width // shrink), max(2, mask.height // shrink)), Image.Resampling.BOX
        )
        dx, dy = (round(step * self.size / 2 / shrink) for step in toward)
        moved = Image.new("L", small.size)
        moved.paste(small, (dx, dy))
        edge = ImageChops.invert(moved.filter(ImageFilter.GaussianBlur(radius / shrink)))
        edge = edge.resize(mask.size, Image.Resampling.BILINEAR)
        self.paint(
            Stencil(ImageChops.multiply(edge, mask), stencil.left, stencil.top), colour, alpha
        )


def _clipped(stencil: Stencil, alpha: float, within: Stencil | None) -> Image.Image:
    """The stencil's mask, only `within` another one, and as opaque as `alpha`."""
    mask = stencil.mask
    if within is not None:
        offset = (stencil.left - within.left, stencil.top - within.top)
        clip = within.mask.crop((*offset, offset[0] + mask.width, offset[1] + mask.height))
        mask = ImageChops.multiply(mask, clip)
    if alpha < 1:
        mask = ImageChops.multiply(mask, Image.new("L", mask.size, round(alpha * 255)))
    return mask


def closed(points: Sequence[tuple[float, float]], steps: int = 8) -> Points:
    """A smooth closed curve (centripetal enough for our shapes:
    uniform Catmull-Rom) through the given points."""
    control = np.array(points)
    return _spline(
        np.roll(control, 1, axis=0),
        control,
        np.roll(control, -1, axis=0),
        np.roll(control, -2, axis=0),
        steps,
    )


def opened(points: Sequence[tuple[float, float]], steps: int = 8) -> Points:
    """A smooth open curve through the given points."""
    control = np.array(points)
    padded = np.concatenate(
        [2 * control[:1] - control[1:2], control, 2 * control[-1:] - control[-2:-1]]
    )
    curve = _spline(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], steps)
    return np.concatenate([curve, control[-1:]])


def ribbon(
    points: Sequence[tuple[float, float]], start: float, middle: float, end: float, steps: int = 6
) -> Points:
    """The outline of a brush stroke along a smooth curve;
    `start`, `middle` and `end` are its half-widths."""
    curve = opened(points, steps)
    tangent = np.concatenate(
        [curve[1:2] - curve[:1], curve[2:] - curve[:-2], curve[-1:] - curve[-2:-1]]
    )
    length = np.sqrt(tangent[:, 0] ** 2 + tangent[:, 1] ** 2) + 1e-9
    normal = tangent[:, ::-1] * _LEFTWARD / length[:, None]
    widths = np.interp(
        np.arange(len(curve)), [0, (len(curve) - 1) / 2, len(curve) - 1], [start, middle, end]
    )[:, None]
    return np.concatenate([curve + normal * widths, (curve - normal * widths)[::-1]])


def ellipse(x: float, y: float, rx: float, ry: float, power: float = 2.0) -> Points:
    """An ellipse, or with `power` above 2 a rounded rectangle (superellipse)."""
    cos, sin = _circle()
    exponent = 2 / power
    return np.stack(
        [
            x + rx * np.sign(cos) * np.abs(cos) ** exponent,
            y + ry * np.sign(sin) * np.abs(sin) ** exponent,
        ],
        axis=1,
    )


def parse(colour: str) -> Colour:
    """`#rrggbb` as a colour."""
    red, green, blue = (float(int(colour[start : start + 2], 16)) for start in (1, 3, 5))
    return (red, green, blue)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of the second colour in the first."""
    red, green, blue = (one + (two - one) * share for one, two in zip(first, second, strict=True))
    return (red, green, blue)


def ramp(colours: Sequence[str], position: float) -> Colour:
    """The colour at `position` (0..1) along a ramp."""
    place = min(max(position, 0.0), 1.0) * (len(colours) - 1)
    step = min(int(place), len(colours) - 2)
    return mix(parse(colours[step]), parse(colours[step + 1]), place - step)


def hue(position: float, saturation: float, value: float) -> Colour:
    """A colour from hue, saturation and value, each 0..1."""
    red, green, blue = (
        255 * (value - value * saturation * max(0.0, min(shifted, 4 - shifted, 1.0)))
        for shifted in ((offset + position * 6) % 6 for offset in (5, 3, 1))
    )
    return (red, green, blue)


def _spline(before: Points, first: Points, second: Points, after: Points, steps: int) -> Points:
    basis = _basis(steps)  # (steps, 4)
    corners = np.stack([before, first, second, after], axis=1)  # (segments, 4, 2)
    curve: Points = np.einsum("sk,nkd->nsd", basis, corners).reshape(-1, 2)
    return curve


@cache
def _basis(steps: int) -> NDArray[np.float64]:
    """(steps, 4) weights of the four neighbouring points."""
    t = np.arange(steps) / steps
    columns = [
        -t + 2 * t**2 - t**3,
        2 - 5 * t**2 + 3 * t**3,
        t + 4 * t**2 - 3 * t**3,
        -(t**2) + t**3,
    ]
    basis: NDArray[np.float64] = 0.5 * np.stack(columns, axis=1)
    return basis


@cache
def _circle() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angle = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    return np.cos(angle), np.sin(angle)


@cache
def _falloff() -> Image.Image:
    x = np.linspace(-1, 1, 65)
    squared = np.clip(1 - (x[:, None] ** 2 + x[None, :] ** 2), 0, 1) ** 2
    return Image.fromarray((squared * 255).astype(np.uint8))


def _solid(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(part))) for part in colour)
    return (red, green, blue)
