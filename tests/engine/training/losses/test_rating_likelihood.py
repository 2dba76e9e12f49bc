"""Single ratings as a second task: which count, how they are scaled, and what they cost."""

import numpy as np
import pandas as pd
import pytest
import torch

from prism_desktop.engine.models.decoder import DecoderModel
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.losses.loss_term import StepContext
from prism_desktop.engine.training.losses.rating_likelihood import (
    RatingLoss,
    standardised,
)
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.single_ratings import training_ratings
from tests.engine.models.heads.planted import answer, features

ASKED = (("attractive",), ("smart",))


def _ratings(rows: list[tuple[int, int, int, float]]) -> Ratings:
    labeler, attribute, image, value = (np.array(column) for column in zip(*rows, strict=True))
    return Ratings(labeler, attribute, image, value.astype(np.float64))


def test_that_ratings_are_measured_on_each_labelers_own_scale() -> None:
    made = standardised(
        _ratings([(0, 0, 0, 1), (0, 0, 1, 3), (0, 1, 0, 7), (1, 0, 0, 2), (1, 0, 2, 2)])
    )
    assert made.value.tolist() == [-1, 1, 0, 0, 0]


def test_that_only_ratings_of_training_images_are_learned_from() -> None:
    images = pd.DataFrame({"image": ["a", "b", "c"], "split": ["train", "test", "train"]})
    columns = {
        "labeler": ["L1", "L1", "L2", "L9"], "attribute": ["smart"] * 4,
        "image": ["a", "b", "c", "a"], "value": [1, 2, 3, 4],
    }  # fmt: skip
    found = training_ratings(pd.DataFrame(columns), images, ("L1", "L2"), ("attractive", "smart"))
    assert found is not None
    assert found.image.tolist() == [0, 2]
    assert found.labeler.tolist() == [0, 1]
    assert found.attribute.tolist() == [1, 1]
    assert (
        training_ratings(pd.DataFrame(columns), images.assign(split=""), ("L1",), ("smart",))
        is None
    )


def test_that_ratings_of_a_finer_scale_keep_their_numbers() -> None:
    images = pd.DataFrame({"image": ["a", "b"], "split": ["train", "train"]})
    columns = {
        "labeler": ["L1"] * 2,
        "attribute": ["smart"] * 2,
        "image": ["a", "b"],
        "value": [3, 3],
        "raw": [6.0, 7.5],
    }
    found = training_ratings(pd.DataFrame(columns), images, ("L1",), ("smart",))
    assert found is not None
    assert found.value.tolist() == [6.0, 7.5]


def test_that_the_term_is_the_mean_squared_error_on_the_batchs_images() -> None:
    x = features(20, 5)
    told = answer(np.zeros((2, 2, 20)), 10)
    model = DecoderModel(fit_space(x, power=1.0), ASKED, 2)
    scorer = Scorer(model, ASKED, Features(x))
    part = scorer.batch(told, np.arange(8))
    inside, outside = part.images[:2], np.setdiff1d(np.arange(20), part.images)[:1]
    rows = [
        (0, 1, inside[0], 1.0),
        (0, 1, inside[1], 4.0),
        (1, 0, inside[1], 2.0),
        (1, 0, outside[0], 3.0),
    ]
    loss_term = RatingLoss(0.5, _ratings([(u, a, int(i), v) for u, a, i, v in rows]))
    seen = scorer.encode(part)
    cost = loss_term(StepContext(scorer, part, seen, scorer.differences(part, seen)))
    prepared = model.prepare(x[inside])
    own = [model.rate(prepared, torch.full((2,), labeler)).detach() for labeler in range(2)]
    errors = [own[0][0, 1] + 1, own[0][1, 1] - 1, own[1][1, 0] + 1]
    assert cost.item() == pytest.approx(0.5 * sum(float(e) ** 2 for e in errors) / 3, rel=1e-4)


def test_that_a_batch_nobody_rated_costs_nothing() -> None:
    x = features(20, 5)
    model = DecoderModel(fit_space(x, power=1.0), ASKED, 2)
    scorer = Scorer(model, ASKED, Features(x))
    part = scorer.batch(answer(np.zeros((2, 2, 10)), 10), np.arange(8))
    seen = scorer.encode(part)
    loss_term = RatingLoss(1.0, _ratings([(0, 0, 15, 1), (0, 0, 16, 2)]))
    assert loss_term(StepContext(scorer, part, seen, scorer.differences(part, seen))).item() == 0
