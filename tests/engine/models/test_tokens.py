"""Labelers' tokens enter between the class token and
the patches, after positions and before `ln_pre`."""

from typing import Any

import pytest
import torch
from torch import Tensor

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.tokens import TokenInserter, UserPrompts


def _prompts(labelers: int = 3, tokens: int = 2, width: int = 4) -> UserPrompts:
    return UserPrompts(
        range(labelers), tokens, width, std=0.02, generator=torch.Generator().manual_seed(0)
    )


def test_that_tokens_stand_between_the_class_token_and_the_patches() -> None:
    prompts = _prompts()
    seen = torch.randn(2, 6, 4)
    inserter = TokenInserter(prompts)
    with inserter.using(torch.tensor([2, 0])):
        inserted = inserter(seen)
    assert inserted.shape == (2, 8, 4)
    assert torch.equal(inserted[:, 0], seen[:, 0])
    assert torch.equal(inserted[:, 1:3], prompts.table[[2, 0]])
    assert torch.equal(inserted[:, 3:], seen[:, 1:])


def test_that_tokens_take_the_images_dtype() -> None:
    inserter = TokenInserter(_prompts())
    with inserter.using(torch.tensor([0])):
        assert inserter(torch.randn(1, 6, 4).bfloat16()).dtype is torch.bfloat16


def test_that_another_width_is_refused() -> None:
    inserter = TokenInserter(_prompts())
    with (
        pytest.raises(ValueError, match="5 wide, the labelers' 4"),
        inserter.using(torch.tensor([0])),
    ):
        inserter(torch.randn(1, 6, 5))


def test_that_initial_tokens_have_the_asked_spread() -> None:
    table = UserPrompts(
        range(50), 1, 200, std=0.02, generator=torch.Generator().manual_seed(0)
    ).table
    assert table.std().item() == pytest.approx(0.02, rel=0.05)


def test_that_nothing_is_inserted_outside_its_context() -> None:
    inserter = TokenInserter(_prompts())
    seen = torch.randn(2, 6, 4)
    with inserter.using(torch.tensor([0, 1])):
        assert inserter(seen).shape == (2, 8, 4)
    with pytest.raises(IndexError), inserter.using(torch.tensor([0, 9])):
        inserter(seen)
    assert inserter(seen) is seen


def test_that_the_whole_pass_equals_one_written_by_hand(backbone: Backbone, pixels: Tensor) -> None:
    # B is zero: the adapters do nothing yet
    model = PersonalClip(backbone, 3, tokens=2, token_std=1.0)
    labeler = torch.tensor([0, 1, 2, 1, 0])
    assert torch.allclose(
        model.image_features(pixels, labeler),
        _by_hand(backbone.model, pixels, model.prompts.table[labeler]),
        atol=1e-5,
    )


def _by_hand(clip: Any, pixels: Tensor, tokens: Tensor) -> Tensor:
    """The image tower as CLIP's paper has it, with tokens (batch, tokens, width)."""
    visual = clip.visual
    patches = visual.conv1(pixels).flatten(2).transpose(1, 2)
    first = visual.class_embedding.expand(len(pixels), 1, -1)
    placed = torch.cat([first, patches], dim=1) + visual.positional_embedding
    x = visual.ln_pre(torch.cat([placed[:, :1], tokens, placed[:, 1:]], dim=1))
    for block in visual.transformer.resblocks:
        x = block(x)
    return torch.nn.functional.normalize(visual.ln_post(x[:, 0]) @ visual.proj, dim=-1)
