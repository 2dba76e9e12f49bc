"""Names of people in what texts say, whichever way they are spelled, drawn or hidden there.

Texts and names are brought into the same plain forms: small letters of one width, nothing
invisible, apostrophes alike; letter by letter, without accents, and with German umlauts as two
letters. Words are runs of letters, numbers runs of digits. A word of a name is looked up among the
words of a text, so that the time grows with the texts and hardly with the names.

What is looked for is more than what names people for certain: a text that is left out by mistake
is missed less than one that names somebody. But what half of a corpus says is nobody's name: of
codes, words that call everybody ("rater 7") or that are very common are not looked for alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from html import unescape
from typing import Final
from unicodedata import category, combining, decimal, normalize
from urllib.parse import unquote

from prism_desktop.engine.study.records import LabelerRecord
from prism_desktop.engine.writing_systems import UNSPACED


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SIGNS: Final = 2  # of a code or a name that is looked for in texts; a single one is in any text
_LETTERS: Final = 3  # of a word of a name; two where they are not plain Latin ones
_JOINED: Final = 6  # letters of a name whose words may be written as one: "annamueller"
_ALIKE: Final = 3  # codes in a row that share a word which says what people are, not who
_SHARE: Final = 0.1  # of all codes, at least, that share it
_FIRST: Final = frozenset("a\u03b1\u0430")  # of the Latin, Greek and Cyrillic alphabet

_APOSTROPHES: Final = frozenset("'’‘‛ʼʻʹ`´′՚ꞌ＇")
# drawn as nothing, beside what Unicode calls format characters
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
_TURNED: Final = re.compile("[\u202d\u202e]")  # letters between these are drawn in another order
_BASE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_LETTER: Final = r"[^ '\-0-9\n]"  # of a text in a plain form: see `_letter`
_PARTS: Final = re.compile(rf"{_LETTER}+|[0-9]+")
_WORDS: Final = re.compile(rf"{_LETTER}+")
_CLOSE: Final = re.compile(f"[{UNSPACED}]")  # no boundary of a word can be seen among these
_HANGUL: Final = "\uac00-\ud7a3"  # words begin after a space, but particles follow without one
_BEGINS: Final = re.compile(f"(?<![{_HANGUL}])(?=[{_HANGUL}])")
_GIVEN: Final = re.compile(f"[\u3400-\u9fff{_HANGUL}]{{3,4}}")  # the given name is at the end
_MARKUP: Final = re.compile(r"[*~`]|<[^<>]{0,200}>|[-\u2010]\s*\n\s*")  # within a drawn word
_HUMP: Final = re.compile(r"(?<=[^\W\dA-Z_])(?=[A-Z])")  # of "AnnaMueller"
_SERIAL: Final = re.compile(r"[^\W\d_]\d+[^\W\d_]")  # as in 5f3a9b: letters that are no words

_WAYS: Final[tuple[Callable[[str], str], ...]] = (
    unescape, unquote, partial(_MARKUP.sub, ""), partial(_HUMP.sub, " "),
)  # fmt: skip

# of a name, where another word is left; particles only if they are in small letters
_PARTICLES: Final = _each(
    "von van der den dem del della des dos los las ter zur zum vom und and bint ibn"
)
_TITLES: Final = _each("prof herr frau mrs madame monsieur signor signora")
# of a code, or of a name that is numbered or has no other word: what calls everybody
_ROLES: Final = _each("""
    labeler labeller labelers rater raters participant participants subject subjects user users
    person people human annotator coder observer worker respondent informant judge evaluator
    reviewer reader writer author speaker expert student pupil teacher patient client customer
    member volunteer proband probandin teilnehmer teilnehmerin versuchsperson vpn subj
    part participante sujet sujeto juge persona control group case pilot test demo sample guest
    admin anonymous anonym anon unknown model assistant bot simulated prolific mturk turk
    nobody someone""")
# of a numbered code: what many people are
_GROUPS: Final = _each("""
    lab site team class panel online session wave batch round day week male female man woman boy
    girl men women young old adult child kid condition treatment block version code name number
    first second third left right red blue green yellow black white""")
# of a code: the commonest words of English, and what stands in addresses
_COMMON: Final = _each("""
    the and for you not are was were with this that have has had from but all any one two can
    could out who what when where why how get got him her his she they them their our your its new
    now way use may might will would should been more most some such than then there very just
    like good time only other into over also after about say said see know think make com org net
    edu www http https gmail mail""")
# codes and names of two letters that are words of many texts: looked for as names are written
_SHORT: Final = _each("""
    ab ad ai al am an as at au be by ce da de di do du el em en er es et go ha he hi ho id if ik il
    im in is it ja je la le lo ma me mi my na ne no nu of oh ok om on op or os ou se si so su te ti
    to tu tv um un up us va vi we wo ya yo ze zo zu""")


class NamesInTexts:
    """Finds labelers in what texts say."""

    def __init__(self, labelers: Collection[LabelerRecord]) -> None:
        shared = _shared([each.code for each in labelers])
        codes = {each.code.strip() for each in labelers}
        names = {each.display_name.strip() for each in labelers}
        short = {one for one in codes | names if _plain(one) in _SHORT}
        self._short = _drawn_as_names(codes & short, names & short)
        whole = (codes | names) - short
        words = {word for each in labelers for word in _told_words(each, shared)}
        for each in whole:
            words |= _joined(each)
        self._words = frozenset(form for word in words for form in _forms(word))
        self._close = tuple(_without_spaces({*self._words, *_given(whole)}))
        self._wholes, odd = _indexed(whole)
        self._short_wholes, _ = _indexed(short)
        told = "|".join(map(re.escape, sorted(odd, key=len, reverse=True)))
        self._odd = re.compile(rf"(?<!\w)(?:{told})(?!\w)") if told else None
        self._any = bool((codes | names) - {""})

    def may_name(self, text: str) -> bool:
        """Whether a text holds a code, or a name or a word of one, or may hide it: what has signs
        that turn letters around is drawn otherwise than it is read."""
        if not self._any:
            return False
        if _TURNED.search(text):
            return True
        told = _all_readings(text)
        words = set(_PARTS.findall(told))
        words |= {word[:-1] for word in words if word.endswith(("s", "n"))}
        words |= {word[:-2] for word in words if word.endswith("es")}
        return (
            not words.isdisjoint(self._words)
            or (bool(self._close) and any(map(_marked(told).__contains__, self._close)))
            or _holds(self._wholes, told, words)
            or self._holds_short(text)
            or (self._odd is not None and self._odd.search(_folded(text)) is not None)
        )

    def names(self, text: str) -> bool:
        """Whether a text holds a whole name or code in which there are letters."""
        told = _all_readings(text)
        words = set(_PARTS.findall(told))
        words |= {word[:-1] for word in words} | {word[:-2] for word in words}
        several = self._wholes, self._short_wholes
        return any(_holds(one, told, words, numbers=False) for one in several)

    def _holds_short(self, text: str) -> bool:
        if self._short is None:
            return False
        readings = (text, *(way(text) for way in _WAYS))
        return any(self._short.search(_drawn(each)) is not None for each in readings)


def _drawn_as_names(codes: Iterable[str], names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds such words in capitals, or with one: a name anywhere, a code within a sentence, as
    many sentences begin with such a word."""
    coded, named = ({_drawn(each) for each in told} for told in (codes, names))
    if not coded | named:
        return None
    anywhere = {each.upper() for each in coded | named} | {each.capitalize() for each in named}
    found = rf"(?<!\w)(?:{'|'.join(sorted(anywhere))})(?!\w)"
    if coded:
        within = "|".join(sorted({each.capitalize() for each in coded}))
        found += rf"|(?<=[\w,;:]\s)(?:{within})(?!\w)"
    return re.compile(found)


