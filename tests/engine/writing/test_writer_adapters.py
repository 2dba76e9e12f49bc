"""Adapters of several people in one pass, mixed and held back."""

import pytest
import torch
from torch import nn

from prism_desktop.engine.writing.writer_adapters import MixedExperts, WriterAdapters

X = torch.arange(24.0).view(2, 3, 4) / 10


def _filled(adapters: WriterAdapters) -> WriterAdapters:
    generator = torch.Generator().manual_seed(3)
    for one in adapters.parameters():
        one.data = torch.randn(one.shape, generator=generator)
    return adapters


@pytest.fixture
def maps() -> list[nn.Linear]:
    return [nn.Linear(4, 5, bias=False)]


def test_that_a_share_of_adapters_changes_a_row_by_that_share(maps: list[nn.Linear]) -> None:
    adapters = _filled(WriterAdapters(maps, 3, 2, 4.0, torch.Generator()))
    plain = maps[0](X)
    with adapters.on(maps, torch.tensor([2, 0])):
        whole = maps[0](X)
    with adapters.on(maps, torch.tensor([2, 0]), torch.tensor([0.25, 0.0])):
        some = maps[0](X)
    assert torch.allclose(some[0], plain[0] + 0.25 * (whole - plain)[0], atol=1e-5)
    assert torch.equal(some[1], plain[1])


def test_that_adapters_within_the_weights_do_what_they_do_beside_them(
    maps: list[nn.Linear],
) -> None:
    adapters = _filled(WriterAdapters(maps, 1, 2, 4.0, torch.Generator()))
    weight = maps[0].weight.requires_grad_(False)
    for _ in range(2):
        given, other = X.clone().requires_grad_(), X.clone().requires_grad_()
        with adapters.on(maps, None):
            beside = maps[0](given)
        with adapters.folded(maps):
            within = maps[0](other)
        assert maps[0].weight is weight
        beside.square().sum().backward()
        within.square().sum().backward()  # outside, where the weights are their own again
        assert torch.allclose(within, beside, atol=1e-4)
        assert given.grad is not None
        assert other.grad is not None
        assert torch.allclose(other.grad, given.grad, rtol=1e-4, atol=1e-4)
        with torch.no_grad():  # and another time, after they were changed
            adapters.up[0].mul_(-0.5)


def test_that_the_distance_is_that_of_the_full_matrices(maps: list[nn.Linear]) -> None:
    adapters = _filled(WriterAdapters(maps, 3, 2, 4.0, torch.Generator()))
    moved = 2.0 * adapters.up[0] @ adapters.down[0]  # alpha / rank
    expected = moved.pow(2).sum((1, 2)) / maps[0].weight.pow(2).sum()
    assert torch.allclose(adapters.distance(maps), expected)


def _experts(maps: list[nn.Linear], *, routed: bool) -> MixedExperts:
    made = MixedExperts(maps, 3, 2, 4.0, [0, 4], torch.Generator().manual_seed(1), routed=routed)
    _filled(made)
    made.gate.data /= made.SHARPNESS
    return made


def test_that_experts_are_mixed_as_the_gate_says(maps: list[nn.Linear]) -> None:
    experts = _experts(maps, routed=False)
    gate = (experts.SHARPNESS * experts.gate).softmax(-1)
    each = [2.0 * 3**0.5 * X[0] @ (up @ down).T
            for up, down in zip(experts.up[0], experts.down[0], strict=True)]  # fmt: skip
    mean = sum(share * one for share, one in zip(gate[1], each, strict=True))
    with experts.on(maps, torch.tensor([1, 0])):
        found = maps[0](X)[0]
    assert torch.allclose(found, maps[0](X)[0] + mean, atol=1e-4)


def test_that_each_group_starts_with_an_expert_of_its_own(maps: list[nn.Linear]) -> None:
    made = MixedExperts(maps, 3, 2, 4.0, [0, 2, 0], torch.Generator().manual_seed(1), routed=True)
    assert made.gate.argmax(1).tolist() == [0, 2, 0]
    shares = (made.SHARPNESS * made.gate).softmax(-1)
    assert bool((shares.max(1).values < 0.9).all())  # and with something of the others


def test_that_a_routed_mixture_reads_each_token(maps: list[nn.Linear]) -> None:
    experts = _experts(maps, routed=True)
    who = torch.tensor([0, 0])

    def moved(x: torch.Tensor) -> torch.Tensor:
        with experts.on(maps, who):
            return maps[0](x) - x @ maps[0].weight.T

    once, twice = moved(X), moved(2 * X)
    assert not torch.allclose(twice, 2 * once, atol=1e-2)  # the shares are others
    experts.route[0].data.zero_()
    assert torch.allclose(moved(2 * X), 2 * moved(X), atol=1e-3)


def test_that_use_is_balanced_where_everyone_has_another_expert(maps: list[nn.Linear]) -> None:
    experts = _experts(maps, routed=False)
    experts.gate.data = torch.zeros(2, 3)
    assert experts.imbalance().detach().item() == pytest.approx(0.0, abs=1e-6)
    experts.gate.data[:, 0] = 10.0  # all use the first: (2/3, -1/3, -1/3) about a mean of 1/3
    assert experts.imbalance().detach().item() == pytest.approx(2.0, rel=1e-4)
