"""What a GPU makes of the tower: are the numbers right, how fast is it, what is said when its
memory is spent. Prints one JSON.

`bash tests/bench/gpu.sh` needs a machine with torch, its companions and a GPU, this checkout and
the wheels that `make gpu-wheels` fetches. `--dry` does everything at toy sizes on a processor, but
for what only a GPU has. A part that fails is told and does not end the others.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from prism_desktop.engine.backbones import MINI, Backbone, load, parse
from prism_desktop.engine.device import choose_device, precision
from prism_desktop.engine.training.trainer import Trainer
from tests.bench.trainer import ATTRIBUTES, Faces, answers_of, backbone_of, faces_of, trainer_of
from tests.fixtures.study import fill

PASSES = 22_610  # images that pass the tower in an epoch of the source
GOAL, SOURCE = 3.0, 180.0  # seconds of such an epoch: asked of an H100, told of an RTX 3090
PUBLISHED = {  # timm's images/s at 224 px: forward, training
    "RTX 3090": {"ViT-B-32": (5099, 1704)},
    "RTX 4090": {"ViT-B-32": (12_151, None)},
}
TOWERS = ("ViT-B-32", "ViT-B-16", "ViT-L-14")
WAYS = ("plain", "compiled", "graphs")
CLOSE = 2e-3  # relative: float32 sums in another order
MOST = 430.0  # s after which no further part begins


@dataclass(frozen=True, slots=True)
class Here:
    """Attributes:
    kind: cuda or cpu.
    dry: whether sizes are toys.
    folder: for files.
    """

    kind: str
    dry: bool
    folder: Path

    def tower(self, name: str, kind: str = "") -> Backbone:
        """A backbone of random weights; the embedded one in a dry run."""
        text = backbone_of(MINI if self.dry else name, self.folder)
        return load(parse(text), choose_device(kind or self.kind))

    def wait(self) -> None:
        """Until the device has done all it was told."""
        if self.kind == "cuda":
            torch.cuda.synchronize()


def machine(here: Here) -> dict[str, Any]:
    """What it is measured on."""
    told: dict[str, Any] = {"torch": torch.__version__, "python": sys.version.split()[0]}
    if here.kind == "cuda":
        told["device"] = torch.cuda.get_device_name()
        told["memory_gb"] = torch.cuda.get_device_properties(0).total_memory / 1e9
    return told


def same_numbers(here: Here) -> dict[str, Any]:
    """The losses of the same steps on a processor and on the device, and of a resumed training."""
    faces = _faces(here, 48, here.tower(TOWERS[0]).image_size)
    rows = answers_of(faces, 96)

    def trained(kind: str, stops: int | None, folder: str) -> list[float]:
        (here.folder / folder).mkdir()
        backbone = here.tower(TOWERS[0], kind)
        how = precision(backbone.device, "float32", backbone.width)
        torch.manual_seed(0)
        trainer = trainer_of(backbone, how, faces, rows, 24, here.folder / folder)
        found = []
        for number, places in enumerate(trainer.sampler.epoch(1)):
            if number == stops:
                trainer.save()
                trainer = trainer_of(backbone, how, faces, rows, 24, here.folder / folder)
                trainer.resume()
            trainer._step(places)
            found.append(float(trainer._pending[-1][1].mean()))
        return found

    expected = trained("cpu", None, "cpu")
    there = trained(here.kind, None, "there")
    resumed = trained(here.kind, 2, "resumed")
    return {
        "losses": there,
        "off_processor": _apart(expected, there),
        "off_resumed": _apart(there, resumed),
        "close": max(_apart(expected, there), _apart(there, resumed)) < CLOSE,
    }


def _apart(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) / max(abs(a), 1e-9) for a, b in zip(one, other, strict=True))


def throughput(here: Here) -> dict[str, Any]:
    """Images per second of towers in bfloat16: forward, and trained with a gradient to the input,
    which is what adapters and tokens in every block cost."""
    found: dict[str, Any] = {"published_by_timm": PUBLISHED}
    for name in TOWERS[:1] if here.dry else TOWERS:
        tower = here.tower(name)
        visual = tower.model.get_submodule("visual").requires_grad_(False)
        visual = visual.to(here.kind, torch.bfloat16).eval()
        batch = 8 if here.dry else (128 if name == "ViT-L-14" else 256)
        side = tower.image_size
        pixels = torch.randn(batch, 3, side, side, device=here.kind, dtype=torch.bfloat16)
        found[name] = {}
        for way in WAYS[:1] if here.dry else WAYS:
            made: Any = visual if way == "plain" else torch.compile(visual, mode=_mode(way))
            found[name][way] = _tried(partial(_rates, here, made, pixels))
        torch.compiler.reset()
    return found


def _mode(way: str) -> str:
    return "reduce-overhead" if way == "graphs" else "default"


def _rates(here: Here, visual: nn.Module, pixels: Tensor) -> dict[str, float]:
    moving = pixels.clone().requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            visual(pixels)

    def train() -> None:
        visual(moving).float().square().mean().backward()

    return {
        name: len(pixels) / _seconds(here, act)
        for name, act in (("forward", forward), ("training", train))
    }


def _seconds(here: Here, act: Callable[[], None]) -> float:
    """The median of some runs, after some unseen."""
    found = []
    for number in range(4 if here.dry else 13):
        here.wait()
        begun = time.perf_counter()
        act()
        here.wait()
        if number >= 3:
            found.append(time.perf_counter() - begun)
    return statistics.median(found)


def epoch(here: Here) -> dict[str, Any]:
    """An epoch of `lora-visual-prompt` on ViT-B/32, as many passes as the source's."""
    backbone = here.tower(TOWERS[0])
    faces = _faces(here, 48 if here.dry else 2000, backbone.image_size)
    passes = 96 if here.dry else PASSES
    rows = answers_of(faces, passes // 2 * len(ATTRIBUTES))
    how = precision(backbone.device, "auto", backbone.width)
    (here.folder / "epoch").mkdir()
    trainer = trainer_of(backbone, how, faces, rows, 48 if here.dry else 768, here.folder / "epoch")
    plan = trainer.sampler.epoch(1)
    for places in itertools.islice(plan, 2):  # compiled and placed
        trainer._step(places)
    seen, seconds = _passed(here, trainer, plan[2:])
    told = {
        "precision": how.name, "passes": seen, "seconds": seconds,
        "seconds_of_22610": seconds / seen * PASSES, "goal": GOAL, "source_on_rtx_3090": SOURCE,
    }  # fmt: skip
    if here.kind == "cuda":
        told["most_memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
    return told


def _passed(here: Here, trainer: Trainer, plan: list[Any]) -> tuple[int, float]:
    trainer._flush()
    here.wait()
    begun = time.perf_counter()
    for places in plan:
        trainer._step(places)
    here.wait()
    seconds = time.perf_counter() - begun
    return sum(len(part.image) for part, _, _ in trainer._pending), seconds


def whole_run(here: Here) -> dict[str, Any]:
    """A run by the engine's own process, as the window starts it."""
    study = _study(here, "run")
    begun = time.perf_counter()
    done = _command(study, "--method", "lora-visual-prompt", "--device", here.kind)
    return {
        "seconds": time.perf_counter() - begun, "code": done.returncode,
        "finished": len(list((study / "runs").glob("*/summary.json"))),
        "told": done.stderr.strip().splitlines()[-3:],
    }  # fmt: skip


def no_memory(here: Here) -> dict[str, Any]:
    """What a training says where others hold nearly all of the device's memory."""
    if here.kind != "cuda":
        return {"skipped": "only a GPU has memory of its own"}
    study = _study(here, "full")
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    held = torch.empty(max(0, free - 700_000_000), dtype=torch.uint8, device="cuda")
    text = backbone_of("ViT-L-14", here.folder)
    done = _command(
        study, "--method", "lora-visual-prompt", "--device", "cuda", "--backbone", text,
        "--set", "batch=256",
    )  # fmt: skip
    del held
    said = done.stderr.strip()
    return {
        "code": done.returncode, "told": said.splitlines()[-3:],
        "advice": done.returncode != 0 and "memory" in said and "Traceback" not in said,
    }  # fmt: skip


def _study(here: Here, name: str) -> Path:
    from prism_desktop.engine.study.store import Study

    with Study.create(here.folder / f"{name}.prism", attributes=("attractive",)) as study:
        fill(study, images=60, labelers=3, comparisons=120, ratings=0)
        return study.path


def _command(study: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prism_desktop", "train", str(study), "--set", "epochs=2"]
    return subprocess.run([*command, *options], check=False, capture_output=True, text=True)


def _faces(here: Here, count: int, side: int) -> Faces:
    place = here.folder / f"faces-{count}-{time.monotonic_ns()}"
    place.mkdir()
    return faces_of(place, count, side)


def _tried(part: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return part()
    except Exception as error:  # told in the JSON; the other parts are measured all the same
        return {"failed": f"{type(error).__name__}: {error}"[:600]}


PARTS = (machine, same_numbers, epoch, throughput, whole_run, no_memory)


@contextmanager
def _quiet() -> Iterator[None]:
    """What the parts print goes to the errors, so that the output is JSON alone."""
    kept, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = kept


def main() -> int:
    """Print the JSON; 1 if a part failed or numbers are not close."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="toy sizes on a processor")
    dry = parser.parse_args().dry
    if not dry and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; --dry tries everything on a processor")
    begun, found = time.monotonic(), {}
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        here = Here("cpu" if dry else "cuda", dry, Path(folder))
        for part in PARTS:
            if time.monotonic() - begun > MOST:
                found[part.__name__] = {"skipped": "no time was left"}
                continue
            found[part.__name__] = _tried(partial(part, here))
            print(part.__name__, found[part.__name__], flush=True)
    print(json.dumps(found, indent=1))
    return int(_failed(found) or not found["same_numbers"].get("close", False))


def _failed(told: object) -> bool:
    """Whether a part, or a part of it, failed."""
    if not isinstance(told, dict):
        return False
    return "failed" in told or any(_failed(one) for one in told.values())


if __name__ == "__main__":
    sys.exit(main())
