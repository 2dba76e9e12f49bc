"""The schedule of a simulated labeler's pairs: dealt evenly within folds, sides balanced, some
again, swapped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

Pair = tuple[int, int]  # rows of two images, left and right once sides are given


@dataclass(frozen=True, slots=True)
class ScheduledPair:
    """One place in a labeler's sequence."""

    images: tuple[int, ...]  # one row for a rating, left and right for a comparison
    again: int | None  # the place of the trial that this one repeats


class Dealer:
    """Deals pairs within folds so that every image comes up equally often and no pair twice."""

    def __init__(self, folds: Sequence[int], rng: np.random.Generator) -> None:
        self._members = [np.flatnonzero(np.array(folds) == fold) for fold in sorted(set(folds))]
        self._shown = np.zeros(len(folds), dtype=np.int64)
        self._rng = rng
        self._turn = 0

    @property
    def pairs(self) -> int:
        """How many different pairs there are within folds."""
        return sum(len(members) * (len(members) - 1) // 2 for members in self._members)

    def deal(self, count: int, taken: set[Pair]) -> list[Pair]:
        """`count` pairs (smaller row first) that are not yet `taken`, or all there are.

        They are added to it.
        """
        count = min(count, self.pairs - len(taken))
        dealt: list[Pair] = []
        while len(dealt) < count:
            members = self._members[self._turn % len(self._members)]
            self._turn += 1
            waiting = members[
                np.lexsort((self._rng.uniform(size=len(members)), self._shown[members]))
            ].tolist()
            free = (sorted(pair) for pair in combinations(waiting, 2))
            pair = next(
                ((first, second) for first, second in free if (first, second) not in taken), None
            )
            if pair is not None:
                taken.add(pair)
                dealt.append(pair)
                self._shown[list(pair)] += 1
        return dealt


def sided(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """Give each pair a left and a right so that every
    image is on the left as often as on the right."""
    lead: Counter[int] = Counter()
    placed = []
    for first, second in pairs:
        gap = lead[first] - lead[second]
        swap = gap > 0 or (gap == 0 and rng.uniform() < 0.5)
        left, right = (second, first) if swap else (first, second)
        lead[left] += 1
        lead[right] -= 1
        placed.append((left, right))
    return placed


def with_repeats(
    first_time: Sequence[tuple[int, ...]], repeats: int, lag: int, rng: np.random.Generator
) -> list[ScheduledPair]:
    """Put `repeats` of the trials in a second time, sides
    swapped, at least `lag` trials after the first."""
    count = len(first_time)
    lag = min(lag, max(0, count // 2))
    early = max(1, count - lag)
    originals: list[int] = (
        rng.choice(early, min(repeats, early), replace=False).tolist() if count else []
    )
    places = [(float(place), place, False) for place in range(count)]
    places += [(float(rng.uniform(place + lag + 0.5, count)), place, True) for place in originals]
    shown: list[ScheduledPair] = []
    seen: dict[int, int] = {}
    for _, place, again in sorted(places):
        images = first_time[place]
        if again:
            shown.append(ScheduledPair(tuple(reversed(images)), seen[place]))
        else:
            seen[place] = len(shown)
            shown.append(ScheduledPair(tuple(images), None))
    return shown
