"""Are careless labelers found, and honest ones left alone?

`python -m tests.bench.careless [--studies 20] [--scale 1]`: simulated studies, each with fourteen
honest labelers of all kinds of taste and one of each careless kind; prints how many were flagged,
and for what.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator

from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.labeler_flags import flags_of
from prism_desktop.engine.evaluation.quality.labeler_measures import own_measures
from prism_desktop.engine.evaluation.quality.own_consistency import answer_pairs
from prism_desktop.engine.evaluation.quality.turned_parts import turned_parts
from prism_desktop.engine.labeling.exclusion_rules import USUAL
from tests.fixtures.planted_care import CARELESS, honest, planted


def flagged(seed: int, scale: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each labeler of a simulated study with the reasons of their flags."""
    table = answer_table(*planted(seed, scale))
    for code, rows in table.groupby("labeler", sort=False):
        mine = rows.reset_index(drop=True)
        pairs = answer_pairs(mine)
        found = flags_of(own_measures(mine, pairs, USUAL), turned_parts(mine, pairs), USUAL)
        yield str(code), tuple(flag.reason for flag in found)


def main() -> None:
    """Print a row for each labeler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    times: Counter[str] = Counter()
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for seed in range(given.studies):
        for code, found in flagged(seed, given.scale):
            times[code] += bool(found)
            reasons[code].update(found)
    for code in (*honest(), *CARELESS):
        why = ", ".join(f"{reason} {count}" for reason, count in reasons[code].most_common())
        print(f"{code:<16} {times[code]:>3} of {given.studies}   {why}")


if __name__ == "__main__":
    main()
