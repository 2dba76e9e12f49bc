"""The axis of a labeler's taste: faces from the one that their model scores least to the one that
it scores most, evenly by rank; on the demo study also faces drawn along what the labeler was made
to like and along what the model learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.taste_drawings import (
    REACH,
    demo_factors,
    faces_along,
    learned_taste,
    planted_taste,
)
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    from PIL import Image

COUNT = 7  # faces of an axis
_PRINTED = 256  # px, 300 dpi at the size on paper


@dataclass(frozen=True, slots=True)
class AxisFace:
    """One face of the axis."""

    row: int  # of the images that were given
    share: float  # of the scored faces that are scored lower
    held: bool | None  # whether nothing that the run learned from shows it; None: not known


@dataclass(frozen=True, slots=True, eq=False)
class DrawnAxis:
    """Drawings along two tastes, and how like they are, in a sentence."""

    planted: "tuple[Image.Image, ...]"
    learned: "tuple[Image.Image, ...]"
    told: str


def axis_faces(
    scores: NDArray[np.floating[Any]], held: Sequence[bool] | None, count: int = COUNT
) -> tuple[AxisFace, ...]:
    """Faces at even ranks, from least to most; of equal scores the first comes first.

    Args:
        scores: (images,), NaN where there is none.
        held: (images,) whether each was held out; None where that is not known.
        count: how many; all of them where there are fewer.
    """
    known = np.flatnonzero(~np.isnan(scores))
    order = known[np.argsort(scores[known], kind="stable")]
    places = np.unique(np.round(np.linspace(0, len(order) - 1, min(count, len(order)))))
    most = max(len(order) - 1, 1)
    return tuple(
        AxisFace(
            int(order[int(place)]),
            float(place / most),
            None if held is None else bool(held[int(order[int(place)])]),
        )
        for place in (places if len(order) else ())
    )


def held_out(run: RunFolder, images: Sequence[str]) -> tuple[bool, ...] | None:
    """Whether nothing that a run learned from, or chose settings by, tells of each image: no answer
    of anybody, or the image is of the test part of a split by image and the method does not read
    answers about such; None where the run lost its data."""
    try:
        compared, rated, table = (
            run.table("comparisons"), run.table("ratings"), run.table("images")
        )  # fmt: skip
    except RunError:
        return None
    judged = {*compared["left"], *compared["right"], *rated["image"]}
    tested = {*table[table["split"] == "test"]["image"]}
    if run.config().reads_tested_faces:
        tested = set()
    return tuple(image not in judged or image in tested for image in images)


def drawn_axis(
    labeler: str,
    attribute: str,
    faces: Sequence[tuple[str, Path]],
    scores: NDArray[np.floating[Any]],
    held: Sequence[bool] | None,
    count: int = COUNT,
) -> DrawnAxis | None:
    """Drawings for a labeler of the demo study; None for people and their faces.

    Args:
        labeler: a code.
        attribute: a labeled one.
        faces: name and file of each image.
        scores: (images,) of the labeler's model.
        held: (images,) whether each was held out.
        count: drawings of each taste.
    """
    planted = planted_taste(labeler, attribute)
    if planted is None or held is None:
        return None
    standard = demo_factors([name for name, _ in faces], [file for _, file in faces])
    if standard is None:
        return None
    there = np.asarray(held) & ~np.isnan(scores)
    try:
        learned = learned_taste(standard[there], scores[there].astype(np.float64), planted)
    except InputError as error:
        return DrawnAxis(tuple(faces_along(planted, count)), (), str(error))
    told = (
        f"Drawings, nobody's faces: the mean face moved {REACH:g} standard deviations along either "
        f"taste. The learned taste is the linear one that the model's scores of "
        f"{counted(learned.faces, 'held-out face')} follow; its likeness with the planted one "
        f"(cosine) is {learned.likeness:.2f} [{learned.low:.2f}, {learned.high:.2f}], 95% over "
        "faces."
    )
    along = tuple(tuple(faces_along(each, count)) for each in (planted, learned.weights))
    return DrawnAxis(along[0], along[1], told)


def told_mark(face: AxisFace) -> str:
    """What the run knows of a face: two words for below it."""
    return "" if face.held is None else "held out" if face.held else "learned from"


def draw_axis(
    path: Path,
    faces: Sequence[tuple[tuple[Path, ...], AxisFace]],
    drawings: DrawnAxis | None,
    title: str,
    note: str,
) -> None:
    """Write the figure of an axis.

    Args:
        path: of an .svg, .pdf or .png.
        faces: where each may lie, the first readable is drawn.
        drawings: of the demo study.
        title: above all.
        note: what the model is worth.
    """
    from prism_desktop.engine.analysis.plotting import JUDGMENTS, save_figure
    from prism_desktop.engine.analysis.sheet import Picture, sheet_figure

    shown = [
        Picture(_picture(files), (f"{100 * face.share:.0f}%", told_mark(face)))
        for files, face in faces
    ]
    blocks = {"Faces by the model's score, from least to most": shown}
    if drawings is not None:
        blocks["Drawn along what the simulated labeler was made to like"] = [
            Picture(one, ()) for one in drawings.planted
        ]
        if drawings.learned:
            blocks["Drawn along what the model learned"] = [
                Picture(one, ()) for one in drawings.learned
            ]
        note = f"{note} {drawings.told}"
    save_figure(sheet_figure(blocks, title, COUNT, f"{note} {JUDGMENTS}".strip()), path)


def _picture(files: Sequence[Path]) -> "Image.Image":
    """The first readable one, small; grey where none is."""
    from PIL import Image

    from prism_desktop.engine.study.images import open_image

    for file in files:
        try:
            found = open_image(file, at_least=_PRINTED)
        except InputError:
            continue
        found.thumbnail((2 * _PRINTED, 2 * _PRINTED))
        return found
    return Image.new("RGB", (_PRINTED, _PRINTED), (128, 128, 128))
