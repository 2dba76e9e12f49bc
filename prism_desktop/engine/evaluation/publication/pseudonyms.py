"""Pseudonyms: what stands for labelers, stimuli, trials and sessions in what is published.

Names, codes (which may be names), file names and checksums of stimuli all stay at home. The
numbers of labelers, stimuli and prompts are the same each time, whoever else is there, and tell
nothing: each is a hash with the study's identifier, which stays at home too. Trials and sessions
are numbered anew in each bundle.
"""

import hmac
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from prism_desktop.engine.evaluation.publication.names_in_texts import NamesInTexts
from prism_desktop.engine.study.records import LabelerRecord, StimulusRecord
from prism_desktop.engine.study.texts import TextRecord

_WORD_LETTERS: Final = 2  # of a name that is looked for in facts; shorter ones are in any text
_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?")  # as a code or a name: it is in many facts
_APART: Final = re.compile(r"[\s,;|()\"']+")  # between the words of a text
# of a number: among 10,000 faces two share one once in 200 studies, and one of them gets another
_DIGITS: Final = 10


class Pseudonyms:
    """Of one study."""

    def __init__(
        self, study: str, labelers: Sequence[LabelerRecord], stimuli: Sequence[StimulusRecord]
    ) -> None:
        """Args: study: its identifier."""
        self.labelers = _numbered("P", study, (each.code for each in labelers))
        texts = [each for each in stimuli if isinstance(each, TextRecord)]
        self.stimuli = _numbered("X" if texts else "F", study, (each.id for each in stimuli))
        self.prompts = _numbered(
            "Q", study, {one.prompt for one in texts if one.prompt is not None}
        )
        self._people = labelers
        self._stimuli = stimuli
        self._trials: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self._names = _any_of(name for each in labelers for name in (each.code, each.display_name))
        self._in_texts = NamesInTexts(labelers)
        self._files = {
            each.id: {name.casefold() for name in _names_of(each) if _is_name(name)}
            for each in stimuli
        }
        self._all_files = frozenset(itertools.chain.from_iterable(self._files.values()))

    def trial(self, trial: str) -> str:
        """What stands for a trial: numbers in the order in which they are asked for."""
        return self._trials.setdefault(trial, f"T{len(self._trials) + 1:06d}")

    def session(self, session: str) -> str:
        """What stands for a session, likewise."""
        return self._sessions.setdefault(session, f"S{len(self._sessions) + 1:04d}")

    def names_somebody(self, text: str) -> bool:
        """Whether a text holds the name or code of a labeler."""
        as_written = self._names is not None and self._names.search(text) is not None
        return as_written or self._in_texts.names(text)

    def may_name_somebody(self, text: str) -> bool:
        """The same, taking more for a name: any code, and each word of a name."""
        return self._in_texts.may_name(text)

    def names_stimulus(self, text: str, stimulus: str) -> bool:
        """Whether a text about a stimulus holds its name, or consists of words of which one is
        that of another; with its ending or without."""
        own = _any_of(self._files.get(stimulus, ()))
        if own is not None and own.search(text) is not None:
            return True
        words = (text.strip(), *_APART.split(text))
        return any(
            form in self._all_files
            for word in words
            for form in (word.casefold(), PurePosixPath(word).stem.casefold())
        )

    def key(self) -> Iterator[tuple[str, str, str, str]]:
        """What each stands for: kind, pseudonym, identity, name. For those who collected the data,
        and nobody else."""
        for person in self._people:
            yield "labeler", self.labelers[person.code], person.code, person.display_name
        for prompt, pseudonym in self.prompts.items():
            yield "prompt", pseudonym, "", prompt
        for each in self._stimuli:
            kind = "text" if isinstance(each, TextRecord) else "face"
            yield kind, self.stimuli[each.id], each.id, each.name


def _is_name(text: str) -> bool:
    return len(text.strip()) >= _WORD_LETTERS and _NUMBER.fullmatch(text.strip()) is None


def _names_of(stimulus: StimulusRecord) -> tuple[str, str, str]:
    path = PurePosixPath(stimulus.name.replace("\\", "/"))
    return stimulus.name, path.name, path.stem


def _any_of(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of the names as words of their own; None where there is none."""
    sought = sorted({name.strip() for name in names if _is_name(name)}, key=len, reverse=True)
    told = "|".join(re.escape(name) for name in sought)
    return re.compile(rf"(?<!\w)(?:{told})(?!\w)", re.IGNORECASE) if told else None


def _numbered(letter: str, study: str, identities: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    taken: set[str] = set()
    for identity in sorted(identities):
        numbers = (_number(study, f"{letter}\0{identity}\0{n}") for n in itertools.count())
        number = next(each for each in numbers if each not in taken)
        taken.add(number)
        found[identity] = letter + number
    return found


def _number(study: str, text: str) -> str:
    digest = hmac.digest(study.encode(), text.encode(), "sha256")
    return f"{int.from_bytes(digest) % 10**_DIGITS:0{_DIGITS}d}"
