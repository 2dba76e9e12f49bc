"""What the cells of answers mean: ratings on a scale, outcomes of comparisons.

Read for all tables of an import together, since one attribute has one scale.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.importing.answer_columns import NONE, AnswerColumns
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.collected_answers import Collected, Piece
from prism_desktop.engine.study.importing.columns.table_roles import TableRoles
from prism_desktop.engine.study.importing.data_tables import DataColumn
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.left_out_rows import NO_ANSWER, LeftOutRows
from prism_desktop.engine.study.importing.names.attribute_names import AttributeNames
from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.importing.outcome_values import OutcomeReader
from prism_desktop.engine.study.importing.plan import AttributePlan
from prism_desktop.engine.study.importing.values.column_doubts import in_table
from prism_desktop.engine.study.importing.values.numerals import Numbers, read_numbers
from prism_desktop.engine.study.importing.values.scale_finding import (
    EarlierScale,
    RaterSpan,
    judge_scale,
)
from prism_desktop.engine.study.importing.values.scales import Scale, declared, scale_in_head
from prism_desktop.engine.study.known_answers import IMPORTED
from prism_desktop.engine.study.records import Rescaled
from prism_desktop.engine.study.study_reader import StudyReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS: Final = 4
_TOLD_APART: Final = 50  # values that are told one by one
_BINS: Final = 40  # of a histogram of more different values than these


@dataclass(slots=True, eq=False)
class Understood:
    """All answers with their values.

    Attributes:
        answers: in the order of the files and their rows.
        tidy: (n,) bool, whether other rows may hold more of an answer's presentation.
        steps: (n,) int64, the study's step of each rating; 0 for outcomes.
        scales: attribute -> its scale.
        found: attribute -> how the scale was found.
        coding: a value as the files write it -> left, right or tie.
        confirmed: attributes that somebody said are judgments.
        rescaled: earlier ratings that are cut anew.
    """

    answers: AnswerColumns
    tidy: "NDArray[np.bool_]"
    steps: "NDArray[np.int64]"
    scales: dict[str, Scale] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    coding: dict[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    rescaled: tuple[Rescaled, ...] = ()
    doubts: list[Doubt] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def scale_words(self) -> dict[str, str]:
        """Attribute -> LOW-HIGH, as a recipe has it."""
        return {name: scale.option() for name, scale in self.scales.items()}

    def described(self) -> dict[str, object]:
        """Attribute -> how its ratings were put on the study's steps, for the report."""
        return {name: scale.described(STEPS) for name, scale in self.scales.items()}

    def attribute_plans(
        self, answers: AnswerColumns, names: AttributeNames
    ) -> tuple[AttributePlan, ...]:
        """The judgments of each attribute, for a preview.

        Args:
            answers: those that are kept.
            names: the study's attributes.
        """
        plans = []
        for code, name in enumerate(answers.attributes):
            for compared in (False, True):
                chosen = (answers.attribute == code) & (answers.comparison == compared)
                if chosen.any():
                    new = name not in names.attributes
                    plans.append(self._plan(name, answers.value[chosen], compared, new))
        return tuple(plans)

    def _plan(
        self, name: str, values: "NDArray[np.float64]", compared: bool, new: bool
    ) -> AttributePlan:
        if compared:
            outcomes = {
                word: int((values == value).sum())
                for word, value in (("left", 1), ("right", -1), ("tie", 0))
            }
            return AttributePlan(name, "comparison", new, len(values), (), outcomes)
        scale = self.scales.get(name)
        return AttributePlan(
            name,
            "rating",
            new,
            len(values),
            _histogram(values),
            low=scale.low if scale else None,
            high=scale.high if scale else None,
            cuts=scale.cuts(STEPS) if scale else (),
            found=self.found.get(name, ""),
        )


def understand(
    study: StudyReader,
    collected: Collected,
    index: ImageIndex,
    recipe: Recipe,
    earlier: Mapping[str, EarlierScale],
    compared: frozenset[str],
    tables: Sequence[TableRoles],
    replaces: str | None = None,
) -> Understood:
    """Read every answer's cell.

    Args:
        study: its ratings may tell what codes of outcomes mean.
        collected: the answers; rows whose cells cannot be read are added to what is left out.
        index: the study's images.
        recipe: how the files are read.
        earlier: the scales of the study's attributes.
        compared: names of tables of the source project's comparisons.
        tables: the import's, by number.
        replaces: the import whose place this one takes.
    """
    return _Understanding(
        study, collected, index, recipe, earlier, compared, tables, replaces
    ).run()


