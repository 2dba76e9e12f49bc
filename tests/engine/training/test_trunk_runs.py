"""Runs whose tokens enter late: what they learn from, keep and say, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.saved import load_run, read_card
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.pixel_cache import PixelCache
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.dependencies import find_dependency
from tests.fixtures.runs import MakeRun

TrainHere = Callable[[RunFolder], list[TrainingEvent]]


def pixels_of(run: RunFolder, size: int) -> np.ndarray:
    decoded = PixelCache(run.study / "cache", size)
    rows = decoded.rows()
    return decoded.read()[[rows[str(image)] for image in run.table("images")["image"]]]


@pytest.mark.parametrize("start", ["random", "consensus", "closed-form"])
def test_that_a_run_starts_at_and_is_compared_with_a_consensus_of_the_same_trunk(
    start: str, tiny_study: Study, make_run: MakeRun, train_here: TrainHere, backbone: Backbone
) -> None:
    run = make_run(tiny_study, trunk=1, start=start)
    train_here(run)
    consensus = find_dependency(run, "consensus")
    assert consensus is not None
    assert consensus.config().trunk == 1
    assert find_dependency(make_run(tiny_study, start=start), "consensus") is None
    assert read_card(run.path).trunk == read_card(consensus.path).trunk == 1
    summary = run.summary()
    assert summary is not None
    assert summary.parameters["lora"] == 5120 // 2  # of one of the two blocks
    told = run.scores()
    assert told is not None
    loaded = load_run(run.path, backbone=backbone)
    again = loaded.scores(pixels_of(run, backbone.image_size))
    fixed = run.table("images")["split"].to_numpy(dtype=object) != "val"  # heads learn from those
    assert np.allclose(told.array[..., fixed], again[..., fixed], atol=1e-4)


def test_that_a_card_of_an_earlier_version_has_no_trunk(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, method="consensus")
    train_here(run)
    file = run.path / "tokens.safetensors"
    size = int.from_bytes(file.read_bytes()[:8], "little")
    header, rest = file.read_bytes()[8 : 8 + size], file.read_bytes()[8 + size :]
    without = header.replace(b', \\"trunk\\": 0', b"")
    assert without != header
    file.write_bytes(len(without).to_bytes(8, "little") + without + rest)
    (run.path / "manifest.json").unlink(missing_ok=True)
    assert read_card(run.path).trunk == 0


@pytest.mark.parametrize("name", ["lora-visual-prompt", "hierarchical-bayes", "full-finetune"])
def test_that_a_trunk_of_all_blocks_is_refused_before_a_run_is_made(
    name: str, tiny_study: Study, tiny_backbone: str
) -> None:
    config = TrainConfig.checked({"backbone": tiny_backbone, "method": name, "trunk": 2})
    with pytest.raises(InputError, match=r"has 2 in all; choose at most trunk=1\."):
        supervisor.begin(Path(tiny_study.path), config)
    assert not [*(tiny_study.path / "runs").glob("*")]


def test_that_a_trunk_is_no_matter_where_nothing_is_trained_that_could_enter_late(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, method="hierarchical-bayes", trunk=99, compare=False)
    assert run.config().entered_behind == 0
