"""Attention written out has the values and the gradients of torch's own."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaConfig, LlamaModel

from prism_desktop.engine.backbones import written_attention

CAUSAL = torch.ones(7, 7, dtype=torch.bool).tril()
LESS = torch.zeros(2, 1, 7, 7).masked_fill(torch.rand(2, 1, 7, 7) < 0.3, -1.5)


@pytest.mark.parametrize("mask", [None, CAUSAL, LESS], ids=["all", "some", "less of some"])
@pytest.mark.parametrize("scale", [0.0, 0.7])
def test_that_it_is_the_attention_of_torch(mask: Tensor | None, scale: float) -> None:
    torch.manual_seed(1)
    given = [torch.randn(2, 3, 7, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    mask = mask.double() if mask is not None and mask.is_floating_point() else mask
    theirs = functional.scaled_dot_product_attention(*given, attn_mask=mask, scale=scale or None)
    mine = written_attention.attention(*given, mask, scale)
    assert torch.allclose(mine, theirs)
    weight = torch.randn_like(mine)
    for one, other in zip(
        torch.autograd.grad((mine * weight).sum(), given),
        torch.autograd.grad((theirs * weight).sum(), given),
        strict=True,
    ):
        assert torch.allclose(one, other)


@pytest.mark.parametrize(
    ("dtype", "learns", "tokens", "gains"),
    [
        (torch.bfloat16, True, 257, True),
        (torch.bfloat16, True, 1024, False),
        (torch.bfloat16, False, 51, False),
        (torch.float32, True, 51, False),
    ],
)
def test_where_it_is_taken(dtype: torch.dtype, learns: bool, tokens: int, gains: bool) -> None:
    query = torch.zeros(1, 1, tokens, 2, dtype=dtype, requires_grad=learns)
    assert written_attention.gains(query, query) is gains


def test_that_a_mask_may_be_more_exact_than_what_it_is_added_to() -> None:
    given = [torch.randn(2, 1, 7, 8, dtype=torch.bfloat16) for _ in range(3)]
    assert written_attention.attention(*given, LESS).dtype == torch.bfloat16


@pytest.mark.parametrize("padded", [False, True])
def test_that_language_models_read_alike_with_it(
    padded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model in bfloat16 is as near to float32 with it as with torch's attention."""
    torch.manual_seed(2)
    sizes: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(
        vocab_size=11, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        attn_implementation="sdpa", **sizes,
    )  # fmt: skip
    exact: Any = LlamaModel(config).requires_grad_(False).eval()
    rough = copy.deepcopy(exact).bfloat16()
    seen = torch.ones(3, 9, dtype=torch.long)
    if padded:
        seen[0, :4] = 0
    read = seen.bool()
    words = torch.randn(3, 9, 32)

    def learned(model: Any, dtype: torch.dtype) -> list[Tensor]:
        inputs = words.to(dtype).clone().requires_grad_()
        told = model(inputs_embeds=inputs, attention_mask=seen if padded else None)
        states = told.last_hidden_state.float()[read]
        (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
        assert inputs.grad is not None
        return [states.detach(), inputs.grad.float()[read]]

    expected, asked = learned(exact, torch.float32), []
    written_attention.use_in_transformers()
    with monkeypatch.context() as patch:
        patch.setattr(written_attention, "gains", lambda *_: False)
        theirs = learned(rough, torch.bfloat16)
        real = written_attention.attention
        patch.setattr(written_attention, "gains", lambda query, _: query.requires_grad)
        patch.setattr(written_attention, "attention", lambda *a: asked.append(0) or real(*a))
        mine = learned(rough, torch.bfloat16)
    assert len(asked) == 2  # once in each layer
    for one, other, right in zip(mine, theirs, expected, strict=True):
        off = (one - right).norm() / right.norm()
        assert off < 2 * (other - right).norm() / right.norm() + 1e-3
