"""Features of a run's images, and where a study keeps them: what the frozen backbone saw in each
image, or imported embeddings. Importing this needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.saved_heads import HeadCard
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.row_cache import features_file, read_rows

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """Feature vectors by the images' number in the run.

    Attributes:
        array: (images, features) float32.
    """

    array: Matrix

    def __len__(self) -> int:
        return len(self.array)

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> Matrix:
        """Copy rows out; features cannot be mirrored, so `flips` changes nothing."""
        return self.array[images]


def kept_features(run: RunFolder, card: HeadCard) -> Matrix | None:
    """(images, d) of a run's images as its heads know them, without a look at its backbone; None
    where the study does not keep all of them.

    Args:
        run: whose images.
        card: of the heads, says of which backbone or embeddings.
    """
    spec = parse(card.backbone)
    wanted = [str(image) for image in run.table("images")["image"]]
    known: Mapping[str, npt.NDArray[np.float32]]
    if spec.kind == "embeddings":
        ids, matrix, sha256 = read_embeddings(run.study, spec.model)
        known = dict(zip(ids, matrix, strict=True)) if sha256 == card.backbone_sha256 else {}
    else:
        known = read_rows(features_file(run.study / "cache", card.backbone_sha256), "features")
    if any(image not in known for image in wanted):
        return None
    return np.stack([known[image] for image in wanted])