class _Understanding:
    """Reads the cells of one import's answers."""

    def __init__(
        self,
        study: StudyReader,
        collected: Collected,
        index: ImageIndex,
        recipe: Recipe,
        earlier: Mapping[str, EarlierScale],
        compared: frozenset[str],
        tables: Sequence[TableRoles],
        replaces: str | None,
    ) -> None:
        self._study, self._collected, self._recipe = study, collected, recipe
        self._index, self._replaces = index, replaces
        self._earlier, self._compared, self._tables = earlier, compared, tables
        self._doubts: list[Doubt] = []
        self._decisions: list[Decision] = []
        self._scales: dict[str, Scale] = {}
        self._found: dict[str, str] = {}
        self._coding: dict[str, str] = {}
        self._tops: dict[str, float] = {}

    def run(self) -> Understood:
        """Ratings first: they may tell what coded outcomes mean."""
        rated = [piece for piece in self._collected.pieces if not piece.comparison]
        values = dict(self._numbers(rated))
        self._find_scales(rated, values)
        pairs = [piece for piece in self._collected.pieces if piece.comparison]
        values.update(self._outcomes(pairs, rated, values))
        answers, tidy, steps = self._joined(values)
        return Understood(
            answers, tidy, steps, self._scales, self._found, self._coding, self._confirmed(),
            self._rescaled(), self._doubts, self._decisions,
        )  # fmt: skip

    def _left_out(self) -> LeftOutRows:
        return self._collected.left_out

    def _table(self, piece: Piece) -> str:
        return self._tables[piece.table].table.name

    # Ratings

    def _numbers(self, pieces: Sequence[Piece]) -> Iterable[tuple[int, "NDArray[np.float64]"]]:
        """(id of a piece, (n,) float64 ratings on the file's scale, NaN where there is none)."""
        groups: dict[tuple[int, str], list[Piece]] = defaultdict(list)
        for piece in pieces:
            names = np.unique(piece.attribute)
            key = str(int(names[0])) if len(names) == 1 else piece.column.name
            groups[piece.table, key].append(piece)
        for (table, _), group in groups.items():
            reading = self._tables[table].table.reading
            column, places = _united([piece.column for piece in group])
            numbers = read_numbers(
                column,
                reading.decimal_comma,
                self._recipe.coding,
                self._recipe.missing,
                decided=bool(self._recipe.decimal),
            )
            self._tell(numbers, table, single=len(group) == 1)
            for piece, place in zip(group, places, strict=True):
                self._leave_unreadable(piece, column, numbers, place)
                yield id(piece), numbers.values[place[piece.cell]]
            if np.isfinite(numbers.top):
                for code in {int(c) for piece in group for c in np.unique(piece.attribute)}:
                    self._tops[self._collected.attributes.names[code]] = numbers.top

    def _tell(self, numbers: Numbers, number: int, *, single: bool) -> None:
        """Tell doubts and decisions; of several columns together the rows are not known."""
        table = self._tables[number].table
        for doubt in numbers.doubts:
            self._doubts.append(in_table(doubt if single else replace(doubt, rows=()), table))
        for decision in numbers.decisions:
            decision = decision if single else replace(decision, rows=())
            self._decisions.append(in_table(decision, table))

    def _leave_unreadable(
        self, piece: Piece, column: DataColumn, numbers: Numbers, place: "NDArray[np.int64]"
    ) -> None:
        if numbers.decisions:
            return
        gone = numbers.missing[place[piece.cell]]
        for cell in np.unique(place[piece.cell][gone]).tolist()[:50]:
            rows = piece.row[place[piece.cell] == cell]
            reason = f"{NO_ANSWER} (“{short(column.values[cell].strip())}”)"
            self._left_out().add(self._table(piece), reason, rows)
        bad = numbers.unreadable[place[piece.cell]]
        cells = np.unique(place[piece.cell][bad]).tolist()
        for cell in cells[:_TOLD_APART]:
            rows = piece.row[place[piece.cell] == cell]
            reason = f"“{short(column.values[cell].strip())}” is not a number"
            self._left_out().add(self._table(piece), reason, rows)
        rest = np.isin(place[piece.cell], cells[_TOLD_APART:])
        self._left_out().add(self._table(piece), "holds no number", piece.row[rest])

    def _find_scales(
        self, pieces: Sequence[Piece], values: dict[int, "NDArray[np.float64]"]
    ) -> None:
        """One scale for each attribute, over all tables; ratings outside it are left out."""
        for code, name in enumerate(self._collected.attributes.names):
            mine = [(piece, piece.attribute == code) for piece in pieces]
            mine = [(piece, chosen) for piece, chosen in mine if chosen.any()]
            if not mine:
                continue
            ratings = np.concatenate([values[id(piece)][chosen] for piece, chosen in mine])
            different, counts = np.unique(ratings[np.isfinite(ratings)], return_counts=True)
            said = self._recipe.scales.get(name) or self._recipe.scale
            finding = judge_scale(
                different,
                counts,
                attribute=name,
                column=mine[0][0].column.name if len(mine) == 1 else name,
                declared=declared(said) if said else None,
                earlier=self._earlier.get(name),
                per_rater=self._spans(mine, values),
                top=self._tops.get(name, float("nan")),
                headed=_scale_in_heads([piece.column for piece, _ in mine]),
            )
            self._doubts += finding.doubts
            self._decisions += finding.decisions
            if finding.scale is None:
                continue
            self._scales[name], self._found[name] = finding.scale, finding.found
            outside = different[finding.outside]
            for piece, chosen in mine:
                mine_values = values[id(piece)]
                for value in outside.tolist():
                    bad = chosen & (mine_values == value)
                    if not finding.decisions:
                        reason = f"{value:g} lies outside the scale {finding.scale}"
                        self._left_out().add(self._table(piece), reason, piece.row[bad])
                    values[id(piece)] = mine_values = np.where(bad, np.nan, mine_values)

    def _spans(
        self,
        mine: Sequence[tuple[Piece, "NDArray[np.bool_]"]],
        values: Mapping[int, "NDArray[np.float64]"],
    ) -> dict[str, RaterSpan]:
        """What each rater gave, and each table where there are several."""
        spans: dict[str, RaterSpan] = {}
        who = np.concatenate([piece.labeler[chosen] for piece, chosen in mine])
        ratings = np.concatenate([values[id(piece)][chosen] for piece, chosen in mine])
        held = np.isfinite(ratings)
        who, ratings = who[held], ratings[held]
        order = np.argsort(who, kind="stable")
        who, ratings = who[order], ratings[order]
        if not len(who):
            return {}
        starts = np.flatnonzero(np.append(True, who[1:] != who[:-1]))
        lows, highs = np.minimum.reduceat(ratings, starts), np.maximum.reduceat(ratings, starts)
        counts = np.diff(np.append(starts, len(who)))
        names = self._collected.labelers.names
        for labeler, low, high, count in zip(
            who[starts].tolist(), lows.tolist(), highs.tolist(), counts.tolist(), strict=True
        ):
            spans[names[labeler]] = RaterSpan(low, high, count)
        return spans if len(spans) > 1 else {}

    # Comparisons

    def _outcomes(
        self,
        pieces: Sequence[Piece],
        rated: Sequence[Piece],
        values: Mapping[int, "NDArray[np.float64]"],
    ) -> dict[int, "NDArray[np.float64]"]:
        """Piece -> (n,) float64 outcomes, NaN where there is none."""
        if not pieces:
            return {}
        reader = OutcomeReader(
            self._study, self._collected, self._index, self._recipe, self._compared, self._tables
        )
        found = reader.read(pieces, rated, values)
        self._doubts += reader.doubts
        self._decisions += reader.decisions
        self._coding = reader.coding
        return found

    # All together

    def _joined(
        self, values: Mapping[int, "NDArray[np.float64]"]
    ) -> tuple[AnswerColumns, "NDArray[np.bool_]", "NDArray[np.int64]"]:
        """The answers that hold a value, in the order of tables and rows."""
        pieces = self._collected.pieces
        kept = [np.isfinite(values[id(piece)]) for piece in pieces]
        for piece, held in zip(pieces, kept, strict=True):
            self._left_out().answered(self._table(piece), piece.row[held])

        def column(name: str, dtype: Any) -> "NDArray[Any]":
            parts = [getattr(p, name)[k] for p, k in zip(pieces, kept, strict=True)]
            return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)

        def same(name: str, dtype: Any) -> "NDArray[Any]":
            parts = [np.full(int(k.sum()), getattr(p, name), dtype)
                     for p, k in zip(pieces, kept, strict=True)]  # fmt: skip
            return np.concatenate(parts) if parts else np.zeros(0, dtype)

        value = (
            np.concatenate([values[id(p)][k] for p, k in zip(pieces, kept, strict=True)])
            if pieces
            else np.zeros(0)
        )
        names = self._collected
        answers = AnswerColumns(
            names.labelers.names, names.images.names, names.attributes.names,
            names.sessions.names, names.trials.names, names.presentations.names,
            same("table", np.int32), column("row", np.int32), same("comparison", np.bool_),
            column("labeler", np.int32), column("left", np.int32), column("right", np.int32),
            column("attribute", np.int32), value, column("session", np.int32),
            column("trial", np.int32), column("presentation", np.int32),
            column("onset", np.float64), column("seconds", np.float64),
        )  # fmt: skip
        order = np.lexsort((answers.row, answers.table))
        answers = answers.in_order(order)
        return answers, same("tidy", np.bool_)[order], self._steps(answers)

    def _steps(self, answers: AnswerColumns) -> "NDArray[np.int64]":
        steps = np.zeros(len(answers), np.int64)
        for code, name in enumerate(answers.attributes):
            chosen = (answers.attribute == code) & ~answers.comparison
            if chosen.any() and name in self._scales:
                steps[chosen] = self._scales[name].steps(answers.value[chosen], STEPS)
        return steps

    def _confirmed(self) -> frozenset[str]:
        """Attributes of which somebody said that they are judged."""
        said = {name for name in self._recipe.judgments.values() if name}
        for table in self._tables:
            for column in table.having("judgment"):
                part = table.parts[column.name]
                if part.confidence == "given":
                    said.add(part.attribute or column.name.strip())
            given = table.first("attribute")
            if given is not None and table.parts[given.name].confidence == "given":
                said |= {value.strip() for value in given.values}
        return frozenset(said)

    def _rescaled(self) -> tuple[Rescaled, ...]:
        """Earlier ratings of attributes whose scale turned out to be another."""
        changed = {
            name: scale
            for name, scale in self._scales.items()
            if name in self._earlier and not self._decisions
            and (self._earlier[name].scale.low, self._earlier[name].scale.high)
            != (scale.low, scale.high)
        }  # fmt: skip
        if not changed:
            return ()
        known = self._study.known_answers(without=self._replaces)
        imported = (known.source == IMPORTED) & (known.imported != NONE) & ~known.comparison
        found = []
        for name, scale in changed.items():
            if name not in known.attributes:
                continue
            mine = known.value[imported & (known.attribute == known.attributes.index(name))]
            raw = np.unique(mine)
            if not len(raw):
                continue
            steps = {float(r): scale.step(float(r), STEPS) for r in raw if scale.holds(r)}
            if len(steps) < len(raw):
                lost = [f"{r:g}" for r in raw if float(r) not in steps]
                self._decisions.append(
                    Decision(
                        "scale",
                        f"Earlier ratings of {name} ({', '.join(lost[:4])}) lie outside the scale "
                        f"{scale}; say --scale LOW-HIGH that holds them all.",
                        column=name,
                    )
                )
                continue
            found.append(Rescaled(name, steps))
            self._doubts.append(
                Doubt(
                    "scale",
                    f"{name} is on {scale} from now on: {counted(len(mine), 'earlier rating')}, "
                    f"cut as {self._earlier[name].scale} so far, "
                    f"{word_for(len(mine), 'is', 'are')} cut anew.",
                    column=name,
                    count=len(mine),
                )
            )
        return tuple(found)


