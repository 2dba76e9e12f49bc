"""What training minimises: the nats of people's own tokens, and what a method's parts add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.methods.writing_parts import PullToUnified, SideTasks, SoftLabels
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.shared_reading import costs
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.token_rows import TokenBatch, TokenRow, as_batch
from prism_desktop.engine.writing.writer_model import WriterModel

_LENGTH: Final = 0.5  # weight of how long a text is beside who wrote it


class WritingLoss(nn.Module):
    """The loss of a method's training.

    Attributes:
        side: what guesses beside the writing, if the method has it; it is not kept with the model.
    """

    side: SideHeads | None

    def __init__(self, model: WriterModel, past: PastTexts) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, so that its weights are none of this module's
        method = model.method
        self._soft = method.first(SoftLabels) is not None
        self.side = SideHeads(model, past) if method.first(SideTasks) else None

    @property
    def by_text(self) -> bool:
        """Whether what is added says nothing of the texts, so that they may be read in parts."""
        return not self._soft and self.side is None

    def forward(
        self, rows: Sequence[TokenRow], people: Sequence[int], written: Written | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read some texts.

        Args:
            rows: texts.
            people: of each its person's place.
            written: what these wrote before, for methods that read it.

        Returns:
            (rows,) nats of own tokens, (rows,) how many these are, and () what is added to their
            mean.
        """
        model, strength = self._model[0], self._model[0].config.strength
        extra = pull_to_unified(model)
        if model.experts is not None:
            extra = extra + strength * model.experts.imbalance()
        if self.by_text:
            return *model.nll(rows, people, written), extra
        batch = as_batch(rows, model.base.reader.pad, model.device)
        who = torch.tensor(list(people), dtype=torch.int64, device=model.device)
        with _last_states(model) as states:
            logits = model.logits(batch.ids, batch.seen, who, written, soft=True)
        if self._soft:
            extra = extra + strength * _expected(model, batch, who, logits)
        if self.side is not None:
            hidden = states[0][:, -batch.ids.shape[1] :].float()
            extra = extra + strength * self.side(hidden, batch, who)
        asked = functional.pad(batch.own[:, 1:], (0, 1))  # where own tokens are foretold
        sums = torch.stack([one.sum() for one in costs(logits[asked], batch)])
        return sums, batch.own.sum(1), extra


def pull_to_unified(model: WriterModel) -> Tensor:
    """(): what holds people's adapters small, the mean over people; 0 in other methods.

    Source: Evgeniou and Pontil, "Regularized multi-task learning", KDD 2004.
    """
    if model.own is None or model.method.first(PullToUnified) is None:
        return torch.zeros((), device=model.device)
    return model.config.strength * model.own.distance(model.maps).mean()


class SideHeads(nn.Module):
    """Guesses who wrote a text, from the mean last state over its own tokens, and from the last
    state of the prompt how long it is.

    Source: Caruana, "Multitask Learning", Machine Learning 28 (1997).

    Attributes:
        people: (people, width) float32, zero at the start.
        length: (width,) float32, of the logarithm of the own tokens in units of its deviation.
    """

    def __init__(self, model: WriterModel, past: PastTexts) -> None:
        super().__init__()
        width, where = model.base.width, model.device
        rows = [model.rows.plain(past.texts.pairs[row]) for row in past.texts.of("train")]
        known = torch.tensor([max(1.0, len(one.ids) - one.first) for one in rows]).log()
        self._middle, self._spread = float(known.mean()), float(known.std().clamp(min=1e-3))
        self.people = nn.Parameter(torch.zeros(model.people, width, device=where))
        self.length = nn.Parameter(torch.zeros(width, device=where))

    def forward(self, hidden: Tensor, batch: TokenBatch, who: Tensor) -> Tensor:
        """() the loss: cross-entropy of who, and half the squared error of how long.

        Args:
            hidden: (rows, tokens, width) float32, last states.
            batch: the texts.
            who: (rows,) int64.
        """
        own = batch.own.float()
        many = own.sum(1).clamp(min=1)
        mean = torch.einsum("rt,rtw->rw", own, hidden) / many[:, None]
        guess = functional.cross_entropy(mean @ self.people.T, who)
        asked = hidden[torch.arange(len(who)), batch.own.int().argmax(1) - 1]
        long = (many.log() - self._middle) / self._spread
        return guess + _LENGTH * functional.mse_loss(asked @ self.length, long)


def _expected(model: WriterModel, batch: TokenBatch, who: Tensor, logits: Tensor) -> Tensor:
    """() the mean cross-entropy, over own tokens, of what the model expects without soft tokens and
    what it does with them.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, with
    temperature 1.
    """
    with torch.no_grad():
        plain = model.logits(batch.ids, batch.seen, who, None, soft=False)
        believed = plain[:, :-1].float().softmax(-1)
    cost = -(believed * logits[:, :-1].float().log_softmax(-1)).sum(-1)
    own = batch.own[:, 1:]
    return (cost * own).sum() / own.sum()


@contextmanager
def _last_states(model: WriterModel) -> Iterator[list[Tensor]]:
    """The states that the language model's head reads, of each pass within."""
    base: Any = model.base.model
    found: list[Tensor] = []
    hook = base.get_output_embeddings().register_forward_pre_hook(
        lambda module, given: found.append(given[0])
    )
    try:
        yield found
    finally:
        hook.remove()
