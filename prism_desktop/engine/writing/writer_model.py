"""A frozen language model with what makes it write like a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.cache_utils import DynamicCache

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.device import precision
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.methods.writing_parts import (
    SMALL_RANK,
    EmbeddedPrefix,
    GroupedAdapters,
    GroupPrefix,
    HierarchicalPrefix,
    HistoryPrefix,
    LearnedStart,
    MergedByValidation,
    MixedAdapters,
    PersonAdapters,
    PersonPrefix,
    SummaryPrefix,
    UnifiedAdapter,
    WriterSizes,
)
from prism_desktop.engine.methods.writing_readers import (
    LayerMemory,
    LookedUpPrefix,
    PerceiverPrefix,
)
from prism_desktop.engine.models.soft_tokens import before
from prism_desktop.engine.writing.key_value_cache import keeps_states
from prism_desktop.engine.writing.layer_memory import LookedAtMemory, looking_layers
from prism_desktop.engine.writing.learned_start import StartedPrefix
from prism_desktop.engine.writing.shared_reading import (
    Beginnings,
    asked_alone,
    beginnings,
    costs,
    rest_of,
    spread,
)
from prism_desktop.engine.writing.soft_prefixes import (
    AttendedPrefix,
    DeviatingPrefix,
    MappedPrefix,
    ProjectedTexts,
    TablePrefix,
    Written,
    WrittenPrefix,
    starting_tokens,
)
from prism_desktop.engine.writing.token_rows import RowMaker, TokenBatch, TokenRow, filled
from prism_desktop.engine.writing.writer_adapters import (
    MixedExperts,
    WriterAdapters,
    projections,
)
from prism_desktop.engine.writing.writing_config import WritingConfig

Prefix = (
    TablePrefix | MappedPrefix | WrittenPrefix | StartedPrefix | AttendedPrefix | ProjectedTexts
)


class WriterModel(nn.Module):
    """One method's model of some people.

    Attributes:
        unified: adapters of everybody, if the method has them.
        group: adapters of groups of people, if it has them.
        own: adapters of each person's own, if it has them.
        experts: adapters that are mixed for each person, if it has them.
        prefix: soft tokens, if it has them.
        memory: what layers look at, if it has one.
        kept: (people,) bool, whether a person's soft tokens are used, their group's adapters and
            their mixture; all at first.
        groups: (people,) int64, the row of the prefix's table, or the group, that is a person's.
        merged: (people,) float32, how much of a person's adapters takes the place of the unified
            ones; 1 while these learn. Only methods that merge have it.
    """

    unified: WriterAdapters | None
    group: WriterAdapters | None
    own: WriterAdapters | None
    experts: MixedExperts | None
    prefix: Prefix | None
    memory: LookedAtMemory | None
    kept: Tensor
    groups: Tensor
    merged: Tensor | None

    def __init__(
        self,
        base: LanguageModel,
        method: WritingMethod,
        config: WritingConfig,
        people: int,
        groups: Sequence[int] | None = None,
        sets: int | None = None,
    ) -> None:
        """Draw what is trained from the settings' seed.

        Args:
            base: frozen.
            method: whose parts say what there is.
            config: sizes, the seed and how precisely the frozen weights are held.
            people: how many.
            groups: of each person the row of the prefix's table; None: a row each.
            sets: rows of that table; None: as many as are named.
        """
        super().__init__()
        self._base = (base,)  # in a tuple, so that its weights are none of this module's
        self.method, self.config, self.people = method, config, people
        generator = torch.Generator().manual_seed(config.seed)
        rows = list(groups) if groups is not None else list(range(people))
        self._rows = sets or max(rows, default=0) + 1
        self._make_adapters(rows, generator)
        self.register_buffer("groups", torch.tensor(rows, dtype=torch.int64))
        self.register_buffer("kept", torch.ones(people, dtype=torch.bool))
        whole = torch.ones(people) if method.first(MergedByValidation) else None
        self.register_buffer("merged", whole)
        self.prefix = self._prefix(self._rows, generator)
        self._layers = looking_layers(base.model) if method.first(LayerMemory) else []
        self.memory = None
        if self._layers:
            self.memory = LookedAtMemory(base.width, len(self._layers), generator)
        self.to(base.device.torch)
        self.rows = RowMaker(base.reader, config.prefix if self.prefix is not None else 0)
        self.precision = precision(base.device, config.precision, base.width)

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
            self.people, self._rows, self.base.width, self.config.prefix, self.config.rank,
            [(one.in_features, one.out_features) for one in self.maps], self.config.experts,
            len(self._layers),
        )  # fmt: skip

    @contextmanager
    def lighter(self) -> Iterator[None]:
        """Let the frozen weights be as light as the settings say, where something is fitted: what
        is trained stays in float32, and so does the model outside. A step's gradients belong
        inside, too."""
        if self.precision.weights is torch.float32:
            yield
            return
        with (
            self.base.weights_in(self.precision.weights),
            torch.autocast(self.device.type, self.precision.weights),
        ):
            yield

    def own_parameters(self) -> list[nn.Parameter]:
        """What belongs to single people, which somebody new is fitted by."""
        found = list(self.own.parameters()) if self.own is not None else []
        if self.experts is not None:
            found.append(self.experts.gate)
        personal = self.method.first(PersonPrefix) or self.method.first(EmbeddedPrefix)
        if personal and isinstance(self.prefix, TablePrefix | MappedPrefix | StartedPrefix):
            found.append(self.prefix.table)
        if isinstance(self.prefix, DeviatingPrefix):
            found.append(self.prefix.own)
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
        found = self.token_nats(rows, people, written)
        own = [len(one) for one in found]
        return torch.stack([one.sum() for one in found]), torch.tensor(own, device=self.device)

    def token_nats(
        self, rows: Sequence[TokenRow], people: Sequence[int], written: Written | None = None
    ) -> list[Tensor]:
        """The same token by token: of each row (own tokens,)."""
        who = torch.tensor(list(people), dtype=torch.int64, device=self.device)
        found = [torch.zeros(0, device=self.device)] * len(rows)
        used = self.uses_prefix(who)
        for soft in (False, True):  # where no soft token is used there is none, not a hidden one
            part = (used == soft).nonzero()[:, 0]
            if len(part):
                fewer = [rows[place] for place in part.tolist()]
                seen = None if written is None else written.of(part)
                each = self._each(fewer, who[part], seen, soft=soft)
                for place, one in zip(part.tolist(), each, strict=True):
                    found[place] = one
        return found

    def _each(
        self, rows: Sequence[TokenRow], who: Tensor, written: Written | None, *, soft: bool
    ) -> Sequence[Tensor]:
        """Of each row the nats of its own tokens; what rows share is read once."""
        net: Any = self.base.model
        begun = self._beginnings(rows, who, soft)
        tokens = [0] * len(rows) if begun is None else begun.tokens
        batch = rest_of(rows, tokens, self.base.reader.pad, self.device)
        asked, given = functional.pad(batch.own[:, 1:], (0, 1)), self._plain(batch)
        if begun is not None:
            given |= self._read_once(rows, begun, who, written, batch, soft=soft)
        with self.acting(who, written):
            if soft and begun is None:
                ahead = self.ahead(who, written)
                given = self._behind(ahead, batch.ids, batch.seen)
                asked = functional.pad(asked, (ahead.shape[1], 0))
            with asked_alone(net, asked):
                logits = net(**given).logits
        return costs(logits if logits.dim() == 2 else logits[asked], batch)

    def _beginnings(self, rows: Sequence[TokenRow], who: Tensor, soft: bool) -> Beginnings | None:
        """What of the rows is worth reading once, if the method allows it."""
        by = self.method.acts_by
        if by not in ("nothing", "person") or not keeps_states(self.base.model):
            return None
        people = [0] * len(rows) if by == "nothing" else who.tolist()
        return beginnings(rows, people, self.rows.soft if soft else 0, len(self.base.reader.before))

    def _read_once(
        self, rows: Sequence[TokenRow], begun: Beginnings, who: Tensor, written: Written | None,
        batch: TokenBatch, *, soft: bool,
    ) -> dict[str, Any]:  # fmt: skip
        """Read the beginnings; what a pass over the rest of the rows is given of them."""
        net: Any = self.base.model
        some = torch.tensor(begun.first, device=self.device)
        which = torch.tensor(begun.which, device=self.device)
        shared = [rows[at].ids[: begun.tokens[at]] for at in begun.first]
        ids, seen = filled(shared, self.base.reader.pad, self.device)
        cache = DynamicCache(config=net.config)
        with self.acting(who[some], None):
            given = self._plain(TokenBatch(ids, seen, seen.bool()))
            if soft:
                given = self._behind(self.ahead(who[some], written), ids, seen)
            net.base_model(**given | {"use_cache": True, "past_key_values": cache})
        seen = given["attention_mask"][which]
        places = seen.sum(1, keepdim=True) + torch.arange(batch.ids.shape[1], device=self.device)
        return {
            "attention_mask": torch.cat([seen, batch.seen], 1), "position_ids": places,
            "past_key_values": spread(net, cache, which), "use_cache": True,
        }  # fmt: skip

    def _plain(self, batch: TokenBatch) -> dict[str, Any]:
        return {"input_ids": batch.ids, "attention_mask": batch.seen, "use_cache": False}

    def _behind(self, ahead: Tensor, ids: Tensor, seen: Tensor) -> dict[str, Any]:
        """What a pass is given whose rows have soft tokens (rows, soft tokens, width) ahead."""
        net: Any = self.base.model
        inner, mask = before(ahead, net.get_input_embeddings()(ids), seen)
        return {"inputs_embeds": inner, "attention_mask": mask, "use_cache": False}

    def logits(
        self, ids: Tensor, seen: Tensor, who: Tensor, written: Written | None, *, soft: bool
    ) -> Tensor:
        """(rows, tokens, vocabulary): of each place the next token, soft tokens left out."""
        model: Any = self.base.model
        with self.acting(who, written):
            if not soft:
                found: Tensor = model(input_ids=ids, attention_mask=seen, use_cache=False).logits
                return found
            ahead = self.ahead(who, written)
            found = model(**self._behind(ahead, ids, seen)).logits
            return found[:, ahead.shape[1] :]

    def uses_prefix(self, who: Tensor) -> Tensor:
        """(rows,) bool: whose soft tokens stand before their texts."""
        return self.kept[who] if self.prefix is not None else torch.zeros_like(who).bool()

    @contextmanager
    def acting(self, who: Tensor, written: Written | None) -> Iterator[None]:
        """Let adapters and memory change the base for a pass whose rows are of these people
        (rows,), who wrote this before."""
        merged = None if self.merged is None else self.merged[who]
        kept = None if bool(self.kept.all()) else self.kept[who].float()
        with ExitStack() as stack:
            if self.unified is not None and (merged is None or bool((merged < 1).any())):
                rest = None if merged is None else 1 - merged
                if self.method.adapts_behind_prefix:
                    rest = kept
                if rest is None and self._can_fold(self.unified):
                    stack.enter_context(self.unified.folded(self.maps))
                else:
                    rows = None if rest is None else torch.zeros_like(who)
                    stack.enter_context(self.unified.on(self.maps, rows, rest))
            if self.group is not None:
                stack.enter_context(self.group.on(self.maps, self.groups[who], kept))
            if self.own is not None:
                stack.enter_context(self.own.on(self.maps, who, merged))
            if self.experts is not None:
                stack.enter_context(self.experts.on(self.maps, who, kept))
            if self.memory is not None and written is not None:
                stack.enter_context(self.memory.on(self._layers, written))
            yield

    def _can_fold(self, adapters: WriterAdapters) -> bool:
        """Whether adapters can be a part of the weights: nothing trains them in this pass, and the
        weights are precise enough to hold them."""
        trained = adapters.down[0].requires_grad and torch.is_grad_enabled()
        return not trained and self.maps[0].weight.dtype is torch.float32

    def ahead(self, who: Tensor, written: Written | None) -> Tensor:
        """(rows, tokens, width): the soft tokens of people, (rows,)."""
        assert self.prefix is not None
        if isinstance(self.prefix, DeviatingPrefix):
            return self.prefix.of(self.groups[who], who)
        found: Tensor = self.prefix(self.groups[who], written)
        return found

    def entered(self, people: int, groups: Sequence[int] | None = None) -> WriterModel:
        """The same model with nobody but new people, who start where the known ones' mean lies;
        adapters and deviations of a person's own start as everybody's did."""
        sets = self._rows if self.method.grouped else None
        fresh = WriterModel(self.base, self.method, self.config, people, groups, sets)
        known, state = self.state_dict(), fresh.state_dict()
        for name, tensor in known.items():
            if name in ("kept", "groups", "merged", "prefix.own") or name.startswith("own."):
                continue
            own_rows = name == "prefix.table" and not self.method.first(GroupPrefix)
            if name == "experts.gate" or (own_rows and self.own_parameters()):
                used = tensor[self.kept] if bool(self.kept.any()) else tensor
                if isinstance(self.prefix, StartedPrefix):
                    used = torch.zeros_like(used)  # where the learned start is
                tensor = used.mean(0, keepdim=True).expand_as(state[name])
            state[name].copy_(tensor)
        return fresh

    def take_unified(self, tensors: Mapping[str, Tensor]) -> None:
        """Take everybody's adapters over from the unified run."""
        assert self.unified is not None
        state = self.unified.state_dict()
        for name in state:
            state[name].copy_(tensors[f"unified.{name}"])

    def _make_adapters(self, groups: Sequence[int], generator: torch.Generator) -> None:
        method = self.method
        kinds = (UnifiedAdapter, GroupedAdapters, PersonAdapters, MixedAdapters)
        self.maps = projections(self.base.model) if any(map(method.first, kinds)) else []
        self.unified = self.group = self.own = self.experts = None
        if unified := method.first(UnifiedAdapter):
            self.unified = self._adapters(1, generator).requires_grad_(not unified.frozen)
        if method.first(GroupedAdapters):
            self.group = self._adapters(self._rows, generator)
        if own := method.first(PersonAdapters):
            rank = SMALL_RANK if own.small else self.config.rank
            self.own = self._adapters(self.people, generator, rank)
        if mixed := method.first(MixedAdapters):
            self.experts = MixedExperts(
                self.maps, self.config.experts, self.config.rank, self.config.alpha, groups,
                generator, routed=mixed.routed,
            )  # fmt: skip

    def _adapters(
        self, sets: int, generator: torch.Generator, rank: int | None = None
    ) -> WriterAdapters:
        return WriterAdapters(
            self.maps, sets, rank or self.config.rank, self.config.alpha, generator
        )

    def _prefix(self, sets: int, generator: torch.Generator) -> Prefix | None:
        method, model = self.method, cast(Any, self.base.model)
        if not method.makes_tokens:
            return None
        grouped = method.first(GroupPrefix)
        own = grouped or method.first(PersonPrefix)
        started = method.first(LearnedStart) is not None
        start = starting_tokens(
            model.get_input_embeddings().weight.detach(), sets if own and not started else 1,
            self.config.prefix, self.config.prefix_start, generator,
        )  # fmt: skip
        if started:
            return StartedPrefix(start[0], sets)
        if isinstance(grouped, HierarchicalPrefix):
            return DeviatingPrefix(start, self.people)
        if own is not None:
            return TablePrefix(start)
        if method.first(PerceiverPrefix):
            return AttendedPrefix(start[0], generator)
        if method.first(LookedUpPrefix):
            return ProjectedTexts(start[0], generator)
        if history := method.first(HistoryPrefix):
            return WrittenPrefix(start[0], not isinstance(history, SummaryPrefix), generator)
        return MappedPrefix(start[0], sets, generator)
