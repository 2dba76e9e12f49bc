"""A run's model is read back as it was, on the backbone it was trained on and no other."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.device import precision
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import Space
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun, load_run, read_card, save_model
from prism_desktop.engine.models.saved_heads import HeadCard, load_heads, save_heads
from tests.fixtures.backbone import make_backbone

LABELERS = ("zoe", "adam", "mia")
ATTRIBUTES = {"smart": ("{}", "a {} face"), "attractive": ("{}",)}


@pytest.fixture
def run(model: PersonalClip, tmp_path: Path) -> Path:
    save_model(
        model, tmp_path, method="lora-visual-prompt", labelers=LABELERS, attributes=ATTRIBUTES
    )
    return tmp_path


@pytest.fixture
def images() -> NDArray[np.uint8]:
    """(7, 3, 32, 32)."""
    return np.random.default_rng(0).integers(0, 256, (7, 3, 32, 32), dtype=np.uint8)


def _direct(model: PersonalClip, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(labelers, attributes, n), one labeler at a time."""
    asked = [sentences(name, templates) for name, templates in ATTRIBUTES.items()]
    pixels = model.normalise(torch.from_numpy(images))
    with torch.no_grad():
        rows = [model(pixels, torch.full((len(images),), row), asked).T.numpy() for row in range(3)]
    return np.stack(rows)


def test_that_a_loaded_run_scores_as_the_model_that_was_saved(
    model: PersonalClip, run: Path, images: NDArray[np.uint8]
) -> None:
    loaded = load_run(run, "cpu")
    assert loaded.labelers == LABELERS
    assert loaded.attributes == ("smart", "attractive")
    assert loaded.method.name == "lora-visual-prompt"
    scores = loaded.scores(images)
    assert scores.shape == (3, 2, 7)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, _direct(model, images), atol=1e-4)


def test_that_a_model_trained_in_bfloat16_is_loaded_in_it_on_the_same_kind_of_device(
    backbone: Backbone, tmp_path: Path, images: NDArray[np.uint8]
) -> None:
    model = PersonalClip(backbone, 3, precision=precision(backbone.device, "bfloat16"))
    card = save_model(
        model, tmp_path, method="lora-visual-prompt", labelers=LABELERS, attributes=ATTRIBUTES
    )
    loaded = load_run(tmp_path, "cpu", backbone)
    assert np.array_equal(loaded.scores(images), LoadedRun(model, card).scores(images))
    assert loaded.model.precision == "bfloat16"
    assert replace(card, device="cuda").precision_on(backbone.device) is None


def test_that_a_model_that_learned_ties_says_how_likely_one_is(
    model: PersonalClip, tmp_path: Path
) -> None:
    save_model(
        model,
        tmp_path,
        method="lora-visual-prompt",
        labelers=LABELERS,
        attributes=ATTRIBUTES,
        ties=0.5,
    )
    loaded = load_run(tmp_path, "cpu")
    even, clear = loaded.chances(np.array([0.0, 4.0], np.float32))
    assert even == pytest.approx([0.4, 0.2, 0.4])  # nu / (2 + nu) of equals tie
    assert clear[0] / clear[2] == pytest.approx(np.exp(4.0), rel=1e-5)
    save_model(
        model, tmp_path, method="lora-visual-prompt", labelers=LABELERS, attributes=ATTRIBUTES
    )
    assert load_run(tmp_path, "cpu").chances(np.zeros(1, np.float32))[0] == pytest.approx(
        [0.5, 0.0, 0.5]
    )


def test_that_labelers_and_attributes_come_in_the_order_asked(
    run: Path, images: NDArray[np.uint8], backbone: Backbone
) -> None:
    loaded = load_run(run, "cpu", backbone)
    everything = loaded.scores(images)
    asked = loaded.scores(images, ["mia", "zoe", "mia"], ["attractive"])
    np.testing.assert_allclose(asked, everything[[2, 0, 2]][:, [1]], atol=1e-5)


