"""A study on disk: the one door to its database. Callers get and give frozen records."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from prism_desktop.engine.errors import InputError, ReadOnlyStudyError, StudyError
from prism_desktop.engine.study import frames, imports, opening, reading, trials, writing
from prism_desktop.engine.study.database import Database
from prism_desktop.engine.study.lock import WriterLock, network_share
from prism_desktop.engine.study.records import (
    DEFAULT_ATTRIBUTES,
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    AddedImages,
    AttributeRecord,
    Changes,
    ImageRecord,
    ImportBatch,
    ImportReport,
    Kind,
    LabelerProgress,
    LabelerRecord,
    NewImage,
    Problem,
    RelinkReport,
    StudyInfo,
    TrialId,
    TrialRecord,
)

if TYPE_CHECKING:
    import pandas as pd

FOLDERS = ("thumbnails", "cache", "runs", "backups")


class Study:
    """An open study. Every method may be called from any thread and blocks until it is done.

    What a method wrote is on the disk when it returns; what raised an error changed nothing. Writes go through one
    connection in one thread, reads through another, so that a long read never delays an answer.
    """

    def __init__(self, path: Path, reader: Database, writer: Database | None, lock: WriterLock | None) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer
        self._lock = lock

    @classmethod
    def create(
        cls, folder: Path | str, *, name: str | None = None, attributes: Sequence[str] = DEFAULT_ATTRIBUTES
    ) -> Self:
        """Make a new study in a folder that is empty or does not exist, and open it."""
        path = Path(folder).expanduser().resolve()
        if (path / opening.FILE).exists():
            raise InputError(f"There is a study in {path} already. Open it, or choose another folder.")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} holds other files. Choose an empty or a new folder for the study.")
        try:
            for part in ("", *FOLDERS):
                (path / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReadOnlyStudyError(
                f"{path} cannot be made ({error.strerror}). Choose a folder that you can write."
            ) from error
        opening.make_database(path / opening.FILE, name or path.stem)
        study = cls.open(path)
        for attribute in attributes:
            study.add_attribute(attribute)
        return study

    @classmethod
    def open(cls, folder: Path | str, *, read_only: bool = False) -> Self:
        """Open a study by its folder (or its database file).

        Raises:
            StudyLockedError: another window or command writes to it; `read_only=True` works beside it.
            ReadOnlyStudyError: its folder cannot be written; `read_only=True` works.
            NewerSchemaError, CorruptStudyError, StudyError: see `opening.identify`.
        """
        path = Path(folder).expanduser().resolve()
        path = path.parent if path.name == opening.FILE else path
        file = path / opening.FILE
        opening.identify(file)
        if read_only:
            return cls(path, Database(file, writable=False), None, None)
        if share := network_share(path):
            raise StudyError(
                f"The study {path} lies on a network share ({share}), where SQLite cannot keep it safe. Nothing was "
                "changed; move it to a local disk. Sharing a study needs PostgreSQL, which is not supported yet."
            )
        lock = WriterLock(path)
        writer = Database(file, writable=True)
        return cls(path, Database(file, writable=False), writer, lock)

    def close(self) -> None:
        """Let go of the study; again is harmless."""
        self._reader.close()
        if self._writer is not None:
            self._writer.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._writer is None

    # Reading

    def info(self) -> StudyInfo:
        """Name, counts and progress."""
        return self._reader.read(lambda c: reading.info(c, self.path, read_only=self.read_only))

    def progress(self) -> tuple[LabelerProgress, ...]:
        """Counts of current trials for every labeler."""
        return self._reader.read(reading.progress)

    def images(self) -> tuple[ImageRecord, ...]:
        """Every image, in the order of their names; whether files are missing is looked up now."""
        return self._reader.read(lambda c: tuple(reading.images(c, self.path)))

    def image(self, image: str) -> ImageRecord:
        """One image by its id or its name."""
        return self._reader.read(lambda c: reading.require_image(c, self.path, image))

    def labelers(self) -> tuple[LabelerRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(reading.labelers)

    def attributes(self) -> tuple[AttributeRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(reading.attributes)

    def trials(
        self, labeler: str | None = None, kind: Kind | None = None, current: bool = True
    ) -> tuple[TrialRecord, ...]:
        """Trials as recorded, oldest first. `current` leaves out the withdrawn and the superseded, not the skipped."""
        return self._reader.read(lambda c: reading.trials(c, labeler, kind, current=current))

    def trial(self, trial: TrialId) -> TrialRecord:
        """One trial, current or not."""
        found = self._reader.read(lambda c: reading.trials(c, None, None, current=False, where="t.uid = :id", id=trial))
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
        return self._reader.read(reading.imports)

    # Writing

    def add_labeler(self, code: str, display_name: str = "", profile: str = "", simulated: bool = False) -> Changes:
        """Add a labeler; the code never changes."""
        return self._write.write(
            lambda c: writing.add_labelers(c, [LabelerRecord(code, display_name, profile, simulated)])
        )

    def update_labeler(self, code: str, *, display_name: str | None = None, profile: str | None = None) -> Changes:
        """Change what is given."""
        values = {"display_name": display_name, "profile": profile}
        return self._write.write(lambda c: writing.update_labeler(c, code, values))

    def add_attribute(
        self,
        name: str,
        question: str = "",
        scale_labels: Sequence[str] = DEFAULT_SCALE,
        templates: Sequence[str] = DEFAULT_TEMPLATES,
    ) -> Changes:
        """Add an attribute; the name never changes."""
        record = AttributeRecord(name, question, tuple(scale_labels), tuple(templates))
        return self._write.write(lambda c: writing.add_attributes(c, [record]))

    def update_attribute(
        self,
        name: str,
        *,
        question: str | None = None,
        scale_labels: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
    ) -> Changes:
        """Change what is given."""
        values = writing.attribute_values(question, scale_labels, templates)
        return self._write.write(lambda c: writing.update_attribute(c, name, values))

    def add_images(self, images: Iterable[NewImage], *, copied: bool = False) -> AddedImages:
        """Add images in one transaction; those that the study has already are reported, not added again.

        Args:
            images: (path, name, sha256, width, height) each.
            copied: they lie in the study's own folder, see `images.copy_in`.
        """
        new = [NewImage(*image) for image in images]
        return self._write.write(lambda c: writing.add_images(c, self.path, new, copied=copied))

    def record(self, trial: TrialRecord | Sequence[TrialRecord], *, supersedes: TrialId | None = None) -> Changes:
        """Append a trial, or many in one transaction, durably, before returning.

        Args:
            trial: what was shown and answered. In a sequence trials may refer to each other in any order.
            supersedes: the trial that this one corrects; it stays in the log.
        """
        new = [trial] if isinstance(trial, TrialRecord) else list(trial)
        return self._write.write(lambda c: trials.record(c, new, supersedes=supersedes))

    def withdraw(self, trial: TrialId) -> Changes:
        """Undo: the trial counts no longer, and one that it corrected counts again. Nothing is deleted."""
        return self._write.write(lambda c: trials.withdraw(c, trial))

    def restore(self, trial: TrialId) -> Changes:
        """Redo: a withdrawn trial counts again."""
        return self._write.write(lambda c: trials.restore(c, trial))

    def apply_import(self, batch: ImportBatch) -> Changes:
        """Bring in all of an import in one transaction, or nothing; `undo_import` takes it out again."""
        return self._write.write(lambda c: imports.apply(c, self.path, batch))

    def undo_import(self, import_id: str) -> Changes:
        """Take out what an import brought.

        Its trials are removed (so that the same file can be imported again, read another way). Its images, labelers
        and attributes go too, unless later work uses them: those stay.

        Raises:
            InputError: later trials repeat or correct trials of the import; nothing is changed then.
        """
        changes, copies = self._write.write(lambda c: imports.undo(c, self.path, import_id))
        for copy in copies:
            copy.unlink(missing_ok=True)
        return changes

    def relink(self, folder: Path | str) -> RelinkReport:
        """Find images again that are not where they were, by their hashes, in a folder and below it."""
        raise NotImplementedError

    def check(self, *, deep: bool = False) -> list[Problem]:
        """Everything that is wrong with the study; `deep` reads every image again."""
        raise NotImplementedError

    def backup(self) -> Path:
        """Write a verified copy of the database to `backups/` and return it."""
        raise NotImplementedError

    @property
    def _write(self) -> Database:
        if self._writer is None:
            raise ReadOnlyStudyError(f"The study {self.path} is open read-only. Nothing was changed.")
        return self._writer
