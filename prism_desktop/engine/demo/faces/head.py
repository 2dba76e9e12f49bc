"""The head of a drawn face: background, body, neck, ears, face, and the marks of age."""

import numpy as np

from prism_desktop.engine.demo.faces.canvas import Stencil, closed, ellipse, mix, opened, ribbon
from prism_desktop.engine.demo.faces.sitter import Sitter

_WHITE = (255.0, 255.0, 255.0)
_BLACK = (0.0, 0.0, 0.0)


def background(sitter: Sitter) -> None:
    """A plain wall, brighter on the side the light comes from, darker toward the floor."""
    canvas, wall = sitter.canvas, sitter.palette.wall
    canvas.fill(wall)
    canvas.glow((0.55 * sitter.light, -0.30), (1.5, 1.5), _WHITE, 0.42)
    canvas.glow((-0.7 * sitter.light, 0.9), (1.3, 1.0), mix(wall, _BLACK, 0.5), 0.35)


def body(sitter: Sitter) -> Stencil | None:
    """Shoulders in their clothes; returns their stencil, which the neckline is cut from."""
    canvas, clothes, values = sitter.canvas, sitter.palette.clothes, sitter.values
    half = 0.60 + 0.5 * values["face_width"]
    right = [
        (0.22, 0.74),
        (0.42, 0.83),
        (half - 0.06, 0.95),
        (half + 0.04, 1.25),
        (half + 0.04, 1.6),
    ]
    points = [(0.0, 0.78), *right, *[(-x, y) for x, y in reversed(right)]]
    trunk = canvas.shape(closed(points), clothes, depth=-0.3)
    if trunk is not None:
        canvas.glow(
            (0.5 * np.sign(sitter.light), 0.95),
            (0.5, 0.35),
            mix(clothes, _WHITE, 0.6),
            0.35,
            within=trunk,
        )
        canvas.glow(
            (-0.6 * np.sign(sitter.light), 1.1),
            (0.6, 0.5),
            mix(clothes, _BLACK, 0.6),
            0.45,
            within=trunk,
        )
    return trunk


def neck(sitter: Sitter, trunk: Stencil | None) -> None:
    """Neck and neckline, with the shadow that the chin throws."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    half = 0.19 + 0.10 * values["face_width"] + 0.03 * values["jaw"]
    dip = 0.90 + 0.16 * values["neckline"]
    right = [
        (half, 0.30),
        (half * 0.98, 0.62),
        (half * 1.10, 0.76),
        (half * 1.30, 0.835),
        (half * 0.75, dip - 0.02),
    ]
    points = [(0.0, 0.25), *right, (0.0, dip + 0.05), *[(-x, y) for x, y in reversed(right)]]
    collar = mix(palette.clothes, _BLACK, 0.28)
    canvas.shape(
        closed(points) * np.array([1.10, 1.0]) + np.array([0.0, 0.028]),
        collar,
        depth=-0.2,
        within=trunk,
    )
    skin = canvas.shape(closed(points), palette.skin, depth=-0.2)
    if skin is None:
        return
    canvas.glow((0.16 * sitter.light, 0.88), (0.3, 0.2), palette.shine, 0.35, within=skin)
    shadow = sitter.outline() * np.array([0.94, 1.0]) + np.array([-0.05 * sitter.light, 0.10])
    canvas.paint(canvas.stencil(canvas.place(shadow), blur=0.035), palette.shade, 0.75, within=skin)


def face(sitter: Sitter) -> Stencil:
    """Ears and the face itself, shaded round; returns the face's stencil for what lies on it."""
    canvas, palette, values = sitter.canvas, sitter.palette, sitter.values
    for side in (-1.0, 1.0):
        x = side * (values["face_width"] * 0.985 + 0.02)
        ear = canvas.shape(
            ellipse(x, 0.03, 0.068, 0.125), mix(palette.skin, palette.shade, 0.18), depth=-0.1
        )
        canvas.glow(
            (x + 0.01 * side, 0.03), (0.05, 0.09), palette.shade, 0.6, depth=-0.1, within=ear
        )
    stencil = canvas.shape(sitter.outline(), palette.skin)
    assert stencil is not None  # the face is always in the picture
    light, strength = sitter.light, values["light_strength"]
    canvas.rim(stencil, (0.07 * light, -0.075), 0.075, palette.shade, 0.55 + 0.25 * strength)
    canvas.rim(stencil, (0.20 * light, -0.02), 0.13, palette.shade, 0.50 * abs(light))
    canvas.glow(
        (0.18 * light, -0.32),
        (0.34, 0.24),
        palette.shine,
        0.65 * strength,
        depth=0.9,
        within=stencil,
    )
    rosy = mix(palette.skin, (226.0, 88.0, 84.0), 0.55)
    for side in (-1.0, 1.0):
        x = side * values["face_width"] * 0.60
        canvas.glow(
            (x, 0.17), (0.17, 0.13), rosy, 0.55 - 0.30 * values["age"], depth=0.8, within=stencil
        )
        lit = 0.55 * max(0.0, 0.45 + 0.55 * side * light)
        canvas.glow((x * 0.95, 0.09), (0.13, 0.09), palette.shine, lit, depth=0.9, within=stencil)
    return stencil


def wrinkles(sitter: Sitter, face: Stencil) -> None:
    """Lines on the forehead, beside the eyes and from nose to mouth; bags under the eyes.

    All grow with age.
    """
    canvas, values = sitter.canvas, sitter.values
    age = max(0.0, values["age"] - 0.2) / 0.8
    ink = mix(sitter.palette.shade, _BLACK, 0.18)
    strength = min(1.0, 1.0 * age)
    for step, y in enumerate((-0.335, -0.28)):
        half = 0.17 - 0.025 * step
        line = ribbon(
            [(-half, y), (-half / 2, y - 0.014), (half / 2, y - 0.014), (half, y)], 0.0, 0.0075, 0.0
        )
        canvas.shape(line, ink, 0.65 * strength, depth=0.9, within=face)
    spacing, eye = values["eye_spacing"], 0.088 * values["eye_size"]
    fold_x = 0.085 * values["nose_size"] + 0.02
    mouth = values["mouth_width"] + 0.045
    for side in (-1.0, 1.0):
        fold = ribbon(
            [(fold_x, 0.20), (mouth * 0.85, 0.27), (mouth, 0.36)], 0.002, 0.011, 0.0
        ) * np.array([side, 1.0])
        canvas.shape(fold, ink, 0.75 * strength, depth=0.95, within=face)
        bag = opened([(spacing - eye, 0.055), (spacing, 0.085 + 0.02 * age), (spacing + eye, 0.05)])
        pouch = np.concatenate([bag, bag[::-1] - np.array([0.0, 0.026])]) * np.array([side, 1.0])
        canvas.shape(pouch, ink, 0.60 * strength, depth=0.95, blur=0.006, within=face)
        for rise in (-0.045, 0.0, 0.04):
            start = spacing + eye + 0.028
            foot = [
                (start, 0.4 * rise - 0.03),
                (start + 0.03, rise - 0.03),
                (start + 0.055, 1.5 * rise - 0.03),
            ]
            crow = ribbon(foot, 0.004, 0.004, 0.0, steps=3) * np.array([side, 1.0])
            canvas.shape(crow, ink, 0.7 * strength, depth=0.8, within=face)
