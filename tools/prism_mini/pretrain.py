"""prism-mini: a small CLIP that the project pretrains by
itself on drawn faces, so that nothing need be downloaded.

`python -m tools.prism_mini.pretrain --out resources/prism-mini` makes it anew: draws faces, trains,
measures and writes config, weights and model card. The loss asks of every picture and every text of
a batch how true the text is of the picture (a sigmoid loss with graded targets, after Zhai et al.,
"Sigmoid Loss for Language Image Pre-Training", ICCV 2023), and of the image features that they
reveal every factor linearly.
"""

import argparse
import json
import logging
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip import SimpleTokenizer
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.demo.faces import factors
from prism_desktop.engine.events import Done, Event, Notice, Progress
from tools.prism_mini.captions import Captioner, strengths
from tools.prism_mini.card import write_card
from tools.prism_mini.small_text_tower import CompactTexts
from tools.prism_mini.training_faces import SIZE, DrawnFaces, augmented, drawn

log = logging.getLogger(__name__)
_TELL_EVERY = 25  # steps

CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 128,
        "vision_cfg": {
            "image_size": SIZE, "patch_size": 16, "width": 192, "layers": 4, "head_width": 64,
            "mlp_ratio": 4.0,
        },
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 4,
        "layers": 4},
    },
    "preprocess_cfg": {
        "size": SIZE, "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic", "resize_mode": "shortest",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """How prism-mini is pretrained."""

    seed: int = 20001  # of the training faces and of everything else
    faces: int = 24_000  # drawn once, seen several times with shifts and mirroring
    # of each round; a round starts from the weights that the last one saved
    steps: tuple[int, ...] = (1_200, 1_600)
    batch: int = 96  # faces
    texts: int = 64  # one-phrase texts in a batch
    long_texts: int = 24  # texts of two or three phrases in a batch
    rate: float = 1.5e-3  # peak learning rate, after the warm-up, before the cosine
    warmup: int = 150  # steps
    decay: float = 0.05
    scale: float = 10.0  # logits per unit of cosine at the start; learned, at most twice this
    reveal: float = 1.0  # weight of the factor regression
    save_every: int = 200  # steps between usable copies of the weights


class Pretraining(nn.Module):
    """The CLIP to be kept, and what only pretraining
    needs: compact token table, bias, factor head."""

    def __init__(self, recipe: Recipe, start: Path | None = None) -> None:
        super().__init__()
        self.clip = CLIP(**CONFIG["model_cfg"])
        self.clip.logit_scale.data.fill_(math.log(recipe.scale))
        if start is not None:
            saved = load_file(start / "weights.safetensors")
            self.clip.load_state_dict({name: value.float() for name, value in saved.items()})
        self._most = math.log(2 * recipe.scale)
        self.texts = CompactTexts(self.clip, SimpleTokenizer())
        self.bias = nn.Parameter(torch.tensor(0.0))
        self.head = nn.Linear(CONFIG["model_cfg"]["embed_dim"], len(factors()))
        self.gain = nn.Parameter(torch.tensor(4.0))

    def forward(self, pixels: Tensor, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Logits that texts are true of pictures, (pictures, texts).

        The factors read off, (pictures, factors).
        """
        with torch.autocast("cpu", torch.bfloat16):
            seen, read = self.clip.encode_image(pixels), self.texts(texts)
        images = functional.normalize(seen.float(), dim=-1)
        words = functional.normalize(read.float(), dim=-1)
        logits = self.clip.logit_scale.clamp(max=self._most).exp() * images @ words.T + self.bias
        return logits, self.head(self.gain * images)


class _Batches:
    """Endless batches of faces with texts, every face once before any comes again."""

    def __init__(self, recipe: Recipe, faces: DrawnFaces, seed: int) -> None:
        self._recipe, self._faces = recipe, faces
        self._rng = np.random.default_rng(seed)
        self._captioner = Captioner(self._rng)
        self._shown = strengths(faces.standard, faces.factors)
        self._order = np.empty(0, dtype=np.int64)

    def draw(self) -> tuple[Tensor, list[str], Tensor, Tensor]:
        """Pixels (batch, 3, side, side), texts, how true each is
        (batch, texts), and the factors (batch, factors)."""
        recipe = self._recipe
        if len(self._order) < recipe.batch:
            self._order = np.concatenate([self._order, self._rng.permutation(len(self._faces))])
        rows, self._order = self._order[: recipe.batch], self._order[recipe.batch :]
        singles, single_truths = self._captioner.singles(recipe.texts, self._shown[rows])
        several, several_truths = self._captioner.several(recipe.long_texts, self._shown[rows])
        truths = torch.from_numpy(np.concatenate([single_truths, several_truths], axis=1))
        pixels = normalized(augmented(self._faces.pixels[rows], self._rng)) * float(
            self._rng.uniform(0.9, 1.1)
        )
        return pixels, [*singles, *several], truths, torch.from_numpy(self._faces.standard[rows])


def pretrain(
    recipe: Recipe, faces: DrawnFaces, out: Path, start: Path | None = None, number: int = 0
) -> Iterator[Event[Pretraining]]:
    """One round of training; a usable copy of the weights is written to `out` now and then.

    Args:
        recipe: settings.
        faces: to learn from.
        out: folder for config and weights.
        start: folder whose weights to start from, None for random ones.
        number: which round, from 0; each has its own steps, order and captions.
    """
    torch.manual_seed(recipe.seed + number)
    model, batches = Pretraining(recipe, start), _Batches(recipe, faces, recipe.seed + number)
    steps = recipe.steps[number]
    optimizer = torch.optim.AdamW(_groups(model, recipe.decay), lr=recipe.rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _rate(step, steps, recipe.warmup)
    )
    started, losses = time.monotonic(), []
    for step in range(steps):
        pixels, texts, truths, standard = batches.draw()
        logits, revealed = model(pixels, texts)
        truth = functional.binary_cross_entropy_with_logits(logits, truths)
        reveal = functional.mse_loss(revealed, standard)
        optimizer.zero_grad()
        (truth + recipe.reveal * reveal).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append((truth.item(), reveal.item()))
        if (step + 1) % _TELL_EVERY == 0:
            truth_mean, reveal_mean = np.mean(losses[-_TELL_EVERY:], axis=0)
            seen = (step + 1) * recipe.batch / (time.monotonic() - started)
            yield Notice(
                f"step {step + 1}: truth {truth_mean:.4f}, factors {reveal_mean:.3f}, {seen:.0f} "
                "faces/s"
            )
        if (step + 1) % recipe.save_every == 0:
            save(model, out)
        yield Progress(step + 1, steps, "Pretraining prism-mini")
    save(model, out)
    yield Done(model)


def normalized(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """(pictures, side, side, 3) uint8 to (pictures, 3,
    side, side) float32 as the model takes it."""
    mean, std = CONFIG["preprocess_cfg"]["mean"][0], CONFIG["preprocess_cfg"]["std"][0]
    scaled: Tensor = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - mean) / std
    return scaled


def save(model: Pretraining, out: Path) -> None:
    """Write config and half-precision weights; token rows of words never seen are zero."""
    out.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().clone() for name, value in model.clip.state_dict().items()}
    state["token_embedding.weight"] = model.texts.full_table()
    state["logit_scale"] = state["logit_scale"].clamp(max=model._most)
    half = {name: value.half().contiguous() for name, value in state.items() if name != "attn_mask"}
    part = out / "weights.part"
    save_file(half, part, metadata={"format": "pt"})
    part.chmod(0o644)
    part.replace(out / "weights.safetensors")
    (out / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")


def _groups(model: Pretraining, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases, norms, embeddings and scales do not."""
    trained = [
        (name, value)
        for name, value in model.named_parameters()
        if name != "clip.token_embedding.weight"
    ]
    spared = [value for name, value in trained if value.ndim < 2 or "embedding" in name]
    decayed = [value for name, value in trained if not (value.ndim < 2 or "embedding" in name)]
    return [{"params": decayed, "weight_decay": decay}, {"params": spared, "weight_decay": 0.0}]


def _rate(step: int, steps: int, warmup: int) -> float:
    """The share of the peak learning rate: linear warm-up, then a cosine down to a hundredth."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def main(arguments: Sequence[str] | None = None) -> None:
    default = Recipe()
    parser = argparse.ArgumentParser(description="Pretrain prism-mini on drawn faces.")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for config, weights and model card"
    )
    parser.add_argument("--steps", type=int, nargs="+", default=default.steps, help="of each round")
    parser.add_argument(
        "--start", type=Path, help="weights of the first round, which is skipped then"
    )
    parser.add_argument("--faces", type=int, default=default.faces)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()), help="folder for the drawn faces"
    )
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(chosen.threads)
    recipe = Recipe(seed=chosen.seed, faces=chosen.faces, steps=tuple(chosen.steps))
    started = time.monotonic()
    file = chosen.cache / f"prism-mini-faces-{recipe.seed}-{recipe.faces}.u8"
    faces = _run(drawn(recipe.faces, recipe.seed, file, chosen.threads))
    drawing = time.monotonic() - started
    start: Path | None = chosen.start
    for number in range(1 if start else 0, len(recipe.steps)):
        _run(pretrain(recipe, faces, chosen.out, start, number))
        start = chosen.out
    write_card(
        chosen.out, recipe, drawing / 60, (time.monotonic() - started - drawing) / 60, chosen.cache
    )


def _run(events: Iterator[Event[Any]]) -> Any:
    """Run the work, log what it says, and return its result."""
    result = None
    for event in events:
        if isinstance(event, Notice):
            log.info(event.text)
        elif isinstance(event, Done):
            result = event.value
        elif event.done % 2000 == 0:
            log.info("%s: %d of %d", event.what, event.done, event.total)
    return result


if __name__ == "__main__":
    main()
