"""The next trials of a labeler, planned in another process while they label.

Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.study.records import Kind, Order

PLANNED = 40  # trials of a plan


class PlanArguments(BaseModel):
    """What the service `plan` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    labeler: str
    kind: Kind
    order: Order
    count: int = PLANNED


def plan_in_worker(
    study: Path, labeler: str, kind: Kind, order: Order
) -> Iterator[Event[tuple[tuple[str, ...], ...]]]:
    """As `trial_planning.plan_trials`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    arguments = PlanArguments(study=absolute(study), labeler=labeler, kind=kind, order=order)
    for event in call("plan", arguments, "Choosing what to ask next"):
        if isinstance(event, Done):
            yield Done(tuple(tuple(images) for images in event.value))
        else:
            yield event
