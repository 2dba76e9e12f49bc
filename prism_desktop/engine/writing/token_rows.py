"""Own texts as tokens: examples and profile, then prompt, then the text, whose tokens alone count.

A text's own tokens are its words' and the token that ends it, since when somebody stops is a part
of how they write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import torch
from torch import Tensor

from prism_desktop.engine.backbones.prompt_layout import TextTokenizer
from prism_desktop.engine.writing.own_text_data import Pair

_PROFILE: Final = "<profile>"  # of models that were trained with one
_MOST_TOKENS: Final = 4_096  # of one pass, filling included
_MOST_LOGITS: Final = 1 << 26  # numbers; less than half are asked for where texts have prompts


class TokenRow(NamedTuple):
    """A text behind what is read before it."""

    ids: list[int]
    first: int  # where its own tokens begin, which go on to the end
    context: int  # tokens of examples and profile
    cut: bool  # whether the text did not fit whole


@dataclass(frozen=True, slots=True, eq=False)
class RowMaker:
    """Lays texts out for a model.

    Attributes:
        reader: the model's.
        soft: soft tokens that take places of the context.
    """

    reader: TextTokenizer
    soft: int = 0
    _units: dict[Pair, TokenRow] = field(default_factory=dict)

    def plain(self, pair: Pair) -> TokenRow:
        """A text behind its prompt alone."""
        if pair not in self._units:
            room = self.reader.context - self.soft - len(self.reader.after)
            laid = replace(self.reader, context=max(2, room)).lay_out([pair])[0]
            ids = laid.ids if laid.cut else [*laid.ids, *self.reader.after]
            # the first token of all is foretold by nothing
            self._units[pair] = TokenRow(ids, max(1, laid.first), 0, laid.cut)
        return self._units[pair]

    def row(self, pair: Pair, examples: Sequence[Pair] = (), profile: str = "") -> TokenRow:
        """A text behind a profile and examples, the best example last; what does not fit whole is
        left out: examples that are too long alone, then the first ones, and before these the
        profile."""
        target = self.plain(pair)
        room = whole = self.reader.context - self.soft - len(target.ids)
        parts: list[list[int]] = []
        for example in reversed(examples):
            one = self.plain(example)
            if one.cut or len(one.ids) > whole:
                continue
            if len(one.ids) > room:
                break
            parts.insert(0, one.ids)
            room -= len(one.ids)
        told = self._profile(profile)
        if told and len(told) <= room:
            parts.insert(0, told)
        before = [token for part in parts for token in part]
        return TokenRow([*before, *target.ids], len(before) + target.first, len(before), target.cut)

    def _profile(self, profile: str) -> list[int]:
        if not profile.strip():
            return []
        mark = self.reader.plain.token_to_id(_PROFILE)
        told = list(self.reader.plain.encode(profile, add_special_tokens=False).ids)
        return [*([] if mark is None else [mark]), *told]


class TokenBatch(NamedTuple):
    """Rows of one pass, as tensors.

    Attributes:
        ids: (rows, tokens) int64.
        seen: (rows, tokens) int64, 0 where a row is filled up.
        own: (rows, tokens) bool, the tokens that count.
    """

    ids: Tensor
    seen: Tensor
    own: Tensor


def as_batch(rows: Sequence[TokenRow], pad: int, device: torch.device) -> TokenBatch:
    """Rows filled up to the longest."""
    ids, seen = filled([row.ids for row in rows], pad, device)
    own = torch.zeros(ids.shape, dtype=torch.bool)
    for place, row in enumerate(rows):
        own[place, row.first : len(row.ids)] = True
    return TokenBatch(ids, seen, own.to(device))


def filled(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Tokens filled up at their end to the longest; (rows, tokens) int64, and where they are."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), pad)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row, dtype=torch.int64)
    lengths = torch.tensor([len(row) for row in rows])
    seen = (torch.arange(longest) < lengths[:, None]).long()
    return ids.to(device), seen.to(device)


def packed(lengths: Mapping[int, int], vocabulary: int) -> Iterator[list[int]]:
    """Places of rows in passes of like length, so that little is filled up.

    Args:
        lengths: of each place, tokens.
        vocabulary: of the model, whose logits decide how many tokens one pass may have.
    """
    most = min(_MOST_TOKENS, max(256, _MOST_LOGITS // max(1, vocabulary)))
    rows: list[int] = []
    for place in sorted(lengths, key=lambda place: (lengths[place], place)):
        if rows and (len(rows) + 1) * lengths[place] > most:
            yield rows
            rows = []
        rows.append(place)
    if rows:
        yield rows
