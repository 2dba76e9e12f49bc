"""How much a soak run does, the seed that it takes, and the tally that it ends with.

Everything grows with PRISM_SOAK, 1 unless it is set: `make soak` then takes less than 60 minutes on
two cores. Each run takes the next seed of `seeds.txt` and appends a line of what it tried, so that
no two runs try the same; PRISM_SOAK_SEED takes the seed of an earlier one.
"""

import os
import random
from collections import Counter
from pathlib import Path

SEEDS = Path(__file__).with_name("seeds.txt")
SCALE = float(os.environ.get("PRISM_SOAK", "1"))

KILLS = max(1, round(24 * SCALE))  # of each command; a few come when it is over
LABELING_KILLS = max(1, round(100 * SCALE))
WINDOW_KILLS = max(1, round(40 * SCALE))
STATES = max(1, round(100 * SCALE))  # crash states of each recorded process

tally: Counter[str] = Counter()
failures = 0  # tests that failed, once all are over
_GIVEN = os.environ.get("PRISM_SOAK_SEED")
SEED = int(_GIVEN) if _GIVEN else 1 + len(SEEDS.read_text("utf-8").splitlines())


def dice(*of: object) -> random.Random:
    """Chance that depends on the run's seed and on what it is for."""
    return random.Random(repr((SEED, of)))


def count(what: str, number: int = 1) -> None:
    """Note that something was tried."""
    tally[what] += number


def tried() -> str:
    """The tally in words."""
    return ", ".join(f"{number} {what}" for what, number in sorted(tally.items()))


def note(day: str) -> None:
    """Keep the seed of a run that is over, with what it tried."""
    if not _GIVEN:
        with SEEDS.open("a", encoding="utf-8") as file:
            file.write(f"{day} seed {SEED}: {tried()}, {failures} failures\n")
