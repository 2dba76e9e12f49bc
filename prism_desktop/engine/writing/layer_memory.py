"""A memory of what somebody wrote, which a frozen language model's tokens look things up in.

Source: Alayrac et al., "Flamingo", NeurIPS 2022, with features of whole texts in the place of
images, and without the further layers behind each look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.parts.visual_tokens import ITEM
from prism_desktop.engine.methods.writing_readers import MOST_LOOKS
from prism_desktop.engine.models.histories import CrossAttentionBlock
from prism_desktop.engine.writing.soft_prefixes import Written, fresh_linear

_HEADS = 4


def looking_layers(model: Any) -> list[nn.Module]:
    """The layers of a language model behind which the memory is looked at: at most four, evenly
    through its depth, the last one among them.

    Raises:
        InputError: its layers cannot be found.
    """
    wanted = int(getattr(model.config, "num_hidden_layers", 0))
    for module in model.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            count = min(MOST_LOOKS, wanted)
            return [module[(place + 1) * wanted // count - 1] for place in range(count)]
    raise InputError(
        "The layers of this language model cannot be found, so none can look at a memory; choose a "
        "method that reads texts in the context, such as retrieval-bm25, or one of Llama's kind."
    )


class LookedAtMemory(nn.Module):
    """x + tanh(gamma) CrossAttention(x, memory) behind some layers; every gamma is 0 at the start,
    so that training begins at the model without it.

    Attributes:
        read: of one text, or the profile.
        nothing: (1, 1, item) float32, always in the memory.
        looks: of each place.
        gamma: (places,) float32.
    """

    def __init__(self, width: int, places: int, generator: torch.Generator) -> None:
        super().__init__()
        self.read = fresh_linear(width, ITEM, generator)
        self.nothing = nn.Parameter(torch.randn(1, 1, ITEM, generator=generator))
        self.looks = nn.ModuleList(
            CrossAttentionBlock(width, ITEM, _HEADS, generator) for _ in range(places)
        )
        self.gamma = nn.Parameter(torch.zeros(places))

    @contextmanager
    def on(self, layers: Sequence[nn.Module], written: Written) -> Iterator[None]:
        """Let the layers' tokens look at what was written, row by row of the pass."""
        texts, known = written.with_profile()
        items = torch.cat([self.nothing.expand(len(texts), -1, -1), self.read(texts)], 1)
        there = torch.cat([known.new_ones(len(known), 1), known], 1)
        with ExitStack() as hooks:
            for place, layer in enumerate(layers):
                handle = layer.register_forward_hook(self._hook(place, items, there))
                hooks.callback(handle.remove)
            yield

    def _hook(self, place: int, items: Tensor, there: Tensor) -> Any:
        def looked(module: nn.Module, given: Any, result: Any) -> Any:
            states = result[0] if isinstance(result, tuple) else result
            found = self.looks[place](states.float(), items, there)
            states = states + (self.gamma[place].tanh() * found).to(states.dtype)
            return (states, *result[1:]) if isinstance(result, tuple) else states

        return looked
