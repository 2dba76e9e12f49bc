"""Every method trains on a real study, is saved, and predicts the same after it was loaded again."""

from collections.abc import Callable

import numpy as np
import pytest

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.personal.saved import load_run
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.events import TrainingEvent
from prism_desktop.engine.training.pixels import open_pixels
from tests.engine.training.conftest import MakeRun

TOWER = [name for name, method in METHODS.items() if "tower" in method.inputs]


@pytest.mark.parametrize("name", TOWER)
def test_that_a_method_trains_is_saved_and_predicts_the_same(
    name: str,
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    run = make_run(tiny_study, method=name, epochs=1, compare=False)
    train_here(run)
    summary = run.summary()
    assert summary is not None
    assert 0 <= summary["test"]["macro"]["accuracy"] <= 1
    assert summary["parameters"]["trainable"] > 0
    loaded = load_run(run.path, backbone=backbone)
    images = run.table("images")
    *_, done = open_pixels(run.study, images, backbone.image_size)
    assert isinstance(done, Done)
    pixels = done.value.take(np.arange(len(images)))
    for labeler in loaded.labelers:
        scores = loaded.scores(pixels, [labeler], ["smart"])[0, 0]
        assert np.allclose(scores, run.predictions(labeler, "smart")["score"], atol=1e-4)
