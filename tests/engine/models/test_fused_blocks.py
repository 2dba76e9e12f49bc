"""The fast forms compute what open_clip computes, values and gradients."""

import copy
from typing import Any

import torch
from open_clip.transformer import QuickGELU
from torch import Tensor, nn

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.fused_blocks import (
    FastQuickGelu,
    attention,
    class_token_alone,
    use_fused_blocks,
)


def _features_and_gradient(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    seen = pixels.clone().requires_grad_()
    features = visual(seen)
    (features * torch.linspace(-1, 1, features.numel()).view_as(features)).sum().backward()
    assert seen.grad is not None
    return features.detach(), seen.grad


def test_that_a_faster_tower_sees_the_same(backbone: Backbone, pixels: Tensor) -> None:
    plain: Any = copy.deepcopy(backbone.model.visual)
    for block in plain.transformer.resblocks:
        block.mlp.gelu = QuickGELU()
    fast = copy.deepcopy(plain)
    use_fused_blocks(fast)
    assert all(isinstance(block.mlp.gelu, FastQuickGelu) for block in fast.transformer.resblocks)
    for mine, theirs in zip(
        _features_and_gradient(fast, pixels), _features_and_gradient(plain, pixels), strict=True
    ):
        assert torch.allclose(mine, theirs, atol=1e-5, rtol=1e-4)


def test_that_the_class_token_alone_is_what_the_whole_block_makes_of_it(
    backbone: Backbone, pixels: Tensor
) -> None:
    visual: Any = copy.deepcopy(backbone.model.visual)
    whole = _features_and_gradient(visual, pixels)
    seen: list[Tensor] = []
    with class_token_alone(visual):
        visual.ln_post.register_forward_hook(lambda _layer, given, _out: seen.append(given[0]))
        alone = _features_and_gradient(visual, pixels)
    for mine, theirs in zip(alone, whole, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5, rtol=1e-4)
    assert seen[0].shape[1] == 1
    assert torch.equal(_features_and_gradient(visual, pixels)[0], whole[0])
    assert seen[1].shape[1] == 1 + backbone.patches


def test_that_attention_in_bfloat16_has_the_values_and_gradients_of_float32() -> None:
    torch.manual_seed(0)
    exact = nn.MultiheadAttention(64, 2, batch_first=True)
    rough = copy.deepcopy(exact).bfloat16()
    x = torch.randn(3, 9, 64)
    weight = torch.linspace(-1, 1, x.numel()).view_as(x)
    found = []
    for attn, dtype in ((exact, torch.float32), (rough, torch.bfloat16)):
        seen = x.to(dtype).clone().requires_grad_()
        mixed = attention(attn, seen)
        (mixed * weight).sum().backward()
        assert seen.grad is not None
        found.append((mixed.detach().float(), seen.grad.float()))
    for mine, theirs in zip(found[1], found[0], strict=True):
        off = (mine - theirs).norm() / theirs.norm()
        assert off < 2e-2  # 2^-8 is the rounding of one number
    theirs, _ = exact(x, x, x, need_weights=False)
    assert torch.allclose(found[0][0], theirs, atol=1e-5)


def test_that_a_tower_that_pools_otherwise_is_left_whole(
    backbone: Backbone, pixels: Tensor
) -> None:
    visual: Any = copy.deepcopy(backbone.model.visual)
    visual.pool_type = "avg"
    whole = visual(pixels)
    with class_token_alone(visual):
        assert torch.equal(visual(pixels), whole)


def test_that_the_activation_is_quick_gelu() -> None:
    x = torch.linspace(-8, 8, 101, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(FastQuickGelu()(x), QuickGELU()(x), atol=1e-12)
    assert torch.autograd.gradcheck(FastQuickGelu(), (x,))


def test_that_the_activation_leaves_its_input_alone() -> None:
    x = torch.randn(5)
    before = x.clone()
    FastQuickGelu()(x)
    assert torch.equal(x, before)


def test_that_other_blocks_stay_as_they_are() -> None:
    class Tower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = nn.Module()
            self.transformer.resblocks = nn.ModuleList([nn.Linear(2, 2)])

    tower = Tower()
    use_fused_blocks(tower)
    assert "attention" not in vars(tower.transformer.resblocks[0])
