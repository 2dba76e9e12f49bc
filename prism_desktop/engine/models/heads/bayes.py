"""`hierarchical-bayes`: a head per labeler and attribute, a
Gaussian prior over labelers, posteriors in milliseconds.

Each labeler's heads, all attributes stacked, are drawn from one Gaussian (mean: the consensus;
covariance: learned, and believed less than it seems), see `em`. A labeler's posterior then follows
from that prior and their own answers: with none it is the prior, with many it is their own
regression, and attributes inform one another. Ratings and choices speak of the same utilities,
which have the units of standardised ratings; `scores` turns them into logits.

Sources: Gelman and Hill (2007), chapter 14; Evgeniou, Pontil and Toubia, "A convex optimization
approach to modeling consumer heterogeneity in conjoint estimation", Marketing Science 26 (2007);
MacKay (1992) for the moderated outputs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.methods.parts.scoring_parts import (
    BAYES_AXES,
    BAYES_FEWEST,
    BAYES_WEIGHTS,
    bayes_axes,
)
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.em import EmSettings, Learned, learn
from prism_desktop.engine.models.heads.laplace import Solver, moderation
from prism_desktop.engine.models.heads.likelihood import (
    NOISE,
    Likelihood,
    Ratings,
    gather,
    steepness,
)
from prism_desktop.engine.models.heads.newcomer import reach, settle
from prism_desktop.engine.models.heads.prior import Prior, unpacked
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats, Space, fit_space

_WHOLE = 4  # axes of informations before version 0.3: (labelers, attributes, k, k)


@dataclass(frozen=True, slots=True)
class BayesSettings:
    """What may be chosen, by validation, never by test answers."""

    dims: int = BAYES_AXES  # principal axes of the features
    power: float = 1.0  # of the axes' deviations divided out
    # most answers' worth of weight per image; inf takes answers as independent
    overlap: float = 1.0
    em: EmSettings = field(default_factory=EmSettings)


@dataclass(frozen=True, slots=True, eq=False)
class BayesHeads:
    """The prior and every labeler's posterior."""

    space: Space
    prior: Prior
    mean: Floats  # (labelers, attributes, k) in units of utility
    information: npt.NDArray[np.float32]  # (labelers, attributes, k, k) that the answers added
    noise: Floats  # (labelers, attributes) variance of a rating about its utility
    overlap: float
    # (k,) variance over the study's images along each axis, which principal axes do not share
    spread: Floats
    # (labelers, attributes) mean posterior variance of the study's images about their middle, twice
    # which is that of a difference of two of them; of the study and not of the images that happen
    # to be asked about together, so that an image has one score
    typical: Floats
    # what all logits are multiplied by, as validation answers say; see `calibration`
    calibration: float = 1.0
    # whether ratings are learned from as ratings; before version 0.3 from the pairs made of them
    reads_ratings: bool = True
    # (attributes,) how many times as large as the prior's the deviations of the one labeler here
    # may be, if they entered and are unlike all known ones; see `newcomer`
    reach: Floats | None = None

    @property
    def attributes(self) -> int:
        """How many."""
        return int(self.mean.shape[1])

    def steepness(self) -> Floats:
        """(labelers, attributes): logits per unit of utility."""
        return np.asarray(np.pi / np.sqrt(6 * self.noise))

    def factor(self) -> Floats:
        """(labelers, attributes): calibrated logits per unit of utility."""
        steep = self.steepness()
        return self.calibration * steep * moderation(2 * steep**2 * self.typical)

    def utilities(self, features: Features) -> npt.NDArray[np.float64]:
        """(labelers, attributes, images): the posterior mean of utilities."""
        return np.asarray(np.tensordot(self.mean, self.space.project(features), axes=(2, 1)))

    def scores(self, features: Features, *, moderated: bool = True) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images): differences are logits.

        Args:
            features: (images, d).
            moderated: shrink each labeler's scores on an attribute by how uncertain a typical
                difference is, so that the sigmoid of a difference is the probability; the order of
                the images stays as it is.
        """
        factor = self.factor() if moderated else self.steepness()
        return np.asarray(self.utilities(features) * factor[:, :, None], np.float32)

    def consensus(self, features: Features) -> npt.NDArray[np.float32]:
        """(1, attributes, images) of the prior mean: what is
        expected of a labeler of whom nothing is known."""
        return self.adapt(features, None).scores(features)

    def variances(self, features: Features) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images): posterior variance of
        scores about the mean image, in squared logits."""
        variances = self._quadratic(self.space.project(features))
        return (variances * self.steepness()[:, :, None] ** 2).astype(np.float32)

    def adapt(
        self, features: Features, answers: Answers | None, ratings: Ratings | None = None
    ) -> "BayesHeads":
        """The same for one new labeler, row 0: the posterior
        from the prior, whatever labeler the answers name.

        Args:
            features: (images, d) that the answers' images are rows of.
            answers: all of the new labeler's; None or empty leaves the prior.
            ratings: theirs, if they rated.
        """
        blocks = self._likelihood(features, answers, ratings)
        return self._with(blocks, None)

    def update(
        self,
        labeler: int,
        features: Features,
        answers: Answers | None,
        ratings: Ratings | None = None,
    ) -> "BayesHeads":
        """That labeler alone, row 0, after new answers: `adapt`
        to all of theirs, started from where they were."""
        blocks = self._likelihood(features, answers, ratings)
        return self._with(blocks, self.mean[labeler].reshape(-1))

    def held(self) -> "BayesHeads":
        """The same, but that nobody who enters goes beyond the known labelers."""
        return replace(self, prior=replace(self.prior, labelers=np.zeros(0, np.int64)))

    def covariance(self, labeler: int) -> Floats:
        """(D, D) posterior of a labeler's stacked heads."""
        return self._solver().covariance(self.information[labeler].astype(np.float64))

    def arrays(self) -> Arrays:
        """For a file; `from_arrays` reads them."""
        rows, columns = np.tril_indices(self.space.dims)
        own: Arrays = {
            "mean": self.mean,
            "information": self.information[..., rows, columns],
            "noise": self.noise,
        }
        numbers: Arrays = {
            "overlap": np.array(self.overlap),
            "spread": self.spread,
            "typical": self.typical,
            "calibration": np.array(self.calibration),
            "reads_ratings": np.array(self.reads_ratings),
        }
        if self.reach is not None:
            numbers["reach"] = self.reach
        return {**self.space.arrays(), **self.prior.arrays(), **own, **numbers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "BayesHeads":
        """The inverse of `arrays`.

        Runs before version 0.3 had utilities in logits, and learned from pairs alone.
        """
        own, space, prior = upgraded(arrays), Space.from_arrays(arrays), Prior.from_arrays(arrays)
        mean, noise = (np.asarray(own[name], np.float64) for name in ("mean", "noise"))
        information = unpacked(np.asarray(own["information"], np.float32), space.dims)
        overlap, spread = float(arrays["overlap"]), np.asarray(arrays["spread"], np.float64)
        if "noise" in arrays:
            typical = np.asarray(own.get("typical", np.zeros(0)), np.float64)
            reads = bool(own.get("reads_ratings", True))
        else:
            unit = steepness(NOISE)
            prior = Prior(prior.mean / unit, prior.covariance / unit**2)
            typical, reads = np.zeros(0), False
        factor = float(own.get("calibration", 1.0))
        heads = cls(space, prior, mean, information, noise, overlap, spread, typical, factor, reads)
        if len(prior.labelers) not in (0, heads.attributes) or (prior.labelers < 0).any():
            raise ValueError("its prior is of impossible numbers of labelers")
        if "reach" in own:
            far = np.asarray(own["reach"], np.float64)
            if far.shape != (heads.attributes,) or not (np.isfinite(far) & (far > 0)).all():
                raise ValueError("how far its labeler reaches is no positive number")
            heads = replace(heads, reach=far)
        return heads if typical.size else replace(heads, typical=heads._typical())

    def _likelihood(
        self, features: Features, answers: Answers | None, ratings: Ratings | None
    ) -> Likelihood:
        seen = np.zeros(len(features), bool)
        for images in () if answers is None else (answers.left, answers.right):
            seen[images] = True
        if ratings is not None:
            seen[ratings.image] = True
        rows = np.flatnonzero(seen)
        x = np.zeros((int(rows.max()) + 1 if len(rows) else 0, self.space.dims))
        with one_thread():
            x[rows] = self.space.project(features[rows])  # only the faces that were answered
        one = None if answers is None else replace(answers, labeler=np.zeros_like(answers.labeler))
        rated = (
            None if ratings is None else replace(ratings, labeler=np.zeros_like(ratings.labeler))
        )
        found = gather(x, one, rated, 1, self.attributes, self.overlap, NOISE)[0]
        return tuple(block.at_hand() for block in found)

    def _with(self, blocks: Likelihood, start: Floats | None) -> "BayesHeads":
        """Heads of one labeler; how noisily they rate, and how far they are from everybody, is
        learned as they are."""
        k = self.space.dims
        with one_thread():
            far = reach(self.prior, blocks, start)
            now, blocks = settle(Solver.of(self.prior.widened(far)), blocks, start)
        found = replace(
            self,
            mean=now.mean.reshape(1, self.attributes, -1),
            information=now.information[None].astype(np.float32),
            noise=np.array([[b.noise for b in blocks]]),
            reach=None if np.all(far == 1) else far,
        )
        parts = now.covariance.reshape(self.attributes, k, self.attributes, k)
        return replace(found, typical=np.einsum("aiai,i->a", parts, self.spread)[None])

    def _solver(self) -> Solver:
        """Of the posteriors of the labelers here."""
        return Solver.of(self.prior if self.reach is None else self.prior.widened(self.reach))

    def _typical(self) -> Floats:
        """As `typical`, of the labelers that there are."""
        solver = self._solver()
        found = [
            np.einsum("aiai,i->a", self._parts(solver, row), self.spread)
            for row in self.information
        ]
        return np.reshape(found, (len(self.information), self.attributes))

    def _quadratic(self, x: Floats) -> Floats:
        """(labelers, attributes, images): x' V x."""
        solver, out = self._solver(), np.empty((*self.mean.shape[:2], len(x)))
        for u, row in enumerate(self.information):
            parts = self._parts(solver, row)
            for a in range(self.attributes):
                out[u, a] = np.einsum("nk,nk->n", x @ parts[a, :, a], x)
        return out

    def _parts(self, solver: Solver, information: npt.NDArray[np.float32]) -> Floats:
        """(attributes, k, attributes, k): a labeler's posterior covariance."""
        covariance = solver.covariance(information.astype(np.float64))
        return covariance.reshape(self.attributes, self.space.dims, self.attributes, -1)


def fit(
    features: Features,
    answers: Answers | None,
    labelers: int,
    attributes: int,
    *,
    ratings: Ratings | None = None,
    settings: BayesSettings | None = None,
    blocks: Sequence[int] = (),
) -> Iterator[Event[BayesHeads]]:
    """Learn the prior and all posteriors.

    Args:
        features: (images, d) of all images; answers refer to its rows.
        answers: of the training split.
        labelers, attributes: how many; a labeler without answers gets the prior.
        ratings: of the training split, used as ratings; give rating-derived pairs or these, not
            both.
        settings: see `BayesSettings`.
        blocks: how many of the last columns of the features are each optional block.
    """
    settings = settings or BayesSettings()
    dims = bayes_axes(settings.dims, attributes, sum(blocks))
    space = fit_space(features, dims, settings.power, blocks)
    x = space.project(features)
    likelihood = gather(x, answers, ratings, labelers, attributes, settings.overlap, NOISE)
    learned: Learned | None = None
    for event in learn(likelihood, x, space.block, settings.em):
        if isinstance(event, Done):
            learned = event.value
        else:
            yield event
    assert learned is not None
    shape = labelers, attributes, space.dims
    heads = BayesHeads(
        space,
        learned.prior,
        np.stack([p.mean for p in learned.posteriors]).reshape(shape),
        np.stack([p.information for p in learned.posteriors]).astype(np.float32),
        np.array([[b.noise for b in blocks] for blocks in learned.likelihood]),
        settings.overlap,
        x.var(axis=0),
        np.zeros(shape[:2]),
    )
    with one_thread():
        yield Done(replace(heads, typical=heads._typical()))


def upgraded(own: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
    """Arrays of labelers' heads as they are named and measured now.

    Before version 0.3 utilities were logits and the informations were whole matrices; of what
    belongs to the labelers, only their typical variance remains to be found from these.
    """
    information = own.get("information")
    if information is None or information.ndim != _WHOLE:
        return own
    unit, dims = steepness(NOISE), information.shape[-1]
    rows, columns = np.tril_indices(dims)
    mean = np.asarray(own["mean"], np.float64) / unit
    told = np.asarray(information, np.float32)[..., rows, columns] * np.float32(unit**2)
    changed: Arrays = {"mean": mean, "information": told, "noise": np.full(mean.shape[:2], NOISE)}
    return {**own, **changed, "typical": np.zeros(0)}


def room(attributes: int) -> int:
    """How many axes of an attribute optional blocks may take, so that a labeler's posterior is
    still found in milliseconds and the features keep some."""
    return max(BAYES_WEIGHTS // max(attributes, 1) - BAYES_FEWEST, 0)
