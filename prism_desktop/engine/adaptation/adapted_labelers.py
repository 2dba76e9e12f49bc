"""Adapted labelers: where those who entered a run after its training are kept.

In the run's folder, adapted/CODE/: predictions.parquet (labeler, attribute, image, score),
state.safetensors (what the method keeps of a labeler) and meta.json. Importing this needs neither
torch nor pandas.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import Field

from prism_desktop.engine.errors import InputError, UnreadableError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.stored import Count, Positive, Share, Stored

if TYPE_CHECKING:
    import pandas as pd


class NextTrial(Stored):
    """A face to rate, or two to compare."""

    images: tuple[str, ...]  # ids
    names: tuple[str, ...]


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
    from prism_desktop.engine.runs.score_files import read_scores

    path = folder_of(run, code) / layout.PREDICTIONS
    if not os.path.lexists(path):
        known = ", ".join(one.code for one in list_adapted(run)) or "nobody"
        raise InputError(f"Nobody called {code} entered the run {run.name}; {known} did.")
    check_file(path.parent, layout.PREDICTIONS)
    return read_scores(path, attribute=attribute).frame()
