"""Closed forms: heads on frozen features fitted in one go, without gradient descent or
checkpoints."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.models.answers import Answers, choices
from prism_desktop.engine.models.heads import (
    bayes,
    collaborative,
    model_selection,
    retrieval,
    ridge,
)
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.collaborative import CollaborativeHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.retrieval import ANY, Wanted
from prism_desktop.engine.models.saved_heads import HeadCard, Heads, save_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.metrics_file import append_metrics, drop_metrics_from
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.pair_loss import PairLoss, correct
from prism_desktop.engine.training.routine import Cursor, epoch_event
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.telling_order import write_order

Scores = npt.NDArray[np.float32]
_POOLED = ("consensus", "retrieval")  # methods whose linear head is everyone's
# arrays that hold what was learned of the labelers
_LEARNED = {"mean", "weights", "faces.loadings"}


@dataclass(slots=True, eq=False)
class ClosedForm:
    """One pass: solve, then validate.

    Attributes:
        answers: of the splits train, val and test; those of test are used by `collaborative` alone,
            where other labelers' answers on a face may speak for a labeler, never the labeler's
            own.
        ratings: by the split of their images, learned from as ratings by the methods that can, in
            place of the pairs that were made of them.
        retrieval: which past comparisons vote, of `retrieval` alone.
    """

    card: HeadCard
    features: Features
    answers: Mapping[str, Answers]
    folder: Path
    ratings: Mapping[str, Ratings] = field(default_factory=dict)
    retrieval: Wanted = ANY
    stopping: bool = False
    cursor: Cursor = field(default_factory=Cursor)
    heads: Heads | None = None
    # validation images, and the heads that never learned from answers on them; they score these
    unseen: tuple[npt.NDArray[np.int64], Heads] | None = None
    epochs: int = 1
    steps: int = 1

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.card.labelers

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names."""
        return self.card.attributes

    def counts(self) -> Mapping[str, int]:
        """Numbers of parameters; none before the fit."""
        arrays = self.heads.arrays() if self.heads is not None else {}
        sizes = {name: array.size for name, array in arrays.items() if name in _LEARNED}
        if self.card.method in _POOLED and "weights" in sizes:
            sizes["weights"] //= len(self.labelers)  # one labeler's, repeated
        return {"lora": 0, "tokens": 0, "trainable": sum(sizes.values())}

    def resume(self) -> tuple[bool, int]:
        """There are no checkpoints; it starts again."""
        drop_metrics_from(self.folder / layout.METRICS, 1)
        return False, 0

    def save(self) -> None:
        """Nothing to save before it is done."""

    def run(self) -> Iterator[Step | Epoch | Progress | Notice]:
        """Solve, and validate once."""
        begun = time.perf_counter()
        for event in self.solve():
            if isinstance(event, Done):
                self.heads = event.value
            else:
                yield event
        self.cursor.step, self.cursor.ended, self.cursor.best_epoch = 1, True, 1
        self.cursor.seconds = time.perf_counter() - begun
        yield close_epoch(
            self.cursor, self._scores(), self.answers, self.labelers, self.attributes, self.folder
        )

    def score(self) -> Iterator[Progress | LabelerScores]:
        """Every labeler's scores of all images, those of validation images by heads that never
        learned from an answer on them, so that combinations may be weighed on them."""
        scores = self._scores()
        for row, labeler in enumerate(self.labelers):
            yield LabelerScores(labeler, np.ascontiguousarray(scores[row].T))

    def write(self, run: RunFolder) -> None:
        """Write head.safetensors, and of a posterior telling.json."""
        heads = self._heads()
        save_heads(heads, run.path, self.card)
        base = heads.base if isinstance(heads, CollaborativeHeads) else heads
        if isinstance(base, BayesHeads):
            write_order(run, base, self.features.array)

    def _heads(self) -> Heads:
        if self.heads is None:
            raise RunError("The heads were not fitted yet.")
        return self.heads

    def _scores(self) -> Scores:
        """(labelers, attributes, images)."""
        scores = self._heads().scores(self.features.array)
        if self.unseen is not None:
            images, before = self.unseen
            scores[:, :, images] = before.scores(self.features.array)[:, :, images]
        return scores

    def solve(self) -> Iterator[Event[Any]]:
        """Fit the heads of the method, the last event holds them."""
        x, train = self.features.array, self.answers["train"]
        size = len(self.labelers), len(self.attributes)
        match self.card.method:
            case "consensus":
                yield from ridge.fit(x, train, *size, owner="nobody")
            case "hierarchical-bayes" | "collaborative":
                yield from self._bayes()
            case "retrieval":
                shared = yield from value(ridge.fit(x, train, *size, owner="nobody"))
                validation, wanted = self.answers["val"], self.retrieval
                yield from retrieval.fit(x, train, validation, size[0], shared, wanted)
            case other:
                raise RunError(f"The method {other} has no heads.")

    def _bayes(self) -> Iterator[Event[Heads]]:
        """Choose the settings on validation answers, then learn from these as well.

        What `collaborative` reads of tested answers is other labelers' alone.
        """
        x, train, val = self.features.array, self._told("train"), self.answers["val"]
        size = len(self.labelers), len(self.attributes)
        chosen = yield from value(model_selection.choose(x, train[0], val, *size, ratings=train[1]))
        first = yield from self._with_others(chosen.heads, train)
        images = np.setdiff1d(_faces(val), _faces(self.answers["train"]))
        if len(images) < len(_faces(val)):  # splits share images, whose scores could not be honest
            yield Done(first)
            return
        both = join_answers([train[0], self._told("val")[0]]), self._rated("train", "val")
        refitted = yield from value(
            bayes.fit(x, both[0], *size, ratings=both[1], settings=chosen.settings)
        )
        self.unseen = images, first
        yield Done((yield from self._with_others(refitted, both)))

    def _with_others(
        self, base: BayesHeads, told: tuple[Answers, Ratings | None]
    ) -> Generator[Progress | Notice, None, Heads]:
        if self.card.method != "collaborative":
            return base
        faces = join_answers([self._told(split)[0] for split in self.answers])
        every = self._rated(*self.answers)
        found: Heads = yield from value(
            collaborative.fit(
                self.features.array, base, told[0], faces, ratings=told[1], face_ratings=every
            )
        )
        return found

    def _told(self, split: str) -> tuple[Answers, Ratings | None]:
        """What is learned from of a split: choices, and ratings as ratings."""
        answers = self.answers[split]
        return choices(answers) if self.ratings else answers, self._rated(split)

    def _rated(self, *splits: str) -> Ratings | None:
        parts = [self.ratings[split] for split in splits if split in self.ratings]
        if not parts:
            return None
        columns = ("labeler", "attribute", "image", "value")
        return Ratings(*(np.concatenate([getattr(p, c) for p in parts]) for c in columns))


