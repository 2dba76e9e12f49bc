"""The joint model: ratings and comparisons of one attribute by several labelers, on one scale.

Every face i has a place theta_i on a scale that the labelers share as far as they do, and labeler u
reads it with a discrimination d_u: 1 on average, 0 for who answers as chance or as nobody else,
negative for who answers the other way round. There is no true label: a
low discrimination says that somebody is unlike the others, not that they are careless; that is for
their repeats to say.

    comparison   eta = d_u (theta_left - theta_right) + s_u
                 P(left) : P(tie) : P(right) = exp(eta / 2) : exp(t_u) : exp(-eta / 2)
    rating       P(rating <= k) = sigmoid(c_uk - r d_u theta_i),   c_u1 < c_u2 < c_u3

s_u is the side term (above 0: the left is preferred), t_u how readily labeler u says tie, c_u the
labeler's own thresholds, r the slope of ratings on the scale of comparisons. Each has a normal
prior; that of the faces has its variance from the data (EM).

Source: Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments", JASA 1970; Davidson and Beaver, Biometrics 1977 (order effects); McCullagh,
"Regression models for ordinal data", JRSS B 1980; intervals by the observed information (Laplace).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array
from scipy.special import expit, log_expit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS: Final = 4  # of a rating
_GAPS: Final = STEPS - 2
_Z: Final = 1.959964  # of a 95 % interval
# Standard deviations of the priors.
_DISCRIMINATION: Final = 0.6  # about 1
_MEAN: Final = 0.02  # of the labelers' mean, which sets the scale: 1
_SIDE: Final = 0.7
_TIE: Final = 1.0  # about the labelers' common one
_FIRST: Final = 1.5  # of a labeler's first threshold about the common one
_GAP: Final = 0.5  # of the logarithm of a gap between thresholds
_WIDE: Final = 3.0  # of what the labelers have in common
_SLOPE: Final = 0.5  # of log r
_SPREAD: Final = 1.5  # of the faces, to begin with
_START_TIE: Final = -1.0
_START_FIRST: Final = -1.5
_FLAT: Final = 0.1  # least curvature
_LIFTS: Final = (1e-8, 1e-4, 1e-2, 1.0)
_ROUNDS: Final = 40  # of EM
_STEPS_EACH: Final = 30  # of the search in one round
_SETTLED: Final = 0.003  # relative change of the faces' spread
_STILL: Final = 0.02  # change of any parameter
# points and chances of a normal distribution by Gauss and Hermite
_NODES: Final = (np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0]), np.array([1.0, 4.0, 1.0]) / 6)
_LEAST_SPREAD: Final = 0.05


@dataclass(frozen=True, slots=True)
class Judgments:
    """What labelers said about one attribute, skips left out, as arrays of numbers from 0."""

    labelers: int
    faces: int
    # (comparisons,) each
    compared_by: Ints
    left: Ints
    right: Ints
    outcome: Ints  # 1 left, 0 tie, -1 right
    # (ratings,) each
    rated_by: Ints
    rated: Ints
    rating: Ints  # 1 to 4

    @classmethod
    def of(
        cls,
        labelers: int,
        faces: int,
        comparisons: Sequence[tuple[int, int, int, int]] | npt.NDArray[Any] = (),
        ratings: Sequence[tuple[int, int, int]] | npt.NDArray[Any] = (),
    ) -> "Judgments":
        """Args: comparisons: (labeler, left, right, outcome); ratings: (labeler, face, rating)."""
        pairs = np.asarray(comparisons, np.int64).reshape(-1, 4).T
        single = np.asarray(ratings, np.int64).reshape(-1, 3).T
        return cls(labelers, faces, *pairs, *single)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Values with their standard errors, an array each."""

    value: Floats
    error: Floats

    @property
    def low(self) -> Floats:
        """The lower bound of the 95 % interval."""
        return self.value - _Z * self.error

    @property
    def high(self) -> Floats:
        """The upper bound of the 95 % interval."""
        return self.value + _Z * self.error


