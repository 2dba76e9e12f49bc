"""The personal model of texts: a language model whose MLPs have adapters shared by all labelers,
and a few soft tokens of each labeler's own before every text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.prompt_layout import Pair, TextTokenizer
from prism_desktop.engine.backbones.token_shares import from_mean_word, token_shares
from prism_desktop.engine.models.attribute_reader import AttributeReader
from prism_desktop.engine.models.lora import Mix, add_lora, frozen_copy
from prism_desktop.engine.models.mlp_projections import target, with_linear_maps
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.soft_tokens import (
    as_array,
    leaving_room,
    mean_states,
    read_vectors,
)

_TOGETHER = 16  # texts of a pass on a processor, of similar length


class PersonalLanguageModel(PersonalTower):
    """Scores texts as each labeler would; see `PersonalTower`.

    A text's features are the mean of the last hidden states over its own tokens, unit norm, as
    those of the frozen model (`backbones.causal_lm`).
    """

    whole: ClassVar[str] = "language"

    def _build_tower(
        self, ranks: Mapping[str, int], alpha: float, generator: torch.Generator, std: float | None
    ) -> None:
        body: Any = self.backbone.model
        twin: Any = frozen_copy(body.base_model, self._dtype)
        twin.config.use_cache = False
        # which PEFT writes beside the adapters: no path of this machine
        twin.name_or_path = self.backbone.title
        self.adapted, self._mix = None, Mix()
        if ranks:
            with_linear_maps(twin)
            self.adapted, self._mix = add_lora(twin, target(twin), ranks, alpha, generator, std)
        elif self._trains_whole:
            twin = frozen_copy(twin, torch.float32, copied=True).requires_grad_(True)
        # a list, so that frozen weights are no part of the state
        self._plain = [twin] if self.adapted is None else []

    def _place_tokens(self) -> None:
        self._reads = leaving_room(self.backbone.reader, self.tokens)

    @staticmethod
    def attribute_reader(backbone: Any) -> AttributeReader:
        """The same language model, frozen."""
        return LanguageReader(backbone)

    @property
    def tower(self) -> Any:
        """The language model without its head, with adapters in place."""
        adapted: Any = self.adapted
        return adapted.base_model.model if adapted is not None else self._plain[0]

    @property
    def reader(self) -> TextTokenizer:
        """Prompts and texts as its tokens, with room for soft ones."""
        return self._reads

    def accept(self, inputs: Any) -> NDArray[np.int64]:
        """Pairs of a prompt or None and a text, as tokens behind which soft ones fit."""
        pairs: Sequence[Pair] = [(prompt, text) for prompt, text in inputs]
        return as_array(self._reads.lay_out(pairs), self._reads.pad)

    def prepare(self, taken: NDArray[Any]) -> Tensor:
        """(texts, 2, longest) int64 (see `as_array`) on the model's device."""
        return torch.from_numpy(taken).to(self.device)

    def encode(self, inputs: Tensor, labeler: Tensor | None, image: Tensor | None = None) -> Tensor:
        """Read texts as labelers read them.

        Args:
            inputs: (texts, 2, longest) from `prepare`.
            labeler: (rows,) int64, the labeler of each row; None for the adapters alone, without
                any token.
            image: (rows,) int64, the text of each row; None if rows are texts.

        Returns:
            (rows, hidden width) float32, unit norm.
        """
        tokens = inputs if image is None else inputs[image]
        if self.device.type != "cpu" or len(tokens) <= _TOGETHER:
            return self._read(tokens, labeler)
        # by length, so that little is filled up
        order = (tokens[:, 1] > 0).sum(1).argsort(stable=True)
        parts = [
            self._read(tokens[rows], None if labeler is None else labeler[rows])
            for rows in torch.split(order, _TOGETHER)
        ]
        return torch.cat(parts)[order.argsort()]

    def token_relevance(
        self, pair: Pair, labeler: int, direction: NDArray[np.float32], steps: int = 0
    ) -> NDArray[np.float32]:
        """What each token does to a linear score of a text's features as a labeler reads it.

        Args:
            pair: a prompt or None, and the text.
            labeler: whose tokens and adapters read it.
            direction: (hidden width,) of the features.
            steps: as of `token_shares`.

        Returns:
            (soft + tokens,) float32: the labeler's tokens, then those of the text as `reader` lays
            them out.
        """
        (laid,) = self.reader.lay_out([pair])
        whose = torch.tensor([labeler], device=self.device)
        ids, kind = self.prepare(as_array([laid], self.reader.pad)).unbind(1)
        embedding = self.tower.get_input_embeddings()
        with torch.no_grad(), self._gate(whose):
            embedded, ahead = embedding(ids), self.prompts(whose).to(embedding.weight.dtype)
        put_in, soft = torch.cat([ahead, embedded], dim=1), ahead.shape[1]
        away = put_in
        if steps:
            words = slice(soft + laid.words.start, soft + laid.words.stop)
            away = from_mean_word(put_in, [words], embedding.weight.detach())

        def read(moved: Tensor) -> Tensor:
            parts = moved[:, :soft], moved[:, soft:]
            with self._gate(whose):
                return read_vectors(self.tower, *parts, kind, self._looking_up(whose))

        wanted = torch.from_numpy(direction[None]).to(self.device)
        return token_shares(read, put_in, away, wanted, steps)[0].cpu().numpy()

    def _read(self, tokens: Tensor, labeler: Tensor | None) -> Tensor:
        """(rows, 2, n) in one pass, as long as the longest of them."""
        longest = int((tokens[:, 1] > 0).sum(1).max()) if self.device.type == "cpu" else None
        ahead = None if labeler is None else self.prompts(labeler)
        with self._gate(labeler):
            return mean_states(self.tower, ahead, tokens[:, :, :longest], self._looking_up(labeler))

    def _looking_up(self, labeler: Tensor | None) -> Callable[[Tensor], Tensor] | None:
        if labeler is None or self.memory is None:
            return None
        memory = self.memory
        return lambda embedded: memory(embedded, labeler)


class LanguageReader(AttributeReader):
    """Reads attributes with the frozen language model, as texts without a prompt."""

    def __init__(self, backbone: LanguageModel) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def source(self) -> Any:
        """The language model without its head."""
        model: Any = self.backbone.model
        return model.base_model

    def mean(self, sentences: Sequence[str]) -> Tensor:
        """As declared."""
        read = self.backbone.encode([(None, one) for one in sentences])
        return torch.from_numpy(read.mean(axis=0)).to(self.backbone.device.torch)

    def with_profile(self, profile: str, sentences: Sequence[str]) -> tuple[str, ...]:
        """The profile before each; one that is too long loses its last words."""
        words = profile.split()
        return tuple(self._behind(words, one) for one in sentences)

    def _behind(self, words: Sequence[str], sentence: str) -> str:
        for kept in range(len(words), 0, -1):
            whole = f"{' '.join(words[:kept]).rstrip('.')}. {sentence}"
            if not self.backbone.truncated([(None, whole)]):
                return whole
        return sentence
