"""Texts as stimuli, and texts that people wrote themselves: how they are kept and identified.

A text has no file: the study's database holds it. What it says decides which one it is: the
SHA-256 of the text as it is kept, which is in Unicode's form NFC, with "\\n" at the ends of lines
and without white space at its own ends. A prompt is part of what is judged, so that the same words
in answer to another prompt are another text: of a text with a prompt the hash is that of the
prompt, a zero and the text, both as they are kept. Neither holds a zero, so that no two are mixed.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST_CHARACTERS: Final = 100_000  # of a text and of a prompt, as many as an hour of reading
MOST_IN_NAME: Final = 200  # of what a text or a group is called
_BREAK: Final = re.compile(r"\r\n?")
_HALF: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TextRecord:
    """One text of the study, to be judged."""

    id: str  # `text_id`, 64 hexadecimal digits
    name: str  # what its file calls it; unique in the study
    text: str
    prompt: str | None  # what it answers
    author: str | None  # code of the labeler who wrote it
    group: str | None  # texts of one group share a fold
    fold: int  # 0-6, fixed when the text was added

    @property
    def missing(self) -> bool:
        """Never: a text lies in the database; an image may be gone."""
        return False


class NewText(NamedTuple):
    """A text to add; what it says is brought into the form in which texts are kept."""

    name: str
    text: str
    prompt: str | None = None
    author: str | None = None
    group: str | None = None
    # where an export says it: of a text whose group or prompt is in no fold yet; else the emptiest
    fold: int | None = None


class OwnText(NamedTuple):
    """What a person wrote, with or without a prompt: their history, which nobody judges."""

    labeler: str  # the author's code
    text: str
    prompt: str | None = None


def kept_form(text: str) -> str:
    """A text as it is kept; the same again if it is in that form already."""
    return unicodedata.normalize("NFC", _BREAK.sub("\n", text)).strip()


def text_id(text: str, prompt: str | None = None) -> str:
    """The identity of a text, its SHA-256 in hexadecimal digits.

    Args:
        text: in the form in which it is kept, see `kept_form`.
        prompt: likewise; None for a text that answers none.
    """
    return _hash(text if prompt is None else f"{prompt}\0{text}")


def new_text_id(new: NewText) -> str:
    """The identity that a text will have."""
    return text_id(kept_form(new.text), kept_form(new.prompt or "") or None)


def fold_key(text: str, prompt: str | None, group: str | None) -> str:
    """What texts have in common that share a fold: their group, else their prompt, else nothing.

    Args:
        text: the text's identity.
        prompt: what it answers, in the form in which it is kept.
        group: likewise.
    """
    shared = prompt if group is None else group
    return text if shared is None else _hash(shared)


def text_fault(text: str, most: int = MOST_CHARACTERS) -> str:
    """Why a text cannot be kept, for a report, "" if it can.

    Args:
        text: in the form in which it is kept.
        most: characters that it may have.
    """
    if "\0" in text:
        return "holds a zero character (NUL), which no text has"
    if _HALF.search(text):
        return "holds half a character (a lone surrogate), which no file can hold"
    if not any(sign.isprintable() and not sign.isspace() for sign in text):
        return "holds nothing that can be read"
    if len(text) > most:
        return f"has {len(text):,} characters, and {most:,} are the most"
    return ""


def name_fault(name: str) -> str:
    """Why a text or a group cannot be called so, for a report, "" if it can."""
    if any(sign in name for sign in "\n\u2028\u2029"):
        return "goes over several lines"
    return text_fault(name, MOST_IN_NAME)


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
