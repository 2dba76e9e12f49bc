"""How well a labeler's model foretells what they say next, followed in another process while they
label.

Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.runs.run_choice import finished
from prism_desktop.engine.runs.run_list import list_runs

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

    def told(self) -> str:
        """In a few words, beside a trial."""
        parts = [counted(self.answers, "answer")]
        if self.accuracy is not None:
            few = too_few(self.accuracy.n)
            foretold = f"foretold {_share(self.accuracy)}, n {self.accuracy.n:,}"
            parts.append(f"{TOO_FEW}: {foretold}" if few else foretold)
        if self.ceiling is not None:
            parts.append(f"ceiling {_share(self.ceiling)}")
        if self.more is not None:
            parts.append(f"{counted(MORE, 'more answer')}: {_points(self.more.value)}")
        return " · ".join(parts)

    def explained(self) -> str:
        """What these numbers are."""
        return (
            f"The model of {self.run} learns from every answer. Foretold: how often it expected "
            "what was said, before it had learned from it; questions that were asked before, and "
            "answers that the run was trained on, do not count. Ceiling: what a perfect model "
            f"could reach, by repeated answers. {MORE} more: what the model expects of as many "
            "more answers, by its own doubt."
        )


def can_grow(study: Path) -> bool:
    """Whether a finished run of the study can learn from a labeler's answers as they come."""
    return any(finished(run) and knows_how_surely(run.method) for run in list_runs(study))


def knows_how_surely(method: str) -> bool:
    """Whether runs of a method say how surely they know a labeler."""
    return method in METHODS and METHODS[method].scoring.knows_how_surely


def _points(gain: float) -> str:
    """A gain with its sign, where it has one."""
    told = f"{100 * gain:+.1f}"
    return f"{told if float(told) else '0.0'} points"


def _share(share: Share) -> str:
    return f"{share.value:.0%} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


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
