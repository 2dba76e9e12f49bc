"""`collaborative`: hierarchical Bayes plus what other labelers said of the very same faces.

A face has qualities that its features do not show. They are found as factors of the labelers'
residuals: face i has b_i, labeler u listens to them by loadings l_u, and u's utility is head + l_u
. b_i. The first factor is shared (loadings about 1, so it is the others' shrunken mean), further
ones tell labelers apart. b_i is always computed *without u's own answers*, so it may use other
labelers' answers on faces that u is tested on (that is what the method is for: faces that others
have seen), and can never use u's own. Where few others answered, b_i is shrunk towards zero: the
head's prediction remains.

Sources: Salakhutdinov and Mnih, "Probabilistic matrix factorization", NIPS 2007; Agarwal and Chen,
"Regression-based latent factor models", KDD 2009.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.methods.parts.scoring_parts import FACTORS
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.face_effects import Residuals, residuals
from prism_desktop.engine.models.heads.likelihood import NOISE, Ratings, steepness
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats


@dataclass(frozen=True, slots=True)
class CollaborativeSettings:
    """What may be chosen by validation."""

    factors: int = FACTORS  # the shared one included
    spread: float = 0.1  # variance of the shared factor's loadings about 1, over labelers
    steps: int = 15
    seed: int = 0  # of the start of the further factors


OPTIONS = (CollaborativeSettings(), CollaborativeSettings(factors=1, spread=0.03))


@dataclass(frozen=True, slots=True, eq=False)
class CollaborativeHeads:
    """Heads, and what every labeler said of every face of the study beyond them."""

    base: BayesHeads
    loadings: Floats  # (labelers, attributes, factors)
    variance: Floats  # (attributes, factors) of the faces' qualities
    slope: npt.NDArray[np.float32]  # (speakers, attributes, images), see `Residuals`
    curvature: npt.NDArray[np.float32]  # (speakers, attributes, images)
    voice: Floats  # (speakers, attributes, factors) loadings of those who spoke
    own: npt.NDArray[np.int64]  # (labelers,) which speaker a labeler is, -1 for none
    settings: CollaborativeSettings

    def scores(
        self, features: Features, rows: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float32]:
        """(labelers, attributes, n); differences are logits.

        Args:
            features: (n, d).
            rows: (n,) which image of the study each is, -1 for a face that nobody has seen; None:
                all of them in order.
        """
        scores = self.base.scores(features)
        rows = np.arange(len(features)) if rows is None else rows
        known = rows >= 0
        scores[:, :, known] += self.additions()[:, :, rows[known]]
        return scores

    @property
    def reads_ratings(self) -> bool:
        """As of the base."""
        return self.base.reads_ratings

    def additions(self) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images): what others' answers
        add to each labeler's scores of the study's images."""
        said = Residuals(self.slope.astype(np.float64), self.curvature.astype(np.float64))
        out = np.empty((len(self.own), *self.slope.shape[1:]), np.float32)
        factor = self.base.factor()
        for a in range(out.shape[1]):
            sums = _Sums.of(said, a, self.voice[:, a])
            for u, speaker in enumerate(self.own):
                quality, _ = sums.qualities(self.variance[a], int(speaker))
                out[u, a] = factor[u, a] * (quality @ self.loadings[u, a])
        return out

    def adapt(
        self, features: Features, answers: Answers | None, ratings: Ratings | None = None
    ) -> "CollaborativeHeads":
        """The same for one new labeler: everyone known is another,
        and their loadings come from their own answers.

        Args:
            features: (images, d) of the study's images, in order.
            answers, ratings: of the new labeler; None or empty: the prior's head and loadings.
        """
        base = self.base.adapt(features, answers, ratings)
        one = None if answers is None else replace(answers, labeler=np.zeros_like(answers.labeler))
        rated = (
            None if ratings is None else replace(ratings, labeler=np.zeros_like(ratings.labeler))
        )
        mine = _beyond(base, features, one, rated)
        said = Residuals(self.slope.astype(np.float64), self.curvature.astype(np.float64))
        loadings = np.zeros((1, *self.variance.shape))
        for a in range(len(self.variance)):
            quality, _ = _Sums.of(said, a, self.voice[:, a]).qualities(self.variance[a], -1)
            loadings[0, a] = _loading(
                mine.slope[0, a], mine.curvature[0, a], quality, self.settings
            )
        return replace(self, base=base, loadings=loadings, own=np.array([-1]))

    def arrays(self) -> Arrays:
        """For a file; `from_arrays` reads them."""
        names = ("loadings", "variance", "slope", "curvature", "voice", "own")
        numbers = np.array([self.settings.spread])
        return {
            **self.base.arrays(),
            **{f"faces.{n}": getattr(self, n) for n in names},
            "faces.settings": numbers,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "CollaborativeHeads":
        """The inverse of `arrays`."""
        loadings, variance, voice = (
            np.asarray(arrays[f"faces.{n}"], np.float64) for n in ("loadings", "variance", "voice")
        )
        slope, curvature = (
            np.asarray(arrays[f"faces.{n}"], np.float32) for n in ("slope", "curvature")
        )
        spread = float(np.asarray(arrays["faces.settings"], np.float64)[-1])
        settings = CollaborativeSettings(variance.shape[1], spread)
        own = np.asarray(arrays["faces.own"], np.int64)
        if "noise" not in arrays:  # before version 0.3 utilities were logits
            unit = steepness(NOISE)
            slope, curvature = slope * np.float32(unit), curvature * np.float32(unit**2)
            variance = variance / unit**2
        base = BayesHeads.from_arrays(arrays)
        return cls(base, loadings, variance, slope, curvature, voice, own, settings)


def fit(
    features: Features,
    base: BayesHeads,
    answers: Answers | None,
    faces: Answers | None,
    *,
    ratings: Ratings | None = None,
    face_ratings: Ratings | None = None,
    settings: CollaborativeSettings | None = None,
) -> Iterator[Event[CollaborativeHeads]]:
    """Learn faces' qualities and labelers' loadings.

    Args:
        features: (images, d) of all images.
        base: hierarchical Bayes, fitted to the training answers.
        answers, ratings: of the training split; loadings and variances are learned from these
            alone.
        faces, face_ratings: of *all* splits, the training ones included. A labeler's own are never
            used for them, so this is no leak; but the results hold for faces that other labelers
            have judged.
        settings: see `CollaborativeSettings`.
    """
    settings = settings or CollaborativeSettings()
    learned = _beyond(base, features, answers, ratings)
    loadings, variances = [], []
    for a in range(base.attributes):
        yield Progress(a, base.attributes, "Learning what faces have beyond their features")
        loading, variance = _factorise(learned, a, settings)
        loadings.append(loading)
        variances.append(variance)
    said = _beyond(base, features, faces, face_ratings)
    loading, own = np.stack(loadings, axis=1), np.arange(len(base.mean))
    slope, curvature = said.slope.astype(np.float32), said.curvature.astype(np.float32)
    yield Done(
        CollaborativeHeads(
            base, loading, np.stack(variances), slope, curvature, loading, own, settings
        )
    )


def _beyond(
    base: BayesHeads, features: Features, answers: Answers | None, ratings: Ratings | None
) -> Residuals:
    """What the answers and ratings of the base's labelers say beyond their heads."""
    x = base.space.project(features)
    return residuals(base.mean, x, base.noise, answers, ratings, base.overlap)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """One attribute's residuals and their sums over all
    speakers, from which one speaker can be taken out."""

    said: Residuals  # (speakers, images) each
    voice: Floats  # (speakers, factors)
    precision: Floats  # (images, factors, factors)
    pull: Floats  # (images, factors)

    @classmethod
    def of(cls, said: Residuals, attribute: int, voice: Floats) -> "_Sums":
        slope, curvature = said.slope[:, attribute], said.curvature[:, attribute]
        precision = np.einsum("vi,vr,vs->irs", curvature, voice, voice, optimize=True)
        return cls(Residuals(slope, curvature), voice, precision, slope.T @ voice)

    def qualities(self, variance: Floats, without: int) -> tuple[Floats, Floats]:
        """Faces' qualities (images, factors) and their covariances,
        without one speaker's answers (-1: with all)."""
        precision, pull = self.precision + np.diag(1 / variance), self.pull
        if without >= 0:
            voice = self.voice[without]
            precision = precision - self.said.curvature[without][:, None, None] * np.outer(
                voice, voice
            )
            pull = pull - self.said.slope[without][:, None] * voice
        covariance = np.linalg.inv(precision)
        return np.asarray(np.einsum("irs,is->ir", covariance, pull), np.float64), np.asarray(
            covariance, np.float64
        )


def _factorise(
    learned: Residuals, attribute: int, settings: CollaborativeSettings
) -> tuple[Floats, Floats]:
    """Loadings (labelers, factors) and variances of qualities (factors,).

    Each labeler is left out of their own.
    """
    labelers = learned.slope.shape[0]
    rng = np.random.default_rng([settings.seed, attribute])
    voice = rng.normal(0, 1, (labelers, settings.factors))
    voice[:, 0] = 1.0
    variance = np.full(settings.factors, 0.3)
    for _ in range(settings.steps):
        sums = _Sums.of(learned, attribute, voice)
        quality, covariance = sums.qualities(variance, -1)
        judged = learned.curvature[:, attribute].sum(0) > 0
        second = quality**2 + np.einsum("irr->ir", covariance)
        variance = np.maximum(second[judged].mean(0), 1e-4) if judged.any() else variance
        fresh = np.empty_like(voice)
        for v in range(labelers):
            quality, _ = sums.qualities(variance, v)
            slope, curvature = learned.slope[v, attribute], learned.curvature[v, attribute]
            fresh[v] = _loading(slope, curvature, quality, settings)
        voice = fresh
    return voice, variance


def _loading(
    slope: Floats, curvature: Floats, quality: Floats, settings: CollaborativeSettings
) -> Floats:
    """(factors,) how much a labeler listens to faces'
    qualities: one Newton step from the prior's mean."""
    factors = quality.shape[1]
    centre, precision = np.zeros(factors), np.ones(factors)
    centre[0], precision[0] = 1.0, 1 / settings.spread
    weighed = curvature[:, None] * quality
    pull = slope @ quality + precision * centre
    return np.asarray(np.linalg.solve(quality.T @ weighed + np.diag(precision), pull), np.float64)
