"""Which encoding a text file is written in.

UTF-8 is taken wherever it is valid, since other encodings hardly ever are by chance. Everything
else is a guess: how the letters outside ASCII stand beside others, and what charset-normalizer
says. A guess is told, and so is another reading that is nearly as good.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.grammar import counted

NAMES: Final = {
    "cp1252": "Windows' Western encoding (cp1252)",
    "latin-1": "Latin-1 (latin-1)",
    "cp1250": "Windows' Central European encoding (cp1250)",
    "cp1251": "Windows' Cyrillic encoding (cp1251)",
    "koi8-r": "Cyrillic KOI8-R (koi8-r)",
    "mac-roman": "Mac Roman (mac-roman)",
    "cp932": "Japanese Shift-JIS (cp932)",
    "euc-jp": "Japanese EUC (euc-jp)",
    "gb18030": "Chinese GBK (gb18030)",
    "big5": "Chinese Big5 (big5)",
    "cp949": "Korean (cp949)",
}
MIXED: Final = "prism-mixed"  # UTF-8 in which single bytes are Windows'
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK: Final = 1 << 22
_SAMPLE: Final = 1 << 16  # bytes in lines outside ASCII that a guess looks at
_WORD: Final = re.compile(rb"[^\x00-\x7f]")
# First bytes of the usual signs; those of Shift-JIS lie as EUC's do.
_USUAL: Final = {
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
    "euc-jp": (0xB0, 0xCF),
    "cp932": (0xB0, 0xCF),
    "cp949": (0xB0, 0xC8),
}
_STRICT: Final = {"gb18030": "gb2312", "cp932": "euc-jp", "cp949": "euc-kr"}
_COMMON: Final = frozenset("äöüßéèêëàâáãåçñíìîïóòôõøúùûæœÄÖÜÉÈÀÁÅÇÑÓØÚÍ")
_MARKS: Final = frozenset("’‘“”„–—…€°·«»¿¡§№×±µ²³‚")


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a file is written in.

    Attributes:
        codec: to open the file with.
        errors: how `codec` treats bytes that it does not know.
        notice: one sentence if it was guessed.
    """

    codec: str
    errors: str = "strict"
    notice: str = ""


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 in Windows' Western encoding."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(MIXED, _as_windows)


def find_encoding(path: Path, given: str = "") -> Encoding:
    """The encoding of a text file, as given or as found.

    Raises:
        InputError: if the given one is unknown or does not fit, or if the file is no text.
    """
    if given:
        return _given(path, given)
    with open_foreign(path) as file:
        start = file.read(_SAMPLE)
        for mark, codec in _BOMS:
            if start.startswith(mark):
                return _given(path, codec)
        if b"\0" in start:
            return _wide(path, start)
        file.seek(0)
        whole, broken, sample = _survey(path, file)
    if not broken:
        return Encoding("utf-8")
    if whole > 4 * broken:
        notice = (
            f"{path.name} is in UTF-8 but for {counted(broken, 'byte')}, which were read in "
            f"{NAMES['cp1252']}; look at the names with letters outside English."
        )
        return Encoding("utf-8", MIXED, notice)
    return _guess(path, sample)


def _given(path: Path, given: str) -> Encoding:
    codec = given.strip().lower()
    try:
        codecs.lookup(codec)
        "".encode(codec)
    except (LookupError, TypeError, ValueError, UnicodeError) as error:
        raise InputError(
            f"“{given}” is no text encoding; name one such as utf-8, cp1252 or shift-jis. "
            "Nothing was imported."
        ) from error
    if codec in {"utf-8", "utf8"}:
        codec = "utf-8-sig"  # reads files without the mark, too
    try:
        for text in _decoded(path, codec):
            if "\0" in text:
                raise InputError(
                    f"{path.name} holds NUL characters when read as {given}, as no table does. "
                    "Nothing was imported."
                )
    except UnicodeError as error:
        raise InputError(
            f"{path.name} is not in {given} ({error.reason if hasattr(error, 'reason') else error}"
            "); name its encoding with --encoding. Nothing was imported."
        ) from error
    return Encoding("utf-8" if codec == "utf-8-sig" and not _has_mark(path) else codec)


