"""Attention recorded step by step is the attention that is computed."""

import pytest
import torch
from torch import Tensor

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.models.attention import recorded_attention
from prism_desktop.engine.models.clip import PersonalClip

LABELER = torch.tensor([0, 1, 2, 1, 0])


def test_that_recording_does_not_change_the_features(model: PersonalClip, pixels: Tensor) -> None:
    expected = model.image_features(pixels, LABELER)
    with recorded_attention(model) as maps:
        recorded = model.image_features(pixels, LABELER)
    assert torch.allclose(recorded, expected, atol=1e-5)
    assert [tuple(each.weights.shape) for each in maps] == [(5, 2, 1 + 2 + 16, 1 + 2 + 16)] * 2
    assert all(
        torch.allclose(each.weights.sum(dim=-1), torch.ones(5, 2, 19), atol=1e-5) for each in maps
    )


def test_that_recorded_weights_are_those_of_torch(backbone: Backbone, pixels: Tensor) -> None:
    expected: list[Tensor] = []

    def keep(
        module: torch.nn.MultiheadAttention, inputs: tuple[Tensor, ...], output: object
    ) -> None:
        expected.append(module.forward(*inputs, need_weights=True, average_attn_weights=False)[1])

    hooks = [
        block.attn.register_forward_hook(keep)
        for block in backbone.model.visual.transformer.resblocks
    ]
    backbone.model.encode_image(pixels)  # type: ignore[operator]
    for hook in hooks:
        hook.remove()
    with recorded_attention(backbone.model) as maps:
        backbone.model.encode_image(pixels)  # type: ignore[operator]
    assert all(
        torch.allclose(mine.weights, theirs, atol=1e-6)
        for mine, theirs in zip(maps, expected, strict=True)
    )


def test_that_every_map_has_the_gradient_of_what_follows(
    model: PersonalClip, pixels: Tensor
) -> None:
    model.requires_grad_(False)  # as in a model loaded to predict
    with recorded_attention(model) as maps:
        told = model.image_features(pixels, LABELER)[:, 0].sum()
        found = torch.autograd.grad(told, [each.weights for each in maps])
    assert all(gradient.abs().sum() > 0 for gradient in found)


def test_that_the_gradient_is_the_change_of_the_output(backbone: Backbone, pixels: Tensor) -> None:
    attn = backbone.model.visual.transformer.resblocks[-1]
    with recorded_attention(backbone.model) as maps:
        told = backbone.model.encode_image(pixels[:1])[0, 0]  # type: ignore[operator]
        (found,) = torch.autograd.grad(told, [maps[-1].weights])
    # Only the class token's row of the last block reaches the output.
    assert found[0, :, 1:].abs().max() < 1e-9
    assert found[0, :, 0].abs().max() > 0
    assert attn.attn.in_proj_weight.grad is None


def test_that_all_blocks_are_recorded_where_features_alone_are_wanted(
    model: PersonalClip, pixels: Tensor
) -> None:
    with model.fused(), recorded_attention(model) as maps:
        inner = model.encode(pixels, LABELER)
        assert len(maps) == model.backbone.blocks
    assert torch.allclose(inner, model.encode(pixels, LABELER), atol=1e-5)


def test_that_each_pass_replaces_the_last(model: PersonalClip, pixels: Tensor) -> None:
    with recorded_attention(model) as maps, torch.no_grad():
        model.image_features(pixels, LABELER)
        model.image_features(pixels[:1], None)
        assert [tuple(each.weights.shape) for each in maps] == [(1, 2, 17, 17)] * 2


def test_that_recording_ends(model: PersonalClip, pixels: Tensor) -> None:
    expected = model.image_features(pixels, LABELER)
    with pytest.raises(RuntimeError, match="stop"), recorded_attention(model) as maps:
        raise RuntimeError("stop")
    assert torch.equal(model.image_features(pixels, LABELER), expected)
    assert maps == []


def test_that_unknown_blocks_are_declined() -> None:
    class Odd(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visual = torch.nn.Module()
            self.visual.transformer = torch.nn.Module()
            self.visual.transformer.resblocks = torch.nn.ModuleList([torch.nn.Linear(2, 2)])

    with pytest.raises(BackboneError, match="in a way of its own"), recorded_attention(Odd()):
        pass
