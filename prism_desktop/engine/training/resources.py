"""The resources of a run: the device, the backbone, and the images as pixels and as features."""

import gc
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.backbones import Backbone, BackboneSpec, fetch, load, parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.prompt_layout import LaidOut, Pair, TextTokenizer
from prism_desktop.engine.device import Device, Precision, choose_device, precision
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.image_blocks import STATISTICS
from prism_desktop.engine.models.soft_tokens import Tokens, as_array, leaving_room
from prism_desktop.engine.models.text_features import cut_texts, text_features
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.pixel_cache import PixelCache
from prism_desktop.engine.study.row_cache import features_file, read_rows, write_rows
from prism_desktop.engine.training.kept_features import Features, Matrix
from prism_desktop.engine.training.offered_blocks import image_files, measured

if TYPE_CHECKING:
    import pandas as pd

Bytes = npt.NDArray[np.uint8]
_FEATURES_PER_PASS = 64  # images per pass


@dataclass(frozen=True, slots=True)
class Pixels:
    """Decoded images by their number in the run.

    Attributes:
        array: (cached, 3, S, S) or (cached, S, S, 3) uint8 RGB, usually a memory map.
        rows: (images,) int64, where each of the run's images lies in `array`.
    """

    array: Bytes
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> Bytes:
        """Copy images out, some of them mirrored: (images, 3, S, S) uint8, contiguous."""
        found = self.array[self.rows[images]]
        if found.shape[-1] == 3:
            found = found.transpose(0, 3, 1, 2)
        if flips is not None:
            found = np.where(flips[:, None, None, None], found[..., ::-1], found)
        return np.ascontiguousarray(found)

    def behind(self, soft: int) -> "Pixels":
        """The same: tokens take no room from an image."""
        return self


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """Texts by their number in the run, as a language model reads them.

    Attributes:
        pairs: prompts and texts.
        reader: lays them out.
        laid: as it did.
    """

    pairs: tuple[Pair, ...]
    reader: TextTokenizer
    laid: tuple[LaidOut, ...]

    @classmethod
    def of(cls, pairs: Sequence[Pair], reader: TextTokenizer) -> "TokenizedTexts":
        """Lay texts out."""
        return cls(tuple(pairs), reader, tuple(reader.lay_out(pairs)))

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> Tokens:
        """(texts, 2, longest) int64, see `as_array`; a text has no mirror image."""
        return as_array([self.laid[text] for text in images], self.reader.pad)

    def behind(self, soft: int) -> "TokenizedTexts":
        """The same, cut so that so many soft tokens fit before them.

        Raises:
            InputError: if these leave no room for a text.
        """
        room = leaving_room(self.reader, soft)
        if max((len(one.ids) for one in self.laid), default=0) <= room.context:
            return self
        return TokenizedTexts.of(self.pairs, room)