@dataclass(frozen=True, slots=True)
class JointModel:
    """A fitted joint model.

    Attributes:
        faces: (faces,) places on the scale, mean of their prior 0.
        discrimination, side, tie: (labelers,) d_u, s_u, t_u.
        thresholds: (labelers, 3) c_u.
        covariance: (faces, faces) of the faces' places.
        spread: standard deviation of the faces' prior.
        slope: r.
    """

    faces: Estimates
    discrimination: Estimates
    side: Estimates
    tie: Estimates
    thresholds: Floats
    covariance: Floats
    spread: float
    slope: float

    def chances(self, labeler: Ints, left: Ints, right: Ints) -> Floats:
        """(pairs, 3): the probabilities of left, tie and right."""
        apart = self.faces.value[left] - self.faces.value[right]
        eta = self.discrimination.value[labeler] * apart + self.side.value[labeler]
        logits = np.stack([eta / 2, self.tie.value[labeler], -eta / 2], axis=1)
        return np.asarray(np.exp(_log_shares(logits, axis=1)))

    def steps(self, labeler: Ints, face: Ints) -> Floats:
        """(ratings, 4): the probabilities of 1 to 4."""
        place = self.slope * self.discrimination.value[labeler] * self.faces.value[face]
        below = expit(self.thresholds[labeler] - place[:, None])
        ends = np.zeros((len(place), 1)), np.ones((len(place), 1))
        return np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)


def fit(judgments: Judgments) -> JointModel:
    """Estimates what the labelers are like, and where the faces are.

    By EM, as item response models are fitted (Bock and Aitkin, Psychometrika 1981): the labelers'
    parameters and the faces' spread maximise the likelihood over all places that the faces may
    have. The best single places would make labelers look more discriminating than they are.
    Faces and labelers without answers stand at their priors' means, with their priors' errors.
    """
    problem = _Problem(judgments)
    spread, at = _SPREAD, problem.start()
    at, places = problem.place_faces(at, spread)
    for _ in range(_ROUNDS):
        before, old = spread, at
        averaged = problem.over(places)
        at, places = averaged.place_faces(at, spread)
        at = averaged.judge_labelers(at, spread)
        second = np.mean(at[: judgments.faces] ** 2 + np.diag(places))
        spread = max(_LEAST_SPREAD, float(np.sqrt(second)))
        if abs(spread / before - 1) < _SETTLED and np.abs(at - old).max() < _STILL:
            break
    return problem.model(at, places, spread)


@dataclass(frozen=True, slots=True)
class _LinearPredictor:
    """A number per judgment that the likelihood depends on, and how it follows from the parameters.

    Attributes:
        value: (judgments,).
        slopes: (places of parameters, derivative by them), (judgments,) each.
        bends: (places, places, second derivative by both), each pair of parameters once.
    """

    value: Floats
    slopes: Sequence[tuple[Ints, Floats]]
    bends: Sequence[tuple[Ints, Ints, Floats]] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """The log likelihood of judgments of one kind, by its predictors.

    Attributes:
        value: (judgments,).
        first: (judgments,) derivative by each predictor.
        second: gives predictors' numbers -> (judgments,) second derivative, each pair once; many
            steps of a search do without.
    """

    predictors: Sequence[_LinearPredictor]
    value: Floats
    first: Sequence[Floats]
    second: Callable[[], dict[tuple[int, int], Floats]]


