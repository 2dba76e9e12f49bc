"""The term that keeps learned tokens only where they improve validation."""

from __future__ import annotations

from typing import Any

import torch

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.training.losses.loss_term import LossTerm
from prism_desktop.engine.training.pair_loss import PairLoss
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.tally import Tally


class KeepIfBetter(LossTerm):
    """After training, whoever's tokens do not foretell the
    validation answers better gets the common start back.

    Source: the prefix plan.
    """

    @torch.no_grad()
    def finish(self, scorer: Scorer, val: Answers, loss: PairLoss) -> str:
        """Put starts back; says of how many."""
        table = own_tokens(scorer.model)
        start = common_start(scorer.model)
        learned = table.clone()
        with_learned = losses(scorer, val, loss, len(table))
        table.copy_(start.expand_as(table))
        with_start = losses(scorer, val, loss, len(table))
        better = torch.tensor(
            [a < b for a, b in zip(with_learned, with_start, strict=True)], device=table.device
        )
        table[better] = learned[better]
        back = len(table) - int(better.sum())
        if not back:
            return ""
        return (
            f"{back} of {counted(len(table), 'labeler')} keep the consensus's tokens: their own "
            f"did "
            "not foretell the validation answers better."
        )


def losses(scorer: Scorer, val: Answers, loss: PairLoss, labelers: int) -> list[float]:
    """Each labeler's mean loss; 0 where there are no answers."""
    attributes = [str(number) for number in range(len(scorer.attribute_texts))]
    tally = scorer.tally(val, loss, Tally([str(number) for number in range(labelers)], attributes))
    return [float(mean["nll"] or 0.0) for mean in tally.per_labeler().values()]


def own_tokens(model: PersonalModel) -> torch.Tensor:
    """The labelers' table of visual tokens, (labelers, tokens, width), to be read and written."""
    prompts: Any = model.get_submodule("prompts")
    table: torch.Tensor = prompts.table
    return table


def common_start(model: PersonalModel) -> torch.Tensor:
    """The tokens that a new labeler starts with, (1, tokens, width), kept with the model."""
    prompts: Any = model.get_submodule("prompts")
    start: torch.Tensor = prompts.start
    return start
