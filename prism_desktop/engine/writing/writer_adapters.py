"""Low-rank adapters of a language model's MLP projections, many people's in one pass.

LoRA: Hu et al., ICLR 2022. PEFT holds one set per pass and row of a batch by splitting the batch;
here rows of several people go through one product.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prism_desktop.engine.models.mlp_projections import named_projections


def projections(model: Any) -> list[nn.Linear]:
    """The linear maps of a model's MLPs, in the order in which they are computed.

    Raises:
        InputError: it has none that adapters can change.
    """
    return list(named_projections(model.base_model).values())


class WriterAdapters(nn.Module):
    """One or more sets of adapters.

    Attributes:
        down: of each projection (sets, rank, in) float32.
        up: of each projection (sets, out, rank) float32, zero at the start.
    """

    def __init__(
        self, maps: list[nn.Linear], sets: int, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._scale = alpha / rank
        where = maps[0].weight.device
        self.down, self.up = nn.ParameterList(), nn.ParameterList()
        for one in maps:
            drawn = torch.randn(sets, rank, one.in_features, generator=generator)
            self.down.append(nn.Parameter((drawn / one.in_features**0.5).to(where)))
            self.up.append(nn.Parameter(torch.zeros(sets, one.out_features, rank, device=where)))

    @contextmanager
    def on(self, maps: list[nn.Linear], rows: Tensor | None) -> Iterator[None]:
        """Let the adapters change the projections.

        Args:
            maps: as at the making.
            rows: (rows,) the set of each row of the pass; None for the first set in all.
        """
        with ExitStack() as hooks:
            for place, one in enumerate(maps):
                handle = one.register_forward_hook(self._hook(place, rows))
                hooks.callback(handle.remove)
            yield

    def _hook(self, place: int, rows: Tensor | None) -> Any:
        down, up = self.down[place], self.up[place]
        if rows is None:
            down, up = down[0].T, up[0].T * self._scale
        else:
            down, up = down[rows].transpose(1, 2), up[rows].transpose(1, 2) * self._scale
        return lambda module, given, result: result + given[0] @ down @ up
