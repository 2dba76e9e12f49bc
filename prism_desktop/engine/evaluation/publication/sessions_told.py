"""What the sessions of a study say of how they were led: protocols, seeds and measured screens."""

from collections.abc import Sequence

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.design import LabelingConfig
from prism_desktop.engine.labeling.protocol import parse_protocol
from prism_desktop.engine.labeling.protocol_words import condition_words, protocol_words
from prism_desktop.engine.labeling.timing import was_measured
from prism_desktop.engine.study.records import ProtocolRecord, SessionRecord
from prism_desktop.engine.study.store import Study


def protocol_told(study: Study, sessions: Sequence[SessionRecord], where: str) -> str:
    """Which versions of the protocol sessions followed.

    Args:
        study: which has the versions.
        sessions: that are told of.
        where: which sessions these are, where there are others.
    """
    versions = {each.id: each for each in study.protocols()}
    used = {each.protocol for each in sessions}
    followed = sorted(
        (versions[each] for each in used if each in versions), key=lambda each: each.version
    )
    if not followed:
        return f"No session{where} followed a stored protocol; labelers chose their task."
    told = ", ".join(str(each.version) for each in followed)
    free = " Other sessions followed none." if None in used else ""
    of = counted(len(versions), "version")
    some = word_for(len(followed), "version")
    rules = " ".join(_rules(each) for each in followed)
    return f"Sessions{where} followed {some} {told} of {of} of the protocol.{free} {rules}"


def _rules(record: ProtocolRecord) -> str:
    """What labelers went through under one version."""
    protocol = parse_protocol(record.text)
    told = "; ".join(protocol_words(protocol)).rstrip(".")
    return f"Version {record.version}: {told}; {condition_words(protocol)}."


def timing_told(sessions: Sequence[SessionRecord]) -> str:
    """Whether the screen was measured."""
    measured = sum(was_measured(each.timing) for each in sessions)
    if not measured:
        return "The screen's timing was not measured."
    return f"A timing report is stored with {counted(measured, 'session')}."


def seeds(study: Study, sessions: Sequence[SessionRecord]) -> list[int]:
    """Of the protocols that sessions followed, and of those that followed none."""
    followed = {each.protocol for each in sessions}
    found = {parse_protocol(each.text).seed for each in study.protocols() if each.id in followed}
    if None in followed or not found:
        found.add(LabelingConfig().seed)
    return sorted(found)
