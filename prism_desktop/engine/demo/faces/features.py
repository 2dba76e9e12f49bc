"""The features of a drawn face: eyes, brows, nose, mouth, beard and glasses."""

from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.demo.faces.canvas import (
    Colour,
    Stencil,
    closed,
    ellipse,
    mix,
    opened,
    ribbon,
)
from prism_desktop.engine.demo.faces.sitter import Sitter

_WHITE = (255.0, 255.0, 255.0)
_BLACK = (0.0, 0.0, 0.0)
_EYE_LINE = -0.03


def eyes(sitter: Sitter) -> None:
    """Both."""
    for side in (-1.0, 1.0):
        _eye(sitter, side)


def _eye(sitter: Sitter, side: float) -> None:
    """One eye, from the shadow around it to the lid above."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    x, size = values["eye_spacing"] * side, values["eye_size"]
    wide, tall = (
        0.090 * size,
        0.052 * size**1.25 * (1 - 0.12 * max(0.0, values["smile"])) * (1 - 0.10 * values["age"]),
    )
    inner, outer = x - side * wide, x + side * wide
    y = _EYE_LINE
    canvas.glow((x, y - 0.02), (wide * 1.9, tall * 2.6), palette.shade, 0.45, depth=0.9)
    upper = [
        (inner, y + 0.012),
        (x - side * 0.35 * wide, y - tall * 0.92),
        (x + side * 0.35 * wide, y - tall),
        (outer, y - 0.006),
    ]
    lower = [(x + side * 0.45 * wide, y + tall * 0.72), (x - side * 0.35 * wide, y + tall * 0.70)]
    ball = canvas.shape(closed([*upper, *lower]), (250.0, 247.0, 243.0), depth=0.95)
    _iris(sitter, x, ball)
    shadow = ribbon(upper, 0.012, 0.020 * size, 0.012)
    canvas.shape(shadow, mix(palette.shade, _BLACK, 0.25), 0.45, depth=0.95, within=ball)
    lash = mix(palette.brow, _BLACK, 0.55)
    flick = (outer + side * 0.014, y - 0.016)
    canvas.shape(
        ribbon([*upper[:3], (outer, y - 0.008), flick], 0.003, 0.0105, 0.0), lash, depth=0.95
    )
    canvas.shape(
        ribbon([(outer, y + 0.004), *lower, (inner, y + 0.014)], 0.003, 0.003, 0.001),
        lash,
        0.5,
        depth=0.95,
    )
    lid = [(px, py - 0.027 - 0.012 * size) for px, py in upper]
    canvas.shape(ribbon(lid, 0.0, 0.005, 0.001), mix(palette.shade, _BLACK, 0.2), 0.75, depth=0.93)


def _iris(sitter: Sitter, x: float, ball: Stencil | None) -> None:
    """Iris and pupil with a gleam on the side of the light."""
    canvas, palette, y = sitter.canvas, sitter.palette, _EYE_LINE
    iris = 0.050 * sitter.values["eye_size"]
    dark = mix(palette.iris, _BLACK, 0.5)
    canvas.shape(ellipse(x, y - 0.004, iris, iris), dark, depth=1.0, within=ball)
    canvas.shape(
        ellipse(x, y - 0.002, iris * 0.82, iris * 0.82), palette.iris, depth=1.0, within=ball
    )
    canvas.glow(
        (x, y + iris * 0.5),
        (iris * 0.8, iris * 0.6),
        mix(palette.iris, _WHITE, 0.55),
        0.7,
        depth=1.0,
        within=ball,
    )
    canvas.shape(
        ellipse(x, y - 0.003, iris * 0.45, iris * 0.45), (22.0, 17.0, 18.0), depth=1.0, within=ball
    )
    gleam = x + 0.35 * iris * (1 if sitter.light > 0 else -1)
    canvas.shape(
        ellipse(gleam, y - iris * 0.38, iris * 0.24, iris * 0.24),
        _WHITE,
        0.95,
        depth=1.0,
        within=ball,
    )


def brows(sitter: Sitter) -> None:
    """Tapered strokes; a positive angle pulls the inner ends down."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    thick, angle = values["brow_thickness"], values["brow_angle"]
    y = -0.150 - 0.030 * values["eye_size"] - 0.30 * thick
    for side in (-1.0, 1.0):
        inner, outer = values["eye_spacing"] - 0.100, values["eye_spacing"] + 0.125
        slope = 0.115 * angle / 0.3
        start, crest = (inner, y + 0.5 * slope), (inner + 0.08, y - 0.020 + 0.15 * slope)
        arc = [
            start,
            crest,
            (inner + 0.15, y - 0.030 - 0.2 * slope),
            (outer, y + 0.018 - 0.42 * slope),
        ]
        stroke = ribbon(arc, thick * 0.62, thick * 0.60, thick * 0.08) * np.array([side, 1.0])
        canvas.shape(stroke, palette.brow, 0.55, depth=0.95, blur=0.008)
        canvas.shape(stroke, palette.brow, 0.80, depth=0.95)