def _drawn(text: str) -> str:
    """Letters of one width with their capitals, without what is not drawn."""
    return normalize("NFC", normalize("NFKC", text.translate(_SEEN)))


_Found = tuple[re.Pattern[str], bool]  # and whether there are letters in it
_Index = dict[str, list[_Found]]  # by the part of each that fewest others have


def _holds(index: _Index, told: str, words: set[str], *, numbers: bool = True) -> bool:
    return any(
        pattern.search(told) is not None
        for part in index.keys() & words
        for pattern, lettered in index[part]
        if numbers or lettered
    )


def _indexed(whole: Iterable[str]) -> tuple[_Index, set[str]]:
    """What finds whole codes and names, by the part of each that fewest others have; and those of
    which the plain forms leave nothing, in small letters."""
    odd: set[str] = set()
    forms: set[str] = set()
    for each in whole:
        found = {form for form in _readings(each) if sum(map(len, _PARTS.findall(form))) >= _SIGNS}
        exact = _plain(each)
        letters = sum(map(len, _WORDS.findall(exact)))
        forms |= found if letters >= _LETTERS or not letters else found & {exact}
        if not found and len(_folded(each)) >= _SIGNS:
            odd.add(_folded(each))
    often = Counter(part for form in forms for part in set(_PARTS.findall(form)))
    index: _Index = {}
    for form in sorted(forms):
        rarest = min(_PARTS.findall(form), key=lambda part: (often[part], -len(part)))
        index.setdefault(rarest, []).append(
            (re.compile(_pattern(form)), _WORDS.search(form) is not None)
        )
    return index, odd


