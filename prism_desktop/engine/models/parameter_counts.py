"""How many parameters a method trains on a study, told before anything is loaded. Needs no torch.

The parts say their shapes. Groups of labelers, earned ranks, the axes of a Bayesian head and the
members that a combination keeps are decided by the answers: of those the most there can be is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import CONSENSUS, METHODS, Method, members_of
from prism_desktop.engine.methods.needed_methods import averages, combines
from prism_desktop.engine.methods.parts.part import Count, Sizes


def parameters(method: Method, config: TrainConfig, data: Sizes) -> Count | None:
    """Trained parameters, a combination's members included;
    None where the backbone's sizes are unknown.

    Args:
        method: what is trained.
        config: its settings.
        data: sizes of the study and the backbone.
    """
    if combines(method):
        return _combined(method, config, data)
    shape = None if config.stands_on_features else data.shape
    return method.size(replace(data, shape=shape, settings=dotted(config.model_dump())))


def _combined(method: Method, config: TrainConfig, data: Sizes) -> Count | None:
    """The weights and all members, as far as they have weight; nothing of what is only tried."""
    names = members_of(method, config.members, embeddings=data.shape is None)
    weighed = tuple(name for name in names if name != CONSENSUS or not averages(method))
    parts = [
        parameters(METHODS[name], config.with_options({"method": name}), data) for name in weighed
    ]
    if None in parts:
        return None
    members = sum(part.number for part in parts if part is not None)
    return Count(members + len(names) * data.labelers, exact=False)


def dotted(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Settings by their dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= (
            dotted(value, f"{before}{key}.")
            if isinstance(value, dict)
            else {f"{before}{key}": value}
        )
    return found
