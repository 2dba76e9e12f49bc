"""Pseudonyms: what stands for labelers, faces, trials and sessions in what is published.

Names, codes (which may be names), file names and checksums of images all stay at home. The
numbers are the same each time, and their order tells nothing: it is that of a hash with the
study's identifier, which stays at home too.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from prism_desktop.engine.study.records import ImageRecord, LabelerRecord

_WORD_LETTERS = 2  # of a name that is looked for in texts; shorter ones are in any text


class Pseudonyms:
    """Of one study."""

    def __init__(
        self, study: str, labelers: Sequence[LabelerRecord], images: Sequence[ImageRecord]
    ) -> None:
        """Args: study: its identifier."""
        self.labelers = _numbered("P", study, (each.code for each in labelers))
        self.faces = _numbered("F", study, (each.id for each in images))
        self._people = labelers
        self._images = images
        self._trials: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        names = {
            name.strip()
            for each in labelers
            for name in (each.code, each.display_name)
            if len(name.strip()) >= _WORD_LETTERS
        }
        told = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        self._names = re.compile(rf"(?<!\w)(?:{told})(?!\w)", re.IGNORECASE) if told else None

    def trial(self, trial: str) -> str:
        """What stands for a trial: numbers in the order in which they are asked for."""
        return self._trials.setdefault(trial, f"T{len(self._trials) + 1:06d}")

    def session(self, session: str) -> str:
        """What stands for a session, likewise."""
        return self._sessions.setdefault(session, f"S{len(self._sessions) + 1:04d}")

    def names_somebody(self, text: str) -> bool:
        """Whether a text holds the name or code of a labeler."""
        return self._names is not None and self._names.search(text) is not None

    def key(self) -> Iterator[tuple[str, str, str, str]]:
        """What each stands for: kind, pseudonym, identity, name. For those who collected the data,
        and nobody else."""
        for person in self._people:
            yield "labeler", self.labelers[person.code], person.code, person.display_name
        for image in self._images:
            yield "face", self.faces[image.id], image.id, image.name


def _numbered(letter: str, study: str, identities: Iterable[str]) -> dict[str, str]:
    def place(identity: str) -> bytes:
        return hashlib.sha256(f"{study}\0{letter}\0{identity}".encode()).digest()

    ordered = sorted(identities, key=place)
    wide = max(2, len(str(len(ordered))))
    return {identity: f"{letter}{n:0{wide}d}" for n, identity in enumerate(ordered, start=1)}
