from collections.abc import Callable

import numpy as np

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.factory import Task
from prism_desktop.engine.training.resources import open_features, open_pixels
from tests.fixtures.runs import MakeRun


def test_that_runs_of_a_study_share_a_ridge_and_the_frozen_backbone_to_be_read_against(
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    import pandas as pd
    import torch

    runs = [
        make_run(tiny_study, method=name, compare=False, epochs=1)
        for name in ("retrieval", "consensus")
    ]
    for run in runs:
        train_here(run)
        summary = run.summary()
        assert summary is not None
        assert {"ridge", "zero_shot", "chance"} <= summary.baselines.keys()
    tables = [pd.read_parquet(run.path / "baselines.parquet") for run in runs]
    assert tables[0].equals(tables[1])
    assert len(list((tiny_study.path / "cache").glob("baselines-*"))) == 1
    task = Task.of(runs[0])
    assert len(tables[0]) == 2 * len(task.labelers) * len(task.attributes) * len(task.images)

    # By hand: the frozen towers' cosine of the first attribute and each image, times CLIP's own
    # scale.
    clip, first = backbone.model, runs[0].meta().attributes[0]
    with torch.inference_mode():
        words = [*sentences(first.name, first.templates)]
        text = clip.encode_text(backbone.tokenizer(words), normalize=True).mean(0)
    *_, pixels = open_pixels(tiny_study.path, runs[0].table("images"), backbone.image_size)
    *_, features = open_features(tiny_study.path, runs[0].table("images"), backbone, pixels.value)
    cosine = features.value.array @ (text / text.norm()).numpy()
    shown = tables[0][
        (tables[0]["baseline"] == "zero_shot") & (tables[0]["attribute"] == task.attributes[0])
    ]
    for _, rows in shown.groupby("labeler"):
        assert np.allclose(rows["score"], float(clip.logit_scale.exp()) * cosine, atol=1e-4)
