"""A figure of several labelers' relevance maps over several faces, each with its own test."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.engine.analysis.overlay import OPACITY, render_overlay
from prism_desktop.engine.analysis.relevance_map import Relevance
from prism_desktop.engine.analysis.relevance_rules import explain_run
from prism_desktop.engine.analysis.sheet import Picture, sheet_figure
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.paper_figures import Material, PaperFigure
from prism_desktop.engine.grammar import counted

_USUAL: Final = 3  # labelers, and faces, where nobody chose


def relevance_grid(
    given: Material, labelers: Sequence[str] | None = None, images: Sequence[str] | None = None
) -> PaperFigure:
    """Draw it: a row of faces for each labeler, tested faces where none are named.

    Args:
        given: whose run has an image tower.
        labelers: codes; None for the first three of the run.
        images: names; None for three faces that the run was tested on.

    Raises:
        InputError: the run makes no maps, or knows no such labeler or face.
    """
    run = given.run
    if run is None:
        raise InputError("No run of this study was tested; train one with an image tower first.")
    meta = run.meta()
    codes = tuple(labelers or meta.codes[:_USUAL])
    if lacking := [code for code in codes if code not in meta.codes]:
        raise InputError(f"The run has no labeler of the code {lacking[0]}.")
    attribute = given.attribute or meta.names[0]
    table = run.table("images")
    usual = table.loc[table["split"] == "test", "name"].head(_USUAL)
    faces = [str(name) for name in (images or usual)]
    found = {(code, face): explain_run(run.path, code, attribute, face)
             for code in codes for face in faces}  # fmt: skip
    scale = MapScale.of(each.grid for each in found.values())
    blocks = {
        given.names.get(code, code): [_picture(found[code, face], face, scale) for face in faces]
        for code in codes
    }
    rows = [
        {"labeler": code, "image": face, "attribute": attribute, "kind": str(each.kind),
         "passes": each.supported, "verdict": each.verdict()}
        for (code, face), each in found.items()
    ]  # fmt: skip
    good = sum(row["passes"] is True for row in rows)
    caption = (
        f"Where the models of {counted(len(codes), 'labeler')} look for {attribute} "
        f"({rows[0]['kind']} maps of single faces, on one scale). {good} of "
        f"{counted(len(rows), 'map')} pass their own test; one that fails is no reason for the "
        "score."
    )
    figure = sheet_figure(blocks, f"{attribute}: {run.name}", columns=max(len(faces), 4))
    return PaperFigure("relevance", figure, caption, pd.DataFrame(rows))


def _picture(found: Relevance, face: str, scale: MapScale) -> Picture:
    """A map over its face, and whether it passes its test."""
    assert found.image is not None  # of a file, just read
    told = {True: "passes its test", False: "fails its test", None: "not tested"}[found.supported]
    return Picture(
        render_overlay(found.image, found.grid, OPACITY, found.area, scale), (face, told)
    )
