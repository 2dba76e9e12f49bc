"""Optional blocks of closed forms: tried on validation, reported, stored, predicted with."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.predictions import images_in, predictions
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.image_blocks import NO_BLOCKS, OfferedBlocks, SeenImages, offer
from prism_desktop.engine.models.saved_heads import HeadCard, load_heads
from prism_desktop.engine.runs.estimates import told_blocks
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.records import (
    FactRecord,
    ImportBatch,
    ImportReport,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.closed_form import ClosedForm
from prism_desktop.engine.training.resources import Features
from prism_desktop.engine.training.snapshot import check_wanted
from tests.engine.models.heads.planted import answer, features
from tests.fixtures.runs import MakeRun, result
from tests.fixtures.study import MakeStudy, draw_faces

GROUPS = ("round", "square")
Train = Callable[..., list[TrainingEvent]]


def _closed_form(folder: Path, offered: OfferedBlocks, x: np.ndarray, told: Answers) -> ClosedForm:
    part = np.arange(len(x)) % 3  # images of the splits
    parts = {
        name: select(told, np.isin(part[told.left], row) & np.isin(part[told.right], row))
        for name, row in (("train", (0, 1)), ("val", (2,)))
    }
    card = HeadCard("hierarchical-bayes", "none", "", ("a", "b", "c"), ("odd",))
    answers = {**parts, "test": select(told, told.left < 0)}
    return ClosedForm(card, Features(x), answers, folder, offered=offered)


def test_that_a_block_is_kept_only_where_validation_answers_are_more_likely_with_it(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    group, x = rng.integers(0, 2, 150), features(150, 5)
    utilities = 0.5 * x[:, 0] + 2.0 * group + np.zeros((3, 1, 1))
    facts = {
        "group": [GROUPS[one] for one in group],
        "noise": [f"{one:.3f}" for one in rng.normal(size=150)],
    }
    offered = offer(["noise", "group"], SeenImages(150, None, facts), [])
    fit = _closed_form(tmp_path, offered, x, answer(utilities, 500))
    fit.heads = result(fit.solve())
    kept = {one.name: one.kept for one in fit.tried}
    assert kept["group"]
    assert [block.name for block in fit.card.blocks] == [name for name in kept if kept[name]]
    scores = fit._scores()[0, 0]
    assert scores[group == 1].mean() > scores[group == 0].mean() + 1
    before = _closed_form(tmp_path, NO_BLOCKS, x, answer(utilities, 500))
    before.heads = result(before.solve())
    assert not before.tried
    assert before.heads.space.block.max() < fit.heads.space.block.max()


def test_that_blocks_leave_the_features_room_and_what_does_not_fit_is_told(
    tmp_path: Path,
) -> None:
    x, rng = features(150, 5), np.random.default_rng(0)
    wide = rng.normal(size=(150, 180)).astype(np.float32)
    offered = offer(["statistics"], SeenImages(150, wide, {}), [])
    fit = _closed_form(tmp_path, offered, x, answer(x[:, 0] + np.zeros((3, 1, 1)), 200))
    told = [event.text for event in fit.solve() if isinstance(event, Notice)]
    assert "The block statistics was not tried, for with it there would be more than 176" in str(
        told
    )
    assert not fit.tried


def _grouped(make_study: MakeStudy) -> Study:
    """A study whose labelers mostly choose by a group of the images, which is one of its facts."""
    study = make_study("groups", images=42, labelers=2, comparisons=0, ratings=0)
    dice, images = random.Random(0), study.images()
    group = {image.id: GROUPS[n % 2] for n, image in enumerate(images)}
    folds = [[i.id for i in images if i.fold == fold] for fold in range(7)]
    trials = []
    for code in ("L1", "L2"):
        session = new_id()
        for place in range(140):
            left, right = dice.sample(folds[place % 7], 2)
            better = (group[left] > group[right]) - (group[left] < group[right])
            side = ("right", "left")[dice.random() < 0.5 + 0.45 * better]
            given = dict.fromkeys((a.name for a in study.attributes()), side)
            trials.append(
                TrialRecord(
                    new_id(), code, session, place, "comparison", left, right, answers=given
                )
            )
    study.record(trials)
    unknown = images[0].id
    facts = [FactRecord("image", i, "group", one) for i, one in group.items() if i != unknown]
    report = ImportReport(new_id(), "images.csv", "csv", len(facts), len(facts))
    study.apply_import(ImportBatch(report, facts=facts))
    return study


@pytest.mark.parametrize("name", ["hierarchical-bayes", "collaborative"])
def test_that_a_run_tells_what_blocks_add_and_reads_them_of_images_it_never_saw(
    name: str, make_study: MakeStudy, make_run: MakeRun, train_here: Train, tmp_path: Path
) -> None:
    study = _grouped(make_study)
    given = {"method": name, "compare": False, "baselines": "none"}
    run = make_run(study, blocks=("group", "statistics"), **given)
    events = train_here(run)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("The fact group is not known of 1 image" in text for text in notices)
    summary = run.summary()
    assert summary is not None
    group, statistics = summary.blocks
    assert (group.block, statistics.block) == ("group", "statistics")
    assert group.kept
    assert (group.gain.low or 0) <= (group.gain.difference or 0) <= (group.gain.high or 0)
    assert group.gain.n == group.beside.n == group.without.n == run.meta().counts.val
    assert group.gain.difference == pytest.approx(
        (group.beside.accuracy or 0) - (group.without.accuracy or 0)
    )
    assert told_blocks(summary.blocks)[0].startswith("group is read: ")
    assert "What optional blocks add" in (run.path / "summary.md").read_text()
    blocks = load_heads(run.path).card.blocks
    assert [block.name for block in blocks] == [b.block for b in summary.blocks if b.kept]

    draw_faces(tmp_path / "others", 3, seed=9)
    others = result(images_in(tmp_path / "others"))
    mixed = pd.concat([others, run.table("images")[["image", "name", "path"]].iloc[[5, 2]]])
    told = list(predictions(run, images=mixed, cache=tmp_path / "cache"))
    assert any(
        isinstance(event, Notice) and "The fact group is not known of 3 images" in event.text
        for event in told
    )
    found = result(told)
    assert np.isfinite(found["score"]).all()
    both = found.merge(run.predictions(), on=["labeler", "attribute", "image"])
    assert len(both) == 2 * 2 * 2
    assert np.allclose(both["score_x"], both["score_y"], atol=1e-4)

    ids = [str(image) for image in run.table("images")["image"]]
    facts = run.image_facts()["group"]
    known = np.array([row for row, one in enumerate(ids) if one in facts])
    fitter = result(open_fitter(run))
    round_ones = np.array([facts[ids[row]] == GROUPS[0] for row in known])
    value = np.where(round_ones[:12], 4.0, 1.0)
    rated = Ratings(*np.zeros((2, 12), np.int64), known[:12], value)
    none = np.zeros(0, np.int64)
    nobody = Answers(none, none, none, none, *np.zeros((2, 0), np.float32), none)
    before, after = (fitter.fit(nobody, ratings=one).scores(None)[0] for one in (None, rated))

    def lead(one: np.ndarray) -> float:
        return float(one[known][round_ones].mean() - one[known][~round_ones].mean())

    assert lead(after) > lead(before)


def test_that_an_unknown_fact_is_refused_before_a_run_is_made(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, method="hierarchical-bayes")
    assert run.image_facts() == {}
    config = run.config().with_settings(["blocks=shape"])
    with pytest.raises(InputError, match="knows no fact shape about its images"):
        check_wanted(tiny_study, config)
    check_wanted(tiny_study, run.config().with_settings(["blocks=statistics"]))
