"""Figures of faces as models see them: a ranking, one face, two models. Matplotlib is loaded by
the first that is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import PrismError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from prism_desktop.engine.analysis.sheet import Picture

    Floats = NDArray[np.float32]

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
class RankingSheet:
    """A ranking as it is drawn: blocks of faces under their headings."""

    blocks: Mapping[str, Sequence[SheetFace]]
    title: str
    note: str  # what the ranking is worth


@dataclass(frozen=True, slots=True)
class StripDot:
    """Where a labeler's model puts a face."""

    name: str
    share: float  # of faces that score lower, NaN where nothing was predicted
    low: float  # 95 % interval of it, NaN where it is not known
    high: float
    few: bool  # whether the model was tested on too few answers to tell
    colour: str


@dataclass(frozen=True, slots=True)
class StripPlot:
    """Where all models put a face, attribute by attribute."""

    title: str
    rows: Mapping[str, Sequence[StripDot]]  # by attribute
    consensus: Mapping[str, float]  # by attribute, NaN where it is not known
    note: str


def draw_strip(path: Path, plot: StripPlot) -> None:
    """Draw where all models put a face to a file."""
    from prism_desktop.engine.analysis.figures import predictions_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    dots = [dot for rows in plot.rows.values() for dot in rows]
    figure = predictions_figure(
        {name: [(dot.name, dot.share) for dot in rows] for name, rows in plot.rows.items()},
        {name: share for name, share in plot.consensus.items() if share == share},
        plot.title,
        {dot.name: dot.colour for dot in dots},
        {dot.name for dot in dots if dot.few},
        plot.note,
        {
            (name, dot.name): (dot.low, dot.high)
            for name, rows in plot.rows.items()
            for dot in rows
            if dot.low == dot.low
        },
    )
    save_figure(figure, path)


def draw_compared(
    path: Path,
    x: "Floats",
    y: "Floats",
    names: tuple[str, str],
    title: str,
    note: str,
    lit: "NDArray[np.bool_] | None" = None,
) -> None:
    """Draw two models' scores of the same faces against each other to a file; `lit`, (faces,), says
    which stand out, None for all."""
    from prism_desktop.engine.analysis.figures import scatter_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    save_figure(scatter_figure(x, y, names, title, note=note, lit=lit), path)


def draw_faces(path: Path, sheet: RankingSheet) -> None:
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
