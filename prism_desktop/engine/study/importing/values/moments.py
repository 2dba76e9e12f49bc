"""Moments and response times, read by the column as a whole; what is unreadable stays empty."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.study.importing.cells import PLAIN_NUMBER, is_missing, short
from prism_desktop.engine.study.importing.data_tables import DataColumn
from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_recipe import Unit
from prism_desktop.engine.study.importing.values.column_doubts import doubt_about
from prism_desktop.engine.study.importing.values.numerals import (
    UNSURE,
    Numbers,
    clean,
    is_missing_word,
    read_numbers,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACTORS: Final[dict[Unit, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_EARLIEST, _LATEST = 631_152_000.0, 4_102_444_800.0  # 1990 to 2100, Unix s
_EXCEL_DAYS = (20_000.0, 80_000.0)  # serial numbers of days from 1954 to 2119
_EXCEL_START = datetime(1899, 12, 30, tzinfo=UTC)
_PSYCHOPY = re.compile(r"(\d{4}-\d\d-\d\d)_(\d\d)h(\d\d)\.(\d\d)(?:\.(\d{1,6}))?")
_NUMERIC = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})"
    r"(?:[ T,]+(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,](\d{1,9}))?)? ?([ap]\.?m\.?)?"
    r" ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
_UNITS: Final[dict[str, Unit]] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunden", "sekunde"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("millisekunden", "millisekunde"), "ms"),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("mikrosekunden",), "us"),
}
_SECONDS = re.compile(
    rf"([+-]?[\d.,](?:['’\d., ]*\d|[.,])?(?:e[+-]?\d+)?) ?({'|'.join(_UNITS)})?\.?", re.IGNORECASE
)
_SLOW, _SURELY_SLOW = 20.0, 100.0  # a median response time in seconds that is doubted
_ENDLESS: Final = 300.0  # s; nobody looks at one face so long: another unit, or a whole session's
_LISTED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """When something happened, per different value of a column.

    Attributes:
        values: (values,) float64, Unix s; NaN where nothing is known.
        unreadable: (values,) bool, neither a moment nor a mark of a missing value.
        doubts: with places in the column as rows (`column_doubts.in_table`).
    """

    values: "NDArray[np.float64]"
    unreadable: "NDArray[np.bool_]"
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """Response times, per different value of a column.

    Attributes:
        values: (values,) float64, s, none below zero; NaN where nothing is known.
        unreadable: (values,) bool, neither a time nor as good as empty.
        unit: of values that name none.
        doubts: with places in the column as rows (`column_doubts.in_table`).
    """

    values: "NDArray[np.float64]"
    unreadable: "NDArray[np.bool_]"
    unit: Unit
    doubts: tuple[Doubt, ...] = ()


def read_moments(column: DataColumn, day_first: bool | None = None) -> Moments:
    """Read when something happened.

    Args:
        column: the column. Numbers are Unix s, ms or us, or a spreadsheet's days.
        day_first: whether 03/04/2026 is in April; None: as other values of the column tell.
    """
    reader = _MomentReader(column)
    reader.read(day_first)
    return Moments(reader.values, np.array(reader.unreadable), tuple(reader.doubts))


class _MomentReader:
    def __init__(self, column: DataColumn) -> None:
        size = len(column.values)
        self.values = np.full(size, np.nan)
        self.unreadable = np.zeros(size, np.bool_)
        self.doubts: list[Doubt] = []
        self._column = column
        self._naive: list[int] = []
        self._short_years: list[int] = []

    def read(self, day_first: bool | None) -> None:
        """Numbers and clear dates first, then those of which the whole column tells the order."""
        numbers: list[int] = []
        open_dates: list[tuple[int, re.Match[str]]] = []
        for place, value in enumerate(self._column.values):
            text = clean(value)
            if is_missing_word(text):
                continue
            if PLAIN_NUMBER.fullmatch(text):
                numbers.append(place)
            elif (match := _NUMERIC.fullmatch(text)) and len(match[1]) < 4:
                open_dates.append((place, match))
            else:
                self._keep(place, _written_moment(text))
        self._read_numbers(numbers)
        self._read_dates(open_dates, day_first)
        self._tell()

    def _keep(self, place: int, when: datetime | None) -> None:
        if when is None or not 1900 < when.year < 2200:
            self.unreadable[place] = True
            return
        if when.tzinfo is None:
            self._naive.append(place)
            when = when.replace(tzinfo=UTC)
        self.values[place] = when.timestamp()

    def _read_numbers(self, places: Sequence[int]) -> None:
        """Unix time in one unit for all, or a spreadsheet's days; other numbers are no moments."""
        if not places:
            return
        numbers = np.array([float(clean(self._column.values[place])) for place in places])
        for unit, factor in FACTORS.items():
            seconds = numbers * factor
            if ((seconds >= _EARLIEST) & (seconds <= _LATEST)).all():
                self.values[list(places)] = seconds
                if unit != "s":
                    self._doubt(f"was read as Unix time in {unit}", places)
                return
        low, high = _EXCEL_DAYS
        if ((numbers >= low) & (numbers <= high)).all():
            self.values[list(places)] = numbers * 86_400 + _EXCEL_START.timestamp()
            self._doubt("was read as a spreadsheet's numbers of days", places)
            return
        self.unreadable[list(places)] = True

    def _read_dates(
        self, dates: Sequence[tuple[int, re.Match[str]]], day_first: bool | None
    ) -> None:
        """A day beyond 12 anywhere tells the order for all; points between are always the day's."""
        if day_first is None:
            firsts = {int(match[1]) > 12 for _, match in dates if match[1] != match[3]}
            day = any(int(match[1]) > 12 for _, match in dates)
            month = any(int(match[3]) > 12 for _, match in dates)
            points = all(match[2] == "." for _, match in dates)
            same = not firsts
            day_first = True if (points or day or same) and not month else None
            day_first = False if month and not day and not points else day_first
        if day_first is None:
            places = [place for place, _ in dates]
            if places:
                self.unreadable[places] = True
                text = (
                    f"“{self._column.name}” does not tell day from month "
                    f"(“{short(self._column.values[places[0]])}”) and was left empty; write dates "
                    "as 2026-11-28 if they matter."
                )
                self.doubts.append(doubt_about(self._column, "time", text, places))
            return
        for place, match in dates:
            self._keep(place, self._date(place, match, day_first))

    def _date(self, place: int, match: re.Match[str], day_first: bool) -> datetime | None:
        day, month = (match[1], match[3]) if day_first else (match[3], match[1])
        if len(match[4]) not in (2, 4):
            return None
        year = int(match[4])
        if len(match[4]) == 2:
            year += 2000 if year < 70 else 1900
            self._short_years.append(place)
        return _moment(year, int(month), int(day), match)

    def _doubt(self, what: str, places: Sequence[int], kind: str = "time") -> None:
        text = f"“{self._column.name}” {what} (“{short(self._column.values[places[0]])}”)."
        self.doubts.append(doubt_about(self._column, kind, text, places))

    def _tell(self) -> None:
        bad = np.flatnonzero(self.unreadable).tolist()
        if bad and not any("day from month" in doubt.text for doubt in self.doubts):
            listed = ", ".join(f"“{short(self._column.values[place])}”" for place in bad[:_LISTED])
            self._doubt_left_empty(listed, bad)
        if self._short_years:
            self._doubt("has years of two digits, read as 1970 to 2069", self._short_years)
        if self._naive:
            self._doubt("names no time zone and was read as UTC", self._naive, "time-zone")

    def _doubt_left_empty(self, listed: str, places: Sequence[int]) -> None:
        text = f"“{self._column.name}” was left empty where it is no date or time ({listed})."
        self.doubts.append(doubt_about(self._column, "time", text, places))


