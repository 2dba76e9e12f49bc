"""Which pair a labeler compares next, where answers should tell as much as they can.

| strategy | what it takes |
|---|---|
| `random` | any pair that may be shown, each as likely as the others |
| `balanced` | the pairs of `orders.pairs_within`: connected first, every face equally often |
| `sorted` | what a merge sort of the faces asks for, sorted anew when it is done |
| `informative` | whose answer is expected to tell most about the beliefs |
| `unsure` | of which the beliefs can say least who is higher |
| `disputed` | on which the beliefs about one labeler and about another disagree most |

The last three take the best of pairs drawn by chance. What a belief is about decides what they
find: a joint model's places of the faces (`from_joint`), or one labeler's own taste
(`from_weights`). A belief learns from each answer in a fraction of a millisecond, and can be asked
ahead as if answers had come.

Chosen pairs are no fair sample of pairs, so `design.Design` puts trials drawn at random between
them.

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
from prism_desktop.engine.labeling.orders import draw, pairs_within
from prism_desktop.engine.labeling.pair_sorting import Pair, PairSorter, in_order

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strategy = Literal["random", "balanced", "sorted", "informative", "unsure", "disputed"]

STRATEGIES: Final[tuple[Strategy, ...]] = (
    "random", "balanced", "sorted", "informative", "unsure", "disputed",
)  # fmt: skip
CANDIDATES: Final = 2_000  # pairs of which the most telling one is taken
_BELIEVING: Final = frozenset({"informative", "unsure", "disputed"})
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

    def lean(self, pairs: Ints) -> Floats:
        """(pairs,) how far the expected answer lies between right (-1) and left (1)."""
        mean, variance = self.gaps(pairs)
        at = mean + _POINTS[:, None] * np.sqrt(variance)
        left, _, right = np.exp(self._logs(at))
        return np.asarray(_CHANCES @ (left - right))

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
        lean, bend = (float(each[0]) for each in self._slopes(np.array([apart])))
        shrink = 1 / (1 + bend * variance)
        along = self.root @ direction  # (faces,) covariance with the gap
        mean = self.mean
        if outcome is not None:
            mean = mean + along * ((outcome / 2 - lean) * shrink)
        root = self.root - np.outer(along, direction) * ((1 - np.sqrt(shrink)) / variance)
        return replace(self, mean=mean, root=root)

    def curvature(self, pairs: Ints) -> Floats:
        """(pairs,) expected precision that an answer adds to what is known of the gap."""
        mean, variance = self.gaps(pairs)
        return np.asarray(_CHANCES @ self._slopes(mean + _POINTS[:, None] * np.sqrt(variance))[1])

    def _slopes(self, apart: Floats) -> tuple[Floats, Floats]:
        """Half of left less right, and minus the second derivative of a log chance by the gap."""
        left, _, right = np.exp(self._logs(apart))
        lean = (left - right) / 2
        return lean, (left + right) / 4 - lean**2

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
class ComparedPair:
    """A pair that was shown."""

    one: int
    other: int
    # by attribute 1: `one` is higher, 0 tie, -1, None for a skip; None where the answer is to come
    outcomes: tuple[int | None, ...] | None


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
        beliefs: Sequence[Belief] = (),
        against: Sequence[Belief] = (),
    ) -> None:
        """Args:
        salt: what tells this labeler of this study from others.
        beliefs: one for each attribute, where the strategy needs them; without it is `balanced`.
        against: the same about another labeler, for `disputed`.
        """
        self._field, self._salt = field, salt
        lacking = strategy in _BELIEVING and not beliefs
        self._strategy: Strategy = "balanced" if lacking else strategy
        self._beliefs, self._against = list(beliefs), list(against)
        self._shown: list[ComparedPair] = []
        self._times: Counter[Pair] = Counter()
        self._order = np.argsort(field.group, kind="stable")  # group after group
        _, self._starts, self._sizes = np.unique(
            field.group[self._order], return_index=True, return_counts=True
        )
        self._chains = self._chained()
        self._sorter = PairSorter(field.group.tolist(), salt, field.allows)

    def learn(self, beliefs: Sequence[Belief]) -> None:
        """From now on choose by these: models that were fitted anew."""
        self._beliefs = list(beliefs)

    def note(self, shown: ComparedPair) -> None:
        """Take note of a trial that the beliefs know already."""
        self._shown.append(shown)
        self._times[in_order(shown.one, shown.other)] += 1

    def push(self, shown: ComparedPair) -> None:
        """Take note of a trial and tell it the beliefs."""
        self.note(shown)
        pair, sign = in_order(shown.one, shown.other), 1 if shown.one < shown.other else -1
        outcomes = shown.outcomes or [None] * len(self._beliefs)
        self._beliefs = [
            belief.told(pair, None if outcome is None else sign * outcome)
            for belief, outcome in zip(self._beliefs, outcomes, strict=False)
        ]

    def plan(self, count: int) -> list[Pair]:
        """The next pairs as if answers to those before were still to come; where the strategy
        needs an answer first, those up to there."""
        planned: list[Pair] = []
        while len(planned) < count and (pair := self._wanted()) is not None:
            planned.append(pair)
            self.push(ComparedPair(*pair, None))
        return planned

    def next(self) -> Pair | None:
        """The pair to show now; None where every pair was shown as often as it may be."""
        return self._wanted() or self._at_random(self._dice())

    def _dice(self) -> np.random.Generator:
        return np.random.default_rng(draw(self._salt, "pair", len(self._shown)))

    def _wanted(self) -> Pair | None:
        if self._strategy == "random":
            return self._at_random(self._dice())
        if self._strategy == "balanced":
            return self._first(self._chains)
        if self._strategy == "sorted":
            return self._first(self._sorter.questions(self._known(), len(self._shown)))
        return self._best(self._dice())

    def _known(self) -> dict[Pair, tuple[int | None, ...]]:
        """What was said of each pair, its smaller number first."""
        return {
            in_order(each.one, each.other): (
                each.outcomes
                if each.one < each.other
                else tuple(None if one is None else -one for one in each.outcomes)
            )
            for each in self._shown
            if each.outcomes is not None
        }

    def _may_show(self, pair: Pair) -> bool:
        return self._times[pair] < self._field.most and self._field.allows(*pair)

    def _at_random(self, dice: np.random.Generator) -> Pair | None:
        """A pair of those that may be shown, each as likely as the others."""
        for _ in range(_TRIES):
            drawn = self._draw(dice, 1)
            if len(drawn) and self._may_show(pair := in_order(*map(int, drawn[0]))):
                return pair
        left = [
            pair for one in self._field.pairs() if self._may_show(pair := in_order(*map(int, one)))
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

    def _best(self, dice: np.random.Generator) -> Pair | None:
        """The pair that the strategy thinks most of, of those drawn by chance."""
        drawn = np.sort(self._draw(dice, CANDIDATES), axis=1)
        person = self._field.person[drawn]
        drawn = drawn[(person[:, 0] != person[:, 1]) | (person[:, 0] < 0)]
        if not len(drawn):
            return None
        worth = np.sum(self._worths(drawn), axis=0)
        ordered = (in_order(*map(int, drawn[place])) for place in np.argsort(-worth, kind="stable"))
        return self._first(ordered)

    def _worths(self, pairs: Ints) -> list[Floats]:
        """(pairs,) what the strategy thinks of each, by attribute."""
        if self._strategy == "informative":
            return [belief.information(pairs) for belief in self._beliefs]
        if self._strategy == "unsure":
            return [-np.abs(belief.lean(pairs)) for belief in self._beliefs]
        both = zip(self._beliefs, self._against, strict=True)
        return [np.abs(one.lean(pairs) - other.lean(pairs)) for one, other in both]

    def _first(self, pairs: Iterable[Pair]) -> Pair | None:
        return next((pair for pair in pairs if self._may_show(pair)), None)

    def _chained(self) -> "_Replayed":
        names = [str(number) for number in range(len(self._field.group))]
        groups: dict[int, list[str]] = {}
        for name, group in zip(names, self._field.group.tolist(), strict=True):
            groups.setdefault(group, []).append(name)
        return _Replayed(
            lambda: (
                in_order(int(one), int(other))
                for one, other, _ in pairs_within(groups.values(), self._salt)
            )
        )


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
