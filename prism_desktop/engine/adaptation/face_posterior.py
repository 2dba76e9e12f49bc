"""What a run's heads know of single faces beside their scores: how sure each place in a ranking
is, which faces are alike, and a map of all of them. Importing this needs no torch.

How sure: `DRAWS` draws from a labeler's posterior, seeded so that the same question has the same
answer, each place the face among at most `AMONG` faces of the run; the middle 95 % of its places
is the interval. It is of the model and the answers: what the features lack is not in it.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.analysis.inference import FacesArguments, made_once
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Event, Notice, Progress
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.saved_heads import LoadedHeads, load_heads, place
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.kept_features import kept_features
from prism_desktop.engine.training.offered_blocks import with_blocks

DRAWS = 200
AMONG = 1000  # faces that each draw places a face among
NEAREST = 24  # faces told to be alike
_ROWS = 4000  # faces that are placed at a time
_ENDS = (0.025, 0.975)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Made = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class SeenFaces:
    """A run's heads and what they see in its images.

    Attributes:
        features: (images, d) float32, in the run's order.
        own: whether the heads are the run's model, not only what its tower started at.
    """

    images: tuple[str, ...]
    features: Floats
    loaded: LoadedHeads
    own: bool

    @property
    def bayes(self) -> BayesHeads | None:
        """The posteriors that the run's scores come from; None where they come from elsewhere."""
        heads = self.loaded.heads
        return heads if self.own and isinstance(heads, BayesHeads) else None

    def row(self, image: str) -> int:
        """Where an image stands; raises InputError if the run lacks it."""
        if image not in self.images:
            raise InputError("That image is not in this run.")
        return self.images.index(image)


