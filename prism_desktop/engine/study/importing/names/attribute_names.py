"""Which attribute a column, a header or a cell speaks of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prism_desktop.engine.study.importing.names.dialects import plain_name, trait_words

_WORDS = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_OPPOSITES = frozenset({"not", "non", "un", "less", "least", "never", "nicht", "wenig", "weniger"})


@dataclass(frozen=True, slots=True)
class NamedAttribute:
    """An attribute, and how it was found."""

    name: str
    how: Literal["study", "elsewhere", "within", "trait", "only", "name"]


class AttributeNames:
    """Finds the study's attributes, and words for traits, in what files write."""

    def __init__(self, attributes: Sequence[str]) -> None:
        """
        Args:
            attributes: names of the study's.
        """
        self.attributes = tuple(attributes)
        self._plain = {plain_name(name): name for name in attributes}
        self._variants = dict(self._plain)
        for plain, name in self._plain.items():
            for word in trait_words().get(plain, ()):
                self._variants.setdefault(word, name)

    def exactly(self, words: str) -> str | None:
        """The study's attribute of that name, however it is spelled."""
        return self._variants.get(plain_name(words))

    def within(self, words: str) -> str | None:
        """The one attribute of the study that is a word of the text, None if none or several are.

        "How attractive is this face?" speaks of attractive, "not attractive" of something else.
        """
        found = {name for word, name in self._variants.items() if word and _speaks_of(words, word)}
        return found.pop() if len(found) == 1 else None

    def trait(self, words: str) -> str | None:
        """A word for a trait that the study does not have, as the file spells it."""
        return words.strip() if plain_name(words) in trait_words() else None

    def trait_within(self, words: str) -> str | None:
        """The one word for a trait in a text, None if there is none or several."""
        found = {next(iter(sorted(group))) for word, group in trait_words().items()
                 if _speaks_of(words, word)}  # fmt: skip
        if len(found) != 1:
            return None
        return next(word for word in trait_words() if _speaks_of(words, word))

    def of(self, *texts: str) -> NamedAttribute | None:
        """What column names and titles say, the study's own attributes first."""
        for text in texts:
            if found := self.exactly(text):
                return NamedAttribute(found, "study")
        for text in texts:
            if found := self.within(text):
                return NamedAttribute(found, "within")
        for text in texts:
            if found := self.trait(text) or self.trait_within(text):
                return NamedAttribute(found, "trait")
        return None


def _speaks_of(words: str, word: str) -> bool:
    """Whether a text holds a word, not turned into its opposite each time."""
    plain = f"_{re.sub(r'[^a-z0-9]+', '_', plain_name(words))}_"
    start = plain.find(f"_{word}_")
    while start >= 0:
        if plain[:start].rpartition("_")[2] not in _OPPOSITES:
            return True
        start = plain.find(f"_{word}_", start + 1)
    return False