@dataclass(slots=True, eq=False)
class Resources:
    """What a run shares with the runs that it depends on.

    Attributes:
        backbone: None where imported embeddings take its place.
        stimuli: decoded images, or texts as tokens; None likewise.
        features: of the frozen backbone; None until `read_features` has run.
        sha256: of the backbone's weights, of the language model, or of the embeddings.
        statistics: (images, statistics) of their pixels, NaN where an image cannot be read; None
            where no run asked.
    """

    device: Device
    precision: Precision
    backbone: Backbone | LanguageModel | None
    stimuli: Pixels | TokenizedTexts | None
    features: Features | None
    sha256: str
    statistics: Matrix | None = None

    def read_features(self, run: RunFolder) -> Iterator[Progress | Notice]:
        """Make `features`, and `statistics` if the run may read these, from the study's cache where
        it has them."""
        if self.statistics is None and STATISTICS in run.config().blocks:
            self.statistics = yield from measured(run)
        if self.features is not None:
            return
        for event in self._features(run):
            if isinstance(event, Done):
                self.features = event.value
            else:
                yield event

    def _features(self, run: RunFolder) -> Iterator[Progress | Notice | Done[Features]]:
        backbone, stimuli = self.tower()
        if isinstance(backbone, Backbone) and isinstance(stimuli, Pixels):
            yield from open_features(run.study, run.table("images"), backbone, stimuli)
        elif isinstance(backbone, LanguageModel):
            path = features_file(run.study / "cache", backbone.sha256)
            ids = [str(text) for text in run.table("images")["image"]]
            for event in text_features(path, run.texts(), backbone):
                if isinstance(event, Done):
                    yield Done(Features(np.stack([event.value[text] for text in ids])))
                elif isinstance(event, Progress):  # texts that are cut were told of as they came
                    yield event

    @property
    def network(self) -> Backbone | LanguageModel | Features:
        """What models stand on."""
        found = self.backbone or self.features
        assert found is not None, "there are embeddings where there is no backbone"
        return found

    def tower(self) -> tuple[Backbone | LanguageModel, Pixels | TokenizedTexts]:
        """The network, and what it sees or reads.

        Raises:
            InputError: if there are only embeddings.
        """
        if self.backbone is None or self.stimuli is None:
            raise InputError(
                "Imported embeddings have no tower; choose another backbone for this method."
            )
        return self.backbone, self.stimuli


@dataclass(slots=True)
class ResourceCache:
    """Keeps the last resources for the next run, if that needs the same."""

    _key: tuple[object, ...] = ()
    _resources: Resources | None = None

    def find(self, run: RunFolder) -> Resources | None:
        """The resources that were put, if they serve this run as well; else None, and they are
        given back, as whoever asked opens others."""
        found = self._resources
        if found is not None and (
            self._key != _needs(run)
            or found.precision.name != _precision(run, found.device, found.network).name
        ):
            found = None
            self.clear()
        return found

    def put(self, run: RunFolder, resources: Resources) -> None:
        """Keep the resources that were opened for a run."""
        self._key, self._resources = _needs(run), resources

    def clear(self) -> None:
        """Give the memory back, also the device's."""
        self._key, self._resources = (), None
        gc.collect()
        torch.cuda.empty_cache()  # does nothing where there is none


def _needs(run: RunFolder) -> tuple[object, ...]:
    config = run.config()
    images = tuple(str(image) for image in run.table("images")["image"])
    return (
        run.study,
        config.backbone,
        run.meta().embeddings_sha256,
        config.device,
        images,
    )


def _precision(
    run: RunFolder, device: Device, network: Backbone | LanguageModel | Features
) -> Precision:
    """The one that the run began in, if it goes on by itself on the same kind of device; else what
    its settings say."""
    asked: str = run.config().precision
    began = run.environment()
    if asked == "auto" and began.device == device.kind:
        asked = began.precision or "auto"
    width = network.array.shape[1] if isinstance(network, Features) else network.width
    return precision(device, asked, width, sees=isinstance(network, Backbone))


def open_resources(run: RunFolder) -> Iterator[Progress | Notice | Done[Resources]]:
    """Choose the device, fetch and load the backbone,
    decode the images that are not in the cache yet."""
    config = run.config()
    device, spec = choose_device(config.device), parse(config.backbone)
    if spec.kind == "embeddings":
        yield Done(_with_embeddings(run, device, spec.model))
        return
    yield from (event for event in fetch(spec) if not isinstance(event, Done))
    if spec.kind == "language":
        yield Done((yield from _with_language_model(run, device, spec)))
        return
    backbone = load(spec, device)
    pixels: Pixels | None = None
    for found in open_pixels(run.study, run.table("images"), backbone.image_size):
        if isinstance(found, Done):
            pixels = found.value
        else:
            yield found
    if pixels is None:
        raise RunError("The images could not be decoded.")
    how = _precision(run, device, backbone)
    yield Done(Resources(device, how, backbone, pixels, None, backbone.sha256))


