"""The trial queue: the trials of one labeling session as the labeler sees them, ahead
of the disk, undone key press by key press. Knows no Qt.

Every question has its own onset, and the clock of all of them stands while the labeler is away or
the card for skipping covers the faces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.study.records import (
    FLAGS,
    AnswerTime,
    Flag,
    GivenAnswers,
    Kind,
    Order,
    TrialRecord,
)
from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.ui.label.attended_time import AttendedTime

Value = int | str


@dataclass(frozen=True, slots=True)
class PresentedImages:
    """One presentation: image ids."""

    left: str
    right: str | None  # None for a rating
    attributes: tuple[str, ...] = ()  # asked for; none: all of the session
    block: str = ""  # of the protocol, in words
    flags: tuple[Flag, ...] = ()  # practice or a check
    card: PartCard | None = None  # to be read before it
    # how it came to be shown; a trial that is told ahead may repeat one that has no identity yet
    repeat_of: str | None = field(default=None, compare=False)
    probability: float | None = field(default=None, compare=False)
    strategy: Order = field(default="random", compare=False)

    @property
    def kind(self) -> Kind:
        return "rating" if self.right is None else "comparison"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the engine's session after a command."""

    coming: tuple[PresentedImages, ...]  # the one to judge now, and those after it
    paths: Mapping[str, Path]  # of the images of `coming`; of texts see `texts`
    previous: TrialRecord | None = None  # what was given to the first before it was undone
    can_undo: bool = False
    can_redo: bool = False
    done: int = 0  # trials of this task, all sessions together
    target: int = 0
    # what was given to the first in a session that ended in its midst
    begun: GivenAnswers | None = None
    failed: bool = False  # the practice was, and nothing more comes
    texts: Mapping[str, TextRecord] = field(default_factory=dict)  # of `coming`


@dataclass(frozen=True, slots=True)
class RecordTrial:
    """The session is to record what was given to a presentation."""

    given: GivenAnswers
    # what was judged; the session knows it itself, unless it could not go on
    shown: PresentedImages | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class KeepAnswers:
    """The store is to keep what was given so far to a trial that is not complete."""

    shown: PresentedImages
    given: GivenAnswers


@dataclass(frozen=True, slots=True)
class UndoTrial:
    """The session is to take its latest trial back."""


@dataclass(frozen=True, slots=True)
class RedoTrial:
    """The session is to bring back what it took back last."""


Command = RecordTrial | KeepAnswers | UndoTrial | RedoTrial


class Reply(NamedTuple):
    """What a labeler gave to one question: a value, or why it was skipped."""

    attribute: str
    value: Value | None
    skip_reason: str | None = None
    time: AnswerTime = AnswerTime(None, None)
    strength: int | None = None  # of preference


KeyPress = tuple[Reply, ...]  # what one key press gave; skipping the rest gives several


@dataclass(slots=True)
class Slot:
    """A presentation and what was given so far."""

    shown: PresentedImages
    presses: list[KeyPress] = field(default_factory=list)
    # taken back, the next to bring back last
    redo: list[KeyPress] = field(default_factory=list)
    previous: TrialRecord | None = None  # recorded and undone
    touched: bool = False  # answered otherwise since
    seen: bool = False  # its faces were painted
    onset: float | None = None  # unix s, when they were painted first
    # frames of the screen that passed before its faces were painted
    dropped_frames: int | None = None
    flags: tuple[Flag, ...] = ()
    before: float = 0.0  # s of attended time before its faces were painted this time
    painted: float = 0.0  # reading of the clock when they were
    # of the present question: when it was painted, unix s, and the reading of the clock then
    asked: tuple[float, float] | None = None

    @property
    def replies(self) -> Iterable[Reply]:
        """What was given, in order."""
        return (reply for press in self.presses for reply in press)

    @property
    def answers(self) -> dict[str, Value]:
        """Attribute -> answer."""
        return {each.attribute: each.value for each in self.replies if each.value is not None}

    @property
    def skips(self) -> dict[str, str]:
        """Questions skipped -> why."""
        return {each.attribute: each.skip_reason for each in self.replies if each.skip_reason}

    def given(self, seconds: float | None = None) -> GivenAnswers:
        """All of it, for the session."""
        unknown = AnswerTime(None, None)
        return GivenAnswers(
            self.answers,
            self.skips,
            {each.attribute: each.time for each in self.replies if each.time != unknown},
            {each.attribute: each.strength for each in self.replies if each.strength is not None},
            onset=self.onset,
            seconds=seconds,
            dropped_frames=self.dropped_frames,
            flags=self.flags,
        )

    def kept(self) -> KeepAnswers:
        """What was given, as it is now."""
        return KeepAnswers(self.shown, self.given())

    def begin_with(self, given: GivenAnswers, presses: Sequence[KeyPress]) -> None:
        """Take over what was given to it earlier; without any it begins when it is painted."""
        self.presses = list(presses)
        self.flags = given.flags
        if presses:
            self.onset, self.dropped_frames = given.onset, given.dropped_frames
            self.before = sum(each.time.seconds or 0.0 for each in self.replies)


