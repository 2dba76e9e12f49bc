"""The MLP projections of a language model: the linear maps that adapters change, in whichever way
the architecture names them."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods import POSTERIOR

# Maps that mix tokens or route them, and those that see a few of the tokens only, are left out.
_OTHERS = re.compile(r"attn|attention|mixer|router|\.gate$|expert", re.IGNORECASE)


def named_projections(model: Any) -> dict[str, nn.Linear]:
    """The linear maps of the MLPs in a model's blocks by name, in the order in which they are
    computed.

    Args:
        model: a model of transformers without its head.

    Raises:
        InputError: it has none that adapters can change.
    """
    blocks = {
        name: one
        for name, one in model.named_modules()
        if isinstance(one, nn.Linear)
        and any(part.isdecimal() for part in name.split("."))
        and not _OTHERS.search(name)
    }
    found = {name: one for name, one in blocks.items() if ".mlp." in name} or blocks
    if not found:
        raise InputError(
            "This language model has no MLP projections that adapters can change; choose a model "
            "of Llama's or BERT's kind, or a method without adapters: for judgments "
            f"{POSTERIOR}, for writing a retrieval."
        )
    return found


def target(model: Any) -> str:
    """The expression that the names of a model's MLP projections match, and no others.

    Raises:
        InputError: as `named_projections`.
    """
    names = (re.sub(r"(?<=\.)\d+(?=\.)", "#", name) for name in named_projections(model))
    kinds = dict.fromkeys(re.escape(name).replace(r"\#", r"\d+") for name in names)
    return "|".join(f"(?:{kind})" for kind in kinds)


def with_linear_maps(model: nn.Module) -> None:
    """Let the maps that GPT-2 and its kind write as `Conv1D`, which is a linear map with turned
    weights, be `nn.Linear` on the same numbers, in place."""
    from transformers.pytorch_utils import Conv1D

    for name, one in list(model.named_modules()):
        if not isinstance(one, Conv1D):
            continue
        inputs, outputs = one.weight.shape
        linear = nn.Linear(inputs, outputs, device="meta")
        linear.weight = nn.Parameter(one.weight.detach().T, requires_grad=False)
        linear.bias = one.bias
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, linear)