class FacesCache:
    """Keeps what was read last, for the next question about the same run."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._known: SeenFaces | None = None

    def load(self, run: RunFolder) -> Generator[Progress | Notice, None, SeenFaces]:
        """A run's heads as they are on the disk now.

        Raises:
            RunError: it has none, or the features of its images are not kept any more.
        """
        own = layout.holds(run.path, layout.HEAD)
        if not own and not layout.holds(run.path, layout.CLOSED_FORM):
            raise RunError(f"The run {run.name} keeps no features of its images.")
        path = run.path / (layout.HEAD if own else layout.CLOSED_FORM)
        key = (path, path.stat().st_mtime_ns)
        if self._known is None or key != self._key:
            self._known = yield from _read(run, path.name, own)
            self._key = key
        return self._known

    def clear(self) -> None:
        """Give the memory back."""
        self._key, self._known = (), None


def _read(run: RunFolder, file: str, own: bool) -> Generator[Progress | Notice, None, SeenFaces]:
    yield Progress(0, None, "Reading what the model sees")
    loaded = load_heads(run.path, file)
    features = kept_features(run, loaded.card)
    if features is None:
        raise RunError("The study does not keep the features of all images of this run any more.")
    features = np.asarray((yield from with_blocks(run, features, loaded.card.blocks)), np.float32)
    return SeenFaces(tuple(map(str, run.table("images")["image"])), features, loaded, own)


def faces_file(asked: FacesArguments, cache: FacesCache) -> Generator[Event[Path], None, None]:
    """Answer a question about faces, unless it was answered; the last event is Done with an .npz
    file of what `spread`, `strip`, `alike` or `plane` gives.

    Raises:
        PrismError: the run, its model or the request cannot be used.
    """

    def write(beside: Path) -> Generator[Progress | Notice, None, None]:
        known = yield from cache.load(RunFolder(asked.run))
        np.savez(beside, allow_pickle=False, **(yield from _ANSWERS[asked.what](known, asked)))

    yield from made_once("faces", asked, write)


def spread(known: SeenFaces, asked: FacesArguments) -> Generator[Progress | Notice, None, Made]:
    """How surely a labeler's model places each image.

    Returns:
        low, high: (images,) float32 share of the faces that score lower, a 95 % interval.
        sd: (images,) float32 posterior deviation of the score about the mean face's, in logits.
    """
    heads = _posteriors(known)
    labeler = place("labeler", asked.labeler, known.loaded.card.labelers)
    attribute = place("attribute", asked.attribute, known.loaded.card.attributes)
    x = _projected(heads, known.features)
    draws, covariance = _draws(heads, labeler, attribute)
    with one_thread():
        among = np.sort(x[_among(len(x))] @ draws, axis=0)
    low, high, sd = (np.empty(len(x), np.float32) for _ in range(3))
    factor = float(heads.factor()[labeler, attribute])
    for start in range(0, len(x), _ROWS):
        yield Progress(start, len(x), "Finding how sure the model is")
        part = x[start : start + _ROWS]
        shares = _shares(part @ draws, among)
        ends = np.quantile(shares, _ENDS, axis=1).astype(np.float32)
        low[start : start + _ROWS], high[start : start + _ROWS] = ends
        variance = np.einsum("nk,nk->n", part @ covariance, part)
        sd[start : start + _ROWS] = factor * np.sqrt(np.maximum(variance, 0))
    return {"low": low, "high": high, "sd": sd}


def strip(known: SeenFaces, asked: FacesArguments) -> Generator[Progress | Notice, None, Made]:
    """How surely each labeler's model places one image: low, high (labelers, attributes) float32,
    as `spread` has them, of the labelers and attributes that stand beside them."""
    heads, card = _posteriors(known), known.loaded.card
    row = known.row(asked.image)
    x = _projected(heads, known.features[np.append(_among(len(known.features)), row)])
    shape = (len(card.labelers), len(card.attributes))
    low, high = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for labeler in range(shape[0]):
        yield Progress(labeler, shape[0], "Finding how sure the models are")
        for attribute in range(shape[1]):
            draws, _ = _draws(heads, labeler, attribute)
            with one_thread():
                drawn = x @ draws
            shares = _shares(drawn[-1:], np.sort(drawn[:-1], axis=0))
            low[labeler, attribute], high[labeler, attribute] = np.quantile(shares, _ENDS)
    names = {"labelers": np.array(card.labelers), "attributes": np.array(card.attributes)}
    return {"low": low, "high": high, **names}


def alike(known: SeenFaces, asked: FacesArguments) -> Generator[Progress | Notice, None, Made]:
    """The faces nearest to one, the nearest first.

    Returns:
        features: rows of the images whose features have the least angle to the image's, from the
            mean face.
        taste: rows of the images nearest in what this labeler's score is made of: the axes of the
            features, each weighted as the labeler weighs it. Empty where the scores come from no
            such weights.
    """
    yield Progress(0, None, "Looking for faces alike")
    row = known.row(asked.image)
    away = known.features - np.nanmean(known.features, axis=0)
    away[np.isnan(away)] = 0
    length = np.linalg.norm(away, axis=1)
    cosine = away @ away[row] / np.maximum(length * length[row], 1e-12)
    taste, heads = np.zeros(0, np.int64), known.bayes
    if heads is not None and asked.labeler in known.loaded.card.labelers:
        labeler = known.loaded.card.labelers.index(asked.labeler)
        attribute = place("attribute", asked.attribute, known.loaded.card.attributes)
        weighed = _projected(heads, known.features) * heads.mean[labeler, attribute]
        taste = _first(((weighed - weighed[row]) ** 2).sum(axis=1), row)
    return {"features": _first(-cosine, row), "taste": taste}


def plane(known: SeenFaces, _: FacesArguments) -> Generator[Progress | Notice, None, Made]:
    """The two principal components of the features: at (images, 2) float32, explained (2,) of the
    variance."""
    yield Progress(0, None, "Arranging the faces")
    away = (known.features - np.nanmean(known.features, axis=0)).astype(np.float32)
    away[np.isnan(away)] = 0
    with one_thread():
        covariance = (away.T @ away).astype(np.float64)
        values, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, :2]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])  # one of two signs
    share = values[::-1][:2] / max(float(values.sum()), 1e-12)
    return {"at": (away @ axes).astype(np.float32), "explained": share.astype(np.float32)}


_ANSWERS: dict[
    str, Callable[[SeenFaces, FacesArguments], Generator[Progress | Notice, None, Made]]
] = {"spread": spread, "strip": strip, "alike": alike, "plane": plane}


def _posteriors(known: SeenFaces) -> BayesHeads:
    if known.bayes is None:
        raise InputError("The method of this run does not know how sure it is of a single face.")
    return known.bayes


def _projected(heads: BayesHeads, features: Floats) -> Floats:
    with one_thread():
        return heads.space.project(features).astype(np.float32)


def _draws(heads: BayesHeads, labeler: int, attribute: int) -> tuple[Floats, Floats]:
    """(k, draws) heads of a labeler on an attribute, and their (k, k) covariance."""
    k = heads.space.dims
    own = slice(attribute * k, (attribute + 1) * k)
    with one_thread():
        covariance = heads.covariance(labeler)[own, own]
        values, axes = np.linalg.eigh(covariance)
        noise = np.random.default_rng(0).standard_normal((k, DRAWS))
        drawn = axes @ (np.sqrt(np.maximum(values, 0))[:, None] * noise)
    mean = heads.mean[labeler, attribute][:, None]
    return (mean + drawn).astype(np.float32), covariance.astype(np.float32)


def _among(count: int) -> Ints:
    """Rows of the faces that a face is placed among."""
    if count <= AMONG:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, AMONG, replace=False))


def _shares(drawn: Floats, among: Floats) -> Floats:
    """(n, draws): share of the (m, draws) sorted scores that lie below each score; one that is
    among them counts half of itself."""
    shares = np.empty(drawn.shape, np.float32)
    for draw in range(drawn.shape[1]):
        column, own = among[:, draw], drawn[:, draw]
        left = np.searchsorted(column, own, "left")
        shares[:, draw] = (left + np.searchsorted(column, own, "right")) / 2
    return np.asarray(shares / np.float32(max(1, len(among))), np.float32)


def _first(distance: Floats, row: int) -> Ints:
    """The rows of the least distances, the row itself left out."""
    distance = distance.copy()
    distance[row] = np.inf
    count = min(NEAREST, len(distance) - 1)
    nearest = np.argpartition(distance, count)[:count] if count else np.zeros(0, np.int64)
    return np.asarray(nearest[np.argsort(distance[nearest], kind="stable")], np.int64)
