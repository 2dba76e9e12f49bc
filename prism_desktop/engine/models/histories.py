"""From a labeler's past comparisons to visual tokens:
items, the episodes that training sees, and two encoders.

Sources: Hebert et al., "PERSOMA: Personalized Soft Prompt Adapter Architecture for Personalized
Language Prompting", 2024; Jaegle et al., "Perceiver: General Perception with Iterative Attention",
ICML 2021; Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, for training in
episodes as short as those that testing will meet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.methods.parts.visual_tokens import ITEM, LOOKS
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.kept_readings import KeptReading, read_once
from prism_desktop.engine.models.labeler_context import LabelerContext

LENGTHS = (
    0,
    5,
    10,
    20,
    50,
)  # of the short histories that training shows, as new labelers have them
WHOLE = 0.5  # share of histories that it shows whole, as those are whom training knows


def gather_history(answers: Answers, labelers: int) -> tuple[Ints, Ints]:
    """Every labeler's past comparisons, ties left out.

    Returns:
        (labelers, items, 3) winner, loser and attribute, and (labelers, items) places among the
        answers; -1 where a labeler has fewer items than others. At least one place each.
    """
    told = np.flatnonzero(answers.outcome != 0.5)
    counts = np.bincount(answers.labeler[told], minlength=labelers)
    history = np.full((labelers, max(1, int(counts.max(initial=0))), 3), -1, np.int64)
    place = np.full(history.shape[:2], -1, np.int64)
    for labeler in range(labelers):
        own = told[answers.labeler[told] == labeler]
        left = answers.outcome[own] > 0.5
        winner = np.where(left, answers.left[own], answers.right[own])
        loser = np.where(left, answers.right[own], answers.left[own])
        history[labeler, : len(own)] = np.stack([winner, loser, answers.attribute[own]], axis=1)
        place[labeler, : len(own)] = own
    return history, place


class Episodes:
    """Which items of the histories a pass may see.

    Outside training it is all. In a training step a labeler's history must not hold what is to be
    foretold: items that show an image which the labeler judges in this batch stay hidden (their own
    answers among them, their repeats, and other attributes of the same face), as no test image lies
    in a history either. Of the others all are shown, or K are drawn, K from `LENGTHS`. Draws are a
    function of the batch alone: a resumed training meets the same episodes.
    """

    def __init__(self, context: LabelerContext) -> None:
        assert context.history is not None
        assert context.answer is not None
        self.history, self.answer = context.history, context.answer
        self._place = np.full((int(self.answer.max(initial=-1)) + 1, 2), -1, np.int64)
        labeler, item = np.nonzero(self.answer >= 0)
        self._place[self.answer[labeler, item]] = np.stack([labeler, item], axis=1)
        self._shown: list[Ints] | None = None
        self._all = [np.flatnonzero(items[:, 0] >= 0) for items in self.history]

    @property
    def whole(self) -> bool:
        """Whether all items may be seen."""
        return self._shown is None

    def begin(self, answers: Ints | None) -> None:
        """See `PersonalModel.begin_episode`."""
        if answers is None:
            self._shown = None
            return
        rng = np.random.default_rng(
            int.from_bytes(hashlib.blake2b(answers.tobytes(), digest_size=8).digest(), "little")
        )
        place = self._place[answers[answers < len(self._place)]]
        place = place[place[:, 0] >= 0]
        judged = self.history[place[:, 0], place[:, 1], :2]
        self._shown = []
        for labeler, items in enumerate(self._all):
            mine = judged[place[:, 0] == labeler]
            free = items[~np.isin(self.history[labeler, items, :2], mine).any(axis=1)]
            count = len(free) if rng.random() < WHOLE else LENGTHS[rng.integers(len(LENGTHS))]
            self._shown.append(np.sort(rng.permutation(free)[:count]))

    def shown(self, labelers: Sequence[int]) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Their items that may be seen, (n, items, 3) int64
        and (n, items) bool, False in unused places."""
        items = [
            (self._all if self._shown is None else self._shown)[labeler] for labeler in labelers
        ]
        size = max(1, *(len(one) for one in items)) if items else 1
        history, there = (
            np.zeros((len(items), size, 3), np.int64),
            np.zeros((len(items), size), bool),
        )
        for row, (labeler, one) in enumerate(zip(labelers, items, strict=True)):
            history[row, : len(one)], there[row, : len(one)] = self.history[labeler, one], True
        return history, there


