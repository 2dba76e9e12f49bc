"""The parts of a protocol that a labeler goes through, and what a plan knows of a trial in one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prism_desktop.engine.labeling.orders import shuffled
from prism_desktop.engine.labeling.protocol import PRACTICE, BlockRules, Protocol
from prism_desktop.engine.study.records import Flag, ImageId, Kind, Order, TrialId

CardKind = Literal["practice", "practice again", "block", "break"]


@dataclass(frozen=True, slots=True)
class ProtocolPart:
    """Practice, a block, or a block's round for one attribute."""

    name: str  # stored with its trials
    kind: Kind
    attributes: tuple[str, ...]
    fresh: int  # trials of images or pairs not asked before
    repeats: int = 0
    order: Order = "random"
    practice: bool = False
    instructions: str = ""
    same_prompt: bool = False

    @property
    def trials(self) -> int:
        """All of its trials but attention checks."""
        return self.fresh + self.repeats


@dataclass(frozen=True, slots=True)
class PartCard:
    """What the labeler reads before a trial; another card for each place in the protocol."""

    kind: CardKind
    part: str
    place: int = 0  # of the block, from 1
    of: int = 0  # blocks
    text: str = ""
    right: int = 0  # of the round of practice before, of so many `asked`
    asked: int = 0
    least_seconds: int = 0  # before one may go on
    round: int = 0


@dataclass(frozen=True, slots=True)
class DoneTrial:
    """A trial that was shown, as far as the plan cares."""

    trial: TrialId
    kind: Kind
    left: ImageId
    right: ImageId | None
    answers: Mapping[str, int | str] | None  # None: to come
    asked: tuple[str, ...]
    block: str | None
    flags: tuple[Flag, ...] = ()
    repeat_of: TrialId | None = None
    own: bool = True  # labeled here
    onset: float | None = None  # unix s
    session: str = ""


def parts_of(
    protocol: Protocol, attributes: Sequence[str], labeler: str, salt: str
) -> tuple[ProtocolPart, ...]:
    """The parts that a labeler goes through, in order.

    Args:
        protocol: that they follow.
        attributes: those of the study, for blocks that name none.
        labeler, salt: of orders of their own.
    """
    blocks = list(protocol.blocks)
    if protocol.shuffle_blocks:
        names = shuffled([block.name for block in blocks], f"{salt}/{labeler}/blocks")
        blocks.sort(key=lambda block: names.index(block.name))
    parts: list[ProtocolPart] = []
    practised: set[Kind] = set()
    for block in blocks:
        rounds = list(_rounds(block, attributes, labeler, salt))
        if protocol.practice.trials and block.kind not in practised:
            practised.add(block.kind)
            asked = tuple(dict.fromkeys(name for each in rounds for name in each))
            parts.append(
                ProtocolPart(
                    f"{PRACTICE}: {block.kind}", block.kind, asked,
                    protocol.practice.trials, practice=True,
                )
            )  # fmt: skip
        repeats = round(block.trials * protocol.repeats.share)
        for asked in rounds:
            name = f"{block.name}: {asked[0]}" if block.one_attribute_at_a_time else block.name
            parts.append(
                ProtocolPart(
                    name, block.kind, asked, block.trials - repeats, repeats, block.order,
                    instructions=block.instructions, same_prompt=block.same_prompt,
                )
            )  # fmt: skip
    return tuple(parts)


def _rounds(
    block: BlockRules, attributes: Sequence[str], labeler: str, salt: str
) -> Iterator[tuple[str, ...]]:
    """What is asked for at a time, round by round."""
    asked = tuple(name for name in block.attributes or attributes if name in attributes)
    if block.one_attribute_at_a_time:
        for name in shuffled(asked, f"{salt}/{labeler}/{block.name}/attributes"):
            yield (name,)
    elif asked:
        yield asked
