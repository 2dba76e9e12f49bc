"""The context that panels share: the open study, its threads, jobs, settings, messages."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine import log_file, paths
from prism_desktop.engine.errors import CorruptStudyError, ReadOnlyStudyError, StudyLockedError
from prism_desktop.engine.faults import fault_of
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.job import Job, Jobs
from prism_desktop.ui.lifetimes import Lifetimes
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.question_thread import QuestionThread
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.write_guard import WriteGuard

if TYPE_CHECKING:
    from prism_desktop.engine.study.known_studies import Origin
    from prism_desktop.engine.study.store import Study

_log = logging.getLogger(__name__)


class AppContext(QObject):
    """Handed to every panel; holds no widget.

    A panel reads with `ask`, writes with `write`, and runs long work with `jobs.start`."""

    opening = Signal(str)  # the study being opened, empty when it is open or could not be
    study_opened = Signal()
    study_closed = Signal()
    worded = Signal()  # what the study holds is called otherwise
    changed = Signal(object)  # records.Changes, after its transaction
    begun = Signal()  # somebody begins something: what was told about the one before goes
    # kind ("info", "good", "warn", "bad"), sentence, (button, what it does) or ()
    messaged = Signal(str, str, object)
    waiting = Signal(str, str)  # thread, and what it has done longer than a glance; "" when done
    closing = Signal()  # the window goes: end threads of your own
    panel_wanted = Signal(str)  # "study", "label", "train", "explore"
    view_wanted = Signal(str, str)  # a panel and one of its views
    labeling_wanted = Signal(str, str)  # a labeler and a task, the most telling trials first
    run_wanted = Signal(Path)  # a run's folder, to be explored
    check_wanted = Signal(Path)  # of a study's folder, open or not
    # while somebody labels: "blinded" keeps the other panels and the way out shut, "locked" fills
    # the screen too; "" ends it
    labeler_mode = Signal(str)
    pause_wanted = Signal()  # of whoever labels
    labeler_told = Signal(str, str)  # kind and sentence, for whoever labels; shown in any mode

    def __init__(self, settings: Settings, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.theme = theme
        self.study: Study | None = None
        self.origin: Origin | None = None  # where it comes from
        self.words = FACES  # for what the study holds
        self.notes_studies = True  # that they were open here
        self.looking_on = ""  # why every study is opened read-only here; empty if it is not
        self.busy_opening = False  # a study is on its way
        # Who began work is known here, so that its end ends the work and what follows from it.
        self.lifetimes = Lifetimes()
        lifetimes = self.lifetimes
        self.destroyed.connect(lambda: lifetimes.end_all())
        self.jobs = Jobs(lifetimes, self)
        self.worker = self._thread("reader")
        # of its own: an answer never waits behind a long reading
        self.writer = self._thread("writer")
        # key presses that could not be saved; set by the Label panel
        self.held_back: Callable[[], int] = lambda: 0
        # where they are kept, as a sentence, once the study is gone; else empty
        self.rescued: Callable[[], str] = lambda: ""
        # runs that end with this window; set by the Train panel
        self.in_training: Callable[[], int] = lambda: 0
        # runs that wait for those and are not started then; set by the Train panel
        self.in_queue: Callable[[], int] = lambda: 0
        # sentences on what is left of all these then; set by the Train panel
        self.kept_on_leaving: Callable[[], Sequence[str]] = tuple
        self.guard = WriteGuard(self)  # knows the controls that change something
        self._closing: list[Study] = []
        self._closed = False

    def _thread(self, name: str) -> QuestionThread:
        """One of the two threads for short work; the window shows what takes long in them."""
        tell = partial(self.waiting.emit, name)
        return QuestionThread(self.report, name, self.lifetimes, self, tell)

    def begin(self) -> None:
        """Somebody begins something new: errors and results of what came before go everywhere.

        `run`, `write` and `open_study` say so themselves; what begins by itself does not.
        """
        self.begun.emit()

    def message(
        self, text: str, kind: str = "info", action: tuple[str, Callable[[], object]] | None = None
    ) -> None:
        """Show a sentence in the window's message bar, with
        a button if there is something to do about it."""
        self.messaged.emit(kind, text, action or ())

    def report(self, error: Exception) -> None:
        """Say what went wrong: a `PrismError`, or a fault of disk or memory, in its own words.

        Anything else is a mistake of the program. All but what the user can put right is logged.
        """
        fault = fault_of(error)
        if fault is None:
            _log.error("A mistake in the program reached the window.", exc_info=error)
            self.message(
                f"Something unexpected went wrong ({error}). Your answers are kept; details are in "
                f"{paths.config() / log_file.NAME}.",
                "bad",
            )
            return
        if fault.exit_code == 1:
            _log.error("%s", fault, exc_info=error)
        self.message(str(fault), "bad")

    def ask(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        owner: QObject,
        what: str | Callable[[], str] = "Reading",
        topic: str | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `function` off the window's thread; see `QuestionThread.ask`."""
        self.worker.ask(function, then, owner=owner, what=what, topic=topic, failed=failed)

    def write(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        owner: QObject,
        what: str = "Saving",
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """As `ask` for an operation that returns `Changes`.

        `changed` is emitted, then `then` is called. An error is reported even when `owner` is gone.
        """
        self.begin()
        lifetime = self.lifetimes.of(owner)

        def announce(changes: Any) -> None:
            self.changed.emit(changes)
            if then is not None and not lifetime.over:
                then(changes)

        def refuse(error: Exception) -> None:
            (self.report if failed is None or lifetime.over else failed)(error)

        self.writer.ask(function, announce, owner=self, what=what, failed=refuse)

    def open_study(
        self, path: Path, then: Callable[[], None] | None = None, *, read_only: str = ""
    ) -> None:
        """Open the study at `path` in place of the present one.

        One that is locked or write-protected, read-only; so is any if `read_only` says why.
        """
        from prism_desktop.ui import operations

        if not read_only:  # else it goes on, and was just told why
            self.begin()
        read_only = read_only or self.looking_on

        def opened(found: "tuple[Study, Origin | None, StimulusWords]") -> None:
            study, self.origin, words = found
            self.busy_opening = False
            self.opening.emit("")
            self.study = study
            self.guard.set_reason(study.read_only_reason if study.read_only else "")
            self.settings.add_recent(Path(study.path))
            self.speak_of(words)
            self.study_opened.emit()
            if then is not None:
                then()

        def failed(error: Exception) -> None:
            self.busy_opening = False
            self.opening.emit("")
            if isinstance(error, StudyLockedError | ReadOnlyStudyError) and not read_only:
                self.message(f"{error} It is shown here read-only.", "warn")
                self.open_study(path, then, read_only=_reason(error))
            elif isinstance(error, CorruptStudyError):
                check = ("Check…", lambda: self.check_wanted.emit(path))
                self.message(str(error), "bad", check)
            else:
                self.report(error)

        self.opening.emit(path.stem)
        self.busy_opening = True
        doing = [f"Opening {path.stem}"]  # the last is what it does now
        self.close_study(
            lambda: self.ask(
                lambda: operations.open_known(
                    path, read_only, note=self.notes_studies, tell=doing.append
                ),
                opened,
                owner=self,
                what=lambda: doing[-1],
                failed=failed,
            )
        )

    def speak_of(self, words: StimulusWords) -> None:
        """Call what the study holds so from now on."""
        if words != self.words:
            self.words = words
            self.worded.emit()

    def close_study(self, then: Callable[[], None] | None = None) -> None:
        """Let go of the study: its jobs are cancelled, and
        what was asked of it before is still finished."""
        study, self.study = self.study, None
        self.speak_of(FACES)
        self.guard.set_reason("")
        if study is None:
            if then is not None:
                then()
            return
        self._closing.append(study)
        what = f"Closing {Path(study.path).stem}"
        self.study_closed.emit()

        def closed(_: None) -> None:
            if study in self._closing:  # else the window was closed meanwhile, and saw to it
                self._closing.remove(study)
            if then is not None:
                then()

        def close() -> None:
            self.ask(
                lambda: None,
                lambda _: self.writer.ask(study.close, closed, owner=self, what=what),
                owner=self,
                what=what,
            )

        self.jobs.cancel(close)  # not waited for here: the window lives on meanwhile

    def run(
        self,
        work: Iterable[Any],
        title: str,
        *,
        owner: QObject,
        events: Callable[[list[Any]], None] | None = None,
    ) -> Job:
        """Begin long work for `owner`; its failure is shown in the message bar."""
        self.begin()
        job = self.jobs.start(work, title, owner=owner, events=events)
        job.failed.connect(self.report)
        return job

    def idle(self) -> bool:
        """Whether nothing is asked, written or worked on."""
        return not (self.worker.busy or self.writer.busy or len(self.jobs) or self._closing)

    def close(self) -> None:
        """End everything cleanly: jobs, readings, what was to be written, then the study."""
        if self._closed:
            return
        self._closed = True
        self.jobs.close()
        self.closing.emit()
        self.worker.close(3.0, drop=True)
        studies = [*self._closing, *([self.study] if self.study is not None else [])]
        self._closing, self.study = [], None
        for study in studies:
            self.writer.ask(study.close, owner=self, what="Closing the study")
        self._close_writer()
        self.lifetimes.end_all()
        self.settings.sync()

    def _close_writer(self) -> None:
        """What goes wrong after the window is hidden is shown when it is opened again."""
        unsaid: list[str] = []
        self.messaged.connect(
            lambda kind, text, _: unsaid.append(text) if kind in ("warn", "bad") else None
        )
        self.writer.close(60.0)
        if unsaid:
            self.settings.put("unsaid", " ".join(dict.fromkeys(unsaid)))

    def say_unsaid(self) -> None:
        """Say what went wrong when the window was closed the last time."""
        if text := self.settings.get("unsaid"):
            self.settings.put("unsaid", "")
            self.message(str(text), "bad")


def _reason(error: Exception) -> str:
    """Why a study that could not be opened for writing may only be read, for a tool tip."""
    if isinstance(error, StudyLockedError):
        return "Another window or command has this study open, so here it can only be read."
    return "The folder of this study cannot be written, so it can only be read."
