"""The trial queue: the trials of one labeling session as the labeler sees them, ahead
of the disk, undone key press by key press. Knows no Qt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from prism_desktop.engine.study.records import TrialRecord

Value = int | str


@dataclass(frozen=True, slots=True)
class PresentedImages:
    """One presentation: image ids."""

    left: str
    right: str | None  # None for a rating


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the engine's session after a command."""

    coming: tuple[PresentedImages, ...]  # the one to judge now, and those after it
    paths: Mapping[str, Path]  # of the images of `coming`
    previous: TrialRecord | None = None  # what was answered to the first before it was undone
    can_undo: bool = False
    can_redo: bool = False
    done: int = 0  # trials of this task, all sessions together
    target: int = 0
    # answers to the first from a session that ended in its midst
    begun: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordAnswers:
    """The session is to record answers."""

    answers: Mapping[str, Value]
    onset: float | None
    seconds: float | None
    dropped_frames: int | None = None
    # what was judged; the session knows it itself, unless it could not go on
    shown: PresentedImages | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecordSkip:
    """The session is to record a skip."""

    reason: str
    onset: float | None
    seconds: float | None
    dropped_frames: int | None = None


@dataclass(frozen=True, slots=True)
class KeepAnswers:
    """The store is to keep the answers given so far to a trial that is not complete."""

    shown: PresentedImages
    answers: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class UndoTrial:
    """The session is to take its latest trial back."""


@dataclass(frozen=True, slots=True)
class RedoTrial:
    """The session is to bring back what it took back last."""


Command = RecordAnswers | RecordSkip | KeepAnswers | UndoTrial | RedoTrial
AttributeAnswer = tuple[str, Value]  # attribute and its answer


@dataclass(slots=True)
class Slot:
    """A presentation and the answers given so far."""

    shown: PresentedImages
    answers: dict[str, Value] = field(default_factory=dict)
    # answers taken back, the next to bring back last
    redo: list[AttributeAnswer] = field(default_factory=list)
    previous: TrialRecord | None = None  # recorded and undone
    touched: bool = False  # answered otherwise since
    onset: float | None = None  # unix s
    # frames of the screen that passed before its faces were painted
    dropped_frames: int | None = None

    def kept(self) -> KeepAnswers:
        """The answers as they are now."""
        return KeepAnswers(self.shown, MappingProxyType(dict(self.answers)))


class TrialQueue:
    """What is current, what comes next, and what each key press means for the session.

    A complete answer moves on at once to the presentation planned next; skip, undo and redo of a
    whole trial wait for the session (`waiting`), since they change what comes next."""

    def __init__(self, attributes: Sequence[str], snapshot: Snapshot) -> None:
        self.attributes = tuple(attributes)
        self.waiting = False
        self.done, self.target = snapshot.done, snapshot.target
        self.now = 0  # trials judged in this session
        self._unsaved = 0  # answers that the session has not confirmed
        self._can_undo = self._can_redo = False
        # answers undone in a trial that was never recorded
        self._put_aside: tuple[PresentedImages, list[AttributeAnswer]] | None = None
        self._left: dict[
            PresentedImages, dict[str, Value]
        ] = {}  # answers given before a trial was skipped
        self._slots: list[Slot] = []
        self._take(snapshot)
        if self._slots:
            given = [
                (name, snapshot.begun[name]) for name in self.attributes if name in snapshot.begun
            ]
            self._slots[0].answers = dict(given[: len(self.attributes) - 1])

    @property
    def current(self) -> Slot | None:
        """What is to be judged now; None if nothing is
        planned or the session is being waited for."""
        return self._slots[0] if self._slots and not self.waiting else None

    @property
    def attribute(self) -> str | None:
        """The attribute to be judged now."""
        slot = self.current
        return (
            None
            if slot is None
            else next((name for name in self.attributes if name not in slot.answers), None)
        )

    @property
    def can_undo(self) -> bool:
        return bool(self._slots and self._slots[0].answers) or self._can_undo or self._unsaved > 0

    @property
    def can_redo(self) -> bool:
        return bool(self._slots and self._slots[0].redo) or self._can_redo

    def coming(self, count: int) -> Sequence[PresentedImages]:
        """The current presentation and those after it."""
        return [slot.shown for slot in self._slots[:count]]

    def answer(self, value: Value, now: float) -> Command | None:
        """Judge the current attribute; `now` in unix s."""
        slot, name = self.current, self.attribute
        if slot is None or name is None:
            return None
        slot.answers[name] = value
        slot.redo.clear()
        slot.touched = True
        self._put_aside = None
        return self._finish(slot, now) if len(slot.answers) == len(self.attributes) else slot.kept()

    def skip(self, reason: str, now: float) -> Command | None:
        """Leave the current trial out, with what was answered of it."""
        slot = self.current
        if slot is None:
            return None
        self.waiting = True
        self._put_aside = None
        self._left[slot.shown] = dict(slot.answers)
        return RecordSkip(reason, slot.onset, _since(slot, now), slot.dropped_frames)

    def undo(self) -> Command | None:
        """Take the last key press back."""
        slot = self._slots[0] if self._slots else None
        if self.waiting:
            return None
        if slot is not None and slot.answers:
            slot.redo.append(slot.answers.popitem())
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
            name, value = slot.redo.pop()
            slot.answers[name] = value
            if len(slot.answers) < len(self.attributes):
                return slot.kept()
            if slot.previous is None or slot.touched:
                return self._finish(slot, now)
        elif slot.previous is None or slot.touched or not self._can_redo:
            return None
        self.waiting = True
        return RedoTrial()

    def confirm(self, command: Command, snapshot: Snapshot) -> None:
        """The session carried the command out; `snapshot` is its state now."""
        if isinstance(command, KeepAnswers):
            return
        if isinstance(command, RecordAnswers):
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

    def _finish(self, slot: Slot, now: float) -> RecordAnswers:
        self._slots.pop(0)
        self._unsaved += 1
        self.now += 1
        self.done += 1
        return RecordAnswers(
            MappingProxyType(dict(slot.answers)),
            slot.onset,
            _since(slot, now),
            slot.dropped_frames,
            slot.shown,
        )

    def _follow(self, snapshot: Snapshot) -> None:
        """Keep what is shown now; plan anew what comes after it."""
        self._can_undo, self._can_redo = snapshot.can_undo, snapshot.can_redo
        planned = snapshot.coming[self._unsaved :]
        if self._slots and planned and self._slots[0].shown == planned[0]:
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
        elif self._put_aside is not None and self._put_aside[0] == first.shown:
            first.redo = self._put_aside[1]
            self._put_aside = None

    def _put_back(self, slot: Slot, previous: TrialRecord, *, undone: bool) -> None:
        skipped = not previous.answers
        given = self._left.get(slot.shown, {}) if skipped else previous.answers
        steps = [(name, given[name]) for name in self.attributes if name in given]
        # the last key press was the skip itself, or the last answer
        last = len(steps) - (not skipped)
        kept = max(0, last) if undone else 0
        slot.previous = previous
        slot.answers = dict(steps[:kept])
        slot.redo = steps[kept:][::-1]


def _since(slot: Slot, now: float) -> float | None:
    return None if slot.onset is None else max(0.0, now - slot.onset)
