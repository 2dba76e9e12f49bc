"""What is left of a training that ends before its end: the session goes by it, and the window says
it in the same words."""

from dataclasses import dataclass
from typing import Literal

from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs.folder import RunFolder, Task
from prism_desktop.engine.runs.run_events import Epoch, LoggedEvent, Resumed, Stage, Step

# stop: by the button; leave: the window or the command that began it goes away
Ending = Literal["stop", "leave"]
_AFTER = ("predicting", "evaluating")  # stages in which nothing is learned any more


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run has when it has ended.

    Attributes:
        tested: its model is kept and tested, so that it cannot go on.
        goes_on: training goes on from where it stood; else it starts again from the beginning.
    """

    tested: bool
    goes_on: bool

    @property
    def sentence(self) -> str:
        """For the person who is about to end the run."""
        if self.tested:
            return "The best epoch so far is kept and tested; the run cannot go on after that."
        if self.goes_on:
            return "What it has learned so far is kept, and Resume goes on from there."
        return "It has nothing to keep yet: Resume starts it again from the beginning."


def has_checkpoints(method: str, *, features: bool, task: Task = "judging") -> bool:
    """Whether a method learns step by step; the others are fitted in one go, or not at all.

    Args:
        method: its name.
        features: it stands on frozen features alone (see `stands_on_features`).
        task: what it learns.
    """
    if task == "writing":
        writer = WRITING_METHODS.get(method)
        return writer is not None and writer.trained
    chosen = METHODS.get(method)
    if chosen is None:
        return False
    return chosen.on(embeddings=features).fitted == "by steps"


def kept(
    method: str,
    stage: str,
    ending: Ending,
    *,
    features: bool,
    stepped: bool = True,
    task: Task = "judging",
    validated: bool = True,
) -> Kept:
    """What is left of a run that ends in a stage.

    Args:
        method: the run's.
        stage: as `Stage` names them.
        ending: how it ends.
        features: as in `has_checkpoints`.
        stepped: whether a step was made, now or before it was resumed.
        task: the run's.
        validated: whether a run of the task writing has a best epoch to be tested.
    """
    by_steps = has_checkpoints(method, features=features, task=task)
    learned = by_steps and (stage in _AFTER or (stage == "training" and stepped))
    tested = by_steps and stage == "training" and ending == "stop"
    tested &= validated or task == "judging"
    return Kept(tested=tested, goes_on=learned and not tested)


def kept_now(run: RunFolder, ending: Ending) -> Kept:
    """What would be left of a run that is at work if it ended now."""
    events, _ = run.events()
    stages = [event.name for event in _present(events) if isinstance(event, Stage)]
    stepped = any(isinstance(event, Step | Resumed) for event in events)
    task, stage = run.task, stages[-1] if stages else "preparing"
    config = run.facts() if task == "writing" else run.config()
    told, features = (config.method, stage, ending), config.stands_on_features
    validated = any(isinstance(event, Epoch) and event.best for event in events)
    return kept(*told, features=features, stepped=stepped, task=task, validated=validated)


def _present(events: list[LoggedEvent]) -> list[LoggedEvent]:
    """Those of the process that is at work."""
    starts = [
        place
        for place, event in enumerate(events)
        if isinstance(event, Stage) and event.process == "started"
    ]
    return events[starts[-1] :] if starts else events
