"""A tiny frozen backbone and models on it."""

import pytest
import torch
from torch import Tensor

from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.device import Device
from prism_desktop.engine.models.clip import PersonalClip


@pytest.fixture(scope="package")
def backbone(tiny_backbone: str) -> Backbone:
    return load(parse(tiny_backbone), Device("cpu", "CPU", ""))


@pytest.fixture
def model(backbone: Backbone) -> PersonalClip:
    """Three labelers, two tokens each, and adapters that already do something."""
    model = PersonalClip(backbone, 3, tokens=2, token_std=1.0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.adapted.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


@pytest.fixture
def pixels() -> Tensor:
    """(5, 3, 32, 32) float32."""
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(2))
