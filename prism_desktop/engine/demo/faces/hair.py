"""The hair of a drawn face: behind the head, over the forehead and beside the face."""

import math

import numpy as np

from prism_desktop.engine.demo.faces.canvas import Points, Stencil, closed, mix, ribbon
from prism_desktop.engine.demo.faces.sitter import Sitter

_WHITE = (255.0, 255.0, 255.0)
_BLACK = (0.0, 0.0, 0.0)


def behind(sitter: Sitter) -> None:
    """The mass of hair behind face and neck; long hair falls over the shoulders."""
    canvas, values = sitter.canvas, sitter.values
    length, volume = values["hair_length"], values["hair_volume"]
    side = values["face_width"] + 0.030 + 0.080 * volume + 0.06 * min(0.0, length)
    long = max(0.0, length - 0.1)
    # 0 for hair that ends at the ears, 1 once it hangs free
    fall = min(1.0, max(0.0, length) / 0.30)
    hem = max(length, 0.06)
    hang = (
        0.90 * values["face_width"] * (1 - fall)
        + (side + 0.05 * volume + 0.06 * min(long, 0.6)) * fall
    )
    wave = 0.030 * values["wave"] * min(1.0, 2 * long)
    right = [
        (0.55 * side, -0.66 - 0.12 * volume),
        (0.96 * side, -0.42 - 0.05 * volume),
        (side * (0.94 + 0.06 * fall), -0.10),
        (hang + wave, 0.35 * hem),
        (hang - wave, 0.72 * hem),
        (0.97 * hang + wave, 0.93 * hem),
        (0.70 * hang, hem + 0.05),
    ]
    left = [(-x, y) for x, y in reversed(right)]
    points = [(0.0, -0.72 - 0.14 * volume), *right, (0.0, hem), *left]
    mass = canvas.shape(closed(points), mix(sitter.palette.hair, _BLACK, 0.22), depth=-0.25)
    if mass is None:
        return
    dark = mix(sitter.palette.hair, _BLACK, 0.62)
    flank = [(0.80 * side, 0.0), (0.62 * side, hem + 0.2)]
    inside = closed([(0.0, -0.3), *flank, *[(-x, y) for x, y in reversed(flank)]])
    canvas.paint(canvas.stencil(canvas.place(inside, -0.25), blur=0.05), dark, 0.65, within=mass)
    if long > 0.05:
        _strands(sitter, mass, hang, hem)


def _strands(sitter: Sitter, mass: Stencil, half: float, hem: float) -> None:
    """Single strands over long hair at both sides, every other one lighter."""
    canvas, hair = sitter.canvas, sitter.palette.hair
    for side in (-1.0, 1.0):
        for step in range(4):
            x = side * half * (0.94 - 0.10 * step)
            sway = 0.035 * sitter.values["wave"] * (1 if step % 2 else -1)
            line = ribbon(
                [
                    (x * 0.98, -0.25),
                    (x + sway, 0.35 * hem),
                    (x - sway, 0.7 * hem),
                    (x * 0.95, hem + 0.06),
                ],
                0.0,
                0.012,
                0.003,
            )
            colour = mix(hair, _WHITE, 0.25) if step % 2 == 0 else mix(hair, _BLACK, 0.5)
            canvas.shape(line, colour, 0.40, depth=-0.25, within=mass)


def front(sitter: Sitter, face: Stencil) -> None:
    """The cap of hair from the crown to the hairline, its shadow on the forehead, and its sheen."""
    canvas, values, hair = sitter.canvas, sitter.values, sitter.palette.hair
    cap = _cap(sitter)
    shadow = canvas.stencil(
        canvas.place(cap, 0.25) + np.array([-0.02 * sitter.light, 0.035]), blur=0.022
    )
    canvas.paint(shadow, sitter.palette.shade, 0.60, within=face)
    stencil = canvas.shape(cap, hair, depth=0.25)
    if stencil is None:
        return
    canvas.rim(stencil, (0.03 * sitter.light, 0.045), 0.05, mix(hair, _BLACK, 0.65), 0.45)
    crown = -0.60 - 0.10 * values["hair_volume"]
    sheen = mix(hair, (255.0, 240.0, 220.0), 0.38)
    canvas.glow(
        (0.24 * sitter.light, crown + 0.05),
        (0.36, 0.14),
        sheen,
        0.85 * values["light_strength"],
        depth=0.25,
        within=stencil,
    )
    _combing(sitter, stencil)


def _cap(sitter: Sitter) -> Points:
    """Outer arc over the crown, then back along the hairline with its parting."""
    values = sitter.values
    width, volume, length = values["face_width"], values["hair_volume"], values["hair_length"]
    side = width + 0.028 + 0.075 * volume + 0.06 * min(0.0, length)
    top = -0.70 - 0.145 * volume - 0.06 * min(0.0, length)
    fall = min(1.0, max(0.0, length) / 0.30)
    temple = -0.07 + 0.45 * fall + 0.50 * min(0.0, length)
    part = 0.62 * width * values["part"]
    brow = -0.50 + 0.15 * values["fringe"]
    lock = (0.93 - 0.05 * fall) * width
    end = width * (1 - fall) + side * fall
    outer = [
        (-end, temple - 0.02), (-side * 0.99, -0.22), (-side * 0.90, -0.48), (-side * 0.52,
        top + 0.05), (0.0, top),
        (side * 0.52, top + 0.05), (side * 0.90, -0.48), (side * 0.99, -0.22), (end, temple - 0.02),
    ]  # fmt: skip
    right = [(width * 0.975, temple), (lock * 1.02, temple - 0.10 - 0.05 * (1 - fall)),
    (lock * 0.95, -0.30),
             (0.55 * lock + 0.45 * part, brow + 0.01)]  # fmt: skip
    left = [(0.45 * part - 0.55 * lock, brow + 0.01), (-lock * 0.95, -0.30),
            (-lock * 1.02, temple - 0.10 - 0.05 * (1 - fall)), (-width * 0.975,
            temple)]  # fmt: skip
    peak = (part, brow - 0.075)
    return closed([*outer, *right, peak, *left], steps=6)


def _combing(sitter: Sitter, stencil: Stencil) -> None:
    """Lines from the parting outwards, so that hair has a direction."""
    canvas, values, hair = sitter.canvas, sitter.values, sitter.palette.hair
    width, part = values["face_width"], 0.62 * values["face_width"] * values["part"]
    top = -0.66 - 0.13 * values["hair_volume"]
    brow = -0.45 + 0.13 * values["fringe"]
    for step in range(7):
        reach = (-1.0 + 2 * (step + 0.5) / 7) * width * 1.02
        bend = math.copysign(0.06, reach - part)
        middle = (part + reach) / 2 + bend
        line = [
            (part + 0.15 * (reach - part), top + 0.08),
            (middle, (top + brow) / 2 - 0.02),
            (reach, brow + 0.06 + 0.10 * abs(reach)),
        ]
        colour = mix(hair, _BLACK, 0.55) if step % 2 else mix(hair, _WHITE, 0.35)
        canvas.shape(ribbon(line, 0.0, 0.008, 0.0), colour, 0.35, depth=0.25, within=stencil)
