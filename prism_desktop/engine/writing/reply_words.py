"""What there is to say of generated replies in pairs, and of whose people prefer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs.estimates import TOO_FEW

if TYPE_CHECKING:
    from prism_desktop.engine.runs.writing_files import ReplyPreference

ATTRIBUTE: Final = "preferred"  # what a study of such pairs asks
SOURCE: Final = "generated replies"  # of its import
BLIND: Final = "Labelers are told that replies are generated, never by what."


@dataclass(frozen=True, slots=True)
class RankedReplies:
    """What was made."""

    path: Path
    pairs: int
    same: int  # pairs of the same words, which nobody can prefer
    empty: int  # replies that hold nothing, whose pairs cannot be shown
    notices: tuple[str, ...]


def told_ranking(found: RankedReplies) -> Iterator[str]:
    """What was made, for a reader."""
    yield f"Made {found.path} with {counted(found.pairs, 'pair')} of generated replies to judge."
    if found.same:
        yield f"{counted(found.same, 'more pair')} had the same words, which nobody can prefer."
    if found.empty:
        yield f"{counted(found.empty, 'pair')} left out, as one of the two replies holds nothing."
    yield from found.notices


def told_preference(one: ReplyPreference, names: Mapping[str, str] | None = None) -> Iterator[str]:
    """Whose replies are preferred, what cannot be told first.

    Args:
        one: of people, or of simulated labelers.
        names: what to call labelers, by code; None: by their codes.
    """
    share = one.share
    who = "simulated labeler" if one.simulated else "labeler"
    if share.few:
        yield f"{TOO_FEW.capitalize()}: {share.rest(who)}."
    bounds = _interval(share.both_low, share.both_high)
    over = f" {bounds} over labelers and prompts" if bounds else ""
    yield (
        f"{one.first} is preferred to {one.second} in {share.value or 0.0:.1%}{over}, ties "
        f"half: {counted(share.texts, 'answer')} of {counted(share.people, who)}, "
        f"{counted(one.ties, 'tie')}; {one.judged:,} of {counted(one.pairs, 'pair')} "
        f"{word_for(one.judged, 'was', 'were')} judged."
    )
    for code, person in one.per_labeler.items():
        bounds = _interval(person.low, person.high)
        told = f"{person.value:.1%} {bounds}".rstrip()
        called = code if names is None else names.get(code, code)
        yield f"{called}: {told} of {counted(person.texts, 'answer')}"
    if one.same:
        yield (
            f"{counted(one.same, 'more pair')} had the same words and "
            f"{word_for(one.same, 'was', 'were')} shown to nobody."
        )


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"[{max(0.0, low):.1%}, {min(1.0, high):.1%}]"
