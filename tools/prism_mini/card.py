"""The model card of prism-mini, written from what was measured."""

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tools.prism_mini.measure import CLEAR, HELD_OUT, HELD_OUT_SEED, measure, tables

_CARD = """# prism-mini

A small CLIP that PRISM Desktop pretrained by itself on drawn faces, so that the demo and the tests
need no download. It knows the faces of `prism_desktop.engine.demo.faces` and nothing else.

**Limits.** Simulated faces only: on photographs its features mean little. Words outside its
captions have zero rows in the token table, so they are neutral, not understood. The trait words
(attractive, smart, trustworthy and synonyms) follow `data/consensus.yaml`, an invention of this
project; they say nothing about people.

## Shape

open_clip's `CLIP`: images {size} px in patches of 16, width 192, 4 blocks, heads of 64; texts width
128, 4 blocks, context 77, open_clip's own tokens; shared space 128. {parameters:,} parameters,
float16 on disk. `config.json` is laid out as open_clip's `open_clip_config.json`.

## Recipe

`python -m tools.prism_mini.pretrain --out resources/prism-mini` makes it anew; the module and its
neighbours are the whole recipe. The loss asks of every picture and every text of a batch
how true the text is (graded sigmoid loss), and that the image features reveal each factor linearly
(a linear head, dropped afterwards). Each round runs the learning rate up and down once; the second
starts from what the first saved (`--start FOLDER` skips the first). Settings: {settings}.

{drawing}, training {training:.0f} min on {threads} threads of {machine} with torch {torch}.

## Held-out faces

{held} faces drawn with seed {seed} that training never saw, through JPEG and resizing as in a
study. Words are scored as everywhere in the program: cosine with the mean of the five default
templates. Accuracy: how often the face that has more of the factor (or of the consensus utility)
scores higher, over random pairs of faces.

- *Pairs that clearly differ*: by at least {clear:g} standard deviation of the factor over all
  faces; for glasses and beard, one face with and one without, or two whose frames or beards differ
  by as much.
- *All pairs*: any two faces not drawn with the same value, however close.

R²: ridge regression from the image features to each factor, fitted on 2,000 other faces, tested on
the held-out ones.

{tables}

`python -m tools.prism_mini.measure resources/prism-mini` prints these tables again.
"""


def write_card(
    out: Path, recipe: Any, drawing: float, training: float, cache: Path | None = None
) -> None:
    """Measure the weights in `out` and write `MODEL_CARD.md` beside them; times are in minutes."""
    from safetensors import safe_open

    with safe_open(out / "weights.safetensors", "pt") as weights:
        names = weights.keys()  # which is no mapping
        parameters = sum(weights.get_tensor(name).numel() for name in names)
    settings = ", ".join(f"{name} {value}" for name, value in asdict(recipe).items())
    card = _CARD.format(
        size=112,
        parameters=parameters,
        settings=settings,
        drawing=f"Drawing took {drawing:.0f} min"
        if drawing >= 0.5
        else "The faces were drawn before",
        training=training,
        threads=torch.get_num_threads(),
        machine=platform.processor() or platform.machine(),
        torch=torch.__version__,
        held=HELD_OUT,
        seed=HELD_OUT_SEED,
        clear=CLEAR,
        tables=tables(measure(out, cache)),
    )
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
