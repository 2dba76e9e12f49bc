"""A model's scores of image rows, for training, validation and prediction alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prism_desktop.engine.events import Progress
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.base import AttributeTexts, PersonalModel
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.batches import Batch, batch
from prism_desktop.engine.training.pair_loss import PairLoss, correct
from prism_desktop.engine.training.tally import Tally

# image rows per pass without gradient; twice as many fall out of a CPU's caches and take a fifth
# longer
ROWS = 128
# rows whose features are held until they are scored: a labeler's texts are read anew for each part
HELD = 2**15


class Inputs(Protocol):
    """The images of a run as its model wants them: decoded pixels, or cached features."""

    def __len__(self) -> int: ...

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[Any]:
        """Copy images out, some of them mirrored."""


@dataclass(frozen=True)
class Scorer:
    """A model with everything it needs to score images by number.

    Attributes:
        model: any personal model.
        attribute_texts: the attributes, as sentences.
        inputs: the images.
    """

    model: PersonalModel
    attribute_texts: AttributeTexts
    inputs: Inputs

    @cached_property
    def view_groups(self) -> Ints:
        """(labelers,) the first labeler who sees images the same way."""
        return np.array(self.model.view_groups, dtype=np.int64)

    def batch(self, answers: Answers, places: Ints) -> Batch:
        """The answers at `places`, with their image rows."""
        return batch(answers, places, len(self.inputs), self.view_groups)

    def encode(self, part: Batch, flips: npt.NDArray[np.bool_] | None = None) -> Tensor:
        """Features of a batch's image rows: (rows, features) float32, with gradient."""
        return self._encode(part.images, part.image, part.labeler, flips)

    def differences(self, part: Batch, features: Tensor) -> Tensor:
        """Score of the left minus score of the right image of
        each answer: (answers,) float32, with gradient."""
        answered_by, attribute = self.send(part.answered_by), self.send(part.attribute)
        both = torch.cat([features[self.send(part.left)], features[self.send(part.right)]])
        scores = self.model.score(both, answered_by.repeat(2), self.attribute_texts)
        chosen = scores.gather(1, attribute.repeat(2)[:, None])[:, 0]
        return chosen[: len(answered_by)] - chosen[len(answered_by) :]

    @torch.inference_mode()
    def blocks(self, image: Ints, labeler: Ints, rows: int = ROWS) -> Iterator[Tensor]:
        """Features of (image, labeler) rows, a block of (at most `rows`, features) at a time."""
        self.model.begin_episode(None)
        with self.model.fused():
            for start in range(0, len(image), rows):
                images, place = np.unique(image[start : start + rows], return_inverse=True)
                yield self._encode(
                    images, place.astype(np.int64), labeler[start : start + rows], None
                )

    @torch.inference_mode()
    def score(self, features: Tensor, labeler: int) -> npt.NDArray[np.float32]:
        """What one labeler says of rows that were seen
        with their eyes: (rows, attributes) float32."""
        answered_by = torch.full((len(features),), labeler, device=features.device)
        return self.model.score(features, answered_by, self.attribute_texts).float().cpu().numpy()

    @torch.inference_mode()
    def tally(self, answers: Answers, loss: PairLoss, empty: Tally) -> Tally:
        """Add answers to a tally by the model's present weights."""
        if not len(answers):
            return empty
        part = self.batch(answers, np.arange(len(answers)))
        order = np.argsort(part.image, kind="stable")  # an image's rows side by side
        found = self.blocks(part.images[part.image[order]], part.labeler[order])
        features = torch.cat(list(found))[self.send(np.argsort(order))]
        difference, outcome = self.differences(part, features), self.send(part.outcome)
        losses = loss(difference, outcome).cpu().double().numpy()
        empty.add(
            part.answered_by,
            part.attribute,
            losses,
            correct(difference, outcome).cpu().double().numpy(),
        )
        return empty

    def send(self, values: npt.NDArray[np.generic]) -> Tensor:
        """An array on the model's device."""
        return torch.from_numpy(values).to(self.model.device, non_blocking=True)

    def _encode(
        self, images: Ints, image: Ints, labeler: Ints, flips: npt.NDArray[np.bool_] | None
    ) -> Tensor:
        inputs = self.model.prepare(self.inputs.take(images, flips))
        return self.model.encode(inputs, self.send(labeler), self.send(image))


def score_all(
    scorer: Scorer, labelers: Sequence[str], images: Ints | None = None
) -> Iterator[Progress | LabelerScores]:
    """Every labeler's scores of images, all of them by default; labelers in their order.

    Where all see alike, images pass once and only their features are held; else each pass takes a
    few images, as everyone sees them, so that what is the same of an image for all is done once.
    """
    everything = np.arange(len(scorer.inputs)) if images is None else images
    viewers = np.unique(scorer.view_groups)
    if len(viewers) > 1:
        yield from _image_by_image(scorer, labelers, everything, viewers)
        return
    blocks, done = [], 0
    for block in scorer.blocks(everything, np.full(len(everything), viewers[0])):
        blocks.append(block)
        done += len(block)
        yield Progress(done, len(everything), "Predicting")
    features = torch.cat(blocks)
    for row, labeler in enumerate(labelers):
        yield LabelerScores(labeler, scorer.score(features, row))


def _image_by_image(
    scorer: Scorer, labelers: Sequence[str], images: Ints, viewers: Ints
) -> Iterator[Progress | LabelerScores]:
    """The same where several see apart.

    Args:
        viewers: (several,) int64 ascending, the first of each view group.
    """
    several, done = len(viewers), 0
    group = np.searchsorted(viewers, scorer.view_groups)
    scores = np.empty((len(labelers), len(images), len(scorer.attribute_texts)), np.float32)
    together = max(1, HELD // several)
    for start in range(0, len(images), together):
        part, blocks = images[start : start + together], []
        rows = np.repeat(part, several), np.tile(viewers, len(part))
        for block in scorer.blocks(*rows, ROWS // several * several or ROWS):
            blocks.append(block)
            done += len(block)
            yield Progress(done, len(images) * several, "Predicting")
        features = torch.cat(blocks).view(len(part), several, -1)
        for row, own in enumerate(scores):
            own[start : start + len(part)] = scorer.score(features[:, group[row]], row)
    for labeler, own in zip(labelers, scores, strict=True):
        yield LabelerScores(labeler, own)
