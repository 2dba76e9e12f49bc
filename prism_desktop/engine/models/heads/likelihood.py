"""The likelihood of a linear head: one labeler's choices between two images, and ratings.

Both speak of one utility per image. A rating is that utility plus Gaussian noise, on a scale of its
own whose middle and spread are taken out; a choice is made by utilities with Gumbel noise of the
same variance, so that it is logistic (Yellott 1977). The noise is the labeler's own.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.heads.space import Floats

LOGISTIC = float(np.pi**2 / 6)  # the noise with which choices have a logit per unit of utility
NOISE = 0.6  # variance of a rating's noise, of 1 in all, before anything is known of a labeler
NOISE_RATINGS = 8.0  # ratings' worth of belief in it


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Single ratings, (ratings,) each."""

    labeler: Ints  # row of the labeler
    attribute: Ints  # row of the attribute
    image: Ints  # row of the image
    value: Floats  # on whatever scale the labeler used

    def __len__(self) -> int:
        return len(self.labeler)


def without(ratings: Ratings, images: Ints) -> Ratings:
    """Those of other images."""
    kept = ~np.isin(ratings.image, images)
    return Ratings(
        ratings.labeler[kept], ratings.attribute[kept], ratings.image[kept], ratings.value[kept]
    )


@dataclass(frozen=True, slots=True, eq=False)
class FaceTerms:
    """Derivatives of a log-likelihood by additions to the utilities of images, an answer at a time.

    Of a choice the other image is treated as if it were known.
    """

    image: Ints  # (terms,)
    slope: Floats  # (terms,)
    curvature: Floats  # (terms,) >= 0


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """What a head is multiplied by to know how well it fits ratings, for many looks at many of
    them: nothing in it grows with their number.

    Ratings are a parabola in the head, of the features' products with one another, with the
    ratings, and of the ratings with themselves, all about their means.
    """

    features: Floats  # (k, k)
    ratings: Floats  # (k,)
    square: float

    def errors(self, head: Floats) -> float:
        """Sum of the squares of what the ratings say beyond a head (k,)."""
        bent = self.features @ head
        return max(self.square + float(head @ (bent - 2 * self.ratings)), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One labeler's answers on one attribute, about images in a space of k dimensions."""

    x: Floats  # (images, k), shared by all blocks
    left: Ints  # (n,) rows of x
    right: Ints
    outcome: Floats  # (n,) 1 left, 0 right, 0.5 tie
    weight: Floats  # (n,)
    image: Ints  # (m,) rows of x that were rated
    value: Floats  # (m,) ratings about their mean, deviation about 1, in units of utility
    noise: float = NOISE  # variance of a rating, in squared units of utility
    lift: Floats | None = None  # (images,) what an image has beyond its features, in the same units
    # (n, k) and (m, k) of what is compared and rated, once `at_hand`
    gaps: Floats | None = None
    rated: Floats | None = None
    products: Products | None = None  # see `multiplied`

    def __len__(self) -> int:
        return len(self.outcome) + len(self.value)

    @property
    def dims(self) -> int:
        """k."""
        return int(self.x.shape[1])

    @property
    def steepness(self) -> float:
        """Logits of a choice per unit of utility."""
        return steepness(self.noise)

    def log_likelihood(self, head: Floats) -> float:
        """Of the answers, given a head (k,)."""
        logit = self._logits(head)
        choices = np.sum(self.weight * (self.outcome * logit - np.logaddexp(0.0, logit)))
        if not len(self.value):
            return float(choices)
        constant = len(self.value) * np.log(2 * np.pi * self.noise)
        return float(choices - 0.5 * (constant + self._squares(head) / self.noise))

    def gradient(self, head: Floats) -> Floats:
        """(k,) of the log-likelihood."""
        slope = np.zeros(self.x.shape[1])
        if len(self.outcome):
            error = self.weight * (self.outcome - expit(self._logits(head)))
            slope = self.steepness * (error @ self._difference())
        if self.products is not None:
            slope = slope + (self.products.ratings - self.products.features @ head) / self.noise
        elif len(self.value):
            slope = slope + self.errors(head) @ self._rated() / self.noise
        return np.asarray(slope)

    def information(self, head: Floats) -> Floats:
        """(k, k): minus the second derivative."""
        matrix = np.zeros((self.x.shape[1],) * 2)
        if len(self.outcome):
            p, difference = expit(self._logits(head)), self._difference()
            bend = self.steepness**2 * self.weight * p * (1 - p)
            weighed = difference * np.sqrt(bend)[:, None]
            matrix = weighed.T @ weighed  # half the work of a product of two matrices
        if len(self.value):
            matrix = matrix + self._features() / self.noise
        return np.asarray(matrix)

    def errors(self, head: Floats) -> Floats:
        """(m,) what the ratings say beyond a head and the
        images' lifts, about its mean: labelers have offsets."""
        error = self.value - self.x[self.image] @ head
        if self.lift is not None:
            error = error - self.lift[self.image]
        return np.asarray(error - error.mean() if len(error) else error)

    def face_terms(self, head: Floats) -> FaceTerms:
        """At a head, and at the images' lifts."""
        steep = self.steepness
        p = expit(self._logits(head))
        slope = steep * self.weight * (self.outcome - p)
        bend = steep**2 * self.weight * p * (1 - p)
        rated = np.full(len(self.value), 1 / self.noise)
        return FaceTerms(
            np.concatenate([self.left, self.right, self.image]),
            np.concatenate([slope, -slope, self.errors(head) / self.noise]),
            np.concatenate([bend, bend, rated]),
        )

    def at_hand(self) -> "Block":
        """With what a head is multiplied by kept, for many looks at a few answers."""
        return replace(self, gaps=self._difference(), rated=self._rated())

    def multiplied(self) -> "Block":
        """With the products of the ratings, which stay as long as images and ratings do."""
        if not len(self.value):
            return self
        return replace(self, products=self._products(self._features()))

    def lifted(self, lift: Floats | None) -> "Block":
        """With other lifts of the images."""
        found = replace(self, lift=lift)
        if self.products is None:
            return found
        return replace(found, products=found._products(self.products.features))

    def with_noise(self, head: Floats, covariance: Floats, doubt: Floats | None = None) -> "Block":
        """With the noise that the ratings show about a head, held near what is usual.

        Args:
            head: (k,).
            covariance: (k, k) of what is known of it.
            doubt: (images,) variance of the lifts.
        """
        if not len(self.value):
            return self
        total = self._squares(head) + float(np.sum(self._features() * covariance))
        if doubt is not None:
            total += float(doubt[self.image].sum())
        total += NOISE_RATINGS * NOISE
        return replace(self, noise=total / (len(self.value) + NOISE_RATINGS))

    def _logits(self, head: Floats) -> Floats:
        utility = self.x @ head if len(self.outcome) > len(self.x) else None
        if utility is None:
            logit = self._difference() @ head
        else:
            logit = utility[self.left] - utility[self.right]
        if self.lift is not None:
            logit = logit + self.lift[self.left] - self.lift[self.right]
        return np.asarray(self.steepness * logit)

    def _products(self, features: Floats) -> Products:
        told = self.errors(np.zeros(self.dims))
        return Products(features, told @ self.x[self.image], float(told @ told))

    def _squares(self, head: Floats) -> float:
        """Sum of the squared errors of the ratings."""
        if self.products is not None:
            return self.products.errors(head)
        return float(np.sum(self.errors(head) ** 2))

    def _features(self) -> Floats:
        """(k, k) products of the features of what is rated, about their means."""
        if self.products is not None:
            return self.products.features
        rated = self._rated()
        return np.asarray(rated.T @ rated)

    def _difference(self) -> Floats:
        if self.gaps is not None:
            return self.gaps
        return np.asarray(self.x[self.left] - self.x[self.right])

    def _rated(self) -> Floats:
        if self.rated is not None:
            return self.rated
        rated = self.x[self.image]
        return np.asarray(rated - rated.mean(0) if len(rated) else rated)


Likelihood = tuple[Block, ...]  # one labeler's, by attribute


def steepness(noise: float) -> float:
    """Logits of a choice per unit of utility, where single utilities have a noise of this
    variance."""
    return float(np.pi / np.sqrt(6 * noise))


def with_noises(blocks: Likelihood, noise: Floats) -> Likelihood:
    """With (attributes,) noises that are known."""
    return tuple(replace(one, noise=float(n)) for one, n in zip(blocks, noise, strict=True))


def gather(
    projected: Floats,
    answers: Answers | None,
    ratings: Ratings | None,
    labelers: int,
    attributes: int,
    overlap: float,
    noise: float = LOGISTIC,
) -> list[Likelihood]:
    """Every labeler's evidence.

    Args:
        projected: (images, k).
        answers, ratings: whatever there is of either.
        labelers, attributes: how many.
        overlap: answers that share images are not independent, and rating-derived pairs less so; a
            block's weights add up to at most `overlap` times its number of images. `inf` takes
            every answer as it is.
        noise: of every labeler, as long as nothing is known of theirs.
    """
    chosen = _cells(answers, labelers, attributes)
    rated = _cells(ratings, labelers, attributes)
    return [
        tuple(
            block(
                projected,
                answers,
                chosen[u * attributes + a],
                ratings,
                rated[u * attributes + a],
                overlap,
                noise,
            )
            for a in range(attributes)
        )
        for u in range(labelers)
    ]


def block(
    projected: Floats,
    answers: Answers | None,
    rows: Ints,
    ratings: Ratings | None,
    rated: Ints,
    overlap: float,
    noise: float = LOGISTIC,
) -> Block:
    """The evidence in some rows of the answers and ratings."""
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    left, right, outcome, weight = none, none, nothing, nothing
    if answers is not None and len(rows):
        left, right = answers.left[rows], answers.right[rows]
        outcome, weight = (
            answers.outcome[rows].astype(np.float64),
            answers.weight[rows].astype(np.float64),
        )
        images = len(np.unique(np.concatenate([left, right])))
        weight = weight * min(1.0, overlap * images / max(float(weight.sum()), 1e-12))
    faces, value = none, nothing
    if ratings is not None and len(rated):
        faces = ratings.image[rated]
        value = standardised(ratings.value[rated].astype(np.float64))
        faces = faces[: len(value)]
    return Block(projected, left, right, outcome, weight, faces, value, noise)


def standardised(value: Floats) -> Floats:
    """One labeler's ratings about their mean, in deviations,
    whatever their scale; none where they are all alike."""
    if len(value) < 2 or np.ptp(value) == 0:
        return np.zeros(0)
    away = value - value.mean()
    return np.asarray(away / np.sqrt(np.mean(away**2)))


def _cells(rows: Answers | Ratings | None, labelers: int, attributes: int) -> list[Ints]:
    """The rows of every labeler x attribute."""
    if rows is None:
        return [np.zeros(0, np.int64)] * (labelers * attributes)
    cell = rows.labeler * attributes + rows.attribute
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.searchsorted(cell[order], np.arange(1, labelers * attributes)))
