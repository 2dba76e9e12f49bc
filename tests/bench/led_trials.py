"""The next trials under a protocol with three blocks, checks and similar faces kept apart.

Asked: at most 30 ms of a processor for each trial at 5,000 faces, the seven ahead included.
"""

import sys
import time
from pathlib import Path

import numpy as np

from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    CheckRules,
    KnownFaces,
    PracticeRules,
    Protocol,
)
from prism_desktop.engine.labeling.protocol_parts import DoneTrial
from prism_desktop.engine.labeling.protocol_plan import PlanSurroundings, ProtocolPlan
from prism_desktop.engine.labeling.similar_faces import NearFaces
from prism_desktop.engine.study.folds import assign_folds
from prism_desktop.engine.study.records import FOLDS, ImageRecord

FACES, WIDTH, AHEAD, LIMIT = 5_000, 128, 7, 30.0  # ms
RULES = Protocol(
    practice=PracticeRules(trials=4, least_right=0.5),
    checks=CheckRules(
        every=15,
        known={
            "smart": KnownFaces(
                high=tuple(f"{n}.png" for n in range(6)),
                low=tuple(f"{n}.png" for n in range(6, 12)),
            )
        },
    ),
    blocks=(
        BlockRules(name="one", kind="comparison", trials=300),
        BlockRules(name="two", kind="rating", trials=300),
        BlockRules(name="three", kind="comparison", trials=300),
    ),
)


def main() -> int:
    """Print p50, p95 and the slowest; 1 if the p95 is above the limit."""
    ids = [f"{number * 7919:064x}" for number in range(FACES)]
    folds = assign_folds(ids, [0] * FOLDS)
    images = tuple(
        ImageRecord(each, f"{number}.png", Path(each), 8, 8, folds[each], False, False)
        for number, each in enumerate(ids)
    )
    features = np.random.default_rng(0).standard_normal((FACES, WIDTH)).astype(np.float32)
    alike = NearFaces(ids, features).of
    around = PlanSurroundings(images, ("attractive", "smart"), "bench", alike=alike)
    plan = ProtocolPlan(RULES, "L1", around)
    times: list[float] = []
    while (planned := plan.next()) is not None:
        part, choice = planned.part, planned.choice
        said = 3 if choice.right is None else "left"
        start = time.process_time()
        plan.push(
            DoneTrial(
                f"{len(times):032x}", part.kind, choice.left, choice.right,
                dict.fromkeys(part.attributes, said), part.attributes, part.name, planned.flags,
                choice.repeat_of,
            )
        )  # fmt: skip
        plan.upcoming(AHEAD)
        times.append(1e3 * (time.process_time() - start))
    p50, p95 = np.percentile(times, [50, 95])
    print(
        f"{len(times)} trials led among {FACES:,} faces: p50 {p50:.1f}, p95 {p95:.1f}, slowest "
        f"{max(times):.1f} ms of a processor (asked: p95 <= {LIMIT:.0f} ms)"
    )
    return int(p95 > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
