"""Attention written out as two products with the weights in between.

torch's own attention takes ten times as long for the gradient in bfloat16 on a processor (96 images
of ViT-B/32 in torch 2.15: 359 for 31 ms of one thread), and no longer without a gradient. It never
holds the weights, which grow with the square of the tokens, so that long rows stay with it.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

_SHORT: Final = 300  # tokens; 257 of ViT-L/14 included


def gains(query: Tensor, key: Tensor) -> bool:
    """Whether attention is faster written out; (..., n, width) each."""
    return (
        query.dtype == torch.bfloat16
        and query.device.type == "cpu"
        and query.requires_grad
        and max(query.shape[-2], key.shape[-2]) <= _SHORT
    )


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, scale: float = 0.0
) -> Tensor:
    """(..., n, width) each -> the same.

    Args:
        mask: (..., n, n), True where a row may look, or what is added to the logits; None for all.
        scale: of the logits; 0 for 1 / sqrt(width).
    """
    logits = query * (scale or query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if mask is not None and mask.dtype == torch.bool:
        logits = logits.masked_fill(~mask, torch.finfo(logits.dtype).min)
    elif mask is not None:
        logits = logits + mask.to(logits.dtype)
    found: Tensor = logits.softmax(-1) @ value
    return found


def use_in_transformers() -> None:
    """Let the language models of this process use it where it gains.

    What transformers calls `sdpa` is replaced by a function that hands everything else on to it.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def forward(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        dropout: float = 0.0, scaling: float | None = None, is_causal: bool | None = None,
        **others: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        odd = any(others.get(name) is not None for name in ("position_bias", "cache", "softcap"))
        if odd or dropout or not gains(query, key):
            told: tuple[Tensor, None] = sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout=dropout, scaling=scaling,
                is_causal=is_causal, **others,
            )  # fmt: skip
            return told
        causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
        n, seen = query.shape[2], key.shape[2]
        if attention_mask is None and causal and n > 1:
            attention_mask = torch.ones(n, seen, dtype=torch.bool, device=query.device).tril()
        shared = query.shape[1] // key.shape[1]  # heads that look at the same keys
        if shared > 1:
            key, value = (one.repeat_interleave(shared, dim=1) for one in (key, value))
        mixed = attention(query, key, value, attention_mask, scaling or 0.0)
        return mixed.transpose(1, 2).contiguous(), None

    ALL_ATTENTION_FUNCTIONS.register("sdpa", forward)
