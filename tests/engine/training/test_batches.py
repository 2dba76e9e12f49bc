import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.training.batches import Sampler, batch
from tests.fixtures.runs import ATTRIBUTES, LABELERS, MakeTrainer, planted_pairs


def test_that_an_image_is_one_row_per_labeler_in_a_batch() -> None:
    answers = Answers(
        labeler=np.array([0, 0, 1, 1]),
        attribute=np.array([0, 1, 0, 0]),
        left=np.array([7, 7, 7, 3]),
        right=np.array([3, 3, 3, 9]),
        outcome=np.ones(4, np.float32),
        weight=np.ones(4, np.float32),
        group=np.array([0, 0, 1, 2]),
    )
    part = batch(answers, np.arange(4), 10, np.arange(2))
    rows = list(zip(part.images[part.image], part.labeler, strict=True))
    assert rows == [(3, 0), (7, 0), (3, 1), (7, 1), (9, 1)]
    assert part.images.tolist() == [3, 7, 9]
    assert [rows[row] for row in part.left] == [(7, 0), (7, 0), (7, 1), (3, 1)]
    assert [rows[row] for row in part.right] == [(3, 0), (3, 0), (3, 1), (9, 1)]
    together = batch(answers, np.arange(4), 10, np.zeros(2, np.int64))
    assert (len(together.image), together.labeler.tolist()) == (3, [0, 0, 0])
    assert together.answered_by.tolist() == [0, 0, 1, 1]


def test_that_attributes_of_one_presentation_share_a_group() -> None:
    from prism_desktop.engine.models.answers import answers

    frame = planted_pairs(np.linspace(0, 1, 12), 20)
    shuffled = frame.sample(frac=1, random_state=0)
    made = answers(shuffled, LABELERS, ATTRIBUTES, [f"i{n}" for n in range(12)])
    assert (np.diff(made.group) >= 0).all()
    assert (np.bincount(made.group) == 2).all()
    assert len(made) == len(frame)
    sizes = pd.Series(made.left).groupby(made.group).nunique()
    assert (sizes == 1).all()


@pytest.mark.parametrize("method", ["lora-visual-prompt", "consensus"])
def test_that_a_deduplicated_batch_has_the_loss_of_a_naive_one(
    make_trainer: MakeTrainer, method: str
) -> None:
    trainer = make_trainer(method=method)
    scorer, answers, places = trainer.scorer, trainer.answers["train"], np.arange(40)
    state = scorer.model.trainable_state()
    noisy = {name: tensor + 0.05 * torch.randn_like(tensor) for name, tensor in state.items()}
    scorer.model.load_trainable_state(noisy | {"log_temperature": state["log_temperature"]})
    part = scorer.batch(answers, places)
    assert len(part.images) <= len(part.image) < 2 * len(places)
    loss = trainer.loss(
        scorer.differences(part, scorer.encode(part)), torch.from_numpy(part.outcome)
    ).mean()
    loss.backward()
    gradient = scorer.model.prompts.table.grad.clone()
    scorer.model.zero_grad()

    naive = []
    for place in places:  # as the source does: each answer by itself, one image after the other
        labeler = torch.tensor([answers.labeler[place]])
        pair = [
            scorer.model(
                scorer.model.prepare(scorer.inputs.take(np.array([image]))),
                labeler,
                scorer.attribute_texts,
            )[0, answers.attribute[place]]
            for image in (answers.left[place], answers.right[place])
        ]
        target = torch.tensor(0 if answers.outcome[place] > 0.5 else 1)
        naive.append(functional.cross_entropy(torch.stack(pair), target))
    expected = torch.stack(naive).mean()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert torch.allclose(gradient, scorer.model.prompts.table.grad, atol=1e-6)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 5))
def test_that_an_epoch_holds_every_answer_once_and_keeps_groups_together(
    sizes: list[int], batch: int, epoch: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    sampler = Sampler(groups, batch, seed=1)
    steps = sampler.epoch(epoch)
    assert len(steps) == sampler.steps
    assert all(len(step) for step in steps)
    assert sorted(np.concatenate(steps)) == list(range(len(groups)))
    seen = [set(groups[step]) for step in steps]
    assert sum(len(part) for part in seen) == len(sizes)
    if batch >= 4:
        assert max(len(step) for step in steps) <= 2 * batch + 4


def test_that_the_order_is_a_function_of_seed_and_epoch() -> None:
    groups = np.repeat(np.arange(50), 3)

    def order(seed: int, epoch: int) -> list[int]:
        return list(np.concatenate(Sampler(groups, 16, seed).epoch(epoch)))

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_that_flips_depend_on_seed_epoch_and_image_and_are_even() -> None:
    sampler, images = Sampler(np.arange(3), 2, seed=5), np.arange(4000)
    flips = sampler.flips(3, images)
    assert (flips == sampler.flips(3, images)).all()
    assert (flips[17:40] == sampler.flips(3, images[17:40])).all()
    assert 0.45 < flips.mean() < 0.55
    assert 0.45 < (flips == sampler.flips(4, images)).mean() < 0.55
    assert 0.45 < (flips[1:] == flips[:-1]).mean() < 0.55