@pytest.mark.parametrize("batch", [1, 4, 1000])
def test_that_the_batch_does_not_matter(
    run: Path, images: NDArray[np.uint8], batch: int, backbone: Backbone
) -> None:
    loaded = load_run(run, "cpu", backbone)
    np.testing.assert_allclose(loaded.scores(images, batch=batch), loaded.scores(images), atol=1e-4)


def test_that_either_order_of_axes_and_a_read_only_map_will_do(
    run: Path, images: NDArray[np.uint8], tmp_path: Path, backbone: Backbone
) -> None:
    loaded = load_run(run, "cpu", backbone)
    stored = np.memmap(tmp_path / "pixels.u8", np.uint8, "w+", shape=(7, 32, 32, 3))
    stored[:] = images.transpose(0, 2, 3, 1)
    stored.flush()
    mapped = np.memmap(tmp_path / "pixels.u8", np.uint8, "r", shape=(7, 32, 32, 3))
    np.testing.assert_allclose(loaded.scores(mapped), loaded.scores(images), atol=1e-5)


def test_that_an_attribute_nobody_labeled_is_scored_by_its_text(
    run: Path, images: NDArray[np.uint8], backbone: Backbone
) -> None:
    loaded = load_run(run, "cpu", backbone)
    typed = loaded.scores(images, ["adam"], ["wearing glasses"])
    text = loaded.model.text_vectors([sentences("wearing glasses")])
    features = loaded.model.image_features(
        loaded.model.normalise(torch.from_numpy(images)), torch.full((7,), 1)
    )
    np.testing.assert_allclose(
        typed[0, 0], loaded.model.scores(features, text)[:, 0].numpy(), atol=1e-4
    )


def test_that_prediction_reports_how_far_it_is(
    run: Path, images: NDArray[np.uint8], backbone: Backbone
) -> None:
    *progress, done = list(load_run(run, "cpu", backbone).scoring(images, batch=9))
    assert isinstance(done, Done)
    assert [(event.done, event.total) for event in progress if isinstance(event, Progress)] == [
        (3, 7),
        (6, 7),
        (7, 7),
    ]


