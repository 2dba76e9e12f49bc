"""Closed forms on what a language model reads: the same runs as on embeddings."""

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.models.predictor import load_predictor, score_images
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.kept_features import kept_features
from prism_desktop.engine.training.resources import open_resources
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import narrow_snapshot, write_texts
from tests.fixtures.runs import MakeRun, result


@pytest.fixture
def run(tiny_study: Study, make_run: MakeRun, tiny_language_model: str) -> RunFolder:
    """A run whose images are texts."""
    made = make_run(tiny_study, method="hierarchical-bayes", backbone=tiny_language_model)
    ids = [str(image) for image in made.table("images")["image"]]
    write_texts(made, {key: ("Tea?", f"reply {key[:9]}") for key in ids})
    return made


def test_that_features_of_texts_reach_a_run_in_the_order_of_its_images(run):
    resources = result(open_resources(run))
    assert resources.backbone is None
    assert resources.features is not None
    rows = resources.features.array
    assert rows.shape == (len(run.table("images")), 32)
    assert rows.dtype == np.float32
    again = list(open_resources(run))
    assert not any(isinstance(event, Progress) and event.total for event in again)
    assert np.array_equal(result(again).features.array, rows)


def test_that_a_closed_form_is_fitted_on_them_and_answers_again(run):
    list(train_run(run, Control(run)))
    assert run.status().state == "finished"
    predictor = load_predictor(run.path, "cpu")
    assert kept_features(run, predictor.loaded.card) is not None
    ids = [str(image) for image in run.table("images")["image"]]
    scores = result(score_images(run.path, predictor, dict.fromkeys(ids, run.path)))
    assert scores.shape == (len(predictor.labelers), len(predictor.attributes), len(ids))
    assert np.isfinite(scores).all()
    learned = run.scores(labeler=predictor.labelers[0])
    assert learned is not None
    place = [ids.index(name) for name in learned.images]
    split = run.table("images")["split"].to_numpy()[place]
    tested = split == "test"
    assert scores[0][:, place][:, tested] == pytest.approx(learned.array[0][:, tested], abs=1e-4)


def test_that_a_part_of_a_runs_data_keeps_its_texts(run, tiny_study, tiny_language_model):
    part = RunFolder.create(run.study, run.config())
    narrow_snapshot(run, part, run.meta().codes[:1])
    assert part.texts() == run.texts()


def test_that_a_language_model_on_images_is_refused_in_a_sentence(
    tiny_study, make_run, tiny_language_model
):
    run = make_run(tiny_study, method="hierarchical-bayes", backbone=tiny_language_model)
    with pytest.raises(RunError, match=r"is of images, and a language model reads texts; choose"):
        list(open_resources(run))


def test_that_a_method_that_needs_a_tower_is_refused(tiny_study, make_run, tiny_language_model):
    with pytest.raises(InputError, match="choose"):
        make_run(tiny_study, method="lora-visual-prompt", backbone=tiny_language_model)
