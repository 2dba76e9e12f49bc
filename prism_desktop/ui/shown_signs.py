"""Signs that no font of this computer has, written as what they are: Qt would leave their place
empty, and people would judge another text than the one that is stored.

Qt falls back to any font that has a sign, so one is lacking only if no installed font knows it.
Safe in any thread; what is stored is never changed.
"""

import re
import unicodedata
from collections.abc import Iterable
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
# A sign with what belongs to it: a flag's two letters, joined signs, skin tones, tags, selectors.
_AFTER: Final = rf"[{_SELECTORS}\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_WHOLE: Final = (
    rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[^\s{_SELECTORS}])(?:{_AFTER}|\u200d[^\s\u200d])*"
)


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
    lacking = _lacking(text)
    if not lacking:
        return text
    letters = "".join(sign for sign in sorted(lacking) if not _named(sign))
    run = rf"(?P<run>[{re.escape(letters)}]{{2,}})|" if letters else ""

    def instead(found: re.Match[str]) -> str:
        whole = found[0]
        if run and found["run"]:
            return f"[{' '.join(map(_code, whole))}]"
        first = next((sign for sign in whole if sign in lacking), "")
        return f"[{_called(whole, first)}]" if first else whole

    return re.sub(f"{run}{_WHOLE}", instead, text)


def lacking_signs(texts: Iterable[str]) -> LackingSigns:
    """Which signs of texts no font has, so that their codes are shown, and how many hold one."""
    found: set[str] = set()
    count = 0
    for text in texts:
        lacking = _lacking(in_full(text))
        count += bool(lacking)
        found |= lacking
    signs = sorted(found)
    return LackingSigns(
        tuple(_called(sign, sign) for sign in signs), count, all(map(_named, signs))
    )


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
    if unicodedata.category(sign) in _NO_SHAPE or _SELECTOR.match(sign):
        return True
    return QFontMetrics(QFont(family)).inFontUcs4(ord(sign))


def _named(sign: str) -> bool:
    """Whether a name says what it shows: of an emoji it does, of a letter hardly."""
    return unicodedata.category(sign)[0] in "SP" or sign == "\u20e3"


def _code(sign: str) -> str:
    return f"U+{ord(sign):04X}"


def _called(whole: str, lacking: str) -> str:
    """The code of the first sign that lacks, and the names of all that belongs together."""
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
        elif _named(sign):
            names.append(unicodedata.name(sign, "").lower())
    told = ", ".join(filter(None, (*names, f"flag {flag}" if flag else "")))
    return f"{_code(lacking)} {told}".strip()