def _scale_in_heads(columns: Sequence[DataColumn]) -> Scale | None:
    """The one scale that all columns' heads name."""
    heads = {scale_in_head(c.name) or scale_in_head(c.title) for c in columns}
    return heads.pop() if len(heads) == 1 else None


def _united(columns: Sequence[DataColumn]) -> tuple[DataColumn, list["NDArray[np.int64]"]]:
    """Several columns of the same judgments as one, and where each one's values stand in it."""
    if len(columns) == 1:
        return columns[0], [np.arange(len(columns[0].values))]
    places: dict[str, int] = {}
    labels: dict[str, str] = {}
    missing: set[str] = set()
    found = []
    for column in columns:
        found.append(np.array([places.setdefault(v, len(places)) for v in column.values], np.int64))
        labels.update(column.labels)
        missing |= column.missing
    codes = np.concatenate(
        [np.where(c.codes == NONE, NONE, np.append(p, NONE)[c.codes])
         for c, p in zip(columns, found, strict=True)]
    )  # fmt: skip
    first = columns[0]
    united = DataColumn(
        first.name, tuple(places), codes.astype(np.int32), first.title, labels, frozenset(missing)
    )
    return united, found


def _histogram(values: "NDArray[np.float64]") -> tuple[tuple[float, int], ...]:
    """How often each rating was given, or each range of ratings where they are many."""
    different, counts = np.unique(values, return_counts=True)
    if len(different) > _BINS:
        counts, edges = np.histogram(values, bins=_BINS)
        different = (edges[1:] + edges[:-1]) / 2
    return tuple(zip(different.tolist(), counts.tolist(), strict=True))
