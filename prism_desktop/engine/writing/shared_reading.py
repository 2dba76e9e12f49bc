"""What a pass over texts need not compute twice: beginnings that rows share, and logits that nobody
asks for.

Rows of one person (of everybody, where a method tells nobody apart) begin alike: soft tokens, a
profile, examples, the tokens that a chat model expects before a prompt. Their keys and values are
computed once a pass, with gradients, and each row goes on from them. The head of the language model
reads the states before own tokens alone, as the vocabulary is what costs most memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers.cache_utils import Cache, DynamicCache

from prism_desktop.engine.writing.token_rows import TokenBatch, TokenRow, as_batch

_WORTH: Final = 0.1  # share of a pass's tokens that must be saved


class Beginnings(NamedTuple):
    """Which rows begin alike.

    Attributes:
        tokens: of each row how many of its first tokens are shared.
        first: of each beginning a row that has it.
        which: of each row its beginning.
    """

    tokens: list[int]
    first: list[int]
    which: list[int]


def beginnings(
    rows: Sequence[TokenRow], people: Sequence[Hashable], ahead: int, before: int
) -> Beginnings | None:
    """The beginnings of rows; None if it is not worth while to read them apart.

    Args:
        rows: texts.
        people: of each what its soft tokens and adapters follow from.
        ahead: soft tokens.
        before: tokens ahead of every prompt.
    """
    tokens = [min(row.context + before, row.first - 1) for row in rows]
    known: dict[tuple[Hashable, tuple[int, ...]], int] = {}
    first: list[int] = []
    which: list[int] = []
    for place, (row, person, count) in enumerate(zip(rows, people, tokens, strict=True)):
        key = person, tuple(row.ids[:count])
        if key not in known:
            known[key] = len(first)
            first.append(place)
        which.append(known[key])
    saved = sum(tokens[at] + ahead for at in which) - sum(tokens[at] + ahead for at in first)
    whole = sum(len(row.ids) + ahead for row in rows)
    return Beginnings(tokens, first, which) if saved > _WORTH * whole else None


def spread(model: Any, cache: Cache, rows: Tensor) -> Cache:
    """A cache in which each row goes on from one of another pass, gradients included.

    Args:
        model: the language model.
        cache: of the pass over beginnings.
        rows: (rows,) int64, of each the beginning.
    """
    found = DynamicCache(config=model.config)
    for place, layer in enumerate(cache.layers):
        keys, values = layer.keys, layer.values  # type: ignore[union-attr]
        assert keys is not None
        assert values is not None
        found.update(keys[rows], values[rows], place)
    return found


def rest_of(
    rows: Sequence[TokenRow], tokens: Sequence[int], pad: int, device: torch.device
) -> TokenBatch:
    """Rows behind their shared beginnings, as tensors."""
    left = [
        TokenRow(row.ids[count:], row.first - count, 0, row.cut)
        for row, count in zip(rows, tokens, strict=True)
    ]
    return as_batch(left, pad, device)


@contextmanager
def asked_alone(model: Any, asked: Tensor) -> Iterator[None]:
    """Let the head read some states alone; logits are then (asked, vocabulary), row by row.

    Args:
        model: the language model.
        asked: (rows, tokens) bool.
    """
    handle = model.get_output_embeddings().register_forward_pre_hook(
        lambda module, given: (given[0][asked], *given[1:])
    )
    try:
        yield
    finally:
        handle.remove()


def costs(logits: Tensor, batch: TokenBatch) -> Sequence[Tensor]:
    """How little each row's own tokens were expected: of each row (own tokens,), in nats.

    Args:
        logits: (own tokens, vocabulary), of each what was expected, row by row.
        batch: the rows.
    """
    each = functional.cross_entropy(logits.float(), batch.ids[batch.own], reduction="none")
    return torch.split(each, batch.own.sum(1).tolist())
