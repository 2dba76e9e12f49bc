"""What the other processes of a team do: they pass their share of each step, as the first one says.

See `training/team.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from prism_desktop.engine.config import needed
from prism_desktop.engine.events import Done
from prism_desktop.engine.launched import end_with_leader
from prism_desktop.engine.processes.process_setup import prepare_torch
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.dependencies import recorded_dependency
from prism_desktop.engine.training.factory import build, wants_features
from prism_desktop.engine.training.resources import ResourceCache, Resources, open_resources
from prism_desktop.engine.training.team import team
from prism_desktop.engine.training.trainer import Trainer


def help_train() -> None:
    """Help until the first process ends.

    Raises:
        PrismError: the run cannot be opened here.
    """
    end_with_leader()
    cache, trainer = ResourceCache(), None
    for order in team().orders():
        if "open" in order:
            trainer = _opened(RunFolder(Path(order["open"])), cache)
        elif trainer is not None:
            trainer.help(*order["step"])


def _opened(run: RunFolder, cache: ResourceCache) -> Trainer:
    prepare_torch(run)
    resources: Resources | None = cache.find(run)
    if resources is None:
        for event in open_resources(run):
            if isinstance(event, Done):
                resources = event.value
    assert resources is not None, "it ends with Done"
    cache.put(run, resources)
    config = run.config()
    if wants_features(config):
        for _ in resources.read_features(run):
            pass
    found = {name: recorded_dependency(run, name) for name in needed(config)}
    there = {name: one for name, one in found.items() if one is not None}
    routine = build(run, resources, there, _obtain)
    assert isinstance(routine, Trainer), "only trainers ask for help"
    return routine


def _obtain(name: str) -> NoReturn:
    raise AssertionError(f"a trainer asked for {name} while it was made")
