"""Models that need no image tower, in their run folder:
`head.safetensors`, heads on frozen features."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.scoring_parts import (
    CollaborativeScores,
    LinearScores,
    MlpScores,
    PosteriorScores,
    RetrievalScores,
    Scoring,
)
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.collaborative import CollaborativeHeads
from prism_desktop.engine.models.heads.retrieval import RetrievalHeads
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.image_blocks import ImageBlock
from prism_desktop.engine.models.versions import made_by_earlier_version, record
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.tensor_files import KEY, read_arrays


class Heads(Protocol):
    """What every kind of heads can do."""

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(images, d) -> (labelers, attributes, images); differences are logits."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a file."""


def _decoder(arrays: Mapping[str, NDArray[Any]]) -> Heads:
    from prism_desktop.engine.models.decoder import DecoderModel  # the only one that needs torch

    return DecoderModel.from_arrays(arrays)


KINDS: Mapping[type[Scoring], Callable[[Mapping[str, NDArray[Any]]], Heads]] = {
    LinearScores: LinearHeads.from_arrays,
    PosteriorScores: BayesHeads.from_arrays,
    CollaborativeScores: CollaborativeHeads.from_arrays,
    RetrievalScores: RetrievalHeads.from_arrays,
    MlpScores: _decoder,
}


def reader(method: str) -> Callable[[Mapping[str, NDArray[Any]]], Heads]:
    """What makes the heads of a method from what `Heads.arrays` returned.

    Raises:
        KeyError: if the method has no heads on features.
    """
    return KINDS[type(METHODS[method].on(embeddings=True).scoring)]


@dataclass(frozen=True, slots=True)
class HeadCard:
    """What `head.safetensors` says of itself, as JSON in its metadata."""

    method: str
    backbone: str
    backbone_sha256: str  # of the weights, or of the imported embeddings
    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    # optional blocks whose columns stand beside the backbone's features, in this order
    blocks: tuple[ImageBlock, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LoadedHeads:
    """Trained heads, ready to predict."""

    heads: Any
    card: HeadCard

    def scores(
        self,
        features: NDArray[np.float32],
        labelers: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """(images, d) frozen features -> (labelers, attributes, images) float32.

        Args:
            features: of the images.
            labelers: codes; None for all.
            attributes: names; None for all.
            images: which image of the run each is, -1 for none; None for the run's, in their order.

        Raises:
            InputError: if a labeler is unknown, or an attribute that nobody labeled is asked for.
        """
        rows = [
            place("labeler", code, self.card.labelers) for code in labelers or self.card.labelers
        ]
        columns = [
            place("attribute", name, self.card.attributes)
            for name in attributes or self.card.attributes
        ]
        heads = self.heads
        told = (
            heads.scores(features, images)
            if isinstance(heads, CollaborativeHeads)
            else heads.scores(features)
        )
        found: NDArray[np.float32] = told[np.ix_(rows, columns)]
        return found


def place(kind: str, name: str, known: Sequence[str]) -> int:
    """Where a labeler or an attribute stands among the known ones.

    Raises:
        InputError: if it is none of them.
    """
    if name in known:
        return known.index(name)
    more = "" if kind == "labeler" else "; this method does not read text, so it knows no other"
    raise InputError(f"This run has no {kind} {name!r}; it has {', '.join(known)}{more}.")


def save_heads(heads: Heads, path: Path, card: HeadCard, file: str = layout.HEAD) -> None:
    """Write heads and their card whole into a file of a run's folder."""
    arrays = {name: np.array(array, order="C") for name, array in heads.arrays().items()}
    said = {name: told for name, told in asdict(card).items() if told or name != "blocks"}
    metadata = {KEY: json.dumps(said)}
    write_whole(path / file, lambda beside: save_file(arrays, beside, metadata=metadata))


def load_heads(run: Path, file: str = layout.HEAD) -> LoadedHeads:
    """Read what `save_heads` wrote into a file of a run's folder.

    Raises:
        RunError: if there are no readable heads in the folder.
    """
    path = run / file
    if not layout.holds(run, file):
        raise RunError(
            f"{run.name} holds no heads; finish its training, or choose a run of a method that has "
            "them."
        )
    try:
        check_file(run, file)
        arrays, fields = read_arrays(path)
        fields |= {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
        card = record(HeadCard, fields, run)
        make = reader(card.method)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"The model file {path} is damaged ({error}); train again.") from error
    try:
        return LoadedHeads(make(arrays), card)
    except KeyError as lacking:
        raise made_by_earlier_version(run, f"its {lacking.args[0]}") from lacking
    except (TypeError, ValueError, LookupError, RuntimeError) as error:
        raise RunError(f"The model file {path} is damaged ({error}); train again.") from error