def _with_embeddings(run: RunFolder, device: Device, name: str) -> Resources:
    """Resources without a backbone.

    Embeddings that were imported anew since the snapshot are refused, as results would be of other
    numbers.
    """
    ids, matrix, sha256 = read_embeddings(run.study, name)
    place = {image: row for row, image in enumerate(ids)}
    wanted = [str(image) for image in run.table("images")["image"]]
    if (run.meta().embeddings_sha256 or sha256) != sha256:
        raise RunError(
            f"The embeddings {name} were imported anew since this run's data were taken, so start "
            "again."
        )
    if missing := [image for image in wanted if image not in place]:
        raise RunError(
            f"The embeddings {name} lack {len(missing)} of this run's images; they were imported "
            "anew, so start again."
        )
    rows = Features(matrix[np.array([place[image] for image in wanted], dtype=np.int64)])
    return Resources(device, _precision(run, device, rows), None, None, rows, sha256)


def _with_language_model(
    run: RunFolder, device: Device, spec: BackboneSpec
) -> Generator[Progress | Notice, None, Resources]:
    """Resources of a run on texts: the frozen language model, and the texts as its tokens."""
    yield Progress(0, None, f"Loading {spec.title}")
    model = load_language_model(spec, device)
    said = run.texts()
    texts = [said[str(text)] for text in run.table("images")["image"]]
    stimuli = TokenizedTexts.of(texts, model.reader)
    if any(one.cut for one in stimuli.laid):
        yield Notice(cut_texts(model, stimuli.laid))
    how = _precision(run, device, model)
    return Resources(device, how, model, stimuli, None, model.sha256)


def open_pixels(
    study: Path, images: "pd.DataFrame", size: int
) -> Iterator[Progress | Notice | Done[Pixels]]:
    """Decode what the study's cache lacks, then map the images of a run.

    Args:
        study: the study's folder.
        images: a run's table of images: image, path.
        size: side of the backbone's input in pixels.

    Raises:
        RunError: an image is missing, damaged or was changed since the run was made.
    """
    cache = PixelCache(study / "cache", size)
    ids = [str(image) for image in images["image"]]
    broken: tuple[tuple[str, str], ...] = ()
    said = dict(zip(ids, map(Path, images["path"]), strict=True))
    for event in cache.build(image_files(study, said, cache.rows().keys()).items()):
        if isinstance(event, Done):
            broken = event.value.broken
        else:
            yield event
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise RunError(
            f"{counted(len(broken), 'image')} of this run cannot be used: "
            f"{broken[0][1].rstrip('.')}{more}. Put them back, or relink the study's image "
            f"folder, and go on."
        )
    rows = cache.rows()
    yield Done(Pixels(cache.read(), np.array([rows[image] for image in ids], dtype=np.int64)))


def open_features(
    study: Path, images: "pd.DataFrame", backbone: Backbone, pixels: Pixels
) -> Iterator[Progress | Done[Features]]:
    """What the frozen backbone sees in each image, computed once per study and backbone.

    Args:
        study: the study's folder, whose cache keeps them.
        images: a run's table of images.
        backbone: the frozen network.
        pixels: the same images, decoded.
    """
    path = features_file(study / "cache", backbone.sha256)
    ids = [str(image) for image in images["image"]]
    known = dict(read_rows(path, "features"))
    missing = [place for place, image in enumerate(ids) if image not in known]
    for start in range(0, len(missing), _FEATURES_PER_PASS):
        part = missing[start : start + _FEATURES_PER_PASS]
        rows = backbone.encode(pixels.take(np.array(part, dtype=np.int64)))
        known.update(zip([ids[place] for place in part], rows, strict=True))
        yield Progress(
            min(start + _FEATURES_PER_PASS, len(missing)),
            len(missing),
            "Reading features of the images",
        )
    if missing:
        write_rows(path, "features", known)
    yield Done(Features(np.stack([known[image] for image in ids])))
