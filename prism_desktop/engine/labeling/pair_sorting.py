"""Sorting faces by asking: merge sorts whose questions are comparisons of two faces.

The merges of one level of a sort do not wait for each other, so that several of its questions are
open at a time. What was said of a pair before is taken from there; only what is not known is asked.

Source: Maystre and Grossglauser, "Just sort it!", ICML 2017 (repeated sorting).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from prism_desktop.engine.labeling.orders import shuffled

Pair = tuple[int, int]  # numbers of faces, the smaller first
_SORTS: Final = 50  # one after another


def in_order(one: int, other: int) -> Pair:
    """The two with the smaller number first."""
    return (one, other) if one < other else (other, one)


class PairSorter:
    """Merge sorts of each group's faces, shuffled anew whenever one is done.

    The groups take turns, and so do the attributes that are sorted by, where there are several.
    """

    def __init__(self, group: Sequence[int], salt: str, allows: Callable[[int, int], bool]) -> None:
        """Args:
        group: of each face; only faces of the same group are compared.
        salt: of the shuffles.
        allows: whether two faces may be compared; else they count as tied.
        """
        self._allows = allows
        self._groups: dict[int, list[int]] = {}
        for face, number in enumerate(group):
            self._groups.setdefault(number, []).append(face)
        self._salt = salt
        self._orders: dict[tuple[int, int], list[int]] = {}

    def questions(self, known: Mapping[Pair, tuple[int | None, ...]], turn: int) -> Iterator[Pair]:
        """What the sorts ask for and nothing is known about, the groups taking turns.

        Args:
            known: what was said of pairs, by attribute; None counts as a tie.
            turn: of the group that begins.
        """
        groups = sorted(self._groups)
        begin = turn % max(1, len(groups))
        asking = [self._of_group(group, known) for group in groups[begin:] + groups[:begin]]
        while asking:
            for each in list(asking):
                pair = next(each, None)
                if pair is None:
                    asking.remove(each)
                else:
                    yield pair

    def _of_group(self, group: int, known: Mapping[Pair, tuple[int | None, ...]]) -> Iterator[Pair]:
        """The open questions of the first sort that has some."""
        attributes = max((len(said) for said in known.values()), default=1)
        for number in range(_SORTS):
            said = (group + number) % max(1, attributes)

            def higher(one: int, other: int, said: int = said) -> bool | None:
                pair = in_order(one, other)
                if pair not in known:
                    return None if self._allows(one, other) else False
                outcome = known[pair][said] if said < len(known[pair]) else None
                return (outcome or 0) * (1 if pair[0] == one else -1) > 0

            found = open_questions(self._shuffled(group, number), higher)
            first = next(found, None)
            if first is not None:
                yield in_order(*first)
                yield from (in_order(*pair) for pair in found)
                return

    def _shuffled(self, group: int, number: int) -> list[int]:
        key = group, number
        if key not in self._orders:
            names = map(str, self._groups[group])
            self._orders[key] = [int(one) for one in shuffled(names, f"{self._salt}/sort/{number}")]
        return self._orders[key]


def open_questions(
    items: Sequence[int], higher: Callable[[int, int], bool | None]
) -> Iterator[tuple[int, int]]:
    """The comparisons that a merge sort from low to high waits for, each of another merge.

    Args:
        items: to sort.
        higher: whether the first of two items is higher; None where that is not known.
    """
    runs = [[item] for item in items]
    while len(runs) > 1:
        merged, waits = [], False
        for low, high in zip(runs[::2], runs[1::2], strict=False):
            run, wanted = _merge(low, high, higher)
            merged.append(run)
            if wanted is not None:
                waits = True
                yield wanted
        if waits:
            return
        runs = merged + runs[len(runs) - len(runs) % 2 :]


def _merge(
    low: Sequence[int], high: Sequence[int], higher: Callable[[int, int], bool | None]
) -> tuple[list[int], tuple[int, int] | None]:
    """Two sorted runs as one, and the comparison that is lacking for it."""
    run: list[int] = []
    one = other = 0
    while one < len(low) and other < len(high):
        answer = higher(low[one], high[other])
        if answer is None:
            return run, (low[one], high[other])
        run.append(high[other] if answer else low[one])
        one, other = (one, other + 1) if answer else (one + 1, other)
    return [*run, *islice(low, one, None), *islice(high, other, None)], None
