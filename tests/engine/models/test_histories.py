"""Past comparisons as items, the episodes of training, the two encoders, and the gated memory."""

import numpy as np
import pytest
import torch

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.histories import (
    LENGTHS,
    Episodes,
    GatedMemory,
    HistoryPrompts,
    ItemEncoder,
    gather_history,
)
from prism_desktop.engine.models.labeler_context import LabelerContext


def _told(labelers: int = 3, each: int = 200, images: int = 40, seed: int = 0) -> Answers:
    rng = np.random.default_rng(seed)
    n = labelers * each
    labeler = np.repeat(np.arange(labelers), each)
    left = rng.integers(0, images, n)
    right = (left + rng.integers(1, images, n)) % images
    outcome = rng.choice([0.0, 0.5, 1.0], n, p=[0.45, 0.1, 0.45]).astype(np.float32)
    return Answers(
        labeler, rng.integers(0, 2, n), left, right, outcome, np.ones(n, np.float32), np.arange(n)
    )


def _known(told: Answers, labelers: int = 3, images: int = 40) -> LabelerContext:
    rng = np.random.default_rng(1)
    history, answer = gather_history(told, labelers)
    seen = rng.normal(size=(images, 6)).astype(np.float32)
    asked = rng.normal(size=(2, 5)).astype(np.float32)
    return LabelerContext(history=history, answer=answer, features=seen, attribute_vectors=asked)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _prompts(known: LabelerContext, averaged: bool) -> HistoryPrompts:
    return HistoryPrompts(known, 4, 8, averaged=averaged, std=1.0, generator=_generator())


def test_that_histories_hold_winner_loser_and_attribute_without_ties() -> None:
    told = Answers(
        np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([3, 4, 5]), np.array([6, 7, 8]),
        np.array([0, 0.5, 1], np.float32), np.ones(3, np.float32), np.arange(3),
    )  # fmt: skip
    history, place = gather_history(told, 3)
    assert history.tolist() == [[[6, 3, 0]], [[5, 8, 1]], [[-1, -1, -1]]]
    assert place.tolist() == [[0], [2], [-1]]


def test_that_an_item_is_linear_in_difference_mean_and_text() -> None:
    known = _known(_told())
    items = ItemEncoder(known, 7, _generator())
    winner, loser, attribute = 3, 9, 1
    assert known.features is not None
    assert known.attribute_vectors is not None
    plus, minus = torch.from_numpy(known.features[winner]), torch.from_numpy(known.features[loser])
    weight = torch.cat([items.contrast, items.middle, items.attribute], dim=1)
    stacked = torch.cat(
        [plus - minus, (plus + minus) / 2, torch.from_numpy(known.attribute_vectors[attribute])]
    )
    by_hand = weight @ stacked + items.bias
    assert torch.allclose(items(np.array([[[winner, loser, attribute]]]))[0, 0], by_hand, atol=1e-5)


def test_that_an_episode_hides_every_item_with_a_judged_image_and_draws_the_lengths() -> None:
    told = _told(each=400)
    episodes, rng, lengths = Episodes(_known(told)), np.random.default_rng(0), set()
    for _ in range(60):
        batch = np.sort(rng.choice(len(told), 12, replace=False))
        episodes.begin(batch)
        history, there = episodes.shown([0, 1, 2])
        lengths |= set(there.sum(axis=1).tolist())
        for labeler in range(3):
            mine = batch[(told.labeler[batch] == labeler) & (told.outcome[batch] != 0.5)]
            judged = {*told.left[mine], *told.right[mine]}
            assert not judged & {*history[labeler, there[labeler], :2].ravel()}
    assert set(LENGTHS) < lengths
    assert max(lengths) > 200  # what nobody judged in the batch, of 400 less the ties


def test_that_episodes_depend_on_the_batch_alone_and_all_is_shown_outside_them() -> None:
    told = _told()
    first, second = Episodes(_known(told)), Episodes(_known(told))
    first.begin(np.arange(50, 60))
    torch.rand(3)
    first.begin(np.arange(5))
    second.begin(np.arange(5))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(first.shown([0, 1, 2]), second.shown([0, 1, 2]), strict=True)
    )
    first.begin(None)
    _, there = first.shown([0, 2])
    counts = [int(np.sum((told.labeler == labeler) & (told.outcome != 0.5))) for labeler in (0, 2)]
    assert there.sum(axis=1).tolist() == counts


