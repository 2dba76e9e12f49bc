"""The rules by which relevance maps are made and tested, with torch.

What they mean is told in `maps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.deletion_test import check_map
from prism_desktop.engine.analysis.overlay import seen_area
from prism_desktop.engine.analysis.relevance_map import KINDS, Kind, Relevance
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.attention import recorded_attention
from prism_desktop.engine.models.obstacles import find_obstacles, refuse
from prism_desktop.engine.models.predictor import load_predictor, tower_of
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_tables import IMAGES, IMAGES_FILE
from prism_desktop.engine.study.images import hash_file, open_image
from prism_desktop.engine.study.pixel_cache import square

if TYPE_CHECKING:
    from torch import Tensor


def explain(
    run: LoadedRun, image: Path | Image.Image, labeler: str, attribute: str, kind: str
) -> Relevance:
    """Make a map; it is not tested yet.

    Args:
        run: a trained model.
        image: a file, or an image already opened by `open_image`.
        labeler: a code of the run.
        attribute: a name of the run, or any words.
        kind: one of `KINDS`.

    Raises:
        InputError: if the labeler, the kind or the image is unknown.
        BackboneError: if the backbone's attention cannot be recorded.
    """
    if kind not in KINDS:
        raise InputError(f"There is no map {kind!r}; there are {', '.join(KINDS)}.")
    chosen = next(name for name in KINDS if name == kind)
    opened = image if isinstance(image, Image.Image) else open_image(image)
    pixels = pixels_of(run, opened)
    row = torch.tensor([run.row(labeler)], device=run.model.device)
    with torch.enable_grad(), recorded_attention(run.model) as maps:
        score = run.model(run.model.normalise(pixels), row, run.attribute_texts([attribute]))[0, 0]
        if chosen == "gradient-attention":
            score.backward()
        attention = [weights.detach()[0] for weights in maps]
        gradients = [weights.grad[0] for weights in maps if weights.grad is not None]
    row_of_class = _class_row(chosen, attention, gradients).cpu().numpy().astype(np.float32)
    own = run.card.tokens
    mine, patches = row_of_class[1 : 1 + own], row_of_class[1 + own :]
    mass = float(mine.sum() + patches.sum())
    side = run.backbone.grid
    return Relevance(
        kind=chosen,
        labeler=labeler,
        attribute=attribute,
        grid=patches.reshape(side, -1),
        tokens=float(mine.sum()) / mass if mass > 0 else 0.0,
        tokens_by_block=np.array(
            [float(a.mean(0)[0, 1 : 1 + own].sum()) for a in attention], dtype=np.float32
        ),
        score=float(score.detach()),
        area=seen_area(opened.size),
        image=opened,
    )


def with_check(
    run: LoadedRun, found: Relevance, image: Path | Image.Image | None = None, seed: int = 0
) -> Relevance:
    """The same map with its deletion test."""
    opened = (
        found.image
        if image is None
        else image
        if isinstance(image, Image.Image)
        else open_image(image)
    )
    if opened is None:
        raise InputError("The map cannot be tested without its image.")
    pixels = pixels_of(run, opened)[0].permute(1, 2, 0).numpy()

    def score(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(
            run.scores(batch, [found.labeler], [found.attribute])[0, 0], dtype=np.float64
        )

    return replace(found, check=check_map(score, pixels, found.grid, seed=seed))


def explain_run(
    run: Path,
    labeler: str,
    attribute: str,
    image: str | Path,
    kind: str = "gradient-attention",
    device: str = "auto",
    check: bool = True,
) -> Relevance:
    """Load a run and explain one image, for the command line.

    Args:
        run: a run folder.
        labeler, attribute, kind: as in `explain`.
        image: an image's name or id in the run's study, or a file.
        device: as in `choose_device`.
        check: whether to test the map.
    """
    refuse(find_obstacles(run).maps)
    file = find_image(run, image)
    loaded = tower_of(load_predictor(run, device))
    found = explain(loaded, file, labeler, attribute, kind)
    return with_check(loaded, found) if check else found


def find_image(run: Path, image: str | Path) -> Path:
    """The file of an image given by its name, id or path
    in a run's snapshot, or of any other by its path.

    Raises:
        InputError: if it is none of these, or an image of the run was changed since.
    """
    if layout.table_file(run, "images").is_file():
        known = RunFolder(run).frame(IMAGES_FILE, IMAGES)
        hits = known[(known[["name", "image", "path"]] == str(image)).any(axis=1)]
        if len(hits):
            return _unchanged(Path(str(hits["path"].iloc[0])), str(hits["image"].iloc[0]))
    if Path(image).is_file():
        return Path(image)
    raise InputError(f"There is no image {image} in the run, and no such file.")


def _unchanged(path: Path, image: str) -> Path:
    try:
        same = hash_file(path) == image
    except OSError as error:
        raise InputError(
            f"The image {path} is missing or cannot be read ({error.strerror})."
        ) from error
    if not same:
        raise InputError(
            f"The image {path} was changed since the run was made, so this is not what the model "
            "judged."
        )
    return path


def pixels_of(run: LoadedRun, image: Image.Image) -> Tensor:
    """What the backbone sees of an image: (1, 3, S, S) uint8."""
    array = np.asarray(square(image, run.backbone.image_size), dtype=np.uint8)
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def _class_row(kind: Kind, attention: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """(1 + tokens + patches,) the class token's row; attention is (heads, n, n) per block."""
    if kind == "attention":
        return attention[-1].mean(0)[0]
    identity = torch.eye(attention[0].shape[-1], device=attention[0].device)
    relevance = identity
    for step in _steps(kind, attention, gradients, identity):
        relevance = step @ relevance
    return relevance[0]


def _steps(
    kind: Kind, attention: list[Tensor], gradients: list[Tensor], identity: Tensor
) -> Iterator[Tensor]:
    """What each block multiplies the relevance with."""
    if kind == "rollout":
        yield from (0.5 * weights.mean(0) + 0.5 * identity for weights in attention)
        return
    for weights, gradient in zip(attention, gradients, strict=True):
        yield identity + (gradient * weights).clamp(min=0).mean(0)
