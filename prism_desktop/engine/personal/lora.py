"""Low-rank adapters on the image tower's MLPs, through PEFT.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

# The text tower's blocks carry the same names, so the bare names would adapt both towers.
TARGET = r"visual\.transformer\.resblocks\.\d+\.mlp\.(c_fc|c_proj)"
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"


class _LowRankProduct(torch.autograd.Function):
    """y = x W' + b + scale (x A') B', with the same products for the gradient and no large temporary beside y.

    Written as separate operations the update costs about as much as half the frozen product, because each of them
    reads and writes the whole activation; here it is added in place.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scale: float
    ) -> Tensor:
        """x (..., inputs); weight (outputs, inputs); down A (rank, inputs); up B (outputs, rank), in x's dtype."""
        flat = x.reshape(-1, x.shape[-1])
        inner = flat @ down.T
        y = functional.linear(flat, weight, bias).addmm_(inner, up.T, alpha=scale)
        ctx.save_for_backward(flat, weight, down, up, inner)
        ctx.scale = scale
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, A and B; the frozen weight and bias have none."""
        flat, weight, down, up, inner = ctx.saved_tensors
        g = grad.reshape(-1, grad.shape[-1])
        g_inner = (g @ up).mul_(ctx.scale)
        g_x = (g @ weight).addmm_(g_inner, down).view(*grad.shape[:-1], -1) if ctx.needs_input_grad[0] else None
        return g_x, None, None, g_inner.T @ flat, (g.T @ inner).mul_(ctx.scale), None


class FrozenLoraLinear(LoraLinear):
    """PEFT's layer for one adapter on a frozen layer, computed faster; everything else is PEFT's."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(..., inputs) -> (..., outputs), in the dtype of `x`."""
        base = self.get_base_layer()
        if self.disable_adapters or self.merged or base.weight.requires_grad or args or kwargs:
            plain: Tensor = super().forward(x, *args, **kwargs)
            return plain
        down, up = self.lora_A["default"].weight.to(x.dtype), self.lora_B["default"].weight.to(x.dtype)
        product: Tensor = _LowRankProduct.apply(x, base.weight, base.bias, down, up, self.scaling["default"])
        return product


def add_lora(
    clip: nn.Module, rank: int, alpha: float, generator: torch.Generator, std: float | None = None
) -> PeftModel:
    """Adapt `clip` in place; nothing but the adapters requires a gradient afterwards.

    Args:
        clip: an open_clip model.
        rank: of each update B A.
        alpha: the update is scaled by alpha / rank.
        generator: draws A; B is zero, so that the adapted model starts as the frozen one.
        std: of A; None for PEFT's own choice, uniform within 1 / sqrt(inputs).
    """
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=TARGET, lora_dropout=0.0, bias="none")  # type: ignore[arg-type]
    config._register_custom_module({nn.Linear: FrozenLoraLinear})
    with torch.random.fork_rng(devices=[]):  # PEFT draws too; the caller's random stream must not notice
        adapted = get_peft_model(clip, config)
    for layer in _layers(adapted).values():
        weight: Any = layer.lora_A["default"].weight
        with torch.no_grad():
            if std is None:
                bound = weight.shape[1] ** -0.5
                weight.copy_((torch.rand(weight.shape, generator=generator) * 2 - 1) * bound)
            else:
                weight.copy_(torch.randn(weight.shape, generator=generator) * std)
    return adapted


def fuse(adapted: PeftModel) -> dict[str, nn.Linear]:
    """Each adapted layer, by name, as one plain product W + B A; the frozen weights themselves are not touched."""
    return {name: _fuse(layer) for name, layer in _layers(adapted).items()}


@contextlib.contextmanager
def fused(adapted: PeftModel, plain: Mapping[str, nn.Module] | None = None) -> Iterator[None]:
    """Inside, fused layers take the place of the adapted ones; for passes that need no gradient.

    Args:
        adapted: the adapted model.
        plain: what `fuse` returned, to save fusing again; None to fuse now.
    """
    plain = fuse(adapted) if plain is None else plain
    layers = _layers(adapted)
    try:
        for name, layer in plain.items():
            _replace(adapted, name, layer)
        yield
    finally:
        for name, own in layers.items():
            _replace(adapted, name, own)


def save_adapter(adapted: PeftModel, folder: Path) -> None:
    """Write an adapter that plain `peft.PeftModel.from_pretrained(open_clip_model, folder)` loads."""
    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, folder / WEIGHTS_FILE)
    config = adapted.peft_config["default"]
    training, config.inference_mode = config.inference_mode, True
    config.save_pretrained(str(folder))
    config.inference_mode = training


def load_adapter(adapted: PeftModel, folder: Path) -> None:
    """Read an adapter of the same shape, written by `save_adapter`."""
    result: Any = set_peft_model_state_dict(adapted, load_file(folder / WEIGHTS_FILE))
    if result.unexpected_keys:
        raise ValueError(f"The adapter in {folder} was made for another backbone: {result.unexpected_keys[0]}.")


def _layers(adapted: PeftModel) -> dict[str, LoraLinear]:
    return {name: module for name, module in adapted.named_modules() if isinstance(module, LoraLinear)}


def _replace(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(root.get_submodule(parent), leaf, module)


@torch.no_grad()
def _fuse(layer: LoraLinear) -> nn.Linear:
    base: Any = layer.get_base_layer()
    plain = nn.Linear(base.in_features, base.out_features, device="meta")
    weight = base.weight.float() + layer.get_delta_weight("default").float()
    plain.weight = nn.Parameter(weight.to(base.weight.dtype), requires_grad=False)
    plain.bias = base.bias
    return plain
