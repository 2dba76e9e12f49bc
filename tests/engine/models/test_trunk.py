"""What enters an image tower late leaves the blocks in front of it alone."""

import copy
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from torch import Tensor

from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import Device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import METHODS, method
from prism_desktop.engine.methods.needed_methods import combines
from prism_desktop.engine.methods.parts.adapter_parts import Adapters
from prism_desktop.engine.methods.parts.visual_tokens import NoTokens, VisualTokens
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.models.attention import recorded_attention
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.lora import save_adapter
from tests.fixtures.backbone import make_backbone

LABELER = torch.tensor([0, 1, 2, 1, 0, 2])
IMAGE = torch.tensor([4, 4, 4, 0, 0, 2])
BLOCKS = 4


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """A tiny backbone of four blocks."""
    text = make_backbone(tmp_path_factory.mktemp("deep"), blocks=BLOCKS)
    return load(parse(text), Device("cpu", "CPU", ""))


def busy(backbone: Backbone, trunk: int) -> PersonalClip:
    """Three labelers with tokens and adapters that do something."""
    model = PersonalClip(backbone, 3, tokens=2, token_std=1.0, trunk=trunk)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.adapted.named_parameters():
            if "lora_B" in name:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return model


@pytest.mark.parametrize("trunk", [1, 3])
def test_that_a_pass_equals_one_written_by_hand(trunk: int, deep: Backbone, pixels: Tensor) -> None:
    model = busy(deep, trunk)
    visual, fresh = model.visual, deep.model.visual
    placed = torch.cat(
        [
            fresh.class_embedding.expand(len(pixels), 1, -1),
            fresh.conv1(pixels).flatten(2).transpose(1, 2),
        ],
        dim=1,
    )
    x = fresh.ln_pre(placed + fresh.positional_embedding)
    for block in fresh.transformer.resblocks[:trunk]:
        x = block(x)
    x = x[IMAGE]
    x = torch.cat([x[:, :1], model.prompts(LABELER), x[:, 1:]], dim=1)
    for block in visual.transformer.resblocks[trunk:]:
        x = block(x)  # outside a pass the model's hook leaves it alone
    by_hand = torch.nn.functional.normalize(fresh.ln_post(x[:, 0]) @ fresh.proj, dim=-1)
    assert torch.allclose(model.image_features(pixels, LABELER, IMAGE), by_hand, atol=1e-5)
    assert torch.allclose(model.encode(pixels, LABELER, IMAGE), by_hand, atol=1e-5)
    with model.fused(), torch.no_grad():
        assert torch.allclose(model.encode(pixels, LABELER, IMAGE), by_hand, atol=1e-5)


def test_that_nothing_put_in_leaves_the_frozen_tower(deep: Backbone, pixels: Tensor) -> None:
    model = PersonalClip(deep, 3, tokens=0, trunk=2)  # B is zero: the adapters do nothing yet
    plain = deep.model.encode_image(pixels, normalize=True)[IMAGE]
    assert torch.allclose(model.encode(pixels, LABELER, IMAGE), plain, atol=1e-5)


def test_that_images_pass_the_trunk_once_and_rows_the_rest(deep: Backbone, pixels: Tensor) -> None:
    model, seen = busy(deep, 2), list[tuple[int, ...]]()
    for block in model.visual.transformer.resblocks:
        block.register_forward_hook(lambda _block, _in, out: seen.append(tuple(out.shape[:2])))
    model.image_features(pixels, LABELER, IMAGE)
    assert seen == [(5, 17)] * 2 + [(6, 19)] * 2
    separate = model.image_features(pixels[IMAGE], LABELER)
    assert torch.allclose(model.image_features(pixels, LABELER, IMAGE), separate, atol=1e-5)


def test_that_rows_of_some_patches_pass_all_blocks_by_themselves(
    deep: Backbone, pixels: Tensor
) -> None:
    model = busy(deep, 2)
    everything = torch.arange(16).expand(len(IMAGE), -1)
    whole = model.image_features(pixels, LABELER, IMAGE)
    assert torch.allclose(
        model.image_features(pixels, LABELER, IMAGE, everything), whole, atol=1e-5
    )
    some = model.image_features(pixels, LABELER, IMAGE, everything[:, :9])
    assert not torch.allclose(some, whole, atol=1e-3)
    alone = model.image_features(pixels[[4]], LABELER[[1]], None, everything[:1, :9])
    assert torch.allclose(some[1], alone[0], atol=1e-5)


def test_that_only_what_lies_behind_the_trunk_is_trained(deep: Backbone, pixels: Tensor) -> None:
    model, reached = busy(deep, 2), list[bool]()
    for block in model.visual.transformer.resblocks:
        block.register_forward_hook(lambda _block, _in, out: reached.append(out.requires_grad))
    model.encode(pixels, LABELER, IMAGE).sum().backward()
    assert reached == [False, False, True, True]
    named = [name for name, tensor in model.named_parameters() if tensor.grad is not None]
    numbers = {name.split("resblocks.")[1][0] for name in named if "resblocks" in name}
    assert numbers == {"2", "3"}
    assert "prompts.table" in named
    whole = PersonalClip(deep, 3, tokens=2).counts()
    assert model.counts()["lora"] == whole["lora"] // 2
    assert model.counts()["tokens"] == whole["tokens"]


def test_that_plain_peft_loads_adapters_behind_a_trunk(
    deep: Backbone, pixels: Tensor, tmp_path: Path
) -> None:
    model = busy(deep, 3)
    save_adapter(model.adapted, tmp_path / "adapter")
    plain = PeftModel.from_pretrained(copy.deepcopy(deep.model), str(tmp_path / "adapter")).eval()
    features = plain.base_model.model.encode_image(pixels, normalize=True)
    assert torch.allclose(features, model.image_features(pixels, None), atol=1e-5)
    assert not torch.allclose(features, deep.model.encode_image(pixels, normalize=True), atol=1e-3)


def test_that_blocks_are_recorded_from_where_the_tokens_enter(
    deep: Backbone, pixels: Tensor
) -> None:
    model = busy(deep, 1)
    with recorded_attention(model) as maps:
        model.image_features(pixels[:2], LABELER[:2])
    assert [tuple(each.weights.shape[2:]) for each in maps] == [(19, 19)] * 3


@pytest.mark.parametrize("trunk", [BLOCKS, BLOCKS + 5])
def test_that_a_trunk_that_leaves_no_block_is_refused(trunk: int, deep: Backbone) -> None:
    with pytest.raises(InputError, match=r"has 4 in all; choose at most trunk=3\."):
        PersonalClip(deep, 3, trunk=trunk)


def test_that_methods_that_put_something_into_a_tower_read_the_trunk() -> None:
    for name, chosen in METHODS.items():
        tokens = any(not isinstance(part, NoTokens) for part in chosen.of(VisualTokens))
        late = name != "full-finetune" and (tokens or chosen.has(Adapters))
        assert chosen.reads("trunk") == late, name
        if not combines(chosen):  # what its members read
            assert TrainConfig(method=name, trunk=1).entered_behind == int(late), name
    assert not reads(method("lora-visual-prompt"), "trunk", embeddings=True)
    assert not reads(method("hierarchical-bayes"), "trunk")


def test_that_a_trunk_of_a_language_model_is_refused() -> None:
    with pytest.raises(InputError, match="trunk=1 is for image towers, and prism-mini-lm reads"):
        TrainConfig().with_options({"backbone": "prism-mini-lm", "trunk": 1})