def nose(sitter: Sitter, face: Stencil) -> None:
    """Bridge, tip and nostrils, shaded by the light's side."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    size, light = values["nose_size"], sitter.light
    half, tip = 0.078 * size, 0.155 + 0.040 * size
    away = -1.0 if light > 0 else 1.0
    slope = [(away * 0.032, -0.06), (away * 0.036 * size, 0.06), (away * half * 0.95, tip - 0.01)]
    bridge = [*slope, (away * half * 0.1, tip - 0.02), (away * 0.004, 0.0)]
    canvas.shape(
        closed(bridge), palette.shade, 0.34 + 0.22 * abs(light), depth=1.1, blur=0.014, within=face
    )
    canvas.glow(
        (0.0, tip - 0.02), (half * 1.25, 0.075 * size), palette.shade, 0.35, depth=1.25, within=face
    )
    ball = mix(palette.skin, (222.0, 96.0, 80.0), 0.16)
    canvas.glow((0.0, tip - 0.035), (half * 1.0, 0.065 * size), ball, 0.8, depth=1.25, within=face)
    canvas.glow(
        (-away * 0.018 * size, tip - 0.055),
        (0.036 * size, 0.038 * size),
        palette.shine,
        0.95,
        depth=1.3,
        within=face,
    )
    ink = mix(palette.shade, (70.0, 25.0, 20.0), 0.40)
    left = [(-half, tip - 0.030), (-half * 0.80, tip + 0.012), (-half * 0.30, tip + 0.008)]
    under = [*left, (0.0, tip + 0.022), *_reflected(left)]
    canvas.shape(ribbon(under, 0.004, 0.0085, 0.004), ink, 0.75, depth=1.2)
    for side in (-1.0, 1.0):
        canvas.shape(
            ellipse(side * half * 0.48, tip + 0.004, half * 0.24, 0.014 * size), ink, 0.8, depth=1.2
        )


@dataclass(frozen=True, slots=True)
class _Lips:
    """Where a mouth's lines run, before the head is posed."""

    half: float  # half of the mouth's width
    corner: float  # y of the corners
    middle: float  # y where the lips meet
    gap: float  # how far they part when the smile is broad
    smile: float
    full: float  # lip fullness

    def meeting(self) -> list[tuple[float, float]]:
        """The upper lip's lower edge, left to right."""
        half, dip = self.half, self.middle - 0.012 * self.smile - 0.004
        left = [(-half, self.corner), (-half * 0.5, dip)]
        return [*left, (0.0, self.middle), *_reflected(left)]

    def opening(self) -> list[tuple[float, float]]:
        """The lower lip's upper edge, right to left."""
        bend = self.middle + self.gap * 0.9 - 0.006 * self.smile
        right = [(self.half, self.corner), (self.half * 0.55, bend)]
        return [*right, (0.0, self.middle + self.gap * 1.25), *_reflected(right)]

    def bow(self) -> list[tuple[float, float]]:
        """The upper lip's upper edge, right to left, without the corners."""
        half, middle, full = self.half, self.middle, self.full
        right = [
            (half * 0.55, middle - full * 0.80 - 0.012 * self.smile),
            (half * 0.17, middle - full * 1.05),
        ]
        return [*right, (0.0, middle - full * 0.78), *_reflected(right)]

    def pout(self) -> list[tuple[float, float]]:
        """The lower lip's lower edge, left to right, without the corners."""
        left = [(-self.half * 0.58, self.middle + self.gap + self.full * 0.95 - 0.008 * self.smile)]
        return [*left, (0.0, self.middle + self.gap * 1.25 + self.full * 1.35), *_reflected(left)]


