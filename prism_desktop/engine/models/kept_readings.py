"""What is read of labelers, their histories or their words, kept while passes without gradient
follow one another: a pass over many images asks for it again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


class KeptReading(Generic[T]):
    """The last thing that was made of a module's parameters; made anew when one of them changes."""

    def __init__(self) -> None:
        self._of: Hashable = None
        self._made: T | None = None

    def clear(self) -> None:
        """Keep nothing."""
        self._of = self._made = None

    def of(self, module: nn.Module, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes, or made before of the same; with gradient always what it makes.

        Args:
            module: of whose parameters it is made.
            what: of what else.
            make: must not return None.
        """
        if torch.is_grad_enabled() or any(each.is_inference() for each in module.parameters()):
            self.clear()
            return make()
        state = what, *((each.data_ptr(), each._version) for each in module.parameters())
        if self._made is None or self._of != state:
            self.clear()  # before the next is made: there is no room for two
            self._of, self._made = state, make()
        return self._made


def read_once(
    kept: dict[int, Tensor], labelers: Sequence[int], read: Callable[[Sequence[int]], Tensor]
) -> Tensor:
    """(n, ...) what is read of each labeler, of whom `read` reads those who are not kept yet."""
    missing = [labeler for labeler in labelers if labeler not in kept]
    if missing:
        found = read(missing)
        kept.update(zip(missing, found, strict=True))
        if len(missing) == len(labelers):
            return found
    return torch.stack([kept[labeler] for labeler in labelers])
