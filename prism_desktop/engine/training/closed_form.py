"""Closed forms: heads on frozen features fitted in one go, without gradient descent or
checkpoints."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import method
from prism_desktop.engine.methods.parts.scoring_parts import (
    CollaborativeScores,
    LinearScores,
    PosteriorScores,
    RetrievalScores,
    Scoring,
)
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads import (
    bayes,
    collaborative,
    model_selection,
    retrieval,
    ridge,
)
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.collaborative import (
    CollaborativeHeads,
    CollaborativeSettings,
)
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.retrieval import ANY, RetrievalHeads, Wanted
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.image_blocks import NO_BLOCKS, OfferedBlocks
from prism_desktop.engine.models.saved_heads import HeadCard, Heads, save_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.metrics_file import append_metrics, drop_metrics_from
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.learned_answers import LearnedAnswers, Told
from prism_desktop.engine.training.offered_blocks import TriedBlock, block_gains
from prism_desktop.engine.training.pair_loss import PairLoss, correct
from prism_desktop.engine.training.routine import Cursor, epoch_event
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.telling_order import write_order

Scores = npt.NDArray[np.float32]
# arrays that hold what was learned of the labelers
_LEARNED = {"mean", "weights", "faces.loadings"}
_AT_ONCE = 1 << 18  # answers that are tallied together
OwnHeads = BayesHeads | CollaborativeHeads


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
        offered: optional blocks that may stand beside the features.
        tried: what each of these added.
        others: how `collaborative` reads the other labelers' answers, as validation chooses.
    """

    card: HeadCard
    features: Features
    answers: Mapping[str, Answers]
    folder: Path
    ratings: Mapping[str, Ratings] = field(default_factory=dict)
    retrieval: Wanted = ANY
    offered: OfferedBlocks = NO_BLOCKS
    others: CollaborativeSettings = collaborative.OPTIONS[0]
    tried: list[TriedBlock] = field(default_factory=list)
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
        if isinstance(self.scoring, LinearScores) and "weights" in sizes:
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
        """Write head.safetensors, of a posterior telling.json, and what each block that was
        offered adds."""
        heads = self._heads()
        save_heads(heads, run.path, self.card)
        base = heads.base if isinstance(heads, CollaborativeHeads) else heads
        if isinstance(base, BayesHeads):
            write_order(run, base, self._inputs())
        if self.tried:
            found = block_gains(run, self.labelers, self.attributes, self.tried)
            found.save(run.path / layout.BLOCKS)

    def _heads(self) -> Heads:
        if self.heads is None:
            raise RunError("The heads were not fitted yet.")
        return self.heads

    def _scores(self) -> Scores:
        """(labelers, attributes, images)."""
        x = self._inputs()
        scores = self._heads().scores(x)
        if self.unseen is not None:
            images, before = self.unseen
            scores[:, :, images] = before.scores(x)[:, :, images]
        return scores

    def solve(self) -> Iterator[Event[Any]]:
        """Fit the heads of the method, the last event holds them.

        Raises:
            RunError: if the method has no heads.
        """
        fit = FITS.get(type(self.scoring))
        if fit is None:
            raise RunError(f"The method {self.card.method} has no heads.")
        yield from fit(self)

    @property
    def scoring(self) -> Scoring:
        """What the heads are."""
        return method(self.card.method).on(embeddings=True).scoring

    def _linear(self) -> Iterator[Event[LinearHeads]]:
        size = len(self.labelers), len(self.attributes)
        yield from ridge.fit(self.features.array, self.answers["train"], *size, owner="nobody")

    def _retrieval(self) -> Iterator[Event[RetrievalHeads]]:
        x, train = self.features.array, self.answers["train"]
        shared = yield from value(self._linear())
        yield from retrieval.fit(
            x, train, self.answers["val"], len(self.labelers), shared, self.retrieval
        )

    def _bayes(self) -> Iterator[Event[Heads]]:
        """Choose the settings and the optional blocks on validation answers, then learn from these
        as well.

        What `collaborative` reads of tested answers is other labelers' alone.
        """
        told = LearnedAnswers(self.answers, self.ratings)
        x, train, val = self.features.array, told.of("train"), self.answers["val"]
        size = len(self.labelers), len(self.attributes)
        chosen = yield from value(model_selection.choose(x, train[0], val, *size, ratings=train[1]))
        first = yield from self._choose_others(chosen.heads, train, x)
        first = yield from self._try_blocks(chosen.settings, first, train)
        x = self._inputs()
        factor = 1.0
        if len(val) >= model_selection.ENOUGH:
            factor = model_selection.calibration(first.scores(x), val)
        first = _calibrated(first, factor)
        images = np.setdiff1d(_faces(val), _faces(self.answers["train"]))
        if len(images) < len(_faces(val)):  # splits share images, whose scores could not be honest
            yield Done(first)
            return
        both = told.of("train", "val")
        blocks = [block.size for block in self.card.blocks]
        refitted = yield from value(
            bayes.fit(x, both[0], *size, ratings=both[1], settings=chosen.settings, blocks=blocks)
        )
        self.unseen = images, first
        yield Done(_calibrated((yield from self._with_others(refitted, both, x)), factor))

    def _try_blocks(
        self, settings: BayesSettings, without: OwnHeads, train: Told
    ) -> Generator[Progress | Notice, None, OwnHeads]:
        """Offer one block after another, beside those that are kept already; a block is kept where
        validation answers are more likely with it."""
        val, size = self.answers["val"], (len(self.labelers), len(self.attributes))
        for text in self.offered.notices:
            yield Notice(text)
        before = without.scores(self.features.array)
        for block, _ in self.offered.blocks:
            kept, room = self.card.blocks, bayes.room(size[1])
            if sum(one.size for one in (*kept, block)) > room:
                yield Notice(
                    f"The block {block.name} was not tried, for with it there would be more than "
                    f"{counted(room, 'number')} of an image beside its features."
                )
                continue
            self.card = replace(self.card, blocks=(*kept, block))
            x, blocks = self._inputs(), [one.size for one in self.card.blocks]
            yield Progress(0, None, f"Trying what {block.name} adds")
            base = yield from value(
                bayes.fit(x, train[0], *size, ratings=train[1], settings=settings, blocks=blocks)
            )
            heads = yield from self._with_others(base, train, x)
            after = heads.scores(x)
            better = len(val) >= model_selection.ENOUGH and (
                model_selection.loss(after, val, rescaled=True)
                < model_selection.loss(before, val, rescaled=True)
            )
            self.tried.append(TriedBlock(block.name, better, before, after))
            if better:
                without, before = heads, after
            else:
                self.card = replace(self.card, blocks=kept)
        return without

    def _inputs(self) -> npt.NDArray[np.float32]:
        """(images, d) features, with the columns of the blocks that are kept."""
        kept = [columns for block, columns in self.offered.blocks if block in self.card.blocks]
        return np.hstack([self.features.array, *kept]) if kept else self.features.array

    def _choose_others(
        self, base: BayesHeads, told: Told, x: npt.NDArray[np.float32]
    ) -> Generator[Progress | Notice, None, OwnHeads]:
        """Fit what others say of faces with the settings that validate best."""
        val = self.answers["val"]
        found = yield from self._with_others(base, told, x)
        if not self.scoring.reads_others or len(val) < model_selection.ENOUGH:
            return found
        least, best = model_selection.loss(found.scores(x), val, rescaled=True), self.others
        for self.others in collaborative.OPTIONS[1:]:
            heads = yield from self._with_others(base, told, x)
            loss = model_selection.loss(heads.scores(x), val, rescaled=True)
            if loss < least:
                found, least, best = heads, loss, self.others
        self.others = best
        return found

    def _with_others(
        self, base: BayesHeads, told: Told, x: npt.NDArray[np.float32]
    ) -> Generator[Progress | Notice, None, OwnHeads]:
        if not self.scoring.reads_others:
            return base
        faces, every = LearnedAnswers(self.answers, self.ratings).of(*self.answers)
        found: OwnHeads = yield from value(
            collaborative.fit(
                x,
                base,
                told[0],
                faces,
                ratings=told[1],
                face_ratings=every,
                settings=self.others,
            )
        )
        return found


FITS: Mapping[type[Scoring], Callable[[ClosedForm], Iterator[Event[Any]]]] = {
    LinearScores: ClosedForm._linear,
    RetrievalScores: ClosedForm._retrieval,
    PosteriorScores: ClosedForm._bayes,
    CollaborativeScores: ClosedForm._bayes,
}


def _calibrated(heads: OwnHeads, factor: float) -> OwnHeads:
    if isinstance(heads, CollaborativeHeads):
        return replace(heads, base=replace(heads.base, calibration=factor))
    return replace(heads, calibration=factor)


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
    made, loss_of = Tally(labelers, attributes), PairLoss(ties=False)
    for start in range(0, len(answers), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        own = answers.labeler[some], answers.attribute[some]
        difference = torch.from_numpy(
            scores[(*own, answers.left[some])] - scores[(*own, answers.right[some])]
        ).double()
        outcome = torch.from_numpy(answers.outcome[some].astype(np.float64))
        loss = loss_of(difference, outcome).detach().numpy()
        made.add(*own, loss, correct(difference, outcome).numpy())
    return made
