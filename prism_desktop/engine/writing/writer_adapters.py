"""Low-rank adapters of a language model's MLP projections, many people's in one pass.

LoRA: Hu et al., ICLR 2022. PEFT holds one set per pass and row of a batch by splitting the batch;
here rows of several people go through one product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

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
        self._scale, self._size = alpha / rank, 0.0
        self._sums: tuple[list[int], list[nn.Parameter]] = [], []
        where = maps[0].weight.device
        self.down, self.up = nn.ParameterList(), nn.ParameterList()
        for one in maps:
            drawn = torch.randn(sets, rank, one.in_features, generator=generator)
            self.down.append(nn.Parameter((drawn / one.in_features**0.5).to(where)))
            self.up.append(nn.Parameter(torch.zeros(sets, one.out_features, rank, device=where)))

    @contextmanager
    def on(
        self, maps: list[nn.Linear], rows: Tensor | None, share: Tensor | None = None
    ) -> Iterator[None]:
        """Let the adapters change the projections.

        Args:
            maps: as at the making.
            rows: (rows,) the set of each row of the pass; None for the first set in all.
            share: (rows,) how much of its adapters each row gets; None for all of them.
        """
        with ExitStack() as hooks:
            for place, one in enumerate(maps):
                handle = one.register_forward_hook(self._hook(place, rows, share))
                hooks.callback(handle.remove)
            yield

    @contextmanager
    def folded(self, maps: list[nn.Linear]) -> Iterator[None]:
        """Let the first set change the projections for every row, as a part of their weights, which
        a pass then reads at no cost. Nothing that trains the adapters may happen inside.

        Args:
            maps: as at the making, in float32.
        """
        before = [cast(nn.Parameter, one.weight) for one in maps]
        try:
            # Other parameters, not other values: what a backward pass needs outlives the block.
            for one, weight in zip(maps, self._summed(before), strict=True):
                one.weight = weight
            yield
        finally:
            for one, weight in zip(maps, before, strict=True):
                one.weight = weight

    @torch.no_grad()
    def _summed(self, weights: list[nn.Parameter]) -> list[nn.Parameter]:
        """Weights and adapters together; made anew once one of them has changed."""
        parts = [*weights, *self.down, *self.up]
        state = [number for one in parts for number in (one.data_ptr(), one._version)]
        if self._sums[0] != state:
            every = zip(weights, self.down, self.up, strict=True)
            found = [weight + self._scale * up[0] @ down[0] for weight, down, up in every]
            self._sums = state, [nn.Parameter(one, requires_grad=False) for one in found]
        return self._sums[1]

    def _hook(self, place: int, rows: Tensor | None, share: Tensor | None) -> Any:
        down, up = self.down[place], self.up[place]
        if rows is None:
            down, up = down[0].T, up[0].T * self._scale
        else:
            down, up = down[rows].transpose(1, 2), up[rows].transpose(1, 2) * self._scale
        if share is not None:
            up = up * share[:, None, None]
        return lambda module, given, result: result + given[0] @ down @ up

    def distance(self, maps: list[nn.Linear]) -> Tensor:
        """(sets,): how far each set moves the projections, as the share |s B A|^2 / |W|^2.

        |B A|^2 is tr(A A' B' B), so that no full matrix is made.
        """
        total = torch.zeros(len(self.down[0]), device=self.down[0].device)
        for down, up in zip(self.down, self.up, strict=True):
            inner, outer = down @ down.transpose(1, 2), up.transpose(1, 2) @ up
            total = total + (inner * outer).sum((1, 2))
        if not self._size:
            self._size = sum(float(one.weight.detach().float().pow(2).sum()) for one in maps)
        return total * self._scale**2 / self._size


class MixedExperts(WriterAdapters):
    """Sets of adapters that all share, mixed by a gate: softmax of a person's own logits and, if it
    is routed, of what each projection reads.

    Source: Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017, with a dense gate.

    Attributes:
        gate: (people, experts) float32; logits are `SHARPNESS` times as large.
        route: of each projection (experts, in) float32, zero at the start; empty if not routed.
    """

    SHARPNESS = 16.0  # so that some steps at the rate of soft tokens turn a gate
    _START = 2.0  # logit of a group's own expert; the others' are about 0

    def __init__(
        self, maps: list[nn.Linear], experts: int, rank: int, alpha: float,
        groups: Sequence[int], generator: torch.Generator, *, routed: bool,
    ) -> None:  # fmt: skip
        """Args: groups: of each person; each group starts with an expert of its own."""
        super().__init__(maps, experts, rank, alpha, generator)
        self._scale *= experts**0.5  # at equal shares as strong as one set
        logits = torch.randn(len(groups), experts, generator=generator) / 10
        for person, group in enumerate(groups):
            logits[person, group % experts] += self._START
        where = maps[0].weight.device
        self.gate = nn.Parameter((logits / self.SHARPNESS).to(where))
        wide = [one.in_features for one in maps] if routed else []
        self.route = nn.ParameterList(
            nn.Parameter(torch.zeros(experts, one, device=where)) for one in wide
        )

    def use(self) -> Tensor:
        """(experts,): the mean share of each over people, whatever they write."""
        return (self.SHARPNESS * self.gate).softmax(-1).mean(0)

    def imbalance(self) -> Tensor:
        """(): the squared coefficient of variation of experts' use over people; 0 if all are used
        alike."""
        use = self.use()
        return use.var(unbiased=False) / use.mean() ** 2

    def _hook(self, place: int, rows: Tensor | None, share: Tensor | None) -> Any:
        assert rows is not None
        experts, rank, wide = self.down[place].shape
        down = self.down[place].reshape(experts * rank, wide).T
        up = self.up[place].transpose(1, 2).reshape(experts * rank, -1) * self._scale
        own = self.SHARPNESS * self.gate[rows][:, None]
        kept = torch.ones(len(rows), device=up.device) if share is None else share

        def changed(module: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> Tensor:
            logits = own
            if len(self.route):
                logits = logits + given[0] @ self.route[place].T
            mixed = (logits.softmax(-1) * kept[:, None, None]).repeat_interleave(rank, -1)
            found: Tensor = result + (given[0] @ down * mixed) @ up
            return found

        return changed
