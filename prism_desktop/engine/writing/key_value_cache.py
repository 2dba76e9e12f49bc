"""Keys and values that a language model's attention keeps of tokens it has read.

What stands before every prompt (soft tokens, a profile, examples, the layout's own tokens) is read
once for each person and kept here; several people's go into one pass.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

_MOST_KEPT: Final = 1 << 28  # bytes of keys and values between two calls
LayerStates = list[tuple[Tensor, Tensor]]  # of each layer keys and values (heads, tokens, width)
PrefixKey = tuple[str, bool, tuple[int, ...]]  # whose, with soft tokens or not, its tokens


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values in memory that is taken once, where others copy all of it at every token.

    Attributes:
        keys, values: (rows, heads, tokens so far, width), parts of what was taken.
    """

    def __init__(self, room: int) -> None:
        """Args: room: most tokens of a row."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._whole: list[Tensor] = []

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Take the memory."""
        super().lazy_initialization(key_states, value_states)
        self._whole = [
            one.new_zeros(*one.shape[:2], self._room, one.shape[3])
            for one in (key_states, value_states)
        ]

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Add tokens; returns all keys and all values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        begin = self.get_seq_length()
        end = begin + key_states.shape[2]
        for whole, new in zip(self._whole, (key_states, value_states), strict=True):
            whole[:, :, begin:end] = new
        self.keys, self.values = (one[:, :, :end] for one in self._whole)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Go on with some of the rows."""
        if self.is_initialized:
            end = self.get_seq_length()
            self._whole = [one[indices] for one in self._whole]
            self.keys, self.values = (one[:, :, :end] for one in self._whole)


def keeps_states(model: Any) -> bool:
    """Whether a model's attention over all earlier tokens can be kept: not that of windows, nor of
    recurrent layers, nor of models that count places by themselves."""
    asked = inspect.signature(model.forward).parameters
    if not {"past_key_values", "position_ids", "inputs_embeds"} <= asked.keys():
        return False
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def empty_cache(model: Any, room: int) -> Cache:
    """A cache of a pass whose rows have at most `room` tokens."""
    layers: list[Any] = [GrowingLayer(room) for _ in DynamicCache(config=model.config).layers]
    return Cache(layers=layers)


def states_of(cache: Cache, row: int, tokens: int) -> LayerStates:
    """A row's first tokens, taken out of a pass."""
    found = []
    for layer in cache.layers:
        assert isinstance(layer, GrowingLayer)
        keys, values = layer.keys, layer.values
        assert keys is not None
        assert values is not None
        found.append((keys[row, :, :tokens].clone(), values[row, :, :tokens].clone()))
    return found


def fill(cache: Cache, rows: Sequence[LayerStates], longest: int) -> None:
    """Begin a pass with what was read before.

    Args:
        cache: empty.
        rows: of each row its states, as `states_of` gives them; none if nothing was read.
        longest: tokens that each row has afterwards; shorter ones are filled up at their end.
    """
    known = {row: states for row, states in enumerate(rows) if states}
    for place, layer in enumerate(cache.layers if known else ()):
        assert isinstance(layer, GrowingLayer)
        parts = []
        for kind in (0, 1):
            some = next(iter(known.values()))[place][kind]
            whole = some.new_zeros(len(rows), some.shape[0], longest, some.shape[2])
            for row, states in known.items():
                one = states[place][kind]
                whole[row, :, : one.shape[1]] = one
            parts.append(whole)
        layer.update(*parts)


@dataclass(slots=True, eq=False)
class KeptPrefixes:
    """States of what stands before prompts, those used last; for one model's unchanged numbers."""

    _known: OrderedDict[PrefixKey, LayerStates] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def get(self, key: PrefixKey) -> LayerStates | None:
        """What was read of it, if it is kept."""
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def put(self, key: PrefixKey, states: LayerStates) -> None:
        """Keep it, and let go of what was used longest ago where memory is short."""
        self._known[key] = states
        self._bytes += _size(states)
        while self._bytes > _MOST_KEPT and len(self._known) > 1:
            self._bytes -= _size(self._known.popitem(last=False)[1])


def _size(states: LayerStates) -> int:
    return sum(one.numel() * one.element_size() for pair in states for one in pair)
