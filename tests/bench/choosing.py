"""The choice of what a new labeler should judge first, of many faces.

Asked: at most 30 ms for each trial at 5,000 faces.
"""

import sys
import time

import numpy as np

from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.telling import (
    choices_between,
    most_telling,
    ratings_of_faces,
)
from tests.bench.mebeauty import last

COUNT, LIMIT = 400, 0.030  # trials, s each
SIZES = ((10_000, 64), (5_000, 128))  # faces, features


def main() -> int:
    """Print processor time by size; 1 if a trial takes longer than the limit."""
    slow = False
    for faces, dims in SIZES:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(faces, dims)).astype(np.float32)
        labeler, image = np.repeat(np.arange(5), 40), rng.integers(0, faces, 200)
        told = Ratings(labeler, 0 * labeler, image, rng.normal(size=200))
        settings = BayesSettings(dims=dims, em=EmSettings(passes=2))
        heads = last(bayes.fit(x, None, 5, 1, ratings=told, settings=settings)).adapt(x, None)
        shuffled = rng.permutation(faces)
        asked = {
            "faces": ratings_of_faces(np.arange(faces)),
            "pairs": choices_between(np.arange(faces), shuffled),
        }
        for name, questions in asked.items():
            begun = time.process_time()
            most_telling(heads, x, questions, COUNT)
            used = time.process_time() - begun
            slow |= used / COUNT > LIMIT
            print(
                f"{COUNT} of {faces:,} {name}, {dims} axes: {used:.2f} s, "
                f"{1000 * used / COUNT:.1f} ms a trial"
            )
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
