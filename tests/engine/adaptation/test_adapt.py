"""New labelers enter finished runs: what they are
predicted, how they are kept, and what refuses them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from prism_desktop.engine.adaptation.adapt import adapt, evaluate_adapted, load_adapted
from prism_desktop.engine.adaptation.adaptation_request import adapt_in_worker
from prism_desktop.engine.adaptation.adapted_labelers import (
    adapted_predictions,
    find_adapted,
    list_adapted,
)
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.head_fitter import LabelerFitter
from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import precision
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import wilson
from prism_desktop.engine.events import Done, Event, Notice
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.models.answers import Answers, answers
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.resources import Resources, open_pixels
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.runs import MakeRun

T = TypeVar("T")
Train = Callable[..., list[TrainingEvent]]
ATTRIBUTES = ("attractive", "smart")
IMAGES = 56
# One method of each way to enter; those that read profiles alone have nothing to learn.
FAMILIES = (
    "lora-visual-prompt", "text-token", "hierarchical", "user-embedding", "reptile",
    "per-labeler-lora",
    "l2-constrained", "moe-lora", "mlp-decoder", "hierarchical-bayes", "retrieval", "ensemble",
)  # fmt: skip
# Those whose known labelers differ enough, after so short a training, for a newcomer to be let far
# from their mean.
LEARNED = {"lora-visual-prompt", "text-token", "hierarchical", "moe-lora", "mlp-decoder"}
LEARNED |= {"hierarchical-bayes", "ensemble"}
HERE = {"lora-visual-prompt", "mlp-decoder", "hierarchical-bayes", "retrieval"}


def last(events: Iterator[Event[T]]) -> T:
    *_, done = events
    assert isinstance(done, Done)
    return done.value


@pytest.fixture
def red_study(tmp_path: Path) -> Iterator[tuple[Study, dict[str, float]]]:
    """Plain images between blue and red, each in its fold; how red each is by id."""
    from prism_desktop.engine.study.images import read_image

    folder, rng = tmp_path / "colours", np.random.default_rng(0)
    folder.mkdir()
    red = {}
    for number, share in enumerate(rng.permutation(np.linspace(0, 1, IMAGES))):
        colour = np.array([255 * share, 90, 255 * (1 - share)])
        pixels = np.clip(colour + rng.normal(0, 12, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"c{number:02}.png")
        red[f"c{number:02}.png"] = float(share)
    with Study.create(tmp_path / "red.prism", attributes=ATTRIBUTES) as study:
        study.add_images(read_image(path, path.name) for path in sorted(folder.iterdir()))
        yield study, {image.id: red[image.name] for image in study.images()}


def compare(
    study: Study, red: dict[str, float], labeler: str, sign: int, count: int, seed: int
) -> None:
    """Record comparisons within folds by somebody who prefers red (sign 1) or blue (-1)."""
    from prism_desktop.engine.study.records import TrialRecord, new_id

    rng, images = np.random.default_rng(seed), study.images()
    groups = [
        group for fold in range(7) if len(group := [i.id for i in images if i.fold == fold]) > 1
    ]
    session, trials = new_id(), []
    study.add_labeler(labeler)
    for order in range(count):
        left, right = rng.choice(
            np.array(groups[order % len(groups)], dtype=object), 2, replace=False
        )
        said = "left" if sign * (red[left] - red[right]) > 0 else "right"
        trials.append(
            TrialRecord(
                id=new_id(),
                labeler=labeler,
                session=session,
                order=order,
                kind="comparison",
                left=left,
                right=right,
                onset=None,
                seconds=1.0,
                status="answered",
                skip_reason=None,
                answers=dict.fromkeys(ATTRIBUTES, said),
                superseded_by=None,
                repeat_of=None,
                source="labeled",
                probability=None,
            )
        )
    study.record(trials)


def opposite(run: RunFolder, red: dict[str, float], count: int) -> Answers:
    """Answers of somebody who prefers blue, on training images."""
    table, rng = run.table("images"), np.random.default_rng(5)
    train = table.loc[table["split"] == "train", "image"].to_numpy(dtype=object)
    rows = []
    for number in range(count // 2):
        left, right = rng.choice(train, 2, replace=False)
        rows += [
            (f"t{number}", "new", name, left, right, float(red[left] < red[right]))
            for name in ATTRIBUTES
        ]
    frame = pd.DataFrame(
        rows, columns=["trial", "labeler", "attribute", "left", "right", "outcome"]
    )
    images = [str(image) for image in table["image"]]
    return answers(frame.assign(weight=1.0), ["new"], ATTRIBUTES, images)


def opened(run: RunFolder, backbone: Backbone) -> LabelerFitter:
    *_, done = open_pixels(run.study, run.table("images"), backbone.image_size)
    assert isinstance(done, Done)
    how = precision(backbone.device)
    return last(
        open_fitter(
            run, Resources(backbone.device, how, backbone, done.value, None, backbone.sha256)
        )
    )


def blueness(scores: np.ndarray, run: RunFolder, red: dict[str, float]) -> float:
    """Rank correlation of scores of the images that were not trained on with how blue they are."""
    table = run.table("images")
    held = np.flatnonzero(table["split"].to_numpy(dtype=object) != "train")
    truth = pd.Series([-red[str(image)] for image in table["image"]])[held]
    return float(np.mean([truth.corr(pd.Series(row)[held], method="spearman") for row in scores]))


def regret(scores: np.ndarray, run: RunFolder, red: dict[str, float]) -> float:
    """Mean loss of somebody who prefers blue, in nats per
    pair of the images that were not trained on."""
    table = run.table("images")
    held = np.flatnonzero(table["split"].to_numpy(dtype=object) != "train")
    blue = np.array([-red[str(image)] for image in table["image"]])[held]
    left, right = np.nonzero(blue[:, None] > blue[None])
    return float(np.mean(np.logaddexp(0, scores[:, held][:, right] - scores[:, held][:, left])))


@pytest.mark.parametrize("name", rest_in_soak(FAMILIES, HERE))
def test_that_an_opposite_taste_is_learned_from_forty_answers_and_none_of_it_from_none(
    name: str,
    red_study: tuple[Study, dict[str, float]],
    make_run: MakeRun,
    train_here: Train,
    backbone: Backbone,
) -> None:
    study, red = red_study
    for number, sign in enumerate((1, 1, -1)):
        compare(study, red, f"L{number}", sign, 70, number)
    config = TrainConfig(method=name)
    rates = (
        {"lora_lr": 5e-3, "token_lr": 3e-2}
        if not METHODS[name].scoring.of_features or name == "ensemble"
        else {}
    )
    epochs = 6 if config.epochs is None or config.epochs < 20 else 20
    run = make_run(study, method=name, epochs=epochs, rates_at_width=None, compare=False, **rates)
    train_here(run)
    fitter = opened(run, backbone)
    start = fitter.fit(opposite(run, red, 0))
    before = start.scores(None)
    fitted = fitter.fit(opposite(run, red, 40))
    after = fitted.scores(None)
    assert regret(after, run, red) < regret(before, run, red)
    if name in LEARNED:
        assert blueness(after, run, red) > max(0.3, blueness(before, run, red))
    again = fitter.fit(opposite(run, red, 0)).scores(None)
    assert np.allclose(again, before, atol=1e-5)  # whoever entered last leaves no trace
    assert np.allclose(fitter.restore(fitted.state).scores(None), after, atol=1e-4)
    some = np.array([3, 1, 7])
    assert np.allclose(fitted.scores(some), after[:, some], atol=1e-4)


@pytest.mark.parametrize(
    "name",
    rest_in_soak(
        [name for name in METHODS if name not in FAMILIES],
        {"collaborative", "consensus", "persoma-perceiver", "profile-text"},
    ),
)
def test_that_somebody_enters_a_run_of_every_method_and_is_restored(
    name: str, tiny_study: Study, make_run: MakeRun, train_here: Train, backbone: Backbone
) -> None:
    tiny_study.update_labeler("L1", profile="Likes faces that smile.")
    run = make_run(tiny_study, method=name, epochs=1, compare=False)
    train_here(run)
    fitter = opened(run, backbone)
    red = {str(image): place for place, image in enumerate(run.table("images")["image"])}
    given = opposite(run, {image: float(place) for image, place in red.items()}, 20)
    fitted = fitter.fit(given, "Likes faces that frown.")
    scores = fitted.scores(None)
    assert scores.shape == (2, len(red))
    assert np.isfinite(scores).all()
    assert np.allclose(fitter.restore(fitted.state).scores(None), scores, atol=1e-4)


def test_that_somebody_enters_behind_the_trunk_of_a_run(
    red_study: tuple[Study, dict[str, float]],
    make_run: MakeRun,
    train_here: Train,
    backbone: Backbone,
) -> None:
    study, red = red_study
    for number, sign in enumerate((1, 1, -1)):
        compare(study, red, f"L{number}", sign, 70, number)
    rates = {"lora_lr": 5e-3, "token_lr": 3e-2, "rates_at_width": None}
    run = make_run(study, start="random", trunk=1, epochs=6, compare=False, **rates)
    train_here(run)
    fitter = opened(run, backbone)
    fitted = fitter.fit(opposite(run, red, 40))
    before, after = fitter.fit(opposite(run, red, 0)).scores(None), fitted.scores(None)
    assert blueness(after, run, red) > blueness(before, run, red)
    assert np.allclose(fitter.restore(fitted.state).scores(None), after, atol=1e-4)


@pytest.mark.soak
def test_that_a_run_whose_groups_an_earlier_version_made_says_so_to_who_enters(
    tiny_study: Study, make_run: MakeRun, train_here: Train
) -> None:
    run = make_run(tiny_study, method="cluster-prefix", epochs=1, compare=False)
    train_here(run)
    assert not [event for event in open_fitter(run) if isinstance(event, Notice)]
    file = run.path / "environment.json"
    made = json.loads(file.read_text())
    file.write_text(json.dumps({**made, "revisions": {"hierarchical-bayes": 2}}))
    write_manifest(run.path)
    (told,) = [event for event in open_fitter(run) if isinstance(event, Notice)]
    assert "made by an earlier version of Hierarchical Bayes" in told.text


@pytest.fixture
def bayes_run(tiny_study: Study, make_run: MakeRun, train_here: Train) -> RunFolder:
    run = make_run(tiny_study, method="hierarchical-bayes", compare=False, labelers=("L1", "L2"))
    train_here(run)
    return run


def test_that_a_file_s_labeler_is_kept_beside_the_run_and_predicted(
    bayes_run: RunFolder, tmp_path: Path
) -> None:
    names = bayes_run.table("images")["name"].astype(object)
    rng = np.random.default_rng(0)
    values = {name: rng.integers(1, 5, len(names)) for name in ATTRIBUTES}
    frame = pd.DataFrame({"labeler": "N/1", "image": names, **values})
    frame.to_csv(tmp_path / "new.csv", index=False)
    found = last(adapt(bayes_run, labels=tmp_path / "new.csv"))
    assert found.code == "N/1"
    assert found.path.parent == bayes_run.path / "adapted"
    assert found.accuracy is not None
    assert found.tested > 0
    assert found.dump()["labelers_seen"] is False
    assert [one.code for one in list_adapted(bayes_run)] == ["N/1"]
    kept = adapted_predictions(bayes_run, "N/1", "smart")
    assert len(kept) == len(names)


def test_that_accuracy_on_own_answers_has_an_interval_over_images(
    bayes_run: RunFolder, backbone: Backbone
) -> None:
    """Few faces in many answers tell less than their number of answers says."""
    fitter, rng = opened(bayes_run, backbone), np.random.default_rng(0)
    left, right = rng.integers(0, 6, 400), rng.integers(6, 12, 400)
    zeros, ones = np.zeros(400, np.int64), np.ones(400, np.float32)
    liked = rng.normal(size=12)
    outcome = (liked[left] > liked[right]).astype(np.float32)
    found = evaluate_adapted(
        fitter, Answers(zeros, zeros, left, right, outcome, ones, np.arange(400))
    )
    low, high = wilson(found.accuracy, found.tested)
    assert found.high - found.low > 1.5 * (high - low)


def test_that_a_labeler_of_the_study_enters_from_a_child_process(bayes_run: RunFolder) -> None:
    found = last(adapt_in_worker(bayes_run, labeler="L3"))
    assert found == find_adapted(bayes_run, "L3")
    fitter = last(open_fitter(bayes_run))
    scores = load_adapted(bayes_run, fitter, "L3").scores(None)
    kept = adapted_predictions(bayes_run, "L3")["score"].to_numpy().reshape(scores.shape)
    assert np.allclose(kept, scores, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (
            "labeler,image,attractive\nN1,nowhere.jpg,3\n",
            None,
            "holds no answers on images of this run",
        ),
        ("labeler,image,attractive\nA,{0},3\nB,{1},2\n", None, "answers of 2 labelers"),
        ("labeler,image,attractive\nN1,{0},3\nN1,{1},2\n", "L1", "already"),
        ("labeler,image,attractive\nN1,{0},3\nN1,{1},3\n", None, "ratings that differ"),
        ("labeler,image,funny\nN1,{0},3\nN1,{1},2\n", None, "no answers on attractive"),
        ("a,b\n1,2\n", None, "new.csv"),
    ],
)
def test_that_wrong_files_are_refused_in_one_sentence(
    content: str, name: str | None, words: str, bayes_run: RunFolder, tmp_path: Path
) -> None:
    path = tmp_path / "new.csv"
    path.write_text(content.format(*bayes_run.table("images")["name"]))
    with pytest.raises(InputError, match=words):
        last(adapt(bayes_run, labels=path, name=name))
    assert not list_adapted(bayes_run)
