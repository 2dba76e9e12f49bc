"""Fused blocks: the same values as open_clip's, computed with fewer passes over memory.

On a CPU these passes, not the products, are what training with frozen weights can still save.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from prism_desktop.engine.backbones import written_attention


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


@contextlib.contextmanager
def class_token_alone(visual: Any) -> Iterator[None]:
    """Inside, the last block of an image tower computes the row of the class token alone.

    Exact: nothing else of that block is read where the class token is the image's features. Of a
    tower of four blocks that saves a quarter of the products. Towers that pool otherwise stay as
    they are.
    """
    block = visual.transformer.resblocks[-1]
    known = (
        type(block) is ResidualAttentionBlock
        and getattr(visual, "pool_type", "") == "tok"
        and visual.attn_pool is None
        and block.attn.in_proj_weight is not None
        and "forward" not in vars(block)
    )
    if not known:
        yield
        return
    block.forward = functools.partial(_first_row, block)
    try:
        yield
    finally:
        del block.forward  # the class's own method shows again


def _first_row(block: Any, q_x: Tensor, *_: Any, **__: Any) -> Tensor:
    """What a block makes of the first token, which attends to all: (batch, n, width) -> (batch, 1,
    width).

    A product with a key of W x is one with x of the query through W, and the mean of values is the
    value of the mean: so neither keys nor values of the other tokens are computed. The bias of keys
    adds the same to all, which softmax does not see.
    """
    attn, normed = block.attn, block.ln_1(q_x)
    width = normed.shape[-1]
    (of_query, of_key, of_value), (to_query, _, to_value) = (
        part.split(width) for part in (attn.in_proj_weight, attn.in_proj_bias)
    )
    per_head = attn.num_heads, width // attn.num_heads, width
    query = functional.linear(normed[:, 0], of_query, to_query).view(-1, *per_head[:2])
    asked = torch.einsum("bhd,hdw->bhw", query, of_key.view(per_head)) * per_head[1] ** -0.5
    weights = (asked @ normed.transpose(1, 2)).softmax(-1)  # (batch, heads, n)
    value = torch.einsum("bhw,hdw->bhd", weights @ normed, of_value.view(per_head)).flatten(1)
    x = q_x[:, :1] + block.ls_1(attn.out_proj(value + to_value)[:, None])
    found: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
    return found


def attention(attn: nn.MultiheadAttention, q_x: Tensor, **_: Any) -> Tensor:
    """Self-attention (batch, n, width) -> the same, without
    `nn.MultiheadAttention`'s copies of its inputs."""
    query, key, value = heads(attn, q_x)
    if written_attention.gains(query, key):
        return merge(attn, written_attention.attention(query, key, value))
    return merge(attn, functional.scaled_dot_product_attention(query, key, value))


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
        scaled = x * 1.702
        ctx.save_for_backward(scaled)
        return functional.silu(scaled).mul_(1 / 1.702)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (scaled,) = ctx.saved_tensors
        gradient: Tensor = torch.ops.aten.silu_backward(grad, scaled)
        return gradient
