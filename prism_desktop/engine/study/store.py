"""The study store: a folder on disk, the only way to its database, and frozen records."""

import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from prism_desktop.engine import access
from prism_desktop.engine.errors import ReadOnlyStudyError
from prism_desktop.engine.events import Done, Event, Progress, outcome
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.hearing import responsive
from prism_desktop.engine.paths import typed
from prism_desktop.engine.stimulus_words import StimulusKind, words_for
from prism_desktop.engine.study import (
    backup,
    backup_files,
    check,
    import_transactions,
    leftovers,
    opening,
    pending,
    protocols,
    queries,
    relink,
    text_rows,
    trials,
    writing,
)
from prism_desktop.engine.study.automatic_backups import AutomaticBackups
from prism_desktop.engine.study.database import Database
from prism_desktop.engine.study.images import remove_copies
from prism_desktop.engine.study.known_studies import remember
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    AddedStimuli,
    AttributeRecord,
    Changes,
    ImportBatch,
    Kind,
    LabelerRecord,
    NewImage,
    Order,
    PendingAnswers,
    Problem,
    RelinkReport,
    SessionRecord,
    TrialId,
    TrialRecord,
)
from prism_desktop.engine.study.session_writer import SessionWriter
from prism_desktop.engine.study.study_reader import StudyReader
from prism_desktop.engine.study.texts import NewText, OwnText
from prism_desktop.engine.study.writer_lock import WriterLock

if TYPE_CHECKING:
    from sqlalchemy import Connection


_BULK: Final = 100  # trials recorded at once, from which on a backup comes first


