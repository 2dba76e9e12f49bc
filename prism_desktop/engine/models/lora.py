"""Low-rank adapters on the image tower's MLPs, through PEFT.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from prism_desktop.engine.files import make_folder, write_whole
from prism_desktop.engine.tensor_files import read_tensors

# The text tower's blocks carry the same names, so the bare names would adapt both towers.
TARGET = r"visual\.transformer\.resblocks\.\d+\.mlp\.(c_fc|c_proj)"
WEIGHTS_FILE = "adapter_model.safetensors"


class _LowRankProduct(torch.autograd.Function):
    """y = x W' + b + (gate * (x A')) B', with the same products
    for the gradient and no large temporary beside y.

    Written as separate operations the update costs about as much as half the frozen product,
    because each of them reads and writes the whole activation; here it is added in place.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        gate: Tensor | float,
    ) -> Tensor:
        """x (rows, n, inputs) or (rows, inputs).

        Weight (outputs, inputs); down A (rank, inputs); up B (outputs, rank), in x's dtype; gate a
        number, or (rows, rank): how much of each direction each row gets.
        """
        flat = x.reshape(-1, x.shape[-1])
        inner = flat @ down.T
        y = functional.linear(flat, weight, bias)
        if isinstance(gate, Tensor):
            y.addmm_(_gated(inner, gate), up.T)
            ctx.save_for_backward(flat, weight, down, up, inner, gate)
        else:
            y.addmm_(inner, up.T, alpha=gate)
            ctx.save_for_backward(flat, weight, down, up, inner)
            ctx.scale = gate
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, A, B and a gate; the frozen weight and bias have none."""
        flat, weight, down, up, inner, *rest = ctx.saved_tensors
        g = grad.reshape(-1, grad.shape[-1])
        g_gate = None
        if rest:
            g_gated = g @ up
            g_inner = _gated(g_gated, rest[0])
            if ctx.needs_input_grad[5]:
                g_gate = (g_gated * inner).view(len(rest[0]), -1, inner.shape[-1]).sum(1)
            g_up = g.T @ _gated(inner, rest[0])
        else:
            g_inner = (g @ up).mul_(ctx.scale)
            g_up = (g.T @ inner).mul_(ctx.scale)
        g_x = (
            (g @ weight).addmm_(g_inner, down).view(*grad.shape[:-1], -1)
            if ctx.needs_input_grad[0]
            else None
        )
        return g_x, None, None, g_inner.T @ flat, g_up, g_gate


def _gated(inner: Tensor, gate: Tensor) -> Tensor:
    """(rows * n, rank) times (rows, rank)."""
    return (inner.view(len(gate), -1, gate.shape[-1]) * gate[:, None].to(inner.dtype)).view_as(
        inner
    )


class Mix:
    """How much of each adapter the rows of the present pass get.

    Shared by all layers, set by the model.
    """

    # (rows, sum of ranks) scales included; None: all of the first adapter
    gate: Tensor | None = None


class FrozenLoraLinear(LoraLinear):
    """PEFT's layer on a frozen product, computed faster,
    and with a share of every adapter for every row.

    One adapter is PEFT's own sum. With a mix, row r gets sum_e gate[r, e] B_e A_e x: one product of
    all adapters side by side, where PEFT's `adapter_names` would go through them one after the
    other.
    """

    mix: Any  # the model's `Mix`

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(..., inputs) -> (..., outputs), in the dtype of `x`."""
        base = self.get_base_layer()
        if self.disable_adapters or self.merged or base.weight.requires_grad or args or kwargs:
            plain: Tensor = super().forward(x, *args, **kwargs)
            return plain
        down, up, gate = self._parts(x.dtype)
        product: Tensor = _LowRankProduct.apply(x, base.weight, base.bias, down, up, gate)
        return product

    def _parts(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor | float]:
        A: Any = self.lora_A
        B: Any = self.lora_B
        if self.mix.gate is None:
            first = next(iter(A))
            return A[first].weight.to(dtype), B[first].weight.to(dtype), self.scaling[first]
        down = torch.cat([A[name].weight for name in A])
        up = torch.cat([B[name].weight for name in A], dim=1)
        return down.to(dtype), up.to(dtype), self.mix.gate


