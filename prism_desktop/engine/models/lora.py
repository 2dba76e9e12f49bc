"""Low-rank adapters on the MLPs of an image tower or of a language model, through PEFT.

PEFT takes seconds to import, so it is imported only where there are adapters.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from prism_desktop.engine.files import make_folder, write_whole
from prism_desktop.engine.tensor_files import read_tensors

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from peft.tuners.lora import Linear as LoraLinear

# The text tower's blocks carry the same names, so the bare names would adapt both towers.
CLIP_TARGET = r"visual\.transformer\.resblocks\.\d+\.mlp\.(c_fc|c_proj)"
WEIGHTS_FILE = "adapter_model.safetensors"


def clip_target(trunk: int, blocks: int) -> str:
    """The expression that adapted layers of an image tower match: those behind its trunk.

    Args:
        trunk: first blocks that stay as they are.
        blocks: of the tower.
    """
    behind = "|".join(map(str, range(trunk, blocks)))
    return CLIP_TARGET.replace(r"\d+", f"({behind})") if trunk else CLIP_TARGET


class Mix:
    """How much of each adapter the rows of the present pass get.

    Shared by all layers, set by the model.
    """

    # (rows, sum of ranks) scales included; None: all of the first adapter
    gate: Tensor | None = None


def add_lora(
    model: nn.Module,
    target: str,
    ranks: Mapping[str, int],
    alpha: float,
    generator: torch.Generator,
    std: float | None = None,
) -> tuple[PeftModel, Mix]:
    """Adapt `model` in place; nothing but the adapters requires a gradient afterwards.

    Args:
        model: an open_clip model, or a language model without its head.
        target: the expression that the names of adapted layers match.
        ranks: of each adapter's update B A, by the adapter's name.
        alpha: an update is scaled by alpha / rank.
        generator: draws A; B is zero, so that the adapted model starts as the frozen one.
        std: of A; None for PEFT's own choice, uniform within 1 / sqrt(inputs).
    """
    from peft import LoraConfig, get_peft_model

    from prism_desktop.engine.models.lora_layer import FrozenLoraLinear

    adapted: PeftModel | None = None
    # PEFT draws too; the caller's random stream must not notice
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers in an old way
        for name, rank in ranks.items():
            config = LoraConfig(
                r=rank,
                lora_alpha=alpha,  # type: ignore[arg-type]
                target_modules=target,
                lora_dropout=0.0,
                bias="none",
            )
            config._register_custom_module({nn.Linear: FrozenLoraLinear})
            if adapted is None:
                adapted = get_peft_model(model, config, adapter_name=name)
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
    from peft import get_peft_model_state_dict

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
    from peft import set_peft_model_state_dict

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
    from peft.tuners.lora import Linear as LoraLinear

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


def frozen_copy(
    model: nn.Module, dtype: torch.dtype, part: str = "", *, copied: bool = False
) -> nn.Module:
    """The same modules anew, so that they can be adapted, standing on the same weights.

    Args:
        model: whose.
        dtype: of a copy of the weights, where it is not float32.
        part: the only part that may be copied; empty for all.
        copied: whether the weights are copied in any case, so that they can be trained.
    """
    shared: dict[int, Any] = {
        id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())
    }
    twin: Any = copy.deepcopy(model, shared)
    if not copied and dtype == torch.float32:
        return cast(nn.Module, twin)
    if not part:
        whole = cast(nn.Module, copy.deepcopy(twin))
        for tensor in whole.parameters():  # buffers, such as frequencies of places, stay exact
            tensor.data = tensor.data.to(dtype)
        return whole
    setattr(twin, part, copy.deepcopy(getattr(twin, part)).to(dtype))
    return cast(nn.Module, twin)
