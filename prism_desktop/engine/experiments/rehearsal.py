"""A rehearsal of a protocol: simulated labelers go through all of it before a person is asked.

Nothing is stored. Their tastes are planted at random over the study's faces; known faces stand
where the protocol says. One of them clicks at random, so that it shows what the checks are worth.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler, labelers
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.known_answer import KnownAnswer
from prism_desktop.engine.labeling.orders import draw
from prism_desktop.engine.labeling.protocol import Protocol
from prism_desktop.engine.labeling.protocol_parts import DoneTrial
from prism_desktop.engine.labeling.protocol_plan import PlannedTrial, PlanSurroundings, ProtocolPlan
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.records import ImageId
from prism_desktop.engine.study.set_aside import aside

Floats = npt.NDArray[np.float64]

CARELESS: Final = "careless"
_SHARED: Final = 0.7  # of the variance of utilities that all labelers share
_KNOWN: Final = 1.8  # standard deviations from the middle where a known face stands
_READING: Final = 8.0  # s for a card between trials
_BETWEEN: Final = 0.4  # s from an answer to the next face
_NAMES: Final = {1: "left", -1: "right", 0: "tie"}


@dataclass(frozen=True, slots=True)
class RehearsedPart:
    """Practice or a block, as one simulated labeler went through it."""

    name: str
    trials: int
    repeats: int
    checks: int
    practice: bool = False


@dataclass(frozen=True, slots=True)
class RehearsedLabeler:
    """What a simulated labeler went through.

    Attributes:
        name: theirs.
        parts: in the order in which they came.
        minutes: that it is expected to take, without unforced rests.
        practice, checks: (right, asked) trials with a known answer.
        stopped: the practice was failed and the rest not shown.
        least_lag: trials between a presentation and its repeat; None without repeats.
        most_lean: how much more often a face was on one side than on the other, at most.
        soonest: trials until a face came again, repeats aside; None if none did.
    """

    name: str
    parts: tuple[RehearsedPart, ...]
    minutes: float
    practice: tuple[int, int]
    checks: tuple[int, int]
    stopped: bool
    least_lag: int | None
    most_lean: int
    soonest: int | None

    @property
    def counted(self) -> int:
        """Trials of blocks, attention checks and practice aside."""
        return sum(part.trials for part in self.parts if not part.practice)


def told(found: RehearsedLabeler) -> tuple[str, ...]:
    """What a simulated labeler went through, a cell for each of `protocol_words.REHEARSED`."""
    counts = sum(p.trials for p in found.parts), sum(p.repeats for p in found.parts)
    lag, again = ("none" if n is None else f"{n:,}" for n in (found.least_lag, found.soonest))
    return (
        found.name + (", stopped" if found.stopped else ""), *(f"{n:,}" for n in counts),
        _of(found.checks), _of(found.practice), f"{found.minutes:.0f}", lag, again,
        f"{found.most_lean:,}",
    )  # fmt: skip


def _of(right: tuple[int, int]) -> str:
    return f"{right[0]:,} of {right[1]:,}" if right[1] else "none"


def rehearse(
    protocol: Protocol, around: PlanSurroundings, count: int = 4, seed: int = 0
) -> Iterator[Event[tuple[RehearsedLabeler, ...]]]:
    """Let `count` simulated labelers, and one who clicks at random, go through a protocol.

    Yields:
        Progress, then Done with what each went through.
    """
    people = labelers()
    found = []
    for number in range(count + 1):
        yield Progress(number, count + 1, "Rehearsing")
        careless = number == count
        person = people[number % len(people)]
        name = CARELESS if careless else f"S{number + 1}"
        found.append(_Rehearsal(protocol, around, person, name, [seed, number]).run(careless))
    yield Done(tuple(found))


class _Rehearsal:
    """One labeler's way through."""

    def __init__(
        self,
        protocol: Protocol,
        around: PlanSurroundings,
        person: SimulatedLabeler,
        name: str,
        seed: list[int],
    ) -> None:
        self._protocol, self._person, self._name = protocol, person, name
        self._plan = ProtocolPlan(protocol, name, around)
        self._dice = np.random.default_rng(seed)
        self._known = KnownAnswer(protocol, around.images)
        self._utility = {
            attribute: _planted(around, self._known, attribute, self._dice)
            for attribute in around.attributes
        }
        self._clock = 0.0

    def run(self, careless: bool) -> RehearsedLabeler:
        """All of it."""
        most = 4 * (self._plan.target + 100 * len(self._plan.parts))  # a plan without end is a bug
        while (planned := self._plan.next()) is not None and len(self._plan.shown) < most:
            self._plan.push(self._answered(planned, careless))
        return self._told()

    def _answered(self, planned: PlannedTrial, careless: bool) -> DoneTrial:
        part, choice = planned.part, planned.choice
        if planned.card is not None:
            self._clock += max(_READING, planned.card.least_seconds)
        exposure = self._protocol.exposure
        self._clock += exposure.fixation_milliseconds / 1_000
        onset = self._clock
        answers: dict[str, int | str] = {}
        for name in part.attributes:
            answers[name] = (
                self._clicked(choice.right)
                if careless
                else self._judged(name, choice.left, choice.right)
            )
            spread = float(np.exp(0.3 * self._dice.standard_normal()))
            self._clock += self._person.seconds * spread
        self._clock = max(self._clock, onset + exposure.milliseconds / 1_000) + _BETWEEN
        return DoneTrial(
            f"{len(self._plan.shown):032x}", part.kind, choice.left, choice.right, answers,
            part.attributes, part.name, planned.flags, choice.repeat_of, onset=onset,
        )  # fmt: skip

    def _clicked(self, right: ImageId | None) -> int | str:
        values: tuple[int | str, ...] = (1, 2, 3, 4) if right is None else ("left", "tie", "right")
        return values[int(self._dice.integers(len(values)))]

    def _judged(self, name: str, left: ImageId, right: ImageId | None) -> int | str:
        places = self._utility[name]
        if right is None:
            return int(self._person.rate(np.array([places[left]]), self._dice)[0])
        lead = np.array([places[left] - places[right]])
        return _NAMES[int(self._person.compare(lead, self._dice)[0][0])]

    def _told(self) -> RehearsedLabeler:
        shown = self._plan.shown
        lean: Counter[ImageId] = Counter()
        last: dict[ImageId, int] = {}
        place = {trial.trial: number for number, trial in enumerate(shown)}
        returns: list[int] = []
        for number, trial in enumerate(shown):
            if trial.right is not None:
                lean.update({trial.left: 1, trial.right: -1})
            for image in filter(None, (trial.left, trial.right)):
                if image in last and trial.repeat_of is None and _counts(trial):
                    returns.append(number - last[image])
                last[image] = number
        lags = [place[t.trial] - place[t.repeat_of] for t in shown if t.repeat_of is not None]
        return RehearsedLabeler(
            self._name, _parts(shown), self._clock / 60, self._right("practice"),
            self._right("check"), self._plan.failed, min(lags, default=None),
            max(map(abs, lean.values()), default=0), min(returns, default=None),
        )  # fmt: skip

    def _right(self, flag: str) -> tuple[int, int]:
        marks = [self._known.right(trial) for trial in self._plan.shown if flag in trial.flags]
        marks = [mark for mark in marks if mark[1]]
        return sum(right == asked for right, asked in marks), len(marks)


