"""A session under a protocol: what the plan asks for, put before the labeler and stored."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.attention_checks import done_trial
from prism_desktop.engine.labeling.design import Choice, Stimulus, stimulus
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.labeling.pair_rules import group_of, person_of
from prism_desktop.engine.labeling.presentations import Presentation, SessionProgress
from prism_desktop.engine.labeling.protocol import AfterGap, Protocol, parse_protocol
from prism_desktop.engine.labeling.protocol_parts import ProtocolPart
from prism_desktop.engine.labeling.protocol_plan import PlannedTrial, PlanSurroundings, ProtocolPlan
from prism_desktop.engine.labeling.similar_faces import alike_by
from prism_desktop.engine.labeling.telling_trials import telling_trials
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.records import (
    SET_ASIDE,
    Changes,
    Flag,
    Kind,
    Order,
    PendingAnswers,
    ProtocolRecord,
    TrialId,
    TrialRecord,
)
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.study_reader import StudyReader


def surroundings(study: StudyReader, protocol: Protocol) -> PlanSurroundings:
    """What a plan needs of the study.

    Raises:
        InputError: nobody confirmed an attribute, or there are no embeddings to tell faces by.
    """
    names, _ = confirmed_names(study.attributes(), study.path)
    facts = study.facts()
    images, person, path = study.stimuli(), person_of(facts), Path(study.path)
    by = protocol.spacing.similar_by if protocol.spacing.trials else ""
    return PlanSurroundings(
        images, names, study.id, person, group_of(facts),
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
            if self._current is None:
                self.gap = "go on"  # nothing is left to be instructed for
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
        planned = [] if self._more_begun else self._plan.upcoming(count + 1)[1:]
        return tuple(self._presented(each) for each in planned)

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
        changes, last, shown = Changes(), self.last_seen, self._current
        for trial in reversed(self._of_present_block()):
            changes |= self._study.withdraw(trial)
        self._begin()
        practised = shown is not None and "practice" in shown.flags  # it is no answer of the block
        self.last_seen, self.begun = last, self._pending() if practised else None
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
            kept = self._study.words().kept_many
            raise InputError(
                f"The study has too few {kept} for a block of the protocol; add {kept} first."
            )
        self.last_seen = self._resume(self._study.trials(self.labeler))
        self._show(self._next())

    def _shown_before(self) -> Iterator[tuple[Stimulus, TrialId]]:
        return ((stimulus(each.left, each.right), each.trial) for each in self._plan.shown)

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
        flags = tuple(flag for flag in trial.flags if flag in SET_ASIDE)
        asked = tuple(dict.fromkeys((*trial.answers, *trial.skips)))
        part = self._part_of(trial.block, trial.kind, asked, flags)
        choice = Choice(trial.left, trial.right, trial.repeat_of, trial.probability, part.order)
        self._keep_to(PlannedTrial(replace(choice, strategy=_order(trial)), part, flags))

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        kinds: tuple[Kind, ...] = get_args(Kind)
        return self.kind, *(kind for kind in kinds if kind != self.kind)

    def _part_of(
        self, block: str | None, kind: Kind, asked: tuple[str, ...], flags: tuple[Flag, ...]
    ) -> ProtocolPart:
        """The part that a trial belongs to; where only another version has it, one of its own."""
        found = (each for each in self._plan.parts if (each.name, each.kind) == (block, kind))
        practice = "practice" in flags
        return next(found, ProtocolPart(block or "", kind, asked, 1, practice=practice))

    def _stay(self) -> None:
        if (planned := self._plan.next()) is not None:
            self._plan.hold(planned)

    def _come_back_to(self, pending: PendingAnswers) -> bool:
        """What was begun goes on as what it was, a trial of practice as one; where its block was
        not noted it belongs to the present one, if its questions are the same."""
        shown, left, right = self._current, pending.left, pending.right
        there = {image.id for image in self.images if not image.missing}
        if shown is None or not there.issuperset(filter(None, (left, right))):
            return False
        asked, flags = {*pending.given.answers, *pending.given.skips}, pending.flags
        block = pending.block
        if block is None:
            block = self._open_block(pending.kind, asked)
        part = self._part_of(block, pending.kind, tuple(self._asked), flags)
        if not asked <= set(part.attributes) or (block is None and not flags):
            return False
        repeats = pending.repeat_of
        if not flags and not self._may_come(stimulus(left, right), repeats, part):
            return False
        chosen = not flags and repeats is None and part.order != "random"
        choice = Choice(left, right, repeats, 1.0 if chosen else None, part.order)
        self._keep_to(PlannedTrial(choice, part, flags))
        return True

    def _open_block(self, kind: Kind, asked: set[str]) -> str | None:
        """The first block that is not done yet and asks for all of these."""
        for part in self._plan.blocks:
            fits = part.kind == kind and asked <= set(part.attributes)
            if fits and self._plan.done_of(part) < part.trials:
                return part.name
        return None

    def _may_come(self, shown: Stimulus, repeats: TrialId | None, part: ProtocolPart) -> bool:
        """Whether a trial was not answered meanwhile, and what it repeats was."""
        about = set(part.attributes)
        earlier = [
            each for each in self._plan.shown if not aside(each.flags) and about & {*each.asked}
        ]
        if repeats is None:
            return all(stimulus(each.left, each.right) != shown for each in earlier)
        again = any(each.repeat_of == repeats for each in earlier)
        return not again and any(each.trial == repeats for each in earlier)

    def _keep_to(self, planned: PlannedTrial) -> None:
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
