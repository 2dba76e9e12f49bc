"""A labeling session: one labeler at one task, what to show, what was answered, undo and redo."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.design import Choice, Design, LabelingConfig, Shown
from prism_desktop.engine.labeling.telling_trials import telling_trials
from prism_desktop.engine.labeling.undo_history import History
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.records import (
    FLAGS,
    Changes,
    GivenAnswers,
    ImageId,
    ImageRecord,
    Kind,
    PendingAnswers,
    TrialId,
    TrialRecord,
    new_id,
    reason_of,
)
from prism_desktop.engine.study.store import Study

SKIP_REASONS = ("I know this person", "The image is bad", "I cannot judge this")
NOT_RESUMED = "Interrupted, and not shown again"  # why the rest of a trial was skipped


@dataclass(frozen=True, slots=True)
class Presentation:
    """What to put before the labeler."""

    kind: Kind
    left: ImageRecord
    right: ImageRecord | None  # None for a rating
    repeat_of: TrialId | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class SessionProgress:
    """How far the labeler is with this task, all sessions together."""

    done: int  # trials shown: answered or skipped, repeats included
    target: int
    answered: int
    skipped: int
    repeats: int


@dataclass(frozen=True, slots=True)
class AnsweredPresentation:
    """What was given to a presentation that the session did not come to."""

    left: ImageId
    right: ImageId | None  # None for a rating
    given: GivenAnswers


def resumed(given: GivenAnswers) -> GivenAnswers:
    """What an earlier session was given, as a later one goes on with it: begun when its first
    question was put, and so far as long as its questions took."""
    times = list(given.times.values())
    flags = {*given.flags, "interrupted"}
    return replace(
        given,
        onset=times[0].onset if times else None,
        seconds=sum(time.seconds or 0.0 for time in times) if times else None,
        flags=tuple(flag for flag in FLAGS if flag in flags),
    )


class LabelingSession:
    """A session.

    It resumes where the labeler stopped, and the same study always leads to the same next trial.

    Not for two threads at once; every answer is on the disk when the method returns.
    """

    def __init__(
        self, study: Study, labeler: str, kind: Kind, config: LabelingConfig | None = None
    ) -> None:
        """Attributes that an import guessed are not asked for until somebody confirms them.

        Raises:
            InputError: the labeler is unknown, the study has too few images for the task, or
                nobody confirmed an attribute.
        """
        if labeler not in {person.code for person in study.labelers()}:
            raise InputError(f"There is no labeler {labeler!r} in this study.")
        self._study, self.labeler, self.kind = study, labeler, kind
        names, _ = confirmed_names(study.attributes(), study.path)
        self.attributes = tuple(each for each in study.attributes() if each.name in names)
        self._images = {image.id: image for image in study.images()}
        self._config = config or _config(study, kind)
        self.id = new_id()
        self._order = 0
        # undone and not yet answered anew, the one to show now last
        self._corrects: list[TrialRecord] = []
        self._begin()
        # what was given to the current presentation in a session that ended in its midst
        self.begun = self._pending()

    def _begin(self) -> None:
        images = self._images.values()
        self._design = Design(self.kind, images, self._study.id, self.labeler, self._config)
        if not self._design.stimuli:
            raise InputError("The study has too few images for this task; add images first.")
        # unix s of the labeler's latest trial of this task, None before the first
        self.last_seen = self._resume()
        self._current = self._present(self._design.next())

    def _pending(self) -> GivenAnswers | None:
        """What an unfinished trial holds, if it comes now.

        If another one comes, since its image is gone or the study has changed, what was given is
        recorded: its answers count, and the rest of its questions are skipped.
        """
        shown, pending = self._current, self._study.pending(self.labeler, self.kind)
        if pending is None:
            return None
        given = resumed(pending.given)
        if shown is not None and (pending.left, pending.right) == _sides(shown):
            return given
        if given.answers and not self._study.read_only and not self._is_stale(pending):
            asked = given.answers.keys() | given.skips.keys()
            rest = {each.name: NOT_RESUMED for each in self.attributes if each.name not in asked}
            given = replace(given, skips={**given.skips, **rest})
            # in a session of its own, that of then is over
            self._study.record(
                self._trial(pending.left, pending.right, given, session=new_id(), order=0)
            )
            self._begin()
        return None

    def _is_stale(self, pending: PendingAnswers) -> bool:
        """Versions before the fifth left answers behind of trials that were brought back by redo;
        they have no times."""
        shown = pending.left, pending.right
        trials = () if pending.given.times else self._study.trials(self.labeler, self.kind)
        return any((trial.left, trial.right) == shown for trial in trials)

    def _resume(self) -> float | None:
        trials = self._study.trials(self.labeler, self.kind)
        first = 0
        for number, trial in enumerate(trials):
            own = trial.source == "labeled"
            answered = trial.status == "answered"
            self._design.push(
                Shown(trial.id, trial.left, trial.right, answered, trial.repeat_of, own)
            )
            first = first if own else number + 1
        # Undo stops at what was not labeled here.
        self._history = History(self._study, [trial.id for trial in trials[first:]])
        return max((trial.onset for trial in trials if trial.onset is not None), default=None)

    @property
    def images(self) -> Collection[ImageRecord]:
        """The study's images."""
        return self._images.values()

    @property
    def current(self) -> Presentation | None:
        """What to show now; None when every image or pair was shown."""
        return self._current

    @property
    def previous_answer(self) -> TrialRecord | None:
        """What was answered to the current presentation before it was undone."""
        return self._corrects[-1] if self._corrects else None

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back, from earlier sessions too."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether something taken back can be brought back."""
        return self._history.can_redo

    @property
    def progress(self) -> SessionProgress:
        """Counts of this task, kept up to date without asking the store."""
        design = self._design
        shown = design.fresh + design.repeats
        return SessionProgress(
            shown, design.target, shown - design.skipped, design.skipped, design.repeats
        )

    def upcoming(self, count: int) -> tuple[Presentation, ...]:
        """What comes after the current presentation, to decode ahead; a skip may change it."""
        choices = self._design.upcoming(count + 1)[1:]
        return tuple(shown for choice in choices if (shown := self._present(choice)))

    def answer(
        self,
        answers: Mapping[str, int | str],
        onset: float | None = None,
        seconds: float | None = None,
        dropped_frames: int | None = None,
    ) -> Changes:
        """Record the answer to the current presentation and move on.

        Args:
            answers: attribute -> 1-4 for a rating, "left", "right" or "tie" for a comparison.
            onset: when the images were painted, unix s.
            seconds: from there to the answer.
            dropped_frames: frames of the screen that passed before the images were painted.
        """
        return self.record(
            GivenAnswers(answers, onset=onset, seconds=seconds, dropped_frames=dropped_frames)
        )

    def skip(
        self,
        reason: str,
        onset: float | None = None,
        seconds: float | None = None,
        dropped_frames: int | None = None,
    ) -> Changes:
        """Record that no question of the current presentation was answered, and why, and move on.

        A skip is not a tie.
        """
        skips = {each.name: reason for each in self.attributes}
        return self.record(
            GivenAnswers(skips=skips, onset=onset, seconds=seconds, dropped_frames=dropped_frames)
        )

    def record(self, given: GivenAnswers) -> Changes:
        """Record what was given to the current presentation and move on.

        What was taken back before is superseded by it.

        Raises:
            InputError: everything was shown, or the answers cannot be; nothing is recorded then.
        """
        shown = self._current
        if shown is None:
            raise InputError("Everything was shown; there is nothing to answer.")
        trial = replace(
            self._trial(*_sides(shown), given),
            repeat_of=shown.repeat_of,
            probability=shown.probability,
        )
        corrects = self._corrects[-1].id if self._corrects else None
        changes = self._history.record(trial, corrects=corrects)
        self._order += 1
        self._corrects.clear()
        self.begun = None
        self._push(trial)
        self._move_on()
        return changes

    def keep(self, left: ImageId, right: ImageId | None, given: GivenAnswers) -> Changes:
        """Keep what was given so far to a presentation,
        so that the next session goes on from there."""
        self._study.keep_pending(PendingAnswers(self.labeler, self.kind, left, right, given))
        return Changes()

    def keep_apart(self, later: Sequence[AnsweredPresentation]) -> str:
        """Keep answers that came so fast that the study was found gone only after them.

        Args:
            later: what was answered from the trial on that could not be stored.

        Returns:
            A sentence that says where they are.
        """
        return self._study.keep_apart(
            [
                self._trial(each.left, each.right, each.given, order=self._order + number)
                for number, each in enumerate(later)
            ]
        )

    def undo(self) -> Changes:
        """Take the latest answer back and show its images again."""
        self.begun = None
        changes = self._history.undo()
        shown = self._design.pop()
        self._corrects.append(self._study.trial(shown.trial))
        self._show_again(self._corrects[-1])
        return changes

    def redo(self) -> Changes:
        """Bring back the answer taken back last."""
        changes = self._history.redo()
        self._push(self._corrects.pop())
        self._move_on()
        return changes

    def _trial(
        self,
        left: ImageId,
        right: ImageId | None,
        given: GivenAnswers,
        *,
        session: str | None = None,
        order: int | None = None,
    ) -> TrialRecord:
        return TrialRecord(
            id=new_id(),
            labeler=self.labeler,
            session=session or self.id,
            order=self._order if order is None else order,
            kind=self.kind,
            left=left,
            right=right,
            onset=given.onset,
            seconds=given.seconds,
            status="skipped" if given.skips and not given.answers else "answered",
            skip_reason=None if given.answers else reason_of(given.skips),
            answers=given.answers,
            dropped_frames=given.dropped_frames,
            skips=given.skips,
            times=given.times,
            strengths=given.strengths,
            flags=given.flags,
        )

    def _push(self, trial: TrialRecord) -> None:
        self._design.push(
            Shown(trial.id, trial.left, trial.right, bool(trial.answers), trial.repeat_of)
        )

    def _move_on(self) -> None:
        if self._corrects:
            self._show_again(self._corrects[-1])
        else:
            self._current = self._present(self._design.next())

    def _show_again(self, trial: TrialRecord) -> None:
        self._current = self._present(
            Choice(trial.left, trial.right, trial.repeat_of, trial.probability)
        )

    def _present(self, choice: Choice | None) -> Presentation | None:
        if choice is None:
            return None
        right = None if choice.right is None else self._images[choice.right]
        return Presentation(
            self.kind, self._images[choice.left], right, choice.repeat_of, choice.probability
        )


def _sides(shown: Presentation) -> tuple[ImageId, ImageId | None]:
    return shown.left.id, None if shown.right is None else shown.right.id


def _config(study: Study, kind: Kind) -> LabelingConfig:
    """How many trials the study asks for, and in which order."""
    telling = study.orders()[kind] == "telling"
    return LabelingConfig(
        target=study.targets().get(kind),
        telling=telling_trials(Path(study.path), kind) if telling else (),
    )
