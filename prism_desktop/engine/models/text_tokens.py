"""Attributes as labelers read them: a learned word of each
labeler in the text tower, or the profile before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.base import AttributeTexts


class UserWords(nn.Module):
    """One learned vector per labeler that enters every sentence after its start.

    One padding place at the end goes, and the place where the sentence is read off moves by one.
    The gradient goes through the whole frozen text tower. Source: Zhou et al., "Learning to Prompt
    for Vision-Language Models", IJCV 2022, with a context of one word that belongs to a labeler
    instead of a class.

    Attributes:
        table: (labelers, 1, text width) float32.
    """

    def __init__(
        self, labelers: int, backbone: Backbone, *, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        tower = text_tower(backbone.model)
        self.table = nn.Parameter(
            torch.randn(labelers, 1, tower.token_embedding.weight.shape[1], generator=generator)
            * std
        )
        self._ids: dict[tuple[str, ...], Tensor] = {}
        self._tokenizer = backbone.tokenizer

    def forward(self, clip: Any, attribute_texts: AttributeTexts, labelers: Tensor) -> Tensor:
        """What labelers read: (labelers, attributes, embed_dim), unit norm, with gradient.

        Args:
            clip: the open_clip model.
            attribute_texts: the attributes, as sentences.
            labelers: (n,) int64.
        """
        ids = torch.cat([self._tokens(tuple(sentences)) for sentences in attribute_texts])
        features = _encode(text_tower(clip), ids.to(self.table.device), self.table[labelers])
        unit = torch.split(
            functional.normalize(features.float(), dim=-1),
            [len(part) for part in attribute_texts],
            dim=1,
        )
        return functional.normalize(torch.stack([part.mean(dim=1) for part in unit], dim=1), dim=-1)

    def _tokens(self, sentences: tuple[str, ...]) -> Tensor:
        if sentences not in self._ids:
            self._ids[sentences] = self._tokenizer(list(sentences))
        return self._ids[sentences]


def text_tower(clip: Any) -> Any:
    """The module that holds the text tower's parts: the
    model itself, or its `text` in newer architectures."""
    return clip.text if hasattr(clip, "text") else clip


def with_profile(
    profile: str, sentences: Sequence[str], tokenizer: Callable[[Sequence[str]], Tensor]
) -> tuple[str, ...]:
    """Sentences as somebody of this profile would be asked; unchanged without a profile.

    The text tower reads so many tokens and no more, and what it must not miss comes last: a profile
    too long for a sentence loses its last words.
    """
    words = profile.split()
    nothing = tokenizer([""])[0, -1]  # what fills unused places
    attribute_texts = []
    for sentence in sentences:
        kept = len(words)
        while kept and tokenizer([_joined(words[:kept], sentence)])[0, -1] != nothing:
            kept -= 1
        attribute_texts.append(_joined(words[:kept], sentence))
    return tuple(attribute_texts)


def _joined(words: Sequence[str], sentence: str) -> str:
    return f"{' '.join(words).rstrip('.')}. {sentence}" if words else sentence


def _encode(tower: Any, ids: Tensor, words: Tensor) -> Tensor:
    """(sentences, context) int64 and (n, 1, width) -> (n, sentences, embed_dim).

    Later places cannot be seen by earlier ones (the tower is causal), so the sentences are cut
    after the longest one.
    """
    end = ids.argmax(dim=-1)  # the end of text has the highest number
    length = min(int(end.max()) + 2, ids.shape[1])
    plain = tower.token_embedding(ids[:, :length])
    n, sentences = len(words), len(ids)
    rows = plain.unsqueeze(0).expand(n, -1, -1, -1)
    own = words.unsqueeze(1).expand(-1, sentences, -1, -1).to(plain.dtype)
    x = torch.cat([rows[:, :, :1], own, rows[:, :, 1 : length - 1]], dim=2).flatten(0, 1)
    x = x + tower.positional_embedding[:length].to(plain.dtype)
    mask = tower.attn_mask[:length, :length] if tower.attn_mask is not None else None
    x = tower.ln_final(tower.transformer(x, attn_mask=mask))
    place = (end + 1).clamp(max=length - 1).repeat(n)
    x = x[torch.arange(len(x), device=x.device), place]
    projection = tower.text_projection
    x = projection(x) if isinstance(projection, nn.Linear) else x @ projection
    features: Tensor = x.view(n, sentences, -1)
    return features
