"""What is asked of the worker that lets a new labeler enter a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, Unpack

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.permission import require_writable
from prism_desktop.engine.study.records import Kind


class AdaptationRequest(TypedDict, total=False):
    """Who is to enter a run, and by which answers: either `labels` or `labeler`."""

    labels: Path | None  # a file of the labeler's answers, in any format that `study import` reads
    labeler: str | None  # a labeler of the study who is not in the run
    name: str | None  # the code under which to keep a file's labeler; None for the file's own
    recipe: str  # how a file is read, as TOML (`importing.recipe`)
    profile: str | None  # the profile text, where the method reads it; None for the study's
    next: int  # trials to choose that would tell most of the labeler
    task: Kind | None  # what is chosen, faces to rate or pairs to compare; None for what was done


class AdaptArguments(BaseModel):
    """The same as the service `adapt` is told it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path  # a finished run
    labels: Path | None = None
    labeler: str | None = None
    name: str | None = None
    recipe: str = ""
    profile: str | None = None
    next: int = 0
    task: Kind | None = None

    def request(self) -> AdaptationRequest:
        """All but the run."""
        return AdaptationRequest(
            labels=self.labels,
            labeler=self.labeler,
            name=self.name,
            recipe=self.recipe,
            profile=self.profile,
            next=self.next,
            task=self.task,
        )


def adapt_in_worker(
    run: RunFolder, **entry: Unpack[AdaptationRequest]
) -> Iterator[Event[AdaptedLabeler]]:
    """`adapt.adapt` in another process, so that the window loads no torch.

    Closing this ends the work.

    Args:
        run: a finished run.
        entry: who enters, and by which answers.

    Raises:
        RunError: one sentence; what could not be done.
    """
    require_writable(run.study)
    arguments = AdaptArguments(run=absolute(run.path), **entry)
    for event in call("adapt", arguments, "Loading the run"):
        if isinstance(event, Done):
            adapted = AdaptedLabeler.read(Path(event.value))
            assert adapted is not None
            yield Done(adapted)
        else:
            yield event
