"""Trainers on planted tastes, with the terms of their methods."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.losses.registry import LossInputs, build_losses
from prism_desktop.engine.training.schedule import width_scale
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.runs import ATTRIBUTES, LABELERS, MakeTrainer, coloured


@pytest.fixture
def make_full(make_trainer: MakeTrainer, backbone: Backbone, tmp_path: Path) -> MakeTrainer:
    """As `make_trainer`, with terms, ratings of how red an
    image is, and a consensus that likes everything alike."""

    def make(folder: Path = tmp_path, images: int = 48, **settings: object) -> Trainer:
        folder.mkdir(exist_ok=True)
        plain = make_trainer(folder, images=images, **settings)
        config = plain.config
        inputs = LossInputs(
            config,
            plain.answers["train"],
            len(LABELERS),
            len(ATTRIBUTES),
            planted_ratings(images),
            np.zeros((len(ATTRIBUTES), images), np.float32),
            backbone.embed_dim,
            config.token_lr * width_scale(config, backbone.width),
        )
        return Trainer(
            plain.scorer,
            plain.answers,
            plain.labelers,
            plain.attributes,
            config,
            folder,
            build_losses(inputs),
            width=plain.width,
        )

    return make


def planted_ratings(images: int) -> Ratings:
    """Every training image by both labelers on both attributes:
    1 to 4 by its redness, turned round for "cold"."""
    _, red = coloured(images)
    image = np.flatnonzero(np.arange(images) % 4 < 2)
    level = 1 + np.floor(red[image] * 3.999)
    rows = [
        (u, a, i, v if u == 0 else 5 - v)
        for u in (0, 1)
        for a in (0, 1)
        for i, v in zip(image, level, strict=True)
    ]
    labeler, attribute, where, value = (np.array(column) for column in zip(*rows, strict=True))
    return Ratings(labeler, attribute, where, value.astype(np.float64))
