"""A study's folder that is copied to another computer while a run of it was interrupted."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from prism_desktop.engine.adaptation.predictions import predictions
from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Epoch, Resumed, TrainingEvent
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from tests.fixtures.runs import MakeRun, result

TrainHere = Callable[..., list[TrainingEvent]]


def test_that_a_run_goes_on_elsewhere_and_ends_at_the_same_predictions(
    tiny_study: Study,
    make_run: MakeRun,
    train_here: TrainHere,
    backbone: Backbone,
    tmp_path: Path,
) -> None:
    whole = make_run(tiny_study, compare=False)
    train_here(whole)
    expected = whole.predictions()

    run = make_run(tiny_study, compare=False)
    with closing(train_run(run, Control(run))) as events:
        for event in events:
            if isinstance(event, Epoch):
                break
    moved = _elsewhere(run, tmp_path / "another user" / "moved.prism")
    tiny_study.close()
    shutil.rmtree(run.study)

    found = {one.name: one for one in list_runs(moved.study)}
    assert found[run.name].state == "interrupted"
    assert moved.resumable
    told = train_here(moved)
    assert any(isinstance(event, Resumed) for event in told)
    pd.testing.assert_frame_equal(moved.predictions(), expected)
    scored = result(predictions(moved, labeler="L1"))
    mine = expected[expected["labeler"] == "L1"]
    assert len(scored) == len(mine)
    keys = ["labeler", "attribute", "image"]
    both = scored.merge(mine, on=keys, suffixes=("", "_there"))
    assert both["score"].tolist() == pytest.approx(both["score_there"].tolist(), abs=1e-5)


def _elsewhere(run: RunFolder, study: Path) -> RunFolder:
    """The run's study as another computer has it: copied somewhere else, by somebody else, with
    images where the first computer, under another system, had them."""
    shutil.copytree(run.study, study)
    moved = RunFolder(study / layout.RUNS / run.name)
    path = moved.path / layout.STATUS
    status = json.loads(path.read_text())
    assert status["state"] == "training"  # nobody said that it ended
    path.write_text(json.dumps({**status, "host": "their-pc", "updated": status["updated"] - 999}))
    images = layout.table_file(moved.path, "images")
    table = pd.read_parquet(images)
    table["path"] = [f"D:\\faces\\{name}" for name in table["name"]]
    table.to_parquet(images, index=False)
    if os.geteuid() == 0:
        for file in (study, *study.rglob("*")):
            os.chown(file, 4321, 4321)
    return moved
