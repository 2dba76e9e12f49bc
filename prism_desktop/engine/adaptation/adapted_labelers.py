"""Adapted labelers: where those who entered a run after its training are kept.

In the run's folder, adapted/CODE/: predictions.parquet (labeler, attribute, image, score),
state.safetensors (what the method keeps of a labeler) and meta.json. Importing this needs neither
torch nor pandas.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from prism_desktop.engine.errors import InputError, UnreadableError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.score_files import read_scores
from prism_desktop.engine.runs.stored import Count, Positive, Share, Stored
from prism_desktop.engine.study.permission import require_writable
from prism_desktop.engine.study.records import Kind

if TYPE_CHECKING:
    import pandas as pd


class NextTrial(Stored):
    """A face to rate, or two to compare."""

    images: tuple[str, ...]  # ids
    names: tuple[str, ...]


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


class OwnAnswersTest(Stored):
    """How well a new labeler is served, on their own answers."""

    accuracy: Share | None = None  # cross-validated; None where there are too few answers
    low: float | None = None  # 95 % interval over images
    high: float | None = None
    start: Share | None = None  # of what nobody's answers were needed for, on the same answers
    tested: Count = 0  # answers that the two rest on
    note: str = ""  # a sentence on the accuracy


class AdaptedLabeler(Stored):
    """Somebody who entered a run; the test as in `OwnAnswersTest`."""

    code: str
    path: Path = Field(default=Path(), exclude=True)  # the folder
    enters: str  # how, in words
    answers: Count  # attributes of pairs that were learned from
    presentations: Count  # pairs shown, or made of ratings
    labelers_seen: bool = False  # by training, beyond what they enter with; as in `Summary`
    accuracy: Share | None = None
    low: float | None = None
    high: float | None = None
    start: Share | None = None
    tested: Count = 0
    seconds: Positive  # from a loaded run to predictions
    loading: Positive  # seconds before that
    note: str = ""
    next: tuple[NextTrial, ...] = ()  # what would tell most of them

    @classmethod
    def read(cls, path: Path) -> "AdaptedLabeler | None":
        """From a folder; None if it is none.

        Raises:
            UnreadableError: what is there cannot be read, or is not what was kept.
        """
        check_file(path, layout.META)
        stored = cls.from_file(path / layout.META)
        return stored.model_copy(update={"path": path}) if stored is not None else None


def folder_of(run: RunFolder, code: str) -> Path:
    """Where a new labeler is kept, whatever characters the code has."""
    return run.path / layout.ADAPTED / quote(code, safe=" ").replace(".", "%2E")


def list_adapted(run: RunFolder) -> tuple[AdaptedLabeler, ...]:
    """Everybody who entered a run, by code; those who cannot be read are left out."""
    return tuple(one for one in _entered(run) if isinstance(one, AdaptedLabeler))


def unreadable_adapted(run: RunFolder) -> tuple[str, ...]:
    """Why others who entered it cannot be read, a sentence each."""
    return tuple(str(one) for one in _entered(run) if isinstance(one, UnreadableError))


def _entered(run: RunFolder) -> Iterator[AdaptedLabeler | UnreadableError]:
    for path in sorted((run.path / layout.ADAPTED).glob(f"*/{layout.META}")):
        try:
            one = AdaptedLabeler.read(path.parent)
        except UnreadableError as error:
            yield error
            continue
        if one is not None and folder_of(run, one.code) == one.path:
            yield one
        elif one is not None:
            yield UnreadableError(path, f"it speaks of {one.code}, whose place is another")


def find_adapted(run: RunFolder, code: str) -> AdaptedLabeler | None:
    """One of them; raises UnreadableError if they cannot be read."""
    return AdaptedLabeler.read(folder_of(run, code))


def adapted_predictions(run: RunFolder, code: str, attribute: str | None = None) -> "pd.DataFrame":
    """Scores of all images: labeler, attribute, image, score; differences are logits.

    Raises:
        InputError: if nobody of that code entered.
    """
    path = folder_of(run, code) / layout.PREDICTIONS
    if not os.path.lexists(path):
        known = ", ".join(one.code for one in list_adapted(run)) or "nobody"
        raise InputError(f"Nobody called {code} entered the run {run.name}; {known} did.")
    check_file(path.parent, layout.PREDICTIONS)
    return read_scores(path, attribute=attribute).frame()


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
