"""Frozen models are built from a config and filled from safetensors only."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from prism_desktop.engine.backbones import Backbone, image_size, load, parse
from prism_desktop.engine.device import Device
from prism_desktop.engine.errors import BackboneError
from tests.fixtures.backbone import CONFIG

CPU = Device("cpu", "CPU", "")


@pytest.fixture
def backbone(tiny_backbone: str) -> Backbone:
    return load(parse(tiny_backbone), CPU)


def _parts(text: str) -> tuple[Path, Path]:
    spec = parse(text)
    return Path(spec.model), Path(spec.source)


def test_that_a_backbone_knows_its_shape(backbone: Backbone, tiny_backbone: str) -> None:
    assert (backbone.image_size, backbone.width, backbone.embed_dim) == (32, 64, 32)
    assert (backbone.blocks, backbone.patches, backbone.grid) == (2, 16, 4)
    assert backbone.name == tiny_backbone
    assert len(backbone.sha256) == 64
    assert image_size(parse(tiny_backbone)) == 32


def test_that_a_backbone_is_frozen_and_evaluating(backbone: Backbone) -> None:
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    assert not any(module.training for module in backbone.model.modules())


def test_that_the_weights_are_those_of_the_file(backbone: Backbone, tiny_backbone: str) -> None:
    stored = load_file(_parts(tiny_backbone)[1])
    state = backbone.model.state_dict()
    assert stored.keys() == state.keys()
    assert all(torch.equal(stored[name], state[name]) for name in stored)


def test_that_half_precision_on_disk_becomes_float32(tiny_backbone: str, tmp_path: Path) -> None:
    config, weights = _parts(tiny_backbone)
    save_file(
        {name: tensor.half() for name, tensor in load_file(weights).items()},
        tmp_path / "half.safetensors",
    )
    model = load(parse(f"{config}:{tmp_path / 'half.safetensors'}"), CPU).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_that_a_folder_with_preprocessing_is_read(tiny_backbone: str, tmp_path: Path) -> None:
    _, weights = _parts(tiny_backbone)
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    (tmp_path / "config.json").write_text(
        json.dumps({"model_cfg": CONFIG, "preprocess_cfg": preprocess})
    )
    (tmp_path / "weights.safetensors").symlink_to(weights)
    backbone = load(parse(str(tmp_path)), CPU)
    assert backbone.mean == (0.5, 0.5, 0.5)
    assert backbone.std == (0.25, 0.25, 0.25)


def test_that_loading_does_not_touch_the_random_stream(tiny_backbone: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load(parse(tiny_backbone), CPU)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_that_a_pickle_is_refused_unread_with_the_way_to_convert_it(
    tiny_backbone: str, tmp_path: Path, name: str, kind: str
) -> None:
    config, weights = _parts(tiny_backbone)
    path = tmp_path / name
    if kind == "torch":
        torch.save(load_file(weights), path)
    else:
        path.write_bytes(pickle.dumps(_Bomb(str(tmp_path / "exploded"))))
    with pytest.raises(BackboneError, match=r"is a pickle.*Convert it.*safetensors"):
        load(parse(f"{config}:{path}"), CPU)
    assert not (tmp_path / "exploded").exists()


class _Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.path, "w"))


def test_that_a_truncated_file_is_called_damaged(tiny_backbone: str, tmp_path: Path) -> None:
    config, weights = _parts(tiny_backbone)
    path = tmp_path / "cut.safetensors"
    path.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BackboneError, match="damaged"):
        load(parse(f"{config}:{path}"), CPU)


def test_that_a_missing_file_is_named(tiny_backbone: str) -> None:
    config, _ = _parts(tiny_backbone)
    with pytest.raises(BackboneError, match=r"/nowhere/w\.safetensors does not exist"):
        load(parse(f"{config}:/nowhere/w.safetensors"), CPU)


def test_that_weights_of_another_architecture_are_refused(
    tiny_backbone: str, tmp_path: Path
) -> None:
    _, weights = _parts(tiny_backbone)
    config = tmp_path / "wider.json"
    config.write_text(json.dumps(CONFIG | {"vision_cfg": CONFIG["vision_cfg"] | {"width": 128}}))
    with pytest.raises(BackboneError, match="weights of another architecture"):
        load(parse(f"{config}:{weights}"), CPU)


def test_that_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(BackboneError, match=r"no model 'ViT-B-33'; did you mean ViT-B-32"):
        load(parse("ViT-B-33:openai_x"), CPU)


def test_that_an_unknown_tag_is_answered_with_the_nearest() -> None:
    with pytest.raises(BackboneError, match=r"no weights tagged 'laion2b'.*laion2b_"):
        load(parse("ViT-B-32:laion2b"), CPU)


@pytest.mark.parametrize(
    "model", ["RN50", "ViT-B-16-SigLIP", "coca_ViT-B-32", "xlm-roberta-base-ViT-B-32"]
)
def test_that_a_model_without_a_place_for_tokens_is_declined_before_its_weights_are_read(
    model: str, tiny_backbone: str
) -> None:
    _, weights = _parts(tiny_backbone)
    with pytest.raises(BackboneError, match="cannot be personalised"):
        load(parse(f"{model}:{weights}"), CPU)


def test_that_a_config_that_is_none_is_named(tiny_backbone: str, tmp_path: Path) -> None:
    _, weights = _parts(tiny_backbone)
    (tmp_path / "bad.json").write_text('{"embed_dim": 3}')
    with pytest.raises(BackboneError, match="lacks vision_cfg, text_cfg"):
        load(parse(f"{tmp_path / 'bad.json'}:{weights}"), CPU)