def presses_of(given: GivenAnswers, attributes: Sequence[str]) -> list[KeyPress]:
    """The key presses that gave this: a question that was never put was skipped with the one before
    it."""
    names = dict.fromkeys((*attributes, *given.answers, *given.skips))
    presses: list[KeyPress] = []
    for name in names:
        value, reason = given.answers.get(name), given.skips.get(name)
        if value is None and reason is None:
            continue
        time = given.times.get(name, AnswerTime(None, None))
        reply = Reply(name, value, reason, time, given.strengths.get(name))
        never_put = value is None and time == AnswerTime(None, None)
        if never_put and presses and presses[-1][-1].skip_reason == reason:
            presses[-1] = (*presses[-1], reply)
        else:
            presses.append((reply,))
    return presses


def without_last_press(trial: TrialRecord, attributes: Sequence[str]) -> KeepAnswers | None:
    """What is left of a trial once its last key press is taken back; None if that is nothing."""
    slot = Slot(PresentedImages(trial.left, trial.right))
    slot.begin_with(trial.given(), presses_of(trial.given(), attributes)[:-1])
    return slot.kept() if slot.presses else None


class TrialQueue:
    """What is current, what comes next, and what each key press means for the session.

    A complete trial moves on at once to the presentation planned next; one of which nothing was
    answered, and undo and redo of a whole trial, wait for the session (`waiting`), since they
    change what comes next. `now` is s on a steady clock; onsets are unix s."""

    def __init__(self, attributes: Sequence[str], snapshot: Snapshot) -> None:
        self._attributes = tuple(attributes)
        self.waiting = False
        self.failed = snapshot.failed
        self.done, self.target = snapshot.done, snapshot.target
        self.now = 0  # trials judged in this session
        self._clock = AttendedTime()
        self._unsaved = 0  # answers that the session has not confirmed
        self._can_undo = self._can_redo = False
        # answers undone in a trial that was never recorded
        self._put_aside: tuple[PresentedImages, list[KeyPress]] | None = None
        self._slots: list[Slot] = []
        self._take(snapshot)

    @property
    def current(self) -> Slot | None:
        """What is to be judged now; None if nothing is
        planned or the session is being waited for."""
        return self._slots[0] if self._slots and not self.waiting else None

    @property
    def attribute(self) -> str | None:
        """The attribute to be judged now."""
        slot = self.current
        return None if slot is None else next(iter(self._open(slot, slot.replies)), None)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those asked for now."""
        return self._attributes if self.current is None else self._asked(self.current)

    @property
    def away(self) -> bool:
        """Whether the clock stands."""
        return self._clock.stands

    @property
    def can_undo(self) -> bool:
        return bool(self._slots and self._slots[0].presses) or self._can_undo or self._unsaved > 0

    @property
    def can_redo(self) -> bool:
        return bool(self._slots and self._slots[0].redo) or self._can_redo

    def coming(self, count: int) -> Sequence[PresentedImages]:
        """The current presentation and those after it."""
        return [slot.shown for slot in self._slots[:count]]

    def faces_painted(self, when: float, dropped_frames: int, now: float) -> None:
        """The current trial's faces were painted at `when`, unix s, and the present question with
        them."""
        slot = self.current
        if slot is None or slot.seen:
            return
        slot.seen, slot.painted = True, self._clock.at(now)
        slot.asked = when, slot.painted
        if slot.onset is None:
            slot.onset, slot.dropped_frames = when, dropped_frames

    def question_painted(self, when: float, now: float) -> None:
        """The present question was painted, below faces that are there or on their way."""
        slot = self.current
        if slot is not None and slot.seen and slot.asked is None:
            slot.asked = when, self._clock.at(now)

    def hold(self, now: float) -> None:
        """The clock is to stand: something covers the faces."""
        self._clock.stop(now)

    def go_on(self, now: float) -> None:
        """The labeler sees the faces again."""
        self._clock.go_on(now)

    def leave(self, now: float) -> Command | None:
        """The panel, the window or the screen lost the trial; one that was seen is flagged."""
        self._clock.stop(now)
        slot = self.current
        if slot is None or not slot.seen or "left" in slot.flags:
            return None
        slot.flags = tuple(flag for flag in FLAGS if flag in (*slot.flags, "left"))
        return slot.kept()

    def answer(self, value: Value, now: float, strength: int | None = None) -> Command | None:
        """Judge the current attribute."""
        return self._reply(value, None, now, rest=False, strength=strength)

    def skip(self, reason: str, now: float, *, rest: bool = False) -> Command | None:
        """Leave the present question out, or all that are left of the trial."""
        return self._reply(None, reason, now, rest=rest)

    def undo(self) -> Command | None:
        """Take the last key press back."""
        slot = self._slots[0] if self._slots else None
        if self.waiting:
            return None
        if slot is not None and slot.presses:
            slot.redo.append(slot.presses.pop())
            slot.asked = None
            return slot.kept()
        if not self.can_undo:
            return None
        if slot is not None and slot.redo and slot.previous is None:
            self._put_aside = (slot.shown, slot.redo)
        self.waiting = True
        return UndoTrial()

    def redo(self, now: float) -> Command | None:
        """Bring back the key press taken back last."""
        slot = self.current
        if slot is None:
            return None
        if slot.redo:
            slot.presses.append(slot.redo.pop())
            slot.asked = None
            if self._open(slot, slot.replies):
                return slot.kept()
            if slot.previous is None or slot.touched:
                return self._finish(slot, now)
        elif slot.previous is None or slot.touched or not self._can_redo:
            return None
        self.waiting = True
        return RedoTrial()

    def confirm(self, command: Command, snapshot: Snapshot) -> None:
        """The session carried the command out; `snapshot` is its state now."""
        self.failed = snapshot.failed
        if isinstance(command, KeepAnswers):
            return
        if isinstance(command, RecordTrial) and command.given.answers:
            self._unsaved -= 1
            self.done, self.target = snapshot.done + self._unsaved, snapshot.target
            if self.waiting:  # a skip, undo or redo is on its way; its own snapshot will follow
                return
            self._follow(snapshot)
            return
        self.done, self.target = snapshot.done, snapshot.target
        self.now = max(0, self.now + (-1 if isinstance(command, UndoTrial) else 1))
        self.waiting = False
        self._take(snapshot, undone=isinstance(command, UndoTrial))

    def _reply(
        self,
        value: Value | None,
        reason: str | None,
        now: float,
        *,
        rest: bool,
        strength: int | None = None,
    ) -> Command | None:
        slot = self.current
        names = [] if slot is None else self._open(slot, slot.replies)
        if slot is None or not names:
            return None
        time = self._time(slot, now)
        press = [Reply(names[0], value, reason, time, strength)]
        if rest:
            press += [Reply(name, None, reason) for name in names[1:]]
        slot.presses.append(tuple(press))
        slot.redo.clear()
        slot.touched, slot.asked = True, None
        self._put_aside = None
        return slot.kept() if self._open(slot, slot.replies) else self._finish(slot, now)

    def _time(self, slot: Slot, now: float) -> AnswerTime:
        """Of an answer to the present question that comes now."""
        if not slot.seen:
            return AnswerTime(None, None)
        if slot.asked is None:  # quicker than the screen
            return AnswerTime(None, 0.0)
        onset, reading = slot.asked
        return AnswerTime(onset, max(0.0, self._clock.at(now) - reading))

    def _asked(self, slot: Slot) -> tuple[str, ...]:
        return slot.shown.attributes or self._attributes

    def _open(self, slot: Slot, replies: Iterable[Reply]) -> list[str]:
        """What is still to be asked."""
        given = {each.attribute for each in replies}
        return [name for name in self._asked(slot) if name not in given]

    def _finish(self, slot: Slot, now: float) -> RecordTrial:
        seconds = None
        if slot.seen:
            seconds = slot.before + max(0.0, self._clock.at(now) - slot.painted)
        command = RecordTrial(slot.given(seconds), slot.shown)
        if not slot.answers:
            self.waiting = True
            return command
        self._slots.pop(0)
        self._unsaved += 1
        self.now += 1
        self.done += 1
        return command

    def _follow(self, snapshot: Snapshot) -> None:
        """Keep what is shown now; plan anew what comes after it."""
        self._can_undo, self._can_redo = snapshot.can_undo, snapshot.can_redo
        planned = snapshot.coming[self._unsaved :]
        if self._slots and planned and self._slots[0].shown == planned[0]:
            self._slots[0].shown = planned[0]  # which knows by now what it repeats
            self._slots = [self._slots[0], *(Slot(shown) for shown in planned[1:])]
        elif not self._unsaved:
            self._take(snapshot)

    def _take(self, snapshot: Snapshot, *, undone: bool = False) -> None:
        """Show what the session says.

        Only the last key press of a trial just undone is taken back.
        """
        self._can_undo, self._can_redo = snapshot.can_undo, snapshot.can_redo
        self._slots = [Slot(shown) for shown in snapshot.coming]
        if not self._slots:
            return
        first, previous = self._slots[0], snapshot.previous
        if previous is not None:
            self._put_back(first, previous, undone=undone)
        elif snapshot.begun is not None:
            self._go_on_with(first, snapshot.begun)
        elif self._put_aside is not None and self._put_aside[0] == first.shown:
            first.redo = self._put_aside[1]
            self._put_aside = None

    def _go_on_with(self, slot: Slot, begun: GivenAnswers) -> None:
        """What was given to a trial in a session that ended in its midst."""
        presses = presses_of(begun, self._asked(slot))
        redo: list[KeyPress] = []
        while presses and not self._open(slot, (reply for press in presses for reply in press)):
            redo.append(presses.pop())  # fewer questions are asked than then
        slot.begin_with(begun, presses)
        slot.redo = redo

    def _put_back(self, slot: Slot, previous: TrialRecord, *, undone: bool) -> None:
        """What was given to a trial that was undone, without its last key press."""
        presses = presses_of(previous.given(), self._asked(slot))
        kept = max(0, len(presses) - 1) if undone else 0
        slot.previous = previous
        if kept:
            slot.begin_with(previous.given(), presses[:kept])
        slot.redo = presses[kept:][::-1]
