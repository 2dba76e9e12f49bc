"""What an import says, in the window's words: options of the command line are left to buttons, and
doubts of one kind are told together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prism_desktop.ui.plain import in_window

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.doubts import Doubt

TOGETHER: Final = 3  # doubts of one kind that are told together
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*|prism-desktop [a-z]")
_SENTENCE: Final = re.compile(r"(?<=[.?!]) (?=[“‘A-Z-])")
_ASIDE: Final = re.compile(r" \([^()]*(?:--[a-z]|prism-desktop )[^()]*\)")
_KINDS: Final = {  # kind of doubt -> what many of them say
    "judgment": "{count} columns were taken for judgments",
    "new-attribute": "{count} attributes are new to the study",
    "attribute": "{count} columns do not say what was judged",
    "scale": "{count} scales were told by the values",
    "left-out": "{count} columns that hold numbers were left out",
    "rows": "Rows were left out for {count} reasons",
    "image-name": "Images were matched under other names in {count} places",
    "copies": "Answers stand twice in {count} places",
    "time": "Times in {count} columns are not sure",
    "unit": "The units of {count} columns were told by the values",
    "rater": "Who judged is not sure in {count} places",
    "reading": "How the files were read is not sure in {count} places",
    "fact": "Facts are not sure in {count} places",
}


@dataclass(frozen=True, slots=True)
class DoubtGroup:
    """Doubts of one kind, and what they say together."""

    text: str
    members: "tuple[tuple[int, Doubt], ...]"  # (place among all, doubt)

    @property
    def rows(self) -> int:
        """The rows that they are about."""
        return sum(doubt.count for _, doubt in self.members)


def told(text: str) -> str:
    """A sentence of the engine without options of the command line.

    What a question says up to its options stays; sentences that are only about options go.
    """
    text = _ASIDE.sub("", in_window(text))
    kept = []
    for sentence in _SENTENCE.split(text):
        option = _OPTION.search(sentence)
        if option is None:
            kept.append(sentence)
            continue
        cut = max(sentence.rfind(mark, 0, option.start()) for mark in ("; ", " (say "))
        if cut > 0:
            kept.append(sentence[:cut] + ".")
        elif sentence.endswith("?"):  # the buttons say the same
            kept.append(_OPTION.sub("", sentence))
    return " ".join(kept) or text


def grouped(doubts: "Sequence[tuple[int, Doubt]]") -> list[DoubtGroup]:
    """Doubts in the order in which they came, many of one kind together at the first one's place.

    Args:
        doubts: each with its place among all of its import.
    """
    kinds: dict[str, list[tuple[int, Doubt]]] = {}
    for entry in doubts:
        kinds.setdefault(entry[1].kind, []).append(entry)
    found = []
    for kind, members in kinds.items():
        if len(members) < TOGETHER:
            found += [DoubtGroup(told(each[1].text), (each,)) for each in members]
            continue
        first = told(members[0][1].text).rstrip(".")
        words = _KINDS.get(kind, f"{{count}} doubts of one kind, such as: {_braced(first)}")
        found.append(DoubtGroup(f"{words.format(count=f'{len(members):,}')}.", tuple(members)))
    return sorted(found, key=lambda group: group.members[0][0])


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
