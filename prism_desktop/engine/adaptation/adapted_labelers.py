"""Labelers who entered a run after it was trained: where
they are kept, and a worker in which one enters.

In the run's folder, adapted/CODE/: predictions.parquet (labeler, attribute, image, score),
state.safetensors (what the method keeps of a labeler) and meta.json. Importing this needs neither
torch nor pandas.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.atomic import read_json
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "adapted"


class AdaptationRequest(TypedDict, total=False):
    """Who is to enter a run, and by which answers: either `labels` or `labeler`."""

    labels: Path | None  # a file of the labeler's answers, in any format that `study import` reads
    labeler: str | None  # a labeler of the study who is not in the run
    name: str | None  # the code under which to keep a file's labeler; None for the file's own
    scale: str | None  # how a file's ratings are meant, as for `import_files`
    coding: str | None  # how a file's comparisons are meant, likewise
    profile: str | None  # the profile text, where the method reads it; None for the study's


class AdaptArguments(BaseModel):
    """The same as the service `adapt` is told it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path  # a finished run
    labels: Path | None = None
    labeler: str | None = None
    name: str | None = None
    scale: str | None = None
    coding: str | None = None
    profile: str | None = None

    def request(self) -> AdaptationRequest:
        """All but the run."""
        return AdaptationRequest(
            labels=self.labels,
            labeler=self.labeler,
            name=self.name,
            scale=self.scale,
            coding=self.coding,
            profile=self.profile,
        )


@dataclass(frozen=True, slots=True)
class AdaptedLabeler:
    """Somebody who entered a run."""

    code: str
    path: Path
    enters: str  # how, in words
    answers: int  # attributes of pairs that were learned from
    presentations: int  # pairs shown, or made of ratings
    accuracy: float | None  # on their own answers, cross-validated; None where there are too few
    low: float | None  # 95 % interval
    high: float | None
    start: float | None  # accuracy on the same answers of what nobody's answers were needed for
    tested: int  # answers that the two rest on
    seconds: float  # from a loaded run to predictions
    loading: float  # seconds before that
    note: str  # a sentence on the accuracy

    @classmethod
    def read(cls, path: Path) -> "AdaptedLabeler | None":
        """From a folder; None if it is none."""
        stored = read_json(path / "meta.json")
        return cls(**{**stored, "path": path}) if stored is not None else None


def folder_of(run: RunFolder, code: str) -> Path:
    """Where a newcomer is kept, whatever characters the code has."""
    return run.path / FOLDER / quote(code, safe=" ").replace(".", "%2E")


def list_adapted(run: RunFolder) -> tuple[AdaptedLabeler, ...]:
    """Everybody who entered a run, by code."""
    found = [
        AdaptedLabeler.read(path.parent) for path in sorted((run.path / FOLDER).glob("*/meta.json"))
    ]
    return tuple(one for one in found if one is not None and folder_of(run, one.code) == one.path)


def find_adapted(run: RunFolder, code: str) -> AdaptedLabeler | None:
    """One of them."""
    return AdaptedLabeler.read(folder_of(run, code))


def adapted_predictions(run: RunFolder, code: str, attribute: str | None = None) -> "pd.DataFrame":
    """Scores of all images: labeler, attribute, image, score; differences are logits.

    Raises:
        InputError: if nobody of that code entered.
    """
    import pandas as pd

    path = folder_of(run, code) / "predictions.parquet"
    if not path.is_file():
        known = ", ".join(one.code for one in list_adapted(run)) or "nobody"
        raise InputError(f"Nobody called {code} entered the run {run.name}; {known} did.")
    return pd.read_parquet(
        path, filters=[("attribute", "==", attribute)] if attribute is not None else None
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
    arguments = AdaptArguments(run=run.path.resolve(), **entry)
    for event in call("adapt", arguments, "Loading the run"):
        if isinstance(event, Done):
            adapted = AdaptedLabeler.read(Path(event.value))
            assert adapted is not None
            yield Done(adapted)
        else:
            yield event