def _pattern(form: str) -> str:
    """Finds a code or a name with other signs between its parts, or none beside a number, and in
    the possessive."""
    told = ""
    before: re.Match[str] | None = None
    for part in _PARTS.finditer(form):
        if before is not None:
            apart = part.start() > before.end()
            digits = part[0].isdigit() + before[0].isdigit()
            told += ("[ '\\-]" + "+*+"[digits]) if apart else "[\\-']*"
        told += re.escape(part[0])
        before = part
    assert before is not None, "a form has a part"
    first, last = form.lstrip(" '-")[0].isdigit(), before[0].isdigit()
    begin = "(?<![0-9])" if first else f"(?<!{_LETTER})"
    return begin + told + ("(?![0-9])" if last else f"(?:e?s|n)?(?!{_LETTER})")


def _shared(codes: Collection[str]) -> frozenset[str]:
    """Words that many codes with numbers have, or with the letters from A on: "proband07",
    "alumno_c" and their like, in any language."""
    often: Counter[str] = Counter()
    letters: dict[str, set[str]] = {}
    for code in codes:
        words, parts = set(_words_of(code)), _PARTS.findall(_plain(code))
        if any(sign.isdigit() for sign in code):
            often.update(words)
        elif len(words) == 1:
            rest = [part for part in parts if part not in words]
            if len(rest) == 1 and len(rest[0]) == 1:
                letters.setdefault(words.pop(), set()).add(rest[0])
    often.update({word: len(each) for word, each in letters.items() if _in_a_row(each)})
    least = max(_ALIKE, _SHARE * len(codes))
    return frozenset(word for word, count in often.items() if count >= least)


def _in_a_row(letters: Collection[str]) -> bool:
    """Whether they are most of an alphabet's first ones; initials of namesakes seldom are."""
    first, last = min(letters), max(letters)
    return first in _FIRST and 2 * len(letters) > ord(last) - ord(first) + 1


def _told_words(labeler: LabelerRecord, shared: Collection[str]) -> Iterator[str]:
    """The words of a labeler's name, and those of the code that may be a name."""
    name, code = labeler.display_name, labeler.code
    words = _words_of(name)
    written = re.findall(r"\w+", name)
    kept = [
        word for word in words
        if word not in _TITLES and (word not in _PARTICLES or word not in written)
    ] or words  # fmt: skip
    own = [word for word in kept if word not in _ROLES]
    yield from own if any(sign.isdigit() for sign in name) or not own else kept
    if not _SERIAL.search(code):
        numbered = any(sign.isdigit() for sign in code)
        apart = (_ROLES, _COMMON, _PARTICLES, _TITLES, shared, _GROUPS if numbered else ())
        for word in _words_of(code.partition("@")[0]):
            if not any(word in each for each in apart):
                yield word


def _words_of(name: str) -> list[str]:
    """Words that are long enough to be looked for, in small letters with accents; those around an
    apostrophe together, too."""
    plain = _plain(name)
    found = dict.fromkeys((*_WORDS.findall(plain), *_WORDS.findall(plain.replace("'", ""))))
    return [
        word for word in found
        if _length(word) >= _LETTERS or (_length(word) >= _SIGNS and not word.isascii())
    ]  # fmt: skip


def _joined(name: str) -> set[str]:
    """A name as addresses write it, without what is between its words, from either end."""
    words = _WORDS.findall(_plain(name))
    found = {"".join(words), "".join(words[::-1])} if len(words) > 1 else set()
    return {one for one in found if len(one) >= _JOINED and not any(map(str.isdigit, name))}


