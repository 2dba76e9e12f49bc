"""What can be read of an open study."""

from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import frames, pending, queries
from prism_desktop.engine.study.database import Database
from prism_desktop.engine.study.records import (
    AttributeRecord,
    ImageRecord,
    ImportReport,
    Kind,
    LabelerProgress,
    LabelerRecord,
    PendingAnswers,
    StudyInfo,
    TrialId,
    TrialRecord,
)

if TYPE_CHECKING:
    import pandas as pd


class StudyReader:
    """The reading half of `Study`.

    Every method may be called from any thread and blocks until it is done.
    """

    def __init__(self, path: Path, reader: Database) -> None:
        self.path = path  # the study's folder, absolute
        self._reader = reader
        self.id = reader.read(queries.meta)["id"]  # the same on every machine

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return True

    def info(self) -> StudyInfo:
        """Name, counts and progress."""
        return self._reader.read(lambda c: queries.info(c, self.path, read_only=self.read_only))

    def progress(self) -> tuple[LabelerProgress, ...]:
        """Counts of current trials for every labeler."""
        return self._reader.read(queries.progress)

    def images(self) -> tuple[ImageRecord, ...]:
        """Every image, in the order of their names; whether files are missing is looked up now."""
        return self._reader.read(lambda c: tuple(queries.images(c, self.path)))

    def image(self, image: str) -> ImageRecord:
        """One image by its id or its name."""
        return self._reader.read(lambda c: queries.require_image(c, self.path, image))

    def labelers(self) -> tuple[LabelerRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(queries.labelers)

    def attributes(self) -> tuple[AttributeRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(queries.attributes)

    def trials(
        self, labeler: str | None = None, kind: Kind | None = None, current: bool = True
    ) -> tuple[TrialRecord, ...]:
        """Trials as recorded, oldest first.

        `current` leaves out the withdrawn and the superseded, not the skipped.
        """
        return self._reader.read(lambda c: queries.trials(c, labeler, kind, current=current))

    def pending(self, labeler: str, kind: Kind) -> PendingAnswers | None:
        """What a labeler answered of a trial that was never completed."""
        return self._reader.read(lambda c: pending.kept(c, labeler, kind))

    def targets(self) -> dict[Kind, int]:
        """How many trials of each task a labeler is asked for, where someone said so."""
        return self._reader.read(pending.targets)

    def trial(self, trial: TrialId) -> TrialRecord:
        """One trial, current or not."""
        found = self._reader.read(
            lambda c: queries.trials(c, None, None, current=False, where="t.uid = :id", id=trial)
        )
        if not found:
            raise InputError(f"There is no trial {trial} in this study.")
        return found[0]

    def comparisons(self) -> "pd.DataFrame":
        """Current answered comparisons, one row per attribute; columns in `frames.comparisons`."""
        return self._reader.read(frames.comparisons)

    def ratings(self) -> "pd.DataFrame":
        """Current answered ratings, one row per attribute; columns in `frames.ratings`."""
        return self._reader.read(frames.ratings)

    def images_frame(self) -> "pd.DataFrame":
        """Every image; columns in `frames.images`."""
        return self._reader.read(lambda c: frames.images(c, self.path))

    def imports(self) -> tuple[ImportReport, ...]:
        """Every import's report, oldest first, undone ones included."""
        return self._reader.read(queries.imports)
