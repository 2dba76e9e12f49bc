"""Which faces look alike, so that they do not follow each other."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from prism_desktop.engine import access
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.labeling.orders import draw
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.image_statistics import read_statistics
from prism_desktop.engine.study.records import ImageId, ImageRecord, StimulusRecord

Floats = npt.NDArray[np.float32]

_ALIKE: Final = 0.95  # quantile of the likeness of two faces beyond which they are alike
_PAIRS: Final = 4_000  # of faces, by which the quantile is estimated
STATISTICS: Final = "statistics"

Alike = Callable[[ImageId], Collection[ImageId]]


def alike_by(
    study: Path, images: Sequence[StimulusRecord], by: str, person: Mapping[ImageId, str]
) -> Alike:
    """Image -> those like it: of the same person, or among the nearest twentieth of all pairs.

    Args:
        study: its folder.
        images: of the study.
        by: "statistics" of the images, which are measured where they are not yet; the name of
            imported embeddings; or "" for persons only.
        person: image -> whom it shows, where that is known.

    Raises:
        InputError, StudyError: there are no such embeddings, or their file is damaged; texts have
            no statistics.
    """
    same: dict[str, set[ImageId]] = {}
    for image, name in person.items():
        same.setdefault(name, set()).add(image)
    near = _near(study, images, by)

    def alike(image: ImageId) -> Collection[ImageId]:
        return near(image) | same.get(person.get(image, ""), set())

    return alike


def _near(
    study: Path, images: Sequence[StimulusRecord], by: str
) -> Callable[[ImageId], frozenset[ImageId]]:
    if by == "":
        return lambda image: frozenset()
    if by == STATISTICS:
        pictures = [image for image in images if isinstance(image, ImageRecord)]
        if images and not pictures:
            raise InputError(
                "Texts have no statistics of an image to tell similar ones by; name imported "
                "embeddings in similar_by, or leave it empty."
            )
        there = {image.id: image.path for image in pictures if not image.missing}
        rows = outcome(read_statistics(access.cache_folder(study), there))
        names, matrix = tuple(rows), np.array(list(rows.values()), np.float32)
    else:
        names, matrix, _ = read_embeddings(study, by)
    return NearFaces(names, matrix).of if len(names) > 2 else lambda image: frozenset()


class NearFaces:
    """Faces whose features point the same way."""

    def __init__(self, images: Sequence[ImageId], features: Floats) -> None:
        """Args: features: (images, width) float32."""
        spread = features.std(axis=0)
        scaled = (features - features.mean(axis=0)) / np.where(spread > 1e-6, spread, 1)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        self._unit = scaled / np.maximum(length, 1e-9)
        self._names = np.array(images, dtype=object)
        self._row = {image: row for row, image in enumerate(images)}
        dice = np.random.default_rng(draw("near", len(images)))
        one, other = dice.integers(len(images), size=(2, _PAIRS))
        likeness = np.einsum("pw,pw->p", self._unit[one], self._unit[other])[one != other]
        self._least = float(np.quantile(likeness, _ALIKE))
        self._kept: dict[ImageId, frozenset[ImageId]] = {}

    def of(self, image: ImageId) -> frozenset[ImageId]:
        """The faces that are like one, itself aside."""
        if image not in self._row:
            return frozenset()
        if image not in self._kept:
            near = self._unit @ self._unit[self._row[image]] >= self._least
            near[self._row[image]] = False
            self._kept[image] = frozenset(self._names[near].tolist())
        return self._kept[image]
