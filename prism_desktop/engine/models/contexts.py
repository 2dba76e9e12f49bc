"""Context encoders: a summary of what a labeler said, or of who they are, becomes visual tokens in
one pass.

Source: Huber et al., "Embedding-to-Prefix: Parameter-Efficient Personalization for Pre-Trained
Large Language Models", 2025; the embedding of a user is here the mean signed difference of the
features of the image they chose and the one they did not, attribute by attribute, beside the text
tower's vector of the profile.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.methods.parts.visual_tokens import CONTEXT_WIDTH
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.space import Floats

Contexts = npt.NDArray[np.float32]


def summarise(
    projected: Floats,
    answers: Answers,
    labelers: int,
    attributes: int,
    profiles: npt.NDArray[np.float32] | None,
) -> Contexts:
    """Summaries of labelers: (labelers, attributes + 1, 1 + n) float32.

    Block a holds how many answers there are on attribute a, then the mean of (chosen - not chosen)
    over them; the last one holds 1 and the profile's vector, or zeros. n is the larger of k and d;
    shorter vectors are followed by zeros.

    Args:
        projected: (images, k) features that the answers' images are rows of.
        answers: ties say nothing here.
        labelers, attributes: how many.
        profiles: (labelers, d) text vectors, zero rows where there is none; None without profiles.
    """
    k, d = projected.shape[1], 0 if profiles is None else profiles.shape[1]
    out = np.zeros((labelers, attributes + 1, 1 + max(k, d)), np.float32)
    sign = np.sign(answers.outcome - 0.5)[:, None]
    chosen = sign * (projected[answers.left] - projected[answers.right])
    sums = np.zeros((labelers, attributes, 1 + k))
    np.add.at(
        sums, (answers.labeler, answers.attribute), np.concatenate([np.abs(sign), chosen], axis=1)
    )
    out[:, :attributes, 0] = sums[:, :, 0]
    out[:, :attributes, 1 : 1 + k] = sums[:, :, 1:] / np.maximum(sums[:, :, :1], 1)
    if profiles is not None:
        out[:, -1, 0] = np.any(profiles, axis=1)
        out[:, -1, 1 : 1 + d] = profiles
    return out


class ContextPrompts(nn.Module):
    """Tokens = common + MLP(context), where a context is
    how a labeler's summary differs from the average one.

    A mean of n answers is shrunk towards the average of the labelers by n / (n + 20), since few
    answers say little; whoever has said nothing gets the tokens of the average labeler.

    Attributes:
        context: (labelers, blocks, 1 + n) float32, see `summarise`.
        centre, scale: of the summaries that training saw; kept with the weights, not trained.
    """

    WIDTH, FEW = CONTEXT_WIDTH, 20.0
    context: Tensor

    def __init__(
        self, context: Contexts, tokens: int, width: int, *, std: float, generator: torch.Generator
    ) -> None:
        """Centre and scale of the known labelers' contexts are kept, so that a new labeler is read
        on the same scale."""
        super().__init__()
        self.register_buffer("context", torch.from_numpy(context.copy()), persistent=False)
        self.shape = (tokens, width)
        told = self.context[:, :, :1]
        centre = (self.context[:, :, 1:] * told.sign()).sum(dim=0) / told.sign().sum(dim=0).clamp(
            min=1
        )
        self.centre = nn.Parameter(centre, requires_grad=False)
        spread = self._shrunk(self.context).pow(2).mean(dim=(0, 2)).sqrt()
        self.scale = nn.Parameter(spread.where(spread > 1e-6, 1.0)[:, None], requires_grad=False)
        inputs = context.shape[1] * (context.shape[2] - 1)
        self.first = nn.Parameter(
            torch.randn(self.WIDTH, inputs, generator=generator) * inputs**-0.5
        )
        self.bias = nn.Parameter(torch.zeros(self.WIDTH))
        self.last = nn.Parameter(
            torch.randn(tokens * width, self.WIDTH, generator=generator) * std * self.WIDTH**-0.5
        )
        self.common = nn.Parameter(torch.randn(1, tokens, width, generator=generator) * std)

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        distinct, row = torch.unique(labeler, return_inverse=True)
        return self.read(self.context[distinct])[row]

    def read(self, context: Tensor) -> Tensor:
        """Any labelers' summaries, (n, blocks, 1 + n) -> tokens (n, tokens, width).

        How somebody new enters.
        """
        inside = functional.gelu(
            functional.linear(
                (self._shrunk(context) / self.scale).flatten(1), self.first, self.bias
            )
        )
        return self.common + functional.linear(inside, self.last).view(-1, *self.shape)

    def _shrunk(self, context: Tensor) -> Tensor:
        count, mean = context[:, :, :1], context[:, :, 1:]
        weight = count / (count + self.FEW)
        weight = torch.cat([weight[:, :-1], count[:, -1:]], dim=1)  # a profile is there or not
        return weight * (mean - self.centre)
