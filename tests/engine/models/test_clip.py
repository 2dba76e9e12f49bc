"""The personal model: frozen but for adapters and tokens,
and equal to open_clip where nothing was learned."""

import math

import pytest
import torch
from torch import Tensor

from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.device import Device, Precision, precision
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.clip import PersonalClip

LABELER = torch.tensor([0, 1, 2, 1, 0])


def test_that_without_token_and_with_zeroed_adapters_the_features_are_open_clips(
    backbone: Backbone, pixels: Tensor
) -> None:
    features = PersonalClip(backbone, 3).image_features(pixels, None)
    expected = backbone.model.encode_image(pixels, normalize=True)  # type: ignore[operator]
    assert torch.allclose(features, expected, atol=1e-5)


def test_that_features_have_unit_norm_and_depend_on_the_labeler(
    model: PersonalClip, pixels: Tensor
) -> None:
    one, other = (model.image_features(pixels, torch.full((5,), row)) for row in (0, 1))
    assert torch.allclose(one.norm(dim=-1), torch.ones(5), atol=1e-5)
    assert (one - other).abs().max() > 0.01


def test_that_a_gradient_reaches_only_the_labeler_who_judged(
    model: PersonalClip, pixels: Tensor
) -> None:
    model.image_features(pixels[:2], torch.tensor([1, 1])).sum().backward()
    grad = model.prompts.table.grad
    assert grad is not None
    assert grad[1].abs().min() > 0
    assert grad[0].count_nonzero() == grad[2].count_nonzero() == 0


def test_that_nothing_frozen_gets_a_gradient(
    model: PersonalClip, backbone: Backbone, pixels: Tensor
) -> None:
    model.train()(pixels, LABELER, [sentences("smart")]).sum().backward()
    with_gradient = {
        name for name, parameter in model.named_parameters() if parameter.grad is not None
    }
    assert with_gradient == {
        name for name in with_gradient if ".lora_" in name or name == "prompts.table"
    }
    assert len(with_gradient) == 1 + 2 * 2 * 2
    assert all(parameter.grad is None for parameter in backbone.model.parameters())


def test_that_the_backbone_is_not_changed_and_shares_its_weights(
    backbone: Backbone, pixels: Tensor
) -> None:
    before = backbone.model.encode_image(pixels)  # type: ignore[operator]
    first, second = PersonalClip(backbone, 2, seed=1), PersonalClip(backbone, 5, seed=2)
    assert torch.equal(backbone.model.encode_image(pixels), before)  # type: ignore[operator]
    assert first.visual.proj is second.visual.proj is backbone.model.visual.proj
    assert first.visual is not second.visual


def test_that_an_image_sent_once_serves_several_labelers(
    model: PersonalClip, pixels: Tensor
) -> None:
    labeler, image = torch.tensor([0, 2, 1, 0]), torch.tensor([4, 4, 0, 1])
    shared = model.image_features(pixels, labeler, image)
    assert torch.allclose(shared, model.image_features(pixels[image], labeler), atol=1e-6)


def test_that_vit_b_32_with_six_labelers_trains_exactly_so_many_parameters(
    random_vit_b32: str,
) -> None:
    backbone = load(parse(random_vit_b32), Device("cpu", "CPU", ""))
    model = PersonalClip(backbone, 6)
    assert model.counts() == {"lora": 368_640, "tokens": 4_608, "trainable": 368_640 + 4_608}
    assert (backbone.image_size, backbone.patches, backbone.embed_dim) == (224, 49, 512)


def test_that_a_learned_temperature_is_one_parameter_more(backbone: Backbone) -> None:
    model = PersonalClip(backbone, 2, learn_temperature=True, temperature=0.2)
    counts = model.counts()
    assert counts["trainable"] == counts["lora"] + counts["tokens"] + 1
    assert model.temperature.item() == pytest.approx(0.2)
    assert [group["name"] for group in model.parameter_groups(1e-3, 1e-2, 0.01)] == [
        "lora",
        "tokens",
        "temperature",
    ]


def test_that_every_trained_parameter_is_in_one_group_with_its_own_rate(
    model: PersonalClip,
) -> None:
    groups = {group["name"]: group for group in model.parameter_groups(1e-3, 1e-2, 0.01)}
    assert (groups["lora"]["lr"], groups["tokens"]["lr"]) == (1e-3, 1e-2)
    grouped = [id(parameter) for group in groups.values() for parameter in group["params"]]
    assert sorted(grouped) == sorted(
        id(parameter) for parameter in model.parameters() if parameter.requires_grad
    )


def test_that_a_tower_trained_whole_starts_at_the_backbones_weights(backbone: Backbone) -> None:
    rounded = Precision("bfloat16", "")
    model = PersonalClip(backbone, 2, method=method("full-finetune"), precision=rounded)
    own, given = model.visual.state_dict(), backbone.model.visual.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in given.items())
    assert model.precision == "float32"


