"""Attention made visible: the image tower's attention tensors, with their gradients."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.fused_blocks import heads, merge


@contextlib.contextmanager
def recorded_attention(model: PersonalClip | nn.Module) -> Iterator[list[Tensor]]:
    """Inside, each visual block computes its attention step by step and keeps it.

    open_clip's blocks never return attention weights; this computes the same output from the same
    weights.

    Args:
        model: a personal model, or an open_clip model.

    Yields:
        A list that after each forward pass holds, block by block, (batch, heads, n, n) float32 with
        n = 1 + tokens + patches, rows attending to columns. With gradients on, `.grad` of each is
        filled by a backward pass, even if no parameter of the model requires a gradient.

    Raises:
        BackboneError: if the blocks are not open_clip's ordinary ones.
    """
    visual: Any = model.visual
    blocks = list(visual.transformer.resblocks)
    if not all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks):
        raise BackboneError(
            "This backbone computes attention in a way of its own; maps of it cannot be shown."
        )
    maps: list[Tensor] = []
    before = [vars(block).get("attention") for block in blocks]
    for number, block in enumerate(blocks):
        block.attention = functools.partial(_attention, block.attn, maps, number)
    try:
        yield maps
    finally:
        for block, own in zip(blocks, before, strict=True):
            if own is None:
                del block.attention  # the class's own method shows again
            else:
                block.attention = own


def _attention(
    attn: nn.MultiheadAttention, maps: list[Tensor], number: int, q_x: Tensor, **_: Any
) -> Tensor:
    """What `nn.MultiheadAttention` computes, (batch, n, width)
    -> the same, with the weights put into `maps`."""
    if number == 0:
        maps.clear()
    query, key, value = heads(attn, q_x)
    weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).float().softmax(dim=-1)
    if torch.is_grad_enabled():
        if weights.requires_grad:
            weights.retain_grad()
        else:
            weights.requires_grad_()
    maps.append(weights)
    return merge(attn, weights.to(value.dtype) @ value)
