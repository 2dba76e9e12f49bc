"""Predictions of images x labelers, by where the labelers' tokens enter the image tower: passes a
second, and what 70,000 images x 50 labelers would take; closed forms on frozen features beside it.

`python -m tests.bench.predicting`. ViT-B/32 has random weights, which take as long; its weights are
held as a training on this machine holds them. Torch computes in one thread and processor time is
counted, so that waiting for others on a busy machine is no work; hours are those of two cores that
do nothing else.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from prism_desktop.engine.backbones import MINI, Backbone, load, parse
from prism_desktop.engine.device import choose_device, precision
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.training.resources import Pixels
from prism_desktop.engine.training.scoring import Scorer, score_all
from tests.bench.trainer import backbone_of

IMAGES, LABELERS, CORES = 70_000, 50, 2  # of the case that is asked about
ALONE = 128  # images of what passes for one labeler, or for nobody
TEXTS = [("attractive",), ("smart",), ("trustworthy",)]


def main() -> int:
    """Print a line for each backbone and trunk, and one for a closed form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", nargs="+", default=["ViT-B-32-quickgelu", MINI])
    parser.add_argument("--images", type=int, default=40, help="that are predicted")
    parser.add_argument("--labelers", type=int, default=LABELERS)
    parser.add_argument("--rounds", type=int, default=3, help="of all trunks, in turn")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"load average {os.getloadavg()[0]:.0f}")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.backbones:
            backbone = load(parse(backbone_of(name, Path(folder))), choose_device("cpu"))
            _measure(name, backbone, given.images, given.labelers, given.rounds)
    _closed_form()
    return 0


def _measure(name: str, backbone: Backbone, images: int, labelers: int, rounds: int) -> None:
    how = precision(backbone.device, "auto", backbone.width)
    size = backbone.image_size
    rng = np.random.default_rng(0)
    shape = max(images, ALONE), size, size, 3
    pixels = Pixels(rng.integers(0, 256, shape, dtype=np.uint8), np.arange(shape[0]))
    codes = [f"L{number}" for number in range(labelers)]
    blocks = backbone.blocks
    trunks = sorted({0, blocks // 2, blocks * 3 // 4})
    scorers = {
        trunk: Scorer(PersonalClip(backbone, labelers, precision=how, trunk=trunk), TEXTS, pixels)
        for trunk in trunks
    }
    for scorer in scorers.values():  # what is made once
        _all(scorer, codes, 2)
    few = pixels.take(np.arange(ALONE))
    backbone.encode(few[:64])
    spent: dict[object, list[float]] = {}
    for number in range(rounds):
        for trunk, scorer in scorers.items():
            spent.setdefault(trunk, []).append(_seconds(partial(_all, scorer, codes, images)))
        alone = _seconds(partial(_one_by_one, scorers[0], number))
        spent.setdefault("one labeler after the other", []).append(alone)
        spent.setdefault("frozen", []).append(_seconds(partial(backbone.encode, few)))
    for what, seconds in spent.items():
        rows = images * labelers if isinstance(what, int) else ALONE
        _tell(f"{name} {how.name}", what, blocks, rows, seconds)


def _tell(name: str, what: object, blocks: int, rows: int, seconds: Sequence[float]) -> None:
    """One line: passes a second of a processor, and the hours of the whole case."""
    each = [rows / one for one in seconds]
    passes = IMAGES if what == "frozen" else IMAGES * LABELERS
    place = f"trunk {what} of {blocks}" if isinstance(what, int) else what
    hours = passes / float(np.median(each)) / CORES / 3600
    told = ", ".join(f"{one:.1f}" for one in sorted(each))
    print(
        f"{name:<28} {place:<28} {told} passes/s of a processor; {passes:,} passes: "
        f"{hours:.2f} h on {CORES} cores",
        flush=True,
    )


def _all(scorer: Scorer, codes: Sequence[str], images: int) -> None:
    for _ in score_all(scorer, codes, np.arange(images)):
        pass


def _one_by_one(scorer: Scorer, labeler: int) -> None:
    """One labeler's part of a prediction that goes labeler by labeler."""
    for block in scorer.blocks(np.arange(ALONE), np.full(ALONE, labeler)):
        scorer.score(block, labeler)


def _closed_form() -> None:
    """The product of a closed form, once the frozen features are there."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(IMAGES, 512)).astype(np.float32)
    space = fit_space(features[:2000])
    weights = rng.normal(size=(LABELERS, len(TEXTS), space.dims))
    heads = LinearHeads(space, weights, np.ones(weights.shape[:2]), 1.0, shared=False)
    seconds = [_seconds(partial(heads.scores, features)) for _ in range(3)]
    print(
        f"closed form on 512 features: {IMAGES:,} images x {LABELERS} labelers x {len(TEXTS)} "
        f"attributes in {np.median(seconds):.2f} s of a processor"
    )


def _seconds(work: Callable[[], object]) -> float:
    """Of a processor."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    sys.exit(main())