def _parts(shown: Sequence[DoneTrial]) -> tuple[RehearsedPart, ...]:
    parts: dict[str, RehearsedPart] = {}
    for trial in shown:
        name, check = trial.block or "", "check" in trial.flags
        practice = "practice" in trial.flags
        before = parts.get(name, RehearsedPart(name, 0, 0, 0, practice))
        parts[name] = RehearsedPart(
            name,
            before.trials + (not check),
            before.repeats + (trial.repeat_of is not None),
            before.checks + check,
            practice,
        )
    return tuple(parts.values())


def _counts(trial: DoneTrial) -> bool:
    return aside(trial.flags) is None


def _planted(
    around: PlanSurroundings, known: KnownAnswer, attribute: str, dice: np.random.Generator
) -> dict[ImageId, float]:
    """Image -> where the labeler sees it: a place that all share, and a taste of their own."""
    shared, own = float(np.sqrt(_SHARED)), float(np.sqrt(1 - _SHARED))
    places = {}
    for image in around.images:
        common = np.random.default_rng(draw("rehearsal", attribute, image.id)).standard_normal()
        places[image.id] = shared * float(common) + own * float(dice.standard_normal())
    places |= dict.fromkeys(known.high.get(attribute, ()), _KNOWN)
    places |= dict.fromkeys(known.low.get(attribute, ()), -_KNOWN)
    return places


def doubts(
    protocol: Protocol,
    found: tuple[RehearsedLabeler, ...],
    attributes: int,
    words: StimulusWords,
) -> tuple[str, ...]:
    """What of a rehearsal a researcher should look at, a sentence each.

    Args:
        protocol: that was rehearsed.
        found: what the simulated labelers went through.
        attributes: of the study that are asked for.
        words: for what it holds.
    """
    sentences = []
    careful = [each for each in found if each.name != CARELESS]
    wanted = sum(protocol.asked(attributes).values())
    least = min((each.counted for each in careful), default=0)
    if any(each.stopped for each in careful):
        sentences.append(
            "A careful simulated labeler failed the practice; its criterion may be too strict."
        )
    elif least < wanted:
        sentences.append(
            f"The study has too few faces for {counted(wanted, 'trial')}; a labeler is shown "
            f"{least:,}."
        )
    repeats = sum(p.repeats for each in careful for p in each.parts)
    if protocol.repeats.share and not repeats:
        sentences.append(
            "No trial is repeated, for the blocks are too short for the lag: nothing will be "
            "known of consistency."
        )
    longest = max((each.minutes for each in careful), default=0.0)
    if longest > 60 and not protocol.breaks.every:
        sentences.append(f"It takes about {longest:.0f} minutes, and no break is planned.")
    careless = next((each for each in found if each.name == CARELESS), None)
    if careless is not None and careless.checks[1] and careless.checks[1] < 5:
        sentences.append(
            "Fewer than 5 attention checks come, too few to tell a careless labeler by."
        )
    return tuple(map(words.told, sentences))
