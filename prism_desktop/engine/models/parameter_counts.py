"""How many parameters a method trains on a study, told before anything is loaded. Needs no torch.

The parts say their shapes. Groups of labelers, earned ranks, the axes of a Bayesian head and the
members that a combination keeps are decided by the answers: of those the most there can be is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import CONSENSUS, METHODS, Method, members_of
from prism_desktop.engine.methods.combination_members import combines
from prism_desktop.engine.methods.parts.part import Sizes, count
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns


@dataclass(frozen=True, slots=True)
class Count:
    """How many numbers are trained."""

    number: int
    exact: bool = True  # False: at most so many


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
    here = method.on(embeddings=data.shape is None)
    if (data.features if here.scoring.of_features else data.shape) is None:
        return None
    if here.fitted == "not at all":
        return Count(0)
    sizes = replace(data, settings=dotted(config.model_dump()))
    number = sum(count(part.shapes(sizes)) for part in here.parts)
    return Count(number, exact=not any(part.decided(sizes) for part in here.parts))


def _combined(method: Method, config: TrainConfig, data: Sizes) -> Count | None:
    """The weights and all members, as far as they have weight; nothing of what is only tried."""
    names = members_of(method, config.members, embeddings=data.shape is None)
    average = next(method.of(WeighedRuns)).rule == "average"
    weighed = tuple(name for name in names if not average or name != CONSENSUS)
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
