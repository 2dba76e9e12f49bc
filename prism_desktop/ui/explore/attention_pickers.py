"""The pickers of which raw attention is shown: of a block and a head, or the mean of its heads."""

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from prism_desktop.ui.explore.view import picker

_RAW = "attention"  # the only kind of map that has blocks and heads


class AttentionPickers:
    """Two pickers, seen only beside raw attention; `holders` go into a layout."""

    def __init__(self, changed: Callable[[], Any]) -> None:
        """`changed` is called when one of them is."""
        self.block, one = picker("Block", changed, 72)
        self.head, other = picker("Head", changed, 72)
        self.holders: tuple[QWidget, ...] = one, other
        self._blocks = 0
        self.show_for("")

    def offer(self, blocks: int, heads: int, trunk: int = 0) -> None:
        """Those of a backbone; 0 where nobody knows how many there are. Blocks of the trunk are the
        same for all labelers, so they are left out."""
        self._blocks = blocks
        behind = map(str, range(trunk + 1, blocks + 1))
        self.block.offer([("", "Last"), *((n, n) for n in behind)])
        self.head.offer([("", "Mean of all"), *((str(n), str(n)) for n in range(1, heads + 1))])

    def show_for(self, kind: str) -> None:
        """A kind of map was chosen."""
        for each in self.holders:
            each.setVisible(kind == _RAW and self._blocks > 0)

    def whole(self, kind: str) -> str:
        """A kind as it is asked for: raw attention with its block and head."""
        if kind != _RAW or not (self.block.key or self.head.key):
            return kind
        block = self.block.key or str(self._blocks)
        return ":".join((kind, block, *filter(None, (self.head.key,))))

    def settle(self, whole: str) -> str:
        """Stand at what was asked for, as far as there is such a block and head; the kind."""
        kind, *places = whole.split(":")
        if kind == _RAW:
            for box, place in zip((self.block, self.head), (*places, "", ""), strict=False):
                box.settle(place if box.has(place) else "")
        self.show_for(kind)
        return kind
