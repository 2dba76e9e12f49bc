"""Attention made visible: the image tower's attention tensors, with their gradients."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.fused_blocks import heads, merge


@dataclass(frozen=True, slots=True, eq=False)
class BlockAttention:
    """What one block's attention computed; n = 1 + tokens + patches, rows attend to columns."""

    weights: Tensor  # (batch, heads, n, n) float32
    query: Tensor  # (batch, heads, n, width / heads)
    key: Tensor
    value: Tensor
    mixed: Tensor  # the same shape: weights times values, before they are projected


@contextlib.contextmanager
def recorded_attention(model: PersonalClip | nn.Module) -> Iterator[list[BlockAttention]]:
    """Inside, each visual block that tokens enter computes its attention step by step and keeps it:
    those behind a model's trunk, all where it has none.

    open_clip's blocks never return attention weights; this computes the same output from the same
    weights.

    Args:
        model: a personal model, or an open_clip model.

    Yields:
        A list that after each forward pass holds what each block computed. With gradients on,
        those of `weights` and `mixed` can be asked for, even if no parameter of the model requires
        one.

    Raises:
        BackboneError: if the blocks are not open_clip's ordinary ones.
    """
    visual: Any = model.visual
    blocks = list(visual.transformer.resblocks)[getattr(model, "trunk", 0) :]
    if not all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks):
        raise BackboneError(
            "This backbone computes attention in a way of its own; maps of it cannot be shown."
        )
    maps: list[BlockAttention] = []
    before = [
        {name: vars(block).get(name) for name in ("attention", "forward")} for block in blocks
    ]
    for number, block in enumerate(blocks):
        block.attention = functools.partial(_attention, block.attn, maps, number)
        block.forward = functools.partial(type(block).forward, block)  # no short cut around it
    try:
        yield maps
    finally:
        for block, own in zip(blocks, before, strict=True):
            for name, found in own.items():
                if found is None:
                    delattr(block, name)  # the class's own method shows again
                else:
                    setattr(block, name, found)


def _attention(
    attn: nn.MultiheadAttention, maps: list[BlockAttention], number: int, q_x: Tensor, **_: Any
) -> Tensor:
    """What `nn.MultiheadAttention` computes, (batch, n, width)
    -> the same, with the weights put into `maps`."""
    if number == 0:
        maps.clear()
    query, key, value = heads(attn, q_x)
    weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).float().softmax(dim=-1)
    if torch.is_grad_enabled() and not weights.requires_grad:
        weights.requires_grad_()
    mixed = weights.to(value.dtype) @ value
    maps.append(BlockAttention(weights, query, key, value, mixed))
    return merge(attn, mixed)