class _Problem:
    """The negative log posterior of all parameters in one vector, with gradient and curvature.

    The vector: the faces' places; for each labeler d, s, t, the first threshold and the logarithms
    of the gaps; what the labelers have in common of t, first threshold and gaps; log r.
    """

    def __init__(
        self,
        judgments: Judgments,
        shifts: tuple[Floats, Floats] | None = None,
        weights: tuple[Floats, Floats] | None = None,
    ) -> None:
        """Args:
        shifts: added to what lies between the two faces of each comparison, and to the face of
            each rating.
        weights: of each comparison and of each rating.
        """
        self._of = judgments
        counts = len(judgments.left), len(judgments.rated)
        self._shifts = shifts or (np.zeros(counts[0]), np.zeros(counts[1]))
        self._weights = weights or (np.ones(counts[0]), np.ones(counts[1]))
        faces, labelers = judgments.faces, judgments.labelers
        self._d, self._s, self._t, self._first, *self._gaps = (
            faces + labelers * number for number in range(4 + _GAPS)
        )
        self._common = faces + labelers * (4 + _GAPS)  # of t, the first threshold, the gaps
        self._r = self._common + 2 + _GAPS
        self.size = self._r + 1
        self._priors = self._labelers_priors()
        self._back = self._priors[0].T.tocsr()  # from what is off to the parameters

    def over(self, places: Floats) -> "_Problem":
        """The same judgments, each at several places that its faces may have.

        Args:
            places: (faces, faces) covariance of the faces' places.
        """
        of, (points, chances) = self._of, _NODES
        variance = np.diag(places)
        apart = variance[of.left] + variance[of.right] - 2 * places[of.left, of.right]
        spreads = np.sqrt(np.maximum(apart, 0)), np.sqrt(np.maximum(variance[of.rated], 0))
        parts = (
            np.tile(part, len(points))
            for part in (
                of.compared_by, of.left, of.right, of.outcome, of.rated_by, of.rated, of.rating
            )
        )  # fmt: skip
        shifts = [np.outer(points, spread).ravel() for spread in spreads]
        weights = [np.repeat(chances, len(spread)) for spread in spreads]
        return _Problem(
            Judgments(of.labelers, of.faces, *parts),
            (shifts[0], shifts[1]),
            (weights[0], weights[1]),
        )

    def start(self) -> Floats:
        """Where the search begins: faces alike, labelers alike."""
        at = np.zeros(self.size)
        at[self._d : self._s] = 1
        at[self._t : self._first] = at[self._common] = _START_TIE
        at[self._first : self._gaps[0]] = at[self._common + 1] = _START_FIRST
        return at

    def place_faces(self, at: Floats, spread: float) -> tuple[Floats, Floats]:
        """The most probable places of the faces, the labelers being as they are, and the places'
        covariance, (faces, faces)."""
        faces = self._of.faces
        at = self._solve(at, spread, slice(faces))
        return at, _inverse(self._curvature(at, spread, faces))

    def judge_labelers(self, at: Floats, spread: float) -> Floats:
        """The most probable parameters of the labelers, the faces staying where they are."""
        both = len(self._of.left) and len(self._of.rated)
        # with one kind of judgments, only the product of r and the faces' spread is known
        return self._solve(at, spread, slice(self._of.faces, self.size if both else self._r))

    def _solve(self, at: Floats, spread: float, free: slice) -> Floats:
        """The most probable values of some parameters."""

        def value(some: Floats) -> tuple[float, Floats]:
            tried = at.copy()
            tried[free] = some
            total, gradient = self._value(tried, spread)
            return total, gradient[free]

        found = minimize(
            value, at[free], method="L-BFGS-B", jac=True,
            options={"maxiter": _STEPS_EACH, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-4},
        )  # fmt: skip
        solved = at.copy()
        solved[free] = found.x
        return solved

    def model(self, at: Floats, places: Floats, spread: float) -> JointModel:
        """The parameters by name, with errors by the curvature in all directions."""
        covariance = _inverse(self._curvature(at, spread, self.size))
        errors = np.sqrt(np.maximum(np.diag(covariance), 0))
        faces, labelers = self._of.faces, self._of.labelers

        def part(start: int, length: int) -> Estimates:
            return Estimates(at[start : start + length], errors[start : start + length])

        thresholds = [self._threshold(at, np.arange(labelers), step).value for step in range(3)]
        return JointModel(
            faces=part(0, faces),
            discrimination=part(self._d, labelers),
            side=part(self._s, labelers),
            tie=part(self._t, labelers),
            thresholds=np.stack(thresholds, axis=1),
            covariance=places,
            spread=spread,
            slope=float(np.exp(at[self._r])),
        )

    def _value(self, at: Floats, spread: float) -> tuple[float, Floats]:
        """The negative log posterior and its gradient."""
        total, gradient = 0.0, np.zeros(self.size)
        for part, weight in zip(self._parts(at), self._weights, strict=True):
            total -= float(weight @ part.value)
            for predictor, by in zip(part.predictors, part.first, strict=True):
                for places, slope in predictor.slopes:
                    gradient -= np.bincount(places, weight * by * slope, self.size)
        rows, mean, precision = self._all_priors(spread)
        off = rows @ at - mean
        pull = precision * off
        return total + float(off @ pull) / 2, gradient + self._back @ pull

    def _curvature(self, at: Floats, spread: float, size: int) -> Floats:
        """The second derivatives of the negative log posterior by the first parameters."""
        found: list[tuple[Ints, Ints, Floats]] = []

        def add(one: Ints, other: Ints, value: Floats, *, twice: bool) -> None:
            if len(value) and max(one[0], other[0]) >= size:  # each is about one sort of parameters
                return
            found.append((one, other, value))
            if twice:
                found.append((other, one, value))

        for part, weight in zip(self._parts(at), self._weights, strict=True):
            for (one, other), second in part.second().items():
                for here, slope in part.predictors[one].slopes:
                    for there, turn in part.predictors[other].slopes:
                        add(here, there, weight * second * slope * turn, twice=one != other)
            for predictor, by in zip(part.predictors, part.first, strict=True):
                for here, there, bend in predictor.bends:
                    add(here, there, weight * by * bend, twice=here is not there)
        rows, columns, values = (np.concatenate(each) for each in zip(*found, strict=True))
        likelihood = coo_array((values, (rows, columns)), (size, size)).toarray()
        priors, _, precision = self._all_priors(spread)
        prior = priors.T @ (priors * precision[:, None])
        return np.asarray(prior[:size, :size].toarray() - likelihood)

    def _parts(self, at: Floats) -> list[_Part]:
        return [self._comparisons(at), self._ratings(at)]

    def _comparisons(self, at: Floats) -> _Part:
        of = self._of
        d, s, t = of.compared_by + self._d, of.compared_by + self._s, of.compared_by + self._t
        apart, slope = at[of.left] - at[of.right] + self._shifts[0], at[d]
        one = np.ones(len(d))
        eta = _LinearPredictor(
            slope * apart + at[s],
            [(of.left, slope), (of.right, -slope), (d, apart), (s, one)],
            [(of.left, d, one), (of.right, d, -one)],
        )
        tie = _LinearPredictor(at[t], [(t, one)])
        logits = np.stack([eta.value / 2, tie.value, -eta.value / 2])
        logs = _log_shares(logits, axis=0)
        left, tied, right = np.exp(logs)
        lean = (left - right) / 2
        return _Part(
            (eta, tie),
            np.choose(1 - of.outcome, logs),
            (of.outcome / 2 - lean, (of.outcome == 0) - tied),
            lambda: {
                (0, 0): lean**2 - (left + right) / 4,
                (0, 1): lean * tied,
                (1, 1): tied**2 - tied,
            },
        )

    def _ratings(self, at: Floats) -> _Part:
        of = self._of
        d, rate = of.rated_by + self._d, np.exp(at[self._r])
        slope, face, r = at[d], at[of.rated] + self._shifts[1], np.full(len(d), self._r)
        place = rate * slope * face
        by = [(of.rated, rate * slope), (d, rate * face), (r, place)]
        bends = [
            (of.rated, d, np.full(len(d), rate)),
            (of.rated, r, rate * slope),
            (d, r, rate * face),
            (r, r, place),
        ]
        # the bounds of the step that was given, seen from the face; none above 4 and below 1
        above, below = (
            self._bound(at, of.rated_by, of.rating - lower, place, by, bends) for lower in (1, 2)
        )
        return _Part((above, below), *_step_likelihood(above.value, below.value))

    def _bound(
        self,
        at: Floats,
        labeler: Ints,
        number: Ints,
        place: Floats,
        by: Sequence[tuple[Ints, Floats]],
        bends: Sequence[tuple[Ints, Ints, Floats]],
    ) -> _LinearPredictor:
        """How far a threshold lies above a face; `number` from 0, one before and one after all."""
        threshold = self._threshold(at, labeler, number)
        value = np.where(number < 0, -np.inf, np.where(number > 2, np.inf, threshold.value - place))
        return _LinearPredictor(
            value,
            [*threshold.slopes, *((where, -slope) for where, slope in by)],
            [*threshold.bends, *((one, other, -bend) for one, other, bend in bends)],
        )

    def _threshold(self, at: Floats, labeler: Ints, number: Ints | int) -> _LinearPredictor:
        """A labeler's threshold, by the first and the gaps between it and that one."""
        first = labeler + self._first
        value, one = at[first], np.ones(len(labeler))
        slopes, bends = [(first, one)], []
        for step, start in enumerate(self._gaps):
            where = labeler + start
            gaps = np.exp(at[start : start + self._of.labelers])
            gap = np.where(np.asarray(number) > step, gaps[labeler], 0.0)
            value = value + gap
            slopes.append((where, gap))
            bends.append((where, where, gap))
        return _LinearPredictor(value, slopes, bends)

    def _all_priors(self, spread: float) -> tuple[csr_array, Floats, Floats]:
        """(rows, means, 1 / variances): the prior is that `rows @ parameters` is near the means."""
        rows, mean, deviation = self._priors
        deviation = np.concatenate([np.full(self._of.faces, spread), deviation])
        return rows, mean, deviation**-2.0

    def _labelers_priors(self) -> tuple[csr_array, Floats, Floats]:
        """Rows and means of all priors, and the deviations of those that are not the faces'."""
        labelers = self._of.labelers
        common = self.size - self._common  # and log r
        own = [_DISCRIMINATION, _SIDE, _TIE, _FIRST, *[_GAP] * _GAPS]
        mean = np.zeros(self.size)
        mean[self._d : self._s] = 1
        mean[self._common :][:2] = _START_TIE, _START_FIRST
        deviation = np.concatenate([np.repeat(own, labelers), np.full(common - 1, _WIDE), [_SLOPE]])
        about = np.repeat(np.arange(self._common, self._r), labelers)  # t, first, gaps
        here = np.arange(self._t, self._common)
        every, people = np.arange(self.size), np.arange(self._d, self._s)
        entries = np.concatenate(
            [np.ones(self.size), -np.ones(len(about)), np.full(labelers, 1 / labelers)]
        )
        places = (
            np.concatenate([every, here, np.full(labelers, self.size)]),
            np.concatenate([every, about, people]),
        )
        rows = coo_array((entries, places), (self.size + 1, self.size)).tocsr()
        return rows, np.append(mean, 1.0), np.append(deviation, _MEAN)


