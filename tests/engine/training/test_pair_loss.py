import math

import pytest
import torch

from prism_desktop.engine.training.pair_loss import PairLoss, correct


def test_that_bradley_terry_equals_the_cross_entropy_of_the_two_scores() -> None:
    left, right = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.1, 0.5, 2.0])
    outcome = torch.tensor([1.0, 1.0, 0.0])
    expected = torch.nn.functional.cross_entropy(
        torch.stack([left, right], -1), (1 - outcome).long(), reduction="none"
    )
    assert torch.allclose(PairLoss(ties=False)(left - right, outcome), expected)
    assert PairLoss(ties=False)(torch.tensor([0.2]), torch.tensor([1.0])).item() == pytest.approx(
        math.log(1 + math.exp(-0.2))
    )


def test_that_davidson_matches_its_formula_and_sums_to_one() -> None:
    loss = PairLoss(ties=True, tie_share=0.2)
    assert loss.log_nu is not None
    nu = math.exp(loss.log_nu.item())
    p, q = math.exp(0.7), math.exp(-0.4)
    total = p + q + nu * math.sqrt(p * q)
    found = loss.log_probabilities(torch.tensor([1.1])).exp()[0]
    assert found.tolist() == pytest.approx([p / total, nu * math.sqrt(p * q) / total, q / total])
    many = loss.log_probabilities(torch.linspace(-20, 20, 101)).exp()
    assert torch.allclose(many.sum(-1), torch.ones(101))
    assert loss.log_probabilities(torch.zeros(1)).exp()[0, 1].item() == pytest.approx(0.2)
    outcomes = torch.tensor([1.0, 0.5, 0.0])
    assert torch.allclose(loss(torch.full((3,), 1.1), outcomes), -found.log())


def test_that_davidson_learns_the_tie_rate() -> None:
    loss = PairLoss(ties=True, tie_share=0.5)
    outcome = torch.tensor([0.5] * 10 + [1.0] * 45 + [0.0] * 45)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss(torch.zeros(100), outcome).mean().backward()
        optimizer.step()
    assert loss.log_probabilities(torch.zeros(1)).exp()[0, 1].item() == pytest.approx(
        0.1, abs=0.005
    )


def test_that_without_ties_davidson_is_bradley_terry() -> None:
    difference = torch.linspace(-3, 3, 7)
    probabilities = PairLoss(ties=False).log_probabilities(difference).exp()
    assert torch.allclose(probabilities[:, 0], torch.sigmoid(difference))
    assert (probabilities[:, 1] == 0).all()


def test_that_equal_scores_count_as_half_right_and_ties_not_at_all() -> None:
    found = correct(torch.tensor([1.0, 1.0, 0.0, -2.0]), torch.tensor([1.0, 0.0, 1.0, 0.5]))
    assert found[:3].tolist() == [1.0, 0.0, 0.5]
    assert found[3].isnan()
