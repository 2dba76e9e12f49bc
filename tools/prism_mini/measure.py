"""What prism-mini knows: held-out faces that it never saw,
ordered by words, and factors read off its features.

`python -m tools.prism_mini.measure resources/prism-mini` prints the tables of the model card.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip import SimpleTokenizer
from open_clip.model import CLIP
from safetensors.torch import load_file
from torch.nn import functional

from prism_desktop.engine.demo.faces.factors import factors
from prism_desktop.engine.demo.faces.traits import traits
from prism_desktop.engine.events import Done
from tools.prism_mini.captions import TEMPLATES
from tools.prism_mini.training_faces import DrawnFaces, drawn

HELD_OUT_SEED, HELD_OUT = 90_001, 1_000  # faces for testing
_PROBE_SEED, _PROBED = 70_001, 2_000  # faces that the linear read-out is fitted on
CLEAR = 1.0  # standard deviations by which two faces must differ for the fact to differ
_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class Ordering:
    """How often the words order two faces as the drawing does."""

    phrase: str
    about: str  # factor or trait
    clear: float  # accuracy over random pairs in which the fact differs
    clear_pairs: int
    every: float  # accuracy over all random pairs that are not drawn with the same value
    every_pairs: int


@dataclass(frozen=True, slots=True)
class Measured:
    orderings: tuple[Ordering, ...]
    revealed: dict[str, float]  # R^2 per factor of a linear read-out, on held-out faces


def measure(folder: Path, cache: Path | None = None) -> Measured:
    """Measure the weights in `folder` as they lie on disk, through open_clip's own model.

    Every phrase is scored as everywhere in this program: cosine with the mean over the default
    templates.
    """
    model, encode = _loaded(folder)
    cache = cache or Path(tempfile.gettempdir())
    held = _drawn(HELD_OUT, HELD_OUT_SEED, cache)
    features = encode(held.pixels)
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, len(held), (2, _PAIRS))
    left, right = left[left != right], right[left != right]
    told = []
    for phrase, about, utility in _questions(held.standard):
        scores = features @ _words(model, phrase)
        gap = utility[left] - utility[right]
        right_way = 0.5 * (1 + np.sign(scores[left] - scores[right]) * np.sign(gap))
        clear, differs = np.abs(gap) >= CLEAR, gap != 0
        told.append(
            Ordering(phrase, about, float(right_way[clear].mean()), int(clear.sum()),
                     float(right_way[differs].mean()), int(differs.sum()))
        )  # fmt: skip
    probe = _drawn(_PROBED, _PROBE_SEED, cache)
    return Measured(
        tuple(told), _revealed(encode(probe.pixels), probe.standard, features, held.standard)
    )


def _questions(standard: NDArray[np.float32]) -> list[tuple[str, str, NDArray[np.float64]]]:
    """Each factor and trait by its first phrase for the
    high side, and where every face lies on it."""
    asked: list[tuple[str, str, NDArray[np.float64]]] = []
    for row, factor in enumerate(factors()):
        asked.append((factor.high_phrases[0], factor.name, standard[:, row].astype(np.float64)))
    return asked + [
        (trait.high_phrases[0], trait.name, standard @ trait.weights) for trait in traits()
    ]


def _loaded(folder: Path) -> tuple[CLIP, Callable[[NDArray[np.uint8]], NDArray[np.float32]]]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = CLIP(**config["model_cfg"])
    weights = load_file(folder / "weights.safetensors")
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    model.eval()
    mean = torch.tensor(config["preprocess_cfg"]["mean"]).view(3, 1, 1)
    std = torch.tensor(config["preprocess_cfg"]["std"]).view(3, 1, 1)

    def encode(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(pixels), 200):
                batch = (
                    torch.from_numpy(np.array(pixels[start : start + 200]))
                    .permute(0, 3, 1, 2)
                    .float()
                    / 255
                )
                parts.append(
                    functional.normalize(model.encode_image((batch - mean) / std), dim=-1).numpy()
                )
        return np.concatenate(parts)

    return model, encode


def _words(model: CLIP, phrase: str) -> NDArray[np.float32]:
    with torch.inference_mode():
        tokens = SimpleTokenizer()([template.format(phrase) for template in TEMPLATES])
        each = functional.normalize(model.encode_text(tokens), dim=-1)
        mean: NDArray[np.float32] = functional.normalize(each.mean(dim=0), dim=-1).numpy()
    return mean


def _revealed(
    known: NDArray[np.float32],
    truth: NDArray[np.float32],
    asked: NDArray[np.float32],
    answer: NDArray[np.float32],
) -> dict[str, float]:
    """R^2 of ridge regression from features to each
    factor, fitted on `known`, measured on `asked`."""
    centre = known.mean(axis=0)
    design, target = np.c_[known - centre, np.ones(len(known))], truth
    weights = np.linalg.solve(design.T @ design + 1e-3 * np.eye(design.shape[1]), design.T @ target)
    missed = answer - np.c_[asked - centre, np.ones(len(asked))] @ weights
    share = 1 - (missed**2).sum(axis=0) / ((answer - answer.mean(axis=0)) ** 2).sum(axis=0)
    return {factor.name: float(value) for factor, value in zip(factors(), share, strict=True)}


def _drawn(count: int, seed: int, cache: Path) -> DrawnFaces:
    for event in drawn(count, seed, cache / f"prism-mini-faces-{seed}-{count}.u8"):
        if isinstance(event, Done):
            return event.value
    raise AssertionError("drawing ends with its result")


def tables(measured: Measured) -> str:
    """Both tables in Markdown."""
    lines = ["| words | about | pairs that clearly differ | all pairs |", "|---|---|---:|---:|"]
    lines += [
        f"| {row.phrase} | {row.about} | {100 * row.clear:.1f} % | {100 * row.every:.1f} % |"
        for row in measured.orderings
    ]
    lines += ["", "| factor | R² |", "|---|---:|"]
    lines += [f"| {name} | {value:.2f} |" for name, value in measured.revealed.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure prism-mini on held-out faces.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=None, help="folder for the drawn faces")
    chosen = parser.parse_args(arguments)
    print(tables(measure(chosen.folder, chosen.cache)))


if __name__ == "__main__":
    main()
