"""The reading of attributes by a frozen text tower or language model, after a labeler's learned
word or profile where there is one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.base import AttributeTexts
from prism_desktop.engine.models.kept_readings import KeptReading, read_once
from prism_desktop.engine.models.text_tokens import with_profile


class AttributeReader(ABC):
    """Reads attributes, and remembers what it read: what reads them is frozen."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Tensor] = {}
        self._own = KeptReading[dict[int, Tensor]]()  # as labelers read with their words

    @property
    @abstractmethod
    def source(self) -> Any:
        """The frozen network that reads, as learned words enter it."""

    @abstractmethod
    def mean(self, sentences: Sequence[str]) -> Tensor:
        """(embed_dim,) float32: the mean of the sentences' unit vectors."""

    @abstractmethod
    def with_profile(self, profile: str, sentences: Sequence[str]) -> tuple[str, ...]:
        """Sentences as somebody of this profile would be asked."""

    @torch.no_grad()
    def vectors(self, attributes: AttributeTexts) -> Tensor:
        """The frozen vector of each attribute: the mean of its sentences' unit vectors, unit norm.

        Args:
            attributes: for each attribute its sentences (see `attribute_texts.sentences`).

        Returns:
            (attributes, embed_dim) float32, without gradient; each attribute is encoded once.
        """
        for attribute in dict.fromkeys(tuple(attribute) for attribute in attributes):
            if attribute not in self._known:
                self._known[attribute] = functional.normalize(self.mean(attribute), dim=-1)
        return torch.stack([self._known[tuple(attribute)] for attribute in attributes])

    def read(
        self,
        attribute_texts: AttributeTexts,
        labeler: Tensor,
        words: nn.Module | None,
        profiles: Sequence[str] | None,
    ) -> Tensor:
        """Attributes as labelers read them.

        Args:
            attribute_texts: for each attribute its sentences.
            labeler: (rows,) int64.
            words: learned words, where the method has them: of the network, the attributes and
                (n,) int64 labelers they make (n, attributes, embed_dim).
            profiles: each labeler's profile, where the method reads it before the attribute.

        Returns:
            (attributes, embed_dim), or (rows, attributes, embed_dim) where labelers read
            differently.
        """
        if words is None and not profiles:
            return self.vectors(attribute_texts)
        distinct, row = torch.unique(labeler, return_inverse=True)
        if words is not None:
            asked = tuple(map(tuple, attribute_texts))
            own = read_once(
                self._own.of(words, asked, dict),
                distinct.tolist(),
                lambda some: words(self.source, attribute_texts, labeler.new_tensor(some)),
            )
            return own[row]
        assert profiles is not None
        read = [
            self.vectors([self.with_profile(profiles[code], one) for one in attribute_texts])
            for code in distinct.tolist()
        ]
        return torch.stack(read)[row]


class ClipReader(AttributeReader):
    """Reads attributes with CLIP's text tower."""

    def __init__(self, backbone: Backbone, model: Any = None) -> None:
        """`model` is one that shares the backbone's text tower; None for the backbone's own."""
        super().__init__()
        self.backbone, self._model = backbone, model

    @property
    def source(self) -> Any:
        """The open_clip model."""
        return self.backbone.model if self._model is None else self._model

    def mean(self, sentences: Sequence[str]) -> Tensor:
        """As declared."""
        ids = self.backbone.tokenizer(list(sentences)).to(self.backbone.device.torch)
        found: Tensor = self.source.encode_text(ids, normalize=True).float().mean(dim=0)
        return found

    def with_profile(self, profile: str, sentences: Sequence[str]) -> tuple[str, ...]:
        """As declared."""
        return with_profile(profile, sentences, self.backbone.tokenizer)
