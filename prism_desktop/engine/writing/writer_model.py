"""A frozen language model with what makes it write like a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.methods.writing_methods import WritingMethod
from prism_desktop.engine.methods.writing_parts import (
    EmbeddedPrefix,
    GroupPrefix,
    HistoryPrefix,
    PersonAdapters,
    PersonPrefix,
    UnifiedAdapter,
    WriterSizes,
)
from prism_desktop.engine.writing.soft_prefixes import (
    MappedPrefix,
    TablePrefix,
    Written,
    WrittenPrefix,
    starting_tokens,
)
from prism_desktop.engine.writing.token_rows import RowMaker, TokenBatch, TokenRow, as_batch
from prism_desktop.engine.writing.writer_adapters import WriterAdapters, projections
from prism_desktop.engine.writing.writing_config import WritingConfig


class WriterModel(nn.Module):
    """One method's model of some people.

    Attributes:
        unified: adapters of everybody, if the method has them.
        own: adapters of each person's own, if it has them.
        prefix: soft tokens, if it has them.
        kept: (people,) bool, whether a person's soft tokens are used; all at first.
        groups: (people,) int64, the row of the prefix's table that is a person's.
    """

    unified: WriterAdapters | None
    own: WriterAdapters | None
    prefix: TablePrefix | MappedPrefix | WrittenPrefix | None
    kept: Tensor
    groups: Tensor

    def __init__(
        self,
        base: LanguageModel,
        method: WritingMethod,
        config: WritingConfig,
        people: int,
        groups: Sequence[int] | None = None,
        sets: int | None = None,
    ) -> None:
        """Args: base: frozen. people: how many. groups: of each person the row of the prefix's
        table; None: a row each. sets: rows of that table; None: as many as are named.
        """
        super().__init__()
        self._base = (base,)  # in a tuple, so that its weights are none of this module's
        self.method, self.config, self.people = method, config, people
        generator = torch.Generator().manual_seed(config.seed)
        adapted = method.first(UnifiedAdapter) or method.first(PersonAdapters)
        self._maps = projections(base.model) if adapted else []
        self.unified = self.own = None
        if unified := method.first(UnifiedAdapter):
            self.unified = self._adapters(1, generator).requires_grad_(not unified.frozen)
        if method.first(PersonAdapters):
            self.own = self._adapters(people, generator)
        rows = list(groups) if groups is not None else list(range(people))
        self.register_buffer("groups", torch.tensor(rows, dtype=torch.int64))
        self.register_buffer("kept", torch.ones(people, dtype=torch.bool))
        self.prefix = self._prefix(sets or max(rows, default=0) + 1, generator)
        self.to(base.device.torch)
        self.rows = RowMaker(base.reader, config.prefix if self.prefix is not None else 0)

    @property
    def base(self) -> LanguageModel:
        """The frozen language model."""
        return self._base[0]

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.base.device.torch

    @property
    def vocabulary(self) -> int:
        """How many tokens the language model knows."""
        model: Any = self.base.model
        return int(model.get_input_embeddings().num_embeddings)

    def sizes(self) -> WriterSizes:
        """What the shapes of its parameters depend on."""
        return WriterSizes(
            self.people, self._sets(), self.base.width, self.config.prefix, self.config.rank,
            [(one.in_features, one.out_features) for one in self._maps],
        )  # fmt: skip

    def _sets(self) -> int:
        return len(self.prefix.table) if isinstance(self.prefix, TablePrefix) else 0

    def own_parameters(self) -> list[nn.Parameter]:
        """What belongs to single people, which somebody new is fitted by."""
        found = list(self.own.parameters()) if self.own is not None else []
        personal = self.method.first(PersonPrefix) or self.method.first(EmbeddedPrefix)
        if personal and isinstance(self.prefix, TablePrefix | MappedPrefix):
            found.append(self.prefix.table)
        return found

    def nll(
        self, rows: Sequence[TokenRow], people: Sequence[int], written: Written | None = None
    ) -> tuple[Tensor, Tensor]:
        """How little the texts' own tokens were expected.

        Args:
            rows: texts.
            people: of each its person.
            written: what these wrote before, for methods that read it.

        Returns:
            (rows,) sums in nats over the own tokens, and (rows,) how many these are.
        """
        batch = as_batch(rows, self.base.reader.pad, self.device)
        who = torch.tensor(list(people), dtype=torch.int64, device=self.device)
        total = torch.zeros(len(rows), device=self.device)
        used = self.uses_prefix(who)
        if bool(used.all()) or not bool(used.any()):
            total = self._sums(batch, who, written, soft=bool(used.all()) and len(rows) > 0)
        else:  # where no soft token is used there is none, not one that is hidden
            for soft in (False, True):
                part = (used == soft).nonzero()[:, 0]
                fewer = TokenBatch(*(one[part] for one in batch))
                seen = None if written is None else written.of(part)
                sums = self._sums(fewer, who[part], seen, soft=soft)
                total = total.index_copy(0, part, sums)
        return total, batch.own.sum(1)

    def _sums(
        self, batch: TokenBatch, who: Tensor, written: Written | None, *, soft: bool
    ) -> Tensor:
        logits = self.logits(batch.ids, batch.seen, who, written, soft=soft)
        cost = functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), batch.ids[:, 1:].flatten(), reduction="none"
        )
        return (cost.view(len(who), -1) * batch.own[:, 1:]).sum(1)

    def logits(
        self, ids: Tensor, seen: Tensor, who: Tensor, written: Written | None, *, soft: bool
    ) -> Tensor:
        """(rows, tokens, vocabulary): of each place the next token, soft tokens left out."""
        model: Any = self.base.model
        with self.acting(who):
            if not soft:
                found: Tensor = model(input_ids=ids, attention_mask=seen, use_cache=False).logits
                return found
            ahead = self.ahead(who, written)
            inner = torch.cat([ahead, model.get_input_embeddings()(ids)], 1)
            mask = torch.cat([seen.new_ones(len(ids), ahead.shape[1]), seen], 1)
            found = model(inputs_embeds=inner, attention_mask=mask, use_cache=False).logits
            return found[:, ahead.shape[1] :]

    def uses_prefix(self, who: Tensor) -> Tensor:
        """(rows,) bool: whose soft tokens stand before their texts."""
        return self.kept[who] if self.prefix is not None else torch.zeros_like(who).bool()

    @contextmanager
    def acting(self, who: Tensor) -> Iterator[None]:
        """Let the adapters change the base for a pass whose rows are of these people (rows,)."""
        with ExitStack() as adapted:
            if self.unified is not None:
                adapted.enter_context(self.unified.on(self._maps, None))
            if self.own is not None:
                adapted.enter_context(self.own.on(self._maps, who))
            yield

    def ahead(self, who: Tensor, written: Written | None) -> Tensor:
        """(rows, tokens, width): the soft tokens of a method that has them."""
        assert self.prefix is not None
        found: Tensor = self.prefix(self.groups[who], written)
        return found

    def entered(self, people: int, groups: Sequence[int] | None = None) -> WriterModel:
        """The same model with nobody but new people, who start where the known ones' mean lies;
        adapters of a person's own start as everybody's did."""
        sets = self._sets() if self.method.first(GroupPrefix) else None
        fresh = WriterModel(self.base, self.method, self.config, people, groups, sets)
        known, state = self.state_dict(), fresh.state_dict()
        for name, tensor in known.items():
            if name in ("kept", "groups") or name.startswith("own."):
                continue
            if name == "prefix.table" and self.own_parameters():
                used = tensor[self.kept] if bool(self.kept.any()) else tensor
                tensor = used.mean(0, keepdim=True).expand_as(state[name])
            state[name].copy_(tensor)
        return fresh

    def take_unified(self, tensors: Mapping[str, Tensor]) -> None:
        """Take everybody's adapters over from the unified run."""
        assert self.unified is not None
        state = self.unified.state_dict()
        for name in state:
            state[name].copy_(tensors[f"unified.{name}"])

    def _adapters(self, sets: int, generator: torch.Generator) -> WriterAdapters:
        return WriterAdapters(self._maps, sets, self.config.rank, self.config.alpha, generator)

    def _prefix(
        self, sets: int, generator: torch.Generator
    ) -> TablePrefix | MappedPrefix | WrittenPrefix | None:
        part, model = self.method, cast(Any, self.base.model)
        table = model.get_input_embeddings().weight.detach()
        own = part.first(PersonPrefix) or part.first(GroupPrefix)
        history = part.first(HistoryPrefix)
        if own is None and history is None and part.first(EmbeddedPrefix) is None:
            return None
        start = starting_tokens(
            table, sets if own else 1, self.config.prefix, self.config.prefix_start, generator
        )
        if own is not None:
            return TablePrefix(start)
        if history is not None:
            return WrittenPrefix(start[0], history.each, generator)
        return MappedPrefix(start[0], sets, generator)
