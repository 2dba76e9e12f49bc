"""The whole `train` command against a whole script after the source's: the same study, epochs and
machine.

`python -m tests.bench.whole_train [--comparisons 120] [--epochs 1]` makes a study of images like
photographs, trains `lora-visual-prompt` by the command line as a user would, with its consensus,
tests and predictions of every image for every labeler, and then lets the plain loop of
`bench.trainer` learn the same training answers for as many epochs, foretell the same validation
answers after each, and score every image for every labeler once. Both are processes of their own,
from the start of the interpreter to its end. The source trains no consensus, so that ours does
about twice its work.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.models.answers import Answers, answers
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.store import Study
from tests.bench.command_cost import CommandCost, cost_of
from tests.bench.trainer import ATTRIBUTES, Plain, backbone_of, photographs
from tests.fixtures.study import judge

IMAGES, LABELERS, BATCH, CHUNK = 70, 6, 48, 64


def main() -> int:
    """Print what both cost, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=120, help="of three attributes each")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--backbone", default="ViT-B-32-quickgelu", help="with random weights")
    parser.add_argument("--plain", nargs=2, help=argparse.SUPPRESS)  # a run, its epochs
    given = parser.parse_args()
    if given.plain:
        _plain(RunFolder(Path(given.plain[0])), int(given.plain[1]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder), given.comparisons)
        backbone = backbone_of(given.backbone, Path(folder))
        command = [sys.executable, "-m", "prism_desktop", "train", str(study), "--backbone",
                   backbone, "--device", "cpu", "--epochs", str(given.epochs)]  # fmt: skip
        ours = _cost(command)
        run = next((study / layout.RUNS).glob("*-lora-visual-prompt"))
        script = [sys.executable, "-m", "tests.bench.whole_train", "--plain", str(run)]
        plain = _cost([*script, str(given.epochs)])
        trained = int((RunFolder(run).table("pairs")["split"] == "train").sum())
    print(
        f"{given.backbone}, {trained:,} training answers, {IMAGES} images, {LABELERS} labelers, "
        f"epochs: {given.epochs}, {torch.get_num_threads()} threads"
    )
    for name, cost in (("prism-desktop train", ours), ("the source's way", plain)):
        print(
            f"  {name:<20} {cost.clock:7.1f} s by the clock, {cost.seconds:7.1f} s of a processor"
        )
    print(f"  ratio {plain.clock / ours.clock:.1f} by the clock")
    return 0


def _cost(command: list[str]) -> CommandCost:
    cost = cost_of(command)
    if cost.code:
        raise SystemExit(f"{' '.join(command)} ended with {cost.code}")
    return cost


def _study(folder: Path, comparisons: int) -> Path:
    """Comparisons of photograph-like faces, shared out among the labelers."""
    paths = photographs(folder / "faces", IMAGES)
    with Study.create(folder / "faces.prism", attributes=ATTRIBUTES) as study:
        study.add_images(read_image(path, path.name) for path in paths)
        for number in range(LABELERS):
            code = f"L{number + 1}"
            study.add_labeler(code)
            study.record(
                judge(code, number, study.images(), comparisons // LABELERS, 0, [*ATTRIBUTES])
            )
        return study.path


def _plain(run: RunFolder, epochs: int) -> None:
    """As the source's script with a run's data: train, validate after each epoch, predict."""
    backbone = load(parse(run.config().backbone), choose_device("cpu"))
    images, pairs = run.table("images"), run.table("pairs")
    labelers = tuple(sorted(pairs["labeler"].unique()))
    paths = [Path(path) for path in images["path"]]
    parts = {
        name: answers(pairs[pairs["split"] == name], labelers, ATTRIBUTES, list(images["image"]))
        for name in ("train", "val")
    }
    plain = Plain(backbone, paths, parts["train"])
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(len(parts["train"].labeler))
        for start in range(0, len(order), BATCH):
            plain.step(order[start : start + BATCH])
        right = _validated(plain, parts["val"])
        print(f"validated {right:.3f}", flush=True)
    told = _predicted(plain, len(paths), len(labelers))
    print(f"scores {told.shape}")


@torch.no_grad()
def _validated(plain: Plain, rows: Answers) -> float:
    """The share of validation answers that are foretold; nothing is kept from one to the next."""
    right = 0.0
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        labeler = torch.from_numpy(rows.labeler[part])
        text = plain.read(
            [f"A photo of a {ATTRIBUTES[one]} person" for one in rows.attribute[part]]
        )
        left, right_ = (plain.encode(side[part], labeler) for side in (rows.left, rows.right))
        margin = ((left - right_) * text).sum(-1).numpy()
        right += float(((margin > 0) == (rows.outcome[part] > 0.5)).sum())
    return right / max(1, len(rows))


@torch.no_grad()
def _predicted(plain: Plain, images: int, labelers: int) -> npt.NDArray[np.float32]:
    """(labelers, images, attributes) scores of every image for every labeler."""
    text = plain.read([f"A photo of a {name} person" for name in ATTRIBUTES])
    found = np.empty((labelers, images, len(ATTRIBUTES)), np.float32)
    for labeler in range(labelers):
        for start in range(0, images, CHUNK):
            part = np.arange(start, min(start + CHUNK, images))
            who = torch.full((len(part),), labeler)
            found[labeler, part] = (plain.encode(part, who) @ text.T).numpy()
    return found


if __name__ == "__main__":
    sys.exit(main())
