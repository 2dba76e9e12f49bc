"""Whatever model a run holds, loaded to score images that it may never have seen.

`load_predictor` reads an adapted tower, heads on frozen features or a combination of other runs;
`image_scoring.score_images` scores any images with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.backbones import Backbone, parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.prompt_layout import Pair
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.models.image_blocks import ImageBlock, SeenImages
from prism_desktop.engine.models.obstacles import NO_PICTURES, no_map
from prism_desktop.engine.models.saved import (
    LoadedRun,
    checked,
    load_network,
    load_run,
)
from prism_desktop.engine.models.saved_heads import LoadedHeads, load_heads, place
from prism_desktop.engine.runs import layout
from prism_desktop.engine.stimulus_words import TEXTS

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class GivenTexts:
    """Texts to be scored.

    Attributes:
        pairs: prompts and texts, for what reads them.
        features: (texts, width) float32 of the frozen model, for heads; None where nobody asks.
    """

    pairs: Sequence[Pair]
    features: NDArray[np.float32] | None

    def __getitem__(self, rows: Sequence[int]) -> GivenTexts:
        found = None if self.features is None else self.features[list(rows)]
        return GivenTexts([self.pairs[row] for row in rows], found)


class Predictor(Protocol):
    """A trained model of any kind."""

    @property
    def method(self) -> str:
        """Name of the method that it was trained by."""

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes, in the order of training."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names, in the order of training."""

    @property
    def backbone(self) -> Backbone | LanguageModel | str:
        """The network that sees for it, or the name of the imported embeddings that it reads."""

    @property
    def blocks(self) -> tuple[ImageBlock, ...]:
        """What it reads of images beside that, as far as anybody must find it out."""

    def check(self, labelers: Sequence[str], attributes: Sequence[str]) -> None:
        """Raise an InputError of one sentence if it cannot
        speak for a labeler or of an attribute."""

    def scores(
        self,
        inputs: NDArray[Any] | GivenTexts,
        labelers: Sequence[str],
        attributes: Sequence[str],
        rows: Ints,
        seen: SeenImages,
    ) -> Floats:
        """Predict.

        Args:
            inputs: (n, S, S, 3) or (n, 3, S, S) uint8 pixels for a backbone, else (n, d) float32
                embeddings; texts for a language model.
            labelers: codes.
            attributes: names of the run; any words, if it reads text.
            rows: (n,) which image of the run each is, -1 for none.
            seen: what its blocks read of the images.

        Returns:
            (labelers, attributes, n) float32; differences are logits.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """An adapted tower, of images or of texts.

    Of images the only kind that reads words nobody labeled and tells where it looks.
    """

    loaded: LoadedRun

    @property
    def method(self) -> str:
        """Name of its method."""
        return self.loaded.method.name

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.loaded.labelers

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names."""
        return self.loaded.attributes

    @property
    def backbone(self) -> Backbone | LanguageModel:
        """The network."""
        found: Backbone | LanguageModel = self.loaded.backbone
        return found

    @property
    def blocks(self) -> tuple[ImageBlock, ...]:
        """None: it sees the image."""
        return ()

    def check(self, labelers: Sequence[str], attributes: Sequence[str]) -> None:
        """Any words may be asked."""
        for code in labelers:
            self.loaded.row(code)

    def scores(
        self,
        inputs: NDArray[Any] | GivenTexts,
        labelers: Sequence[str],
        attributes: Sequence[str],
        rows: Ints,
        seen: SeenImages,
    ) -> Floats:
        """As `LoadedRun.scores`."""
        given = inputs.pairs if isinstance(inputs, GivenTexts) else inputs
        return self.loaded.scores(given, labelers, attributes)


