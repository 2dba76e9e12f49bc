"""Maps of many faces made, tested and taken together, with torch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.attribution import (
    Target,
    attribute_maps,
    feature_scores,
    kept_features,
    kept_scores,
    patch_features,
    target_scores,
    token_attention,
)
from prism_desktop.engine.analysis.face_regions import Regions, regions_of
from prism_desktop.engine.analysis.faithfulness import MapTests, judge, put_to_test
from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
from prism_desktop.engine.analysis.region_mass import (
    RegionDifference,
    differences,
    masses,
    shares,
    shares_of,
)
from prism_desktop.engine.analysis.relevance_map import DEFAULT_KIND, MapKind
from prism_desktop.engine.analysis.relevance_rules import pixels_of, rival_of
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.images import open_image

if TYPE_CHECKING:
    import pandas as pd

_TASTES = 199  # random ones
_DRAWS = 1000  # of the bootstrap of attention
_PART = 10  # faces between two looks at whether anybody still waits
_SPLITS = ("test", "val", "train")  # where faces are taken from, in this order

Events = Generator[Event[Any], None, Any]


@dataclass(frozen=True, slots=True)
class MeanRequest:
    """What is asked for."""

    labeler: str  # a code of the run
    attribute: str  # a name of the run, or any words
    faces: int = 100  # at most
    kind: str = DEFAULT_KIND  # as `MapKind.read` reads it
    against: str = ""  # as in `rival_of`; empty to compare with nobody
    masks: Path | None = None  # as in `regions_of`
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class FaceMaps:
    """Maps of n faces, their tests, and where their mass lies."""

    grids: NDArray[np.float32]  # (n, rows, columns), signed or not
    tests: MapTests | None  # None: not tested
    share: NDArray[np.float64]  # (n, regions)
    above: NDArray[np.bool_]  # (n,) whose target is at or above the mean of the faces
    # (tastes, regions) mean shares of random tastes; none where maps cannot be made of them cheaply
    random: NDArray[np.float64]


def mean_relevance(
    folder: RunFolder, run: LoadedRun, asked: MeanRequest
) -> Generator[Event[MeanRelevance], None, None]:
    """Make, test and sum up maps; the last event is `Done`.

    Args:
        folder: of the run.
        run: its model.
        asked: what of.

    Raises:
        InputError: a name, the kind or the masks are unknown, or fewer than two faces can be read.
    """
    kind = MapKind.read(asked.kind)
    own = Target.score(run.labelers[run.row(asked.labeler)], asked.attribute)
    rival = rival_of(run, asked.labeler, asked.attribute, asked.against) if asked.against else None
    chosen, pixels = yield from value(_faces(folder, run, asked))
    regions = yield from value(_regions(folder, run, asked, chosen))
    maps = yield from value(face_maps(run, pixels, own, kind, regions, asked.seed))
    assert maps.tests is not None
    attention, seated = token_attention(run, pixels, asked.labeler)
    more, other_test = None, None
    gaps: tuple[RegionDifference, ...] = ()
    if rival is not None:
        alone = len(rival.parts) == 1  # the mean of several would take as many times as long
        others = yield from value(
            face_maps(run, pixels, rival, kind, regions, asked.seed, test=alone)
        )
        gaps = differences(maps.share, others.share, regions.names, asked.seed)
        more = _mean(maps.grids) - _mean(others.grids)
        other_test = judge(others.tests, asked.seed) if others.tests is not None else None
    yield Done(
        MeanRelevance(
            kind=kind,
            labeler=asked.labeler,
            attribute=asked.attribute,
            faces=tuple(map(str, chosen["image"])),
            held_out=int((chosen["split"] == "test").sum()),
            grid=_mean(maps.grids),
            picture=pixels.mean(0).transpose(1, 2, 0).astype(np.uint8),
            grids=maps.grids,
            passed=maps.tests.passes,
            above=maps.above,
            attention=_intervals(attention),
            seated=seated,
            test=judge(maps.tests, asked.seed),
            regions=masses(maps.share, regions, maps.random, asked.seed),
            source=regions.source,
            accuracy=held_out_accuracy(folder, asked.labeler, asked.attribute),
            against=asked.against,
            more=more,
            differences=gaps,
            other_test=other_test,
        )
    )


def face_maps(
    run: LoadedRun,
    pixels: NDArray[np.uint8],
    target: Target,
    kind: MapKind,
    regions: Regions,
    seed: int = 0,
    *,
    test: bool = True,
) -> Generator[Event[FaceMaps], None, None]:
    """Maps of what sets each face apart from the others, with their tests; the last event is
    `Done`.

    Args:
        run: a trained model.
        pixels: (n, 3, S, S) uint8.
        target: what is explained.
        kind: by which rule.
        regions: of the same faces.
        seed: of the tests and the random tastes.
        test: whether to test them.
    """
    n = len(pixels)
    yield Progress(0, 2 * n, "Looking where the model looks")
    scores = target_scores(run, pixels, target)
    signs = _apart(scores)
    tastes = RandomTastes(run, pixels, target, regions, seed) if _can_draw(target, kind) else None
    grids, tests = [], []
    for start in range(0, n, _PART):
        part = slice(start, start + _PART)
        grids.append(
            attribute_maps(run, pixels[part], target, kind, signs[part]).grids
            if tastes is None
            else tastes.look(part, signs[part])
        )
        yield Progress(min(start + _PART, n), 2 * n, "Looking where the model looks")
    for start in range(0, n if test else 0, _PART):
        part = slice(start, start + _PART)

        def kept(seen: NDArray[np.bool_], part: slice = part) -> NDArray[np.floating]:
            return signs[part, None] * kept_scores(run, pixels[part], target, seen)

        tests.append(put_to_test(kept, grids[start // _PART], seed + start))
        yield Progress(min(n + start + _PART, 2 * n), 2 * n, "Testing the maps")
    whole = MapTests.of(np.concatenate([each.table() for each in tests], 1)) if test else None
    made = np.concatenate(grids)
    random = np.zeros((0, len(regions.names))) if tastes is None else tastes.mean()
    yield Done(FaceMaps(made, whole, shares(made, regions), signs > 0, random))


class RandomTastes:
    """Occlusion maps of a labeler, and beside them those of tastes drawn at random.

    A random taste is a sum of differences between the features of random pairs of faces, as if
    somebody had chosen between them blindly: it likes what faces differ in, and nothing by itself.
    Where its maps lie is where those of any taste lie, in this model and on these faces.
    """

    def __init__(
        self,
        run: LoadedRun,
        pixels: NDArray[np.uint8],
        target: Target,
        regions: Regions,
        seed: int,
    ) -> None:
        self._run, self._pixels, self._regions = run, pixels, regions
        self._attribute, self._code = target.attribute, target.parts[0][0]
        whole = np.ones((len(pixels), 1, run.backbone.patches), bool)
        seen = kept_features(run, pixels, self._code, whole)[:, 0]
        rng = np.random.default_rng((seed, 3))
        self._tastes = (seen - seen.mean(0)).T @ rng.normal(size=(len(seen), _TASTES))
        self._tastes = self._tastes.astype(np.float32)  # (embed_dim, tastes)
        self._signs = _apart(seen @ self._tastes)
        self._sum = np.zeros((_TASTES, len(regions.names)))

    def look(self, part: slice, signs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(faces, rows, columns) maps of a part of the faces."""
        seen = patch_features(self._run, self._pixels[part], self._code)
        scores = feature_scores(self._run, seen, self._code, self._attribute)
        drawn = seen @ self._tastes  # (faces, 1 + patches, tastes)
        effects = (drawn[:, :1] - drawn[:, 1:]) * self._signs[part, None]
        weights = self._regions.weights[part]
        shape = weights.shape[2:]
        for taste in range(_TASTES):
            each = effects[:, :, taste].reshape(-1, *shape)
            self._sum[taste] += shares_of(each, weights).sum(0)
        own = (scores[:, :1] - scores[:, 1:]) * signs[:, None]
        return own.reshape(-1, *shape)

    def mean(self) -> NDArray[np.float64]:
        """(tastes, regions) over all faces."""
        return self._sum / len(self._pixels)