def _faces(answers: Answers) -> npt.NDArray[np.int64]:
    return np.union1d(answers.left, answers.right)


def close_epoch(
    cursor: Cursor,
    scores: Scores,
    answers: Mapping[str, Answers],
    labelers: Sequence[str],
    attributes: Sequence[str],
    folder: Path,
) -> Epoch:
    """Tally the only epoch of something that is fitted in
    one go; (labelers, attributes, images) scores."""
    tallies = {
        name: tally(scores, answers[name], labelers, attributes) for name in ("train", "val")
    }
    cursor.best_nll = tallies["val"].macro()["nll"]
    for name, one in tallies.items():
        append_metrics(
            folder / layout.METRICS, cursor.epoch, cursor.step, cursor.seconds, name, one.rows()
        )
    return epoch_event(cursor, tallies["train"], tallies["val"], True)


def tally(
    scores: Scores, answers: Answers, labelers: Sequence[str], attributes: Sequence[str]
) -> Tally:
    """Losses and accuracies of scores (labelers, attributes, images)."""
    own = answers.labeler, answers.attribute
    difference = torch.from_numpy(
        scores[(*own, answers.left)] - scores[(*own, answers.right)]
    ).double()
    outcome = torch.from_numpy(answers.outcome.astype(np.float64))
    made = Tally(labelers, attributes)
    made.add(
        *own,
        PairLoss(ties=False)(difference, outcome).detach().numpy(),
        correct(difference, outcome).numpy(),
    )
    return made


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
