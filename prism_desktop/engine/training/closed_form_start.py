"""The start of a tower's training at the closed form.

Hierarchical Bayes is fitted to what the tower sees before it is trained and folded into its score,
so that tokens and adapters only learn what the closed form leaves: see `attribute_heads`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Notice, Progress, value
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.saved_heads import HeadCard, save_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.training.closed_form import ClosedForm
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.scoring import ROWS, Scorer


@dataclass(frozen=True, slots=True, eq=False)
class ClosedFormStart:
    """What fits the heads that a training starts at.

    Attributes:
        answers: of the splits train and val.
        ratings: by the split of their images, learned from beside the comparisons.
        folder: the run's; gets closed-form.safetensors, for labelers who enter later.
    """

    card: HeadCard
    answers: Mapping[str, Answers]
    ratings: Mapping[str, Ratings]
    folder: Path

    def fit(self, scorer: Scorer) -> Iterator[Progress | Notice]:
        """Give all labelers the same tokens, and the model heads that were fitted to what is seen
        with them.

        Training stops by the validation answers, which heads learn from too once it has ended.
        """
        model = scorer.model
        if not isinstance(model, PersonalTower) or model.heads is None:
            raise RunError("The model has no heads to start at.")
        share_tokens(model)
        seen = yield from value(_seen(scorer))
        closed_form = ClosedForm(self.card, seen, self.answers, self.folder, self.ratings)
        heads = yield from value(closed_form.solve())
        save_heads(heads, self.folder, self.card, layout.CLOSED_FORM)
        before = heads if closed_form.unseen is None else closed_form.unseen[1]
        model.heads.take(before, later=heads)


@torch.no_grad()
def share_tokens(model: PersonalTower) -> None:
    """Let all labelers start with the first one's tokens, so that they see alike."""
    table = dict(model.named_parameters()).get("prompts.table")
    if table is not None:
        table.copy_(table[:1].expand_as(table))


def _seen(scorer: Scorer) -> Iterator[Progress | Done[Features]]:
    """(images, d) features of all images as the first labeler sees them."""
    everything, done = np.arange(len(scorer.inputs)), 0
    parts: list[torch.Tensor] = []
    for start in range(0, len(everything), ROWS):
        images = everything[start : start + ROWS]
        parts += scorer.blocks(images, np.zeros(len(images), np.int64))
        done += len(images)
        yield Progress(done, len(everything), "Looking at the images for the closed form")
    yield Done(Features(torch.cat(parts).float().cpu().numpy()))
