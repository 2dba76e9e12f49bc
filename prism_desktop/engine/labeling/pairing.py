"""Which pair a labeler compares next, where answers should tell as much as they can.

| strategy | what it takes |
|---|---|
| `random` | any pair that may be shown, each as likely as the others |
| `balanced` | the pairs of `orders.pairs_within`: connected first, every face equally often |
| `sorted` | what a merge sort of the faces asks for, sorted anew when it is done |
| `informative` | whose answer is expected to tell most about a belief, of pairs drawn by chance |

What a belief is about decides what `informative` finds: a joint model's places of the faces
(`from_joint`), or one labeler's own taste (`from_weights`). A belief learns from each answer in a
fraction of a millisecond, and can be asked ahead as if answers had come.

A share of the trials is drawn at random whatever the strategy. Statistics that need every pair to
be as likely as any other use these alone; each proposal names its stream and its probability.

Sources: Houlsby, Huszar, Ghahramani and Lengyel, "Bayesian active learning for classification and
preference learning", 2011 (expected information); Maystre and Grossglauser, "Just sort it!", ICML
2017 (repeated sorting).
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky
from scipy.special import logsumexp

from prism_desktop.engine.labeling.joint_model import JointModel
from prism_desktop.engine.labeling.orders import draw, pairs_within, shuffled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Pair = tuple[int, int]  # numbers of faces, the smaller first
Strategy = Literal["random", "balanced", "sorted", "informative"]

STRATEGIES: Final[tuple[Strategy, ...]] = ("random", "balanced", "sorted", "informative")
CANDIDATES: Final = 2_000  # pairs of which the most telling one is taken
_TRIES: Final = 50  # draws of a pair before all that are left are listed
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_CHANCES: Final = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class PairField:
    """Which faces may be compared.

    Attributes:
        group: (faces,) only faces of the same group are compared.
        person: (faces,) faces of the same person never are; -1 where it is not known.
        most: how often a labeler may be shown the same pair, repeats for consistency aside.
    """

    group: Ints
    person: Ints
    most: int = 1

    @classmethod
    def of(cls, group: Sequence[int], person: Sequence[int] = (), most: int = 1) -> "PairField":
        """Args: person: empty where no person is known."""
        alone = [-1] * len(group)
        return cls(np.asarray(group, np.int64), np.asarray(person or alone, np.int64), most)

    def allows(self, one: int, other: int) -> bool:
        """Whether two faces may be compared at all."""
        same = self.person[one] == self.person[other] >= 0
        return bool(one != other and self.group[one] == self.group[other] and not same)

    def pairs(self) -> Ints:
        """(pairs, 2): all that may be compared; for small fields."""
        one, other = np.triu_indices(len(self.group), 1)
        known = (self.person[one] == self.person[other]) & (self.person[one] >= 0)
        kept = (self.group[one] == self.group[other]) & ~known
        return np.stack([one[kept], other[kept]], axis=1)


@dataclass(frozen=True, slots=True)
class Belief:
    """What is thought of the faces on one attribute, and how sure that is.

    The covariance of the faces' places is `root @ root.T`.

    Attributes:
        mean: (faces,) places on the scale of a comparison's logit.
        root: (faces, rank).
        side, tie: the labeler's terms of the joint model.
    """

    mean: Floats
    root: Floats
    side: float = 0.0
    tie: float = -1.0

    def gaps(self, pairs: Ints) -> tuple[Floats, Floats]:
        """(pairs,) mean and variance of what lies between the faces of each pair (pairs, 2)."""
        one, other = pairs.T
        apart = self.root[one] - self.root[other]
        return self.mean[one] - self.mean[other], np.einsum("pr,pr->p", apart, apart)

    def information(self, pairs: Ints) -> Floats:
        """(pairs,) nats that the answer is expected to tell about the faces."""
        mean, variance = self.gaps(pairs)
        at = mean + _POINTS[:, None] * np.sqrt(variance)  # (points, pairs)
        logs = self._logs(at)
        chances = np.exp(logs)
        each = _CHANCES @ -(chances * logs).sum(axis=0)
        together = np.tensordot(_CHANCES, chances, (0, 1))  # (outcomes, pairs)
        return np.asarray(-(together * np.log(together)).sum(axis=0) - each)

    def told(self, pair: Pair, outcome: int | None) -> "Belief":
        """The belief after an answer; None for one that is still to come.

        One step of an extended Kalman filter: exact where the answer's log likelihood is a
        parabola, near enough where a few are added between two fits.
        """
        direction = self.root[pair[0]] - self.root[pair[1]]
        variance = float(direction @ direction)
        if variance <= 0:
            return self
        apart = float(self.mean[pair[0]] - self.mean[pair[1]])
        left, _, right = np.exp(self._logs(np.array([apart])))[:, 0]
        lean = (left - right) / 2
        curvature = (left + right) / 4 - lean**2
        shrink = 1 / (1 + curvature * variance)
        along = self.root @ direction  # (faces,) covariance with the gap
        mean = self.mean
        if outcome is not None:
            mean = mean + along * ((outcome / 2 - lean) * shrink)
        root = self.root - np.outer(along, direction) * ((1 - np.sqrt(shrink)) / variance)
        return replace(self, mean=mean, root=root)

    def _logs(self, apart: Floats) -> Floats:
        """(3, ...): log chances of left, tie and right."""
        eta = apart + self.side
        logits = np.stack([eta / 2, np.full_like(eta, self.tie), -eta / 2])
        return np.asarray(logits - logsumexp(logits, axis=0))


def from_joint(model: JointModel, labeler: int) -> Belief:
    """What the joint model thinks of the faces, as a labeler sees them."""
    slope = model.discrimination.value[labeler]
    size = len(model.covariance)
    root = cholesky(model.covariance + 1e-9 * np.eye(size), lower=True)
    side, tie = model.side.value[labeler], model.tie.value[labeler]
    return Belief(slope * model.faces.value, slope * root, float(side), float(tie))


def from_weights(
    features: Floats, mean: Floats, covariance: Floats, side: float = 0.0, tie: float = -1.0
) -> Belief:
    """What a labeler's own linear model thinks.

    Args:
        features: (faces, width).
        mean: (width,) of the labeler's weights.
        covariance: (width, width) of the weights.
    """
    jitter = 1e-9 * np.trace(covariance) / len(covariance)
    root = cholesky(covariance + jitter * np.eye(len(covariance)), lower=True)
    return Belief(features @ mean, features @ root, side, tie)


@dataclass(frozen=True, slots=True)
class Compared:
    """A pair that was shown, and what was said of it on the attribute that is sorted by."""

    one: int
    other: int
    outcome: int | None  # 1: `one` is higher, 0 tie, -1; None: not answered


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pair to show."""

    pair: Pair
    stream: Strategy  # "random" where chance chose, else the strategy
    probability: float  # with which the strategy and chance together show this pair now


