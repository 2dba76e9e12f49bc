"""Relevance maps of 100 drawn faces, of one labeler with prism-mini, and their tests: at most 5 s
and 60 s on two cores.

`python -m tests.bench map_speed`
"""

import io
import os
import sys
import time

import numpy as np
from PIL import Image

from prism_desktop.engine.analysis.attribution import Target, attribute_maps, kept_scores
from prism_desktop.engine.analysis.faithfulness import put_to_test
from prism_desktop.engine.analysis.relevance_map import DEFAULT_KIND, KINDS, MapKind
from prism_desktop.engine.analysis.relevance_rules import pixels_of
from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.demo.faces.pictures import pictures
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun

FACES, MAPS, TESTS = 100, 5.0, 60.0  # s, asked


def main() -> int:
    """Print the seconds of each kind of map and of the default's test; 1 if these take longer."""
    model = PersonalClip(load(parse("prism-mini"), choose_device("cpu")), 2)
    model.requires_grad_(False)
    card = describe(model, "lora-visual-prompt", ["L1", "L2"], {"smart": ["{}"]})
    run = LoadedRun(model, card)
    faces = [Image.open(io.BytesIO(each)) for each in pictures(FACES, 0, workers=1)]
    pixels, target = pixels_of(run, faces), Target.score("L1", "smart")
    grids, late = {}, False
    print(f"load average {os.getloadavg()[0]:.0f}")
    for kind in KINDS:
        attribute_maps(run, pixels[:2], target, MapKind(kind))  # what is made once
        begun, spent = time.perf_counter(), time.process_time()
        grids[kind] = attribute_maps(run, pixels, target, MapKind(kind)).grids
        clock, cpu = time.perf_counter() - begun, time.process_time() - spent
        late |= kind == DEFAULT_KIND and cpu / 2 > MAPS
        print(f"{kind:<20} {FACES} faces: {cpu:.1f} s of processors, {clock:.1f} s on the clock")
    begun, spent = time.perf_counter(), time.process_time()

    def kept(seen: np.ndarray) -> np.ndarray:
        return kept_scores(run, pixels, target, seen)

    put_to_test(kept, grids[DEFAULT_KIND])
    clock, cpu = time.perf_counter() - begun, time.process_time() - spent
    print(f"{'tests':<20} {FACES} faces: {cpu:.1f} s of processors, {clock:.1f} s on the clock")
    return int(late or cpu / 2 > TESTS)


if __name__ == "__main__":
    sys.exit(main())
