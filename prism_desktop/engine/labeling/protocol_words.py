"""A protocol in words: what a labeler will go through, for the window and the command line."""

from typing import Final

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.protocol import BlockRules, Protocol
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.stimulus_words import FACES, StimulusWords

# what a rehearsal tells of each simulated labeler, in columns
REHEARSED: Final = (
    "labeler", "trials", "repeats", "checks right", "practice right", "minutes", "least lag",
    "face again", "left less right",
)  # fmt: skip
REHEARSED_MEANS: Final = (
    "Least lag: trials from a presentation to its repeat. Face again: trials until a face comes "
    "again, repeats aside. Left less right: how much more often a face is on one side, at most."
)


def block_words(block: BlockRules) -> str:
    """One block in a line."""
    what = word_for(block.trials, block.kind)
    about = few(block.attributes, 4) if block.attributes else "all attributes"
    how = ", one attribute at a time" if block.one_attribute_at_a_time else ""
    how += ", texts of the same prompt only" if block.same_prompt else ""
    return f"{block.name}: {block.trials:,} {what} of {about}{how}"


def condition_words(protocol: Protocol) -> str:
    """How its sessions were led, beyond `protocol_words`, for whoever reads of a study."""
    cross, spacing = protocol.exposure.fixation_milliseconds, protocol.spacing
    told = [
        "labelers saw no predictions and no one else's answers"
        if protocol.blinded
        else "labelers were not blind to predictions and others' answers",
        f"answers {'could' if protocol.undo else 'could not'} be taken back",
    ]
    if cross:
        told.append(f"a cross was shown for {cross:,} ms before the faces")
    if spacing.trials:
        alike = " or one like it" if spacing.similar_by else ""
        told.append(
            f"no face{alike} came again within {counted(spacing.trials, 'trial')} where another "
            "could"
        )
    return "; ".join(told)


def protocol_words(protocol: Protocol, words: StimulusWords = FACES) -> tuple[str, ...]:
    """A line for each block, then one for what goes on around them."""
    around = []
    if protocol.practice.trials:
        around.append(f"practice of {counted(protocol.practice.trials, 'trial')}")
    if protocol.repeats.share:
        around.append(f"{protocol.repeats.share:.0%} repeated")
    if protocol.checks.every:
        around.append(f"an attention check about every {protocol.checks.every} trials")
    if protocol.breaks.every:
        around.append(f"a break every {protocol.breaks.every} trials")
    shown = protocol.exposure.milliseconds
    if shown:
        around.append(
            f"{words.many} for {shown:,} ms{', then a mask' if protocol.exposure.mask else ''}"
        )
    if protocol.strength:
        around.append("strength of preference by Shift")
    if protocol.locked_by:
        around.append("locked by a PIN")
    lines = [block_words(block) for block in protocol.blocks]
    if around:
        told = "; ".join(around)
        lines.append(f"{told[0].upper()}{told[1:]}.")
    return tuple(lines)
