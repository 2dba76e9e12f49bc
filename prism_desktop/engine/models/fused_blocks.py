"""Fused blocks: the same values as open_clip's, computed with fewer passes over memory.

On a CPU these passes, not the products, are what training with frozen weights can still save.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


def use_fused_blocks(visual: Any) -> None:
    """Change the ordinary blocks of an image tower in place.

    Others, and all weights, stay as they are.
    """
    for block in visual.transformer.resblocks:
        if type(block) is not ResidualAttentionBlock:
            continue
        if isinstance(block.mlp.gelu, QuickGELU):
            block.mlp.gelu = FastQuickGelu()
        block.attention = functools.partial(attention, block.attn)


def attention(attn: nn.MultiheadAttention, q_x: Tensor, **_: Any) -> Tensor:
    """Self-attention (batch, n, width) -> the same, without
    `nn.MultiheadAttention`'s copies of its inputs."""
    query, key, value = heads(attn, q_x)
    mixed = functional.scaled_dot_product_attention(query, key, value)
    return merge(attn, mixed)


def heads(attn: nn.MultiheadAttention, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (batch, heads, n, width / heads)."""
    joint = functional.linear(x, attn.in_proj_weight, attn.in_proj_bias)
    split = joint.view(*joint.shape[:-1], 3, attn.num_heads, -1)
    query, key, value = split.permute(2, 0, 3, 1, 4)
    return query, key, value


def merge(attn: nn.MultiheadAttention, mixed: Tensor) -> Tensor:
    """What the heads found, (batch, heads, n, width / heads), projected to (batch, n, width)."""
    projected: Tensor = attn.out_proj(mixed.transpose(1, 2).flatten(2))
    return projected


class FastQuickGelu(nn.Module):
    """x sigmoid(1.702 x), written as silu(1.702 x) / 1.702, which torch computes in one pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, element by element."""
        y: Tensor = _QuickGelu.apply(x)
        return y


class _QuickGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return functional.silu(x * 1.702, inplace=True).mul_(1 / 1.702)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        gradient: Tensor = torch.ops.aten.silu_backward(grad, x * 1.702)
        return gradient
