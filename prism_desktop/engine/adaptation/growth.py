"""How well a labeler's model foretells what they say next, followed in another process while they
label.

Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.rpc import call

MORE = 50  # answers of which is said what they would bring


class GrowthArguments(BaseModel):
    """What the service `growth` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    labeler: str


class Share(BaseModel):
    """A share with its 95 % interval, or a difference of two, and on how much it rests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    n: int


class Growth(BaseModel):
    """What is known of a labeler by now.

    Attributes:
        run: whose model it is.
        answers: of the labeler that the model has learned from by now.
        accuracy: of what the model foretold before it had learned from the answer, by answers that
            no run learned from; None before there are some. A tie counts as half.
        ceiling: what a perfect model could reach, by repeated answers; None where they are too few.
        more: what `MORE` more answers would add to the accuracy, by the model's own doubt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    answers: int
    accuracy: Share | None
    ceiling: Share | None
    more: Share | None


def growth_in_worker(study: Path, labeler: str) -> Iterator[Event[Growth | None]]:
    """As `growing_taste.taste_of`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    asked = GrowthArguments(study=absolute(study), labeler=labeler)
    for event in call("growth", asked, "Learning from the answers"):
        if isinstance(event, Done):
            told = event.value
            yield Done(None if told is None else Growth.model_validate(told))
        else:
            yield event
