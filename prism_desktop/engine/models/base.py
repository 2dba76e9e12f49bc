"""The base of personal models: what each can do, whatever it is made of.

The trainer and the evaluator know only this.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.models.answers import Ints

AttributeTexts = Sequence[Sequence[str]]  # for each attribute its sentences


class PersonalModel(nn.Module, ABC):
    """Encodes images as each labeler sees them, and scores them as that labeler would.

    Attributes:
        view_groups: for each labeler the first labeler who sees images the same way, so that an
            image seen for several of them is encoded once. Scores may still differ.
    """

    view_groups: tuple[int, ...]

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where it computes."""

    @abstractmethod
    def prepare(self, taken: NDArray[Any]) -> Tensor:
        """What `encode` wants, from what lies on the disk: decoded pixels, or cached features."""

    @abstractmethod
    def encode(self, inputs: Tensor, labeler: Tensor, image: Tensor | None = None) -> Tensor:
        """Features of image rows as labelers see them.

        Args:
            inputs: (images, ...) as `prepare` returned.
            labeler: (rows,) int64.
            image: (rows,) int64, the image of each row; None if rows are images.

        Returns:
            (rows, features) float32.
        """

    @abstractmethod
    def score(self, features: Tensor, labeler: Tensor, attribute_texts: AttributeTexts) -> Tensor:
        """Scores of what was seen, whose differences are logits.

        Args:
            features: (rows, features) from `encode`.
            labeler: (rows,) int64.
            attribute_texts: the attributes, as sentences.

        Returns:
            (rows, attributes) float32.
        """

    @abstractmethod
    def parameter_groups(
        self, lora_lr: float, token_lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """For an optimiser: what is shared, and what is
        personal and needs a learning rate of its own."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Numbers of parameters: `lora` (shared and owned
        adapters), `tokens`, and `trainable` in all."""

    def begin_episode(self, answers: Ints | None) -> None:
        """Before a training step on these places of the training
        answers; None before a pass that does not train.

        A model that reads the labelers' histories must not find the very answers there that it is
        to predict.
        """

    @contextlib.contextmanager
    def fused(self) -> Iterator[None]:
        """Inside, passes without gradient may take short cuts."""
        yield

    def trained(self) -> dict[str, nn.Parameter]:
        """Every parameter that training changes, by name."""
        return {name: tensor for name, tensor in self.named_parameters() if tensor.requires_grad}

    def trainable_state(self) -> dict[str, Tensor]:
        """A copy of everything that training changes, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.trained().items()}

    @torch.no_grad()
    def load_trainable_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `trainable_state` returned.

        Raises:
            RunError: if the state belongs to a model of another shape.
        """
        take_over(self.trained(), state)


@torch.no_grad()
def take_over(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """Copy tensors into those of the same names.

    Raises:
        RunError: if names or shapes differ.
    """
    if own.keys() != state.keys() or any(own[name].shape != state[name].shape for name in own):
        raise RunError(
            "The saved weights belong to a model with other labelers, tokens, rank or backbone."
        )
    for name, tensor in own.items():
        tensor.copy_(state[name])


def groups(
    named: Sequence[tuple[str, Sequence[nn.Parameter], float, float]],
) -> list[dict[str, Any]]:
    """Optimiser groups from (name, parameters, learning
    rate, weight decay), without the empty ones."""
    made = []
    for name, parameters, rate, decay in named:
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if trained:
            made.append({"name": name, "params": trained, "lr": rate, "weight_decay": decay})
    return made
