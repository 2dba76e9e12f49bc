"""Adapters sit on the image tower's MLPs only, load with
plain PEFT, and fold exactly into the frozen weights."""

import copy
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.lora import load_adapter, save_adapter
from prism_desktop.engine.models.lora_layer import FrozenLoraLinear, _LowRankProduct

LABELER = torch.tensor([0, 1, 2, 1, 0])


def test_that_only_the_image_towers_mlps_are_adapted(model: PersonalClip) -> None:
    adapted = {
        name for name, module in model.clip.named_modules() if isinstance(module, LoraLinear)
    }
    assert adapted == {
        f"visual.transformer.resblocks.{i}.mlp.{leaf}"
        for i in (0, 1)
        for leaf in ("c_fc", "c_proj")
    }


def test_that_plain_peft_loads_a_saved_adapter_and_sees_the_same(
    model: PersonalClip, backbone: Backbone, pixels: Tensor, tmp_path: Path
) -> None:
    save_adapter(model.adapted, tmp_path / "adapter")
    plain = PeftModel.from_pretrained(
        copy.deepcopy(backbone.model), str(tmp_path / "adapter")
    ).eval()
    features = plain.base_model.model.encode_image(pixels, normalize=True)
    assert torch.allclose(features, model.image_features(pixels, None), atol=1e-5)


def test_that_saving_leaves_the_model_trainable(model: PersonalClip, tmp_path: Path) -> None:
    before = model.counts()
    save_adapter(model.adapted, tmp_path)
    assert model.counts() == before
    assert not model.adapted.peft_config["default"].inference_mode


def test_that_a_saved_adapter_is_read_back_exactly(
    model: PersonalClip, backbone: Backbone, tmp_path: Path
) -> None:
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
    merged = (
        PeftModel.from_pretrained(copy.deepcopy(backbone.model), str(tmp_path))
        .merge_and_unload()
        .eval()
    )
    with model.fused(), torch.no_grad():
        fused = model.image_features(pixels, None)
    assert torch.allclose(fused, merged.encode_image(pixels, normalize=True), atol=1e-5)


def test_that_the_fast_layer_computes_pefts_values_and_gradients(
    model: PersonalClip, pixels: Tensor
) -> None:
    def results() -> dict[str, Tensor]:
        model.zero_grad()
        features = model.image_features(pixels, LABELER)
        (features * torch.linspace(-1, 1, features.numel()).view_as(features)).sum().backward()
        grads = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        return {"features": features.detach()} | grads

    fast = results()
    for module in model.modules():
        if isinstance(module, FrozenLoraLinear):
            module.__class__ = LoraLinear
    slow = results()
    assert fast.keys() == slow.keys()
    assert len(fast) == 1 + 1 + 8
    assert all(torch.allclose(fast[name], slow[name], atol=1e-5, rtol=1e-4) for name in fast)


def test_that_the_fast_layers_gradient_is_numerically_right() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"x": (2, 3, 5), "weight": (4, 5), "bias": (4,), "down": (2, 5), "up": (4, 2)}
    drawn = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }
    for name in ("x", "down", "up"):
        drawn[name].requires_grad_()
    assert torch.autograd.gradcheck(_LowRankProduct.apply, (*drawn.values(), 0.25))


def test_that_a_gates_gradient_is_numerically_right_too() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "x": (2, 3, 5),
        "weight": (4, 5),
        "bias": (4,),
        "down": (2, 5),
        "up": (4, 2),
        "gate": (2, 2),
    }
    drawn = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }
    for name in ("x", "down", "up", "gate"):
        drawn[name].requires_grad_()
    assert torch.autograd.gradcheck(_LowRankProduct.apply, tuple(drawn.values()))


@pytest.mark.parametrize("name", ["l2-constrained", "moe-lora"])
def test_that_adapters_side_by_side_are_pefts_one_after_the_other(
    name: str, backbone: Backbone, pixels: Tensor
) -> None:
    model = PersonalClip(backbone, 3, method=method(name), experts=2, alpha=3.0)
    assert model.adapted is not None
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for own, tensor in model.adapted.named_parameters():
            if "lora_B" in own:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
        told = model.encode(pixels, LABELER)
        for row, labeler in enumerate(LABELER.tolist()):
            gate = model.shares.gate(LABELER[row])[None] if name == "moe-lora" else None
            # The mixture's adapters are as strong together as one: sqrt(2) for two.
            size = {
                own: 1.0
                for own in model.adapted.peft_config
                if own in ("default", f"own-{labeler}")
            }
            if gate is not None:
                size = {f"expert-{e}": float(gate[0, e]) * 2**0.5 for e in (0, 1)}
            by_hand = _with_pefts_sum(model, size, pixels[[row]], labeler)
            assert torch.allclose(told[[row]], by_hand, atol=1e-5)


def _with_pefts_sum(
    model: PersonalClip, size: dict[str, float], pixels: Tensor, labeler: int
) -> Tensor:
    """What PEFT's own layers see with these adapters at these sizes, beside the labeler's token."""
    layers = [module for module in model.modules() if isinstance(module, FrozenLoraLinear)]
    for layer in layers:
        layer.__class__ = LoraLinear
        layer.set_adapter(list(size))
        for own, factor in size.items():
            layer.scaling[own] *= factor
    shares, model.shares = model.shares, None
    seen = model.encode(pixels, torch.tensor([labeler]))
    model.shares = shares
    for layer in layers:
        layer.__class__ = FrozenLoraLinear
        for own, factor in size.items():
            layer.scaling[own] /= factor
    return seen


def test_that_the_adapters_file_names_nothing_of_ours(model: PersonalClip, tmp_path: Path) -> None:
    save_adapter(model.adapted, tmp_path)
    assert "prism" not in (tmp_path / "adapter_config.json").read_text()
    assert "Frozen" not in (tmp_path / "adapter_config.json").read_text()
