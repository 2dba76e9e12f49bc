"""The same name as an operating system, a spreadsheet, a server or a program writes it."""

import json
import re
import unicodedata
from typing import Final
from urllib.parse import parse_qsl, unquote

from prism_desktop.engine.study.image_formats import SUFFIXES

ENDINGS: Final = frozenset(suffix.removeprefix(".") for suffix in SUFFIXES)  # of image files
_LONGEST = 4_096  # characters of a name; what is longer is none
_SOURCE = re.compile(r"""<\s*img\b[^>]*?\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.I)
_UPLOAD = re.compile(r"[0-9a-f]{8}-(.+)")
_COPY = re.compile(r"(.+?)(?: ?\(\d{1,3}\)| - copy| - kopie| copy| kopie)")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_WHOLE = re.compile(r"\d+\.0+")
_BLANKS = re.compile(r"\s+")


def tidy(text: str) -> str:
    """Without blanks at the ends or doubled, with "/" between folders, accents in one form."""
    plain = unicodedata.normalize("NFC", text).replace("\\", "/").removeprefix("./")
    return _BLANKS.sub(" ", plain).strip()


def folded(text: str) -> str:
    """`tidy`, with capitals and the wide forms of letters and digits as small plain ones."""
    return tidy(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


def loosened(text: str) -> str:
    """`folded`, with %20, + and _ as blanks."""
    return tidy(folded(unquote(text)).replace("_", " ").replace("+", " "))


FORMS: Final = (tidy, folded, loosened)  # from exact to loose


def split_ending(name: str) -> tuple[str, str]:
    """A file's name without the ending of an image, and that ending: ("X001", "jpg").

    What follows another dot ("face.1") is part of the name.
    """
    stem, dot, ending = name.rpartition(".")
    return (stem, ending) if dot and stem and ending.casefold() in ENDINGS else (name, "")


def unwrapped(text: str) -> tuple[str, ...]:
    """The names that a cell may mean, the likeliest first: itself, or what a program wrapped.

    Looks into <img src="...">, ["img/X001.jpg"], quotation marks, addresses with a query
    (?d=folder/name) and file addresses. A list of several names gives several, which no single
    image can be: the caller sees them as "a", "b" only through `listed`.
    """
    if len(text) > _LONGEST:
        return ()
    inner = text.strip()
    if match := _SOURCE.search(inner):
        inner = next(part for part in match.groups() if part is not None).strip()
    names = listed(inner)
    if len(names) == 1:
        inner = names[0].strip()
    inner = inner.strip("\"'“”‘’ ") or inner
    found = [text, inner]
    if "://" in inner or "?" in inner:
        address, _, query = inner.partition("#")[0].partition("?")
        found.extend(value for _, value in parse_qsl(query)[:20])
        address = re.sub(r"^file:/{0,3}(?=[A-Za-z]:)", "", address)
        found.append(re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", address))
    return tuple(dict.fromkeys(name for name in found if name))


def listed(text: str) -> tuple[str, ...]:
    """The texts of a JSON list ('["img/X001.jpg"]', also with single quotation marks), else ()."""
    if not (text.startswith("[") and text.endswith("]")) or len(text) > _LONGEST:
        return ()
    for form in (text, text.replace("'", '"')):
        try:
            names = json.loads(form)
        except (ValueError, RecursionError):
            continue
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def without_upload_prefix(name: str) -> str:
    """Label Studio's "968e3963-X001.jpg" as "X001.jpg"; "" where there is no such prefix."""
    match = _UPLOAD.fullmatch(name)
    return match[1] if match else ""


def without_copy_mark(stem: str) -> str:
    """A browser's or a desktop's "X001 (1)" as "X001"; "" where there is no such mark."""
    match = _COPY.fullmatch(stem)
    return match[1].strip() if match else ""


def without_zeros(stem: str) -> str:
    """A name with no zeros before its numbers, as spreadsheets leave them: "007", "7.0" -> "7"."""
    if _WHOLE.fullmatch(stem):
        stem = stem.partition(".")[0]
    return _ZEROS.sub("", stem)
