from collections.abc import Callable

import numpy as np

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import differences
from prism_desktop.engine.runs.result_files import Summary
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.factory import Task
from prism_desktop.engine.training.resources import open_features, open_pixels
from prism_desktop.engine.training.session import read_against
from tests.fixtures.runs import MakeRun


def results(run: RunFolder) -> Summary:
    summary = run.summary()
    assert summary is not None
    return summary


def test_that_runs_of_a_study_share_a_ridge_and_the_frozen_backbone_to_be_read_against(
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    import torch

    runs = [
        make_run(tiny_study, method=name, compare=False, epochs=1)
        for name in ("retrieval", "consensus")
    ]
    for run in runs:
        train_here(run)
        before = results(run)
        assert not before.baselines  # results come first
        for _ in read_against(run):
            pass
        assert {"ridge", "zero_shot", "chance", "others_majority"} <= results(run).baselines.keys()
        assert results(run) == before.model_copy(update={"baselines": results(run).baselines})
        assert not list(differences(run.path))  # its marks speak of what is there now
    assert results(runs[0]).baselines == results(runs[1]).baselines
    assert len(list((tiny_study.path / "cache").glob("baselines-*/baselines.json"))) == 1
    task = Task.of(runs[0])
    for name in (layout.RIDGE, layout.ZERO_SHOT):
        table, other = (run.scores(name) for run in runs)
        assert table is not None
        assert other is not None
        assert (table.labelers, table.images) == (task.labelers, task.images)
        assert np.array_equal(table.array, other.array)

    # By hand: the frozen towers' cosine of the first attribute and each image, times CLIP's own
    # scale.
    clip, first = backbone.model, runs[0].meta().attributes[0]
    with torch.inference_mode():
        words = [*sentences(first.name, first.templates)]
        text = clip.encode_text(backbone.tokenizer(words), normalize=True).mean(0)
    *_, pixels = open_pixels(tiny_study.path, runs[0].table("images"), backbone.image_size)
    *_, features = open_features(tiny_study.path, runs[0].table("images"), backbone, pixels.value)
    cosine = features.value.array @ (text / text.norm()).numpy()
    zero_shot = runs[0].scores(layout.ZERO_SHOT)
    assert zero_shot is not None
    for labeler in zero_shot.array[:, 0]:
        assert np.allclose(labeler, float(clip.logit_scale.exp()) * cosine, atol=1e-4)


def test_that_no_baselines_are_made_for_whoever_wants_none(
    tiny_study: Study, make_run: MakeRun, train_here: Callable[..., list[TrainingEvent]]
) -> None:
    run = make_run(tiny_study, method="consensus", baselines="none")
    train_here(run)
    assert not list(read_against(run))
    assert not results(run).baselines
    assert results(run).test.macro.accuracy is not None
    assert not list((tiny_study.path / "cache").glob("baselines-*"))


def test_that_the_consensus_of_a_run_gets_the_same_baselines(
    tiny_study: Study, make_run: MakeRun, train_here: Callable[..., list[TrainingEvent]]
) -> None:
    run = make_run(tiny_study, method="retrieval")
    train_here(run)
    (consensus,) = [
        RunFolder(path)
        for path in (tiny_study.path / layout.RUNS).iterdir()
        if path.name != run.name
    ]
    assert not results(consensus).baselines
    for _ in read_against(run):
        pass
    assert results(consensus).baselines == results(run).baselines
    assert (consensus.path / layout.RIDGE).is_file()