class PairChooser:
    """One labeler's next pairs, a pure function of what they were shown.

    Not for two threads at once.
    """

    def __init__(
        self,
        field: PairField,
        strategy: Strategy,
        salt: str,
        *,
        random_share: float = 0.2,
        beliefs: Sequence[Belief] = (),
    ) -> None:
        """Args:
        salt: what tells this labeler of this study from others.
        random_share: of the trials that chance draws, 0 to 1.
        beliefs: one for each attribute, for `informative`; without any it is `balanced`.
        """
        self._field, self._salt, self._share = field, salt, random_share
        self._strategy: Strategy = (
            "balanced" if strategy == "informative" and not beliefs else strategy
        )
        self._beliefs = list(beliefs)
        self._shown: list[Compared] = []
        self._times: Counter[Pair] = Counter()
        self._order = np.argsort(field.group, kind="stable")  # group after group
        _, self._starts, self._sizes = np.unique(
            field.group[self._order], return_index=True, return_counts=True
        )
        self._pairs = int((self._sizes * (self._sizes - 1)).sum()) // 2  # persons aside
        self._chains = self._chained()
        self._sorter: _Sorter | None = None

    def learn(self, beliefs: Sequence[Belief]) -> None:
        """From now on choose by these: models that were fitted anew."""
        self._beliefs = list(beliefs)

    def push(self, shown: Compared, outcomes: Sequence[int | None] = ()) -> None:
        """Take note of a trial.

        Args:
            outcomes: what it told about each belief: 1, 0 or -1 for the pair's smaller number, None
                where it told nothing yet.
        """
        pair = _sorted(shown.one, shown.other)
        self._shown.append(shown)
        self._times[pair] += 1
        outcomes = outcomes or [None] * len(self._beliefs)
        self._beliefs = [
            belief.told(pair, outcome)
            for belief, outcome in zip(self._beliefs, outcomes, strict=True)
        ]

    def next(self) -> Proposal | None:
        """The pair to show now; None where every pair was shown as often as it may be."""
        dice = np.random.default_rng(draw(self._salt, "pair", len(self._shown)))
        by_chance = self._at_random(dice)
        if by_chance is None:
            return None
        chance = 1 / max(1, self._pairs - len(self._times))
        if self._strategy == "random":
            return Proposal(by_chance, "random", chance)
        planned = self._planned(dice) or by_chance
        if dice.random() < self._share:
            same = (1 - self._share) * (planned == by_chance)
            return Proposal(by_chance, "random", self._share * chance + same)
        return Proposal(planned, self._strategy, self._share * chance + 1 - self._share)

    def _planned(self, dice: np.random.Generator) -> Pair | None:
        if self._strategy == "balanced":
            return self._first(self._chains)
        if self._strategy == "sorted":
            return self._sorted_next()
        return self._most_telling(dice)

    def _may_show(self, pair: Pair) -> bool:
        return self._times[pair] < self._field.most and self._field.allows(*pair)

    def _at_random(self, dice: np.random.Generator) -> Pair | None:
        """A pair of those that may be shown, each as likely as the others."""
        for _ in range(_TRIES):
            drawn = self._draw(dice, 1)
            if len(drawn) and self._may_show(pair := _sorted(*map(int, drawn[0]))):
                return pair
        left = [
            pair for one in self._field.pairs() if self._may_show(pair := _sorted(*map(int, one)))
        ]
        return left[int(dice.integers(len(left)))] if left else None

    def _draw(self, dice: np.random.Generator, count: int) -> Ints:
        """(at most count, 2): pairs of different faces of a group, each as likely as the others."""
        order, starts, sizes = self._order, self._starts, self._sizes
        weight = sizes * (sizes - 1.0)
        if not weight.any():
            return np.empty((0, 2), np.int64)
        where = dice.choice(len(sizes), size=count, p=weight / weight.sum())
        one = dice.integers(sizes[where])
        other = (one + 1 + dice.integers(sizes[where] - 1)) % sizes[where]
        return np.stack([order[starts[where] + one], order[starts[where] + other]], axis=1)

    def _most_telling(self, dice: np.random.Generator) -> Pair | None:
        drawn = np.sort(self._draw(dice, CANDIDATES), axis=1)
        person = self._field.person[drawn]
        drawn = drawn[(person[:, 0] != person[:, 1]) | (person[:, 0] < 0)]
        if not len(drawn):
            return None
        told = np.sum([belief.information(drawn) for belief in self._beliefs], axis=0)
        ordered = (_sorted(*map(int, drawn[place])) for place in np.argsort(-told, kind="stable"))
        return self._first(ordered)

    def _first(self, pairs: Iterable[Pair]) -> Pair | None:
        return next((pair for pair in pairs if self._may_show(pair)), None)

    def _chained(self) -> "_Replayed":
        names = [str(number) for number in range(len(self._field.group))]
        groups: dict[int, list[str]] = {}
        for name, group in zip(names, self._field.group.tolist(), strict=True):
            groups.setdefault(group, []).append(name)
        return _Replayed(
            lambda: (
                _sorted(int(one), int(other))
                for one, other, _ in pairs_within(groups.values(), self._salt)
            )
        )

    def _sorted_next(self) -> Pair | None:
        if self._sorter is None:
            self._sorter = _Sorter(self._field, self._salt)
        return self._sorter.next(self._shown, self._may_show)


