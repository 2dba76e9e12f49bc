"""Values that stand apart from a column's other ratings: codes for missing answers, typing errors.

They are looked for by where they stand, not by a list alone: 99 is a rating on a slider of 0 to 100
and a code beside ratings of 1 to 7.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CODES: Final = frozenset(
    [
        -1, -2222, -6, -7, -8, -9, -66, -77, -88, -96, -97, -98, -99, -666, -777, -888, -999,
        -9999, -99999, 9, 66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 997, 998, 999, 9999, 99999,
        999999, 1000000,
    ]
)  # fmt: skip  # numbers that usually stand for a missing answer
_GAPS = 12  # the widest gaps from each end that are looked at
_FULL_TOPS = frozenset([5, 7, 9])  # scales from 1; beside them 0 is no rating
_TOPS: Final = (4, 5, 6, 7, 9, 10, 11, 20)  # of usual scales of whole numbers
_RARE = 0.05  # of the other answers
_SLIDERS: Final = ((0.0, 100.0), (-50.0, 50.0), (-100.0, 100.0))


@dataclass(frozen=True, slots=True, eq=False)
class RatingSpread:
    """A column's different ratings, rising, and how often each was given.

    Attributes:
        values: (n,) float64, without NaN, each once.
        counts: (n,) int64.
    """

    values: "NDArray[np.float64]"
    counts: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def span(self) -> float:
        return float(self.values[-1] - self.values[0])

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def whole(self) -> bool:
        return bool((self.values == np.floor(self.values)).all())

    @property
    def gapless(self) -> bool:
        """Three or more whole numbers, none left out between them."""
        return len(self) >= 3 and self.whole and self.span == len(self) - 1

    def part(self, chosen: "slice | NDArray[np.bool_]") -> "RatingSpread":
        return RatingSpread(self.values[chosen], self.counts[chosen])


def spread_of(values: "NDArray[np.float64]", counts: "NDArray[np.int64]") -> RatingSpread:
    """The different numbers among values, (n,) float64 with NaN for none, that stand at all."""
    there = np.isfinite(values) & (counts > 0)
    unique, places = np.unique(values[there], return_inverse=True)
    total = np.bincount(places, weights=counts[there], minlength=len(unique))
    return RatingSpread(unique, total.astype(np.int64))


def far_values(spread: RatingSpread) -> frozenset[float]:
    """The values that are probably no ratings; most answers are never among them."""
    rest, found = spread, frozenset[float]()
    for _ in range(_GAPS):
        far = _beyond(rest, top=True) or _beyond(rest, top=False)
        if not far:
            break
        found |= far
        rest = rest.part(~np.isin(rest.values, list(far)))
    return found | _zero_below(rest) | _above_top(rest)


def _beyond(spread: RatingSpread, *, top: bool) -> frozenset[float]:
    """The values beyond one of the gaps at an end, if they are no ratings."""
    gaps = np.diff(spread.values)
    if not len(gaps):
        return frozenset()
    widest = np.argsort(-gaps, kind="stable")[:_GAPS]
    near = np.arange(len(gaps))[-_GAPS:] if top else np.arange(min(_GAPS, len(gaps)))
    cuts = sorted({*widest.tolist(), *near.tolist()}, reverse=top)
    for cut in cuts:  # the fewest values apart first
        below, above = spread.part(slice(0, cut + 1)), spread.part(slice(cut + 1, None))
        rest, far = (below, above) if top else (above, below)
        likely = far.total * 2 < spread.total or _sure_codes(far) or _lone_code(far, rest)
        if likely and _apart(far, rest, float(gaps[cut]), top=top):
            return frozenset(far.values.tolist())
    return frozenset()


def _sure_codes(far: RatingSpread) -> bool:
    """Whether these are codes even where they are most of the answers: -9, -99, 999."""
    return all(v in CODES and (abs(v) >= 66 or v <= -6) for v in far.values.tolist())


def _lone_code(far: RatingSpread, rest: RatingSpread) -> bool:
    """Whether -1 stands alone below ratings that begin above 0: a scale through 0 would have it."""
    return far.values.tolist() == [-1.0] and len(rest) >= 3 and rest.values[0] > 0


def _apart(far: RatingSpread, rest: RatingSpread, gap: float, *, top: bool) -> bool:
    codes = all(value in CODES for value in far.values.tolist())
    if codes and not top and far.values[-1] < 0 <= rest.values[0]:
        return True  # nothing but codes below zero
    if codes and all(abs(value) >= 66 for value in far.values.tolist()):
        return gap > 0.4 * rest.span
    if codes and rest.gapless:
        return gap >= 2
    if codes and far.values.tolist() in ([9.0], [-9.0]) and len(rest) >= 3:
        return gap >= 3
    return _far(far, rest, gap)


def _far(far: RatingSpread, rest: RatingSpread, gap: float) -> bool:
    """Whether values that are no usual codes are too far off: 77 or 35 among 1 to 7."""
    if len(rest) < 3 or rest.total < 5 or _on_short_scale(far, rest):
        return False
    if gap > rest.span and (_short(rest) or far.total <= max(1, 2 * _RARE * rest.total)):
        return True
    if far.total > max(1, _RARE * rest.total):
        return False
    if rest.gapless and rest.span <= 20 and (gap >= 3 or (gap >= 2 and far.values[0] > 11)):
        return True
    return any(
        low <= rest.values[0]
        and rest.values[-1] <= high
        and rest.span >= 0.8 * (high - low)
        and bool((np.abs(far.values - (low + high) / 2) > 0.55 * (high - low)).all())
        for low, high in _SLIDERS
    )


def _short(spread: RatingSpread) -> bool:
    """Whole ratings on something like 1 to 7 rather than on a slider."""
    return spread.whole and spread.span <= 20


def _on_short_scale(far: RatingSpread, rest: RatingSpread) -> bool:
    """Whether all may be whole ratings of 0 to 7, or of -5 to 5, of which some were not chosen."""
    low, high = min(far.values[0], rest.values[0]), max(far.values[-1], rest.values[-1])
    below = rest.values[0] < 0 and rest.values[-1] >= 0
    return far.whole and rest.whole and ((low >= 0 and high <= 7) or (below and -low <= 5 >= high))


def _zero_below(spread: RatingSpread) -> frozenset[float]:
    """0 beside ratings of 1 to 5, 7 or 9."""
    values = spread.values
    if len(spread) < 3 or values[0] != 0 or not spread.whole or values[-1] not in _FULL_TOPS:
        return frozenset()
    return frozenset([0.0])


def _above_top(spread: RatingSpread) -> frozenset[float]:
    """A few answers just above a usual scale's top: 8 beside ratings of 1 to 7."""
    values, high = spread.values, spread.values[-1] if len(spread) else 0.0
    if not spread.gapless or values[0] not in (0, 1) or high in _TOPS or high > max(_TOPS):
        return frozenset()
    top = max((usual for usual in _TOPS if usual < high), default=0)
    above = spread.part(values > top)
    if not top or above.total > 4 * _RARE * (spread.total - above.total):
        return frozenset()
    return frozenset(above.values.tolist())