class ItemEncoder(nn.Module):
    """One past comparison: Linear([f+ - f-; (f+ + f-) / 2; t_a]).

    The three parts are applied to the images and the attributes instead of to the items, of which
    there are more.
    """

    features: Tensor
    attribute_vectors: Tensor

    def __init__(self, context: LabelerContext, size: int, generator: torch.Generator) -> None:
        super().__init__()
        assert context.features is not None
        assert context.attribute_vectors is not None
        self.register_buffer(
            "features", torch.from_numpy(context.features.copy()), persistent=False
        )
        self.register_buffer(
            "attribute_vectors",
            torch.from_numpy(context.attribute_vectors.copy()),
            persistent=False,
        )
        k, d = self.features.shape[1], self.attribute_vectors.shape[1]
        # Features have a mean square of 1 in all, text vectors of 1 per entry: items start with
        # entries about 1.
        self.contrast = nn.Parameter(torch.randn(size, k, generator=generator))
        self.middle = nn.Parameter(torch.randn(size, k, generator=generator))
        self.attribute = nn.Parameter(torch.randn(size, d, generator=generator) * d**-0.5)
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, history: Ints) -> Tensor:
        """(n, items, 3) winner, loser and attribute -> (n, items, size)."""
        distinct, inverse = np.unique(history[:, :, :2], return_inverse=True)
        arrays = (
            distinct,
            inverse.reshape(*history.shape[:2], 2),
            np.ascontiguousarray(history[:, :, 2]),
        )
        images, place, attribute = (
            torch.from_numpy(array).to(self.features.device) for array in arrays
        )
        half = functional.linear(self.features[images], self.middle) / 2
        contrast = functional.linear(self.features[images], self.contrast)
        told = functional.linear(self.attribute_vectors, self.attribute, self.bias)
        plus, minus = contrast + half, half - contrast
        return plus[place[..., 0]] + minus[place[..., 1]] + told[attribute]


class HistoryPrompts(nn.Module):
    """Tokens = common + encoder(items). A new labeler is one pass: `read` of any items.

    Attributes:
        items: the encoder of single items.
        encoder: makes (n, tokens, size) of the items, by a Perceiver or by averaging.
    """

    SIZE = ITEM

    def __init__(
        self,
        context: LabelerContext,
        tokens: int,
        width: int,
        *,
        averaged: bool,
        std: float,
        generator: torch.Generator,
    ) -> None:
        """An encoder of items, its last layer, and the token that all labelers share."""
        super().__init__()
        self.items = ItemEncoder(context, self.SIZE, generator)
        self.encoder = (Averager if averaged else Perceiver)(self.SIZE, tokens, generator)
        self.common = nn.Parameter(torch.randn(1, tokens, width, generator=generator) * std)
        self.last = nn.Parameter(
            torch.randn(width, self.SIZE, generator=generator) * std * self.SIZE**-0.5
        )
        self._episodes = Episodes(context)
        self._kept = KeptReading[dict[int, Tensor]]()  # tokens by labeler

    def begin_episode(self, answers: Ints | None) -> None:
        """See `Episodes`."""
        self._episodes.begin(answers)
        if answers is not None:
            self._kept.clear()

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        distinct, row = torch.unique(labeler, return_inverse=True)
        kept = self._kept.of(self, self._episodes.whole, dict)
        return read_once(kept, distinct.tolist(), self._read_shown)[row]

    def _read_shown(self, labelers: Sequence[int]) -> Tensor:
        return self.read(*self._episodes.shown(labelers))

    def read(self, history: Ints, there: npt.NDArray[np.bool_]) -> Tensor:
        """Any labelers' items, (n, items, 3) and (n, items) bool -> tokens (n, tokens, width)."""
        mask = torch.from_numpy(there).to(self.common.device)
        items = self.items(history)
        if isinstance(self.encoder, Averager):
            told = self.encoder(items, self.items(history[:, :, [1, 0, 2]]), mask)
        else:
            told = self.encoder(items, mask)
        return self.common + functional.linear(told, self.last)


class Averager(nn.Module):
    """An MLP of each item minus that of its mirror image, winner and loser exchanged.

    The sum of all; an MLP of that.

    Without the mirror image a sum mostly says which faces were shown, which all labelers share;
    with it, a labeler who answers at random comes out near zero. Sums are divided by the root of
    their number, as evidence grows with answers; those of few items are shrunk.
    """

    FEW = 10.0

    def __init__(self, size: int, tokens: int, generator: torch.Generator) -> None:
        super().__init__()
        self.tokens = tokens
        self.inner = _linear(size, size, generator)
        self.outer = _linear(size, size, generator)
        self.spread = _linear(size, tokens * size, generator)

    def forward(self, items: Tensor, mirrored: Tensor, there: Tensor) -> Tensor:
        """(n, items, size), the same of the mirror images,
        and (n, items) bool -> (n, tokens, size)."""
        each: Tensor = (
            self.inner(functional.gelu(items) - functional.gelu(mirrored)) * there[:, :, None]
        )
        total = each.sum(dim=1) / (there.sum(dim=1, keepdim=True) + self.FEW).sqrt()
        spread: Tensor = self.spread(functional.gelu(self.outer(total)))
        return spread.view(len(items), self.tokens, -1)