@pytest.mark.parametrize("averaged", [True, False])
def test_that_the_order_and_the_padding_of_items_do_not_matter(averaged: bool) -> None:
    prompts = _prompts(_known(_told()), averaged)
    history = np.array([[[1, 2, 0], [3, 4, 1], [5, 6, 0], [0, 0, 0]]])
    there = np.array([[True, True, True, False]])
    tokens = prompts.read(history, there)
    assert tokens.shape == (1, 4, 8)
    turned = prompts.read(history[:, [2, 3, 0, 1]], there[:, [2, 3, 0, 1]])
    assert torch.allclose(tokens, turned, atol=1e-5)
    assert torch.allclose(tokens, prompts.read(history[:, :3], there[:, :3]), atol=1e-5)
    history[0, 3] = [7, 8, 1]
    assert torch.allclose(tokens, prompts.read(history, there), atol=1e-5)
    assert not torch.allclose(tokens, prompts.read(history, np.ones_like(there)), atol=1e-3)


@pytest.mark.parametrize("averaged", [True, False])
def test_that_nothing_said_still_makes_tokens(averaged: bool) -> None:
    prompts = _prompts(_known(_told()), averaged)
    tokens = prompts.read(np.zeros((2, 1, 3), np.int64), np.zeros((2, 1), bool))
    assert torch.isfinite(tokens).all()
    assert torch.equal(tokens[0], tokens[1])


def test_that_labelers_tokens_are_those_of_their_items() -> None:
    prompts = _prompts(_known(_told()), averaged=False)
    together = prompts(torch.tensor([2, 0, 2]))
    assert torch.allclose(together[0], prompts(torch.tensor([2]))[0], atol=1e-5)
    assert torch.equal(together[0], together[2])
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_that_a_closed_gate_changes_nothing_and_an_open_one_adds_the_attention() -> None:
    known = _known(_told())
    memory = GatedMemory(known, 8, _generator())
    tokens = torch.randn(3, 5, 8, generator=_generator())
    labeler = torch.tensor([1, 0, 1])
    assert torch.equal(memory(tokens, labeler), tokens)
    with torch.no_grad():
        memory.gamma.fill_(0.5)
    history, there = Episodes(known).shown([0])
    items = torch.cat([memory.nothing, memory.items(history)], dim=1)
    added = memory.look(tokens[[1]], items, torch.ones(1, 1 + there.sum(), dtype=torch.bool))
    assert torch.allclose(
        memory(tokens, labeler)[1], tokens[1] + np.tanh(0.5) * added[0], atol=1e-5
    )


def test_that_attention_is_the_softmax_of_scaled_products() -> None:
    from torch.nn import functional

    memory = GatedMemory(_known(_told()), 8, _generator())
    look = memory.look
    x, items = (
        torch.randn(1, 2, 8, generator=_generator()),
        torch.randn(1, 3, 64, generator=_generator()),
    )
    there = torch.tensor([[True, False, True]])
    normal = functional.layer_norm(items, (64,))[0, [0, 2]]
    query = look.query(functional.layer_norm(x, (8,))[0]).view(2, 4, 16)
    key, value = look.key(normal).view(2, 4, 16), look.value(normal).view(2, 4, 16)
    weight = torch.einsum("qhd,khd->hqk", query / 16**0.5, key).softmax(dim=-1)
    by_hand = look.out(torch.einsum("hqk,khd->qhd", weight, value).reshape(2, 64))
    assert torch.allclose(look(x, items, there)[0], by_hand, atol=1e-5)


def test_that_answers_that_contradict_each_other_say_nothing_on_average() -> None:
    told = _told()
    prompts = _prompts(_known(told), averaged=True)
    said = np.array([[[3, 9, 1], [5, 2, 0]]])
    contradicted = np.concatenate([said, said[:, :, [1, 0, 2]]], axis=1)
    nothing, both = (
        prompts.read(items, np.full(items.shape[:2], shown))
        for items, shown in ((said, False), (contradicted, True))
    )
    assert torch.allclose(nothing, both, atol=1e-4)
    assert (prompts.read(said, np.full((1, 2), True)) - nothing).abs().max() > 0.01
