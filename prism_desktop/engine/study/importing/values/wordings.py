"""Scales in words whose order is known: "never, rarely, sometimes, often, always"."""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("wordings.toml")
_SIGNS = re.compile(r"[^\w\s]+|\s+")


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to read a column's words as numbers.

    Attributes:
        name: "agreement, 5 points".
        points: how many numbers the scale has, from 1.
        numbers: word as the file writes it -> its number.
    """

    name: str
    points: int
    numbers: Mapping[str, int]


def plain_words(text: str) -> str:
    """Words without capitals, punctuation and doubled blanks."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return _SIGNS.sub(" ", folded).strip()


def known_wordings(words: Collection[str]) -> list[Wording]:
    """The known scales that all these words belong to, the best first; none if they are of none.

    Several are given only where they read the words as different numbers: then somebody must say
    which it is. A scale of which every point was chosen goes before the others.
    """
    plain = {word: plain_words(word) for word in words}
    kinds = set(plain.values())
    if len(kinds) < 2 or len(kinds) > 9:
        return []
    found: dict[tuple[tuple[str, int], ...], tuple[bool, str, int]] = {}
    shorter = _without_shared_end(kinds)
    for name, points in _scales():
        for shown in (dict(zip(kinds, kinds, strict=True)), shorter):
            if all(word in points for word in shown.values()):
                numbers = {kind: points[word] for kind, word in shown.items()}
                if len(set(numbers.values())) == len(kinds):
                    top = max(points.values())
                    key = tuple(sorted(numbers.items()))
                    found.setdefault((*key, ("", top)), (len(kinds) == top, name, top))
    scales = sorted(found.items(), key=lambda item: (not item[1][0], item[1][2]))
    complete = [item for item in scales if item[1][0]]
    return [
        Wording(name, top, {word: dict(key)[kind] for word, kind in plain.items()})
        for key, (_, name, top) in (complete or scales)
    ]


def _without_shared_end(kinds: Collection[str]) -> dict[str, str]:
    """Words without the ones that all of them end with: "very honest" -> "very"."""
    parts = {kind: kind.split() for kind in kinds}
    shared = 0
    for column in zip(*(reversed(part) for part in parts.values()), strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    if not shared:
        return dict(zip(kinds, kinds, strict=True))
    return {kind: " ".join(part[: len(part) - shared]) for kind, part in parts.items()}


@cache
def _scales() -> Sequence[tuple[str, Mapping[str, int]]]:
    """Name and word -> number of every known scale, with every pair of opposites put in."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    scales = []
    for wording in content["wording"]:
        pairs = content["pairs"] if "{" in wording["name"] else [["", ""]]
        for high, low in pairs:
            points: dict[str, int] = {}
            for number, point in enumerate(wording["points"], start=1):
                for word in point.split("|"):
                    text = word.replace("{high}", high).replace("{low}", low)
                    points.setdefault(plain_words(text), number)
            name = wording["name"].replace("{high}", high).replace("{low}", low)
            scales.append((name, points))
    return scales
