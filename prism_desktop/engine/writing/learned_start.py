"""Soft tokens whose start is learned: a few steps from it lead to every person's own.

Training has two phases. While the start is learned, a step takes some people, lets the soft tokens
of each take a few steps from the start on their texts, moves the start, and puts theirs back.
Afterwards every person's are fitted from there, as other methods fit them.

Sources: Nichol, Achiam and Schulman, "On First-Order Meta-Learning Algorithms", 2018 (Reptile);
Finn, Abbeel and Levine, ICML 2017, section 5.2 (first-order MAML).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from prism_desktop.engine.writing.soft_prefixes import Written

INNER = 4  # steps from the start before it moves
LEARNING = 0.6  # share of the epochs that learn the start
PER_PERSON = 8  # texts of somebody in one step, at most
Costs = Callable[[Sequence[int]], tuple[Tensor, Tensor]]


class StartedPrefix(nn.Module):
    """Soft tokens as a common start and each person's deviation from it.

    Attributes:
        start: (tokens, width) float32.
        table: (people, tokens, width) float32, zero at first.
    """

    def __init__(self, start: Tensor, people: int) -> None:
        super().__init__()
        self.start = nn.Parameter(start.clone())
        self.table = nn.Parameter(torch.zeros(people, *start.shape))

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        return self.start + self.table[rows]


def learning_epochs(epochs: int) -> int:
    """How many of the epochs learn the start; the last is never one of them."""
    return min(epochs - 1, math.ceil(LEARNING * epochs))


def step_of_start(
    prefix: StartedPrefix, people: Sequence[int], costs: Costs, rate: float, share: float, *,
    by_gradient: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Learn from some people where to start.

    Args:
        prefix: its table is zero, before and after.
        people: of each text of the step its person's row of the table.
        costs: places of texts in the step -> sums in nats and own tokens of each.
        rate: of the steps from the start.
        share: falls from 1 to 0 over the phase.
        by_gradient: leave with the start, for the optimiser, the gradient of other texts than the
            steps' (MAML); else move it by `share` of the way to where the steps led in the mean
            (Reptile).

    Returns:
        Sums and own tokens of the last texts that were read.
    """
    table = prefix.table
    first, second = _halves(people)
    turns = [first] * INNER if by_gradient else [first, second] * (INNER // 2)
    steps = torch.optim.Adam([table], lr=rate)  # takes out how many texts somebody has
    for places in turns:
        sums, counts = costs(places)
        table.grad = torch.autograd.grad(sums.sum(), table)[0]
        steps.step()
    table.grad = None
    if by_gradient:
        sums, counts = costs(second)
        loss = sums.sum() / counts.sum().clamp(min=1)
        prefix.start.grad = torch.autograd.grad(loss, prefix.start)[0]
    with torch.no_grad():
        if not by_gradient:
            prefix.start.add_(share * table[sorted(set(people))].mean(0))
        table.zero_()
    return sums.detach(), counts


def _halves(people: Sequence[int]) -> tuple[list[int], list[int]]:
    """Places of texts in two parts, each person's as equal as can be; who has one text is in
    both."""
    own: dict[int, list[int]] = {}
    for place, person in enumerate(people):
        own.setdefault(person, []).append(place)
    first = [place for places in own.values() for place in places[: (len(places) + 1) // 2]]
    second = [place for places in own.values() for place in places[len(places) // 2 :]]
    return first, second