def test_that_consensus_serves_all_labelers_in_one_pass(
    backbone: Backbone, images: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = PersonalClip(backbone, 3, method=METHODS["consensus"])
    loaded = LoadedRun(model, describe(model, "consensus", LABELERS, ATTRIBUTES))
    rows: list[int] = []
    original = model.image_features

    def counted(pixels: torch.Tensor, labeler: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        rows.append(len(labeler))
        return original(pixels, labeler, image)

    monkeypatch.setattr(model, "image_features", counted)
    scores = loaded.scores(images)
    assert sum(rows) == len(images)
    assert scores.shape == (3, 2, 7)
    assert (scores == scores[:1]).all()


def test_that_no_images_give_no_scores(run: Path, backbone: Backbone) -> None:
    assert load_run(run, "cpu", backbone).scores(np.empty((0, 3, 32, 32), np.uint8)).shape == (
        3,
        2,
        0,
    )


def test_that_an_unknown_labeler_is_named(
    run: Path, images: NDArray[np.uint8], backbone: Backbone
) -> None:
    with pytest.raises(InputError, match="no labeler 'eve'; it has zoe, adam, mia"):
        load_run(run, "cpu", backbone).scores(images, ["eve"])


def test_that_images_of_another_size_are_refused(run: Path, backbone: Backbone) -> None:
    with pytest.raises(InputError, match="32 x 32 RGB"):
        load_run(run, "cpu", backbone).scores(np.zeros((1, 3, 16, 16), np.uint8))


def test_that_the_card_is_read_without_the_backbone(run: Path) -> None:
    card = read_card(run)
    assert (card.labelers, card.tokens, card.rank, card.alpha) == (LABELERS, 2, 4, 1.0)
    assert dict(card.attributes) == ATTRIBUTES
    assert card.temperature == pytest.approx(0.15)


def test_that_another_backbone_is_refused(model: PersonalClip, tmp_path: Path) -> None:
    text = make_backbone(tmp_path / "backbone", seed=1)
    stale = PersonalClip(load(parse(text), model.backbone.device), 3)
    save_model(
        stale, tmp_path, method="lora-visual-prompt", labelers=LABELERS, attributes=ATTRIBUTES
    )
    make_backbone(tmp_path / "backbone", seed=2)
    with pytest.raises(RunError, match="checksums differ"):
        load_run(tmp_path, "cpu")
    with pytest.raises(RunError, match="checksums differ"):
        load_run(tmp_path, "cpu", model.backbone)


def test_that_saving_again_replaces_the_model_whole(model: PersonalClip, run: Path) -> None:
    with torch.no_grad():
        model.prompts.table.add_(1)
    save_model(model, run, method="lora-visual-prompt", labelers=LABELERS, attributes=ATTRIBUTES)
    assert torch.equal(
        load_run(run, "cpu", model.backbone).model.prompts.table, model.prompts.table
    )
    assert sorted(path.name for path in run.iterdir()) == ["adapter", "tokens.safetensors"]


def test_that_a_run_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no trained model yet"):
        load_run(tmp_path)


def test_that_a_run_of_an_earlier_version_is_told_from_a_damaged_one(
    run: Path, model: PersonalClip
) -> None:
    path = run / "tokens.safetensors"
    with safe_open(path, framework="pt") as file:
        card = json.loads(file.metadata()["prism"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    fields = {name: value for name, value in card.items() if name != "experts"}
    save_file(tensors, path, metadata={"prism": json.dumps(fields)})
    with pytest.raises(
        RunError, match=r"trained by an earlier version, .* experts; train it again"
    ):
        load_run(run, "cpu", model.backbone)
    save_file({}, path, metadata={"prism": json.dumps(card)})
    with pytest.raises(RunError, match="trained by an earlier version"):
        load_run(run, "cpu", model.backbone)
    save_file(tensors, path, metadata={"prism": json.dumps(card | {"of_tomorrow": 1})})
    with pytest.raises(RunError, match="trained by a later version"):
        load_run(run, "cpu", model.backbone)


def test_that_heads_of_an_earlier_version_are_told_from_damaged_ones(tmp_path: Path) -> None:
    space = Space(np.zeros(8), np.eye(8)[:, :5])
    heads = LinearHeads(space, np.zeros((3, 2, 5)), np.ones((3, 2)), 1.0, shared=True)
    lacking = {name: array for name, array in heads.arrays().items() if name != "overlap"}
    card = HeadCard("consensus", "embeddings:faces", "", LABELERS, tuple(ATTRIBUTES))
    save_heads(SimpleNamespace(arrays=lambda: lacking, scores=heads.scores), tmp_path, card)
    with pytest.raises(
        RunError, match=r"trained by an earlier version, .* overlap; train it again"
    ):
        load_heads(tmp_path)
    (tmp_path / "head.safetensors").write_bytes(b"broken")
    with pytest.raises(RunError, match="damaged"):
        load_heads(tmp_path)


def test_that_damage_is_named(run: Path, model: PersonalClip) -> None:
    (run / "adapter" / "adapter_model.safetensors").write_bytes(b"broken")
    with pytest.raises(RunError, match=r"adapter of .* damaged"):
        load_run(run, "cpu", model.backbone)
    (run / "tokens.safetensors").write_bytes(b"broken")
    with pytest.raises(RunError, match="damaged"):
        load_run(run, "cpu", model.backbone)


@pytest.mark.parametrize("name", METHODS)
def test_that_a_file_that_names_a_method_it_does_not_fit_is_refused_in_a_sentence(
    name: str, model: PersonalClip, tmp_path: Path
) -> None:
    save_model(model, tmp_path, method=name, labelers=LABELERS, attributes=ATTRIBUTES)
    same = METHODS[name].parts
    alike = {"TokenTable", "StartingHeads", "SharedAdapter", "CosineScores"}
    beside = {"AgreementContrast", "Distillation", "LabelerGuess", "OrdinalRatings"}
    if {type(part).__name__ for part in same} <= alike | beside:
        assert load_run(tmp_path, "cpu").labelers == LABELERS
        return
    with pytest.raises(RunError):
        load_run(tmp_path, "cpu")
