"""Names of files and folders: those that users give, and those that cannot be written."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from prism_desktop.engine.errors import InputError

MOST_LETTERS = 100  # code points of a name
# Zero-width joiner and non-joiner of scripts and emoji, and the tags of which flags are made.
_JOINERS = frozenset("\u200c\u200d" + "".join(map(chr, range(0xE0020, 0xE0080))))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_IMAGE = re.compile(r"[0-9a-f]{64}")


def checked_name(name: str, what: str) -> str:
    """A name that is a file's on every system, and in no other folder than its own.

    Args:
        name: what the user wrote.
        what: is named, for the refusal: "a comparison".

    Raises:
        InputError: if it could not be one.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise InputError(
            f"{name!r} cannot name {what}: 1 to 64 letters, digits, hyphens, underscores or full "
            "stops, a letter or digit first."
        )
    return name


def checked_image(image: str) -> str:
    """An image's identity, the only thing that may become a part of a path without being looked at.

    Raises:
        InputError: it is not 64 hexadecimal digits, as a SHA-256 is.
    """
    if not _IMAGE.fullmatch(image):
        raise InputError(
            f"{printable(image)[:80]!r} is no image's identity: that is 64 hexadecimal digits."
        )
    return image


def is_name(name: str) -> bool:
    """Whether a text can name a labeler, an attribute or a fact.

    Every script and emoji may, with combining marks, joiners and letters from right to left.
    Refused is what cannot be seen or changes how the text beside it is shown: control characters,
    breaks of lines, blanks other than the plain one, marks of direction, private signs, and names
    of which nothing would be seen.
    """
    if not name or name != name.strip() or len(name) > MOST_LETTERS:
        return False
    kinds = [unicodedata.category(sign) for sign in name]
    seen = any(kind[0] in "LNPS" or kind == "Cn" for kind in kinds)
    return seen and all(
        kind[0] in "LMNPS" or sign == " " or sign in _JOINERS or (kind == "Cn" and _letter(sign))
        for sign, kind in zip(name, kinds, strict=True)
    )


def _letter(sign: str) -> bool:
    """Whether it may be a letter or an emoji that is younger than this Python."""
    return ord(sign) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(sign) <= 0xFDEF


def called(code: str, name: str) -> str:
    """Name and code of a labeler, "Ada (L1)", where both are used: in the terminal, where the code
    is what one types, in reports and wherever a name alone is not one person's.

    The code alone where there is no name, the name alone where it says the code already.
    """
    if not name.strip():
        return code
    said = re.search(rf"(?<!\w){re.escape(code)}(?!\w)", name, re.IGNORECASE)
    return name if said else f"{name} ({code})"


def people(labelers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What to call each labeler of a study in the window, by code: the name, or the code without
    one. Where others bear the name too, name and code.

    Args:
        labelers: code and name of each.
    """
    known = [(code, name if name.strip() else code) for code, name in labelers]
    said = Counter(name.casefold() for _, name in known)
    said.update(code.casefold() for code, name in known if code.casefold() != name.casefold())
    return _apart(
        {code: name if said[name.casefold()] == 1 else called(code, name) for code, name in known}
    )


def people_with_codes(labelers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What to call each labeler of a study where both are used, by code: see `called`.

    Args:
        labelers: code and name of each.
    """
    return _apart({code: called(code, name) for code, name in labelers})


def _apart(found: dict[str, str]) -> dict[str, str]:
    """The code alone where two would be called the same, since their names hold codes of others:
    results that go by these names would be one person's."""
    said = Counter(name.casefold() for name in found.values())
    return {code: name if said[name.casefold()] == 1 else code for code, name in found.items()}


def with_codes(names: Mapping[str, str]) -> dict[str, str]:
    """Name and code of each labeler, by code, for what is read away from the study: figures."""
    return people_with_codes((code, name if name != code else "") for code, name in names.items())


def printable(name: str) -> str:
    """A file's name as it can be shown and stored: bytes that are no UTF-8 become "\\xfc"."""
    try:
        name.encode()
    except UnicodeEncodeError:
        plain = name.encode("utf-8", "surrogateescape" if _is_bytes(name) else "backslashreplace")
        return plain.decode("utf-8", "backslashreplace")
    return name


def _is_bytes(name: str) -> bool:
    """Whether all halves of letters in a name stand for bytes that the system gave."""
    return all("\udc80" <= sign <= "\udcff" for sign in name if "\ud800" <= sign <= "\udfff")
