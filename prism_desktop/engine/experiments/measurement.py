"""The measurement of a method's curves on the data of a run that it has, in another process.

Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.experiments.curve_store import COUNTS, DRAWS, PARTS, RESAMPLES, SHOTS
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.process_setup import lower_priority
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.curve_files import (
    CurveKind,
    KShotResult,
    LearningCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.settings import without
from prism_desktop.engine.study.permission import require_writable

_BEGINNING = {"shots": "Measuring labelers held out", "curve": "Measuring the learning curve"}


class MeasureArguments(BaseModel):
    """What the service `measure` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: CurveKind
    run: Path  # a finished run


def measure_in_worker(kind: CurveKind, run: RunFolder) -> Iterator[Event[None]]:
    """Measure a run's method as `shots` or `curve` do, on the
    run's data and with its settings, and keep what is found.

    Closing this ends the work; runs that are finished are used again.

    Raises:
        PrismError: one sentence.
    """
    require_writable(run.study)
    yield from call(
        "measure", MeasureArguments(kind=kind, run=absolute(run.path)), _BEGINNING[kind]
    )


def chosen_settings(config: TrainConfig) -> dict[str, Any]:
    """What was chosen on purpose for a run, by dotted key:
    what differs from its method's and recipe's start."""
    start = TrainConfig(method=config.method, recipe=config.recipe)
    values = without(config.model_dump(mode="json"), start.model_dump(mode="json"))
    found = {key: value for key, value in _flat(values).items() if key not in ("method", "compare")}
    return found | ({"recipe": config.recipe} if config.recipe != "default" else {})


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= (
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, dict)
            else {f"{prefix}{key}": value}
        )
    return found


def measure(kind: CurveKind, run: RunFolder) -> Iterator[Event[None]]:
    """The same in this process, without a window to slow down; what is found lies in the study.

    Raises:
        PrismError: one sentence.
    """
    from prism_desktop.engine.experiments.kshot import KShotPlan, measure_kshot
    from prism_desktop.engine.experiments.learning_curve import CurvePlan, measure_curve

    lower_priority()
    config = run.config()
    options = chosen_settings(config)
    events: Iterator[Event[KShotResult] | Event[LearningCurve]]
    if kind == "shots":
        events = measure_kshot(
            KShotPlan(run.study, (config.method,), SHOTS, RESAMPLES, PARTS, options, source=run)
        )
    else:
        events = measure_curve(
            CurvePlan(run.study, config.method, COUNTS, DRAWS, options, source=run)
        )
    for event in events:
        yield Done(None) if isinstance(event, Done) else event
