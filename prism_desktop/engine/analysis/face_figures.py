"""Figures of faces as models see them: a ranking. Matplotlib is loaded by the first that is
drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import PrismError

if TYPE_CHECKING:
    from PIL import Image

    from prism_desktop.engine.analysis.sheet import Picture

FIGURED = 16  # faces from either end of a ranking that a figure shows
_WORDS = 19  # letters that fit below a face
_PRINTED = 256  # px, 300 dpi at a face's size on paper


@dataclass(frozen=True, slots=True)
class SheetFace:
    """A face of a ranking."""

    files: tuple[Path, ...]  # that may hold its image, the first readable one is drawn
    rank: int  # from 1
    name: str
    line: str  # below the name


@dataclass(frozen=True, slots=True)
class FaceSheet:
    """A ranking as it is drawn: blocks of faces under their headings."""

    blocks: Mapping[str, Sequence[SheetFace]]
    title: str
    note: str  # what the ranking is worth


def draw_faces(path: Path, sheet: FaceSheet) -> None:
    """Draw a ranking to a file."""
    from prism_desktop.engine.analysis.plotting import JUDGMENTS, save_figure
    from prism_desktop.engine.analysis.sheet import sheet_figure

    drawn = {heading: [_picture(face) for face in block] for heading, block in sheet.blocks.items()}
    note = f"{sheet.note} {JUDGMENTS}".strip()
    save_figure(sheet_figure(drawn, sheet.title, note=note), path)


def _picture(face: SheetFace) -> "Picture":
    from prism_desktop.engine.analysis.sheet import Picture

    words = f"{face.rank:,}. {face.name}"
    if len(words) > _WORDS:  # names count up at their end
        words = f"{face.rank:,}. …{face.name[-(_WORDS - len(words) + len(face.name)) + 1 :]}"
    return Picture(_small(face.files), (words, face.line))


def _small(files: Sequence[Path]) -> "Image.Image":
    """The first readable image, no larger than it is printed; grey if none can be read."""
    from PIL import Image

    from prism_desktop.engine.study.images import open_image

    for file in files:
        try:
            image = open_image(file, at_least=2 * _PRINTED)
        except PrismError:
            continue
        image.thumbnail((2 * _PRINTED, 2 * _PRINTED))
        return image
    return Image.new("RGB", (_PRINTED, _PRINTED), (128, 128, 128))
