"""One image explained: its relevance map by a rule of `attribution`, and the map's test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.analysis.attribution import (
    Target,
    attribute_maps,
    kept_scores,
    patch_effects,
    target_scores,
    token_attention,
)
from prism_desktop.engine.analysis.faithfulness import put_to_test
from prism_desktop.engine.analysis.map_requests import find_image
from prism_desktop.engine.analysis.overlay import seen_area
from prism_desktop.engine.analysis.relevance_map import CONSENSUS, DEFAULT_KIND, MapKind, Relevance
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.obstacles import NO_PICTURES, find_obstacles, refuse
from prism_desktop.engine.models.predictor import load_predictor, tower_of
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.images import hash_file, open_image
from prism_desktop.engine.study.pixel_cache import square

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 5  # labelers whose mean is taken for the consensus, evenly chosen of more: each costs


class KnowsLabelers(Protocol):
    """A trained model whose labelers are known by code."""

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""

    def row(self, code: str, /) -> int:
        """A labeler's place. Raises: InputError: unknown."""


def target_of(run: KnowsLabelers, labeler: str, attribute: str, against: str = "") -> Target:
    """A labeler's score, or how far it lies above somebody's.

    Args:
        run: a trained model.
        labeler: a code of the run.
        attribute: a name of the run, or any words.
        against: as in `rival_of`; empty for the score itself.

    Raises:
        InputError: a labeler is unknown, or compared with themselves, or there is nobody else.
    """
    run.row(labeler)
    own = Target.score(labeler, attribute)
    return own.less(rival_of(run, labeler, attribute, against)) if against else own


def rival_of(run: KnowsLabelers, labeler: str, attribute: str, against: str) -> Target:
    """The score that a labeler's is compared with.

    Args:
        run, labeler, attribute: as in `target_of`.
        against: a code of the run, or `CONSENSUS` for the mean of its other labelers (of five of
            them where there are more).

    Raises:
        InputError: as `target_of`.
    """
    if against != CONSENSUS:
        run.row(against)
        if against == labeler:
            raise InputError(f"{labeler} does not differ from themselves; name somebody else.")
        return Target.score(against, attribute)
    others = [code for code in run.labelers if code != labeler]
    if not others:
        raise InputError("This run has one labeler, so there is no consensus to differ from.")
    return Target.mean(_evenly(others), attribute)


def explain(
    run: LoadedRun,
    image: Path | Image.Image,
    labeler: str,
    attribute: str,
    kind: str = DEFAULT_KIND,
    against: str = "",
    sign: int = 1,
) -> Relevance:
    """Make a map; it is not tested yet.

    Args:
        run: a trained model.
        image: a file, or an image already opened by `open_image`.
        labeler, attribute, against: as in `target_of`.
        kind: as `MapKind.read` reads it.
        sign: 1 for what raises the target, -1 for what lowers it.

    Raises:
        InputError: if the labeler, the kind or the image is unknown.
        BackboneError: if the backbone's attention cannot be recorded.
    """
    chosen, target = MapKind.read(kind), target_of(run, labeler, attribute, against)
    opened = image if isinstance(image, Image.Image) else open_image(image)
    pixels = pixels_of(run, [opened])
    maps = attribute_maps(run, pixels, target, chosen, np.array([sign], np.float32))
    attention, seated = token_attention(run, pixels, labeler)
    return Relevance(
        kind=chosen,
        labeler=labeler,
        attribute=attribute,
        against=against,
        grid=maps.grids[0],
        tokens=float(maps.tokens[0]),
        tokens_by_block=attention[0],
        seated=seated,
        score=float(target_scores(run, pixels, target)[0]),
        area=seen_area(opened.size),
        image=opened,
        sign=sign,
    )


def explain_pair(
    run: LoadedRun,
    image: Path | Image.Image,
    over: Path | Image.Image,
    labeler: str,
    attribute: str,
    kind: str = DEFAULT_KIND,
    against: str = "",
) -> Relevance:
    """Make the map of how far one image's target lies above another's; it is not tested yet.

    Args:
        run, image, labeler, attribute, kind, against: as in `explain`.
        over: the second image.

    Returns:
        The first image's map with the second's as `other`.

    Raises:
        InputError, BackboneError: as `explain`.
    """
    whose = labeler, attribute, kind, against
    first, second = explain(run, image, *whose), explain(run, over, *whose, sign=-1)
    return replace(first, other=second, score=first.score - second.score)


def with_test(
    run: LoadedRun, found: Relevance, image: Path | Image.Image | None = None, seed: int = 0
) -> Relevance:
    """The same map with its test, of a pair each image's; `image` as in `explain`, None for the
    map's own."""
    if found.other is not None:
        found = replace(found, other=with_test(run, found.other, seed=seed))
    image = found.image if image is None else image
    if image is None:
        raise InputError("The map cannot be tested without its image.")
    opened = image if isinstance(image, Image.Image) else open_image(image)
    pixels = pixels_of(run, [opened])
    target = target_of(run, found.labeler, found.attribute, found.against)

    def kept(seen: NDArray[np.bool_]) -> NDArray[np.floating]:
        return found.sign * kept_scores(run, pixels, target, seen)

    tests = put_to_test(kept, found.grid[None], seed)
    alone = found.sign * patch_effects(run, pixels, target)[0]
    return found.with_tests(tests, spearman(found.grid.ravel(), alone.ravel()))


def explain_run(
    run: Path,
    labeler: str,
    attribute: str,
    image: str | Path,
    kind: str = DEFAULT_KIND,
    device: str = "auto",
    check: bool = True,
    against: str = "",
    over: str | Path = "",
) -> Relevance:
    """Load a run and explain one image, or one beside another, for the command line.

    Args:
        run: a run folder.
        labeler, attribute, kind, against: as in `explain`.
        image: an image's name or id in the run's study, or a file.
        device: as in `choose_device`.
        check: whether to test the map.
        over: the second image of a pair, named as `image`; empty for none.

    Raises:
        InputError: also if both images are the same.
    """
    refuse(find_obstacles(run).maps)
    if RunFolder(run).of_texts:
        refuse(NO_PICTURES)
    file, second = find_image(run, image), find_image(run, over) if over else None
    loaded = tower_of(load_predictor(run, device))
    found = made(loaded, file, second, (labeler, attribute, kind, against))
    return with_test(loaded, found) if check else found


def made(
    run: LoadedRun, file: Path, second: Path | None, whose: tuple[str, str, str, str]
) -> Relevance:
    """A map of one file or of a pair; `whose` is labeler, attribute, kind, against.

    Raises:
        InputError: as `explain`, or both are the same image.
    """
    if second is None:
        return explain(run, file, *whose)
    if hash_file(file) == hash_file(second):
        raise InputError("An image does not differ from itself; name another one beside it.")
    return explain_pair(run, file, second, *whose)


def pixels_of(run: LoadedRun, images: Sequence[Image.Image]) -> NDArray[np.uint8]:
    """What the backbone sees of images: (n, 3, S, S) uint8."""
    side = run.backbone.image_size
    return np.stack(
        [np.asarray(square(each, side), np.uint8).transpose(2, 0, 1) for each in images]
    )


def _evenly(codes: Sequence[str]) -> list[str]:
    """At most five of them, the same ones each time."""
    places = np.unique(np.linspace(0, len(codes) - 1, min(_MOST, len(codes))).astype(int))
    return [codes[place] for place in places]


def spearman(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """The rank correlation of two rows; NaN where one of them is flat."""
    from scipy.stats import rankdata

    a, b = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float(a @ b) / spread if spread > 0 else float("nan")
