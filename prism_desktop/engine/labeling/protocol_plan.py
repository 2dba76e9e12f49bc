"""What comes next under a protocol, as a pure function of the protocol, its seed and what the
labeler was shown and answered, so that the same answers lead to the same trials on every machine.

A labeler goes through parts: practice before the first block of each kind, then the blocks. A block
has fresh trials, repeats with their sides swapped, and attention checks, which come on top.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from typing import Final

from prism_desktop.engine.labeling.design import (
    Choice,
    Design,
    LabelingConfig,
    Shown,
    Stimulus,
    may_meet,
)
from prism_desktop.engine.labeling.known_answer import KnownAnswer
from prism_desktop.engine.labeling.orders import draw, shuffled
from prism_desktop.engine.labeling.protocol import Protocol
from prism_desktop.engine.labeling.protocol_parts import (
    CardKind,
    DoneTrial,
    PartCard,
    ProtocolPart,
    parts_of,
)
from prism_desktop.engine.study.records import (
    Flag,
    ImageId,
    Kind,
    StimulusRecord,
)
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.texts import TextRecord

_AWAY: Final = 30.0  # minutes between two trials of a session that make it a time away


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """The trial to show next."""

    choice: Choice
    part: ProtocolPart
    flags: tuple[Flag, ...] = ()
    card: PartCard | None = None  # shown before it


@dataclass(frozen=True, slots=True)
class PlanSurroundings:
    """What a plan needs of the study beside the protocol."""

    images: tuple[StimulusRecord, ...]
    attributes: tuple[str, ...]  # confirmed ones, in the order of the study
    salt: str  # identifies the study
    person: Mapping[ImageId, str] = field(default_factory=dict)
    group: Mapping[ImageId, str] = field(default_factory=dict)  # within which alone images meet
    planned: Callable[[Kind], tuple[Stimulus, ...]] = lambda kind: ()
    alike: Callable[[ImageId], Collection[ImageId]] = lambda image: ()


@dataclass(slots=True)
class _Tally:
    """What was done of a part."""

    fresh: int = 0
    repeats: int = 0
    checks: int = 0
    # with their places among all trials
    practised: list[tuple[int, DoneTrial]] = field(default_factory=list)


class ProtocolPlan:
    """The trials of one labeler so far and the rule for the next one.

    Everything that was shown is told to every block's design, so that images stand on each side
    equally often over all blocks, none comes again too soon, and what was asked once is not fresh
    again in another block.
    """

    def __init__(self, protocol: Protocol, labeler: str, around: PlanSurroundings) -> None:
        self.protocol, self._labeler, self._around = protocol, labeler, around
        self._salt = f"{around.salt}/{protocol.seed}"
        self._fold = {image.id: image.fold for image in around.images if not image.missing}
        self.known = KnownAnswer(protocol, around.images)
        self.parts = parts_of(protocol, around.attributes, labeler, self._salt)
        self.blocks = tuple(part for part in self.parts if not part.practice)
        self._practice_of = {part.kind: part for part in self.parts if part.practice}
        self._designs = {part.name: self._design(part) for part in self.blocks}
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.shown: list[DoneTrial] = []
        self._gaps: list[int] = []  # places in `shown` before which instructions come again
        self._held: dict[int, PlannedTrial] = {}
        self._skipped = 0

    @property
    def stimuli(self) -> int:
        """How many different images or pairs the blocks can draw from."""
        return min((design.stimuli for design in self._designs.values()), default=0)

    @property
    def target(self) -> int:
        """Trials of all blocks, attention checks aside."""
        return sum(part.trials for part in self.blocks)

    @property
    def fresh(self) -> int:
        return sum(self._tallies[part.name].fresh for part in self.blocks)

    @property
    def repeats(self) -> int:
        return sum(self._tallies[part.name].repeats for part in self.blocks)

    @property
    def skipped(self) -> int:
        """Trials of blocks of which nothing was answered."""
        return self._skipped

    def done_of(self, part: ProtocolPart) -> int:
        """Trials of a part that were shown, attention checks aside."""
        tally = self._tallies[part.name]
        return len(self._practised(part)) if part.practice else tally.fresh + tally.repeats

    @property
    def current(self) -> ProtocolPart | None:
        """The part that the next trial belongs to; None when there is nothing left to show."""
        planned = self.next()
        return None if planned is None else planned.part

    @property
    def failed(self) -> bool:
        """Whether the labeler failed the practice and is to stop."""
        rules = self.protocol.practice
        return rules.if_failed == "stop" and any(
            self._missed(part) >= rules.most_rounds for part in self.parts if part.practice
        )

    def push(self, done: DoneTrial) -> None:
        """Take note of a trial that was shown."""
        if self._is_gap(done):
            self.begin_anew()
        self.shown.append(done)
        self._count(done, 1)
        for part in self.blocks:
            mine = done.block == part.name and not aside(done.flags)
            about = bool(set(done.asked).intersection(part.attributes))
            # a face on which somebody practised is rated all the same
            asked = about and not (aside(done.flags) and done.kind == "rating")
            answers = done.answers
            if answers is not None:
                answers = {name: answers[name] for name in part.attributes if name in answers}
            self._designs[part.name].push(
                Shown(
                    done.trial, done.left, done.right, bool(done.answers) or done.answers is None,
                    done.repeat_of if mine else None, done.own and mine,
                    answers if about and not aside(done.flags) else None, fresh_no_more=asked,
                )
            )  # fmt: skip

    def begin_anew(self) -> None:
        """Practice comes again now: the labeler was away for long."""
        if not self._gaps or self._gaps[-1] != len(self.shown):
            self._gaps.append(len(self.shown))

    def pop(self) -> DoneTrial:
        """Forget the latest one."""
        done = self.shown.pop()
        if self._gaps and self._gaps[-1] > len(self.shown):
            self._gaps.pop()
        self._count(done, -1)
        for design in self._designs.values():
            design.pop()
        return done

    def plan(self, stimuli: Iterable[Stimulus]) -> None:
        """Choose these next, in the part that is gone through now; see `Design.plan`."""
        part, found = self.current, list(stimuli)
        if part is not None and part.name in self._designs:
            of_kind = 1 if part.kind == "rating" else 2
            if all(len(images) == of_kind for images in found):
                self._designs[part.name].plan(found)

    def hold(self, planned: PlannedTrial) -> None:
        """Show this now, whatever would come: somebody was in its midst, or comes back to it."""
        self._held[len(self.shown)] = planned

    def release(self) -> None:
        """Let what comes now be what the protocol says."""
        self._held.pop(len(self.shown), None)

    def next(self) -> PlannedTrial | None:
        """The trial to show now; None when all was done, or practice was failed."""
        if held := self._held.get(len(self.shown)):
            return held
        if self.failed:
            return None
        for block in self.blocks:
            found = self._of_block(block)
            if found is None:
                continue
            part, practice = block, self._practice_of.get(block.kind)
            practised = None if practice is None else self._practice(practice)
            if practice is not None and practised is not None:
                part, found = practice, practised
            choice, flags = found
            return PlannedTrial(choice, part, flags, self._card(part))
        return None

    def upcoming(self, count: int) -> list[PlannedTrial]:
        """What comes next if every trial is answered; as far as it does not hang on answers."""
        found: list[PlannedTrial] = []
        ahead: dict[str, list[Choice]] = {name: [] for name in self._designs}
        marks = {name: design.places for name, design in self._designs.items()}
        while len(found) < count and (planned := self.next()):
            found.append(planned)
            part, choice = planned.part, planned.choice
            if part.name in ahead and not self._designs[part.name].by_chance():
                ahead[part.name].append(choice)
            self.push(
                DoneTrial(
                    f"ahead {len(found)}", part.kind, choice.left, choice.right, None,
                    part.attributes, part.name, planned.flags, choice.repeat_of,
                )
            )  # fmt: skip
            if part.practice and len(self._practised(part)) % part.fresh == 0:
                break
        for _ in found:
            self.pop()
        for name, design in self._designs.items():
            design.places = marks[name]
            design.announce(ahead[name])
        return found

    def _design(self, part: ProtocolPart) -> Design:
        rules, around = self.protocol, self._around
        prompts = _prompts(around.images, around.group) if part.same_prompt else around.group
        config = LabelingConfig(
            seed=rules.seed,
            repeats=rules.repeats.share,
            lag=rules.repeats.lag,
            target=part.trials,
            order=part.order,
            planned=tuple(
                each
                for each in (around.planned(part.kind) if part.order == "telling" else ())
                if not prompts or len({prompts.get(one, "") for one in each}) == 1
            ),
            group=prompts,
            person=around.person,
            spacing=rules.spacing.trials,
            alike=around.alike,
        )
        salt = f"{around.salt}/{part.name}"
        return Design(part.kind, around.images, salt, self._labeler, config)

    def _is_gap(self, done: DoneTrial) -> bool:
        """Whether instructions come again before a trial, since the one before is long ago."""
        mine = (each for each in reversed(self.shown) if each.own and each.onset is not None)
        before = next(mine, None)
        if before is None or before.onset is None or done.onset is None or not done.own:
            return False
        minutes = (done.onset - before.onset) / 60
        # a short time counts between sessions alone: else practice would lead to practice
        away = before.session != done.session or minutes >= _AWAY
        return away and self.protocol.after_gap(minutes) == "instructions"

    def _count(self, done: DoneTrial, sign: int) -> None:
        if done.block is None or not done.own:
            return
        tally = self._tallies[done.block]
        if "practice" in done.flags and sign > 0:
            tally.practised.append((len(self.shown) - 1, done))
        elif "practice" in done.flags:
            tally.practised.pop()
        elif "check" in done.flags:
            tally.checks += sign
        elif done.repeat_of is None:
            tally.fresh += sign
        else:
            tally.repeats += sign
        if not aside(done.flags) and done.answers is not None and not done.answers:
            self._skipped += sign

    def _practised(self, part: ProtocolPart) -> list[DoneTrial]:
        """Practice since the last long gap."""
        since = self._gaps[-1] if self._gaps else 0
        return [done for place, done in self._tallies[part.name].practised if place >= since]

    def _rounds_of(self, part: ProtocolPart) -> list[tuple[int, int]]:
        """(right, known) questions of each whole round of practice; one that a long gap broke off
        is none."""
        found = []
        practised = self._tallies[part.name].practised
        for _, group in groupby(practised, lambda each: bisect_right(self._gaps, each[0])):
            marks = [self.known.right(done) for _, done in group]
            for end in range(part.fresh, len(marks) + 1, part.fresh):
                right, known = zip(*marks[end - part.fresh : end], strict=True)
                found.append((sum(right), sum(known)))
        return found

    def round_result(self, part: ProtocolPart) -> tuple[int, int]:
        """(right, known) questions of the last whole round of practice."""
        return next(reversed(self._rounds_of(part)), (0, 0))

    def _missed(self, part: ProtocolPart) -> int:
        """Rounds of practice that were failed since one was passed, over all gaps: whoever is to
        stop does not begin anew by waiting."""
        least = self.protocol.practice.least_right
        rounds = reversed(self._rounds_of(part))
        return sum(1 for _ in takewhile(lambda each: each[0] < least * each[1] - 1e-9, rounds))

    def _practice(self, part: ProtocolPart) -> tuple[Choice, tuple[Flag, ...]] | None:
        """The next trial of practice; None where it was passed, or tried often enough."""
        number = len(self._practised(part))
        whole = number % part.fresh == 0
        missed = self._missed(part) if whole and number else 0
        if whole and number and (not missed or missed >= self.protocol.practice.most_rounds):
            return None
        stimuli = self._practice_stimuli(part)
        if not stimuli:
            return None
        images = stimuli[number % len(stimuli)]
        return self._asked_so(images, part, "practice", number), ("practice",)

    def _practice_stimuli(self, part: ProtocolPart) -> list[Stimulus]:
        """Known faces where there is a criterion, else faces in an order of the labeler's own."""
        salt = f"{self._salt}/{self._labeler}/{part.name}"
        if self.protocol.practice.least_right:
            found = self.known.stimuli(part.kind, part.attributes, self._fold, salt)
            if found:
                return found
        order = shuffled(self._fold, salt)
        if part.kind == "rating":
            return [(image,) for image in order]
        pairs = zip(order[0::2], order[1::2], strict=False)
        return [pair for pair in pairs if may_meet(*pair, self._around.person)]

    def _asked_so(self, images: Stimulus, part: ProtocolPart, what: str, number: int) -> Choice:
        """A trial with a known answer, its sides by chance."""
        if len(images) == 1:
            return Choice(images[0], None, None, None)
        turned = draw(self._salt, self._labeler, part.name, what, number) % 2
        left, right = images[::-1] if turned else images
        return Choice(left, right, None, None)

    def _of_block(self, part: ProtocolPart) -> tuple[Choice, tuple[Flag, ...]] | None:
        """The next trial of a block; None when it is done, or nothing is left to show."""
        tally, design = self._tallies[part.name], self._designs[part.name]
        last = next((each.block for each in reversed(self.shown) if not _practice(each)), None)
        if (check := self._check(part, tally)) is not None:
            return check, ("check",)
        if tally.fresh + tally.repeats >= part.trials:
            return None
        due = min(part.repeats, int(tally.fresh * part.repeats / max(1, part.fresh) + 1e-9))
        fresh = design.unseen()
        # a block that was left is over, though repeats were wanting for their lag
        still_here = fresh is not None or last == part.name
        if tally.repeats < due and still_here and (again := design.repeat()):
            return again, ()
        return None if fresh is None else (fresh, ())

    def _check(self, part: ProtocolPart, tally: _Tally) -> Choice | None:
        """An attention check, where one is due: about every so many trials, nobody knows when."""
        every = self.protocol.checks.every
        done = tally.fresh + tally.repeats
        if not every or done >= part.trials:
            return None
        early = draw(self._salt, self._labeler, part.name, "check", tally.checks) % max(
            1, every // 2
        )
        if done < (tally.checks + 1) * every - early:
            return None
        salt = f"{self._salt}/{self._labeler}/{part.name}/checks"
        stimuli = self.known.stimuli(part.kind, part.attributes, self._fold, salt)
        if not stimuli:
            return None
        images = stimuli[tally.checks % len(stimuli)]
        return self._asked_so(images, part, "check", tally.checks)

    def _card(self, part: ProtocolPart) -> PartCard | None:
        """What is read before the next trial of a part."""
        place = 0 if part.practice else self.blocks.index(part) + 1
        of = len(self.blocks)
        if part.practice:
            done = len(self._practised(part))
            if done % part.fresh:
                return None
            right, asked = self.round_result(part)
            kind: CardKind = "practice again" if done else "practice"
            return PartCard(kind, part.name, right=right, asked=asked, round=done // part.fresh)
        tally, rules = self._tallies[part.name], self.protocol.breaks
        done = tally.fresh + tally.repeats
        if done == 0 and not tally.checks:
            rest = rules.least_seconds if place > 1 else 0
            return PartCard("block", part.name, place, of, part.instructions, least_seconds=rest)
        first = not self.shown or aside(self.shown[-1].flags) or self.shown[-1].block != part.name
        if rules.every and done % rules.every == 0 and done < part.trials and not first:
            return PartCard(
                "break", part.name, place, of,
                least_seconds=rules.least_seconds, round=done // rules.every,
            )  # fmt: skip
        return None


def _practice(done: DoneTrial) -> bool:
    return "practice" in done.flags


def _prompts(stimuli: Iterable[StimulusRecord], group: Mapping[ImageId, str]) -> dict[ImageId, str]:
    """What each text answers, within the group that it has; one that answers nothing is compared
    with none."""
    return {
        each.id: each.id
        if each.prompt is None
        else f"prompt {group.get(each.id, '')}\0{each.prompt}"
        for each in stimuli
        if isinstance(each, TextRecord)
    }
