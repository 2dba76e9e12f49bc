"""Closed forms on what a language model reads: the same runs as on embeddings."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.demo.writers.judges import judged_replies, judges, standard_qualities
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.models.image_scoring import score_images
from prism_desktop.engine.models.predictor import load_predictor
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.default_backbone import default_backbone
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from prism_desktop.engine.training.kept_features import kept_features
from prism_desktop.engine.training.resources import open_resources
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import narrow_snapshot
from tests.fixtures.runs import MakeRun, result


@pytest.fixture
def texts(tmp_path: Path) -> Iterator[Study]:
    """A study of replies to fourteen prompts, judged by two simulated judges."""
    told = judged_replies(3)[:42]
    study = Study.create(tmp_path / "texts.prism", kind="text", attributes=["likeable"])
    new = [NewText(f"{place:02}", one.text, one.prompt.text) for place, one in enumerate(told)]
    ids = study.add_texts(new).added
    rng = np.random.default_rng(0)
    for judge in judges()[:2]:
        study.add_labeler(judge.code, simulated=True)
        utility = judge.utilities(standard_qualities([one.text for one in told]))["likeable"]
        for order in range(60):
            left = int(rng.integers(42))
            right = left // 3 * 3 + (left + 1) % 3
            study.record(
                TrialRecord(
                    id=new_id(),
                    labeler=judge.code,
                    session=f"s {judge.code}",
                    order=order,
                    kind="comparison",
                    left=ids[left],
                    right=ids[right],
                    onset=float(order),
                    seconds=1.0,
                    answers={"likeable": "left" if utility[left] > utility[right] else "right"},
                    source="simulated",
                )
            )
    yield study
    study.close()


@pytest.fixture
def run(texts: Study, make_run: MakeRun, tiny_language_model: str) -> RunFolder:
    """A run on it."""
    return make_run(texts, method="hierarchical-bayes", backbone=tiny_language_model)


def test_that_features_of_texts_reach_a_run_in_the_order_of_its_images(run):
    resources = result(open_resources(run))
    list(resources.read_features(run))
    assert resources.features is not None
    rows = resources.features.array
    assert rows.shape == (len(run.table("images")), 32)
    assert rows.dtype == np.float32
    again = result(open_resources(run))
    told = list(again.read_features(run))
    assert not any(isinstance(event, Progress) and event.total for event in told)
    assert np.array_equal(again.features.array, rows)


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


def test_that_a_run_has_the_texts_that_it_learns_from_and_a_part_of_it_too(run, texts):
    assert run.texts() == {one.id: (one.prompt, one.text) for one in texts.texts()}
    part = RunFolder.create(run.study, run.config())
    narrow_snapshot(run, part, run.meta().codes[:1])
    assert part.texts() == run.texts()


def test_that_a_backbone_for_other_stimuli_is_refused_in_a_sentence(
    tiny_study, make_run, tiny_language_model
):
    with pytest.raises(InputError, match=r"reads texts, and this study is one of images; choose"):
        make_run(tiny_study, method="hierarchical-bayes", backbone=tiny_language_model)
    with pytest.raises(RunError, match=r"is of images, and a language model reads texts; choose"):
        make_run(tiny_study).texts()


def test_that_an_image_backbone_on_texts_is_refused_with_the_way_out(texts, make_run):
    with pytest.raises(InputError, match=r"sees images.*one of texts.*prism-mini-lm"):
        make_run(texts, method="hierarchical-bayes")


def test_that_where_nobody_chooses_texts_are_read_by_the_embedded_model(texts, run):
    assert default_backbone(texts.path, texts=True).backbone == run.config().backbone
    chosen = default_backbone(texts.path, last="prism-mini", runs=(), texts=True)
    assert chosen.backbone == "prism-mini-lm"
    assert "simulated writers only" in chosen.why