def _has_mark(path: Path) -> bool:
    with open_foreign(path) as file:
        return file.read(3) == codecs.BOM_UTF8


def _decoded(path: Path, codec: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)()
    with open_foreign(path) as file:
        while chunk := file.read(_CHUNK):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _wide(path: Path, start: bytes) -> Encoding:
    """UTF-16 without its mark, told by where the zero bytes stand."""
    half = max(len(start) // 2, 1)
    even, odd = start[0::2].count(0) / half, start[1::2].count(0) / half
    if even != odd and max(even, odd) > 0.3 and min(even, odd) < 0.05:
        codec = "utf-16-le" if odd > even else "utf-16-be"
        found = _given(path, codec)
        return Encoding(
            found.codec, notice=f"{path.name} was read as UTF-16, though it does not say so."
        )
    raise InputError(
        f"{path.name} is no table of a kind that can be read: neither text (CSV, TSV) nor XLSX, "
        "ODS, SPSS, Stata, Parquet or JSON. Nothing was imported."
    )


def _survey(path: Path, file: BinaryIO) -> tuple[int, int, bytes]:
    """Letters of more than one byte, bytes that are no UTF-8, and the lines where they stand."""
    whole = broken = 0
    sample = bytearray()
    rest = b""
    while chunk := file.read(_CHUNK):
        if b"\0" in chunk:
            raise InputError(
                f"{path.name} holds NUL bytes, as no text does; it is damaged or of another kind. "
                "Nothing was imported."
            )
        data = rest + chunk
        rest = b""
        if data.isascii():
            continue
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if 0 < cut < len(data):
            data, rest = data[:cut], data[cut:]
        good, bad = _counts(data)
        whole, broken = whole + good, broken + bad
        if bad and len(sample) < _SAMPLE:
            _take(sample, data)
    if rest:
        good, bad = _counts(rest)
        whole, broken = whole + good, broken + bad
        if bad:
            _take(sample, rest)
    return whole, broken, bytes(sample)


def _counts(data: bytes) -> tuple[int, int]:
    """Letters of more than one byte in UTF-8, and bytes that are none."""
    try:
        return sum(1 for _ in re.finditer(rb"[\xc2-\xf4]", data)), 0 * len(data.decode("utf-8"))
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
        bad = sum("\udc80" <= letter <= "\udcff" for letter in text)
        return sum(letter > "\x7f" for letter in text) - bad, bad


def _take(sample: bytearray, data: bytes) -> None:
    """Add lines that hold more than ASCII."""
    for line in re.split(rb"[\r\n]+", data):
        if _WORD.search(line):
            sample += line[:4096] + b"\n"
            if len(sample) >= _SAMPLE:
                return


def _guess(path: Path, sample: bytes) -> Encoding:
    readings: dict[str, str] = {}
    for codec in NAMES:
        try:
            readings[codec] = sample.decode(codec)
        except UnicodeDecodeError:
            continue
    scores = {codec: _plausible(text, codec) for codec, text in readings.items()}
    scores["latin-1"] -= 0.05  # what it reads otherwise than cp1252 are control characters
    best = _second_opinion(sample, readings)
    if best:
        scores[best] += 0.02
    order = sorted(scores, key=lambda codec: -scores[codec])
    chosen = next(codec for codec in readings if readings[codec] == readings[order[0]])
    notice = f"{path.name} is not in UTF-8; it was read in {NAMES[chosen]}"
    for other in order[1:]:
        if readings[other] != readings[chosen] and scores[other] > scores[chosen] - 0.15:
            mine, theirs = _difference(readings[chosen], readings[other])
            return Encoding(
                chosen,
                notice=f"{notice}, but might be in {NAMES[other]}: “{mine}” would be “{theirs}”. "
                "Name the encoding with --encoding if names are wrong.",
            )
    example = next(iter(_words(readings[chosen])), "")
    return Encoding(
        chosen, notice=f"{notice} (“{example}”); name it with --encoding if that is wrong."
    )


def _second_opinion(sample: bytes, readings: dict[str, str]) -> str:
    """charset-normalizer's choice among the readings, "" if it has none."""
    from charset_normalizer import from_bytes

    found = from_bytes(
        sample[:8192],
        cp_isolation=[codec.replace("-", "_") for codec in readings],
        enable_fallback=False,
    ).best()
    if found is None:
        return ""
    return next(
        (codec for codec in readings if codecs.lookup(codec) == codecs.lookup(found.encoding)), ""
    )


def _difference(mine: str, theirs: str) -> tuple[str, str]:
    """The first words that two readings of the same bytes write differently."""
    for one, other in zip(mine.split("\n"), theirs.split("\n"), strict=False):
        if one != other:
            words = re.split(r"[,;\t|\"]", one), re.split(r"[,;\t|\"]", other)
            for first, second in zip(*words, strict=False):
                if first != second:
                    return first.strip()[:40], second.strip()[:40]
    return mine[:40], theirs[:40]


def _words(text: str) -> Iterator[str]:
    for cell in re.split(r"[,;\t|\"\n]", text):
        if not cell.isascii():
            yield cell.strip()[:40]


def _plausible(text: str, codec: str) -> float:
    """How much a text looks like one that people write, by its letters outside ASCII; at most 1."""
    points = letters = 0.0
    for place, letter in enumerate(text[:20_000]):
        if letter <= "\x7f":
            continue
        before = text[place - 1] if place else "\n"
        after = text[place + 1] if place + 1 < len(text) else "\n"
        letters += 1
        points += _letter(letter, before, after, codec)
    return points / letters if letters else 0.0


def _letter(letter: str, before: str, after: str, codec: str) -> float:
    kind = _kind(letter)
    if kind == "other":
        return -1.0
    if kind == "mark":
        return 0.3 if not (before.isalpha() and after.isalpha()) or letter in "’–·" else -0.5
    near = {_kind(other) for other in (before, after)} - {"none", "mark"}
    if near - {kind} and not (kind in {"han", "kana"} and near <= {"han", "kana"}):
        return -0.8  # two scripts in one word
    if kind == "latin":
        return _latin(letter, before, after)
    if kind == "cyrillic":
        return 0.3 if letter.isupper() and before.islower() else 0.9
    if kind in {"han", "hangul"}:
        return 0.9 if _usual(letter, codec) else 0.0
    return 0.95 if kind == "kana" else 0.1


def _latin(letter: str, before: str, after: str) -> float:
    if letter.isupper() and before.islower():
        return -0.8
    if letter.isupper() and after.islower() is False and after.isalpha() is False:
        return -0.2  # a capital at the end of a word
    beside = sum(_kind(other) == "latin" and other > "\x7f" for other in (before, after))
    points = 1.0 if letter in _COMMON else 0.45
    return points - 0.6 * beside


def _usual(letter: str, codec: str) -> bool:
    """Whether a sign is in the first part of its encoding, where the usual ones stand."""
    low, high = _USUAL.get(codec, (0, 0))
    try:
        return low <= letter.encode(_STRICT.get(codec, codec))[0] <= high
    except UnicodeEncodeError:
        return False


def _kind(letter: str) -> str:
    if letter in _MARKS:
        return "mark"
    if not letter.isalpha():
        if letter <= "\x7f":
            return "none"
        return (
            "mark" if "\u3000" <= letter <= "\u303f" or "\uff01" <= letter <= "\uff60" else "other"
        )
    code = ord(letter)
    if code < 0x250:
        return "latin"
    if 0x400 <= code < 0x460 or code in {0x490, 0x491}:
        return "cyrillic"
    if 0x3040 <= code < 0x3100:
        return "kana"
    if 0x4E00 <= code < 0xA000:
        return "han"
    if 0xAC00 <= code < 0xD7A4:
        return "hangul"
    return "other" if not unicodedata.name(letter, "") or 0xE000 <= code < 0xF900 else "rare"
