"""Adapters sit on the image tower's MLPs only, load with plain PEFT, and fold exactly into the frozen weights."""

import copy
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.personal.lora import load_adapter, save_adapter
from prism_desktop.engine.personal.model import PersonalClip

LABELER = torch.tensor([0, 1, 2, 1, 0])


def test_that_only_the_image_towers_mlps_are_adapted(model: PersonalClip) -> None:
    adapted = {name for name, module in model.clip.named_modules() if isinstance(module, LoraLinear)}
    assert adapted == {f"visual.transformer.resblocks.{i}.mlp.{leaf}" for i in (0, 1) for leaf in ("c_fc", "c_proj")}


def test_that_plain_peft_loads_a_saved_adapter_and_sees_the_same(
    model: PersonalClip, backbone: Backbone, pixels: Tensor, tmp_path: Path
) -> None:
    save_adapter(model.adapted, tmp_path / "adapter")
    plain = PeftModel.from_pretrained(copy.deepcopy(backbone.model), str(tmp_path / "adapter")).eval()
    features = plain.base_model.model.encode_image(pixels, normalize=True)
    assert torch.allclose(features, model.image_features(pixels, None), atol=1e-5)


def test_that_saving_leaves_the_model_trainable(model: PersonalClip, tmp_path: Path) -> None:
    before = model.counts()
    save_adapter(model.adapted, tmp_path)
    assert model.counts() == before
    assert not model.adapted.peft_config["default"].inference_mode


def test_that_a_saved_adapter_is_read_back_exactly(model: PersonalClip, backbone: Backbone, tmp_path: Path) -> None:
    save_adapter(model.adapted, tmp_path)
    other = PersonalClip(backbone, 3, tokens=2, seed=9)
    load_adapter(other.adapted, tmp_path)
    mine, theirs = model.trainable_state(), other.trainable_state()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine if ".lora_" in name)


def test_that_fused_adapters_see_the_same(model: PersonalClip, pixels: Tensor) -> None:
    separate = model.image_features(pixels, LABELER)
    with model.fused(), torch.no_grad():
        fused = model.image_features(pixels, LABELER)
        assert not any(isinstance(module, LoraLinear) for module in model.modules())
    assert torch.allclose(fused, separate, atol=1e-5)
    assert torch.equal(model.image_features(pixels, LABELER), separate)


def test_that_fusing_equals_pefts_own_merge(
    model: PersonalClip, backbone: Backbone, pixels: Tensor, tmp_path: Path
) -> None:
    save_adapter(model.adapted, tmp_path)
    merged = PeftModel.from_pretrained(copy.deepcopy(backbone.model), str(tmp_path)).merge_and_unload().eval()
    with model.fused(), torch.no_grad():
        fused = model.image_features(pixels, None)
    assert torch.allclose(fused, merged.encode_image(pixels, normalize=True), atol=1e-5)