class Study(StudyReader):
    """An open study. Every method may be called from any thread and blocks until it is done.

    What a method wrote is on the disk when it returns; what raised an error changed nothing. Writes
    go through one connection in one thread, reads through another, so that a long read never delays
    an answer.
    """

    def __init__(
        self, path: Path, reader: Database, writer: Database | None, lock: WriterLock | None
    ) -> None:
        """Callers use `create` and `open`."""
        super().__init__(path, reader)
        self._writer = None if writer is None else SessionWriter(path, writer, reader)
        self._lock = lock
        self._automatic: AutomaticBackups | None = None
        self._let_go: Callable[[], None] = lambda: None
        self.read_only_reason = ""

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        name: str | None = None,
        attributes: Sequence[str] | None = None,
        kind: StimulusKind | None = None,
    ) -> Self:
        """Make a new study in a folder that is empty or does not exist, and open it.

        Args:
            folder: where.
            name: what it is called; None: as the folder.
            attributes: what is judged; None: what is usual for its kind.
            kind: what it will hold; None: what is brought first, worded for images until then.

        Raises:
            InputError: the folder holds something already, or an attribute's name cannot be used.
            ReadOnlyStudyError, DiskFullError: it cannot be written.
        """
        path = real(typed(folder))
        opening.make_folder(path)
        judged = words_for(kind or "image").attributes if attributes is None else attributes
        opening.make_database(
            path / opening.FILE, name or path.stem, [AttributeRecord(a) for a in judged], kind,
            usual=attributes is None,
        )  # fmt: skip
        study = cls.open(path)
        remember(study.info().id, path)
        return study

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        read_only: bool = False,
        why: str = "",
        tell: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Open a study by its folder (or its database file), bringing an older schema up to date.

        Args:
            folder: the study's.
            read_only: see below.
            why: of `read_only`, a sentence: while the study is open, nothing in its folder is
                changed by this process, see `access`. Empty for those that only read the answers.
            tell: is told what is done with a study of an older version, and how far it is.

        Raises:
            StudyLockedError: another window or command writes to it; `read_only=True` works beside
                it.
            ReadOnlyStudyError: its folder cannot be written; `read_only=True` works.
            NewerSchemaError, CorruptStudyError, StudyError: it cannot be read, see
                `opening.identify`.
        """
        path = typed(folder)
        # not resolved together: the file may be a link, which would lead to another folder
        path = real(path.parent if path.name == opening.FILE else path)
        file = path / opening.FILE
        with ExitStack() as opened:
            if read_only:
                reader = opened.enter_context(closing(opening.open_reader(file)))
                looked_at = cls(path, reader, None, None)
                if why:
                    looked_at.read_only_reason = why
                    looked_at._let_go = access.hold_back(path, why)
                opened.pop_all()
                return looked_at
            lock = opening.lock_for_writing(file)
            opened.callback(lock.release)
            writer = opened.enter_context(closing(opening.open_writer(file, tell)))
            reader = opened.enter_context(closing(opening.read_connection(file)))
            study = cls(path, reader, writer, lock)
            leftovers.sweep(path, lambda: reader.read(queries.hashes))
            study._automatic = AutomaticBackups(file)
            opened.pop_all()  # from here on `close` does it
        return study

    def close(self) -> None:
        """Let go of the study; again is harmless."""
        with ExitStack() as opened:  # closes the rest even if one of them fails
            opened.callback(self._let_go)
            if self._lock is not None:
                opened.callback(self._lock.release)
            if self._writer is not None:
                opened.callback(self._writer.close)
            opened.callback(self._reader.close)
            if self._automatic is not None:
                opened.callback(self._automatic.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        return self._writer is None

    def require_writable(self) -> None:
        """For long work, before it begins.

        Raises:
            ReadOnlyStudyError: nothing may be written here.
        """
        _ = self._write

    # People, attributes and images

    def add_labeler(
        self, code: str, display_name: str = "", profile: str = "", simulated: bool = False
    ) -> Changes:
        """Add a labeler; the code never changes."""
        return self.add_labelers([LabelerRecord(code, display_name, profile, simulated)])

    def add_labelers(self, labelers: Sequence[LabelerRecord]) -> Changes:
        """Add several in one transaction, all or nothing; codes never change."""
        return self._write.write(lambda c: writing.add_labelers(c, labelers))

    def update_labeler(
        self, code: str, *, display_name: str | None = None, profile: str | None = None
    ) -> Changes:
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

    def confirm_attribute(self, name: str) -> Changes:
        """Say that an attribute which an import guessed is a judgment: it is learned from now."""
        return self._write.write(lambda c: writing.confirm_attribute(c, name))

    def add_images(self, images: Iterable[NewImage], *, copied: bool = False) -> AddedStimuli:
        """Add images in one transaction; those that the study has already are reported.

        Args:
            images: (path, name, sha256, width, height) each.
            copied: they lie in the study's own folder, see `images.copy_in`.
        """
        new = [NewImage(*image) for image in images]
        return self._write.write(lambda c: writing.add_images(c, self.path, new, copied=copied))

    def add_texts(self, texts: Iterable[NewText]) -> AddedStimuli:
        """Add texts to be judged in one transaction; those that the study has already are reported.

        Args:
            texts: (name, text, prompt, author, group) each; authors are labelers of the study.
        """
        new = [NewText(*each) for each in texts]
        return self._write.write(lambda c: text_rows.add_texts(c, new))

    def add_own_texts(self, texts: Iterable[OwnText]) -> Changes:
        """Add what labelers of the study wrote themselves; what is there already is left out.

        Args:
            texts: (labeler, text, prompt) each.
        """
        new = [OwnText(*each) for each in texts]
        return self._write.write(lambda c: text_rows.add_own_texts(c, new))

    # Trials

    def record(
        self,
        trial: TrialRecord | Sequence[TrialRecord],
        *,
        supersedes: TrialId | None = None,
        session: SessionRecord | None = None,
    ) -> Changes:
        """Append a trial, or many in one transaction, durably, before returning.

        Args:
            trial: what was shown and answered. In a sequence trials may refer to each other in any
                order.
            supersedes: the trial that this one corrects; it stays in the log.
            session: what is noted of the trials' session, which begins with them.
        """
        new = [trial] if isinstance(trial, TrialRecord) else list(trial)
        if len(new) >= _BULK and any(each.source != "simulated" for each in new):
            self._back_up_before("before-bulk")

        def record(connection: "Connection") -> Changes:
            if session is not None:
                protocols.note_session(connection, session)
            return trials.record(connection, new, supersedes=supersedes)

        return self._write.write(record, new)

    def keep_apart(self, new: Sequence[TrialRecord]) -> str:
        """Keep trials that come after one which could not be stored, since the study is gone.

        They go to the rescue file beside the others of the session; the sentence says where.
        """
        return self._write.keep_apart(new)

    def keep_pending(self, answers: PendingAnswers) -> None:
        """Keep what was answered of a trial that is not complete yet.

        Durable, and gone once the trial is recorded.
        """
        self._write.write(lambda c: pending.keep(c, answers))

    def set_target(self, kind: Kind, count: int | None) -> Changes:
        """How many trials of a task each labeler is asked
        for; None: as many as suit the number of images."""
        return self._write.write(lambda c: pending.set_target(c, kind, count))

    def set_order(self, kind: Kind, order: Order) -> Changes:
        """In which order the trials of a task come, in sessions that begin from now on."""
        return self._write.write(lambda c: pending.set_order(c, kind, order))

    def put_protocol(self, text: str) -> Changes:
        """Follow this protocol from now on, TOML: another version, for none ever changes."""
        return self._write.write(lambda c: protocols.put(c, text))

    def bring_protocols(
        self, texts: Mapping[int, str], sessions: Sequence[tuple[SessionRecord, int]]
    ) -> Changes:
        """Take over versions of a protocol from elsewhere, by number, and which of them the
        sessions followed (0: none), all or nothing."""
        return self._write.write(lambda c: protocols.bring(c, texts, sessions))

    def drop_protocol(self) -> Changes:
        """Let labelers choose their task again; the versions stay."""
        return self._write.write(protocols.let_go)

    def note_session(self, session: SessionRecord) -> Changes:
        """Begin a session, or note what is known of it by now."""
        return self._write.write(lambda c: protocols.note_session(c, session))

    def withdraw(self, trial: TrialId) -> Changes:
        """Undo: the trial counts no longer, and one that it corrected counts again.

        Nothing is deleted.
        """
        return self._write.write(lambda c: trials.withdraw(c, trial))

    def restore(self, trial: TrialId) -> Changes:
        """Redo: a withdrawn trial counts again."""
        return self._write.write(lambda c: trials.restore(c, trial))

    # Imports and moved images

    def apply_import(
        self,
        batch: ImportBatch,
        *,
        replaces: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Changes:
        """Bring in all of an import in one transaction, or nothing; `undo_import` takes it out.

        Args:
            batch: its trials may be an iterator, which is read in the writer's thread.
            replaces: an import that is taken out in the same transaction, to be read in another
                way. Labelers, attributes and images that both bring stay as they are.
            progress: told now and then, in the writer's thread, how many trials are recorded.

        Raises:
            InputError: something of the batch cannot be, or later trials build upon the import
                that is to be replaced. Whatever `progress` or an iterator raises comes through;
                nothing is changed then either.
        """
        stopped = threading.Event()

        def told(count: int) -> None:
            if stopped.is_set():
                raise InterruptedError("The import was interrupted; nothing was changed.")
            if progress is not None:
                progress(count)

        self._back_up_before("before-import")
        apply = partial(import_transactions.apply, study=self.path, batch=batch, replaces=replaces)
        try:
            changes, copies = self._write.write(lambda c: apply(c, progress=told))
        except BaseException:
            stopped.set()  # whoever waited was interrupted, the writer may be at work still
            raise
        remove_copies(self.path, copies)
        return changes

    def undo_import(self, import_id: str) -> Changes:
        """Take out what an import brought.

        Its trials and facts are removed (so that the same file can be imported again, read another
        way). Its images, labelers and attributes go too, unless later work uses them: those stay.
        Embeddings go.

        Raises:
            InputError: later trials repeat or correct trials of the import; nothing is changed
                then.
        """
        self._back_up_before("before-undo")
        undo = partial(import_transactions.undo, study=self.path, import_id=import_id)
        changes, copies = self._write.write(undo)
        remove_copies(self.path, copies)
        return changes

    def dismiss_doubts(self, import_id: str, places: Collection[int] | None = None) -> Changes:
        """Remember that somebody looked at doubts of an import, by their places in its report.

        Args:
            import_id: the import.
            places: from 0; None: all of them.

        Raises:
            InputError: there is no such import or doubt.
        """
        return self._write.write(lambda c: import_transactions.dismiss_doubts(c, import_id, places))

    def relink(self, folder: Path | str) -> RelinkReport:
        """Find images again that are not where they were,
        by their content, in a folder and below it."""
        return outcome(self.relinking(folder))

    def relinking(self, folder: Path | str) -> Iterator[Event[RelinkReport]]:
        """As `relink`, with progress; closing the generator changes nothing."""
        writer = self._write
        self.require_images("they lie in the study itself, so that none is ever missing")
        missing = [image for image in self.images() if image.missing]
        sizes = self._reader.read(relink.sizes)
        for event in relink.search(missing, sizes, real(typed(folder))):
            if not isinstance(event, Done):
                yield event
                continue
            found, changed = event.value
            changes = writer.write(partial(relink.link, found=found))
            lost = tuple(image.name for image in missing if image.id not in found)
            yield Done(RelinkReport(len(found), lost, tuple(changed), changes))

    # Upkeep

    def check(self, *, deep: bool = False) -> list[Problem]:
        """Everything that is wrong with the study; `deep` reads
        every image again, not just those that look touched."""
        return outcome(self._checking(deep))

    def checking(self, *, deep: bool = False) -> Iterator[Event[list[Problem]]]:
        """As `check`, with progress."""
        return responsive(self._checking(deep), "Checking the database")

    def _checking(self, deep: bool) -> Generator[Event[list[Problem]], None, None]:
        yield Progress(0, None, "Checking the database")
        problems = self._reader.read(check.database)
        yield Progress(0, None, f"Checking the {self.words().kept_many}")
        problems += self._reader.read(lambda c: check.files(c, self.path, deep=deep))
        if self.backup_failure is not None:
            problems.append(Problem("backup", self.backup_failure))
        yield Done(problems)

    def backup(self) -> Path:
        """Write a verified copy of the database to `backups/` and return it."""
        return outcome(self._backing_up())

    def backing_up(self) -> Iterator[Event[Path]]:
        """As `backup`, with progress; closing the generator leaves the backups as they were."""
        return responsive(self._backing_up(), "Backing up")

    def _backing_up(self) -> Generator[Event[Path], None, None]:
        _ = self._write
        yield Progress(0, None, "Backing up")
        yield Done(backup.back_up(self.path / opening.FILE))

    def backups(self) -> list[Path]:
        """The study's backups, newest first."""
        return backup_files.backups(self.path)

    @property
    def backup_failure(self) -> str | None:
        """Why the latest automatic backup failed; None if it did not or is still going on."""
        return None if self._automatic is None else self._automatic.failure

    def _back_up_before(self, step: str) -> None:
        """See `AutomaticBackups.before`."""
        if self._automatic is not None:
            self._automatic.before(step)

    @property
    def _write(self) -> SessionWriter:
        if self._writer is None:
            why = self.read_only_reason or f"The study {self.path} is open read-only."
            raise ReadOnlyStudyError(f"{why} Nothing was changed.")
        return self._writer
