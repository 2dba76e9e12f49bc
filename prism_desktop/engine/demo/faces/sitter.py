"""The sitter of a portrait: the numbers, the colours made of them, and the canvas."""

from collections.abc import Mapping
from dataclasses import dataclass

from prism_desktop.engine.demo.faces.canvas import Canvas, Colour, Points, closed


@dataclass(frozen=True, slots=True)
class Palette:
    skin: Colour
    shade: Colour  # skin in shadow
    shine: Colour  # skin in light
    hair: Colour
    brow: Colour
    lips: Colour
    iris: Colour
    frames: Colour
    clothes: Colour
    wall: Colour


@dataclass(frozen=True, slots=True)
class Sitter:
    canvas: Canvas
    values: Mapping[str, float]
    palette: Palette

    @property
    def light(self) -> float:
        """From which side the light comes, -1 (left) to 1 (right), weaker light nearer 0."""
        return self.values["light_side"] * self.values["light_strength"]

    def outline(self, grow: float = 0.0) -> Points:
        """The face from the hair to the chin, `grow` units larger than it is."""
        width, jaw = self.values["face_width"], self.values["jaw"]
        sag = 0.03 * self.values["age"]
        right = [
            (0.60 * width, -0.585),
            (0.93 * width, -0.36),
            (1.00 * width, -0.05),
            (0.955 * width, 0.18),
            (width * (0.66 + 0.26 * jaw + sag), 0.40),
            (width * (0.25 + 0.36 * jaw), 0.575 + 0.012 * jaw),
        ]
        points = [(0.0, -0.66), *right, (0.0, 0.625), *[(-x, y) for x, y in reversed(right)]]
        outline = closed(points)
        return outline * (1 + grow)
