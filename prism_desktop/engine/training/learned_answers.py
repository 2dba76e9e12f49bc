"""What closed forms and the ridge learn from: choices, and ratings as ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.models.answers import Answers, choices
from prism_desktop.engine.models.heads.likelihood import Ratings

Told = tuple[Answers, Ratings | None]  # choices, and ratings as ratings


@dataclass(frozen=True, slots=True, eq=False)
class LearnedAnswers:
    """Answers and ratings by split; pairs that were made of ratings are left out where there are
    ratings."""

    answers: Mapping[str, Answers]
    ratings: Mapping[str, Ratings]

    def of(self, *splits: str) -> Told:
        """Those of some splits."""
        parts = [self.answers[split] for split in splits]
        told = join_answers([choices(part) for part in parts] if self.ratings else parts)
        rated = [self.ratings[split] for split in splits if split in self.ratings]
        if not rated:
            return told, None
        columns = ("labeler", "attribute", "image", "value")
        return told, Ratings(*(np.concatenate([getattr(p, c) for p in rated]) for c in columns))


def join_answers(parts: Sequence[Answers]) -> Answers:
    """Answers of several splits as one."""
    columns = ("labeler", "attribute", "left", "right", "outcome", "weight")
    made = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    sizes = np.cumsum([0, *(int(part.group.max(initial=-1)) + 1 for part in parts)])
    group = np.concatenate([part.group + start for part, start in zip(parts, sizes, strict=False)])
    derived = [
        np.zeros(len(part), bool) if part.derived is None else part.derived for part in parts
    ]
    return Answers(**made, group=group, derived=np.concatenate(derived))
