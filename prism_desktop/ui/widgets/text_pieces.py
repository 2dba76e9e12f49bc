"""Long texts piece by piece: laying out 100,000 characters at once would hold the window up."""

from collections.abc import Iterator
from typing import Final

PIECE: Final = 3_000  # characters that are laid out in a few ms
_LINE: Final = 30  # characters that a line costs as much as
_UNBROKEN: Final = 1_000  # of a word; where a long one may be broken is tried at every letter


def pieces(text: str, most: int = PIECE) -> Iterator[tuple[str, bool]]:
    """A text in pieces of whole paragraphs, at most `most` characters each.

    A longer paragraph is parted after a blank, or within a word of a thousand letters.

    Yields:
        A piece, without the line feed after it, and whether its last paragraph ends with it.
    """
    held: list[str] = []
    size = 0
    for paragraph in text.split("\n"):
        if held and size + len(paragraph) > most:
            yield "\n".join(held), True
            held, size = [], 0
        while len(paragraph) > most:
            cut = paragraph.rfind(" ", _UNBROKEN, most) + 1 or min(most, _UNBROKEN)
            yield paragraph[:cut], False
            paragraph = paragraph[cut:]
        held.append(paragraph)
        size += len(paragraph) + _LINE
    yield "\n".join(held), True