def _moment(year: int, month: int, day: int, match: re.Match[str]) -> datetime | None:
    """The date and the time of a match of _NUMERIC; None if there is no such day or hour."""
    hour, minute, second = (int(match[part] or 0) for part in (5, 6, 7))
    half = (match[9] or "").casefold().replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    micro = int((match[8] or "0").ljust(6, "0")[:6])
    try:
        found = datetime(year, month, day, hour, minute, second, micro)
        zone = match[10] or ""
        if zone.upper() in ("Z", "UTC", "GMT"):
            return found.replace(tzinfo=UTC)
        return datetime.fromisoformat(found.isoformat() + zone) if zone else found
    except ValueError:
        return None


def _written_moment(text: str) -> datetime | None:
    """ISO 8601, PsychoPy's 2022-04-20_15h26.51.794, or a date with the month's name."""
    if match := _PSYCHOPY.fullmatch(text):
        text = f"{match[1]}T{match[2]}:{match[3]}:{match[4]}.{(match[5] or '0').ljust(6, '0')}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if match := _NUMERIC.fullmatch(text):
        return _moment(int(match[1]), int(match[3]), int(match[4]), match)
    if len(text) > 100 or sum(sign.isdigit() for sign in text) < 5:
        return None
    return _by_month_name(text)