def _given(names: Iterable[str]) -> Iterator[str]:
    """Given names, and of four signs family names, that no space sets apart from the rest."""
    for name in names:
        plain = _plain(name)
        if _GIVEN.fullmatch(plain):
            yield plain[-2:]
            if len(plain) == 4 and _CLOSE.match(plain):
                yield plain[:2]


def _without_spaces(words: Iterable[str]) -> Iterator[str]:
    """Those of scripts in which a word of a text may go on before or behind a name."""
    for word in words:
        if _CLOSE.search(word):
            yield word
        elif re.search(f"[{_HANGUL}]", word):
            yield word if len(word) >= _LETTERS else f"|{word}"


def _marked(told: str) -> str:
    """A text with a bar before each word in Hangul, behind the text itself."""
    return f"{told}\n{_BEGINS.sub('|', told)}"


def _forms(word: str) -> frozenset[str]:
    """A word as `_readings` have it; short ones with their accents alone: "Lê" is no "le"."""
    exact = _plain(word)
    return frozenset(_readings(word)) if _length(exact) >= _LETTERS else frozenset({exact})


def _length(word: str) -> int:
    return sum(category(sign)[0] == "L" for sign in word)


def _all_readings(text: str) -> str:
    """A text in each plain form on a line of its own: as it is, as it is drawn once markup and
    encodings are read, and with the words of compounds apart."""
    told = dict.fromkeys((text, *(way(text) for way in _WAYS)))
    forms = dict.fromkeys(form for one in told for form in _readings(one))
    forms |= dict.fromkeys(form.replace("'", "") for form in forms)
    return "\n".join(forms)


def _readings(text: str) -> tuple[str, ...]:
    """With accents, without them, and with umlauts as two letters."""
    small = _folded(text)
    german = small.translate(_GERMAN)
    bare = _unaccented(small)
    return _accented(small), bare, bare if german == small else _unaccented(german)


def _plain(text: str) -> str:
    """Small letters with their marks, digits 0 to 9, and what is between them: a blank for white
    space, an apostrophe, or a hyphen for all other signs."""
    return _accented(_folded(text))


def _accented(small: str) -> str:
    return normalize("NFC", small.translate(_WITH_ACCENTS))


def _unaccented(small: str) -> str:
    return normalize("NFC", normalize("NFD", small).translate(_BASE).translate(_WITHOUT_ACCENTS))


def _folded(text: str) -> str:
    """Letters of one width and small, without what is not drawn."""
    return normalize("NFC", normalize("NFKC", text.translate(_SEEN)).casefold())


class _Signs(dict[int, str]):
    """A table for `str.translate` that asks once for each sign."""

    def __init__(self, turned: Callable[[str], str]) -> None:
        super().__init__()
        self._turned = turned

    def __missing__(self, point: int) -> str:
        self[point] = self._turned(chr(point))
        return self[point]


def _seen(sign: str) -> str:
    """ "" for what is not drawn; apostrophes as one, before accents are taken from them."""
    if sign in _APOSTROPHES:
        return "'"
    plain = normalize("NFKC", sign).casefold()
    if not _APOSTROPHES.isdisjoint(plain):  # as in "ŉ"
        return "".join("'" if each in _APOSTROPHES else each for each in plain)
    hidden = category(sign) == "Cf" or (category(sign) == "Cc" and not sign.isspace())
    return "" if hidden or _INVISIBLE.match(sign) else sign


def _letter(sign: str, *, accents: bool) -> str:
    kind = category(sign)
    if kind[0] == "M":
        return sign if accents or not _is_accent(sign) else ""
    if kind == "Nd":
        return str(decimal(sign))
    if kind[0] == "L" or sign == "'":
        return sign
    return " " if sign.isspace() else "-"


def _is_accent(sign: str) -> bool:
    """Of Latin, Greek and Cyrillic letters, and the vowels that Hebrew and Arabic may leave out;
    in other scripts marks are letters of the word."""
    place = combining(sign)
    return place == 1 or 10 <= place <= 36 or place >= 200 or category(sign) == "Me"


_SEEN: Final = _Signs(_seen)
_WITH_ACCENTS: Final = _Signs(partial(_letter, accents=True))
_WITHOUT_ACCENTS: Final = _Signs(partial(_letter, accents=False))
