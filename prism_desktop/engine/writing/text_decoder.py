"""Tokens that a writer's model makes, of many texts and several people in one pass.

Where a model's attention keeps what it has read (`key_value_cache.py`), each token costs one token;
elsewhere all is read again. Both give the same tokens, but for float noise where two are as likely.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from prism_desktop.engine.methods.writing_parts import ActsBy
from prism_desktop.engine.runs.decoding import GREEDY, Decoding
from prism_desktop.engine.writing.key_value_cache import (
    KeptPrefixes,
    LayerStates,
    PrefixKey,
    empty_cache,
    fill,
    keeps_states,
    states_of,
)
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.writer_model import WriterModel

MOST_ROWS: Final = 64  # of one pass
_MOST_PLACES: Final = 16_384  # rows times tokens of one pass


@dataclass(frozen=True, slots=True, eq=False)
class StartedText:
    """What a text is to follow.

    Attributes:
        ids: of the tokens before it, from the context to the layout behind the prompt.
        shared: how many of them, from the first, stand before every prompt of this person.
        place: of the person among the model's people.
        room: most tokens that may follow.
        seed: of what is drawn for it; a greedy text reads none.
    """

    ids: list[int]
    shared: int
    place: int
    room: int
    seed: int = 0


class _Pass(Protocol):
    """Texts that are written together."""

    def first(self) -> Tensor:
        """(rows, vocabulary): logits of the first tokens."""

    def following(self, tokens: Tensor) -> Tensor:
        """(rows, vocabulary): logits behind one more token (rows,) of each row."""

    def narrow(self, kept: Tensor) -> None:
        """Go on with some rows."""


@torch.no_grad()
def decode(
    model: WriterModel,
    texts: Sequence[StartedText],
    written: Written | None = None,
    how: Decoding = GREEDY,
    kept: KeptPrefixes | None = None,
    *,
    cached: bool = True,
) -> Iterator[list[tuple[int, list[int]]]]:
    """Write texts.

    Args:
        model: of the people in `texts`.
        texts: which.
        written: of each text what its person wrote before, for methods that read it.
        how: greedy, or drawn.
        kept: what was read before every prompt; filled for the next call, if the numbers of the
            model are the same then.
        cached: False reads all again at each token, as models must that keep nothing.

    Yields:
        At every step the texts that ended there: each its place in `texts`, and its tokens
        without the one that ended it.
    """
    store = KeptPrefixes() if kept is None else kept
    keeps = cached and keeps_states(model.base.model)
    asked = [replace(one, room=min(one.room, how.most_tokens)) for one in texts]
    for part in _parts(asked):
        rows = [asked[place] for place in part]
        seen = None if written is None else written.of(torch.tensor(part, device=model.device))
        made: _Pass = _Kept(model, rows, seen, store) if keeps else _Whole(model, rows, seen)
        for ended in _write(model, rows, made, how):
            yield [(part[place], tokens) for place, tokens in ended]


def _parts(texts: Sequence[StartedText]) -> Iterator[list[int]]:
    """Places of texts in passes of like length."""
    part: list[int] = []
    for place in sorted(range(len(texts)), key=lambda one: len(texts[one].ids)):
        room = len(texts[place].ids) + texts[place].room
        if part and (len(part) == MOST_ROWS or (len(part) + 1) * room > _MOST_PLACES):
            yield part
            part = []
        part.append(place)
    if part:
        yield part


def _write(
    model: WriterModel, rows: Sequence[StartedText], made: _Pass, how: Decoding
) -> Iterator[list[tuple[int, list[int]]]]:
    """One pass; of its rows those that ended, step by step."""
    tokens: list[list[int]] = [[] for _ in rows]
    draws = [torch.Generator().manual_seed(row.seed) for row in rows]
    over = {place for place, row in enumerate(rows) if row.room < 1}
    if over:
        yield [(place, []) for place in over]
    live, logits = list(range(len(rows))), made.first()
    while len(over) < len(rows):
        if 2 * sum(place not in over for place in live) <= len(live):
            kept = [at for at, place in enumerate(live) if place not in over]
            chosen = torch.tensor(kept, device=model.device)
            made.narrow(chosen)
            live, logits = [live[at] for at in kept], logits[chosen]
        found = _picked(logits, how, [draws[place] for place in live])
        ended = []
        for place, token in zip(live, found.tolist(), strict=True):
            if place in over:
                continue
            if token in model.base.reader.after:
                ended.append(place)
            else:
                tokens[place].append(token)
                if len(tokens[place]) == rows[place].room:
                    ended.append(place)
        over.update(ended)
        yield [(place, tokens[place]) for place in ended]
        if len(over) < len(rows):
            logits = made.following(found)


def _picked(logits: Tensor, how: Decoding, draws: Sequence[torch.Generator]) -> Tensor:
    """(rows,) the next tokens.

    Args:
        logits: (rows, vocabulary).
        how: greedy, or drawn.
        draws: of each row.
    """
    if how.greedy:
        return logits.argmax(-1)
    chance = torch.cat([torch.rand(1, generator=one) for one in draws]).to(logits.device)
    share, order = (logits.double() / how.temperature).softmax(-1).sort(-1, descending=True)
    share = share * (share.cumsum(-1) - share < how.top_p)
    total = share.cumsum(-1)
    place = (total <= chance[:, None] * total[:, -1:]).sum(-1, keepdim=True)
    last = (share > 0).sum(-1, keepdim=True) - 1
    return order.gather(-1, place.minimum(last))[:, 0]


class _Whole:
    """A pass that reads all again at every token."""

    def __init__(
        self, model: WriterModel, rows: Sequence[StartedText], written: Written | None
    ) -> None:
        self._model, self._written = model, written
        self._ids = [list(row.ids) for row in rows]
        self._who = torch.tensor([row.place for row in rows], device=model.device)

    def first(self) -> Tensor:
        model, ids = self._model, self._ids
        longest = max(map(len, ids))
        filled = [[*one, *[model.base.reader.pad] * (longest - len(one))] for one in ids]
        tokens = torch.tensor(filled, device=model.device)
        lengths = torch.tensor([len(one) for one in ids], device=model.device)
        seen = (torch.arange(longest, device=model.device) < lengths[:, None]).long()
        used = model.uses_prefix(self._who)
        found: list[Tensor] = [tokens.new_zeros(0)] * len(ids)
        for soft in (False, True):
            part = (used == soft).nonzero()[:, 0]
            if len(part):
                written = None if self._written is None else self._written.of(part)
                logits = model.logits(tokens[part], seen[part], self._who[part], written, soft=soft)
                last = logits[torch.arange(len(part)), lengths[part] - 1]
                for at, one in zip(part.tolist(), last, strict=True):
                    found[at] = one
        return torch.stack(found)

    def following(self, tokens: Tensor) -> Tensor:
        for one, token in zip(self._ids, tokens.tolist(), strict=True):
            if len(one) < self._model.base.context:  # else it has ended
                one.append(token)
        return self.first()

    def narrow(self, kept: Tensor) -> None:
        self._ids = [self._ids[at] for at in kept.tolist()]
        self._who = self._who[kept]
        self._written = None if self._written is None else self._written.of(kept)


class _Kept:
    """A pass whose keys and values are kept: shared beginnings, then prompts, then token by token.

    A row's places in memory are [beginning, gap][gap, prompt][tokens]; a mask hides the gaps, and
    positions go on without them.
    """

    def __init__(
        self, model: WriterModel, rows: Sequence[StartedText], written: Written | None,
        store: KeptPrefixes,
    ) -> None:  # fmt: skip
        self._model, self._rows, self._written = model, rows, written
        self._who = torch.tensor([row.place for row in rows], device=model.device)
        self._soft = model.uses_prefix(self._who).tolist()
        states = self._beginnings(store)
        self._begun = [
            row.shared + (model.rows.soft if soft else 0)
            for row, soft in zip(rows, self._soft, strict=True)
        ]
        self._longest = max(self._begun)
        asked = max(len(row.ids) - row.shared for row in rows)
        room = self._longest + asked + max(row.room for row in rows)
        self._cache = empty_cache(model.base.model, room)
        fill(self._cache, states, self._longest)
        begun = torch.tensor(self._begun, device=model.device)
        self._seen = (torch.arange(self._longest, device=model.device) < begun[:, None]).long()
        self._next = begun

    def first(self) -> Tensor:
        model, rest = self._model, [row.ids[row.shared :] for row in self._rows]
        longest, pad = max(map(len, rest)), model.base.reader.pad
        ids = [[*[pad] * (longest - len(one)), *one] for one in rest]
        there = [[*[0] * (longest - len(one)), *[1] * len(one)] for one in rest]
        return self._read(
            torch.tensor(ids, device=model.device), torch.tensor(there, device=model.device)
        )

    def following(self, tokens: Tensor) -> Tensor:
        return self._read(tokens[:, None], torch.ones_like(tokens[:, None]))

    def narrow(self, kept: Tensor) -> None:
        self._cache.batch_select_indices(kept)
        self._who, self._seen, self._next = self._who[kept], self._seen[kept], self._next[kept]
        self._written = None if self._written is None else self._written.of(kept)

    def _read(self, ids: Tensor, there: Tensor) -> Tensor:
        """Read more tokens; the logits behind the last one of each row."""
        self._seen = torch.cat([self._seen, there], 1)
        # rows that have ended are read on with the others, perhaps beyond the last position
        most = self._model.base.context - 1
        places = (self._next[:, None] + there.cumsum(1) - 1).clamp(0, most)
        self._next = self._next + there.sum(1)
        with self._model.acting(self._who, self._written):
            return _run(
                self._model.base.model,
                input_ids=ids, attention_mask=self._seen, position_ids=places,
                past_key_values=self._cache,
            )  # fmt: skip

    def _beginnings(self, store: KeptPrefixes) -> list[LayerStates]:
        """Of each row the states of its shared beginning, read where they are not kept."""
        by = self._model.method.acts_by
        keys: list[PrefixKey] = [
            (_said(at, row, by, self._written), soft, tuple(row.ids[: row.shared]))
            for at, (row, soft) in enumerate(zip(self._rows, self._soft, strict=True))
        ]
        found = {key: store.get(key) for key in keys}
        lacking = [key for key, states in found.items() if states is None]
        for soft in (False, True):
            part = [key for key in lacking if key[1] == soft and (soft or key[2])]
            if part:
                rows = torch.tensor([keys.index(key) for key in part], device=self._who.device)
                for key, states in zip(part, self._begin(part, rows, soft), strict=True):
                    found[key] = states
                    store.put(key, states)
        nothing: LayerStates = []
        return [found[key] or nothing for key in keys]

    def _begin(self, keys: Sequence[PrefixKey], rows: Tensor, soft: bool) -> list[LayerStates]:
        """Read beginnings: soft tokens, and what of the context is the same for every prompt."""
        model = self._model
        net: Any = model.base.model
        longest = max(len(tokens) for _, _, tokens in keys)
        pad = model.base.reader.pad
        ids = [[*tokens, *[pad] * (longest - len(tokens))] for _, _, tokens in keys]
        inner = net.get_input_embeddings()(torch.tensor(ids, device=model.device).long())
        lengths = [len(tokens) for _, _, tokens in keys]
        written = None if self._written is None else self._written.of(rows)
        with model.acting(self._who[rows], written):
            if soft:
                ahead = model.ahead(self._who[rows], written)
                inner = torch.cat([ahead, inner], 1)
                lengths = [one + ahead.shape[1] for one in lengths]
            ends = torch.tensor(lengths, device=model.device)
            seen = (torch.arange(inner.shape[1], device=model.device) < ends[:, None]).long()
            cache = empty_cache(net, inner.shape[1])
            _run(net, inputs_embeds=inner, attention_mask=seen, past_key_values=cache)
        return [states_of(cache, row, length) for row, length in enumerate(lengths)]


def _said(at: int, row: StartedText, by: ActsBy, written: Written | None) -> str:
    """What the states of a beginning follow from beside its tokens; of a method that reads whole
    texts these, so that nothing is shared."""
    if by == "nothing":
        return ""
    read = "" if written is None or by == "person" else written.digest(at)
    return f"{row.place} {read} {row.ids if by == 'text' else ''}"


def _run(net: Any, **given: Any) -> Tensor:
    """(rows, vocabulary): logits of the last place, alone where a model can leave others out."""
    if "logits_to_keep" in inspect.signature(net.forward).parameters:
        given["logits_to_keep"] = 1
    found: Tensor = net(use_cache=True, **given).logits[:, -1]
    return found
