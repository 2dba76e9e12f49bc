"""What is known of labelers before training.

That it lets methods learn planted tastes and serve newcomers at once.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import METHODS, method
from prism_desktop.engine.methods.parts.part import AXES
from prism_desktop.engine.models.answers import Answers, answers, select
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.clustering import fit_grouping_heads
from prism_desktop.engine.models.decoder import DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.training.conditioning import (
    labeler_context,
    wants_features,
    with_new_labeler,
)
from prism_desktop.engine.training.factory import POWER
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.resources import Pixels
from prism_desktop.engine.training.scoring import Scorer, score_all
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.runs import ATTRIBUTES, LABELERS, coloured, planted_pairs

IMAGES = 48
ASKED = [(name,) for name in ATTRIBUTES]
READING = ("e2p-1", "persoma-perceiver", "persoma-mlp", "gated-memory")
GROUPED = ("cluster-prefix", "cluster-lora")


def _task(pairs: int = 400) -> tuple[dict[str, Answers], Pixels, np.ndarray]:
    array, red = coloured(IMAGES)
    frame, ids = planted_pairs(red, pairs), [f"i{number}" for number in range(IMAGES)]
    parts = {
        part: answers(frame[frame["split"] == part], LABELERS, ATTRIBUTES, ids)
        for part in ("train", "val", "test")
    }
    return parts, Pixels(array, np.arange(IMAGES)), red


@torch.inference_mode()
def _features(backbone: Backbone, pixels: Pixels) -> np.ndarray:
    plain = PersonalClip(backbone, 1, method=method("consensus"))
    return plain.image_features(plain.prepare(pixels.take(np.arange(IMAGES))), None).numpy()


def _build(
    backbone: Backbone, name: str, known: LabelerContext, labelers: int = 2, **settings: object
) -> PersonalClip:
    config = TrainConfig.checked({"method": name, **settings})
    return PersonalClip(
        backbone, labelers, method=method(name), context=known, tokens=config.tokens, seed=1
    )


def _known(
    backbone: Backbone, name: str, told: Answers, x: np.ndarray, **settings: object
) -> LabelerContext:
    config = TrainConfig.checked({"method": name, **settings})
    text = np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32)
    return labeler_context(
        method(name), config, told, 2, 2, x, text, np.zeros((2, 32), np.float32), ("Likes red.", "")
    )


def _accuracy(
    model: PersonalClip | DecoderModel, inputs: Pixels | Features, told: Answers, labelers: int = 2
) -> float:
    scorer = Scorer(model, ASKED, inputs)
    rows = [
        event.scores.T
        for event in score_all(scorer, [str(n) for n in range(labelers)])
        if hasattr(event, "scores")
    ]
    scores = np.stack(rows)
    own = told.labeler, told.attribute
    return float(
        np.mean((scores[(*own, told.left)] > scores[(*own, told.right)]) == (told.outcome > 0.5))
    )


def _train(
    model: PersonalClip | DecoderModel,
    parts: dict[str, Answers],
    inputs: Pixels | Features,
    folder: Path,
    **settings: object,
) -> Trainer:
    given = {
        "batch": 32,
        "epochs": 12,
        "patience": 12,
        "rates_at_width": None,
        "lora_lr": 5e-3,
        "token_lr": 2e-2,
    }
    config = TrainConfig.checked({**given, **settings})
    trainer = Trainer(Scorer(model, ASKED, inputs), parts, LABELERS, ATTRIBUTES, config, folder)
    list(trainer.run())
    return trainer


@pytest.mark.parametrize("name", [*METHODS])
def test_that_only_methods_that_read_features_are_given_facts(name: str) -> None:
    chosen = method(name)
    if not wants_features(chosen):
        known = labeler_context(
            chosen,
            TrainConfig(method=name),
            _task(40)[0]["train"],
            2,
            2,
            None,
            None,
            None,
            ("a", ""),
        )
        assert not known.arrays()
        assert (known.profiles == ("a", "")) == (name == "profile-text")
    assert wants_features(chosen) == (name in (*READING, *GROUPED, "e2p-5", "adaptive-rank"))


@pytest.mark.parametrize(
    "name",
    rest_in_soak(
        [*READING, "e2p-5", "cluster-lora", "adaptive-rank"],
        {"e2p-1", "cluster-lora"},
    ),
)
def test_that_a_method_learns_opposite_tastes(
    name: str, backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task()
    known = _known(backbone, name, parts["train"], _features(backbone, pixels))
    model = _build(backbone, name, known)
    _train(model, parts, pixels, tmp_path, method=name)
    assert _accuracy(model, pixels, parts["test"]) > 0.85


@pytest.mark.soak
def test_that_prefixes_of_groups_on_adapters_that_stay_learn_opposite_tastes(
    backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task()
    taught = _build(backbone, "lora-visual-prompt", LabelerContext())
    (tmp_path / "taught").mkdir()
    _train(taught, parts, pixels, tmp_path / "taught")
    known = _known(backbone, "cluster-prefix", parts["train"], _features(backbone, pixels))
    assert known.groups is not None
    assert known.groups.tolist() == [0, 1]
    model = _build(backbone, "cluster-prefix", known)
    theirs = {name: tensor for name, tensor in taught.named_parameters() if ".lora_" in name}
    with torch.no_grad():  # a tower of random weights heeds no token
        for name, tensor in model.named_parameters():
            if name in theirs:
                tensor.copy_(theirs[name])
    _train(model, parts, pixels, tmp_path, method="cluster-prefix")
    assert all(
        torch.equal(dict(model.named_parameters())[name], tensor) for name, tensor in theirs.items()
    )
    assert _accuracy(model, pixels, parts["test"]) > 0.85


def test_that_a_profile_speaks_for_a_taste_where_its_words_are_understood(
    backbone: Backbone,
) -> None:
    parts, pixels, red = _task()
    x = torch.from_numpy(_features(backbone, pixels))
    redness = torch.linalg.lstsq(
        x - x.mean(0), torch.from_numpy(red - red.mean())[:, None].float()
    ).solution[:, 0]
    model = _build(backbone, "profile-text", LabelerContext(profiles=("Likes red.", "Likes blue.")))
    colours = {name: backbone.tokenizer([name])[0, 1] for name in ("red", "blue")}

    def read(ids: torch.Tensor, normalize: bool = True) -> torch.Tensor:
        """A text tower that knows two words."""
        sign = (ids == colours["red"]).any(1).float() - (ids == colours["blue"]).any(1).float()
        return sign[:, None] * torch.nn.functional.normalize(redness, dim=0)

    model.clip.encode_text = read
    assert _accuracy(model, pixels, parts["test"]) > 0.85
    assert not [name for name, tensor in model.named_parameters() if tensor.requires_grad]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_that_the_decoder_learns_opposite_tastes(
    batch_norm: bool, backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task()
    x = _features(backbone, pixels)
    model = DecoderModel(fit_space(x, AXES, POWER), ASKED, 2, DecoderShape(batch_norm=batch_norm))
    _train(model, parts, Features(x), tmp_path, method="mlp-decoder", lora_lr=2e-3)
    assert _accuracy(model, Features(x), parts["test"]) > 0.85


def test_that_people_of_one_group_share_its_adapters_and_a_delta_parts_them(
    backbone: Backbone,
) -> None:
    parts, pixels, _ = _task(80)
    x = _features(backbone, pixels)
    one = _known(backbone, "cluster-lora", parts["train"], x, clusters=1)
    assert one.groups is not None
    assert one.groups.tolist() == [0, 0]
    assert _build(backbone, "cluster-lora", one).view_groups == (0, 0)
    parted = _known(backbone, "cluster-prefix", parts["train"], x, clusters=1, delta=True)
    model = _build(backbone, "cluster-prefix", parted)
    assert model.view_groups == (0, 1)
    assert model.prompts.deviation is not None
    assert dict(model.named_parameters())["prompts.deviation"].requires_grad


def test_that_ranks_go_to_those_whose_answers_earn_them(backbone: Backbone) -> None:
    parts, pixels, _ = _task(1200)
    told = parts["train"]
    spoiled = told.outcome.copy()
    cold = told.labeler == 1
    spoiled[cold] = np.random.default_rng(0).integers(0, 2, cold.sum())
    known = _known(
        backbone,
        "adaptive-rank",
        dataclasses.replace(told, outcome=spoiled),
        _features(backbone, pixels),
    )
    assert known.ranks is not None
    assert known.ranks[0] > known.ranks[1]


@pytest.mark.parametrize("name", rest_in_soak(READING, {"persoma-perceiver"}))
def test_that_a_newcomer_is_served_after_one_pass_over_their_answers(
    name: str, backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task()
    x = _features(backbone, pixels)
    known = _known(backbone, name, parts["train"], x)
    model = _build(backbone, name, known)
    _train(model, parts, pixels, tmp_path, method=name)
    cold = select(parts["train"], parts["train"].labeler == 1)
    met = with_new_labeler(known, dataclasses.replace(cold, labeler=np.full(len(cold), 7)), 2, x)
    grown = _build(backbone, name, met, labelers=3)
    load(grown, model)
    test = select(parts["test"], parts["test"].labeler == 1)
    mirrored = dataclasses.replace(test, labeler=np.full(len(test), 2))
    assert _accuracy(grown, pixels, mirrored, 3) == _accuracy(model, pixels, test)
    assert _accuracy(grown, pixels, mirrored, 3) > 0.8


@pytest.mark.parametrize("name", GROUPED)
def test_that_a_newcomer_joins_the_groups_that_their_answers_speak_for(
    name: str, backbone: Backbone
) -> None:
    parts, pixels, _ = _task()
    x = _features(backbone, pixels)
    known = _known(backbone, name, parts["train"], x)
    warm = select(parts["train"], parts["train"].labeler == 0)
    met = with_new_labeler(
        known, warm, 2, x, groups=(fit_grouping_heads(x, parts["train"], 2, 2), known)
    )
    assert met.shares is not None
    assert met.shares[:2].tolist() == [[1, 0], [0, 1]]
    assert met.shares[2, 0] > 0.6
    grown, model = _build(backbone, name, met, labelers=3), _build(backbone, name, known)
    load(grown, model)
    assert grown.view_groups == (0, 1, 2)
    made: torch.nn.Module = grown.prompts if name == "cluster-prefix" else grown.shares
    with torch.no_grad():
        group, other, adapted = made(torch.arange(3))
    share = torch.from_numpy(met.shares)[2]
    assert torch.allclose(adapted, share[0] * group + share[1] * other)


def test_that_a_newcomer_is_served_by_the_adapters_of_their_group(
    backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task()
    x = _features(backbone, pixels)
    known = _known(backbone, "cluster-lora", parts["train"], x)
    model = _build(backbone, "cluster-lora", known)
    _train(model, parts, pixels, tmp_path, method="cluster-lora")
    warm = [select(parts[part], parts[part].labeler == 0) for part in ("train", "test")]
    met = with_new_labeler(
        known, warm[0], 2, x, groups=(fit_grouping_heads(x, parts["train"], 2, 2), known)
    )
    grown = _build(backbone, "cluster-lora", met, labelers=3)
    load(grown, model)
    assert (
        _accuracy(grown, pixels, dataclasses.replace(warm[1], labeler=np.full(len(warm[1]), 2)), 3)
        > 0.8
    )


def test_that_facts_survive_their_arrays(backbone: Backbone) -> None:
    parts, pixels, _ = _task(80)
    x = _features(backbone, pixels)
    for name in (*READING, *GROUPED, "adaptive-rank"):
        known = _known(backbone, name, parts["train"], x)
        again = LabelerContext.from_arrays(known.arrays(), known.profiles)
        assert again.arrays().keys() == known.arrays().keys() != set()
        assert all(
            np.array_equal(again.arrays()[key], array) for key, array in known.arrays().items()
        )


@pytest.mark.parametrize("name", ["persoma-mlp", "gated-memory", "mlp-decoder"])
def test_that_a_resumed_training_meets_the_same_episodes(
    name: str, backbone: Backbone, tmp_path: Path
) -> None:
    parts, pixels, _ = _task(200)
    x = _features(backbone, pixels)

    def make(folder: str) -> Trainer:
        (tmp_path / folder).mkdir(exist_ok=True)
        if name == "mlp-decoder":
            shape = DecoderShape(widths=(16, 8), batch_norm=True, dropout=0.4)
            model: PersonalClip | DecoderModel = DecoderModel(
                fit_space(x, AXES, POWER), ASKED, 2, shape
            )
            inputs: Pixels | Features = Features(x)
        else:
            model, inputs = (
                _build(backbone, name, _known(backbone, name, parts["train"], x)),
                pixels,
            )
        config = TrainConfig.checked({"method": name, "batch": 32, "epochs": 2})
        return Trainer(
            Scorer(model, ASKED, inputs), parts, LABELERS, ATTRIBUTES, config, tmp_path / folder
        )

    straight, halted = make("straight"), make("halted")
    list(straight.run())
    while halted.cursor.step < 3:
        halted._step(halted.sampler.epoch(1)[halted.cursor.place])
    halted.save()
    torch.rand(5)
    resumed = make("halted")
    assert resumed.resume() == (True, 0)
    list(resumed.run())
    ours, theirs = resumed.scorer.model.trainable_state(), straight.scorer.model.trainable_state()
    assert all(torch.equal(ours[key], tensor) for key, tensor in theirs.items())


def load(grown: PersonalClip, model: PersonalClip) -> None:
    """Take trained weights over into a model that knows one more labeler."""
    grown.load_kept_state(model.kept_state())
    theirs = dict(model.named_parameters())
    with torch.no_grad():
        for key, tensor in grown.named_parameters():
            tensor.copy_(theirs[key])
