"""The numbers that a column's different values stand for."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.importing.cells import MISSING_WORDS, PLAIN_NUMBER, short
from prism_desktop.engine.study.importing.data_tables import DataColumn
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.values.column_doubts import decision_about, doubt_about
from prism_desktop.engine.study.importing.values.wordings import Wording, known_wordings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMMA = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS: Final = (
    (re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+"), ","),  # 1,234.5
    (re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}"), ","),  # 1,234,567
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+"), "."),  # 1.234,5
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}"), "."),  # 1.234.567
    (re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d+)?"), " "),  # 1 234,5
    (re.compile(r"[+-]?\d{1,3}(?:['’]\d{3})+(?:[.,]\d+)?"), "'’"),  # 1'234.5
)
UNSURE: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1,234: a fraction, or thousands
_OUT_OF = re.compile(
    r"([+-]?\d+(?:[.,]\d+)?) ?(?:/|von|of|out of|sur|de|van) ?(\d+)", re.IGNORECASE
)
_PERCENT = re.compile(r"([+-]?\d+(?:[.,]\d+)?) ?(?:%|percent|per cent|prozent)", re.IGNORECASE)
_FIRST = re.compile(r"([+-]?\d+(?:[.,]\d+)?)(?: *[-–=:,;.)/|]* +| *[=:(\[;|]+ *)(\D*)")
_LAST = re.compile(r"(\D*?)(?: +[-–=:|(\[]* *|[=:(\[|] *)([+-]?\d+(?:[.,]\d+)?) *[)\]]?")
_DIGIT = re.compile(r"\d")

Sort = Literal["plain", "comma", "grouped", "unsure", "out of", "percent", "worded", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What a column's different values stand for.

    Attributes:
        values: (values,) float64, NaN where there is no number.
        missing: (values,) bool, marks of a missing answer.
        unreadable: (values,) bool, neither a number nor such a mark.
        top: what every "6/7" is out of, NaN if the file does not write ratings so.
        wording: the scale in words that was recognised.
        doubts, decisions: with places in the column as rows (`column_doubts.in_table`).
    """

    values: "NDArray[np.float64]"
    missing: "NDArray[np.bool_]"
    unreadable: "NDArray[np.bool_]"
    top: float = float("nan")
    wording: Wording | None = None
    doubts: tuple[Doubt, ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """One value as far as it can be read alone."""

    sort: Sort
    number: float = float("nan")
    out_of: float = float("nan")


def clean(text: str) -> str:
    """Text with plain digits, signs and blanks."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("−", "-").replace("﹣", "-")
    return " ".join(text.split())


def is_missing_word(text: str) -> bool:
    """Whether it is a usual mark of a missing answer."""
    plain = clean(text).casefold().replace("’", "'")
    return plain in MISSING_WORDS or plain.strip(" .!()[]") in MISSING_WORDS


def same_value(one: str, other: str) -> bool:
    """Whether two texts are the same word, or the same number: "-99" and "-99.0"."""
    a, b = clean(one).casefold(), clean(other).casefold()
    return a == b or (
        bool(PLAIN_NUMBER.fullmatch(a)) and bool(PLAIN_NUMBER.fullmatch(b)) and float(a) == float(b)
    )


def read_numbers(
    column: DataColumn,
    decimal_comma: bool = False,
    coding: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    *,
    decided: bool = False,
) -> Numbers:
    """Read a column's different values as numbers.

    Args:
        column: the column.
        decimal_comma: how the file writes fractions, as far as that is known.
        coding: value -> number, given by the user; "" makes it a missing answer.
        missing: values that the user says are no answer.
        decided: `decimal_comma` was said by the user, so "1,234" needs no question.
    """
    size = len(column.values)
    values, gone = np.full(size, np.nan), np.zeros(size, np.bool_)
    codes = _Codes(column, coding or {}, missing)
    reads: dict[int, _Read] = {}
    for place, value in enumerate(column.values):
        if codes.knows_nothing_of(value):
            reads[place] = _read(value)
        elif codes.is_missing(value):
            gone[place] = True
        elif (number := codes.number(value)) is not None:
            values[place] = number
        else:
            reads[place] = _read(clean(value))
    reader = _ColumnReader(column, reads, decimal_comma, decided, bool(np.isfinite(values).any()))
    reader.settle(values)
    wording = reader.read_words(values)
    doubts, bad = (*codes.doubts(), *reader.doubts), np.isnan(values) & ~gone
    return Numbers(values, gone, bad, reader.top, wording, doubts, tuple(reader.decisions))


class _Codes:
    """What the user and the file itself say about values."""

    def __init__(
        self, column: DataColumn, coding: Mapping[str, str], missing: Collection[str]
    ) -> None:
        self._column = column
        self._coding = {_key(value): meaning for value, meaning in coding.items()}
        self._missing = {_key(value) for value in missing}
        self._declared = {_key(value) for value in column.missing}
        self._labels = {
            _key(label): value
            for value, label in column.labels.items()
            if PLAIN_NUMBER.fullmatch(clean(value))
        }
        self._gone_by_label: dict[str, str] = {}

    def knows_nothing_of(self, value: str) -> bool:
        """Whether it is a plain number of which neither the user nor the file says anything."""
        if not PLAIN_NUMBER.fullmatch(value):
            return False
        told = self._coding or self._missing or self._declared or self._column.labels
        return not told or (
            value not in self._column.labels
            and (key := _key(value)) not in self._coding
            and key not in self._missing
            and key not in self._declared
        )

    def is_missing(self, value: str) -> bool:
        key = _key(value)
        if key in self._coding:
            return not self._coding[key].strip()
        if key in self._missing or key in self._declared or is_missing_word(value):
            return True
        label = self._column.labels.get(value, "")
        if label and is_missing_word(label):
            self._gone_by_label[value] = label
            return True
        return False

    def number(self, value: str) -> float | None:
        """What a value is coded as, or the number that the file labels so; None: neither."""
        key = _key(value)
        meaning = self._coding.get(key, self._labels.get(key, ""))
        meaning = clean(meaning)
        return float(meaning) if PLAIN_NUMBER.fullmatch(meaning) else None

    def doubts(self) -> list[Doubt]:
        if not self._gone_by_label:
            return []
        named = ", ".join(f"{v} (“{short(w)}”)" for v, w in self._gone_by_label.items())
        text = f"In “{self._column.name}”, {named} is taken as a missing answer by its label."
        places = [self._column.values.index(value) for value in self._gone_by_label]
        return [doubt_about(self._column, "missing", text, places)]


def _key(value: str) -> str:
    plain = clean(value)
    return repr(float(plain)) if PLAIN_NUMBER.fullmatch(plain) else plain.casefold()


def _read(text: str) -> _Read:
    """One value alone; "1,234" stays open until the whole column was seen."""
    if PLAIN_NUMBER.fullmatch(text):
        number = float(text)
        return _Read("plain", number) if np.isfinite(number) else _Read("none")
    for pattern, sign in _THOUSANDS:
        if pattern.fullmatch(text):
            return _Read("grouped", _fraction(text.translate(dict.fromkeys(map(ord, sign)))))
    if UNSURE.fullmatch(text):
        return _Read("unsure")
    if _COMMA.fullmatch(text):
        return _Read("comma", _fraction(text))
    if match := _OUT_OF.fullmatch(text):
        number, top = _fraction(match[1]), float(match[2])
        return _Read("out of", number, top) if number <= top and top > 1 else _Read("none")
    if match := _PERCENT.fullmatch(text):
        return _Read("percent", _fraction(match[1]))
    return _worded(text)


def _worded(text: str) -> _Read:
    """ "6 - attractive", "6=very high", "very high (6)": one number with words beside it."""
    if len(text) > 200:
        return _Read("none")
    if (match := _FIRST.fullmatch(text)) and any(sign.isalpha() for sign in match[2]):
        return _Read("worded", _fraction(match[1]))
    if (match := _LAST.fullmatch(text)) and any(sign.isalpha() for sign in match[1]):
        return _Read("worded", _fraction(match[2]))
    return _Read("none")


def _fraction(text: str) -> float:
    return float(text.replace(",", "."))


class _ColumnReader:
    """What only the whole column tells: its decimal sign, what ratings are out of, its words."""

    def __init__(
        self, column: DataColumn, reads: dict[int, _Read], comma: bool, decided: bool, coded: bool
    ) -> None:
        self.doubts: list[Doubt] = []
        self.decisions: list[Decision] = []
        self.top = float("nan")
        self._column = column
        self._reads = reads
        self._comma = comma
        self._decided = decided
        self._coded = coded

    def _of(self, *sorts: Sort) -> list[int]:
        return [place for place, read in self._reads.items() if read.sort in sorts]

    def settle(self, values: "NDArray[np.float64]") -> None:
        """Fill in `values`, (values,) float64, all that is a number."""
        for place in self._of("plain", "comma", "grouped", "worded"):
            values[place] = self._reads[place].number
        self._settle_unsure(values)
        self._settle_tops(values)
        self._settle_percents(values)
        if places := self._of("worded"):
            self._tell("words beside the number", "numbers", places)
        commas = self._of("comma")
        if commas and not self._comma:
            self._tell("a comma before the fraction", "decimal", commas)

    def _tell(self, what: str, kind: str, places: Sequence[int]) -> None:
        example = short(self._column.values[places[0]])
        text = f"“{self._column.name}” has {what} (“{example}”); it was read as a number."
        self.doubts.append(doubt_about(self._column, kind, text, places))

    def _settle_unsure(self, values: "NDArray[np.float64]") -> None:
        """ "1,234" is a fraction where other values have such commas, thousands where others
        group digits so, and a question where nothing tells. "1.234" is one only in a file that
        writes fractions with a comma."""
        texts = [clean(value) for value in self._column.values]
        commas = [place for place in self._of("unsure") if "," in texts[place]]
        points = [
            place for place in self._of("plain") if self._comma and UNSURE.fullmatch(texts[place])
        ]
        grouped = {sign for place in self._of("grouped") for sign in _grouping(texts[place])}
        fractions_by_point = any(
            "." in texts[place] and place not in points for place in self._of("plain")
        )
        if commas:
            fraction = self._comma if self._decided else None
            if fraction is None and ("," in grouped or fractions_by_point):
                fraction = False
            elif fraction is None and (self._of("comma") or "." in grouped):
                fraction = True
            self._fill(values, texts, commas, ",", fraction)
        if points:
            fraction = False if self._decided else None
            if fraction is None and fractions_by_point:
                fraction = True
            elif fraction is None and (self._of("comma") or "." in grouped):
                fraction = False
            self._fill(values, texts, points, ".", fraction)

    def _fill(
        self,
        values: "NDArray[np.float64]",
        texts: Sequence[str],
        places: Sequence[int],
        sign: str,
        fraction: bool | None,
    ) -> None:
        for place in places:
            if fraction is None:
                values[place] = np.nan
            else:
                values[place] = float(texts[place].replace(sign, "." if fraction else ""))
        if fraction is None:
            other = "," if sign == "." else "."
            example = texts[places[0]]
            text = (
                f"“{example}” in “{self._column.name}” may be a number with a fraction or "
                f"thousands; say --decimal {sign} if “{sign}” stands before the fraction, or "
                f"--decimal {other} if it groups thousands."
            )
            choices = (
                DecisionChoice(
                    f"{example} has a fraction", f'--decimal "{sign}"', {"decimal": sign}
                ),
                DecisionChoice(
                    f"{example} is thousands", f'--decimal "{other}"', {"decimal": other}
                ),
            )
            self.decisions.append(decision_about(self._column, "decimal", text, places, choices))

    def _settle_tops(self, values: "NDArray[np.float64]") -> None:
        """ "6/7" is 6 where all such values are out of the same number."""
        places = self._of("out of")
        tops = {self._reads[place].out_of for place in places}
        if len(tops) == 1:
            (self.top,) = tops
            for place in places:
                values[place] = self._reads[place].number
            text = f"“{self._column.name}” writes ratings as out of {self.top:g}."
            self.doubts.append(doubt_about(self._column, "numbers", text, places))

    def _settle_percents(self, values: "NDArray[np.float64]") -> None:
        """ "85%" is 85, unless other values may be parts of one."""
        places = self._of("percent")
        plain = values[self._of("plain", "comma")]
        if places and (not len(plain) or np.max(np.abs(plain)) > 1):
            for place in places:
                values[place] = self._reads[place].number
            self._tell("percent signs", "numbers", places)

    def read_words(self, values: "NDArray[np.float64]") -> Wording | None:
        """Read a column of words by a known scale, or ask for one.

        Words beside numbers stay unreadable unless they are most of the answers.
        """
        counts = self._column.counts()
        numbers = int(counts[np.isfinite(values)].sum())
        words = [
            place
            for place in self._of("none")
            if _is_word(self._column.values[place], digits=not numbers)
        ]
        if not words or int(counts[words].sum()) <= numbers:
            return None
        names = [self._column.values[place] for place in words]
        known = [] if numbers or self._coded else known_wordings(names)
        if len(known) == 1:
            for place in words:
                values[place] = known[0].numbers[self._column.values[place]]
            order = sorted(known[0].numbers.items(), key=lambda item: item[1])
            listed = ", ".join(f"{short(word)} = {number}" for word, number in order)
            text = f"The words in “{self._column.name}” were read as {known[0].name}: {listed}."
            self.doubts.append(doubt_about(self._column, "wording", text, words))
            return known[0]
        if self._coded or len(names) <= 30:
            self._ask_for_words(words, names, known)
        return None

    def _ask_for_words(
        self, places: Sequence[int], names: Sequence[str], known: Sequence[Wording]
    ) -> None:
        choices = tuple(
            DecisionChoice(wording.name, _coding_option(wording.numbers), {"coding": {
                word: str(number) for word, number in wording.numbers.items()}})
            for wording in known
        )  # fmt: skip
        listed = ", ".join(f"“{short(name)}”" for name in names[:9])
        example = _coding_option({name: place for place, name in enumerate(names[:9], start=1)})
        text = f"The answers in “{self._column.name}” are words ({listed})"
        if choices:
            ways = " or ".join(f"{choice.option} ({choice.label})" for choice in choices)
            text += f", which may be on several scales; say {ways}."
        else:
            text += (
                f"; say which number each stands for, from the lowest to the highest, such as "
                f"{example}."
            )
        self.decisions.append(decision_about(self._column, "wording", text, places, choices))


def _is_word(text: str, *, digits: bool) -> bool:
    """Whether it may be an answer in words, rather than a damaged number."""
    plain = clean(text).casefold().lstrip("+-")
    return (
        any(sign.isalpha() for sign in plain)
        and plain not in ("true", "false", "inf", "infinity")
        and (digits or not _DIGIT.search(plain))
    )


def _grouping(text: str) -> str:
    """The sign that groups a number's digits."""
    return next((sign for sign in " '’" if sign in text), "") or next(
        sign for sign in text if sign in ",."
    )


def _coding_option(numbers: Mapping[str, int]) -> str:
    parts = (
        f"{_quoted(word)}={number}"
        for word, number in sorted(numbers.items(), key=lambda item: item[1])
    )
    return f"--coding {quoted(','.join(parts))}"


def _quoted(word: str) -> str:
    return f"'{word}'" if "," in word or "=" in word else word
