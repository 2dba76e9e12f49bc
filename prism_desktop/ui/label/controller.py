"""The labeling controller: one labeler at one task, with the trial queue in front, the
engine's session and the store behind, and images decoded ahead."""

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, QSize, QTimer, Signal

from prism_desktop.engine.errors import StudyGoneError
from prism_desktop.engine.events import Done
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.protocol import AfterGap, Protocol
from prism_desktop.engine.labeling.timing import FrameTimes
from prism_desktop.engine.study.records import Changes, Kind
from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import operations
from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.label.trial_queue import (
    Command,
    KeepAnswers,
    RecordTrial,
    Snapshot,
    TrialQueue,
    Value,
)
from prism_desktop.ui.operations import image_paths

if TYPE_CHECKING:
    from prism_desktop.engine.labeling.labeling_session import LabelingSession
    from prism_desktop.engine.labeling.practice import PracticeSession
    from prism_desktop.engine.study.store import Study

DECODED = 4  # trials whose faces are at hand: the present one and those after it
PLANNED_ORDERS = frozenset({"telling", "unsure"})
AGAIN = 20  # answers after which the trials to come are planned anew
_BETWEEN = 3_000  # ms between two lessons of a model
_QUIET = 1200  # ms without an answer before the other panels are informed

_log = logging.getLogger(__name__)


def _reading(when: float) -> float:
    """The steady clock's reading at a moment that has just been, unix s."""
    return time.perf_counter() - max(0.0, time.time() - when)


class _HeldBackError(Exception):
    """Not stored because something before it could not be."""


