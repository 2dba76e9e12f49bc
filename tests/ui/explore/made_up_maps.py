"""Maps of many faces, made up."""

from collections.abc import Sequence

import numpy as np

from prism_desktop.engine.analysis.faithfulness import MEASURES, FaithfulnessTest, Margin
from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
from prism_desktop.engine.analysis.region_mass import RegionDifference, RegionMass
from prism_desktop.engine.analysis.relevance_map import MapKind, TokenSeats
from prism_desktop.ui.explore.operations import MapsRequest


def many(asked: MapsRequest, *, supported: bool = True, faces: Sequence[str] = ()) -> MeanRelevance:
    """Maps of somebody who looks at the mouth, of `faces` first; of them every other one fails."""
    gain = 0.4 if supported else -0.4
    margins = tuple(
        Margin(measure, rival, gain, gain - 0.1, gain + 0.1)
        for measure in MEASURES
        for rival in ("random", "centre")
    )
    test = FaithfulnessTest(100, 83 if supported else 12, margins)
    grid = np.zeros((7, 7), np.float32)
    grid[4, 2:5] = 1 / 3
    return MeanRelevance(
        kind=MapKind.read(asked.kind),
        labeler=asked.labeler,
        attribute=asked.attribute,
        faces=(*faces, *map(str, range(len(faces), 100))),
        held_out=90,
        grid=grid,
        picture=np.full((32, 32, 3), 120, np.uint8),
        grids=np.tile(grid, (100, 1, 1)),
        passed=np.where(np.arange(100) < 34, np.arange(100) % 2 == 0, True),
        above=np.arange(100) % 2 == 0,
        attention=((0.02, 0.01, 0.03), (0.05, 0.04, 0.06)),
        seated=TokenSeats(1, 49, 1),
        test=test,
        regions=(
            RegionMass("mouth", 0.42, 0.35, 0.49, 0.2, 0.25, 0.005),
            RegionMass("hair", 0.12, 0.1, 0.15, 0.2, 0.15, 0.9),
        ),
        source="drawn",
        accuracy=(0.82, 0.74, 0.9),
        against=asked.against,
        more=grid - 0.02 if asked.against else None,
        differences=(RegionDifference("mouth", 0.2, 0.1, 0.3, 0.001),) if asked.against else (),
        other_test=test if asked.against else None,
    )