def mouth(sitter: Sitter) -> None:
    """Lips that curve with the smile and part to show teeth when it is broad."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    smile, full = values["smile"], values["lip_fullness"]
    y = 0.375 + 0.012 * smile
    middle, gap = y + 0.024 * smile, 0.060 * max(0.0, smile - 0.25)
    lips = _Lips(
        values["mouth_width"] * (1 + 0.16 * smile), y - 0.062 * smile, middle, gap, smile, full
    )
    meeting, opening = lips.meeting(), lips.opening()
    canvas.glow((0.0, y + 0.135), (0.14, 0.035), palette.shade, 0.45, depth=1.0)
    if gap > 0.004:
        inside = canvas.shape(
            np.concatenate([opened(meeting), opened(opening)]), (96.0, 34.0, 38.0), depth=1.05
        )
        teeth = opened(meeting) + np.array([0.0, min(0.6 * gap, 0.022)])
        row = np.concatenate([opened(meeting), teeth[::-1]])
        canvas.shape(row, (250.0, 246.0, 240.0), depth=1.05, within=inside)
    lower = opened([*opening, *lips.pout(), opening[0]], steps=6)
    upper = opened([*meeting, *lips.bow(), meeting[0]], steps=6)
    canvas.shape(lower, mix(palette.lips, _WHITE, 0.08), depth=1.05)
    canvas.shape(upper, mix(palette.lips, _BLACK, 0.12), depth=1.05)
    shine = (0.05 * sitter.light, middle + gap * 1.25 + full * 0.62)
    canvas.glow(shine, (lips.half * 0.45, full * 0.45 + 0.006), _WHITE, 0.38, depth=1.1)
    line = mix(palette.lips, (50.0, 12.0, 18.0), 0.55)
    if gap <= 0.004:
        canvas.shape(ribbon(meeting, 0.003, 0.006, 0.003), line, 0.9, depth=1.05)
    _corners(sitter, lips, line)


def _corners(sitter: Sitter, lips: _Lips, line: Colour) -> None:
    """Where the lips end, and the dimples of a smile."""
    canvas, half, corner, smile = sitter.canvas, lips.half, lips.corner, lips.smile
    for side in (-1.0, 1.0):
        end = [
            (side * (half - 0.004), corner + 0.006),
            (side * (half + 0.018), corner - 0.014 * smile),
        ]
        canvas.shape(ribbon(end, 0.006, 0.005, 0.0), line, 0.6, depth=1.0)
        if smile > 0.2:
            x = side * (half + 0.035)
            dimple = [(x, corner - 0.045), (side * (half + 0.052), corner), (x, corner + 0.045)]
            canvas.shape(
                ribbon(dimple, 0.0, 0.007, 0.0), sitter.palette.shade, 0.8 * smile, depth=0.95
            )


def _reflected(side: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(-x, y) for x, y in reversed(side)]


def beard(sitter: Sitter, face: Stencil) -> None:
    """From stubble to a full beard: denser and longer together."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    amount = values["beard"]
    if amount <= 0:
        return
    width, lip, grow = values["face_width"], values["mouth_width"], max(0.0, amount - 0.35)
    colour = mix(palette.brow, _BLACK, 0.08)
    outline = sitter.outline()
    outer = outline[outline[:, 1] > -0.05]
    outer = outer[np.argsort(np.arctan2(outer[:, 1] + 0.3, outer[:, 0]))]
    drop = np.clip((outer[:, 1] - 0.15) / 0.45, 0, 1)
    outer = outer * np.stack([1 + 0.06 * grow * drop, np.ones_like(drop)], axis=1)
    outer = outer + np.stack([np.zeros_like(drop), 0.20 * grow * drop**2], axis=1)
    right = [
        (0.965 * width, -0.06),
        (0.90 * width, 0.12),
        (0.74 * width, 0.255),
        (lip + 0.035, 0.300),
        (0.07, 0.262),
    ]
    inner = opened([*[(-x, y) for x, y in right], (0.0, 0.275), *reversed(right)])
    shape = np.concatenate([inner, outer])
    density = 0.25 + 0.65 * amount
    canvas.shape(shape, colour, density * 0.9, depth=0.12, blur=0.018, within=face)
    if amount > 0.42:
        coat = canvas.shape(shape, colour, min(1.0, 1.9 * (amount - 0.42)), depth=0.12, blur=0.007)
        _beard_strands(sitter, coat, colour, grow)
    bare = mix(palette.skin, palette.shade, 0.35)
    canvas.glow((0.0, 0.485), (lip * 0.5, 0.03), bare, 0.6 * (1 - amount), depth=1.0)


