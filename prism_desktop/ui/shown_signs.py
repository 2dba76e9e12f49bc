"""Signs that no font of this computer has, written as what they are: Qt would leave their place
empty, and people would judge another text than the one that is stored.

Qt falls back to any font that has a sign, so one is lacking only if no installed font knows it.
Safe in any thread; what is stored is never changed.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PySide6.QtGui import QFont, QFontMetrics

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few, in_full

_USUAL: Final = "\u024f"  # up to here are letters that every font for the window has
_NO_SHAPE: Final = frozenset(("Zs", "Zl", "Zp", "Cc", "Cf"))
# What changes the sign before it and has no shape of its own: variation selectors.
_SELECTORS: Final = "\u034f\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTOR: Final = re.compile(f"[{_SELECTORS}]")
_TONES: Final = dict(
    zip(
        "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff",
        ("light", "medium-light", "medium", "medium-dark", "dark"),
        strict=True,
    )
)
_FLAG: Final = 0x1F1E6  # the letter A of flags
_TAG: Final = 0xE0000  # what ASCII is above this
# What belongs to the symbol before it: selectors, a keycap, skin tones, tags.
_AFTER: Final = rf"[{_SELECTORS}\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_FLAGS: Final = "[\U0001f1e6-\U0001f1ff]{2}"
_KEY: Final = "[0-9#*]"  # what stands on a keycap
_NEVER: Final = r"(?!)"


_EMOJI: Final = "😀❤🤗🥹🫠👍🏽"
_SCRIPTS: Final = {
    "Cyrillic": "Ж", "Greek": "Ω", "Hebrew": "ש", "Arabic": "ع", "Devanagari": "अ", "Thai": "ก",
    "Chinese": "李", "Japanese": "あ", "Korean": "한",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LackingSigns:
    """Signs of some texts that are shown by their codes.

    Attributes:
        signs: each once, as they are called, in the order of their codes.
        texts: how many hold one.
        emoji: whether all are symbols, not letters.
    """

    signs: tuple[str, ...]
    texts: int
    emoji: bool

    def told(self, one: str = "text", many: str = "texts") -> str:
        """What the reader must know, and what to do; empty if every sign has a font."""
        if not self.signs:
            return ""
        wanted = "an emoji font, such as Noto Color Emoji" if self.emoji else "one that has them"
        return (
            f"This computer has no font for {counted(len(self.signs), 'sign')} in "
            f"{counted(self.texts, one, many)}, such as {few(self.signs, 2)}: their codes and "
            f"names are shown. Install {wanted}, and start the program anew."
        )


def shown_signs(text: str) -> str:
    """A text in which each sign that no font has is its code and name in brackets, with what
    belongs to it: "[U+1F44D thumbs up sign, medium skin tone]"; letters of a script are codes."""
    return "".join(shown for shown, _ in shown_parts(text))


def shown_parts(text: str) -> Iterator[tuple[str, str | None]]:
    """The parts of `shown_signs`: what is shown, and what it stands for if that is another."""
    lacking = _lacking(text)
    if not lacking:
        yield text, None
        return
    joining = {sign for sign in set(text) if sign > _USUAL and _joins(sign)}
    whole, place = _whole(lacking, joining), 0
    for stretch in _stretch(lacking | joining).finditer(text):
        if lacking.isdisjoint(stretch[0]):
            continue  # so that signs that have a font cost little
        for found in whole.finditer(text, *stretch.span()):
            if not lacking.isdisjoint(found[0]):
                yield text[place : found.start()], None
                yield f"[{_called(found[0], lacking)}]", found[0]
                place = found.end()
    yield text[place:], None


def _stretch(signs: set[str]) -> re.Pattern[str]:
    """Neighbours of which some may belong together; a key only where its cap may lack."""
    key = rf"(?:{_KEY}(?=[\ufe0e\ufe0f]?\u20e3))?" if "\u20e3" in signs else ""
    return re.compile(rf"{key}[{_listed(signs)}{_SELECTORS}\u200c\u200d\U000e0020-\U000e007f]+")


def _whole(lacking: set[str], joining: set[str]) -> re.Pattern[str]:
    """What is one sign: letters that follow each other, or a symbol with what belongs to it.

    Only symbols are joined; a letter before or after a joiner is a sign of its own.
    """
    letters = {sign for sign in lacking if not _named(sign)}
    letter = f"[{_listed(letters)}]" if letters else _NEVER
    symbol = f"[{_listed(joining)}]" if joining else _NEVER
    other = f"[{_listed(lacking)}]"
    return re.compile(
        rf"{letter}(?:[\u200c\u200d]?{letter})*[{_SELECTORS}]*"
        rf"|(?:{_FLAGS}|{symbol}){_AFTER}(?:\u200d{symbol}{_AFTER})*"
        rf"|{_KEY}{_AFTER}|{other}[{_SELECTORS}]*"
    )


def _listed(signs: set[str]) -> str:
    return re.escape("".join(sorted(signs)))


class SignSearch:
    """A search for signs that no font has, text by text."""

    def __init__(self) -> None:
        self._signs: set[str] = set()
        self._texts = 0

    def add(self, text: str) -> None:
        # most texts lack none, and need not be written out for that
        lacking = _lacking(text) and _lacking(in_full(text))
        self._texts += bool(lacking)
        self._signs |= lacking

    def found(self) -> LackingSigns:
        """What was found so far."""
        signs = sorted(self._signs)
        return LackingSigns(
            tuple(_called(sign, self._signs) for sign in signs),
            self._texts,
            all(map(_named, signs)),
        )


def lacking_signs(texts: Iterable[str]) -> LackingSigns:
    """Which signs of texts no font has, so that their codes are shown, and how many hold one."""
    search = SignSearch()
    for text in texts:
        search.add(text)
    return search.found()


def fonts_told() -> dict[str, str]:
    """What this computer shows of signs that texts often hold, for `doctor`."""
    lacking = lacking_signs(_EMOJI).signs
    emoji = "those tried have a font"
    if lacking:
        emoji = (
            f"no font for {len(lacking)} of {len(_EMOJI)} tried, such as {few(lacking, 2)}; texts "
            "show their codes and names. Install an emoji font, such as Noto Color Emoji"
        )
    without = [name for name, sign in _SCRIPTS.items() if lacking_signs(sign).signs]
    scripts = f"no font for {', '.join(without)}" if without else "those tried have a font"
    return {"emoji": emoji, "scripts": scripts}


def _lacking(text: str) -> set[str]:
    if text.isascii():
        return set()
    family = QFont().family()
    return {sign for sign in set(text) if sign > _USUAL and not _has_font(sign, family)}


@lru_cache(maxsize=65_536)
def _has_font(sign: str, family: str) -> bool:
    return _shapeless(sign) or QFontMetrics(QFont(family)).inFontUcs4(ord(sign))


def _shapeless(sign: str) -> bool:
    return unicodedata.category(sign) in _NO_SHAPE or _SELECTOR.match(sign) is not None


def _named(sign: str) -> bool:
    """Whether a name says what it shows: of an emoji it does, of a letter hardly."""
    return unicodedata.category(sign)[0] in "SP" or sign == "\u20e3" or _newer(sign)


def _joins(sign: str) -> bool:
    """Whether it is a symbol, which makes another one with those that it is joined to."""
    return unicodedata.category(sign)[0] == "S" or sign == "\u20e3" or _newer(sign)


def _newer(sign: str) -> bool:
    """Whether it is an emoji that this Python does not know yet."""
    return "\U0001f000" <= sign <= "\U0001faff" and unicodedata.category(sign) == "Cn"


def _code(sign: str) -> str:
    return f"U+{ord(sign):04X}"


def _called(whole: str, lacking: set[str]) -> str:
    """The codes of letters, or of a symbol the first code that lacks, and the names of all that
    belongs together."""
    first = next(sign for sign in whole if sign in lacking)
    if not _named(first):
        return " ".join(_code(sign) for sign in whole if sign in lacking)
    names, flag = [], ""
    for sign in whole:
        place = ord(sign)
        if 0 <= place - _FLAG < 26:
            flag += chr(ord("A") + place - _FLAG)
        elif 0x20 < place - _TAG < 0x7F:
            flag += chr(place - _TAG)
        elif sign in _TONES:
            names.append(f"{_TONES[sign]} skin tone")
        elif sign.isascii():
            names.append(sign)
        elif _named(sign) and (name := unicodedata.name(sign, "")):
            names.append(name.lower())
        elif sign != first and not _shapeless(sign):  # newer than this Python
            names.append(_code(sign) if sign in lacking else sign)
    told = ", ".join((*names, f"flag {flag}") if flag else names)
    return f"{_code(first)} {told}".strip()
