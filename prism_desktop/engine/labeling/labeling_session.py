"""A labeling session: one labeler at one task, what to show, what was answered, undo and redo."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.design import (
    Choice,
    Design,
    LabelingConfig,
    Shown,
    Stimulus,
    stimulus,
)
from prism_desktop.engine.labeling.pair_rules import group_of, person_of
from prism_desktop.engine.labeling.presentations import (
    AnsweredPresentation,
    Presentation,
    SessionProgress,
    in_order,
    is_of,
    kind_of,
    resumed,
    sides,
)
from prism_desktop.engine.labeling.protocol import AfterGap, Protocol
from prism_desktop.engine.labeling.telling_trials import telling_trials
from prism_desktop.engine.labeling.timing import FrameTimes
from prism_desktop.engine.labeling.undo_history import History
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.records import (
    SET_ASIDE,
    Changes,
    Flag,
    GivenAnswers,
    ImageId,
    Kind,
    Order,
    PendingAnswers,
    SessionRecord,
    StimulusRecord,
    TrialId,
    TrialRecord,
    new_id,
    reason_of,
)
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study

NOT_RESUMED = "Interrupted, and not shown again"  # why the rest of a trial was skipped


class LabelingSession:
    """A session.

    It resumes where the labeler stopped, and the same study always leads to the same next trial.

    Not for two threads at once; every answer is on the disk when the method returns.
    """

    protocol: str | None = None  # identifier of the version that it follows
    rules: Protocol | None = None  # what that says
    failed = False  # whether practice was, so that nothing more comes
    gap: AfterGap = "go on"  # what becomes of the time since the session before
    away = 0.0  # minutes of it

    def __init__(
        self,
        study: Study,
        labeler: str,
        kind: Kind,
        config: LabelingConfig | None = None,
        *,
        timing: str | None = None,
    ) -> None:
        """Attributes that an import guessed are not asked for until somebody confirms them.

        Args:
            study: to label in.
            labeler: who does.
            kind: the task.
            config: how trials are drawn; None as the study says.
            timing: the timing report that is kept with the session, JSON.

        Raises:
            InputError: the labeler is unknown, the study has too few images for the task, or
                nobody confirmed an attribute.
        """
        if labeler not in {person.code for person in study.labelers()}:
            raise InputError(f"There is no labeler {labeler!r} in this study.")
        self._study, self.labeler, self.kind = study, labeler, kind
        names, _ = confirmed_names(study.attributes(), study.path)
        self.attributes = tuple(each for each in study.attributes() if each.name in names)
        self._images = {image.id: image for image in study.stimuli()}
        self._config = config or _config(study, kind)
        self.order: Order = self._config.order
        self.id = new_id()
        self._timing = timing
        self._noted: SessionRecord | None = None  # once its first trial is recorded
        self._order = 0
        # undone and not yet answered anew, the one to show now last
        self._corrects: list[TrialRecord] = []
        self._more_begun = False  # another trial than the one shown was left in its midst
        self._begin()
        # what was given to the current presentation in a session that ended in its midst
        self.begun = self._pending()

    def _begin(self) -> None:
        images = self._images.values()
        self._design = Design(self.kind, images, self._study.id, self.labeler, self._config)
        if not self._design.stimuli:
            kept = self._study.words().kept_many
            raise InputError(f"The study has too few {kept} for this task; add {kept} first.")
        # unix s of the labeler's latest trial of this task, None before the first
        self.last_seen = self._resume(self._study.trials(self.labeler, self.kind))
        self._show(self._next())

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        """Tasks of which trials come in this session."""
        return (self.kind,)

    def _pending(self) -> GivenAnswers | None:
        """What an unfinished trial holds, which is shown first, whatever would come now; of two,
        one of each task, the other comes after it."""
        kept = [self._study.pending(self.labeler, kind) for kind in self._kinds]
        found = [pending for pending in kept if pending is not None]
        self._more_begun = False
        for place, pending in enumerate(found, 1):
            self._more_begun = place < len(found)
            if (given := self._taken_up(pending)) is not None:
                return given
        return None

    def _taken_up(self, pending: PendingAnswers) -> GivenAnswers | None:
        """Show a trial that was begun; returns what was given to it, None where it is not shown.

        If its image is gone, what was given is recorded: its answers count, and the rest of its
        questions are skipped.
        """
        shown, given = self._current, resumed(pending.given)
        if shown is not None and is_of(pending, shown):
            self._stay()
            return given
        if self._is_stale(pending):
            return None
        if self._come_back_to(pending):
            return given
        if given.answers and not self._study.read_only:
            asked = given.answers.keys() | given.skips.keys()
            rest = {each.name: NOT_RESUMED for each in self.attributes if each.name not in asked}
            given = replace(given, skips={**given.skips, **rest})
            # in a session of its own, that of then is over
            trial = self._trial(pending.left, pending.right, given, session=new_id(), order=0)
            known = {each.id for each in self._study.trials(self.labeler, pending.kind)}
            repeat_of = pending.repeat_of if pending.repeat_of in known else None
            flags = in_order((*given.flags, *pending.flags))
            self._study.record(
                replace(trial, block=pending.block, flags=flags, repeat_of=repeat_of)
            )
            self._begin()
        return None

    def _is_stale(self, pending: PendingAnswers) -> bool:
        """Versions before the fifth left answers behind of trials that were brought back by redo;
        they have no times."""
        shown = pending.left, pending.right
        trials = () if pending.given.times else self._study.trials(self.labeler, pending.kind)
        return any((trial.left, trial.right) == shown for trial in trials)

    def _resume(self, trials: Sequence[TrialRecord]) -> float | None:
        """Take note of what was done before; returns when the latest of it was."""
        first = 0
        for number, trial in enumerate(trials):
            self._push(trial)
            first = first if trial.source == "labeled" else number + 1
        # Undo stops at what was not labeled here.
        self._history = History(self._study, [trial.id for trial in trials[first:]])
        return max((trial.onset for trial in trials if trial.onset is not None), default=None)

    @property
    def images(self) -> Collection[StimulusRecord]:
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

    def after_gap(self, then: AfterGap) -> Changes:
        """Let the work go on after a time away; without a protocol it just does."""
        return Changes()

    def plan(self, stimuli: Iterable[Stimulus]) -> None:
        """Choose these next, in place of those planned before; what `upcoming` told of stays.

        Args:
            stimuli: faces or sorted pairs of faces, by id.
        """
        self._design.plan(stimuli)

    def upcoming(self, count: int) -> tuple[Presentation, ...]:
        """What comes after the current presentation, to decode ahead; a skip may change it.

        Nothing is foretold while another trial that was begun is to come.
        """
        choices = [] if self._more_begun else self._design.upcoming(count + 1)[1:]
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
            self._trial(*sides(shown), given),
            repeat_of=shown.repeat_of,
            probability=shown.probability,
            strategy=None if shown.repeat_of or shown.flags else shown.strategy,
            block=shown.block,
            flags=in_order((*given.flags, *shown.flags)),
        )
        corrects = self._corrects[-1].id if self._corrects else None
        begun = None if self._noted else self._begun(given.onset)
        changes = self._history.record(trial, corrects=corrects, session=begun)
        self._noted = self._noted or begun
        self._order += 1
        self._corrects.clear()
        self.begun = None
        self._push(trial)
        self._move_on()
        if self._more_begun:
            self.begun = self._pending()
        return changes

    def end(self, frames: FrameTimes | None = None) -> None:
        """Note that the labeler left; a session in which nothing was recorded leaves no trace.

        `frames` is what the session saw of its own frames.
        """
        if self._noted is not None and not self._study.read_only:
            timing = self._timing if frames is None else frames.told(self._timing)
            self._noted = replace(self._noted, ended=time.time(), timing=timing)
            self._study.note_session(self._noted)

    def _begun(self, onset: float | None) -> SessionRecord:
        """What is noted of the session with its first trial."""
        started = time.time() if onset is None else onset
        return SessionRecord(self.id, self.labeler, started, None, self.protocol, self._timing)

    def keep(self, left: ImageId, right: ImageId | None, given: GivenAnswers) -> Changes:
        """Keep what was given so far to a presentation,
        so that the next session goes on from there."""
        kept = PendingAnswers(self.labeler, kind_of(right), left, right, given)
        shown = self._current
        if shown is not None and sides(shown) == (left, right):
            of_trial = shown.block, shown.flags, shown.repeat_of
            kept = replace(kept, block=of_trial[0], flags=of_trial[1], repeat_of=of_trial[2])
        self._study.keep_pending(kept)
        return Changes()

    def keep_apart(self, later: Sequence[AnsweredPresentation]) -> str:
        """Keep answers that came so fast that the study was found gone only after them.

        Args:
            later: what was answered from the trial on that could not be stored.

        Returns:
            A sentence that says where they are.
        """
        shown = dict(self._shown_before())
        ids = set(shown.values())
        kept: list[TrialRecord] = []
        for number, each in enumerate(later):
            images, repeat_of = stimulus(each.left, each.right), each.repeat_of
            if repeat_of is not None and repeat_of not in ids:
                repeat_of = shown.get(images)  # it was planned before its first showing was stored
            trial = replace(
                self._trial(each.left, each.right, each.given, order=self._order + number),
                block=each.block,
                flags=in_order((*each.given.flags, *each.flags)),
                repeat_of=repeat_of,
                probability=each.probability,
                strategy=None if each.repeat_of or each.flags else each.strategy,
            )
            kept.append(trial)
            shown.setdefault(images, trial.id)
            ids.add(trial.id)
        return self._study.keep_apart(kept)

    def undo(self) -> Changes:
        """Take the latest answer back and show its images again; what was begun comes after it."""
        self._more_begun |= self.begun is not None
        self.begun = None
        changes = self._history.undo()
        self._corrects.append(self._study.trial(self._pop()))
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
            kind=kind_of(right),
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

    def _shown_before(self) -> Iterator[tuple[Stimulus, TrialId]]:
        """What was shown, and in which trial."""
        return ((stimulus(each.left, each.right), each.trial) for each in self._design.shown)

    def _push(self, trial: TrialRecord) -> None:
        counts = aside(trial.flags) is None
        own, answered = trial.source == "labeled" and counts, bool(trial.answers)
        shown = trial.id, trial.left, trial.right, answered, trial.repeat_of, own, trial.answers
        self._design.push(Shown(*shown))

    def _pop(self) -> TrialId:
        return self._design.pop().trial

    def _next(self) -> Presentation | None:
        return self._present(self._design.next())

    def _show(self, shown: Presentation | None) -> None:
        self._current = shown

    def _move_on(self) -> None:
        if self._corrects:
            self._show_again(self._corrects[-1])
        else:
            self._show(self._next())

    def _show_again(self, trial: TrialRecord) -> None:
        known: dict[str, Order] = {order: order for order in get_args(Order)}
        strategy = known.get(trial.strategy or "", "random")
        choice = Choice(trial.left, trial.right, trial.repeat_of, trial.probability, strategy)
        self._hold(choice, trial.block, trial.flags)

    def _stay(self) -> None:
        """What is shown was begun: it stays, whatever else would come."""

    def _hold(self, choice: Choice, block: str | None, flags: Collection[Flag]) -> None:
        """Show a trial as it was shown before: one of practice does not come to count."""
        self._design.hold(choice)
        shown = self._present(choice)
        if shown is not None:
            kept = tuple(flag for flag in SET_ASIDE if flag in flags)
            self._show(replace(shown, block=block, flags=kept))

    def _come_back_to(self, pending: PendingAnswers) -> bool:
        """Show what was begun, whatever would come; False where its images are not there."""
        held = self._design.again(pending.left, pending.right)
        if held is None:
            return False
        if pending.flags:
            held = Choice(pending.left, pending.right, None, None)
        self._hold(held, pending.block, pending.flags)
        return True

    def _present(self, choice: Choice | None) -> Presentation | None:
        if choice is None:
            return None
        right = None if choice.right is None else self._images[choice.right]
        left = self._images[choice.left]
        how = choice.repeat_of, choice.probability, choice.strategy
        return Presentation(self.kind, left, right, *how)


def _config(study: Study, kind: Kind) -> LabelingConfig:
    """How many trials the study asks for, and in which order."""
    order, facts = study.orders()[kind], study.facts()
    return LabelingConfig(
        target=study.targets().get(kind),
        order=order,
        planned=telling_trials(Path(study.path), kind) if order == "telling" else (),
        person=person_of(facts),
        group=group_of(facts),
    )
