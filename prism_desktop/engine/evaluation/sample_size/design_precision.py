"""How precise a design's results are before a single answer is given.

Everything follows from the variances of one answer, in closed form or from a few draws. What is
told is where the middle 95 % of a measure's estimates lie if the same design is carried out again
and again; the interval that a study will report is about as wide.

It is assumed that trials come as labeling has them (half of them in an order common to all
labelers, half in one of the labeler's own) and that nobody is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import acos, asin, comb, pi, sqrt
from typing import Final

import numpy as np
from scipy.special import fdtri

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import ceiling_of
from prism_desktop.engine.evaluation.intervals import Estimate, wilson
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.quality.own_consistency import NONE
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.study.records import FOLDS, Kind

COMMON: Final = 0.5  # share of trials in an order common to all labelers, as labeling has it
_DRAWS: Final = 4000
_PAIRS: Final = 8_000
_TRIPLES: Final = 200_000
_Z: Final = 1.959964
_TAIL: Final = 0.025


@dataclass(frozen=True, slots=True)
class PlannedDesign:
    """Who judges what, how often.

    Attributes:
        kind: "comparison" or "rating".
        labelers: who each do as many trials.
        faces: of the study.
        trials: of each labeler, repeats among them; each asks every attribute once.
        repeats: share of trials that repeat an earlier one.

    Raises:
        InputError: numbers that no study can have.
    """

    kind: Kind
    labelers: int
    faces: int
    trials: int
    repeats: float = 0.1

    def __post_init__(self) -> None:
        if self.labelers < 2 or self.faces < 3 or self.trials < 1:
            raise InputError("A plan needs two labelers, three faces and a trial at least.")
        if not 0 <= self.repeats <= 0.5:
            raise InputError("Repeats are between none and half of the trials (0 to 0.5).")

    @property
    def repeated(self) -> int:
        """Trials of one labeler that repeat another."""
        return int(self.trials * self.repeats + 1e-9)

    @property
    def fresh(self) -> int:
        """Trials of one labeler that do not; a face is rated once beside its repeat."""
        fresh = self.trials - self.repeated
        return min(fresh, self.faces) if self.kind == "rating" else fresh

    @property
    def cost(self) -> int:
        """Trials of all labelers."""
        return self.labelers * self.trials

    @property
    def per_face(self) -> float:
        """Fresh answers about a face: how often it was rated, or stood in a comparison."""
        shown = 1 if self.kind == "rating" else 2
        return shown * self.labelers * self.fresh / self.faces


@dataclass(frozen=True, slots=True)
class DesignPrecision:
    """What a design will tell: of each measure the expected value and where 95 % of estimates lie.

    Attributes:
        reliability: of the consensus ranking, the faces' mean scores over labelers.
        alpha: Krippendorff's.
        icc: ICC(2,1); of ratings alone.
        ceiling: of one labeler.
        gain: of one labeler, accuracy of a model that knows all their taste less that of one that
            knows all shared taste: the most that personalisation can add.
    """

    reliability: Estimate
    alpha: Estimate
    icc: Estimate
    ceiling: Estimate
    gain: Estimate


def precision_of(design: PlannedDesign, variances: AnswerVariances) -> DesignPrecision:
    """Everything that a design will tell."""
    return DesignPrecision(
        reliability(design, variances),
        alpha(design, variances),
        icc(design, variances) if design.kind == "rating" else NONE,
        ceiling(design, variances),
        gain(design, variances),
    )


def reliability(design: PlannedDesign, variances: AnswerVariances) -> Estimate:
    """Of the faces' mean scores over all labelers, as halves of the labelers tell it.

    A face's mean over m answers of k labelers has the variance S + P / k + E / m, where S is the
    covariance of two labelers' answers about it, S + P that of one labeler's and S + P + E = 1. Of
    ratings these are the variances. Of comparisons with different other faces, only half of the
    difference is about the face, so S = 2/pi asin(shared / 2) and S + P = 2/pi asin(own / 2)
    (Sheppard 1899). Where c of a labeler's n comparisons of a face are those of all labelers, the
    other faces are the same too: halves of the labelers share c / n^2 (2/pi asin(shared) - S) more.
    Repeats are left aside, which is a little too strict. Where a labeler rates a part of the faces
    only, chance makes the halves uneven, and their means are the less sure, see `_uneven`.

    The interval is Feldt's: (1 - R) / (1 - estimate) is F distributed with (faces - 1) and (faces -
    1)(k - 1) degrees of freedom (Feldt, Psychometrika 1965; Spearman and Brown 1910 for the mean);
    the latter are fewer where chance gives faces unequal numbers of ratings, see `_within`.
    """
    shared, own, same = variances.shared, variances.own, 0.0
    if design.kind == "comparison":
        shared, own, same = (2 / pi * asin(each) for each in (shared / 2, own / 2, shared))
    signal = error = 0.0
    for faces, answers, common in _groups(design):
        if answers <= 0:
            return NONE
        part, labelers = faces / design.faces, min(float(design.labelers), answers)
        alike = common * (design.labelers / answers) ** 2 * (same - shared)
        signal += part * (shared + alike)
        apart = (own - shared) / labelers + (1 - own) / answers - alike / design.labelers
        if design.kind == "rating":
            apart *= _uneven(design.labelers, round(answers / design.labelers, 9))
        error += part * apart
    value = signal / (signal + error) if signal > 0 else 0.0
    free = design.faces - 1
    tails = (fdtri(free, _within(design), tail) for tail in (_TAIL, 1 - _TAIL))
    low, high = (1 - (1 - value) / tail for tail in tails)
    return Estimate(value, max(-1.0, float(low)), min(1.0, float(high)), design.cost)


def icc(design: PlannedDesign, variances: AnswerVariances) -> Estimate:
    """ICC(2,1) of ratings by mean squares drawn from a two-way random model.

    With k labelers per face, n faces and w = private + noise the mean squares of faces, labelers
    and the rest are (w + k shared), (w + n level) and w times chi-squares over their degrees of
    freedom n - 1, k - 1 and (n - 1)(k - 1) (Shrout and Fleiss 1979; McGraw and Wong 1996).
    """
    drawn, rng = [], np.random.default_rng(0)
    for n, k in _judged_together(design):
        faces, labelers, rest = _mean_squares(rng, n, k, variances)
        drawn.append((faces - rest) / (faces + (k - 1) * rest + k * (labelers - rest) / n))
    return _between(variances.shared / (1 + variances.level), drawn, design.cost)


def alpha(design: PlannedDesign, variances: AnswerVariances) -> Estimate:
    """Krippendorff's alpha; the interval is over other faces, or pairs, with the same labelers.

    Of ratings it is 1 - variance within faces / variance of all, from the same mean squares with
    the labelers' levels as they are; the ordinal alpha that is reported is a little lower. Of
    comparisons the units are the pairs that all labelers judge; with n1 of v labelers on one side
    of a pair, the share of two of them who differ is 2 n1 (v - n1) / (v (v - 1)), and alpha is 1 -
    2 x its mean, since both sides are as likely. Its variance z2 over pairs and its covariance z1
    over two pairs that share a face are drawn; over n pairs, s of which in order share one, the
    mean has the variance (z2 + z1 s / n) / n. Its value is 2/pi asin(shared) (Sheppard 1899).
    """
    if design.kind == "comparison":
        pairs = COMMON * design.fresh
        if pairs < 3:
            return NONE
        value = 2 / pi * asin(variances.shared)
        told = round(variances.shared, 4), round(variances.own, 4)
        alone, together = _spread_of_pairs(*told, design.labelers)
        spread = (alone + together * _sharing(pairs, design.faces) / pairs) / pairs
        half = _Z * 2 * sqrt(max(spread, 0.0))
        return Estimate(value, max(-1.0, value - half), min(1.0, value + half), design.cost)
    drawn, rng = [], np.random.default_rng(0)
    for n, k in _judged_together(design):
        faces, labelers, rest = _mean_squares(rng, n, k, variances, fixed=True)
        inside = ((n - 1) * rest + labelers) / n
        whole = ((n - 1) * faces + (k - 1) * n * inside) / (n * k - 1)
        drawn.append(1 - inside / whole)
    return _between(variances.shared / (1 + variances.level), drawn, design.cost)


def ceiling(design: PlannedDesign, variances: AnswerVariances) -> Estimate:
    """The noise ceiling of one labeler, by one attribute's repeats.

    Comparisons: Wilson's interval of the self-agreement. Ratings: two faces that were both rated
    twice are a comparison made twice, so the self-agreement is (1 + tau) / 2 with Kendall's tau of
    first and second ratings, whose variance over normal pairs with correlation r is 2 / (n (n - 1))
    (1 - 4 (asin(r) / pi)^2 + 2 (n - 2) (1/9 - 4 (asin(r / 2) / pi)^2)) (Esscher 1924); Wilson's
    interval is of as many answers as have that variance. Both are carried through the ceiling's
    formula.
    """
    share, n = variances.agreement, float(design.repeated)
    if n < 3:
        return NONE
    if design.kind == "rating":
        r = variances.own
        once = 1 - 4 * (asin(r) / pi) ** 2
        twice = 1 / 9 - 4 * (asin(r / 2) / pi) ** 2
        spread = 2 / (n * (n - 1)) * (once + 2 * (n - 2) * twice) / 4
        n = share * (1 - share) / spread if spread > 0 else n
    low, high = wilson(share, n)
    return Estimate(ceiling_of(share), ceiling_of(low), ceiling_of(high), design.repeated)


def gain(design: PlannedDesign, variances: AnswerVariances) -> Estimate:
    """What knowing a labeler's own taste adds to the accuracy, every fresh answer tested once.

    The sign of a normal value with share r of the variance of a sum gives the sum's sign with
    probability 1/2 + asin(sqrt(r)) / pi, so the gain is (asin(sqrt(own)) - asin(sqrt(shared))) /
    pi. Two models that know them differ on a share acos(sqrt(shared / own)) / pi of answers, from
    which follows the variance z2 of the difference of one answer; answers that share a face have
    the covariance z1, which is drawn. Over n answers in which each face stands d times the mean
    has the variance (z2 + 2 (d - 1) z1) / n, as a U-statistic has (Hoeffding 1948). Ratings are
    compared within image folds, as evaluation does.
    """
    n, often = float(design.fresh), 2 * design.fresh / design.faces
    if design.kind == "rating":
        inside = design.fresh / FOLDS
        n, often = FOLDS * inside * (inside - 1) / 2, inside - 1
    if n <= 1:
        return NONE
    shared, own = variances.shared, variances.own
    value = (asin(sqrt(own)) - asin(sqrt(shared))) / pi
    apart = acos(min(1.0, sqrt(shared / own))) / pi if own > 0 else 0.0
    one = apart - value**2
    rated = design.kind == "rating"
    together = _shared_face(round(shared, 4), round(own, 4), rated) if own > 0 else 0.0
    error = sqrt(max((one + 2 * max(often - 1, 0.0) * together) / n, 0.0))
    return Estimate(value, value - _Z * error, value + _Z * error, int(n), error=error)


def _groups(design: PlannedDesign) -> tuple[tuple[float, float, float], ...]:
    """How many faces get how many answers, those that the common order has come to and the rest;
    and of comparisons how many of a labeler's are in the common order.

    Comparisons come in chains, which show a face twice before any other comes again.
    """
    told, whole = COMMON * design.fresh, float(design.faces)
    if design.kind == "rating":
        rest = max(whole - told, 1e-9)
        own = design.labelers * (design.fresh - told) / rest
        return (told, design.labelers, 0.0), (rest, own, 0.0)
    own = 2 * design.labelers * (design.fresh - told) / whole
    reached = min(told, whole)
    common = 2 * told / reached
    found = (reached, own + design.labelers * common, common), (whole - reached, own, 0.0)
    return tuple(each for each in found if each[0] > 0)


def _judged_together(design: PlannedDesign) -> tuple[tuple[float, float], ...]:
    """Of ratings: how many faces were rated by how many labelers, two at least; fewer than three
    faces tell nothing."""
    pairs = ((faces, answers, max(2.0, answers)) for faces, answers, _ in _groups(design))
    found = ((faces * answers / labelers, labelers) for faces, answers, labelers in pairs)
    return tuple(each for each in found if each[0] >= 3)


def _mean_squares(
    rng: np.random.Generator, n: float, k: float, variances: AnswerVariances, *, fixed: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Draws of the mean squares of faces, of labelers and of the rest; `fixed`: the labelers'
    levels are the same in all draws."""
    rest = 1 - variances.shared
    square = [
        rng.chisquare(free, _DRAWS) / free
        for free in (n - 1, max(k - 1, 1.0), max((n - 1) * (k - 1), 1.0))
    ]
    level = n * variances.level
    labelers = level + rest * square[1] if fixed else (level + rest) * square[1]
    return (rest + k * variances.shared) * square[0], labelers, rest * square[2]


