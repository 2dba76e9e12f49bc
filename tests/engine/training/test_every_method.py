"""Every method trains on a real study, is saved, and
predicts the same after it was loaded again."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from prism_desktop.engine.backbones import Backbone, parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.files import write_json
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.part import Sizes
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.models.parameter_counts import parameters
from prism_desktop.engine.models.saved import load_run
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.stopping import has_checkpoints
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.resources import open_features, open_pixels
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.runs import MakeRun


def as_told_beforehand(run: RunFolder) -> bool:
    """Whether a run trained as many parameters as its method
    was said to train on its study, or at most so many."""
    meta, config, sizes = run.meta(), run.config(), shape(parse(run.config().backbone))
    assert sizes is not None
    data = Sizes(
        len(meta.labelers),
        len(meta.attributes),
        sizes,
        sizes.embed_dim,
        len(run.table("images")),
    )
    told, summary = parameters(METHODS[config.method], config, data), run.summary()
    assert told is not None
    assert summary is not None
    trained = summary.parameters["trainable"]
    return bool(trained == told.number if told.exact else 0 < trained <= told.number)


COMBINED = [name for name, method in METHODS.items() if method.has(WeighedRuns)]
HEADS = [
    name for name, method in METHODS.items() if method.scoring.of_features and name not in COMBINED
]
# one of each kind of part
HERE = {
    "adaptive-rank", "cluster-lora", "cluster-prefix", "consensus", "e2p-1", "full-finetune",
    "gated-memory", "hierarchical", "hybrid-prompt", "l2-constrained", "lora-visual-prompt",
    "moe-lora", "persoma-perceiver", "profile-text", "reptile", "user-embedding",
}  # fmt: skip
TOWER = [name for name, method in METHODS.items() if not method.scoring.of_features]


@pytest.mark.parametrize("name", rest_in_soak(TOWER, HERE))
def test_that_a_model_trains_is_saved_and_predicts_the_same(
    name: str,
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    tiny_study.update_labeler("L1", profile="Likes faces that smile.")
    run = make_run(tiny_study, method=name, epochs=1, compare=False)
    train_here(run)
    assert (run.path / "checkpoints").is_dir() == has_checkpoints(
        name, features=run.config().stands_on_features
    )
    summary = run.summary()
    assert summary is not None
    assert (summary.parameters["trainable"] > 0) == (METHODS[name].fitted != "not at all")
    assert as_told_beforehand(run)
    assert (summary.bytes_per_labeler > 0) == METHODS[name].personal
    loaded = load_run(run.path, backbone=backbone)
    images = run.table("images")
    *_, done = open_pixels(run.study, images, backbone.image_size)
    assert isinstance(done, Done)
    pixels = done.value.take(np.arange(len(images)))
    # validation images are told apart by heads that never learned from them, where the kept ones
    # did, and stand on the whole where those put them
    refitted = run.config().start == "closed-form"
    val = (images["split"] == "val").to_numpy()
    for labeler in loaded.labelers:
        scores = loaded.scores(pixels, [labeler], ["smart"])[0, 0]
        told = run.predictions(labeler, "smart").set_index("image")["score"][images["image"]]
        told = told.to_numpy()
        assert np.allclose(scores[~val], told[~val], atol=1e-4)
        assert np.allclose(scores, told, atol=1e-4) == (not refitted)
        assert scores[val].mean() == pytest.approx(told[val].mean(), abs=1e-4)


@pytest.mark.parametrize("name", HEADS)
def test_that_heads_are_fitted_saved_and_predict_the_same(
    name: str,
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    run = make_run(tiny_study, method=name, compare=False)
    train_here(run)
    assert as_told_beforehand(run)
    assert (run.path / "checkpoints").is_dir() == has_checkpoints(
        name, features=run.config().stands_on_features
    )
    loaded, images = load_heads(run.path), run.table("images")
    *_, pixels = open_pixels(run.study, images, backbone.image_size)
    assert isinstance(pixels, Done)
    *_, done = open_features(run.study, images, backbone, pixels.value)
    assert isinstance(done, Done)
    # validation images are told by heads that never learned from them, where the kept ones did
    refitted = name in ("hierarchical-bayes", "collaborative")
    kept = (images["split"] != "val").to_numpy() | (not refitted)
    for labeler in loaded.card.labelers:
        scores = loaded.scores(done.value.array, [labeler], ["smart"])[0, 0]
        told = run.predictions(labeler, "smart").set_index("image")["score"][images["image"]]
        assert np.allclose(scores[kept], told[kept], atol=1e-5)
        assert np.allclose(scores, told, atol=1e-5) == (not refitted)
    with pytest.raises(InputError, match="does not read text"):
        loaded.scores(done.value.array, None, ["wearing a hat"])


def test_that_augmented_is_read_against_a_consensus_of_the_same_ratings(
    tiny_study: Study, make_run: MakeRun, train_here: Callable[..., list[TrainingEvent]]
) -> None:
    run = make_run(tiny_study, method="augmented", epochs=1)
    train_here(run)
    (other,) = [one for one in list_runs(run.study) if one.method == "consensus"]
    assert other.fingerprint == run.meta().fingerprint
    learned = RunFolder(other.path).table("pairs")
    assert set(learned[learned["split"] == "train"]["source"]) == {"comparison", "rating"}
    assert set(learned[learned["split"] == "test"]["source"]) == {"comparison"}
    assert run.consensus().equals(RunFolder(other.path).predictions())
    assert "the very same training answers" in (run.path / "summary.md").read_text("utf-8")


def test_that_a_profile_of_blanks_is_none(
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
    backbone: Backbone,
) -> None:
    contexts = []
    for profile in ("", " "):
        run = make_run(tiny_study, method="e2p-1", epochs=1, max_steps=1, compare=False)
        meta = json.loads((run.data / "meta.json").read_text())
        meta["labelers"][0]["profile"] = profile
        write_json(run.data / "meta.json", meta)
        train_here(run)
        contexts.append(load_run(run.path, backbone=backbone).model.context.summary)
    assert np.array_equal(*contexts)


@pytest.mark.parametrize("name", COMBINED)
def test_that_a_combination_is_the_weighted_sum_of_its_members(
    name: str, tiny_study: Study, make_run: MakeRun, train_here: Callable[..., list[TrainingEvent]]
) -> None:
    run = make_run(tiny_study, method=name, epochs=1)
    train_here(run)
    members = read_combination(run.path)
    assert {member.method for member in members} <= set(METHODS)
    order = run.predictions()[["labeler", "attribute", "image"]]
    total = np.zeros(len(order))
    for member in members:
        theirs = RunFolder(run.path.with_name(member.run)).predictions()
        assert theirs[["labeler", "attribute", "image"]].equals(order)
        weight = dict(zip(run.meta().codes, member.weight, strict=True))
        total += theirs["score"] * theirs["labeler"].map(weight)
    assert np.allclose(total, run.predictions()["score"], atol=1e-4)
    assert as_told_beforehand(run)
    assert_costs_are_those_of(
        run, [RunFolder(run.path.with_name(one.run)) for one in members if any(one.weight)]
    )


@pytest.mark.parametrize(
    "members", [("hierarchical-bayes",), ("hierarchical-bayes", "retrieval", "consensus")]
)
def test_that_an_ensemble_is_the_mean_of_the_members_it_was_told_beside_the_consensus(
    members: tuple[str, ...],
    tiny_study: Study,
    make_run: MakeRun,
    train_here: Callable[..., list[TrainingEvent]],
) -> None:
    run = make_run(tiny_study, method="ensemble", members=members, epochs=1)
    train_here(run)
    own = [name for name in members if name != "consensus"]
    shares = {
        member.method: member.weight[0] / member.calibration
        for member in read_combination(run.path)
    }
    assert shares == {"consensus": 0.0, **{name: pytest.approx(1 / len(own)) for name in own}}
    assert run.predictions()["score"].std() > 0


def assert_costs_are_those_of(run: RunFolder, members: list[RunFolder]) -> None:
    """A combination's parameters, seconds and bytes
    contain those of the members that have weight."""
    summary, parts = run.summary(), [member.summary() for member in members]
    assert summary is not None
    weights = summary.parameters["weights"]
    trained = sum(part.parameters["trainable"] for part in parts if part is not None)
    assert summary.parameters["trainable"] == trained + weights
    assert summary.seconds >= sum(part.seconds for part in parts if part is not None)
    each = 8 * len(members)  # a weight of 8 bytes for each member
    assert summary.bytes_per_labeler == each + sum(
        part.bytes_per_labeler for part in parts if part is not None
    )
