"""How well what was typed fits a name: as it stands, by its words, or by letters in order."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def distance(typed: str, name: str) -> int | None:
    """How far `typed` is from `name`, both as they are; smaller is nearer, None fits not at all."""
    wanted, name = " ".join(typed.casefold().split()), name.casefold()
    if not wanted:
        return 0
    if (place := name.find(wanted)) >= 0:
        inside = bool(place) and name[place - 1].isalnum()
        return place + (100 if inside else 0)
    if all(part in name for part in wanted.split()):
        return 200 + sum(name.find(part) for part in wanted.split())
    return _scattered(wanted.replace(" ", ""), name)


def best(typed: str, things: Iterable[T], name: Callable[[T], str], most: int) -> list[T]:
    """The things that fit, the nearest first; those equally near stay in their order."""
    found = [(far, thing) for thing in things if (far := distance(typed, name(thing))) is not None]
    found.sort(key=lambda each: each[0])
    return [thing for _, thing in found[:most]]


def _scattered(wanted: str, name: str) -> int | None:
    """The letters in their order, at most as far apart as is still meant."""
    first, place, jumps = -1, -1, 0
    for letter in wanted:
        found = name.find(letter, place + 1)
        if found < 0:
            return None
        starts = found == 0 or not name[found - 1].isalnum()
        jumps += found != place + 1 and not starts
        first = found if first < 0 else first
        place = found
    return None if jumps > max(1, len(wanted) // 2) else 1000 + 50 * jumps + place - first