def _apart(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 for faces above the mean of the faces, -1 for those below; (n, ...) -> the same."""
    return np.where(scores >= scores.mean(0), 1, -1).astype(np.float32)


def _can_draw(target: Target, kind: MapKind) -> bool:
    return kind.name == "occlusion" and len(target.parts) == 1


def _faces(folder: RunFolder, run: LoadedRun, asked: MeanRequest) -> Events:
    """The faces that are looked at and their pixels: held-out ones first, at random."""
    known = folder.table("images")
    order = np.random.default_rng(asked.seed).permutation(len(known))
    drawn = known.iloc[order]
    rank = drawn["split"].map({name: place for place, name in enumerate(_SPLITS)})
    drawn = drawn.assign(rank=rank.fillna(len(_SPLITS))).sort_values("rank", kind="stable")
    rows: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    for row, path in zip(drawn.index, drawn["path"], strict=True):
        if len(rows) >= asked.faces:
            break
        image = _readable(Path(path))
        if image is not None:
            rows.append(row)
            pixels.append(pixels_of(run, [image])[0])
        if len(rows) % _PART == 0:
            yield Progress(len(rows), asked.faces, "Reading faces")
    if len(rows) < 2:
        raise InputError("Fewer than two of the run's images can be read, so there is no mean map.")
    yield Done((known.loc[rows], np.stack(pixels)))


def _readable(path: Path) -> Any:
    """The image, or None where it cannot be read."""
    try:
        return open_image(path)
    except PrismError:
        return None


def _regions(
    folder: RunFolder, run: LoadedRun, asked: MeanRequest, chosen: pd.DataFrame
) -> Generator[Event[Regions], None, None]:
    yield Progress(0, None, "Measuring the regions of the faces")
    known = folder.table("images")
    names = dict(zip(map(str, known["image"]), map(str, known["name"]), strict=True))
    files = [Path(each) for each in chosen["path"]]
    side = run.backbone.grid
    yield Done(regions_of(files, [*map(str, chosen["image"])], names, (side, side), asked.masks))


def _mean(grids: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns) mean over faces of each patch's share of a map's mass."""
    mass = grids.clip(0)
    whole = mass.sum((1, 2), keepdims=True)
    shared = np.divide(mass, whole, out=np.full_like(mass, 1 / mass[0].size), where=whole > 0)
    found: NDArray[np.float32] = shared.mean(0).astype(np.float32)
    return found


def _intervals(shares: NDArray[np.float32]) -> tuple[tuple[float, float, float], ...]:
    """(n, blocks): of each block the mean over faces, and a 95 % interval (bootstrap)."""
    draws = np.random.default_rng(0).integers(0, len(shares), (_DRAWS, len(shares)))
    means = shares.astype(np.float64)[draws].mean(1)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return tuple(
        (float(mean), float(least), float(most))
        for mean, least, most in zip(shares.mean(0), low, high, strict=True)
    )


def held_out_accuracy(
    folder: RunFolder, labeler: str, attribute: str
) -> tuple[float, float, float] | None:
    """Of a run's model on a labeler's held-out answers about an attribute, with its interval; None
    where it was not tested."""
    summary = folder.summary()
    rows = {} if summary is None else summary.test.per_labeler_attribute.get(labeler, {})
    row = rows.get(attribute)
    if row is None or row.accuracy is None or row.low is None or row.high is None:
        return None
    return row.accuracy, row.low, row.high
