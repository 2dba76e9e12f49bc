"""The decoder: what it is made of, what it keeps, and what it refuses."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.decoder import ACTIVATIONS, DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.space import fit_space
from tests.engine.models.heads.planted import features

ASKED = (("attractive", "an attractive person"), ("smart",))


def _model(**shape: object) -> DecoderModel:
    return DecoderModel(
        fit_space(features(30, 6), power=1.0), ASKED, 3, DecoderShape(**shape), seed=4
    )  # type: ignore[arg-type]


def test_that_the_network_is_the_one_written_down() -> None:
    model = _model(widths=(5, 4), vector=2, glu=True, activation="silu")
    x = model.prepare(features(2, 6, seed=1))
    labeler = torch.tensor([2, 0])
    inside = torch.cat([x, model.vectors[labeler]], dim=1)
    for layer in model.layers:
        product = layer.product(inside)
        half = product.shape[1] // 2
        inside = functional.silu(product[:, :half]) * 2 / (1 + torch.exp(-product[:, half:]))
    by_hand = inside @ model.comparison.weight.T + model.comparison.bias
    assert torch.allclose(model.score(x, labeler, ASKED), by_hand, atol=1e-6)
    assert torch.allclose(model.score(x, labeler, ASKED[1:]), by_hand[:, 1:], atol=1e-6)


def test_that_its_layers_are_those_of_the_readme() -> None:
    model = DecoderModel(fit_space(features(30, 6), power=1.0), ASKED, 3)
    assert [layer.product.out_features for layer in model.layers] == [384, 256, 128, 64, 32]
    assert model.counts()["tokens"] == 3 * 32
    assert set(model.view_groups) == {0}


def test_that_prepared_features_have_a_mean_square_of_one_per_axis() -> None:
    x = features(30, 6) * 3 + 1
    model = DecoderModel(fit_space(x, power=1.0), ASKED, 1)
    assert model.prepare(x).pow(2).mean(dim=0).numpy() == pytest.approx(np.ones(6), rel=1e-4)


@pytest.mark.parametrize("activation", [*ACTIVATIONS])
@pytest.mark.parametrize("norm", [False, True])
def test_that_it_says_the_same_after_it_was_kept(activation: str, norm: bool) -> None:
    model = _model(widths=(8, 4), activation=activation, batch_norm=norm, glu=norm, dropout=0.3)
    model.begin_episode(np.arange(3))
    # batch norm sees something
    model.score(model.prepare(features(16, 6)), torch.arange(16) % 3, ASKED)
    x = features(5, 6, seed=2)
    again = DecoderModel.from_arrays(model.arrays())
    assert again.shape == model.shape
    assert np.array_equal(again.scores(x), model.scores(x))
    assert model.scores(x).shape == (3, 2, 5)


def test_that_an_attribute_nobody_labeled_is_refused_by_name() -> None:
    model = _model(widths=(4,))
    with pytest.raises(
        InputError, match=r"'wearing a hat'.*does not read text.*'attractive', 'smart'"
    ):
        model.score(model.prepare(features(1, 6)), torch.tensor([0]), [("wearing a hat",)])


def test_that_dropout_and_batch_norm_act_in_training_steps_alone() -> None:
    model = _model(widths=(16,), batch_norm=True, dropout=0.5)
    x, labeler = model.prepare(features(8, 6)), torch.zeros(8, dtype=torch.int64)
    model.begin_episode(None)
    plain = model.score(x, labeler, ASKED)
    assert torch.equal(plain, model.score(x, labeler, ASKED))
    # a row is judged by itself
    assert torch.allclose(model.score(x[:1], labeler[:1], ASKED), plain[:1], atol=1e-6)
    model.begin_episode(np.array([1, 2]))
    dropped = model.score(x, labeler, ASKED)
    assert not torch.allclose(dropped, plain)
    model.begin_episode(np.array([7]))
    model.score(x, labeler, ASKED)
    model.begin_episode(np.array([1, 2]))
    # the batch decides what is dropped
    assert torch.allclose(model.score(x, labeler, ASKED), dropped, atol=1e-6)


def test_that_a_single_row_in_a_training_step_is_no_obstacle() -> None:
    model = _model(widths=(4,), batch_norm=True)
    model.begin_episode(np.array([0]))
    assert torch.isfinite(
        model.score(model.prepare(features(1, 6)), torch.tensor([0]), ASKED)
    ).all()
