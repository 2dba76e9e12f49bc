"""How long it takes to choose a pair to compare, by strategy. Asked: 30 ms at 5,000 faces.

Three attributes, taste models of 64 axes, 500 pairs shown before; a plan of 40 pairs each, in
processor time. It is made in another process while somebody labels, so nobody waits for it; only
`sorted` and `balanced` are chosen in the session itself, after the answer is stored.
"""

import sys
import time

import numpy as np

from prism_desktop.engine.labeling.pairing import (
    STRATEGIES,
    ComparedPair,
    PairChooser,
    PairField,
    from_weights,
)

FACES, ATTRIBUTES, AXES, SHOWN, PLANNED, LIMIT = 5000, 3, 64, 500, 40, 0.030


def main() -> int:
    """Print the time of a choice; 1 if any takes longer than the limit."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(FACES, AXES)) / np.sqrt(AXES)
    beliefs, against = (
        [from_weights(features, rng.normal(size=AXES), np.eye(AXES)) for _ in range(ATTRIBUTES)]
        for _ in range(2)
    )
    field = PairField.of((np.arange(FACES) % 7).tolist())
    slow = 0
    for strategy in STRATEGIES:
        chooser = PairChooser(field, strategy, "bench", beliefs=beliefs, against=against)
        for _ in range(SHOWN):
            one = int(rng.integers(FACES - 7))
            chooser.note(ComparedPair(one, one + 7, (1, 0, -1)))
        begun = time.process_time()
        count = len(chooser.plan(PLANNED))
        each = (time.process_time() - begun) / count
        slow += each > LIMIT
        print(f"{strategy:<12} {1e3 * each:6.2f} ms a pair (asked {1e3 * LIMIT:.0f} ms)")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
