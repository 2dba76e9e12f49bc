"""Operations on the protocol: read, rehearse, follow, follow none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.labeling.protocol import (
    Protocol,
    parse_protocol,
    troubles,
    usual_protocol,
)
from prism_desktop.engine.names import people
from prism_desktop.engine.plain_text import dated, few
from prism_desktop.engine.study.embeddings import list_embeddings
from prism_desktop.engine.study.records import Changes

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


_FEW = 12  # labelers whose checks are told


@dataclass(frozen=True, slots=True)
class ProtocolShown:
    """What the page shows of a study."""

    protocol: Protocol  # that is followed, or a usual one to begin from
    told: str  # which version that is, in a sentence
    followed: bool
    checks: str  # how labelers did in attention checks, in a sentence; "" where nobody had some
    embeddings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RehearsalShown:
    """What simulated labelers went through."""

    lines: tuple[tuple[str, ...], ...]  # of each, in the cells of `protocol_words.REHEARSED`
    doubts: tuple[str, ...]


def unread() -> ProtocolShown:
    """What the page shows before a study's protocol was read."""
    return ProtocolShown(usual_protocol(), "", False, "", ())


def read_shown(study: "Study") -> ProtocolShown:
    """The protocol of a study as the page shows it."""
    record, sessions = study.protocol(), study.sessions()
    sets = tuple(each.name for each in list_embeddings(Path(study.path)))
    if record is None:
        told = "No protocol is followed: labelers choose their task."
        return ProtocolShown(usual_protocol(), told, False, _checks(study), sets)
    used = sum(each.protocol == record.id for each in sessions)
    told = (
        f"Version {record.version} of {dated(record.created, '%Y-%m-%d')} is followed, in "
        f"{counted(used, 'session')} so far. A change makes a new version; what was collected "
        "keeps naming its own."
    )
    return ProtocolShown(parse_protocol(record.text), told, True, _checks(study), sets)


def _checks(study: "Study") -> str:
    """Those who missed most first."""
    from prism_desktop.engine.labeling.attention_checks import attention

    names = people((each.code, each.display_name) for each in study.labelers())
    found = [each for each in attention(study) if each.checks]
    found.sort(key=lambda each: each.checks_right / each.checks)
    told = [
        f"{names.get(each.labeler, each.labeler)} {each.checks_right:,} of {each.checks:,}"
        for each in found
    ]
    return f"Attention checks answered right: {few(told, _FEW)}." if told else ""


def from_values(values: Mapping[str, Any]) -> Protocol:
    """A protocol from what the form says.

    Raises:
        InputError: it cannot be followed.
    """
    return parse_protocol(tomli_w.dumps(dict(values)), "The protocol")


def for_study(study: "Study", protocol: Protocol) -> Protocol:
    """The protocol with the faces that it needs of the study.

    Raises:
        InputError: something of it cannot be done there; nothing was changed.
    """
    if protocol.lacks_known:
        from prism_desktop.engine.evaluation.quality.careful_faces import with_careful_faces

        protocol = with_careful_faces(protocol, study)
    sets = [each.name for each in list_embeddings(Path(study.path))]
    found = troubles(protocol, study.attributes(), study.stimuli(), sets, study.words())
    if found:
        raise InputError(f"{' '.join(found)} Nothing was changed.")
    return protocol


def follow(study: "Study", protocol: Protocol) -> Changes:
    """Follow a protocol in every session that begins from now on.

    What tells similar faces is measured now, so that no labeler waits for it.
    """
    from prism_desktop.engine.labeling.protocol_session import surroundings

    protocol = for_study(study, protocol)
    surroundings(study, protocol)
    return study.put_protocol(protocol.toml())


def follow_none(study: "Study") -> Changes:
    """Let labelers choose their task again."""
    return study.drop_protocol()


def rehearsed(study: "Study", protocol: Protocol) -> Iterator[Event[RehearsalShown]]:
    """Let simulated labelers go through a protocol; the last event has what came of it.

    Raises:
        InputError: it cannot be done in the study.
    """
    from prism_desktop.engine.experiments.rehearsal import doubts, rehearse, told
    from prism_desktop.engine.labeling.protocol_session import surroundings

    protocol = for_study(study, protocol)
    for event in rehearse(protocol, surroundings(study, protocol)):
        if isinstance(event, Done):
            asked = sum(each.confirmed for each in study.attributes())
            lines = tuple(map(told, event.value))
            doubted = doubts(protocol, event.value, asked, study.words())
            yield Done(RehearsalShown(lines, doubted))
        else:
            yield event
