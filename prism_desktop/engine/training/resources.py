"""What a run works with: the device, the backbone, and the images as pixels and as features."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from prism_desktop.engine.backbones import Backbone, fetch, load, parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import Device, Precision, choose_device, precision
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.training.features import Features, open_features
from prism_desktop.engine.training.pixels import Pixels, open_pixels


@dataclass(slots=True, eq=False)
class Resources:
    """What a run shares with the runs that it stands on.

    Attributes:
        backbone: None where imported embeddings take its place.
        pixels: None likewise.
        features: of the frozen backbone; None until `read_features` has run.
        sha256: of the backbone's weights, or of the embeddings.
    """

    device: Device
    precision: Precision
    backbone: Backbone | None
    pixels: Pixels | None
    features: Features | None
    sha256: str

    def read_features(self, run: RunFolder) -> Iterator[Progress]:
        """Make `features`, from the study's cache where it has them."""
        if self.features is not None:
            return
        backbone, pixels = self.tower()
        for event in open_features(run.study, run.table("images"), backbone, pixels):
            if isinstance(event, Done):
                self.features = event.value
            else:
                yield event

    def tower(self) -> tuple[Backbone, Pixels]:
        """The image backbone and the pixels.

        Raises:
            InputError: if there are only embeddings.
        """
        if self.backbone is None or self.pixels is None:
            raise InputError(
                "Imported embeddings have no image tower; choose an image backbone for this method."
            )
        return self.backbone, self.pixels


@dataclass(slots=True)
class ResourceCache:
    """Keeps the last workshop for the next run, if that needs the same."""

    _key: tuple[object, ...] = ()
    _workshop: Resources | None = None

    def find(self, run: RunFolder) -> Resources | None:
        """The workshop that was put, if it serves this run as well."""
        return self._workshop if self._key == _needs(run) else None

    def put(self, run: RunFolder, resources: Resources) -> None:
        """Keep the workshop that was opened for a run."""
        self._key, self._workshop = _needs(run), resources

    def clear(self) -> None:
        """Give the memory back, also the device's."""
        self._key, self._workshop = (), None
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
        config.precision,
        images,
    )


def open_resources(run: RunFolder) -> Iterator[Progress | Notice | Done[Resources]]:
    """Choose the device, fetch and load the backbone,
    decode the images that are not in the cache yet."""
    config = run.config()
    device, spec = choose_device(config.device), parse(config.backbone)
    if spec.kind == "embeddings":
        yield Done(_with_embeddings(run, config, device, spec.model))
        return
    yield from (event for event in fetch(spec) if not isinstance(event, Done))
    backbone = load(spec, device)
    pixels: Pixels | None = None
    for found in open_pixels(run.study, run.table("images"), backbone.image_size):
        if isinstance(found, Done):
            pixels = found.value
        else:
            yield found
    if pixels is None:
        raise RunError("The images could not be decoded.")
    how = precision(device, config.precision, backbone.width)
    yield Done(Resources(device, how, backbone, pixels, None, backbone.sha256))


def _with_embeddings(run: RunFolder, config: TrainConfig, device: Device, name: str) -> Resources:
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
    rows = matrix[np.array([place[image] for image in wanted], dtype=np.int64)]
    return Resources(
        device,
        precision(device, config.precision, matrix.shape[1]),
        None,
        None,
        Features(rows),
        sha256,
    )
