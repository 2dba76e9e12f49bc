"""Summaries of answers, the network that reads them, and tokens of groups."""

import numpy as np
import pytest
import torch

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.contexts import ContextPrompts, summarise
from prism_desktop.engine.models.tokens import GroupPrompts


def _answers(rows: list[tuple[int, int, int, int, float]]) -> Answers:
    """(labeler, attribute, left, right, outcome) each."""
    labeler, attribute, left, right, outcome = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    ones = np.ones(len(rows), np.float32)
    return Answers(
        labeler, attribute, left, right, outcome.astype(np.float32), ones, np.arange(len(rows))
    )


def test_that_a_summary_is_the_mean_of_chosen_minus_not_chosen() -> None:
    x = np.array([[1.0, 0], [0, 2], [4, 4]])
    told = _answers([(0, 0, 0, 1, 1), (0, 0, 2, 1, 0), (0, 0, 2, 0, 0.5), (1, 1, 2, 0, 1)])
    profiles = np.array([[0, 0, 0], [0.6, 0, 0.8]], np.float32)
    made = summarise(x, told, 2, 2, profiles)
    assert made.shape == (2, 3, 4)
    assert made[0, 0].tolist() == [2, (1 - 4) / 2, (-2 + 2 - 4) / 2, 0]  # the tie says nothing
    assert made[0, 1].tolist() == [0, 0, 0, 0]
    assert made[1, 1].tolist() == [1, 3, 4, 0]
    assert made[0, 2].tolist() == [0, 0, 0, 0]
    assert made[1, 2] == pytest.approx([1, 0.6, 0, 0.8])


def _prompts(context: np.ndarray) -> ContextPrompts:
    return ContextPrompts(context, 2, 8, std=1.0, generator=torch.Generator().manual_seed(0))


def test_that_someone_who_said_nothing_gets_the_tokens_of_the_average_labeler() -> None:
    rng = np.random.default_rng(0)
    context = rng.normal(size=(4, 2, 5)).astype(np.float32)
    context[:, :, 0] = 100
    prompts = _prompts(context)
    average = context.mean(axis=0, keepdims=True)
    read = prompts.read(torch.from_numpy(np.concatenate([average, np.zeros_like(average)])))
    assert torch.allclose(read[0], read[1], atol=1e-5)
    assert torch.allclose(read[1], prompts.common[0], atol=1e-5)
    assert not torch.allclose(prompts(torch.tensor([0]))[0], prompts.common[0], atol=0.01)


def test_that_few_answers_move_tokens_less_than_many_of_the_same_mean() -> None:
    rng = np.random.default_rng(0)
    context = rng.normal(size=(4, 2, 5)).astype(np.float32)
    context[:, :, 0] = 100
    prompts = _prompts(context)
    few = context.copy()
    few[:, :, 0] = 2
    moved = (prompts.read(torch.from_numpy(context)) - prompts.common).norm()
    assert (prompts.read(torch.from_numpy(few)) - prompts.common).norm() < moved / 2


def test_that_a_newcomer_with_the_same_answers_gets_the_same_tokens() -> None:
    context = np.random.default_rng(0).uniform(1, 9, size=(3, 2, 5)).astype(np.float32)
    prompts = _prompts(context)
    assert torch.allclose(
        prompts(torch.tensor([2, 0, 2])), prompts.read(torch.from_numpy(context[[2, 0, 2]]))
    )


def test_that_group_tokens_are_mixed_by_shares_and_deviations_start_at_nothing() -> None:
    shares = np.array([[1, 0], [0, 1], [0.25, 0.75]], np.float32)
    generator = torch.Generator().manual_seed(0)
    prompts = GroupPrompts(shares, np.array([1, 1, 0]), 2, 4, std=1.0, generator=generator)
    tokens = prompts(torch.tensor([0, 1, 2]))
    assert torch.equal(tokens[:2], prompts.table)
    assert torch.allclose(tokens[2], 0.25 * prompts.table[0] + 0.75 * prompts.table[1])
    assert prompts.deviation is not None
    with torch.no_grad():
        prompts.deviation[0] = 1
    assert torch.equal(prompts(torch.tensor([0]))[0], prompts.table[0] + 1)
