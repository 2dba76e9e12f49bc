"""What the tests of training share: a loaded tiny backbone, runs in this process, and a task with planted tastes."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device, precision
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods import method
from prism_desktop.engine.personal.answers import answers
from prism_desktop.engine.personal.model import PersonalClip
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.control import Control
from prism_desktop.engine.training.events import TrainingEvent
from prism_desktop.engine.training.pixels import Pixels
from prism_desktop.engine.training.run import RunFolder
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import make_snapshot
from prism_desktop.engine.training.trainer import Trainer
from prism_desktop.engine.training.workshop import Workshop

LABELERS = ("warm", "cold")
ATTRIBUTES = ("attractive", "smart")
MakeTrainer = Callable[..., Trainer]
MakeRun = Callable[..., RunFolder]


def result(events: Iterable[Any]) -> Any:
    """What a generator of events is done with."""
    *_, done = events
    assert isinstance(done, Done)
    return done.value


@pytest.fixture(scope="session")
def backbone(tiny_backbone: str) -> Backbone:
    """The tiny backbone on the CPU."""
    return load(parse(tiny_backbone), choose_device("cpu"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bit-equal results need equal thread counts, and a tiny model is quickest with one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def coloured(count: int, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Plain images between blue and red: (count, size, size, 3) uint8, and how red each is, (count,) in 0..1."""
    rng = np.random.default_rng(seed)
    red = rng.permutation(np.linspace(0, 1, count))
    colours = np.stack([255 * red, np.full(count, 90.0), 255 * (1 - red)], axis=-1)
    noise = rng.normal(0, 12, (count, size, size, 3))
    return np.clip(colours[:, None, None] + noise, 0, 255).astype(np.uint8), red


def planted_pairs(red: np.ndarray, pairs: int, seed: int = 0) -> pd.DataFrame:
    """Comparisons by two labelers: "warm" prefers red in every attribute, "cold" blue. Images split 2 : 1 : 1."""
    rng = np.random.default_rng(seed)
    split = np.array(["train", "train", "val", "test"])[np.arange(len(red)) % 4]
    rows = []
    for number in range(pairs):
        part = ("train", "train", "val", "test")[number % 4]
        left, right = rng.choice(np.flatnonzero(split == part), 2, replace=False)
        labeler = LABELERS[number // 4 % 2]
        chosen = (red[left] > red[right]) == (labeler == "warm")
        rows += [(f"t{number}", labeler, name, f"i{left}", f"i{right}", float(chosen), part) for name in ATTRIBUTES]
    frame = pd.DataFrame(rows, columns=["trial", "labeler", "attribute", "left", "right", "outcome", "split"])
    return frame.assign(weight=1.0)


@pytest.fixture
def make_trainer(backbone: Backbone, tmp_path: Path) -> MakeTrainer:
    """A factory of trainers on planted tastes; its arguments are settings, and `folder`."""

    def make(
        folder: Path = tmp_path, images: int = 48, pairs: int = 160, ties: str = "drop", **settings: object
    ) -> Trainer:
        config = TrainConfig.checked({"batch": 32, "epochs": 3, "pairs": {"ties": ties}, **settings})
        array, red = coloured(images)
        frame, ids = planted_pairs(red, pairs), [f"i{number}" for number in range(images)]
        split = {
            name: answers(frame[frame["split"] == name], LABELERS, ATTRIBUTES, ids) for name in ("train", "val", "test")
        }
        model = PersonalClip(
            backbone, len(LABELERS), method=method(config.method), seed=config.seed, temperature=config.temperature
        )
        scorer = Scorer(model, [(name,) for name in ATTRIBUTES], Pixels(array, np.arange(images)))
        return Trainer(scorer, split, LABELERS, ATTRIBUTES, config, folder, width=backbone.width)

    return make


@pytest.fixture
def make_run(tiny_backbone: str) -> MakeRun:
    """A factory of runs with snapshots of a study, ready to be trained in this process."""

    def make(study: Study, **settings: object) -> RunFolder:
        given = {"backbone": tiny_backbone, "device": "cpu", "batch": 16, "epochs": 2, "threads": 1, **settings}
        config = TrainConfig.checked(given)
        run = RunFolder.create(study.path, config)
        make_snapshot(study, run, config)
        return run

    return make


@pytest.fixture
def train_here(backbone: Backbone) -> Callable[..., list[TrainingEvent]]:
    """Train a run in this process on the shared backbone; `hear` is called with each event."""

    def train(run: RunFolder, hear: Callable[[TrainingEvent], object] = lambda event: None) -> list[TrainingEvent]:
        from prism_desktop.engine.training.pixels import open_pixels

        *_, done = open_pixels(run.study, run.table("images"), backbone.image_size)
        workshop = Workshop(
            backbone.device, precision(backbone.device), backbone, done.value, features=None, sha256=backbone.sha256
        )
        events = []
        for event in train_run(run, Control(run), workshop):
            events.append(event)
            hear(event)
        return events

    return train