def _uneven(labelers: int, share: float) -> float:
    """How much less sure the means over halves of the labelers are than with equal numbers: the
    mean of 1 / m, as a multiple of 1 / its mean, of binomial m above 0.

    Args:
        labelers: of both halves.
        share: of them who rated a face.
    """
    if share >= 1:
        return 1.0
    halves = (labelers // 2, (labelers + 1) // 2)
    found = (half * share * _mean_of(lambda m: 1 / m, half, share) for half in halves)
    return max(1.0, sum(found) / 2)


def _within(design: PlannedDesign) -> float:
    """Degrees of freedom of the error of the faces' means.

    Of ratings, where m labelers came to a face, that of its mean has the variance e / m, known from
    m - 1 degrees of freedom; the mean over faces has as many as Satterthwaite (1946) gives it. With
    all faces rated by all of k labelers these are (faces - 1)(k - 1).
    """
    free = design.faces - 1
    if design.kind == "comparison":
        return free * max(1.0, min(design.labelers, design.per_face) - 1)
    whole = spread = 0.0
    for faces, answers, _ in _groups(design):
        share = round(answers / design.labelers, 9)
        whole += faces * _mean_of(lambda m: 1 / m, design.labelers, share, 2)
        spread += faces * _mean_of(lambda m: 1 / (m * m * (m - 1)), design.labelers, share, 2)
    return max(1.0, free / design.faces * whole**2 / spread)


def _mean_of(function: Callable[[int], float], most: int, share: float, least: int = 1) -> float:
    """Of a binomial number of `most`, each with the chance `share`, which is `least` or more."""
    if share >= 1:
        return function(most)
    chance = [comb(most, m) * share**m * (1 - share) ** (most - m) for m in range(least, most + 1)]
    told = sum(each * function(m) for m, each in enumerate(chance, least))
    return told / sum(chance) if sum(chance) > 0 else function(least)


def _sharing(pairs: float, faces: int) -> float:
    """How many of all ordered pairs of pairs in chains share a face: each chain goes through all
    faces and shows each twice, the last as far as it comes."""
    often, rest = divmod(pairs, faces)
    shown = 2 * often
    return (faces - rest) * shown * (shown - 1) + rest * (shown + 2) * (shown + 1)


@lru_cache(maxsize=256)
def _spread_of_pairs(shared: float, own: float, labelers: int) -> tuple[float, float]:
    """Variance over pairs of the share of two labelers who differ about one, and its covariance
    over two pairs that share a face."""
    rng = np.random.default_rng(0)
    counts = np.zeros((2, _PAIRS))
    common = rng.normal(size=(3, _PAIRS)) * sqrt(shared)
    noisy = sqrt(2 * max(1 - own, 0.0))
    for _ in range(labelers):  # one at a time, for all together are large
        taste = common + rng.normal(size=(3, _PAIRS)) * sqrt(max(own - shared, 0.0))
        for pair, other in enumerate((1, 2)):
            counts[pair] += taste[0] - taste[other] + rng.normal(size=_PAIRS) * noisy > 0
    differ = 2 * counts * (labelers - counts) / (labelers * (labelers - 1))
    spread = np.cov(differ)
    return float((spread[0, 0] + spread[1, 1]) / 2), max(float(spread[0, 1]), 0.0)


@lru_cache(maxsize=64)
def _shared_face(shared: float, own: float, rated: bool) -> float:
    """Covariance of two answers that share a face, of what knowing the whole taste adds to each;
    a rated face brings its noise to all of its comparisons."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(3, _TRIPLES)) * sqrt(shared)
    taste = common + rng.normal(size=(3, _TRIPLES)) * sqrt(max(own - shared, 0.0))
    noise = rng.normal(size=(4, _TRIPLES)) * sqrt(max(1 - own, 0.0))
    adds = []
    for other in (1, 2):
        mine = noise[0] if rated or other == 1 else noise[3]
        answer = taste[0] + mine - taste[other] - noise[other]
        right = [(each[0] - each[other]) * answer > 0 for each in (taste, common)]
        adds.append(right[0].astype(np.float64) - right[1])
    return float(np.mean(adds[0] * adds[1]) - adds[0].mean() * adds[1].mean())


def _between(value: float, drawn: Sequence[Floats], n: int) -> Estimate:
    """The middle of draws about a value, those of several groups weighted by their precision."""
    if not drawn:
        return NONE
    weights = np.array([1 / max(float(each.var()), 1e-12) for each in drawn])
    together = sum(each * weight for each, weight in zip(drawn, weights, strict=True))
    low, high = np.quantile(together / weights.sum(), [_TAIL, 1 - _TAIL])
    return Estimate(value, min(float(low), value), max(float(high), value), n)