def test_that_labelers_who_learn_alone_move_nothing_of_each_others(
    backbone: Backbone, pixels: torch.Tensor
) -> None:
    model = PersonalClip(backbone, 2, method=method("per-labeler-lora"))
    labelers = torch.tensor([0, 1]).repeat_interleave(5)
    with torch.no_grad():
        before = model(pixels.repeat(2, 1, 1, 1), labelers, (("smart",),))
    rates = {"lora_lr": 0.1, "token_lr": 0.1, "weight_decay": 0.0}
    optimizer = torch.optim.SGD(model.parameter_groups(**rates))
    for _ in range(2):
        optimizer.zero_grad()
        model(pixels, torch.zeros(5, dtype=torch.int64), (("smart",),)).var().backward()
        optimizer.step()
    with torch.no_grad():
        after = model(pixels.repeat(2, 1, 1, 1), labelers, (("smart",),))
    assert not torch.allclose(before[:5], after[:5])
    assert torch.equal(before[5:], after[5:])


def test_that_the_seed_alone_decides_where_training_starts(backbone: Backbone) -> None:
    torch.manual_seed(1)
    one = PersonalClip(backbone, 3, seed=7).trainable_state()
    torch.manual_seed(2)
    stream = torch.get_rng_state()
    same, other = (
        PersonalClip(backbone, 3, seed=7).trainable_state(),
        PersonalClip(backbone, 3, seed=8).trainable_state(),
    )
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["prompts.table"], other["prompts.table"])
    assert all(one[name].count_nonzero() == 0 for name in one if "lora_B" in name)


def test_that_adapters_can_start_small(backbone: Backbone) -> None:
    state = PersonalClip(backbone, 3, lora_std=0.01).trainable_state()
    drawn = torch.cat([state[name].flatten() for name in state if "lora_A" in name])
    assert drawn.std().item() == pytest.approx(0.01, rel=0.1)


def test_that_a_trained_state_is_taken_over_exactly(
    model: PersonalClip, backbone: Backbone, pixels: Tensor
) -> None:
    other = PersonalClip(backbone, 3, tokens=2, seed=5)
    other.load_trainable_state(model.trainable_state())
    assert torch.equal(other.image_features(pixels, LABELER), model.image_features(pixels, LABELER))


def test_that_a_state_is_a_copy(model: PersonalClip) -> None:
    state = model.trainable_state()
    before = state["prompts.table"].clone()
    with torch.no_grad():
        model.prompts.table.add_(1)
    assert torch.equal(state["prompts.table"], before)


def test_that_a_state_of_another_shape_is_refused(model: PersonalClip, backbone: Backbone) -> None:
    with pytest.raises(RunError, match="other labelers, tokens, rank or backbone"):
        PersonalClip(backbone, 4, tokens=2).load_trainable_state(model.trainable_state())


def test_that_pixels_are_normalised_as_the_backbone_wants(
    model: PersonalClip, backbone: Backbone
) -> None:
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (backbone.mean, backbone.std))
    assert torch.allclose(model.normalise(pixels), (pixels / 255 - mean) / std, atol=1e-5)


def test_that_a_text_vector_is_the_mean_direction_of_its_sentences(
    model: PersonalClip, backbone: Backbone
) -> None:
    texts = sentences("smart")
    assert texts == (
        "smart",
        "a smart person",
        "this person looks smart",
        "this person is smart",
        "this person appears smart",
    )
    each = torch.stack(
        [
            backbone.model.encode_text(backbone.tokenizer([text]), normalize=True)[0]  # type: ignore[operator]
            for text in texts
        ]
    )
    expected = each.mean(dim=0) / each.mean(dim=0).norm()
    vector = model.text_vectors([texts])
    assert torch.allclose(vector, expected[None], atol=1e-5)
    assert not vector.requires_grad


def test_that_a_text_is_encoded_once(model: PersonalClip, monkeypatch: pytest.MonkeyPatch) -> None:
    first = model.text_vectors([sentences("smart"), sentences("kind"), sentences("smart")])
    monkeypatch.setattr(model.clip, "encode_text", None)
    assert torch.equal(model.text_vectors([sentences("kind"), sentences("smart")]), first[[1, 0]])


def test_that_scores_are_cosines_over_the_temperature(model: PersonalClip, pixels: Tensor) -> None:
    features, text = (
        model.image_features(pixels, LABELER),
        model.text_vectors([sentences("a"), sentences("b")]),
    )
    scores = model.scores(features, text)
    assert scores.shape == (5, 2)
    assert math.isclose(scores[3, 1].item(), (features[3] @ text[1]).item() / 0.15, rel_tol=1e-4)


def test_that_weights_in_bfloat16_give_nearly_the_same_features_and_leave_the_backbone_alone(
    model: PersonalClip, backbone: Backbone, pixels: Tensor
) -> None:
    rough = PersonalClip(backbone, 3, tokens=2, precision=precision(backbone.device, "bfloat16"))
    rough.load_trainable_state(model.trainable_state())
    assert rough.visual.proj.dtype is torch.bfloat16
    assert {parameter.dtype for parameter in rough.parameters() if parameter.requires_grad} == {
        torch.float32
    }
    assert backbone.model.visual.proj.dtype is torch.float32
    features = rough.image_features(pixels, LABELER)
    assert features.dtype is torch.float32
    assert (features * model.image_features(pixels, LABELER)).sum(dim=-1).min() > 0.999
    features.sum().backward()
    assert rough.prompts.table.grad is not None