def add_lora(
    clip: nn.Module,
    ranks: Mapping[str, int],
    alpha: float,
    generator: torch.Generator,
    std: float | None = None,
) -> tuple[PeftModel, Mix]:
    """Adapt `clip` in place; nothing but the adapters requires a gradient afterwards.

    Args:
        clip: an open_clip model.
        ranks: of each adapter's update B A, by the adapter's name.
        alpha: an update is scaled by alpha / rank.
        generator: draws A; B is zero, so that the adapted model starts as the frozen one.
        std: of A; None for PEFT's own choice, uniform within 1 / sqrt(inputs).
    """
    adapted: PeftModel | None = None
    # PEFT draws too; the caller's random stream must not notice
    with torch.random.fork_rng(devices=[]):
        for name, rank in ranks.items():
            config = LoraConfig(
                r=rank,
                lora_alpha=alpha,  # type: ignore[arg-type]
                target_modules=TARGET,
                lora_dropout=0.0,
                bias="none",
            )
            config._register_custom_module({nn.Linear: FrozenLoraLinear})
            if adapted is None:
                adapted = get_peft_model(clip, config, adapter_name=name)
            else:
                adapted.add_adapter(name, config)
    assert adapted is not None, "a model has at least one adapter"
    mix = Mix()
    layers: Mapping[str, Any] = _layers(adapted)
    for layer in layers.values():
        layer.mix = mix
        for name in ranks:
            _draw(layer.lora_A[name].weight, generator, std)
    for name, tensor in adapted.named_parameters():
        tensor.requires_grad_(".lora_" in name)  # PEFT trains only the adapter that it added last
    return adapted, mix


@torch.no_grad()
def _draw(weight: Any, generator: torch.Generator, std: float | None) -> None:
    if std is None:
        bound = weight.shape[1] ** -0.5
        weight.copy_((torch.rand(weight.shape, generator=generator) * 2 - 1) * bound)
    else:
        weight.copy_(torch.randn(weight.shape, generator=generator) * std)


def fuse(adapted: PeftModel) -> dict[str, nn.Linear]:
    """Each adapted layer of the first adapter, by name, as one plain product W + B A.

    The frozen weights stay.
    """
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


def save_adapter(adapted: PeftModel, beside: Path) -> None:
    """Write adapters that plain `peft.PeftModel.from_pretrained(open_clip_model, folder)` loads.

    The first one lies in the folder itself, others in folders of their names within it.

    Args:
        adapted: has the adapters.
        beside: a new folder.
    """
    for place, (name, config) in enumerate(adapted.peft_config.items()):
        own = beside if place == 0 else beside / name
        make_folder(own)
        state = get_peft_model_state_dict(adapted, save_embedding_layers=False, adapter_name=name)
        write_whole(own / WEIGHTS_FILE, partial(_save_state, state))
        _save_config(config, own)


def _save_config(config: PeftConfig, beside: Path) -> None:
    training, config.inference_mode = config.inference_mode, True
    config.save_pretrained(str(beside))
    config.inference_mode = training


def _save_state(state: Mapping[str, Tensor], beside: Path) -> None:
    save_file({key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}, beside)


def load_adapter(adapted: PeftModel, folder: Path) -> None:
    """Read adapters of the same names and shapes, written by `save_adapter`."""
    for place, name in enumerate(adapted.peft_config):
        own = folder if place == 0 else folder / name
        result: Any = set_peft_model_state_dict(
            adapted, read_tensors(own / WEIGHTS_FILE)[0], adapter_name=name
        )
        if result.unexpected_keys:
            raise ValueError(
                f"The adapter in {own} was made for another backbone: {result.unexpected_keys[0]}."
            )


def _layers(adapted: PeftModel) -> dict[str, LoraLinear]:
    return {
        name: module for name, module in adapted.named_modules() if isinstance(module, LoraLinear)
    }


def _replace(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(root.get_submodule(parent), leaf, module)


@torch.no_grad()
def _fuse(layer: LoraLinear) -> nn.Linear:
    base: Any = layer.get_base_layer()
    plain = nn.Linear(base.in_features, base.out_features, device="meta")
    weight = base.weight.float() + layer.get_delta_weight(next(iter(layer.lora_A))).float()
    plain.weight = nn.Parameter(weight.to(base.weight.dtype), requires_grad=False)
    plain.bias = base.bias
    return plain


def ranks_and_scales(adapted: PeftModel | None) -> Mapping[str, tuple[int, float]]:
    """Rank and scale of each adapter, in PEFT's order."""
    configs: Mapping[str, Any] = adapted.peft_config if adapted is not None else {}
    return {name: (one.r, float(one.lora_alpha) / one.r) for name, one in configs.items()}


def adapter_parameters(adapted: PeftModel | None) -> list[nn.Parameter]:
    """The numbers of all adapters."""
    return (
        []
        if adapted is None
        else [tensor for name, tensor in adapted.named_parameters() if ".lora_" in name]
    )


def frozen_copy(model: nn.Module, visual_dtype: torch.dtype) -> nn.Module:
    """The same modules anew, so that they can be adapted, standing on the same weights."""
    shared: dict[int, Any] = {
        id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())
    }
    twin: Any = copy.deepcopy(model, shared)
    if visual_dtype != torch.float32:
        twin.visual = copy.deepcopy(twin.visual).to(visual_dtype)
    frozen: nn.Module = twin
    return frozen