_MONTHS = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mrz|mai|okt|dez)", re.IGNORECASE
)
_GERMAN: Final = {"mär": "mar", "mrz": "mar", "mai": "may", "okt": "oct", "dez": "dec"}
_GERMAN_MONTH = re.compile(r"\b(mär|mrz|mai|okt|dez|jan|feb|juni|juli|aug|sept)[a-zä]*\.?", re.I)


def _by_month_name(text: str) -> datetime | None:
    """Such as "Fri Nov 28 2026 14:03:05 GMT+0100", by dateutil."""
    from dateutil import parser

    if not _MONTHS.search(text):
        return None
    text = re.sub(r" ?\([^)]*\)$", "", text)
    text = re.sub(r"(GMT|UTC)(?=[+-]\d)", "", text)
    text = _GERMAN_MONTH.sub(lambda m: _GERMAN.get(m[1].casefold(), m[1][:3]), text)
    default = datetime(1, 1, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = parser.parse(text, default=default)
            other = parser.parse(text, default=datetime(2, 2, 2))
    except (ValueError, OverflowError, TypeError):
        return None
    return found if found == other else None  # else day, month or year is not written


def read_seconds(
    column: DataColumn,
    unit: Unit | None = None,
    name: str = "",
    *,
    decimal_comma: bool = False,
    decided: bool = False,
) -> Seconds:
    """Read response times.

    Args:
        column: the column: "1.5", "850ms", "1.5 s", "00:01.5".
        unit: of plain numbers, as the user says; None: as the name or the values tell.
        name: of the column; the column's own if empty.
        decimal_comma, decided: see `numerals.read_numbers`. Where nothing tells whether "1,234" is
            a fraction or thousands, such times are left empty.
    """
    values, bad, unsure, plain = _seconds(column, decimal_comma=decimal_comma, decided=decided)
    doubts: list[Doubt] = []
    if unit is None:
        unit = _unit_of(column, values, plain, name or column.name, doubts)
    values[plain] *= FACTORS[unit]
    negative = values < 0
    values[negative] = np.nan
    endless = _endless(values, column)
    values[endless] = np.nan
    for which, what in (
        (bad, "is no time"),
        (unsure, "may be a fraction or thousands; see --decimal"),
        (negative, "is negative"),
        (endless, "is more than an hour, far from the rest"),
    ):
        doubts += _left_empty(column, which, what)
    return Seconds(values, bad | unsure, unit, tuple(doubts))


def _seconds(
    column: DataColumn, *, decimal_comma: bool, decided: bool
) -> "tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]":
    """(values,) float64 and three times (values,) bool: what each value says, in s where it names
    a unit; whether it is no time, one of which the sign is open, a number without a unit."""
    size = len(column.values)
    values, bad = np.full(size, np.nan), np.zeros(size, np.bool_)
    numerals, factors = [""] * size, np.full(size, np.nan)
    for place, value in enumerate(column.values):
        text = clean(value)
        if is_missing_word(text) or value in column.missing:
            bad[place] = not is_missing(text)  # a word such as "timeout" is told
        elif match := _SECONDS.fullmatch(text):
            numerals[place] = match[1].strip()
            factors[place] = FACTORS[_UNITS[match[2].casefold()]] if match[2] else np.nan
        elif (seconds := _by_clock(text)) is not None:
            values[place] = seconds
        else:
            bad[place] = True
    read = read_numbers(
        DataColumn(column.name, tuple(numerals), column.codes), decimal_comma, decided=decided
    )
    known, unsure = np.isfinite(read.values), _undecided(read, numerals)
    values[known] = read.values[known] * np.nan_to_num(factors[known], nan=1.0)
    bad |= read.unreadable & ~unsure
    return values, bad, unsure, known & np.isnan(factors)


def _left_empty(column: DataColumn, which: "NDArray[np.bool_]", what: str) -> Iterator[Doubt]:
    """What is told of values that are left empty, (values,) bool."""
    if places := np.flatnonzero(which).tolist():
        listed = ", ".join(f"“{short(column.values[place])}”" for place in places[:_LISTED])
        text = f"“{column.name}” was left empty where it {what} ({listed})."
        yield doubt_about(column, "time", text, places)


def _undecided(read: Numbers, numerals: Sequence[str]) -> "NDArray[np.bool_]":
    """(values,) bool: numbers of which the column does not tell what their comma or point means."""
    if not read.decisions:
        return np.zeros(len(numerals), np.bool_)
    open_ones = [UNSURE.fullmatch(numeral) is not None for numeral in numerals]
    return np.array(open_ones, np.bool_) & read.unreadable


def _endless(values: "NDArray[np.float64]", column: DataColumn) -> "NDArray[np.bool_]":
    """(values,) bool: times of hours where half of the answers took less than a minute: marks of a
    missing time, or a pause."""
    known = np.isfinite(values)
    if not known.any():
        return known
    counts = column.counts()[known]
    median = float(np.median(np.repeat(values[known], counts)))
    return np.asarray(known & (values > 3600) & (median < 60))


def _by_clock(text: str) -> float | None:
    """Seconds of "00:01.5" or "0:01:02"; None if it is none."""
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = int(match[1] or 0), int(match[2]), match[3].replace(",", ".")
        if float(seconds) >= 60 or (match[1] and minutes >= 60):
            return None
        return timedelta(hours=hours, minutes=minutes, seconds=float(seconds)).total_seconds()
    return None


def unit_in_name(name: str) -> Unit | None:
    """The unit that a column's name ends with: "rt_ms", "RT (ms)", "duration in seconds"."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-zµμ]+", plain.casefold())
    for word in reversed(words):
        if word in _UNITS and (word == words[-1] or word not in ("s", "us")):
            return _UNITS[word]
    return "s" if name.casefold().endswith("inseconds") else None


def _unit_of(
    column: DataColumn,
    values: "NDArray[np.float64]",
    plain: "NDArray[np.bool_]",
    name: str,
    doubts: list[Doubt],
) -> Unit:
    """The unit of a column's plain numbers, by its name or by their median; what is odd is told."""
    usable = plain & (values > 0)
    named = unit_in_name(name)
    if not usable.any():
        return named or "s"
    median = float(np.median(np.repeat(values[usable], column.counts()[usable])))
    places = np.flatnonzero(usable).tolist()
    unit: Unit = named or ("us" if median > 100_000 else "ms" if median > _SURELY_SLOW else "s")
    typical = median * FACTORS[unit]
    if named is None and unit != "s":
        text = f"“{column.name}” was read in {unit}, since its median is {median:g}."
        doubts.append(doubt_about(column, "unit", text, places))
    elif typical > _ENDLESS:
        text = (
            f"“{column.name}” was left empty: read in {unit}, half of the answers took more than "
            f"{typical:g} s; say --rt-unit for their unit."
        )
        doubts.append(doubt_about(column, "unit", text, places))
        values[places] = np.nan
    elif typical > _SLOW or (named == "ms" and typical < 0.02):
        text = (
            f"“{column.name}” was read in {unit}, by which half of the answers took "
            f"{'more' if typical > _SLOW else 'less'} than {typical:g} s; say --rt-unit if it is "
            "another unit."
        )
        doubts.append(doubt_about(column, "unit", text, places))
    return unit
