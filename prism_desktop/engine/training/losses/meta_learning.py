"""Meta-learning of start tokens, from which few steps lead to every labeler's own.

Two phases: while the start is learned, every labeler's token takes a few steps from the start, the
start moves, and the tokens go back to it; afterwards every labeler's token is fitted from the start
that was learned.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.training.losses.keep_if_better import common_start, own_tokens
from prism_desktop.engine.training.losses.loss_term import LossTerm
from prism_desktop.engine.training.pair_loss import PairLoss
from prism_desktop.engine.training.scoring import Scorer

INNER = 5  # steps from the start before it moves
LEARNING = 0.6  # share of all steps that learn the start


class MetaStart(LossTerm):
    """What both ways to learn a start have in common.

    Attributes:
        start: (1, tokens, width) float32, in checkpoints; at the end it is kept with the model for
            new labelers.
    """

    start: Tensor

    @torch.no_grad()
    def begin(self, model: PersonalModel) -> None:
        """Put all tokens at the common start."""
        self.register_buffer("start", common_start(model).detach().clone())
        own_tokens(model).copy_(self.start.expand_as(own_tokens(model)))

    @torch.no_grad()
    def stepped(self, model: PersonalModel, step: int, steps: int) -> None:
        """Move the start at the end of every few steps of the first phase."""
        last = max(INNER, math.floor(steps * LEARNING / INNER) * INNER)  # of the phase
        if step > last or step % INNER:
            return
        table = own_tokens(model)
        self._move(table, 1 - (step - INNER) / last)
        table.copy_(self.start.expand_as(table))

    @torch.no_grad()
    def finish(self, scorer: Scorer, val: Answers, loss: PairLoss) -> str:
        """Keep the start with the model."""
        common_start(scorer.model).copy_(self.start)
        return ""

    def _move(self, table: Tensor, share: float) -> None:
        """Change the start, after the labelers' tokens have
        left it; `share` falls from 1 to 0 over the phase."""
        raise NotImplementedError


class Reptile(MetaStart):
    """The start goes towards the mean of the tokens that left it: s += share * mean_u (e_u - s).

    Source: Nichol, Achiam and Schulman, "On First-Order Meta-Learning Algorithms", 2018, batched
    version, with its linearly falling step.
    """

    def _move(self, table: Tensor, share: float) -> None:
        self.start += share * (table.mean(dim=0, keepdim=True) - self.start)


class Maml(MetaStart):
    """The start goes against the mean gradient that the last
    answers have where the tokens have got to on the others.

    A gradient at the adapted tokens, taken as one of the start, is the first order of MAML: Finn,
    Abbeel and Levine, ICML 2017, section 5.2. It has not the scale of steps that Adam makes, so
    that it is divided by its own running size, as Adam does (Kingma and Ba, ICLR 2015).

    Attributes:
        mean, square: (1, tokens, width) float32, running means of the gradient and of its square.
        moves: () float32, how often the start has moved.
    """

    mean: Tensor
    square: Tensor
    moves: Tensor

    def __init__(self, rate: float) -> None:
        """`rate` is how far an entry of the start moves at first."""
        super().__init__()
        self.rate = rate

    def begin(self, model: PersonalModel) -> None:
        """Put all tokens at the common start."""
        super().begin(model)
        self.register_buffer("mean", torch.zeros_like(self.start))
        self.register_buffer("square", torch.zeros_like(self.start))
        self.register_buffer("moves", torch.zeros((), device=self.start.device))

    def _move(self, table: Tensor, share: float) -> None:
        if table.grad is None:
            return
        gradient = table.grad.mean(dim=0, keepdim=True)
        self.moves += 1
        self.mean += 0.1 * (gradient - self.mean)
        self.square += 0.01 * (gradient**2 - self.square)
        mean, square = self.mean / (1 - 0.9**self.moves), self.square / (1 - 0.99**self.moves)
        self.start -= share * self.rate * mean / (square.sqrt() + 1e-8)
