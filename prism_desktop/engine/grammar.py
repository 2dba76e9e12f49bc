"""Counts with their noun, and the words that compare two faces.

Every count that a person reads goes through `counted`, or through `word_for` where the number
stands elsewhere; `tests/test_counts.py` finds plurals made by hand. Attributes are compared
through `comparative`, for "more smart" is nobody's English.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_IRREGULAR: Final = {
    "analysis": "analyses", "axis": "axes", "basis": "bases", "child": "children",
    "criterion": "criteria", "datum": "data", "half": "halves", "hypothesis": "hypotheses",
    "index": "indices", "man": "men", "matrix": "matrices", "person": "people",
    "phenomenon": "phenomena", "series": "series", "stimulus": "stimuli", "woman": "women",
}  # fmt: skip
# What comes after the noun that is counted: "pairs of labelers", "keys to press".
_AFTER_NOUN: Final = re.compile(r" (?:of|to|in|on|at|by|for|from|with|without|per|that) ")


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: "1 row", "2,000 rows", "2 pairs of labelers", "3 people".

    Args:
        number: of things; 0 takes the plural.
        one: the noun in the singular, with what stands around it.
        many: the plural where it is not the noun's alone that changes: "rows have" for "row has".
    """
    return f"{number:,} {word_for(number, one, many)}"


def word_for(number: int, one: str, many: str = "") -> str:
    """`one` or its plural, whichever a number asks for, without the number: "is" or "are"."""
    return one if number == 1 else many or plural(one)


def ranged(numbers: Iterable[int]) -> str:
    """From the least to the greatest: "3 to 9", and "7" where all are the same."""
    known = list(numbers)
    low, high = min(known), max(known)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = parts or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def plural(noun: str) -> str:
    """The plural of a noun with what stands around it: "labelers", "pairs of labelers"."""
    after = _AFTER_NOUN.search(noun)
    if after is not None:
        return plural(noun[: after.start()]) + noun[after.start() :]
    before, blank, last = noun.rpartition(" ")
    return before + blank + _plural_word(last)


def _plural_word(word: str) -> str:
    known = _IRREGULAR.get(word.lower())
    if known is not None:
        return word[0] + known[1:]
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(?:s|x|z|ch|sh)$", word) else "s")


_UNLIKE: Final = {
    "good": "better", "well": "better", "bad": "worse", "ill": "worse", "far": "farther",
    "good-looking": "better-looking", "shy": "shyer", "sly": "slyer", "wry": "wryer",
    "clever": "cleverer", "quiet": "quieter", "narrow": "narrower", "mellow": "mellower",
    "shallow": "shallower", "stupid": "stupider", "unkind": "unkinder",
}  # fmt: skip
# Short words that take "more": nouns that studies name attributes by, and adjectives that are
# not compared by their ending.
_WITH_MORE: Final = {
    "age", "anger", "beauty", "black", "boss", "charm", "cross", "fake", "fear", "friend",
    "fun", "gay", "glad", "grief", "guilt", "harm", "health", "height", "joy", "just", "like",
    "love", "loyal", "male", "pain", "power", "race", "real", "right", "royal", "scarce", "sex",
    "skill", "strength", "style", "taste", "threat", "trust", "warmth", "wealth", "weight",
    "white", "wrong", "worth",
}  # fmt: skip
_SHORT_ENDINGS: Final = re.compile(r"[^aeiou]y$|[^aeiou]le$")


def comparative(adjective: str, question: str = "") -> str:
    """An attribute as it compares two faces: "smarter", "friendlier", "more attractive".

    Args:
        adjective: the attribute's name, or what was typed for one.
        question: the attribute's own, whose words are taken if they compare: "older" of "Which
            face looks older?".

    Returns:
        Words for "Who looks ...?". What is no English adjective takes "more".
    """
    asked = re.search(
        r"\b(?:looks|is|seems|appears|feels|sounds) ((?:more|less) [^?]+|\w+)\?", question
    )
    if asked is not None and re.match(r"(?:more|less) |\w+er$|worse$", asked[1]):
        return asked[1]
    word = adjective.lower()
    if word.startswith(("more ", "less ")):
        return adjective
    if word in _UNLIKE:
        return adjective[0] + _UNLIKE[word][1:] if word[0] == _UNLIKE[word][0] else _UNLIKE[word]
    ends = _takes_ending(word) and adjective[1:].islower()
    return _with_ending(adjective) if ends else f"more {adjective}"


def _takes_ending(word: str) -> bool:
    """Words of one syllable do, and those of two that end in -y or -le."""
    if not re.fullmatch(r"[a-z]{3,}", word) or word in _WITH_MORE:
        return False
    if re.search(r"..ed$|.ing$|ness$|ship$|[^o]th$", word):
        return False
    if _SHORT_ENDINGS.search(word) is not None:
        spoken = re.sub(r"^un|e(?=ly$)", "", word)  # "unhappy" as "happy"; "lonely" has two
        return len(re.findall(r"[aeiouy]+", spoken)) <= 2
    return len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouy])e$", "", word))) == 1


def _with_ending(adjective: str) -> str:
    if re.search(r"[^aeiou]y$", adjective):
        return adjective[:-1] + "ier"
    if adjective.endswith("e"):
        return adjective + "r"
    doubled = re.search(r"(?:^|[^aeiou])[aeiou][^aeiouwxy]$", adjective)
    return adjective + (adjective[-1] if doubled else "") + "er"
