"""One more answer of a labeler whom hierarchical Bayes serves: the posterior after it.

Asked: 20 ms, 512-d features.

Six labelers of random tastes, 600 faces, three attributes, 400 comparisons per labeler and
attribute; the last ones of labeler 0 come one at a time.
"""

import sys
import time

import numpy as np

from prism_desktop.engine.events import Done
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import bayes

LABELERS, FACES, ATTRIBUTES, EACH, DIMENSIONS = 6, 600, 3, 400, 512
STEPS, LIMIT = 50, 0.020  # answers that come one at a time, s


def main() -> int:
    """Print the time of an update; 1 if its 95th percentile is over the limit."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(FACES, DIMENSIONS)).astype(np.float32)
    answers = _answers(rng, features)
    for event in bayes.fit(features, answers, LABELERS, ATTRIBUTES):
        if isinstance(event, Done):
            heads = event.value
    own = np.flatnonzero(answers.labeler == 0)
    now = heads.adapt(features, select(answers, own[:-STEPS]))
    seconds = []
    for count in range(len(own) - STEPS, len(own)):
        told = select(answers, own[: count + 1])
        begun = time.process_time()
        now = now.update(0, features, told)
        seconds.append(time.process_time() - begun)
    median, high = np.quantile(seconds, [0.5, 0.95])
    print(
        f"update after one more answer, {len(own)} answers, {ATTRIBUTES} attributes, {DIMENSIONS} "
        f"dimensions, {heads.space.dims} axes kept: p50 {1e3 * median:.1f} ms, p95 "
        f"{1e3 * high:.1f} ms (asked {1e3 * LIMIT:.0f} ms)"
    )
    return int(high > LIMIT)


def _answers(rng: np.random.Generator, features: np.ndarray) -> Answers:
    """Choices by random linear tastes."""
    labeler, attribute = (
        index.ravel()
        for index in np.meshgrid(
            np.arange(LABELERS), np.repeat(np.arange(ATTRIBUTES), EACH), indexing="ij"
        )
    )
    left, right = rng.integers(0, FACES, (2, len(labeler)))
    right = np.where(right == left, (right + 1) % FACES, right)
    taste = rng.normal(size=(LABELERS, ATTRIBUTES, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    margin = np.einsum("nd,nd->n", features[left] - features[right], taste[labeler, attribute])
    outcome = (margin + rng.logistic(size=len(margin)) > 0).astype(np.float32)
    return Answers(
        labeler,
        attribute,
        left,
        right,
        outcome,
        np.ones(len(margin), np.float32),
        np.zeros(len(margin), np.int64),
    )


if __name__ == "__main__":
    sys.exit(main())
