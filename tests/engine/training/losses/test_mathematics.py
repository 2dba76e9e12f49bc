"""Every term against a case that was worked out by hand."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.batches import Batch, batch
from prism_desktop.engine.training.losses.contrastive import ContrastiveLoss, training_agreement
from prism_desktop.engine.training.losses.distillation import DistillationLoss
from prism_desktop.engine.training.losses.labeler_id import LabelerIdLoss
from prism_desktop.engine.training.losses.meta_learning import INNER, Maml, MetaStart, Reptile
from prism_desktop.engine.training.losses.ordinal import (
    OrdinalLoss,
    ordinal_loss,
    steps_of,
    thresholds,
)
from prism_desktop.engine.training.losses.priors import LoadBalanceLoss, PriorLoss, ShrinkageLoss


def model_of(table: list[list[float]], start: list[float]) -> Any:
    """A model with nothing but one token per labeler."""
    tokens = nn.Parameter(torch.tensor(table)[:, None])
    prompts = SimpleNamespace(table=tokens, start=torch.tensor(start)[None, None])
    return SimpleNamespace(
        get_submodule=lambda name: lambda labeler: tokens[labeler], prompts=prompts
    )


def meta_model(table: list[list[float]], start: list[float]) -> Any:
    """The same for terms that write into the table."""
    model = model_of(table, start)
    return SimpleNamespace(get_submodule=lambda name: model.prompts)


def answered(
    labeler: list[int], left: list[int], right: list[int], outcome: list[float]
) -> Answers:
    """Answers to the first attribute."""
    n = len(labeler)
    numbers = [np.array(column, dtype=np.int64) for column in (labeler, [0] * n, left, right)]
    return Answers(*numbers, np.array(outcome, np.float32), np.ones(n, np.float32), np.arange(n))


def context(part: Batch | None = None, **given: Any) -> Any:
    """What a term is given, as far as it looks."""
    scorer = SimpleNamespace(
        send=torch.from_numpy,
        attribute_texts=[("x",)],
        view_groups=np.arange(2),
        **given.pop("scorer", {}),
    )
    return SimpleNamespace(
        part=part, scorer=scorer, difference=given.pop("difference", torch.zeros(1)), **given
    )


def test_that_angles_between_tokens_are_held_against_agreement() -> None:
    # Three deviations at 120 degrees: every cosine is -1/2. Common tokens must not matter, so they
    # lie about (5, 5).
    turn = [(math.cos(angle), math.sin(angle)) for angle in (0, 2 * math.pi / 3, -2 * math.pi / 3)]
    model = model_of([[5 + x, 5 + y] for x, y in turn], [0, 0])
    agreement = np.full((3, 3), np.nan, np.float32)
    agreement[0, 1] = agreement[1, 0] = 0.25  # target -1/2: nothing to add
    agreement[0, 2] = agreement[2, 0] = (
        1.0  # target 1: (3/2)^2; the third two share nothing and are left out
    )
    told = ContrastiveLoss(0.1, agreement)(context(model=model)).detach()
    assert float(told) == pytest.approx(0.1 * (0 + 2.25) / 2, rel=1e-5)
    nothing = ContrastiveLoss(0.1, np.full((3, 3), np.nan, np.float32))
    assert float(nothing(context(model=model)).detach()) == 0


def test_that_agreement_is_counted_where_training_answers_are_shared() -> None:
    train = answered([0, 0, 0, 1, 1, 2], [0, 2, 4, 1, 2, 8], [1, 3, 5, 0, 3, 9], [1, 1, 1, 0, 0, 1])
    matrix = training_agreement(train, 3)
    # the pair (0, 1) alike though seen the other way round, (2, 3) not
    assert matrix[0, 1] == matrix[1, 0] == 0.5
    assert np.isnan(matrix[0, 2])
    assert np.isnan(matrix[1, 2])


def test_that_soft_labels_are_the_consensus_probabilities() -> None:
    part = batch(answered([0], [3], [7], [1]), np.array([0]), 10, np.arange(1))
    scores = np.zeros((1, 10), np.float32)
    scores[0, 3] = math.log(3)  # P(left) = 3/4
    loss_term = DistillationLoss(0.1, scores)
    assert float(loss_term(context(part, difference=torch.zeros(1)))) == pytest.approx(
        0.1 * math.log(2), rel=1e-5
    )
    # the least there can be, where the model believes the same
    entropy = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    same = loss_term(context(part, difference=torch.tensor([math.log(3)])))
    assert float(same) == pytest.approx(0.1 * entropy, rel=1e-5)


def test_that_deviations_are_held_in_units_of_their_spread() -> None:
    prompts = SimpleNamespace(deviation=torch.tensor([[[1.0, 2.0]], [[3.0, 0.0]]]))
    model = SimpleNamespace(get_submodule=lambda name: prompts)
    assert float(PriorLoss(0.1, 0.5)(context(model=model))) == pytest.approx(
        0.05 * (1 + 4 + 9 + 0) / 4 / 0.25
    )


def test_that_experts_that_are_used_unequally_cost_their_squared_variation() -> None:
    shares = torch.tensor([[1.0, 0.0], [0.5, 0.5]])  # used 3/4 and 1/4: mean 1/2, deviation 1/4
    mixture = SimpleNamespace(logits=torch.zeros(2, 2), gate=lambda labeler: shares[labeler])
    model = SimpleNamespace(get_submodule=lambda name: mixture)
    assert float(LoadBalanceLoss(0.1)(context(model=model))) == pytest.approx(
        0.1 * (0.25 / 0.5) ** 2
    )


def test_that_owned_adapters_are_held_by_the_squared_share_of_the_weights_that_they_change() -> (
    None
):
    tensors = {
        "c_fc.base_layer.weight": [[3.0, 0.0], [0.0, 3.0]],  # |W|^2 = 18
        "c_fc.lora_A.default.weight": [[9.0, 9.0]],  # everyone's is not held
        "c_fc.lora_B.default.weight": [[9.0], [9.0]],
        "c_fc.lora_A.own-0.weight": [[1.0, 2.0]],
        "c_fc.lora_B.own-0.weight": [[3.0], [0.0]],  # B A = ((3, 6), (0, 0)), and |B A|^2 = 45
        "c_fc.lora_A.own-1.weight": [[1.0, 2.0]],
        "c_fc.lora_B.own-1.weight": [[0.0], [0.0]],
    }
    named = [(name, torch.tensor(rows)) for name, rows in tensors.items()]
    model = SimpleNamespace(named_parameters=lambda: named, alpha=1.0, rank=2)
    loss_term = ShrinkageLoss(0.2)
    loss_term.begin(model)
    assert float(loss_term(context(model=model))) == pytest.approx(0.2 * (45 / 4 + 0) / 2 / 18)


def test_that_the_guess_of_the_labeler_starts_at_chance_and_can_be_learned() -> None:
    part = batch(answered([0, 1], [0, 2], [1, 3], [1, 0]), np.array([0, 1]), 4, np.arange(2))
    features = torch.eye(2)[torch.from_numpy(part.labeler)]
    loss_term = LabelerIdLoss(0.1, 2, 2)
    seen = context(part, features=features)
    assert float(loss_term(seen).detach()) == pytest.approx(0.1 * math.log(2), rel=1e-6)
    with torch.no_grad():
        loss_term.guess.weight.copy_(torch.eye(2) / 16)
    assert float(loss_term(seen).detach()) == pytest.approx(
        0.1 * math.log(1 + math.exp(-1)), rel=1e-5
    )


def test_that_ordered_steps_have_the_probabilities_between_their_cuts() -> None:
    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    cuts, score = torch.tensor([[-1.0, 0.0, 2.0]]), torch.tensor([0.5])
    losses = [float(ordinal_loss(score, cuts, torch.tensor([level]))) for level in range(4)]
    expected = [
        sigmoid(-1.5),
        sigmoid(-0.5) - sigmoid(-1.5),
        sigmoid(1.5) - sigmoid(-0.5),
        1 - sigmoid(1.5),
    ]
    assert [math.exp(-loss) for loss in losses] == pytest.approx(expected, rel=1e-4)
    assert sum(math.exp(-loss) for loss in losses) == pytest.approx(1, rel=1e-5)


def test_that_cuts_start_at_the_labelers_own_shares() -> None:
    value = np.array([1.0, 1, 1, 1, 1, 2, 2, 3])
    ratings = Ratings(*(np.zeros(8, np.int64) for _ in range(3)), value)
    level, levels = steps_of(ratings.value)
    assert (levels, level.tolist()) == (3, [0, 0, 0, 0, 0, 1, 1, 2])
    start = thresholds(ratings, level, levels, 1, 1)  # one more of each: 6, 3, 2 of 11
    assert start[0, 0].tolist() == pytest.approx([math.log(6 / 5), math.log(9 / 2)], rel=1e-5)
    assert OrdinalLoss(0.05, ratings, 1, 1).cuts()[0, 0].tolist() == pytest.approx(
        start[0, 0].tolist(), rel=1e-4
    )
    assert steps_of(np.linspace(0, 1, 100))[1] == 10


def test_that_a_rating_counts_where_its_image_is_seen_with_its_labelers_eyes() -> None:
    part = batch(answered([0, 1], [0, 2], [1, 3], [1, 0]), np.array([0, 1]), 4, np.arange(2))
    # labeler, image: only the first and the third were seen so
    rows = [(0, 0), (1, 0), (1, 3), (0, 2)]
    labeler, image = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    ratings = Ratings(labeler, np.zeros(4, np.int64), image, np.array([1.0, 2, 3, 2]))
    told = part.image * 10.0 + part.labeler

    def score(features: torch.Tensor, owner: torch.Tensor, asked: object) -> torch.Tensor:
        assert sorted(features.tolist()) == [0.0, 31.0]
        assert sorted(owner.tolist()) == [0, 1]
        return torch.zeros(len(features), 1)

    model = SimpleNamespace(score=score)
    loss_term = OrdinalLoss(0.05, ratings, 2, 1)
    now = context(part, features=torch.from_numpy(told), model=model)
    p = [
        1 / (1 + math.exp(-float(cut.detach())))
        for cut in (*loss_term.cuts()[0, 0][:1], *loss_term.cuts()[1, 0][1:])
    ]
    expected = -0.05 * (math.log(p[0]) + math.log(1 - p[1])) / 2
    assert float(loss_term(now).detach()) == pytest.approx(expected, rel=1e-4)


def test_that_reptile_goes_towards_the_mean_of_the_tokens_that_left() -> None:
    model, loss_term = meta_model([[9.0, 9.0], [9.0, 9.0]], [0.0, 0.0]), Reptile()
    table = model.get_submodule("prompts").table
    loss_term.begin(model)
    assert torch.equal(table, torch.zeros(2, 1, 2))

    def leave(step: int) -> None:
        with torch.no_grad():
            table.copy_(torch.tensor([[[1.0, 0.0]], [[3.0, 4.0]]]))
        loss_term.stepped(model, step, 100)

    leave(INNER - 1)
    assert table[1, 0].tolist() == [3, 4]  # not yet
    leave(INNER)
    assert loss_term.start[0, 0].tolist() == table[0, 0].tolist() == table[1, 0].tolist() == [2, 2]
    leave(2 * INNER)  # (2, 2) is the mean now: nowhere to go
    assert loss_term.start[0, 0].tolist() == [2, 2]
    leave(65)  # 60 of 100 steps learn the start; afterwards everybody keeps their own
    assert table[1, 0].tolist() == [3, 4]
    loss_term.finish(SimpleNamespace(model=model), None, None)  # type: ignore[arg-type]
    assert model.get_submodule("prompts").start[0, 0].tolist() == [2, 2]


def test_that_maml_goes_against_the_mean_gradient_at_the_adapted_tokens() -> None:
    model, loss_term = meta_model([[0.0, 0.0], [0.0, 0.0]], [1.0, 1.0]), Maml(rate=0.01)
    table = model.get_submodule("prompts").table
    loss_term.begin(model)
    table.grad = torch.tensor([[[3.0, -1.0]], [[1.0, -3.0]]])  # the mean is (2, -2)
    loss_term.stepped(model, INNER, 100)
    # The first step of a rule that divides by the running size is one rate, against the sign.
    assert loss_term.start[0, 0].tolist() == pytest.approx([1 - 0.01, 1 + 0.01], rel=1e-5)
    assert torch.equal(table, loss_term.start.expand_as(table))


@pytest.mark.parametrize("loss_term", [Reptile(), Maml(0.01)])
def test_that_the_learned_start_is_in_the_state_of_a_checkpoint(loss_term: MetaStart) -> None:
    loss_term.begin(meta_model([[0.0, 0.0]], [1.0, 1.0]))
    assert "start" in loss_term.state_dict()
