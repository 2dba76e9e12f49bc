"""The drawing of a face from its factors: palette, pose, light, and the order of painting."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, get_args

from PIL import Image

from prism_desktop.engine.demo.faces import features, hair, head
from prism_desktop.engine.demo.faces.canvas import (
    Canvas,
    Colour,
    Pose,
    Stencil,
    hue,
    mix,
    parse,
    ramp,
)
from prism_desktop.engine.demo.faces.factors import colours
from prism_desktop.engine.demo.faces.sitter import Palette, Sitter

Part = Literal[
    "eyes", "brows", "nose", "mouth", "beard", "glasses", "hair", "skin", "clothes", "background"
]
PARTS: Final[tuple[Part, ...]] = get_args(Part)

_WARM: Colour = (255.0, 214.0, 170.0)
_COLD: Colour = (196.0, 214.0, 255.0)


def draw(values: Mapping[str, float], size: int = 256) -> Image.Image:
    """Paint one face.

    Args:
        values: every factor and nuisance by name, as `Faces.face` gives them.
        size: side of the square picture in pixels.

    Returns:
        An RGB picture; the same values give the same pixels.
    """
    sitter = posed(values, Canvas(size, pose(values)))
    for _, paint in steps(sitter):
        paint()
    return finished(sitter)


def pose(values: Mapping[str, float]) -> Pose:
    """How the head of a face is turned."""
    return Pose(
        yaw=values["yaw"],
        nod=values["nod"],
        roll=values["roll"],
        shift=(values["shift_x"], values["shift_y"] + 0.07),
        zoom=1.04 * values["zoom"],
    )


def posed(values: Mapping[str, float], canvas: Canvas) -> Sitter:
    """A face before it is painted on a canvas."""
    return Sitter(canvas, values, _palette(values))


def steps(sitter: Sitter) -> Iterator[tuple[Part, Callable[[], object]]]:
    """What is painted, back to front, and how; each must be painted before the next is asked for,
    but features, beard and glasses may be left out."""
    yield "background", lambda: head.background(sitter)
    held: dict[str, Stencil | None] = {}

    def body() -> None:
        held["trunk"] = head.body(sitter)

    def face() -> None:
        held["face"] = head.face(sitter)

    yield "clothes", body
    yield "hair", lambda: hair.behind(sitter)
    yield "skin", lambda: head.neck(sitter, held["trunk"])
    yield "skin", face
    skin = held["face"]
    assert skin is not None
    yield "skin", lambda: head.wrinkles(sitter, skin)
    yield "eyes", lambda: features.eyes(sitter)
    yield "nose", lambda: features.nose(sitter, skin)
    yield "beard", lambda: features.beard(sitter, skin)
    yield "mouth", lambda: features.mouth(sitter)
    yield "brows", lambda: features.brows(sitter)
    yield "glasses", lambda: features.temples(sitter)
    yield "hair", lambda: hair.front(sitter, skin)
    yield "glasses", lambda: features.glasses(sitter)


def _palette(values: Mapping[str, float]) -> Palette:
    """The colours of one face, from the ramps in data and the factors."""
    ramps = colours()
    age = values["age"]
    skin = mix(ramp(ramps["skin"], values["skin"]), (205.0, 180.0, 165.0), 0.12 * age)
    grey = 0.85 * min(1.0, max(0.0, (age - 0.5) / 0.5))
    strand = mix(ramp(ramps["hair"], values["hair_shade"]), parse(ramps["grey"]), grey)
    tone = values["background_tone"]
    return Palette(
        skin=skin,
        shade=(skin[0] * 0.74, skin[1] * 0.60, skin[2] * 0.58),
        shine=mix(skin, (255.0, 240.0, 222.0), 0.45 - 0.22 * values["skin"]),
        hair=strand,
        brow=mix(strand, (40.0, 28.0, 24.0), 0.45 - 0.25 * grey),
        lips=mix(
            mix(skin, parse(ramps["lips"]), 0.62 - 0.2 * age),
            (70.0, 20.0, 30.0),
            0.30 * values["skin"],
        ),
        iris=ramp(ramps["iris"], values["iris"]),
        frames=parse(ramps["frames"]),
        clothes=hue(values["clothes_hue"], 0.50, 0.36 + 0.46 * values["clothes_tone"]),
        wall=hue(values["background_hue"], 0.16 + 0.14 * (1 - tone), 0.66 + 0.28 * tone),
    )


def finished(sitter: Sitter) -> Image.Image:
    """The picture under its light."""
    warmth = sitter.values["warmth"]
    tint = Image.new(
        "RGB",
        sitter.canvas.image.size,
        tuple(round(part) for part in (_WARM if warmth > 0 else _COLD)),
    )
    return Image.blend(sitter.canvas.image, tint, 0.07 * abs(warmth))
