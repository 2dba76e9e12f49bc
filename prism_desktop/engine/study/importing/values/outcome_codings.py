"""What outcomes are called, and codings: what a user says that codes and words mean."""

import re
from collections.abc import Mapping
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.answer_columns import LEFT, RIGHT, TIE
from prism_desktop.engine.study.importing.cells import PLAIN_NUMBER, short
from prism_desktop.engine.study.importing.values.numerals import clean, same_value

_LEFT = (
    "left", "l", "a", "first", "1st", "im1", "image1", "image 1", "image a", "model a", "option a",
    "img1", "img a", "left image", "image left", "left wins", "left won", "left face",
    "face a", "links", "linke",
    "linkes", "linkes bild", "das linke", "erste", "erstes", "gauche", "izquierda", "arrowleft",
    "arrow left", "leftarrow",
)  # fmt: skip
_RIGHT = (
    "right", "r", "b", "second", "2nd", "im2", "image2", "image 2", "image b", "model b",
    "option b", "img2", "img b", "right image", "image right", "right wins", "right won",
    "right face", "face b", "rechts",
    "rechte", "rechtes", "rechtes bild", "das rechte", "zweite", "zweites", "droite", "derecha",
    "arrowright", "arrow right", "rightarrow",
)  # fmt: skip
_TIE = (
    "tie", "tied", "draw", "equal", "equal to", "equals", "equally", "same", "both", "neither",
    "no preference",
    "no difference", "tie (bothbad)", "tie bothbad", "tie (both bad)", "bothbad", "both bad",
    "both good", "tie (bothgood)", "bothgood", "either", "undecided", "indifferent", "gleich",
    "unentschieden", "beide", "keine präferenz", "keine praeferenz", "kein unterschied",
    "weder noch", "égal", "égalité", "empate", "igual", "x=y", "equal preference", "arrowdown",
    "arrow down", "downarrow", "down",
    "can't decide", "cannot decide",
)  # fmt: skip
WORDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_LEFT, LEFT),
    **dict.fromkeys(_RIGHT, RIGHT),
    **dict.fromkeys(_TIE, TIE),
}
NAMES: Final = {LEFT: "left", TIE: "tie", RIGHT: "right"}
MEANINGS: Final[Mapping[str, int]] = {name: side for side, name in NAMES.items()}
ALIASES: Final[Mapping[str, Mapping[str, str]]] = {
    "2-first": {"2": "left", "1": "right"},
    "1-first": {"1": "left", "2": "right"},
}  # the two codings of the source project's workbooks
_PART = re.compile(r"""(?:\s*'[^']*'\s*=|\s*"[^"]*"\s*=)?[^,]*""")
_LIMIT = re.compile(r"([<>]) ?([+-]?(?:\d+(?:\.\d*)?|\.\d+))")


def parse_coding(text: str) -> dict[str, str]:
    """Read a coding as the user writes it: "1=left,0=right", "never=1,'now, or never'=2".

    "<0" and ">0.5" stand for all numbers below or above; "2-first" and "1-first" for the codes 1
    and 2 of the source project. What nothing stands for ("x=") is no answer.

    Raises:
        InputError: if it is none, or gives one value two meanings.
    """
    if text.strip() in ALIASES:
        return dict(ALIASES[text.strip()])
    found: dict[str, str] = {}
    for part in _parts(text):
        value, sign, meaning = part.rpartition("=")
        value = value.strip().strip("\"'").strip()
        meaning = meaning.strip().strip("\"'").casefold()
        usable = meaning in MEANINGS or meaning == "" or PLAIN_NUMBER.fullmatch(meaning)
        if not sign or not value or not usable:
            raise InputError(
                f"“{short(part.strip())}” in the coding “{short(text)}” is none; write VALUE=left, "
                "VALUE=right, VALUE=tie or VALUE=NUMBER, with commas between them. Nothing was "
                "imported."
            )
        if any(same_value(value, other) for other in found):
            raise InputError(
                f"The coding “{short(text)}” names “{short(value)}” twice. Nothing was imported."
            )
        found[value] = meaning
    if not found:
        raise InputError("The coding is empty; write VALUE=left,VALUE=right. Nothing was imported.")
    return found


def _parts(text: str) -> list[str]:
    """The text between commas that stand outside a value's quotation marks."""
    return [part for part in _PART.findall(text) if part.strip()]


def meaning_of(value: str, coding: Mapping[str, str]) -> str | None:
    """What a coding says about a value: by name, then by the limits "<0" and ">0.5"."""
    for name, meaning in coding.items():
        if same_value(value, name):
            return meaning
    number = clean(value)
    if not PLAIN_NUMBER.fullmatch(number):
        return None
    for name, meaning in coding.items():
        if match := _LIMIT.fullmatch(clean(name)):
            below, limit = match[1] == "<", float(match[2])
            if (float(number) < limit) if below else (float(number) > limit):
                return meaning
    return None


def plain_word(text: str) -> str:
    """A word as it stands in `WORDS`."""
    return " ".join(clean(text).casefold().replace("_", " ").strip(" .!").split())
