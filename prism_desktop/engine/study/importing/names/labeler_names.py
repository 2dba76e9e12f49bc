"""Whose judgments they are, however a file writes the person's name."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.names.spellings import folded, tidy, without_zeros

NO_PERSON: Final = frozenset(
    [
        "mean", "means", "average", "avg", "median", "mode", "total", "totals", "grand total",
        "sum", "sd", "std", "s.d.", "stdev", "std dev", "standard deviation", "se", "sem",
        "variance", "var", "min", "max", "minimum", "maximum", "n", "count", "overall", "all",
        "mittelwert", "mw", "durchschnitt", "summe", "gesamt", "gesamtergebnis", "anzahl",
        "standardabweichung", "stabw", "varianz", "moyenne", "somme", "ecart type", "écart type",
        "ecart-type", "écart-type", "médiane", "media", "promedio", "suma", "total general",
        "desviación estándar", "mediana", "gemiddelde", "totaal",
    ]
)  # fmt: skip


def is_no_person(name: str) -> bool:
    """Whether a row with this name is a summary at the end of a sheet: "Mean", "SD", "n ="."""
    return folded(name).rstrip(" :=.") in NO_PERSON or folded(name) in NO_PERSON


@dataclass(frozen=True, slots=True)
class People:
    """Who a column's different values mean.

    Attributes:
        codes: (values,) each person's name in the study; a newcomer's as the file first writes it.
        joined: (as written, whose name it was taken for, how): spellings that differ from it.
        unclear: value -> why it may be somebody whom the study or the file has already.
    """

    codes: tuple[str, ...]
    joined: tuple[tuple[str, str, str], ...]
    unclear: dict[str, str]


def _number(name: str) -> str:
    return without_zeros(folded(name))


_WAYS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("blanks or accents", tidy),
    ("capitals", folded),
    ("leading zeros", _number),
)  # how two spellings of one name may differ, from close to loose


class LabelerIndex:
    """Looks people up by what a file calls them."""

    def __init__(self, codes: Sequence[str]) -> None:
        """Index the study's people by their names."""
        self._codes = frozenset(codes)
        self._keys: list[dict[str, list[str]]] = []
        for _, way in _WAYS:
            keys: dict[str, list[str]] = defaultdict(list)
            for code in codes:
                keys[way(code)].append(code)
            self._keys.append(keys)

    def find_all(self, values: Sequence[str]) -> People:
        """The people that a column's different values mean.

        A name that the study has is that person. Another spelling of it is the same person where
        it can be nobody else; leading zeros only where the file itself does not tell the two
        apart. Spellings of a newcomer are joined in the same way, but never by leading zeros.
        """
        found: dict[str, tuple[str, str]] = {}
        unclear: dict[str, str] = {}
        for value in values:
            if value in self._codes:
                found[value] = value, ""
        self._find_known(values, found, unclear)
        self._join_newcomers(values, found)
        self._warn_of_zeros(found, unclear)
        joined = tuple((value, code, how) for value, (code, how) in found.items() if how)
        return People(tuple(found[value][0] for value in values), joined, unclear)

    def _find_known(
        self, values: Sequence[str], found: dict[str, tuple[str, str]], unclear: dict[str, str]
    ) -> None:
        for place, (how, way) in enumerate(_WAYS):
            claims: dict[str, list[str]] = defaultdict(list)
            for value in values:
                if value not in found and value not in unclear:
                    codes = self._keys[place].get(way(value), [])
                    if len(codes) > 1:
                        names = " and ".join(f"“{short(code)}”" for code in codes[:3])
                        unclear[value] = f"“{short(value)}” could be {names}"
                    elif codes:
                        claims[codes[0]].append(value)
            taken = {code for code, _ in found.values()}
            for code, claimants in claims.items():
                if way is _number and (code in taken or len({folded(c) for c in claimants}) > 1):
                    continue
                found.update(dict.fromkeys(claimants, (code, how)))

    @staticmethod
    def _join_newcomers(values: Sequence[str], found: dict[str, tuple[str, str]]) -> None:
        """One name for each newcomer, whose first spelling in the file counts; 1.0 is 1."""
        names: dict[str, str] = {}
        for value in values:
            if value in found:
                continue
            plain = tidy(value)
            whole = plain.partition(".")[0] if _is_whole(plain) else plain
            key = folded(whole)
            first = names.setdefault(key, whole)
            how = "" if first == value else "capitals" if first != whole else "blanks or accents"
            found[value] = first, "a fraction of zero" if whole != plain else how

    @staticmethod
    def _warn_of_zeros(found: dict[str, tuple[str, str]], unclear: dict[str, str]) -> None:
        groups: dict[str, list[str]] = defaultdict(list)
        for code in dict.fromkeys(code for code, _ in found.values()):
            groups[_number(code)].append(code)
        for codes in groups.values():
            if len(codes) > 1 and len({folded(code) for code in codes}) > 1:
                names = " and ".join(f"“{short(code)}”" for code in codes[:3])
                unclear.setdefault(codes[-1], f"{names} are taken for different people")


def _is_whole(text: str) -> bool:
    whole, dot, fraction = text.partition(".")
    return bool(dot) and whole.isdecimal() and bool(fraction) and not fraction.strip("0")


_MAYBE: Final = frozenset(
    ["max", "min", "all", "n", "mode", "media", "var", "se", "sum", "mw", "count", "overall"]
)  # names of people as well


def summary_rows(names: Sequence[str]) -> list[bool | None]:
    """Which of a column's different names stand for summaries at the end of a sheet.

    Returns:
        True for a summary beside people; None for a name that may be one or a person's (Max);
        False for people, and where there is nothing but a summary ("mean").
    """
    words = [folded(name).rstrip(" :=.") for name in names]
    plain = [is_no_person(name) for name in names]
    sure = [it and word not in _MAYBE for it, word in zip(plain, words, strict=True)]
    if all(plain) or not any(plain):
        return [False] * len(names)
    return [it and (True if any(sure) else None) if it else False for it in plain]