class _Replayed:
    """An iterable that may be gone through again; what was made is kept."""

    def __init__(self, make: Callable[[], Iterable[Pair]]) -> None:
        self._source = iter(make())
        self._made: list[Pair] = []

    def __iter__(self) -> Generator[Pair, None, None]:
        yield from self._made
        for pair in self._source:
            self._made.append(pair)
            yield pair


class _Sorter:
    """Merge sorts of each group's faces in turn, shuffled anew whenever one is done.

    What was said of a pair before is taken from there; only what is not known is asked.
    """

    def __init__(self, field: PairField, salt: str) -> None:
        self._groups = [
            np.flatnonzero(field.group == group).tolist() for group in np.unique(field.group)
        ]
        self._salt = salt

    def next(self, shown: Sequence[Compared], may_show: Callable[[Pair], bool]) -> Pair | None:
        """The first pair that a sort asks for and that nothing is known about."""
        known: dict[Pair, int] = {}
        for each in shown:
            pair = _sorted(each.one, each.other)
            known[pair] = (each.outcome or 0) * (1 if pair[0] == each.one else -1)
        turns = len(self._groups)
        for turn in range(turns):
            group = self._groups[(len(shown) + turn) % turns]
            for number in range(_TRIES):
                wanted = self._wanted(group, number, known, may_show)
                if wanted is not None:
                    return wanted
        return None

    def _wanted(
        self,
        group: Sequence[int],
        number: int,
        known: dict[Pair, int],
        may_show: Callable[[Pair], bool],
    ) -> Pair | None:
        order = [int(one) for one in shuffled(map(str, group), f"{self._salt}/sort/{number}")]
        sort = merge_sort(order)
        try:
            pair: Pair = next(sort)
            while True:
                ordered = _sorted(*pair)
                if ordered not in known and may_show(ordered):
                    return ordered
                outcome = known.get(ordered, 0) * (1 if ordered == pair else -1)
                pair = sort.send(outcome > 0)
        except StopIteration:
            return None


def merge_sort(items: Sequence[int]) -> Generator[Pair, bool, list[int]]:
    """Sort from low to high by asking: yields two items, is sent whether the first is higher."""
    runs = [[item] for item in items]
    while len(runs) > 1:
        merged = []
        for place in range(0, len(runs) - 1, 2):
            low, high = runs[place], runs[place + 1]
            run: list[int] = []
            while low and high:
                first_is_higher = yield low[0], high[0]
                run.append((high if first_is_higher else low).pop(0))
            merged.append(run + low + high)
        runs = merged + runs[len(runs) - len(runs) % 2 :]
    return runs[0] if runs else []


def _sorted(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)
