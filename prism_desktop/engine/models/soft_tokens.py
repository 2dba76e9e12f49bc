"""Soft tokens before a text: vectors in the place of a language model's words, which it reads as it
reads those.

Source: Lester, Al-Rfou and Constant, "The Power of Scale for Parameter-Efficient Prompt Tuning",
EMNLP 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.backbones.causal_lm import LanguageModel, hidden_states, own_mean
from prism_desktop.engine.backbones.prompt_layout import LaidOut, TextTokenizer
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.base import AttributeTexts

LEAST_ROOM = 8  # tokens of the context that a text keeps beside soft tokens
READ, OWN = 1, 2  # what a token is: of the prompt or the layout, or of the text itself; 0: filling

Tokens = NDArray[np.int64]


def before(ahead: Tensor, embedded: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Soft tokens in front of embedded texts.

    Args:
        ahead: (rows, soft, width).
        embedded: (rows, tokens, width).
        seen: (rows, tokens), 0 where a row is filled up.

    Returns:
        (rows, soft + tokens, width) in the dtype of `embedded`, and (rows, soft + tokens).
    """
    inner = torch.cat([ahead.to(embedded.dtype), embedded], dim=1)
    return inner, torch.cat([seen.new_ones(ahead.shape[:2]), seen], dim=1)


def leaving_room(reader: TextTokenizer, soft: int) -> TextTokenizer:
    """A tokenizer whose texts fit behind so many soft tokens.

    Raises:
        InputError: if they leave no room for a text.
    """
    if reader.context - soft < LEAST_ROOM:
        raise InputError(
            f"{soft} soft tokens leave no room for a text in the {reader.context:,} tokens that "
            "this language model reads; choose fewer with --set tokens=1."
        )
    return replace(reader, context=reader.context - soft) if soft else reader


def as_array(laid: Sequence[LaidOut], pad: int) -> Tokens:
    """(texts, 2, longest) int64: token ids, filled up to the longest, and what each is (`READ`,
    `OWN` or 0)."""
    longest = max((len(one.ids) for one in laid), default=0)
    found = np.zeros((len(laid), 2, longest), np.int64)
    found[:, 0] = pad
    for row, one in enumerate(laid):
        size = len(one.ids)
        found[row, 0, :size] = one.ids
        found[row, 1, :size] = READ
        found[row, 1, one.first : size] = OWN
    return found


def mean_states(model: Any, ahead: Tensor | None, tokens: Tensor, memory: Any = None) -> Tensor:
    """What a model reads in texts behind soft tokens: the mean of the last hidden states over each
    text's own tokens, unit norm.

    Args:
        model: without its head.
        ahead: (texts, soft, width); None for none.
        tokens: (texts, 2, longest), see `as_array`, on the model's device.
        memory: what the embedded tokens look things up in, (texts, n, width) -> the same; or None.

    Returns:
        (texts, hidden width) float32.
    """
    ids, kind = tokens.unbind(1)
    return read_vectors(model, ahead, model.get_input_embeddings()(ids), kind, memory)


def read_vectors(
    model: Any, ahead: Tensor | None, embedded: Tensor, kind: Tensor, memory: Any = None
) -> Tensor:
    """As `mean_states`, of texts that are embedded already.

    Args:
        model, ahead, memory: as there.
        embedded: (texts, longest, width).
        kind: (texts, longest) what each token is, see `as_array`.
    """
    seen, own = (kind > 0).long(), (kind == OWN).float()
    if memory is not None:
        embedded = memory(embedded)
    soft = 0 if ahead is None else ahead.shape[1]
    if ahead is not None:
        embedded, seen = before(ahead, embedded, seen)
    states = hidden_states(model, seen, inputs_embeds=embedded)[:, soft:]
    return own_mean(states, own)


class SoftWords(nn.Module):
    """One learned vector per labeler before every sentence about an attribute.

    Attributes:
        table: (labelers, 1, width) float32.
    """

    def __init__(
        self, labelers: int, backbone: LanguageModel, *, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        drawn = torch.randn(labelers, 1, backbone.token_width, generator=generator) * std
        self.table = nn.Parameter(drawn)
        self._reader = leaving_room(backbone.reader, 1)
        self._known: dict[tuple[str, ...], Tensor] = {}

    def forward(self, model: Any, attribute_texts: AttributeTexts, labelers: Tensor) -> Tensor:
        """What labelers read: (labelers, attributes, hidden width), unit norm, with gradient.

        Args:
            model: the frozen language model, without its head.
            attribute_texts: the attributes, as sentences.
            labelers: (n,) int64.
        """
        found = []
        for sentences in attribute_texts:
            tokens, many = self._tokens(tuple(sentences)).to(self.table.device), len(sentences)
            ahead = self.table[labelers].repeat_interleave(many, dim=0)
            read = mean_states(model, ahead, tokens.repeat(len(labelers), 1, 1))
            found.append(read.view(len(labelers), many, -1).mean(dim=1))
        return functional.normalize(torch.stack(found, dim=1), dim=-1)

    def _tokens(self, sentences: tuple[str, ...]) -> Tensor:
        if sentences not in self._known:
            laid = self._reader.lay_out([(None, one) for one in sentences])
            self._known[sentences] = torch.from_numpy(as_array(laid, self._reader.pad))
        return self._known[sentences]