def _beard_strands(sitter: Sitter, coat: Stencil | None, colour: Colour, grow: float) -> None:
    """A shine and single strands on a beard that is more than stubble."""
    canvas, width = sitter.canvas, sitter.values["face_width"]
    shine = mix(colour, _WHITE, 0.5)
    canvas.glow((0.14 * sitter.light, 0.50), (0.26, 0.12), shine, 0.40, depth=0.9, within=coat)
    for step in range(-4, 5):
        x = step * 0.22 * width
        line = [(x * 0.9, 0.42 - 0.02 * abs(step)), (x, 0.54), (x * 0.92, 0.64 + 0.2 * grow)]
        tint = mix(colour, _BLACK if step % 2 else _WHITE, 0.3)
        canvas.shape(ribbon(line, 0.0, 0.006, 0.0), tint, 0.35, depth=0.12, within=coat)


def glasses(sitter: Sitter) -> None:
    """Frames, lenses with a streak, and the bridge between; nothing where the factor is zero."""
    canvas, values = sitter.canvas, sitter.values
    amount = values["glasses"]
    if amount <= 0:
        return
    ink, line = sitter.palette.frames, 0.008 + 0.020 * amount
    power = 2.2 + 2.6 * values["frame"]
    x, wide, tall = values["eye_spacing"] + 0.012, 0.150, 0.118 + 0.02 * (1 - values["frame"])
    wide = min(wide, values["eye_spacing"] - 0.022)
    y = _EYE_LINE + 0.012
    for side in (-1.0, 1.0):
        lens = canvas.place(ellipse(x * side, y, wide, tall, power), depth=1.1)
        rim = canvas.place(ellipse(x * side, y, wide + line, tall + line, power), depth=1.1)
        drop = canvas.place(
            ellipse(x * side, y + 0.022, wide + line, tall + line, power), depth=1.1
        )
        canvas.paint(canvas.stencil(drop, blur=0.012, hole=lens), sitter.palette.shade, 0.45)
        glass = canvas.stencil(lens)
        canvas.paint(glass, (214.0, 232.0, 240.0), 0.13)
        streak = np.array([(-0.09, 0.14), (-0.02, 0.14), (0.10, -0.14), (0.03, -0.14)]) + np.array(
            [x * side, y]
        )
        canvas.shape(streak, _WHITE, 0.20, depth=1.1, within=glass)
        canvas.paint(canvas.stencil(rim, hole=lens), ink)
    span = x - wide - line * 0.3
    canvas.shape(
        ribbon(
            [(-span, y - 0.02), (0.0, y - 0.045), (span, y - 0.02)],
            line * 0.7,
            line * 0.6,
            line * 0.7,
        ),
        ink,
        depth=1.15,
    )


def temples(sitter: Sitter) -> None:
    """The arms of the glasses, which hair may cover."""
    canvas, values = sitter.canvas, sitter.values
    amount = values["glasses"]
    if amount <= 0:
        return
    line, start = 0.008 + 0.020 * amount, 2 * values["eye_spacing"] - 0.03
    for side in (-1.0, 1.0):
        end = side * (values["face_width"] + 0.02)
        arm = ribbon(
            [(side * start, _EYE_LINE - 0.02), (end, _EYE_LINE - 0.02)],
            line * 0.9,
            line * 0.8,
            line * 0.7,
        )
        canvas.shape(arm, sitter.palette.frames, depth=0.35)
