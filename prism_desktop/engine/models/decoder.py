"""`mlp-decoder`: a small network on frozen features and a
vector per labeler, with heads for comparisons and ratings.

Sources: the PRISM repository's README; for the gated units Dauphin et al., "Language Modeling with
Gated Convolutional Networks", ICML 2017; Ioffe and Szegedy, ICML 2015 (batch norm); Srivastava et
al., JMLR 2014 (dropout).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.parts.scoring_parts import LAYERS
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.base import AttributeTexts, PersonalModel, groups, take_over
from prism_desktop.engine.models.heads.space import Space

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "relu": functional.relu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}

_SHAPE = "shape."  # before the names of what describes the network


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """What the network is made of."""

    widths: tuple[int, ...] = LAYERS  # of the hidden layers
    vector: int = 32  # numbers per labeler
    activation: str = "gelu"
    glu: bool = False  # each layer's activation goes through a gate
    batch_norm: bool = False
    dropout: float = 0.1


class DecoderModel(PersonalModel):
    """Scores are an MLP of what the frozen backbone saw and
    of who looks: s_u(i, a) = head_a(MLP([f(i); z_u])).

    It knows the attributes that it was trained on and no others, since none is read as text.

    Attributes:
        attribute_texts: the attributes, as sentences.
        shape: what the network is made of.
        vectors: (labelers, vector) float32, z_u. A new labeler starts at their mean.
    """

    centre: Tensor
    axes: Tensor

    def __init__(
        self,
        space: Space,
        attribute_texts: AttributeTexts,
        labelers: int,
        shape: DecoderShape | None = None,
        *,
        seed: int = 0,
        device: torch.device | None = None,
    ) -> None:
        """Draw the weights from `seed` alone, on the CPU.

        Args:
            space: what features are written in; its projections have a mean square of 1 in all.
            attribute_texts: the attributes, as sentences.
            labelers: how many there are.
            shape: what the network is made of.
            seed: of the weights and of what dropout drops.
            device: where it computes; None for the CPU.
        """
        super().__init__()
        self.attribute_texts = tuple(tuple(sentences) for sentences in attribute_texts)
        self.shape, self.seed, self.view_groups = shape or DecoderShape(), seed, (0,) * labelers
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("centre", torch.from_numpy(space.centre).float())
        # One unit per axis instead of one in all, as the layers' starting weights expect.
        self.register_buffer("axes", torch.from_numpy(space.axes * space.dims**0.5).float())
        self.vectors = nn.Parameter(
            torch.randn(labelers, self.shape.vector, generator=generator) * 0.1
        )
        sizes = (space.dims + self.shape.vector, *self.shape.widths)
        self.layers = nn.ModuleList(
            _Layer(before, after, self.shape, generator)
            for before, after in itertools.pairwise(sizes)
        )
        self.comparison = _linear(sizes[-1], len(self.attribute_texts), generator)
        self.rating = _linear(sizes[-1], len(self.attribute_texts), generator)
        self._dice = torch.Generator().manual_seed(seed)
        self.to(device or torch.device("cpu"))
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.vectors.device

    def prepare(self, taken: NDArray[Any]) -> Tensor:
        """(images, d) float32 frozen features -> (images,
        k) in the model's space, on its device."""
        return (torch.from_numpy(taken).to(self.device) - self.centre) @ self.axes

    def encode(self, inputs: Tensor, labeler: Tensor, image: Tensor | None = None) -> Tensor:
        """Everyone sees alike: the images' rows as they are."""
        return inputs if image is None else inputs[image]

    def score(self, features: Tensor, labeler: Tensor, attribute_texts: AttributeTexts) -> Tensor:
        """(rows, attributes) float32; differences are logits.

        Raises:
            InputError: if an attribute is asked for that the model was not trained on.
        """
        columns = [self._column(sentences) for sentences in attribute_texts]
        scores: Tensor = self.comparison(self._inside(features, labeler))
        return scores[:, columns]

    def rate(self, features: Tensor, labeler: Tensor) -> Tensor:
        """Ratings on each labeler's own scale, mean 0 and deviation
        1: (rows, attributes) in the order of training."""
        ratings: Tensor = self.rating(self._inside(features, labeler))
        return ratings

    def begin_episode(self, answers: Ints | None) -> None:
        """Batch norm and dropout behave as in training for a training step only.

        What is dropped is a function of the batch, so that a resumed training drops the same.
        """
        self.train(answers is not None)
        if answers is not None:
            seed = hashlib.blake2b(
                answers.tobytes(), digest_size=7, salt=self.seed.to_bytes(8, "little")
            ).digest()
            self._dice.manual_seed(int.from_bytes(seed, "little"))

    def parameter_groups(
        self, lora_lr: float, token_lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """The network, and the labelers' vectors at a rate of their own."""
        network = [tensor for name, tensor in self.named_parameters() if name != "vectors"]
        return groups(
            [
                ("network", network, lora_lr, weight_decay),
                ("tokens", [self.vectors], token_lr, weight_decay),
            ]
        )

    def counts(self) -> dict[str, int]:
        """Numbers of parameters: there are no adapters,
        and the labelers' vectors stand for tokens."""
        trained = sum(
            parameter.numel() for parameter in self.parameters() if parameter.requires_grad
        )
        return {"lora": 0, "tokens": self.vectors.numel(), "trainable": trained}

    def trainable_state(self) -> dict[str, Tensor]:
        """As for any model, with batch norm's running means, which training changes too."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.state_dict().items()}

    @torch.no_grad()
    def load_trainable_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `trainable_state` returned.

        Raises:
            RunError: if the state belongs to a model of another shape.
        """
        take_over(self.state_dict(), state)

    @torch.inference_mode()
    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What everyone says: (images, d) -> (labelers, attributes, images) float32.

        Differences are logits.
        """
        self.begin_episode(None)
        inputs = self.prepare(features)
        rows = [
            self.score(
                inputs,
                torch.full((len(inputs),), labeler, device=self.device),
                self.attribute_texts,
            )
            for labeler in range(len(self.vectors))
        ]
        return torch.stack(rows).transpose(1, 2).float().cpu().numpy()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a file; `from_arrays` reads them."""
        shape = self.shape
        made: dict[str, NDArray[Any]] = {
            name: tensor.numpy() for name, tensor in self.trainable_state().items()
        }
        numbers = [
            shape.vector,
            [*ACTIVATIONS].index(shape.activation),
            int(shape.glu),
            int(shape.batch_norm),
        ]
        made |= {f"{_SHAPE}widths": np.array(shape.widths), f"{_SHAPE}numbers": np.array(numbers)}
        return made | {f"{_SHAPE}dropout": np.array([shape.dropout])}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        attribute_texts: AttributeTexts | None = None,
        device: torch.device | None = None,
    ) -> DecoderModel:
        """The model whose `arrays` these are.

        Args:
            arrays: its arrays.
            attribute_texts: the attributes, as sentences; None for their numbers, where only
                `scores` is wanted.
            device: where it computes; None for the CPU.

        Raises:
            RunError: if they do not belong together.
        """
        vector, activation, glu, norm = (int(number) for number in arrays[f"{_SHAPE}numbers"])
        widths, dropout = (
            tuple(int(n) for n in arrays[f"{_SHAPE}widths"]),
            float(arrays[f"{_SHAPE}dropout"][0]),
        )
        shape = DecoderShape(
            widths, vector, [*ACTIVATIONS][activation], bool(glu), bool(norm), dropout
        )
        axes = arrays["axes"].astype(np.float64)
        space = Space(arrays["centre"].astype(np.float64), axes * axes.shape[1] ** -0.5)
        attribute_texts = attribute_texts or [
            (str(number),) for number in range(len(arrays["comparison.bias"]))
        ]
        model = cls(space, attribute_texts, len(arrays["vectors"]), shape, device=device)
        own = {
            name: torch.from_numpy(np.array(a))
            for name, a in arrays.items()
            if not name.startswith(_SHAPE)
        }
        model.load_trainable_state(own)
        return model

    def _inside(self, features: Tensor, labeler: Tensor) -> Tensor:
        x = torch.cat([features, self.vectors[labeler]], dim=1)
        for layer in self.layers:
            x = self._drop(layer(x))
        return x

    def _drop(self, x: Tensor) -> Tensor:
        share = self.shape.dropout
        if not self.training or share <= 0:
            return x
        return x * (torch.rand(x.shape, generator=self._dice) >= share).to(x) / (1 - share)

    def _column(self, sentences: Sequence[str]) -> int:
        if tuple(sentences) not in self.attribute_texts:
            raise InputError(
                f"This model does not know {sentences[0]!r}: it does not read text and judges only "
                "the attributes that it was trained on, "
                f"{', '.join(repr(known[0]) for known in self.attribute_texts)}."
            )
        return self.attribute_texts.index(tuple(sentences))


