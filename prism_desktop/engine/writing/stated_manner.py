"""How somebody writes, told in a sentence: as a summary of their texts, or as preferences.

Rules count in the texts, and no model is asked: length, how texts begin and end, emoji, hedges,
exclamation marks, dots and dashes, small letters. A habit is told where at least two fifths of the
texts have it, so that what is told of one text may be chance, and of many is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from prism_desktop.engine.text_signs import EMOJI, HEDGES, TRAILING, WORD
from prism_desktop.engine.writing.writing_config import ContextForm

_HABIT: Final = 0.4  # share of texts
_NAMED: Final = 3  # emoji and greetings that are named at most
_ADDRESS: Final = re.compile(r"\s*([^\W\d_][^,.!?;:\n]{0,30})[,!\n]")  # what stands before a comma
_ADDRESS_WORDS: Final = 3
_SHORT, _LONG = 8, 25  # words of a text


@dataclass(frozen=True, slots=True)
class Manner:
    """What rules count in somebody's texts.

    Attributes:
        words: of a text, the median.
        begins: the most frequent greetings, if at least two fifths of the texts have any: up to
            three words before a comma, an exclamation mark or the end of a line.
        ends: the last word of at least two fifths of the texts; empty if there is none.
        emoji: the most frequent ones, the first first.
        with_emoji: share of texts.
        hedging, exclaiming, trailing: shares of texts that hedge, exclaim, trail off or dash.
        small: share of texts without a capital.
    """

    words: int
    begins: tuple[str, ...]
    ends: str
    emoji: tuple[str, ...]
    with_emoji: float
    hedging: float
    exclaiming: float
    trailing: float
    small: float


def manner_of(texts: Sequence[str]) -> Manner:
    """Count in texts; at least one."""
    spelled = [WORD.findall(text) for text in texts]
    pictures = Counter(one for text in texts for one in EMOJI.findall(text))
    return Manner(
        words=round(median(len(words) for words in spelled)),
        begins=_greetings(texts),
        ends=_habitual(words[-1] for words in spelled if words),
        emoji=tuple(one for one, _ in _most(pictures)),
        with_emoji=_share(texts, lambda text: bool(EMOJI.search(text))),
        hedging=_share(texts, lambda text: bool(HEDGES.search(text))),
        exclaiming=_share(texts, lambda text: "!" in text),
        trailing=_share(texts, lambda text: bool(TRAILING.search(text))),
        small=_share(texts, lambda text: text == text.lower()),
    )


def told_as(form: ContextForm, texts: Sequence[str]) -> str:
    """A sentence about how somebody writes; empty of no texts.

    Args:
        form: "summary" or "preferences".
        texts: of one person.
    """
    if not texts:
        return ""
    if form == "preferences":
        return " ".join(_preferences(manner_of(texts)))
    return f"Writes {', '.join(_summary(manner_of(texts)))}."


def _summary(manner: Manner) -> Iterator[str]:
    yield f"{_length(manner)}, about {manner.words} words"
    yield f"begins with {' or '.join(manner.begins)}" if manner.begins else "no greeting"
    yield f"ends with {manner.ends}" if manner.ends else "no sign-off"
    if manner.with_emoji >= _HABIT:
        yield f"many emoji {' '.join(manner.emoji)}"
    else:
        yield "few emoji" if manner.emoji else "no emoji"
    yield "hedges a lot" if manner.hedging >= _HABIT else "seldom hedges"
    yield from _marks(manner)


def _preferences(manner: Manner) -> Iterator[str]:
    yield f"Write {_length(manner)}, about {manner.words} words."
    yield f"Begin with {' or '.join(manner.begins)}." if manner.begins else "Use no greeting."
    yield f"End with {manner.ends}." if manner.ends else "Use no sign-off."
    if manner.with_emoji >= _HABIT:
        yield f"Use emoji {' '.join(manner.emoji)}."
    elif not manner.emoji:
        yield "Use no emoji."
    yield "Hedge a lot." if manner.hedging >= _HABIT else "Seldom hedge."
    for mark in _marks(manner):
        yield f"Use {mark}."


def _length(manner: Manner) -> str:
    return ("briefly" if manner.words <= _SHORT else
            "at length" if manner.words >= _LONG else "at normal length")  # fmt: skip


def _marks(manner: Manner) -> Iterator[str]:
    if manner.exclaiming >= _HABIT:
        yield "exclamation marks"
    if manner.trailing >= _HABIT:
        yield "dots or dashes"
    if manner.small >= _HABIT:
        yield "lower case"


def _greetings(texts: Sequence[str]) -> tuple[str, ...]:
    found = [one.group(1).strip() for text in texts if (one := _ADDRESS.match(text))]
    short = [one for one in found if len(one.split()) <= _ADDRESS_WORDS]
    return tuple(one for one, _ in _most(Counter(short))) if _often(len(short), texts) else ()


def _habitual(parts: Iterator[str]) -> str:
    """What most of the parts are, if it is enough of them; more than one."""
    counts = Counter(parts)
    (best, often), *_ = _most(counts) or [("", 0)]
    return best if often > 1 and _often(often, list(counts.elements())) else ""


def _often(count: int, of: Sequence[object]) -> bool:
    return count >= _HABIT * len(of) and count > 0


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent, those of one frequency in the order of the alphabet."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_NAMED]


def _share(texts: Sequence[str], has: Callable[[str], bool]) -> float:
    return sum(map(has, texts)) / len(texts)
