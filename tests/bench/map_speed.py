"""Relevance maps of 100 drawn faces, of one labeler with prism-mini, and their tests: at most 5 s
and 60 s on two cores; and of one face with ViT-B/32: at most 1.5 s.

`python -m tests.bench map_speed`. Torch computes in one thread, so that waiting for others on a
busy machine is not counted as work; the time on two cores is half of that, where they are idle.
ViT-B/32 has random weights, which take as long; its weights are held in float32, then as a training
on this machine holds them.
"""

import io
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image

from prism_desktop.engine.analysis.attribution import Target, attribute_maps, kept_scores
from prism_desktop.engine.analysis.faithfulness import put_to_test
from prism_desktop.engine.analysis.relevance_map import DEFAULT_KIND, KINDS, MapKind
from prism_desktop.engine.analysis.relevance_rules import pixels_of
from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.demo.faces.pictures import pictures
from prism_desktop.engine.device import choose_device, precision
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun

FACES, MAPS, TESTS, ONE = 100, 5.0, 60.0, 1.5  # s on two cores, asked
LARGE = "ViT-B-32"


def main() -> int:
    """Print the seconds of each kind of map and of the default's test; 1 if these take longer."""
    torch.set_num_threads(1)
    print(f"load average {os.getloadavg()[0]:.0f}")
    late = _measure(_run(load(parse("prism-mini"), choose_device("cpu"))), FACES, MAPS, TESTS)
    large = _random(LARGE)
    _measure(_run(large, "float32"), 1, ONE, None)  # as on a processor without bfloat16
    return int(_measure(_run(large), 1, ONE, None) or late)


def _measure(run: LoadedRun, count: int, maps: float, tests: float | None) -> bool:
    """Whether the default's maps, or their tests, take longer than asked."""
    faces = [Image.open(io.BytesIO(each)) for each in pictures(count, 0, workers=1)]
    pixels, target = pixels_of(run, faces), Target.score("L1", "smart")
    grids, spent = {}, {}
    for kind in KINDS:
        attribute_maps(run, pixels[:1], target, MapKind(kind))  # what is made once
        drawn, spent[kind] = _timed(
            f"{run.backbone.name} {run.model.precision} {kind}",
            count,
            partial(attribute_maps, run, pixels, target, MapKind(kind)),
        )
        grids[kind] = drawn.grids

    def kept(seen: np.ndarray) -> np.ndarray:
        return kept_scores(run, pixels, target, seen)

    def test() -> object:
        return put_to_test(kept, grids[DEFAULT_KIND])

    tested = _timed(f"{run.backbone.name} {run.model.precision} tests", count, test)[1]
    return spent[DEFAULT_KIND] / 2 > maps or (tests is not None and tested / 2 > tests)


def _timed(what: str, count: int, work: Callable[[], Any]) -> tuple[Any, float]:
    """Its result and its seconds of a processor."""
    begun, before = time.perf_counter(), time.process_time()
    found = work()
    clock, cpu = time.perf_counter() - begun, time.process_time() - before
    print(
        f"{what:<44} {count} faces: {cpu:.1f} s of a processor, {cpu / 2:.1f} s on two, "
        f"{clock:.1f} s on the clock",
        flush=True,
    )
    return found, cpu


def _run(backbone: Backbone, held: str = "auto") -> LoadedRun:
    """A model held as a training on this machine holds it, and its maps with it."""
    how = precision(backbone.device, held, backbone.width)
    model = PersonalClip(backbone, 2, precision=how)
    model.requires_grad_(False)
    return LoadedRun(model, describe(model, "lora-visual-prompt", ["L1", "L2"], {"smart": ["{}"]}))


def _random(name: str) -> Backbone:
    """An architecture of open_clip, without its weights."""
    import open_clip

    clip: Any = open_clip.create_model(name).eval().requires_grad_(False)
    visual = clip.visual
    return Backbone(
        name=f"{name} (random)",
        model=clip,
        tokenizer=open_clip.get_tokenizer(name),
        image_size=int(visual.image_size[0]),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        width=int(visual.class_embedding.shape[0]),
        embed_dim=int(visual.proj.shape[1]),
        blocks=len(visual.transformer.resblocks),
        patches=int(visual.positional_embedding.shape[0]) - 1,
        sha256="",
        device=choose_device("cpu"),
    )


if __name__ == "__main__":
    sys.exit(main())