class LabelingController(QObject):
    """Turns key presses into stored trials without ever waiting for the disk.

    Answers are stored in order by the store's writer. If one cannot be stored, it and all after it
    are kept here, `stuck` says why, and `save_again` tries once more."""

    ready = Signal()
    moved = Signal()  # another attribute or trial is current
    stuck = Signal(Exception)
    freed = Signal()  # nothing is left to store
    grown = Signal(object)  # a Growth: what a model knows of the labeler by now

    def __init__(
        self,
        context: AppContext,
        study: "Study",
        labeler: str,
        kind: Kind,
        prefetch: ImagePrefetch,
        *,
        practice: bool = False,
        follow: bool = False,
    ) -> None:
        """Args:
        practice: a few trials on which to learn the keys, of which nothing is kept.
        follow: have a model learn from every answer, and tell how well it foretells them; never
            where the labeler is blinded.
        """
        super().__init__(context)  # lives on after the page let go of it, until all is stored
        self._context, self.study, self._prefetch = context, study, prefetch
        self.labeler, self.practice = labeler, practice
        self._kind: Kind = kind
        self.frames = FrameTimes()
        self.queue: TrialQueue | None = None
        self._session: LabelingSession | PracticeSession | None = None
        self.rescued = ""  # where the answers are, once the study is gone
        self._paths: dict[str, Path] = {}
        self.texts: dict[str, TextRecord] = {}  # that may be shown, of a study of texts
        self._moved_to: dict[
            str, Path
        ] = {}  # known better than by the session, which reads the images once
        self._unsaved: deque[Command] = deque()
        self._stuck = self._failed = self._ended = False
        # of what is on its way to the writer; what failed is sent again in a new one
        self._epoch = 0
        self._box = QSize(1, 1)
        self._changes = Changes()
        self._unplanned = 0  # answers since the trials to come were planned
        self._planning = False
        self._follows, self._ungrown, self._growing = follow and not practice, True, False
        self._grow_later = QTimer(self)
        self._grow_later.setSingleShot(True)
        self._grow_later.setInterval(_BETWEEN)
        self._grow_later.timeout.connect(self._grow)
        self._announce_later = QTimer(self)
        self._announce_later.setSingleShot(True)
        self._announce_later.setInterval(_QUIET)
        self._announce_later.timeout.connect(self.announce_changes)
        begin: Callable[..., tuple[LabelingSession | PracticeSession, Snapshot]] = (
            operations.begin_practice if practice else operations.begin_labeling
        )
        context.writer.ask(
            lambda: begin(study, labeler, kind),
            self._begin,
            owner=self,
            what="Choosing the first trials",
            failed=self._not_begun,
        )

    @property
    def unsaved(self) -> int:
        """What was done but is not yet on the disk."""
        return len(self._unsaved)

    @property
    def held_back(self) -> int:
        """What could not be stored, and what was done after it."""
        return len(self._unsaved) if self._stuck else 0

    @property
    def kind(self) -> Kind:
        """What is done now."""
        slot = None if self.queue is None else self.queue.current
        return self._kind if slot is None else slot.shown.kind

    @property
    def rules(self) -> Protocol | None:
        """The protocol that the session follows."""
        return None if self._session is None else self._session.rules

    @property
    def gap(self) -> AfterGap:
        """What becomes of the time since the session before."""
        return "go on" if self._session is None else self._session.gap

    @property
    def away(self) -> float:
        """Minutes since the session before."""
        return 0.0 if self._session is None else self._session.away

    @property
    def last_seen(self) -> float | None:
        """When the labeler did this task last, unix s."""
        return None if self._session is None else self._session.last_seen

    def answer(self, value: Value, strength: int | None = None) -> None:
        """Judge the present attribute."""
        if self.queue is not None and not self._stuck:
            self._act(self.queue.answer(value, time.perf_counter(), strength))

    def skip(self, reason: str, *, rest: bool = False) -> None:
        """Leave the present question out, or all that are left of the trial."""
        if self.queue is not None and not self._stuck:
            self._act(self.queue.skip(reason, time.perf_counter(), rest=rest))

    def undo(self) -> None:
        if self.queue is not None and not self._stuck:
            self._act(self.queue.undo())

    def redo(self) -> None:
        if self.queue is not None and not self._stuck:
            self._act(self.queue.redo(time.perf_counter()))

    def painted(self, when: float, dropped_frames: int) -> None:
        """The present trial's faces were painted at `when`, unix s: the onset, also of its first
        question. So many frames passed before."""
        if self.queue is not None:
            self.queue.faces_painted(when, dropped_frames, _reading(when))
            self.frames.trials += 1
            self.frames.late += dropped_frames > 0

    def masked(self, milliseconds: float) -> None:
        """The faces were there for so long, until the mask was painted."""
        self.frames.exposures.append(milliseconds)

    def decide_gap(self, then: AfterGap, *, instruct: bool) -> None:
        """Go on after a time away as the labeler chose; `ready` is told again.

        `instruct` says whether the instructions come first.
        """
        session = self._session
        if session is None or self.practice:
            return
        self._context.writer.ask(
            lambda: operations.decide_gap(cast("LabelingSession", session), then),
            partial(self._decided, session, instruct),
            owner=self,
            what="Choosing the first trials",
            failed=self._not_begun,
        )

    def _decided(
        self,
        session: "LabelingSession | PracticeSession",
        instruct: bool,
        result: "tuple[Changes, Snapshot]",
    ) -> None:
        self._changes |= result[0]
        session.gap = "instructions" if instruct else "go on"
        self._begin((session, result[1]))

    def question_painted(self, when: float) -> None:
        """The present question was painted at `when`, unix s: its onset, if the faces are there."""
        if self.queue is not None:
            self.queue.question_painted(when, _reading(when))

    def leave(self) -> None:
        """The labeler cannot see the trial any more: the clock stands, and the trial is flagged.

        That is kept at once, for nobody knows whether this session goes on.
        """
        command = None if self.queue is None else self.queue.leave(time.perf_counter())
        held = self._stuck or self._ended or self.study.read_only
        if command is not None and not held:
            self._unsaved.append(command)
            self._save(command)

    def hold(self) -> None:
        """The clock stands while something covers the faces."""
        if self.queue is not None:
            self.queue.hold(time.perf_counter())

    def go_on(self) -> None:
        """The labeler sees the trial again."""
        if self.queue is not None:
            self.queue.go_on(time.perf_counter())

    def look_ahead(self, box: QSize) -> None:
        """Have the coming faces decoded for a room of `box` device pixels each."""
        self._box = box
        if self.queue is None:
            return
        coming = self.queue.coming(DECODED)
        images = [
            image for shown in coming for image in (shown.left, shown.right) if image is not None
        ]
        self._prefetch.want(
            [(image, self._paths[image]) for image in images if image in self._paths], box
        )

    def save_again(self) -> None:
        """Try again to store what could not be stored."""
        self._stuck = self._failed = False
        self.rescued = ""
        self._epoch += 1
        for command in self._unsaved:
            self._save(command)

    def announce_changes(self) -> None:
        """Tell the other panels what changed; done by itself when the labeler rests."""
        changes, self._changes = self._changes, Changes()
        if changes:
            self._context.changed.emit(changes)

    def find_images(self) -> None:
        """Look up anew where the images are; some were moved or found again."""
        study = self.study
        self._context.ask(
            lambda: image_paths(study),
            self._found,
            owner=self,
            what="Looking where the images are",
            topic="images",
        )

    def _found(self, paths: dict[str, Path]) -> None:
        self._moved_to = paths
        self._paths.update(paths)
        self.look_ahead(self._box)

    def _begin(self, begun: "tuple[LabelingSession | PracticeSession, Snapshot]") -> None:
        self._session, snapshot = begun
        self.queue = TrialQueue(
            [attribute.name for attribute in self._session.attributes], snapshot
        )
        self._paths.update(snapshot.paths)
        self.texts.update(snapshot.texts)
        self._plan()
        self.ready.emit()

    def _not_begun(self, error: Exception) -> None:
        if self._context.study is self.study:
            self._context.report(error)
        self.deleteLater()

    def end(self) -> None:
        """The labeler leaves.

        What is still on its way to the disk is waited for, what is held back goes to a rescue file.
        """
        self._announce_later.stop()
        self._grow_later.stop()
        self._ended = True
        self._note_end()
        if self._unsaved and not self._stuck:
            self.freed.connect(self.deleteLater)
            return
        if self._stuck and not self.rescued:
            self._rescue(self._tell_rescued)
        self.deleteLater()

    def _note_end(self) -> None:
        """After all that is on its way; a study that is gone or closed notes nothing."""
        session, frames = self._session, self.frames
        if session is None or self.practice or self._stuck or self.study.read_only:
            return
        self._context.writer.ask(
            lambda: operations.end_session(session, frames),
            owner=self._context,
            what="Closing the session",
            failed=lambda error: _log.warning("The end of a session was not noted: %s", error),
        )

    def _act(self, command: Command | None) -> None:
        self.moved.emit()  # first what the labeler sees, then the disk
        if command is not None:
            self._unsaved.append(command)
            self._save(command)

    def _save(self, command: Command) -> None:
        epoch = self._epoch
        self._context.writer.ask(
            lambda: self._store(command, epoch),
            self._saved,
            owner=self,
            what="Saving the answer",
            failed=self._not_saved,
        )

    def _store(self, command: Command, epoch: int) -> tuple[Changes, Snapshot]:
        """In the writer's thread: after a failure nothing more is
        stored until `save_again`, so that order is kept."""
        if self._failed or epoch != self._epoch or self._session is None:
            raise _HeldBackError
        try:
            return operations.label(self._session, command)
        except Exception:
            self._failed = True
            raise

    def _saved(self, result: tuple[Changes, Snapshot]) -> None:
        """Take in that the oldest command on its way has reached the disk.

        `moved` is told only where that changes what is shown; otherwise the next faces are decoded.
        The other panels hear of it when the labeler rests. `freed` follows the last, which a
        controller that was ended waits for.
        """
        changes, snapshot = result
        command = self._unsaved.popleft()
        self._changes |= changes
        if not self._ended:
            self._announce_later.start()
        self._paths.update({**snapshot.paths, **self._moved_to})
        self.texts.update(snapshot.texts)
        assert self.queue is not None
        before = self.queue.current
        self.queue.confirm(command, snapshot)
        if self.queue.current is not before or (self.queue.current is None and not self._unsaved):
            self.moved.emit()
        else:
            self.look_ahead(self._box)
        self._unplanned += isinstance(command, RecordTrial)
        if self._unplanned >= AGAIN:
            self._plan()
        self._ungrown = True
        self._grow()
        if not self._unsaved:
            self.freed.emit()

    def _grow(self) -> None:
        """Have the model learn what is stored by now, unless it is at it or was a moment ago."""
        rules = self.rules
        blinded = rules is not None and rules.blinded
        idle = self._session is None or self._ended or not (self._follows and self._ungrown)
        if idle or blinded or self._growing or self._grow_later.isActive():
            return
        self._growing, self._ungrown = True, False
        job = self._context.jobs.start(
            operations.follow_growth(self.study, self.labeler),
            "Learning from the answers",
            owner=self,
            quiet=True,
            events=self._take_growth,
        )
        job.failed.connect(lambda error: _log.warning("No model learned: %s", error))
        job.finished.connect(self._have_grown)

    def _take_growth(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done) and event.value is not None:
                self.grown.emit(event.value)

    def _have_grown(self) -> None:
        self._growing = False
        self._grow_later.start()

    def _plan(self) -> None:
        """Have the trials to come planned in another process by what was said so far, where their
        order asks for it.

        Until the plan is there labeling goes on as planned before, or at random.
        """
        session = self._session
        if session is None or session.order not in PLANNED_ORDERS or self._planning or self._ended:
            return
        self._planning, self._unplanned = True, 0
        job = self._context.jobs.start(
            operations.plan_trials(self.study, self.labeler, session.kind, session.order),
            "Choosing what to ask next",
            owner=self,
            quiet=True,
            events=self._take_plan,
        )
        job.failed.connect(lambda error: _log.warning("No plan of trials was made: %s", error))
        job.finished.connect(self._planned)

    def _take_plan(self, events: list[Any]) -> None:
        session = self._session
        for event in events:
            if isinstance(event, Done) and session is not None:
                self._context.writer.ask(
                    partial(operations.take_plan, session, event.value),
                    owner=self,
                    what="Choosing what to ask next",
                )

    def _planned(self) -> None:
        self._planning = False

    def _keep_apart(self) -> None:
        """The study is gone: key presses that came before that was known go where the others of
        the session are."""
        if len(self._unsaved) == 1 and not isinstance(self._unsaved[0], KeepAnswers):
            return  # the store has kept that one apart already

        def told(sentence: str) -> None:
            error = StudyGoneError(sentence)
            self.rescued = sentence
            self._context.report(error)
            self.stuck.emit(error)

        self._rescue(told)

    def _rescue(self, told: Callable[[str], None]) -> None:
        """What could not be stored goes to a rescue file; `told` is told where that is."""
        session, held_back = self._session, list(self._unsaved)
        if session is None or not held_back or self.practice:
            return
        self._context.writer.ask(
            lambda: operations.keep_apart(session, held_back),
            told,
            owner=self._context,
            what="Keeping the answers that could not be saved",
        )

    def _tell_rescued(self, sentence: str) -> None:
        count = len(self._unsaved)
        many = counted(count, "answer was", "answers were")
        what = f"The last {word_for(count, 'answer was', many)} not saved in the study."
        self._context.message(f"{what} {sentence}", "bad")

    def _not_saved(self, error: Exception) -> None:
        if isinstance(error, _HeldBackError):
            return
        self._stuck = True
        self._context.report(error)
        if isinstance(error, StudyGoneError):
            self.rescued = str(error)
            self._keep_apart()
        if self._ended:  # no one can try again
            if not self.rescued:
                self._rescue(self._tell_rescued)
            self.deleteLater()
        self.stuck.emit(error)
