"""What is put before a labeler, and what was given to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.study.records import (
    FLAGS,
    Flag,
    GivenAnswers,
    ImageId,
    Kind,
    Order,
    PendingAnswers,
    StimulusRecord,
    TrialId,
)


@dataclass(frozen=True, slots=True)
class Presentation:
    """What to put before the labeler."""

    kind: Kind
    left: StimulusRecord
    right: StimulusRecord | None  # None for a rating
    repeat_of: TrialId | None
    probability: float | None
    strategy: Order = "random"  # how it was chosen
    attributes: tuple[str, ...] = ()  # asked for; none: all of the session
    block: str | None = None  # of the protocol
    flags: tuple[Flag, ...] = ()  # practice or a check
    card: PartCard | None = None  # read before it
    order: Order = "random"  # of the block


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
    block: str | None = None  # of the protocol
    flags: tuple[Flag, ...] = ()  # practice or a check
    repeat_of: TrialId | None = None  # of a trial that was planned ahead no lasting one
    probability: float | None = None
    strategy: Order = "random"


def resumed(given: GivenAnswers) -> GivenAnswers:
    """What an earlier session was given, as a later one goes on with it: begun when its first
    question was put, and so far as long as its questions took."""
    times = list(given.times.values())
    flags = {*given.flags, "interrupted"}
    return replace(
        given,
        onset=times[0].onset if times else None,
        seconds=sum(time.seconds or 0.0 for time in times) if times else None,
        flags=in_order(flags),
    )


def in_order(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Flags as a trial has them."""
    found = set(flags)
    return tuple(flag for flag in FLAGS if flag in found)


def kind_of(right: ImageId | None) -> Kind:
    return "rating" if right is None else "comparison"


def is_of(pending: PendingAnswers, shown: Presentation) -> bool:
    """Whether what was begun is what comes now; versions before did not note its block."""
    if (pending.left, pending.right) != sides(shown):
        return False
    begun = pending.block, pending.flags, pending.repeat_of
    return pending.block is None or begun == (shown.block, shown.flags, shown.repeat_of)


def sides(shown: Presentation) -> tuple[ImageId, ImageId | None]:
    return shown.left.id, None if shown.right is None else shown.right.id
