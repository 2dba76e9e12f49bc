"""Outcomes of comparisons, however a file writes them: words, the winner's name, or codes.

What a number means is never guessed: it is told by a coding, or by ratings of the same images
beyond doubt.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.answer_columns import LEFT, RIGHT, TIE
from prism_desktop.engine.study.importing.cells import PLAIN_NUMBER, short
from prism_desktop.engine.study.importing.data_tables import EMPTY, DataColumn
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.importing.values.column_doubts import decision_about, doubt_about
from prism_desktop.engine.study.importing.values.numerals import clean, is_missing_word, same_value
from prism_desktop.engine.study.importing.values.outcome_codes import (
    possible_numbers,
    possible_words,
)
from prism_desktop.engine.study.importing.values.outcome_codings import (
    MEANINGS,
    NAMES,
    WORDS,
    meaning_of,
    plain_word,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EITHER: Final = frozenset({"none", "-"})  # no answer, or no preference
_ENOUGH = 20  # comparisons whose two images the ratings tell apart
_SURE = 3.29  # standard errors from chance, p < 0.001
_EVEN = 2.0  # standard errors within which a code favours no side
_LISTED = 6
_OFTEN, _FEW_WORDS = 0.05, 5  # share of the rows, and how many, of words that are asked about


@dataclass(frozen=True, slots=True, eq=False)
class RatingEvidence:
    """What ratings of the same images say about comparisons.

    Attributes:
        difference: (rows,) float64, the rating of the left image less that of the right; NaN where
            they are not known, 0 where they tell nothing.
        whose: "their own ratings" or "everyone's mean ratings".
    """

    difference: "NDArray[np.float64]"
    whose: str


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """The outcomes of a table's comparisons.

    Attributes:
        values: (rows,) float64, LEFT, TIE or RIGHT, NaN where there is none.
        reasons: value as written -> why rows with it are refused.
        refused: (rows,) bool, those rows.
        coding: what was decided about codes: value -> left, right, tie; for the recipe.
    """

    values: "NDArray[np.float64]"
    refused: "NDArray[np.bool_]"
    reasons: Mapping[str, str] = field(default_factory=dict)
    coding: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    decisions: tuple[Decision, ...] = ()


def read_outcomes(
    outcome: DataColumn,
    left: DataColumn,
    right: DataColumn,
    index: ImageIndex,
    *,
    coding: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    rest_is_tie: bool = False,
    evidence: Sequence[RatingEvidence] = (),
) -> Outcomes:
    """Read who won each comparison.

    Args:
        outcome, left, right: columns of one table.
        index: the study's images.
        coding: value -> left, right or tie, given by the user.
        missing: values that are no answer.
        rest_is_tie: codes that the coding does not name are ties, as in the source project.
        evidence: of ratings, the best first.
    """
    reader = _OutcomeReader(outcome, left, right, index)
    of_outcomes = {
        value: meaning
        for value, meaning in (coding or {}).items()
        if meaning in MEANINGS or not meaning.strip()
    }
    return reader.read(of_outcomes, missing, rest_is_tie, evidence)


class _OutcomeReader:
    """Reads one column of outcomes; a state is kept per different value, or per row."""

    def __init__(
        self, outcome: DataColumn, left: DataColumn, right: DataColumn, index: ImageIndex
    ) -> None:
        self._column, self._left, self._right, self._index = outcome, left, right, index
        self._counts = outcome.counts()
        self._sides = np.full(len(outcome.values) + 1, np.nan)  # of each value; last: empty
        self._open: list[int] = []  # values that are neither words nor missing
        self._doubts: list[Doubt] = []
        self._decisions: list[Decision] = []
        self._reasons: dict[str, str] = {}

    def read(
        self,
        coding: dict[str, str],
        missing: Collection[str],
        rest_is_tie: bool,
        evidence: Sequence[RatingEvidence],
    ) -> Outcomes:
        by_name = self._by_name()
        words = self._read_values(coding, missing, frozenset() if rest_is_tie else _EITHER)
        named = np.isfinite(by_name)
        self._check_names_that_are_words(words, by_name)
        codes = self._codes(named, coding)
        used = self._decode(codes, coding, rest_is_tie, evidence)
        values = self._sides[self._column.codes]
        coded = np.isin(np.arange(len(self._sides)), codes)
        coded[: len(words)] |= words == 2
        take = named & ~coded[self._column.codes]
        values = np.where(take, by_name, values)
        refused = self._refuse(values, codes)
        return Outcomes(
            values, refused, self._reasons, used, tuple(self._doubts), tuple(self._decisions)
        )

    def _by_name(self) -> "NDArray[np.float64]":
        """(rows,) LEFT or RIGHT where the outcome is the name of one of the row's two images."""
        ids = {"": EMPTY}
        sides = []
        for column in (self._column, self._left, self._right):
            matches = self._index.find_all(column.values)
            texts = [
                ids.setdefault(image or f"\0{clean(value).casefold()}", len(ids))
                for image, value in zip(matches.images, column.values, strict=True)
            ]
            sides.append(np.array([*texts, EMPTY], np.int64)[column.codes])
        won, left, right = sides
        found = np.full(len(won), np.nan)
        usable = (won != EMPTY) & (left != right)
        found[usable & (won == left)] = LEFT
        found[usable & (won == right)] = RIGHT
        return found

    def _read_values(
        self, coding: Mapping[str, str], missing: Collection[str], unclear: Collection[str]
    ) -> "NDArray[np.int64]":
        """(values,): 0 unknown, 1 a word, 2 coded by the user, 3 missing; fills in the sides."""
        kinds = np.zeros(len(self._column.values), np.int64)
        headers = {plain_word(self._left.name): LEFT, plain_word(self._right.name): RIGHT}
        if {"l", "r"} <= {plain_word(value) for value in self._column.values}:
            headers.setdefault("t", TIE)
        for place, value in enumerate(self._column.values):
            meaning = meaning_of(value, coding)
            plain = plain_word(value)
            label = plain_word(self._column.labels.get(value, ""))
            if meaning is not None:
                kinds[place] = 2
                self._sides[place] = MEANINGS.get(meaning, np.nan)
            elif any(same_value(value, mark) for mark in (*missing, *self._column.missing)):
                kinds[place] = 3
            elif plain in headers or plain in WORDS or label in WORDS:
                kinds[place] = 1
                self._sides[place] = headers.get(plain, WORDS.get(plain, WORDS.get(label, TIE)))
            elif is_missing_word(value) and plain not in unclear:
                kinds[place] = 3
        self._open = np.flatnonzero(kinds == 0).tolist()
        return kinds

    def _check_names_that_are_words(
        self, kinds: "NDArray[np.int64]", by_name: "NDArray[np.float64]"
    ) -> None:
        """Ask where "a" may be the image a or the left one."""
        for place in np.flatnonzero(kinds == 1).tolist():
            rows = by_name[self._column.codes == place]
            there = np.isfinite(rows)
            if there.any() and not (rows[there] == self._sides[place]).all():
                if there.all():
                    continue  # every pair holds an image of that name
                value, side = self._column.values[place], NAMES[int(self._sides[place])]
                option = f"--coding {value}={side}"
                text = (
                    f"“{short(value)}” in “{self._column.name}” may mean {side} or an image of "
                    f"that name; say {option} if it means {side}, else write the image's whole "
                    "name."
                )
                choice = DecisionChoice(f"it means {side}", option, {"coding": {value: side}})
                self._decisions.append(
                    decision_about(self._column, "outcome-name", text, [place], [choice])
                )

    def _codes(self, named: "NDArray[np.bool_]", coding: Mapping[str, str]) -> list[int]:
        """The values that are codes: numbers, unless they are the names of the rows' images."""
        numbers = [p for p in self._open if PLAIN_NUMBER.fullmatch(clean(self._column.values[p]))]
        rows = np.isin(self._column.codes, numbers)
        if rows.any() and named[rows].all() and (len(numbers) > 2 or self._sides_vary(numbers)):
            numbers = []
        return numbers + self._unknown_words(named)

    def _unknown_words(self, named: "NDArray[np.bool_]") -> list[int]:
        """Words that nobody knows but that stand too often to be slips: "f" and "j"."""
        words = [
            place
            for place in self._open
            if not PLAIN_NUMBER.fullmatch(clean(self._column.values[place]))
            and not named[self._column.codes == place].any()
            and not self._index.find_all([self._column.values[place]]).images[0]
        ]
        often = int(self._counts[words].sum()) >= max(3, _OFTEN * int(self._counts.sum()))
        return words if often and len(words) <= _FEW_WORDS else []

    def _sides_vary(self, numbers: Sequence[int]) -> bool:
        """Whether a value wins on the left and on the right, as a name does and a code does not."""
        by_name = self._by_name()
        return any(len(np.unique(by_name[self._column.codes == place])) > 1 for place in numbers)

    def _decode(
        self,
        codes: Sequence[int],
        coding: Mapping[str, str],
        rest_is_tie: bool,
        evidence: Sequence[RatingEvidence],
    ) -> dict[str, str]:
        """Fill in what codes mean; otherwise ask. Gives the coding that was used."""
        used = {value: meaning for value, meaning in coding.items() if meaning in MEANINGS}
        if used:
            self._compare_with_ratings(evidence)
        if not codes:
            return used
        if used and rest_is_tie:
            numbers = [p for p in codes if PLAIN_NUMBER.fullmatch(clean(self._column.values[p]))]
            self._sides[numbers] = TIE
        elif used:
            self._ask_for_unnamed(codes, coding)
        elif (found := self._by_evidence(codes, evidence)) is not None:
            self._sides[list(found)] = list(found.values())
            used = {self._column.values[p]: NAMES[side] for p, side in found.items()}
        else:
            self._ask(codes)
        return used

    def _by_evidence(
        self, codes: Sequence[int], evidence: Sequence[RatingEvidence]
    ) -> dict[int, int] | None:
        """What two codes, and at most one for ties, mean by the ratings, beyond doubt."""
        numbers = [c for c in codes if PLAIN_NUMBER.fullmatch(clean(self._column.values[c]))]
        if not 2 <= len(codes) <= 3 or len(numbers) < len(codes):
            return None
        for source in evidence:
            found = []
            for one in codes:
                for other in codes:
                    rest = [code for code in codes if code not in (one, other)]
                    if one != other and (fit := self._fit(source, one, other, rest)):
                        found.append(({one: LEFT, other: RIGHT, **dict.fromkeys(rest, TIE)}, fit))
            if len(found) == 1:
                meaning, (fits, of) = found[0]
                named = ", ".join(
                    f"{self._column.values[place]} = {NAMES[side]}"
                    for place, side in meaning.items()
                )
                text = (
                    f"The coding of “{self._column.name}” was found to be {named}: so read, {fits} "
                    f"of {counted(of, 'comparison')} agree with {source.whose}."
                )
                self._doubts.append(doubt_about(self._column, "coding", text, list(meaning)))
                return meaning
        return None

    def _fit(
        self, source: RatingEvidence, left: int, right: int, rest: Sequence[int]
    ) -> tuple[int, int] | None:
        """(comparisons that agree, of how many) if ratings support a reading beyond doubt."""
        sign = np.nan_to_num(np.sign(source.difference))
        lefts, rights = sign[self._column.codes == left], sign[self._column.codes == right]
        fits = int((lefts > 0).sum() + (rights < 0).sum())
        of = int((lefts != 0).sum() + (rights != 0).sum())
        if of < _ENOUGH or fits - of / 2 <= _SURE * (of / 4) ** 0.5:
            return None
        if lefts.sum() <= 0 or rights.sum() >= 0:
            return None
        for place in rest:
            even = sign[self._column.codes == place]
            if abs(even.sum()) > _EVEN * max(1, int((even != 0).sum())) ** 0.5:
                return None
        return fits, of

    def _compare_with_ratings(self, evidence: Sequence[RatingEvidence]) -> None:
        """Tell if ratings speak against the coding that was given."""
        values = self._sides[self._column.codes]
        for source in evidence:
            sign = np.nan_to_num(np.sign(source.difference))
            sure = (sign != 0) & np.isfinite(values) & (values != TIE)
            of, fits = int(sure.sum()), int((sign[sure] == values[sure]).sum())
            if of >= _ENOUGH and of / 2 - fits > _SURE * (of / 4) ** 0.5:
                text = (
                    f"The coding of “{self._column.name}” was given, but the data speak against "
                    f"it: {fits} of {counted(of, 'comparison')} agree with {source.whose}."
                )
                places = list(range(len(self._column.values)))
                self._doubts.append(doubt_about(self._column, "coding", text, places))
                return

    def _ask_for_unnamed(self, codes: Sequence[int], coding: Mapping[str, str]) -> None:
        named = _listed(self._column, codes)
        given = ",".join(f"{value}={meaning}" for value, meaning in coding.items())
        first = self._column.values[codes[0]]
        choices = [
            DecisionChoice(
                f"{first} is {words}",
                f'--coding "{given},{first}={meaning}"',
                {"coding": {first: meaning}},
            )
            for words, meaning in (("a tie", "tie"), ("no answer", ""))
        ]
        text = (
            f"The coding of “{self._column.name}” does not name {named}; say what it means, such "
            f"as {' or '.join(f'{choice.option} if {choice.label}' for choice in choices)}."
        )
        self._decisions.append(decision_about(self._column, "coding", text, codes, choices))

    def _ask(self, codes: Sequence[int]) -> None:
        texts = [self._column.values[place].strip() for place in codes]
        numeric = all(PLAIN_NUMBER.fullmatch(clean(text)) for text in texts)
        if numeric:
            possible = possible_numbers(sorted(texts, key=lambda text: float(clean(text))))
            text = f"The outcomes in “{self._column.name}” are numbers: "
        else:
            known = {int(side) for side in self._sides[np.isfinite(self._sides)]}
            possible = possible_words(sorted(texts), known)
            text = f"Outcomes in “{self._column.name}” are not clear: "
        choices = [
            DecisionChoice(
                ", ".join(f"{value} means {side or 'no answer'}" for value, side in coding.items()),
                f'--coding "{",".join(f"{value}={side}" for value, side in coding.items())}"',
                {"coding": coding},
            )
            for coding in possible
        ]
        text += (
            f"{_listed(self._column, codes)}; say what they mean, such as "
            f"{' or '.join(choice.option for choice in choices)}."
        )
        self._decisions.append(decision_about(self._column, "coding", text, codes, choices))

    def _refuse(self, values: "NDArray[np.float64]", codes: Sequence[int]) -> "NDArray[np.bool_]":
        """(rows,): outcomes that mean nothing; those that are asked about are not refused."""
        state = np.zeros(len(self._sides), np.bool_)
        slips = [p for p in self._open if p not in set(codes)]
        state[[p for p in slips if plain_word(self._column.values[p]) not in _EITHER]] = True
        refused = np.asarray(state[self._column.codes] & np.isnan(values))
        for place in np.unique(self._column.codes[refused]).tolist():
            value = self._column.values[place]
            self._reasons[value] = (
                f"the outcome “{short(value)}” is none of left, right and tie, and neither image's "
                "name"
            )
        return refused


def _listed(column: DataColumn, places: Sequence[int]) -> str:
    """Codes and how often each stands: "0 (7 times) and 1 (8 times)"."""
    counts = column.counts()
    parts = []
    for place in places[:_LISTED]:
        count = int(counts[place])
        parts.append(f"{column.values[place]} ({'once' if count == 1 else counted(count, 'time')})")
    more = f" and {counted(len(places) - _LISTED, 'other')}" if len(places) > _LISTED else ""
    return (", ".join(parts) if more else " and ".join(parts)) + more