def _log_shares(logits: Floats, axis: int) -> Floats:
    """The logarithms of softmax(logits); SciPy's own takes longer than all else of a step."""
    below = logits - logits.max(axis=axis, keepdims=True)
    shares: Floats = below - np.log(np.exp(below).sum(axis=axis, keepdims=True))
    return shares


def _inverse(curvature: Floats) -> Floats:
    """The covariance that belongs to a curvature."""
    for lift in (0.0, *_LIFTS):  # what rounding leaves below zero
        try:
            factor = cho_factor(curvature + lift * np.eye(len(curvature)), lower=True)
        except np.linalg.LinAlgError:
            continue
        return np.asarray(cho_solve(factor, np.eye(len(curvature))))
    # not at the top in all directions, as where answers say nearly nothing of the faces
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray((vectors / np.maximum(np.abs(values), _FLAT)) @ vectors.T)


def _step_likelihood(
    above: Floats, below: Floats
) -> tuple[Floats, tuple[Floats, Floats], Callable[[], dict[tuple[int, int], Floats]]]:
    """log(sigmoid(above) - sigmoid(below)), with its derivatives by both."""
    open_top, open_end = np.isposinf(above), np.isneginf(below)
    between = np.where(open_top | open_end, -np.inf, below - np.where(open_top, 0, above))
    # log sigmoid(-x) is log sigmoid(x) - x; each the way round that subtracts no infinities
    under, over = log_expit(above), log_expit(-below)
    logs = under + over + np.log1p(-np.exp(between))
    # sigmoid'(x) / P by logarithms, so that nothing is divided by nothing far out
    one = np.exp(under + (under - above) - logs)
    other = -np.exp((over + below) + over - logs)

    def second() -> dict[tuple[int, int], Floats]:
        curved = one * (1 - 2 * np.exp(under)), other * (2 * np.exp(over) - 1)
        return {(0, 0): curved[0] - one**2, (1, 1): curved[1] - other**2, (0, 1): -one * other}

    return logs, (one, other), second