class _Layer(nn.Module):
    """A product, batch norm if wanted, an activation, and if
    wanted a gate: 2 sigmoid of a second product, about 1."""

    def __init__(
        self, inputs: int, outputs: int, shape: DecoderShape, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.gated, self.activation = shape.glu, ACTIVATIONS[shape.activation]
        self.product = _linear(inputs, outputs * (2 if shape.glu else 1), generator)
        self.norm = nn.BatchNorm1d(outputs) if shape.batch_norm else None

    def forward(self, x: Tensor) -> Tensor:
        """(rows, inputs) -> (rows, outputs).

        A single row is normalised by what training saw on the whole.
        """
        y: Tensor = self.product(x)
        first, second = y.chunk(2, dim=1) if self.gated else (y, None)
        if self.norm is not None:
            first = self._normalised(self.norm, first)
        active = self.activation(first)
        return active if second is None else active * (2 * second.sigmoid())

    def _normalised(self, norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
        if len(x) > 1:
            out: Tensor = norm(x)
            return out
        return functional.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer whose weights, of a size that keeps the spread
    through an activation, come from the generator alone."""
    layer = nn.Linear(inputs, outputs, device="meta")
    layer.weight = nn.Parameter(
        torch.randn(outputs, inputs, generator=generator) * (2 / inputs) ** 0.5
    )
    layer.bias = nn.Parameter(torch.zeros(outputs))
    return layer
