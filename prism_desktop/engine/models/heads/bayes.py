"""`hierarchical-bayes`: a head per labeler and attribute, a
Gaussian prior over labelers, posteriors in milliseconds.

Each labeler's heads, all attributes stacked, are drawn from one Gaussian (mean: the consensus;
covariance: low rank plus a diagonal), which EM learns from all labelers. A labeler's posterior then
follows from that prior and their own answers: with none it is the prior, with many it is their own
logistic regression, and attributes inform one another.

Sources: Gelman and Hill (2007), chapter 14; Evgeniou, Pontil and Toubia, "A convex optimization
approach to modeling consumer heterogeneity in conjoint estimation", Marketing Science 26 (2007);
MacKay (1992) for the moderated outputs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.em import EmSettings, Learned, learn
from prism_desktop.engine.models.heads.laplace import Solver, moderation
from prism_desktop.engine.models.heads.likelihood import Likelihood, Ratings, gather
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.heads.ridge import pooled
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats, Space, fit_space


@dataclass(frozen=True, slots=True)
class BayesSettings:
    """What may be chosen, by evidence or validation, never by test answers."""

    dims: int = 64  # principal axes of the features
    power: float = 1.0  # of the axes' deviations divided out
    # most answers' worth of weight per image; inf takes answers as independent
    overlap: float = 1.0
    penalty: float = 1.0  # of the pooled head that the EM starts from
    em: EmSettings = field(default_factory=EmSettings)


@dataclass(frozen=True, slots=True, eq=False)
class BayesHeads:
    """The prior and every labeler's posterior."""

    space: Space
    prior: Prior
    mean: Floats  # (labelers, attributes, k)
    information: npt.NDArray[np.float32]  # (labelers, attributes, k, k) that the answers added
    overlap: float
    log_evidence: float  # of all answers
    # (k,) variance over the study's images along each axis, which principal axes do not share
    spread: Floats

    @property
    def attributes(self) -> int:
        """How many."""
        return int(self.mean.shape[1])

    def scores(self, features: Features, *, moderated: bool = True) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images): the posterior mean of utilities; differences are logits.

        Args:
            features: (images, d).
            moderated: shrink each labeler's scores on an attribute by how uncertain a typical
                difference is, so that the sigmoid of a difference is the probability; the order of
                the images stays as it is.
        """
        x = self.space.project(features)
        scores = np.einsum("uak,nk->uan", self.mean, x)
        if moderated:
            scores *= moderation(2 * self._typical())[:, :, None]
        return np.asarray(scores, np.float32)

    def consensus(self, features: Features) -> npt.NDArray[np.float32]:
        """(1, attributes, images) of the prior mean: what is
        expected of a labeler of whom nothing is known."""
        return self.adapt(features, None).scores(features)

    def variances(self, features: Features) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images): posterior variance of
        utilities about the mean image, in squared logits."""
        return self._quadratic(self.space.project(features)).astype(np.float32)

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

    def covariance(self, labeler: int) -> Floats:
        """(D, D) posterior of a labeler's stacked heads."""
        return Solver.of(self.prior).covariance(self.information[labeler].astype(np.float64))

    def arrays(self) -> Arrays:
        """For a file; `from_arrays` reads them."""
        own: Arrays = {"mean": self.mean, "information": self.information}
        numbers: Arrays = {
            "overlap": np.array(self.overlap),
            "log_evidence": np.array(self.log_evidence),
        }
        numbers["spread"] = self.spread
        return {**self.space.arrays(), **self.prior.arrays(), **own, **numbers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "BayesHeads":
        """The inverse of `arrays`."""
        mean, information = (
            np.asarray(arrays["mean"], np.float64),
            np.asarray(arrays["information"], np.float32),
        )
        overlap, evidence = float(arrays["overlap"]), float(arrays["log_evidence"])
        space, prior = Space.from_arrays(arrays), Prior.from_arrays(arrays)
        spread = np.asarray(arrays["spread"], np.float64)
        return cls(space, prior, mean, information, overlap, evidence, spread)

    def _likelihood(
        self, features: Features, answers: Answers | None, ratings: Ratings | None
    ) -> Likelihood:
        rows = np.union1d(
            np.zeros(0, np.int64)
            if answers is None
            else np.concatenate([answers.left, answers.right]),
            np.zeros(0, np.int64) if ratings is None else ratings.image,
        )
        x = np.zeros((int(rows.max()) + 1 if len(rows) else 0, self.space.dims))
        with one_thread():
            x[rows] = self.space.project(features[rows])  # only the faces that were answered
        one = None if answers is None else replace(answers, labeler=np.zeros_like(answers.labeler))
        rated = (
            None if ratings is None else replace(ratings, labeler=np.zeros_like(ratings.labeler))
        )
        return gather(x, one, rated, 1, self.attributes, self.overlap)[0]

    def _with(self, blocks: Likelihood, start: Floats | None) -> "BayesHeads":
        with one_thread():
            solver = Solver.of(self.prior)
            now = solver.posterior(blocks, start)
            for _ in range(4 if any(len(b.value) for b in blocks) else 0):
                parts = now.mean.reshape(self.attributes, -1)
                blocks = tuple(b.rescaled(part) for b, part in zip(blocks, parts, strict=True))
                now = solver.posterior(blocks, now.mean)
        mean, information = (
            now.mean.reshape(1, self.attributes, -1),
            now.information[None].astype(np.float32),
        )
        return replace(self, mean=mean, information=information, log_evidence=now.evidence)

    def _typical(self) -> Floats:
        """(labelers, attributes): mean posterior variance of the study's images about their middle.

        Twice that is the variance of a difference of two of them. It is the study's and not that of
        the images that happen to be asked about together, so that an image has one score.
        """
        typical: Floats = np.einsum("uakk,k->ua", self._own_blocks(), self.spread)
        return typical

    def _own_blocks(self) -> Floats:
        """(labelers, attributes, k, k): each labeler's and
        attribute's own block of the posterior covariance."""
        k, solver = self.space.dims, Solver.of(self.prior)
        return np.stack(
            [
                np.einsum(
                    "aiaj->aij",
                    solver.covariance(information.astype(np.float64)).reshape(
                        self.attributes, k, self.attributes, k
                    ),
                )
                for information in self.information
            ]
        )

    def _quadratic(self, x: Floats) -> Floats:
        """(labelers, attributes, images): x' V x."""
        out = np.empty((*self.mean.shape[:2], len(x)))
        for u, blocks in enumerate(self._own_blocks()):
            for a, block in enumerate(blocks):
                out[u, a] = np.einsum("nk,nk->n", x @ block, x)
        return out


def fit(
    features: Features,
    answers: Answers | None,
    labelers: int,
    attributes: int,
    *,
    ratings: Ratings | None = None,
    settings: BayesSettings | None = None,
) -> Iterator[Event[BayesHeads]]:
    """Learn the prior and all posteriors.

    Args:
        features: (images, d) of all images; answers refer to its rows.
        answers: of the training split.
        labelers, attributes: how many; a labeler without answers gets the prior.
        ratings: of the training split, used as ratings; give rating-derived pairs or these, not
            both.
        settings: see `BayesSettings`.
    """
    settings = settings or BayesSettings()
    space = fit_space(features, settings.dims, settings.power)
    x = space.project(features)
    likelihood = gather(x, answers, ratings, labelers, attributes, settings.overlap)
    yield Progress(0, None, "Fitting the consensus")
    start = pooled(likelihood, np.full(attributes, settings.penalty))
    learned: Learned | None = None
    for event in learn(likelihood, space.dims, start.reshape(-1), settings.em):
        if isinstance(event, Done):
            learned = event.value
        else:
            yield event
    assert learned is not None
    yield Done(_model(space, x, learned, attributes, settings))


def _model(
    space: Space, x: Floats, learned: Learned, attributes: int, settings: BayesSettings
) -> BayesHeads:
    mean = np.stack([p.mean for p in learned.posteriors]).reshape(-1, attributes, space.dims)
    information = np.stack([p.information for p in learned.posteriors]).astype(np.float32)
    return BayesHeads(
        space,
        learned.prior,
        mean,
        information,
        settings.overlap,
        learned.log_evidence,
        x.var(axis=0),
    )
