"""From tables with known parts to answers: who, which image, which attribute, in which row.

What the answers' cells mean (numbers, words, codes) is read afterwards, for all tables of an
import together; see `planning`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import is_name
from prism_desktop.engine.study.importing.answer_columns import NONE, NamePool
from prism_desktop.engine.study.importing.cells import is_missing, short
from prism_desktop.engine.study.importing.collected_answers import Collected, Piece
from prism_desktop.engine.study.importing.columns.table_roles import (
    FROM_COLUMN,
    FROM_FILE,
    FROM_ROW,
    TableRoles,
)
from prism_desktop.engine.study.importing.data_tables import EMPTY, DataColumn, make_column
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role
from prism_desktop.engine.study.importing.left_out_rows import NO_ANSWER
from prism_desktop.engine.study.importing.names.attribute_names import AttributeNames
from prism_desktop.engine.study.importing.names.labeler_names import LabelerIndex, summary_rows
from prism_desktop.engine.study.importing.names.matching import TOLD, ImageIndex, Rung
from prism_desktop.engine.study.importing.values.column_doubts import in_table
from prism_desktop.engine.study.importing.values.moments import read_moments, read_seconds
from prism_desktop.engine.study.records import FactRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NOBODY: Final = frozenset({"", "nan", "null", "n/a", "#n/a", "<na>", "undefined"})
_PLAINLY: Final = (TOLD[Rung.FILE], TOLD[Rung.ENDING])  # how names are usually written elsewhere
_NO_IMAGE: Final = "names no image"
_NO_RATER: Final = "names no rater"
_NO_FACT: Final = "holds nothing about an image"
_OTHER: Final = "holds neither an image of the study nor an answer"
_SELF: Final = "compares an image with itself"


class Collector:
    """Collects the answers of tables, one after the other."""

    def __init__(
        self,
        images: ImageIndex,
        labelers: Sequence[str],
        attributes: AttributeNames,
        recipe: Recipe,
    ) -> None:
        """
        Args:
            images: the study's.
            labelers: codes of the study's labelers.
            attributes: the study's.
            recipe: how the files are read.
        """
        self._images, self._labelers = images, tuple(labelers)
        self.attributes, self.recipe = attributes, recipe
        self.found = Collected()

    def add(self, number: int, roles: TableRoles) -> None:
        """Collect a table's answers and facts.

        Args:
            number: the table's place among the import's.
            roles: the table with its columns' parts.
        """
        _Reader(self, number, roles).read()

    def images_of(
        self, column: DataColumn, table: str
    ) -> tuple["NDArray[np.int32]", tuple[str, ...]]:
        """The image of each different value.

        Returns:
            (values,) int32, NONE where there is none; and for each value why not.
        """
        matches = self._images.find_all(column.values)
        codes = np.full(len(column.values), NONE, np.int32)
        reasons = []
        for place, (value, image) in enumerate(zip(column.values, matches.images, strict=True)):
            missing = not image and is_missing(value)
            reasons.append(_NO_IMAGE if missing else matches.reasons[place])
            if image:
                codes[place] = self.found.images.code(image)
                self.found.written.setdefault(image, value.strip())
        for words, count in matches.told().items():
            one = counted(count, "image was", "images were")
            text = f"{column.name}: {one} matched {words}."
            if words in _PLAINLY:
                self.found.notices.append(f"{table}: {text}")
            else:
                self.doubt("image-name", text, table, column.name)
        return codes, tuple(reasons)

    def labelers_of(
        self,
        values: Sequence[str],
        table: str,
        column: str = "",
        rows: Callable[[int], Sequence[int]] = lambda _: (),
    ) -> tuple["NDArray[np.int32]", tuple[str, ...]]:
        """The labeler of each different value; `rows` tells where the value of a place stands.

        Returns:
            (values,) int32, NONE where it is nobody; and for each value why not.
        """
        known = dict.fromkeys((*self._labelers, *self.found.labelers.names))
        people = LabelerIndex(tuple(known)).find_all(values)
        for value, code, how in people.joined[:20]:
            text = f"“{short(value)}” was taken for {code}: they differ by {how} only."
            self.doubt("rater-name", text, table, column)
        for reason in list(people.unclear.values())[:20]:
            self.doubt("rater-name", f"{reason}.", table, column)
        summaries = summary_rows(values)
        for place, it in enumerate(summaries):
            if it is None:
                text = f"“{short(values[place].strip())}” may be a summary rather than a rater."
                self.doubt("rater-name", text, table, column, rows(place))
        reasons = [""] * len(values)
        codes = np.full(len(values), NONE, np.int32)
        for place, code in enumerate(people.codes):
            if values[place].strip().casefold() in _NOBODY:
                reasons[place] = _NO_RATER
            elif summaries[place]:
                reasons[place] = f"“{short(values[place].strip())}” is a summary, not a rater"
            elif not is_name(code):
                reasons[place] = f"“{short(code)}” cannot be a rater's name"
            else:
                codes[place] = self.found.labelers.code(code)
        return codes, tuple(reasons)

    def attribute(self, words: str) -> int:
        """The number of the attribute that a cell names, NONE if it holds none."""
        if is_missing(words):
            return NONE
        known = self.attributes.exactly(words) or self.attributes.within(words)
        return self.found.attributes.code(self.recipe.judgments.get(words.strip()) or known
                                          or words.strip())  # fmt: skip

    def doubt(
        self, kind: str, text: str, table: str, column: str = "", rows: Sequence[int] = ()
    ) -> None:
        """Tell something."""
        kept = tuple(int(row) for row in rows[:ROWS_KEPT])
        self.found.doubts.append(Doubt(kind, text, table, column, kept, len(rows)))


class _Reader:
    """Reads one table."""

    def __init__(self, collector: Collector, number: int, roles: TableRoles) -> None:
        self._to, self._number, self._roles = collector, number, roles
        self._table = roles.table
        self._cache: dict[Role, NDArray[np.int32]] = {}

    def read(self) -> None:
        """Answers first, then facts about the people and images that the table names."""
        shape = self._roles.shape
        images = raters = None
        if shape != "facts about images":
            raters = self._raters()
        if self._roles.first("image") is not None:
            images = self._shown("image")
        if shape == "comparisons" and raters is not None:
            self._compared(raters)
        elif shape == "a row per rater" and raters is not None:
            self._rows_of_raters(raters)
        elif shape == "a row per image" and images is not None:
            self._rows_of_images(images)
        elif shape == "ratings" and raters is not None and images is not None:
            self._answers(self._roles.having("judgment"), raters, images, None)
        if raters is not None:
            self._facts("rater", raters, self._to.found.labelers.names)
        if images is not None:
            self._facts("image", images, self._to.found.images.names)
        if shape == "facts about images" and images is not None:
            self._count_facts(images)
        elif shape == "facts about raters" and raters is not None:
            self._to.found.fact_rows += int((raters != NONE).sum())

    def _count_facts(self, images: "NDArray[np.int32]") -> None:
        """Rows that say something of an image; others are left out."""
        said = np.zeros(len(self._table), bool)
        for column in self._roles.having("image-fact"):
            said |= column.codes != EMPTY
        self._leave_out((images != NONE) & ~said, _NO_FACT)
        self._to.found.fact_rows += int(((images != NONE) & said).sum())

    # Who, what

    def _raters(self) -> "NDArray[np.int32]":
        """(rows,) int32: each row's labeler."""
        column = self._roles.first("rater")
        if column is not None:
            codes, reasons = self._to.labelers_of(
                column.values,
                self._table.name,
                column.name,
                lambda place: self._table.rows[column.codes == place].tolist(),
            )
            self._leave_out_values(column, codes, reasons, _NO_RATER, self._answering)
            return _spread(codes, column.codes)
        said = self._roles.rater
        if FROM_COLUMN in said:
            return np.full(len(self._table), NONE, np.int32)
        stem = self._table.file.rsplit(".", 1)[0]
        if FROM_ROW in said:
            names = make_column("rater", [said.replace(FROM_ROW, f"{stem}-{row}")
                                          for row in self._table.rows])  # fmt: skip
        else:
            names = make_column("rater", [said.replace(FROM_FILE, stem)] * len(self._table))
        codes, reasons = self._to.labelers_of(names.values, self._table.name)
        self._leave_out_values(names, codes, reasons, _NO_RATER)
        return _spread(codes, names.codes)

    def _shown(self, role: Role) -> "NDArray[np.int32]":
        """(rows,) int32: each row's image."""
        column = self._roles.first(role)
        if column is None:
            return np.full(len(self._table), NONE, np.int32)
        codes, reasons = self._to.images_of(column, self._table.name)
        images = _spread(codes, column.codes)
        if self._answering is not None:  # a welcome, a pause: no row of answers
            self._leave_out((images == NONE) & ~self._answering, _OTHER)
        self._leave_out_values(column, codes, reasons, _NO_IMAGE, self._answering)
        self._name_unmatched(column, codes)
        return images

    def _name_unmatched(self, column: DataColumn, codes: "NDArray[np.int32]") -> None:
        """Count what rows with answers call images that the study has not."""
        rows = column.codes if self._answering is None else column.codes[self._answering]
        counts = np.bincount(rows[rows != EMPTY], minlength=len(codes))
        names = self._to.found.unmatched
        for place in np.flatnonzero((codes == NONE) & (counts > 0)).tolist():
            name = column.values[place].strip()
            if not is_missing(name):
                names[name] = names.get(name, 0) + int(counts[place])

    @cached_property
    def _answering(self) -> "NDArray[np.bool_] | None":
        """(rows,) bool: which rows hold anything where answers stand; None if nothing says where
        they do."""
        roles: tuple[Role, ...] = ("judgment", "outcome", "winner")
        columns = [column for role in roles for column in self._roles.having(role)]
        if not columns or self._roles.first("loser") is not None:
            return None
        found = np.zeros(len(self._table), bool)
        for column in columns:
            found |= column.codes != EMPTY
        return found

    def _leave_out_values(
        self,
        column: DataColumn,
        codes: "NDArray[np.int32]",
        reasons: Sequence[str],
        empty: str,
        among: "NDArray[np.bool_] | None" = None,
    ) -> None:
        """Leave out the rows whose value says nothing, of those among which that is told."""
        told = np.ones(len(self._table), bool) if among is None else among
        self._leave_out((column.codes == EMPTY) & told, empty)
        by_reason: dict[str, list[int]] = defaultdict(list)
        for place in np.flatnonzero(codes == NONE).tolist():
            by_reason[reasons[place]].append(place)
        for reason, places in by_reason.items():
            self._leave_out(np.isin(column.codes, places) & told, reason)

    def _leave_out(self, chosen: "NDArray[np.bool_]", reason: str) -> None:
        self._to.found.left_out.add(self._table.name, reason, self._table.rows[chosen])

    # Answers

    def _compared(self, raters: "NDArray[np.int32]") -> None:
        roles = self._roles
        won = roles.first("loser") is not None
        left, right = (self._shown(role) for role in (("winner", "loser") if won else
                                                      ("left", "right")))  # fmt: skip
        itself = (left == right) & (left != NONE)
        self._leave_out(itself, _SELF)
        left = np.where(itself, NONE, left).astype(np.int32)
        columns = roles.having("outcome") or roles.having("winner") or roles.having("judgment")
        if won:
            columns = roles.having("winner")
            text = (
                f"{self._table.name} names winners and losers, not sides: the winner stands first, "
                "so a preference for one side cannot be told from it."
            )
            self._to.doubt("sides", text, self._table.name)
        self._answers(columns, raters, left, right, won=won)

    def _answers(
        self,
        columns: Sequence[DataColumn],
        raters: "NDArray[np.int32]",
        left: "NDArray[np.int32]",
        right: "NDArray[np.int32] | None",
        *,
        won: bool = False,
    ) -> None:
        """One piece per column of answers, of the rows that say who and what."""
        said = self._roles.first("attribute")
        usable = (raters != NONE) & (left != NONE)
        if right is not None:
            usable &= right != NONE
        of = None
        if said is not None:
            of = _spread(np.array([self._to.attribute(v) for v in said.values], np.int32),
                         said.codes)  # fmt: skip
            self._leave_out(usable & (of == NONE), "names no attribute")
            usable &= of != NONE
        filled = np.zeros(len(self._table), bool)
        for column in columns:
            filled |= column.codes != EMPTY
            attribute = self._attribute_of(column) if of is None else of
            self._piece(column, usable, raters, left, right, attribute, won=won,
                        tidy=said is not None)  # fmt: skip
        self._leave_out(usable & ~filled, NO_ANSWER)

    def _rows_of_raters(self, raters: "NDArray[np.int32]") -> None:
        """A column per image."""
        for column in self._roles.having("judgment"):
            image = self._roles.images.get(column.name)
            if image is not None:
                self._to.found.written.setdefault(image, column.name)
                code = self._to.found.images.code(image)
                left = np.full(len(self._table), code, np.int32)
                self._piece(column, raters != NONE, raters, left, None, self._attribute_of(column))

    def _rows_of_images(self, images: "NDArray[np.int32]") -> None:
        """A column per rater."""
        columns = self._roles.having("judgment")
        said = self._roles.rater
        names = [said.replace(FROM_COLUMN, column.name.strip()) for column in columns]
        codes, _ = self._to.labelers_of(names, self._table.name)
        for column, code in zip(columns, codes, strict=True):
            raters = np.full(len(self._table), code, np.int32)
            usable = (images != NONE) & (raters != NONE)
            self._piece(column, usable, raters, images, None, self._attribute_of(column))

    def _attribute_of(self, column: DataColumn) -> "NDArray[np.int32]":
        name = self._roles.parts[column.name].attribute or column.name.strip()
        return np.full(len(self._table), self._to.found.attributes.code(name), np.int32)

    def _piece(
        self,
        column: DataColumn,
        usable: "NDArray[np.bool_]",
        raters: "NDArray[np.int32]",
        left: "NDArray[np.int32]",
        right: "NDArray[np.int32] | None",
        attributes: "NDArray[np.int32]",
        *,
        won: bool = False,
        tidy: bool = False,
    ) -> None:
        chosen = usable & (column.codes != EMPTY)
        nothing = np.full(int(chosen.sum()), NONE, np.int32)
        self._to.found.pieces.append(
            Piece(
                table=self._number,
                column=column,
                cell=column.codes[chosen],
                position=np.flatnonzero(chosen),
                row=self._table.rows[chosen],
                labeler=raters[chosen],
                left=left[chosen],
                right=nothing if right is None else right[chosen],
                attribute=attributes[chosen],
                session=self._named("session", self._to.found.sessions)[chosen],
                trial=self._named("trial", self._to.found.trials)[chosen],
                presentation=self._named("presentation", self._to.found.presentations)[chosen],
                onset=self._onsets[chosen],
                seconds=self._seconds[chosen],
                comparison=right is not None,
                won=won,
                tidy=tidy,
                left_column=self._roles.first("left"),
                right_column=self._roles.first("right"),
            )
        )

    # When, in which order

    def _named(self, role: Role, pool: NamePool) -> "NDArray[np.int32]":
        """(rows,) int32: what the column of a role says in each row, NONE where it is empty."""
        if role not in self._cache:
            column = self._roles.first(role)
            if column is None:
                self._cache[role] = np.full(len(self._table), NONE, np.int32)
            else:
                codes = [NONE if is_missing(v) else pool.code(v.strip()) for v in column.values]
                self._cache[role] = _spread(np.array(codes, np.int32), column.codes)
        return self._cache[role]

    @cached_property
    def _onsets(self) -> "NDArray[np.float64]":
        """(rows,) float64 unix s, NaN where the column of times is empty or says none."""
        column = self._roles.first("time")
        if column is None:
            return np.full(len(self._table), np.nan)
        read = read_moments(column)
        for doubt in read.doubts:
            if doubt.kind == "time-zone":  # hardly any file names one
                self._to.found.notices.append(f"{self._table.name}: {doubt.text}")
            else:
                self._to.found.doubts.append(in_table(doubt, self._table))
        return _spread(read.values, column.codes)

    @cached_property
    def _seconds(self) -> "NDArray[np.float64]":
        """(rows,) float64 s, NaN where the response time is empty or cannot be read."""
        column = self._roles.first("seconds")
        if column is None:
            return np.full(len(self._table), np.nan)
        dialect = self._roles.dialect
        unit = self._to.recipe.rt_unit or (dialect.rt_unit if dialect else None)
        read = read_seconds(
            column, unit, column.name, decimal_comma=self._table.reading.decimal_comma,
            decided=bool(self._to.recipe.decimal),
        )  # fmt: skip
        self._to.found.doubts += [in_table(doubt, self._table) for doubt in read.doubts]
        return _spread(read.values, column.codes)

    # Facts

    def _facts(
        self, kind: Literal["rater", "image"], owners: "NDArray[np.int32]", names: Sequence[str]
    ) -> None:
        """What columns say about people or images; what differs from row to row is no fact."""
        role: Role = "rater-fact" if kind == "rater" else "image-fact"
        for column in self._roles.having(role):
            held = (owners != NONE) & (column.codes != EMPTY)
            pairs = np.unique(np.stack([owners[held], column.codes[held]]), axis=1)
            who, counts = np.unique(pairs[0], return_counts=True)
            several = set(who[counts > 1].tolist())
            if several:
                some = ", ".join(names[owner] for owner in sorted(several)[:3])
                text = (
                    f"{column.name} differs from row to row for {len(several)} of {len(who)} "
                    f"{kind}s ({short(some)}); it was left out for them."
                )
                self._to.doubt("fact", text, self._table.name, column.name)
            for owner, code in pairs.T.tolist():
                value = column.values[code].strip()
                if owner not in several and not _says_nothing(value, column):
                    label = column.labels.get(column.values[code], "")
                    self._to.found.facts.append(
                        FactRecord(kind, names[owner], column.name.strip(), label or value)
                    )


def _says_nothing(value: str, column: DataColumn) -> bool:
    """Whether a fact is missing; "none" and "NA" (Namibia) may be facts."""
    return value.casefold() in _NOBODY or value in column.missing


def _spread(known: "NDArray[Any]", codes: "NDArray[np.int32]") -> "NDArray[Any]":
    """What is known of each different value, for each row; NONE or NaN where a cell is empty."""
    empty = np.nan if known.dtype.kind == "f" else NONE
    return np.append(known, np.array([empty], known.dtype))[codes]
