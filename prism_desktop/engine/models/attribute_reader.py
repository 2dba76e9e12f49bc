"""The reading of attributes by the frozen text tower, after a labeler's learned word or profile
where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from prism_desktop.engine.models.base import AttributeTexts
from prism_desktop.engine.models.text_tokens import UserWords, with_profile


class TextReader:
    """Reads attributes, and remembers what it read: the text tower is frozen."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._known: dict[tuple[str, ...], Tensor] = {}

    @torch.no_grad()
    def vectors(self, clip: Any, attributes: AttributeTexts) -> Tensor:
        """The frozen text tower's vector of each attribute:
        the mean of its sentences' unit vectors, unit norm.

        Args:
            clip: the open_clip model.
            attributes: for each attribute its sentences (see `attribute_texts.sentences`).

        Returns:
            (attributes, embed_dim) float32, without gradient; each attribute is encoded once.
        """
        for attribute in dict.fromkeys(tuple(attribute) for attribute in attributes):
            if attribute not in self._known:
                ids = self.tokenizer(list(attribute)).to(next(clip.parameters()).device)
                mean = clip.encode_text(ids, normalize=True).float().mean(dim=0)
                self._known[attribute] = functional.normalize(mean, dim=-1)
        return torch.stack([self._known[tuple(attribute)] for attribute in attributes])

    def read(
        self,
        clip: Any,
        attribute_texts: AttributeTexts,
        labeler: Tensor,
        words: UserWords | None,
        profiles: Sequence[str] | None,
    ) -> Tensor:
        """Attributes as labelers read them.

        Args:
            clip: the open_clip model.
            attribute_texts: for each attribute its sentences.
            labeler: (rows,) int64.
            words: learned words, where the method has them.
            profiles: each labeler's profile, where the method reads it before the attribute.

        Returns:
            (attributes, embed_dim), or (rows, attributes, embed_dim) where labelers read
            differently.
        """
        if words is None and not profiles:
            return self.vectors(clip, attribute_texts)
        distinct, row = torch.unique(labeler, return_inverse=True)
        if words is not None:
            own: Tensor = words(clip, attribute_texts, distinct)
            return own[row]
        assert profiles is not None
        read = [
            self.vectors(
                clip,
                [
                    with_profile(profiles[code], sentences, self.tokenizer)
                    for sentences in attribute_texts
                ],
            )
            for code in distinct.tolist()
        ]
        return torch.stack(read)[row]
