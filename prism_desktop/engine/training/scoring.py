"""A model's scores of image rows, for training, validation and prediction alike."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prism_desktop.engine.personal.answers import Answers, Ints
from prism_desktop.engine.personal.model import PersonalClip
from prism_desktop.engine.training.dataset import Batch, batch
from prism_desktop.engine.training.loss import PairLoss, correct
from prism_desktop.engine.training.metrics import Tally
from prism_desktop.engine.training.pixels import Pixels

ROWS = 256  # image rows per pass without gradient


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model with everything it needs to score images by number.

    Attributes:
        text: (attributes, embed_dim) float32, unit norm, on the model's device.
        shared: labelers look with the same eyes, so that each image is scored once for all.
    """

    model: PersonalClip
    text: Tensor
    pixels: Pixels
    shared: bool

    def differences(self, part: Batch, flips: npt.NDArray[np.bool_] | None = None) -> Tensor:
        """Score of the left minus score of the right image of each answer: (answers,) float32, with gradient."""
        scores = self._rows(part.images, part.image, part.labeler, flips)
        attribute = self.send(part.attribute)
        return scores[self.send(part.left), attribute] - scores[self.send(part.right), attribute]

    @torch.inference_mode()
    def table(self, image: Ints, labeler: Ints) -> Iterator[npt.NDArray[np.float32]]:
        """Scores of (image, labeler) rows, a block of (rows, attributes) float32 at a time."""
        with self.model.fused():
            for start in range(0, len(image), ROWS):
                images, place = np.unique(image[start : start + ROWS], return_inverse=True)
                scores = self._rows(images, place.astype(np.int64), labeler[start : start + ROWS], None)
                yield scores.float().cpu().numpy()

    @torch.inference_mode()
    def tally(self, answers: Answers, loss: PairLoss, empty: Tally) -> Tally:
        """Add answers to a tally by the model's present weights."""
        part = batch(answers, np.arange(len(answers)), len(self.pixels), self.shared)
        if not len(answers):
            return empty
        scores = torch.from_numpy(np.concatenate(list(self.table(part.images[part.image], part.labeler))))
        attribute = torch.from_numpy(part.attribute)
        difference = scores[torch.from_numpy(part.left), attribute] - scores[torch.from_numpy(part.right), attribute]
        outcome = torch.from_numpy(part.outcome)
        losses = loss(self.send(difference.numpy()), self.send(part.outcome)).cpu().double().numpy()
        empty.add(part.owner, part.attribute, losses, correct(difference, outcome).double().numpy())
        return empty

    def send(self, values: npt.NDArray[np.generic]) -> Tensor:
        """An array on the model's device."""
        return torch.from_numpy(values).to(self.model.device, non_blocking=True)

    def _rows(self, images: Ints, image: Ints, labeler: Ints, flips: npt.NDArray[np.bool_] | None) -> Tensor:
        pixels = self.model.normalise(torch.from_numpy(self.pixels.take(images, flips)))
        return self.model.forward(pixels, self.send(labeler), self.text, self.send(image))
