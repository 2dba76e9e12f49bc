"""A session under a protocol: what the plan asks for, put before the labeler and stored."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.attention_checks import done_trial
from prism_desktop.engine.labeling.design import Choice, Stimulus, stimulus
from prism_desktop.engine.labeling.labeling_session import (
    LabelingSession,
    Presentation,
    SessionProgress,
)
from prism_desktop.engine.labeling.pair_rules import person_of
from prism_desktop.engine.labeling.protocol import AfterGap, Protocol, parse_protocol
from prism_desktop.engine.labeling.protocol_plan import (
    PlannedTrial,
    PlanSurroundings,
    ProtocolPart,
    ProtocolPlan,
)
from prism_desktop.engine.labeling.similar_faces import alike_by
from prism_desktop.engine.labeling.telling_trials import telling_trials
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.records import (
    SET_ASIDE,
    Changes,
    Order,
    PendingAnswers,
    ProtocolRecord,
    TrialId,
    TrialRecord,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.study_reader import StudyReader


def surroundings(study: StudyReader, protocol: Protocol) -> PlanSurroundings:
    """What a plan needs of the study.

    Raises:
        InputError: nobody confirmed an attribute, or there are no embeddings to tell faces by.
    """
    names, _ = confirmed_names(study.attributes(), study.path)
    images, person, path = study.images(), person_of(study.facts()), Path(study.path)
    by = protocol.spacing.similar_by if protocol.spacing.trials else ""
    return PlanSurroundings(
        images, names, study.id, person,
        planned=lambda kind: telling_trials(path, kind),
        alike=alike_by(path, images, by, person),
    )  # fmt: skip


class ProtocolSession(LabelingSession):
    """A session that follows a version of the protocol."""

    def __init__(
        self,
        study: Study,
        labeler: str,
        record: ProtocolRecord,
        *,
        timing: str | None = None,
        now: float | None = None,
    ) -> None:
        """Args: record: the version; now: unix s, when the labeler comes back."""
        rules = parse_protocol(record.text, f"Version {record.version} of the protocol")
        self.rules = self._rules = rules
        self.version = record.version
        self.protocol = record.id
        self._now = time.time() if now is None else now
        names, _ = confirmed_names(study.attributes(), study.path)
        self._asked = {each.name: each for each in study.attributes() if each.name in names}
        self._around = surroundings(study, rules)
        super().__init__(study, labeler, rules.blocks[0].kind, timing=timing)
        if self.last_seen is not None:
            self.away = max(0.0, (self._now - self.last_seen) / 60)
            self.gap = rules.after_gap(self.away)
            if self.gap != "ask":
                self.after_gap(self.gap)

    @property
    def progress(self) -> SessionProgress:
        """Counts of the part that is gone through, or of all blocks once they are done."""
        plan, shown = self._plan, self._current
        part = next((each for each in plan.parts if shown and each.name == shown.block), None)
        done = plan.fresh + plan.repeats
        if part is None:
            return SessionProgress(
                done, plan.target, done - plan.skipped, plan.skipped, plan.repeats
            )
        here = plan.done_of(part)
        if part.practice:
            here = here % part.fresh
        return SessionProgress(here, part.trials, here, plan.skipped, plan.repeats)

    def plan(self, stimuli: Iterable[Stimulus]) -> None:
        self._plan.plan(stimuli)

    def upcoming(self, count: int) -> tuple[Presentation, ...]:
        """What comes next, as far as it does not hang on answers."""
        return tuple(self._presented(each) for each in self._plan.upcoming(count + 1)[1:])

    def after_gap(self, then: AfterGap) -> Changes:
        """Let the work go on as the protocol, or the labeler, decides after a time away.

        The answers of a block that is repeated are withdrawn; they stay in the log.
        """
        if then == "repeat the block" and not self._study.read_only:
            return self._repeat_block()
        begun = self.begun
        if then == "instructions":
            self._plan.begin_anew()
            if begun is not None and not (begun.answers or begun.skips):
                self._plan.release()  # nothing was said of it: practice comes first
                self.begun = None
        self._show(self._next())
        return Changes()

    def _repeat_block(self) -> Changes:
        """Take back what was answered of the block that is not done yet; it begins anew."""
        changes, last = Changes(), self.last_seen
        for trial in reversed(self._of_present_block()):
            changes |= self._study.withdraw(trial)
        self._begin()
        self.last_seen, self.begun = last, None
        return changes

    def _of_present_block(self) -> list[TrialId]:
        """Trials of the block that is not done yet, its attention checks too."""
        part = self._plan.current
        if part is None or part.practice:
            return []
        return [each.trial for each in self._plan.shown if each.own and each.block == part.name]

    def _begin(self) -> None:
        self._plan = ProtocolPlan(self._rules, self.labeler, self._around)
        if not self._plan.stimuli:
            raise InputError(
                "The study has too few images for a block of the protocol; add images first."
            )
        self.last_seen = self._resume(self._study.trials(self.labeler))
        self._show(self._next())

    def _push(self, trial: TrialRecord) -> None:
        self._plan.push(done_trial(trial))

    def _pop(self) -> TrialId:
        return self._plan.pop().trial

    def _next(self) -> Presentation | None:
        planned = self._plan.next()
        return None if planned is None else self._presented(planned)

    def _show(self, shown: Presentation | None) -> None:
        super()._show(shown)
        self.failed = self._plan.failed
        if shown is not None:
            self.kind, self.order = shown.kind, shown.order
            self.attributes = tuple(self._asked[name] for name in shown.attributes)

    def _show_again(self, trial: TrialRecord) -> None:
        part = next((each for each in self._plan.parts if each.name == trial.block), None)
        if part is None:  # a trial of another version
            asked = tuple(dict.fromkeys((*trial.answers, *trial.skips)))
            part = ProtocolPart(trial.block or "", trial.kind, asked, 1)
        flags = tuple(flag for flag in trial.flags if flag in SET_ASIDE)
        choice = Choice(trial.left, trial.right, trial.repeat_of, trial.probability, part.order)
        self._hold(PlannedTrial(replace(choice, strategy=_order(trial)), part, flags))

    def _come_back_to(self, pending: PendingAnswers) -> bool:
        """What was begun belongs to the present block, if it can; its questions are the same."""
        shown, left, right = self._current, pending.left, pending.right
        asked = {*pending.given.answers, *pending.given.skips}
        there = {image.id for image in self.images if not image.missing}
        if (
            shown is None
            or shown.kind != pending.kind
            or not asked <= set(shown.attributes)
            or not there.issuperset(filter(None, (left, right)))
        ):
            return False
        part, known = self._plan.current, stimulus(left, right)
        seen = any(stimulus(each.left, each.right) == known for each in self._plan.shown)
        if part is None or seen:
            return False
        probability = None if part.order == "random" else 1.0
        self._hold(PlannedTrial(Choice(left, right, None, probability, part.order), part))
        return True

    def _hold(self, planned: PlannedTrial) -> None:
        self._plan.hold(planned)
        self._show(self._presented(planned))

    def _presented(self, planned: PlannedTrial) -> Presentation:
        choice, part = planned.choice, planned.part
        right = None if choice.right is None else self._images[choice.right]
        return Presentation(
            part.kind, self._images[choice.left], right, choice.repeat_of, choice.probability,
            choice.strategy, part.attributes, part.name, planned.flags, planned.card, part.order,
        )  # fmt: skip


def _order(trial: TrialRecord) -> Order:
    known: dict[str, Order] = {order: order for order in get_args(Order)}
    return known.get(trial.strategy or "", "random")