class Perceiver(nn.Module):
    """As many latents as tokens look at the items through two layers of cross-attention.

    An item that is always there, and learned, keeps an empty history from being no question at all.
    """

    LAYERS, HEADS = LOOKS, 4

    def __init__(self, size: int, tokens: int, generator: torch.Generator) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(1, tokens, size, generator=generator))
        self.nothing = nn.Parameter(torch.randn(1, 1, size, generator=generator))
        self.looks = nn.ModuleList(
            CrossAttentionBlock(size, size, self.HEADS, generator) for _ in range(self.LAYERS)
        )
        self.thinks = nn.ModuleList(SelfAttentionBlock(size, generator) for _ in range(self.LAYERS))

    def forward(self, items: Tensor, there: Tensor) -> Tensor:
        """(n, items, size) and (n, items) bool -> (n, tokens, size)."""
        items = torch.cat([self.nothing.expand(len(items), -1, -1), items], dim=1)
        there = functional.pad(there, (1, 0), value=True)
        x = self.latents.expand(len(items), -1, -1)
        for look, think in zip(self.looks, self.thinks, strict=True):
            x = x + look(x, items, there)
            x = x + think(x)
        return functional.layer_norm(x, x.shape[-1:])


class CrossAttentionBlock(nn.Module):
    """Cross-attention from queries to items, both normalised
    first (Vaswani et al. 2017; Xiong et al. 2020)."""

    def __init__(self, size: int, items: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = _linear(size, items, generator), _linear(items, items, generator)
        self.value, self.out = _linear(items, items, generator), _linear(items, size, generator)

    def forward(self, x: Tensor, items: Tensor, there: Tensor, row: Tensor | None = None) -> Tensor:
        """Look things up.

        Args:
            x: (rows, queries, size).
            items: (n, items, items' size).
            there: (n, items) bool; at least one each.
            row: (rows,) int64, whose items each row looks at; None where rows and n are the same.

        Returns:
            (rows, queries, size).
        """
        return self.look_up(x, *self.memory(items), there, row)

    def memory(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of items, (n, heads, items, size / heads) each."""
        normal = functional.layer_norm(items, items.shape[-1:])
        return self._by_head(self.key(normal)), self._by_head(self.value(normal))

    def look_up(
        self, x: Tensor, key: Tensor, value: Tensor, there: Tensor, row: Tensor | None
    ) -> Tensor:
        """As `forward`, in what `memory` returned."""
        query, mask = self._by_head(self.query(functional.layer_norm(x, x.shape[-1:]))), there
        mask = mask[:, None, None]
        if row is not None:
            key, value, mask = key[row], value[row], mask[row]
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return out

    def _by_head(self, part: Tensor) -> Tensor:
        return part.reshape(*part.shape[:-1], self.heads, -1).transpose(1, 2)


class SelfAttentionBlock(nn.Module):
    """A normalised MLP, twice as wide within."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.wide, self.back = (
            _linear(size, 2 * size, generator),
            _linear(2 * size, size, generator),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) -> (..., size)."""
        out: Tensor = self.back(functional.gelu(self.wide(functional.layer_norm(x, x.shape[-1:]))))
        return out


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer whose weights come from the generator alone."""
    # whose own start would draw from everyone's random stream
    layer = nn.Linear(inputs, outputs, device="meta")
    layer.weight = nn.Parameter(torch.randn(outputs, inputs, generator=generator) * inputs**-0.5)
    layer.bias = nn.Parameter(torch.zeros(outputs))
    return layer


class GatedMemory(nn.Module):
    """x + tanh(gamma) CrossAttention(x, items), gamma = 0 at
    the start: training begins at the model without it.

    Attributes:
        gamma: () float32.
    """

    SIZE, HEADS = ITEM, 4

    def __init__(self, context: LabelerContext, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.items = ItemEncoder(context, self.SIZE, generator)
        self.nothing = nn.Parameter(torch.randn(1, 1, self.SIZE, generator=generator))
        self.look = CrossAttentionBlock(width, self.SIZE, self.HEADS, generator)
        self.gamma = nn.Parameter(torch.zeros(()))
        self._episodes = Episodes(context)
        # of the last pass's labelers alone: those of all would not fit into memory
        self._kept = KeptReading[tuple[Tensor, Tensor, Tensor]]()

    def begin_episode(self, answers: Ints | None) -> None:
        """See `Episodes`."""
        self._episodes.begin(answers)
        if answers is not None:
            self._kept.clear()

    def forward(self, tokens: Tensor, labeler: Tensor) -> Tensor:
        """(rows, n, width) and (rows,) int64 -> (rows, n, width), in the tokens' dtype."""
        distinct, row = torch.unique(labeler, return_inverse=True)
        seen = tuple(distinct.tolist())
        key, value, there = self._kept.of(
            self, (seen, self._episodes.whole), lambda: self._remember(seen)
        )
        found = self.look.look_up(tokens.float(), key, value, there, row)
        return tokens + (self.gamma.tanh() * found).to(tokens.dtype)

    def _remember(self, labelers: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values of their items, and (n, 1 + items) bool, which are there."""
        history, there = self._episodes.shown(labelers)
        items = self.items(history)
        items = torch.cat([self.nothing.expand(len(items), -1, -1), items], dim=1)
        mask = functional.pad(torch.from_numpy(there).to(items.device), (1, 0), value=True)
        return *self.look.memory(items), mask