@dataclass(frozen=True, slots=True, eq=False)
class OnFeatures:
    """Heads on what a frozen backbone sees, on imported embeddings, or on texts' features."""

    loaded: LoadedHeads
    backbone: Backbone | LanguageModel | str

    @property
    def method(self) -> str:
        """Name of its method."""
        return self.loaded.card.method

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.loaded.card.labelers

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names."""
        return self.loaded.card.attributes

    @property
    def blocks(self) -> tuple[ImageBlock, ...]:
        """Those that its heads have axes for."""
        return self.loaded.card.blocks

    def check(self, labelers: Sequence[str], attributes: Sequence[str]) -> None:
        """Only labeled attributes are known; a language model reads any words."""
        _check(self, labelers, attributes)

    def scores(
        self,
        inputs: NDArray[Any] | GivenTexts,
        labelers: Sequence[str],
        attributes: Sequence[str],
        rows: Ints,
        seen: SeenImages,
    ) -> Floats:
        """As `LoadedHeads.scores`; by words that nobody labeled the same for every labeler, as
        `typed_scores`."""
        features: Any = inputs.features if isinstance(inputs, GivenTexts) else inputs
        if isinstance(self.backbone, Backbone):
            features = self.backbone.encode(features)
        if self.blocks:
            features = np.hstack([features, *(block.columns(seen) for block in self.blocks)])
        known = [name for name in attributes if name in self.attributes]
        if len(known) == len(attributes):
            return self.loaded.scores(features, labelers, attributes, rows)
        assert isinstance(self.backbone, LanguageModel), "`check` was asked"
        by_words = typed_scores(self.backbone, features, attributes)
        found = np.repeat(by_words[None], len(labelers), axis=0)
        if known:
            places = [attributes.index(name) for name in known]
            found[:, places] = self.loaded.scores(features, labelers, known, rows)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """A weighted sum of other runs of the same data."""

    method: str
    members: tuple[Predictor, ...]  # those that weigh anything
    weights: Floats  # (members, labelers)

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.members[0].labelers

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names."""
        return self.members[0].attributes

    @property
    def backbone(self) -> Backbone | LanguageModel | str:
        """Its members' own: dependencies share it."""
        return self.members[0].backbone

    @property
    def blocks(self) -> tuple[ImageBlock, ...]:
        """Its members'."""
        return tuple(dict.fromkeys(block for one in self.members for block in one.blocks))

    def check(self, labelers: Sequence[str], attributes: Sequence[str]) -> None:
        """Weights were learned for labeled attributes, so no others are known."""
        _check(self, labelers, attributes)

    def scores(
        self,
        inputs: NDArray[Any] | GivenTexts,
        labelers: Sequence[str],
        attributes: Sequence[str],
        rows: Ints,
        seen: SeenImages,
    ) -> Floats:
        """The members' scores, weighted for each labeler."""
        weights = self.weights[:, [self.labelers.index(code) for code in labelers]]
        each = np.stack(
            [member.scores(inputs, labelers, attributes, rows, seen) for member in self.members]
        )
        total: Floats = np.einsum("mu,muan->uan", weights, each).astype(np.float32)
        return total


def typed_scores(
    reader: LanguageModel, features: NDArray[np.float32], words: Sequence[str]
) -> Floats:
    """How near texts are to words that nobody labeled, as the frozen model reads both.

    Args:
        reader: the model.
        features: (n, width) of texts.
        words: of each attribute.

    Returns:
        (words, n) float32 cosines; no labeler enters, and whether they say anything is to be
        checked, see `evaluation.typed_words`.
    """
    vectors = reader.encode_attributes([sentences(each, TEXTS.templates) for each in words])
    return np.asarray(vectors @ features.T, np.float32)


def load_predictor(
    run: Path, device: str = "auto", backbone: Backbone | LanguageModel | None = None
) -> Predictor:
    """Load the model that a run holds, whatever its kind.

    Args:
        run: a run's folder.
        device: as in `choose_device`.
        backbone: one that is loaded already, to be shared; None to load the one that the run names.

    Raises:
        RunError: if there is no model, it is damaged, or the backbone is not the one that it was
            trained on.
        BackboneError: if the backbone cannot be loaded.
    """
    if layout.holds(run, layout.COMBINATION):
        return _load_combination(run, device, backbone)
    if not layout.holds(run, layout.HEAD):
        return Tower(load_run(run, device, backbone))
    loaded = load_heads(run)
    spec = parse(loaded.card.backbone)
    if spec.kind == "embeddings":
        return OnFeatures(loaded, spec.model)
    network = backbone or load_network(spec, choose_device(device))
    return OnFeatures(loaded, checked(network, loaded.card.backbone_sha256, run))


def _load_combination(
    run: Path, device: str, backbone: Backbone | LanguageModel | None
) -> Combined:
    """The members that weigh anything, all on one backbone."""
    kept = [member for member in read_combination(run) if any(member.weight)]
    members: list[Predictor] = []
    for member in kept:
        folder = run.with_name(member.run)
        if not folder.is_dir():
            raise RunError(
                f"{run.name} combines the run {member.run}, which was deleted; train again."
            )
        members.append(load_predictor(folder, device, backbone))
        found = members[-1].backbone
        backbone = None if isinstance(found, str) else found
    if not members:
        raise RunError(
            f"{run.name} weighs none of its members, so it has nothing to say; train again."
        )
    weights = np.array([member.weight for member in kept], dtype=np.float32)
    return Combined("combination", tuple(members), weights)


def tower_of(predictor: Predictor) -> LoadedRun:
    """The image tower that can be asked where it looks.

    Raises:
        InputError: if it has none.
    """
    if isinstance(predictor.backbone, LanguageModel):
        raise InputError(NO_PICTURES)
    if isinstance(predictor, Tower):
        return predictor.loaded
    raise InputError(no_map(combined=isinstance(predictor, Combined)))


def _check(predictor: Predictor, labelers: Sequence[str], attributes: Sequence[str]) -> None:
    for code in labelers:
        place("labeler", code, predictor.labelers)
    if isinstance(predictor.backbone, LanguageModel):
        return
    for name in attributes:
        place("attribute", name, predictor.attributes)
