"""Agreement of 1,000 labelers who rated 500 of 5,000 faces each: at most 10 s and 1 GB.

`python -m tests.bench agreeing`
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

from prism_desktop.engine.analysis.agreement import rating_agreement

LABELERS, IMAGES, RATINGS, POINTS = 1000, 5000, 500, 7
SECONDS, MEGABYTES = 10, 1000


def ratings(seed: int = 0) -> pd.DataFrame:
    """Ratings of one attribute by labelers who agree in part, as `Study.ratings` gives them."""
    rng = np.random.default_rng(seed)
    liked = rng.normal(size=IMAGES)
    tables = []
    for labeler in range(LABELERS):
        images = rng.choice(IMAGES, RATINGS, replace=False)
        felt = liked[images] + rng.normal(size=RATINGS)
        tables.append(
            pd.DataFrame(
                {
                    "labeler": f"L{labeler + 1}",
                    "image": [f"{image:05d}" for image in images],
                    "attribute": "attractive",
                    "value": np.clip(np.round(felt * POINTS / 6 + POINTS / 2), 1, POINTS),
                    "source": "imported",
                    "repeat_of": None,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def main() -> int:
    """Measure it once; 1 if it takes more time or memory than it may."""
    frame = ratings()
    begun = time.process_time()
    found = rating_agreement(frame)
    seconds = time.process_time() - begun
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"agreement of {len(found.labelers):,} labelers, {len(frame):,} ratings: {seconds:.1f} s "
        f"of a processor, at most {megabytes:.0f} MB"
    )
    return int(seconds > SECONDS or megabytes > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
