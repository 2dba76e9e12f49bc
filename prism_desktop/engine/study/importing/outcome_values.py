"""Which image won, over all comparisons of an import, with what ratings say about codes."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import LEFT
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.collected_answers import Collected, Piece
from prism_desktop.engine.study.importing.columns.table_roles import TableRoles
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.left_out_rows import NO_ANSWER
from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.importing.values.column_doubts import in_table
from prism_desktop.engine.study.importing.values.outcomes import (
    Outcomes,
    RatingEvidence,
    read_outcomes,
)
from prism_desktop.engine.study.study_reader import StudyReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CODE: Final = re.compile(r"\s*[+-]?\d+([.,]\d+)?\s*")
_TOLD_APART: Final = 50  # values that are told one by one
OWN, EVERYONE = "their own ratings", "everyone's mean ratings"

# (labeler, attribute, image) -> mean rating
Levels = Mapping[tuple[str, str, str], float]


class OutcomeReader:
    """Reads the outcomes of comparisons, table by table."""

    def __init__(
        self,
        study: StudyReader,
        collected: Collected,
        index: ImageIndex,
        recipe: Recipe,
        compared: frozenset[str],
        tables: Sequence[TableRoles],
    ) -> None:
        """
        Args:
            study: its ratings may tell what codes mean.
            collected: all answers of the import.
            index: the study's images.
            recipe: how the files are read.
            compared: names of tables of the source project, in which other codes are ties.
            tables: the import's, by number.
        """
        self._study, self._collected, self._index = study, collected, index
        self._recipe, self._compared, self._tables = recipe, compared, tables
        self._levels: list[Levels] | None = None
        self.doubts: list[Doubt] = []
        self.decisions: list[Decision] = []
        self.coding: dict[str, str] = {}

    def read(
        self,
        pieces: Sequence[Piece],
        rated: Sequence[Piece],
        ratings: Mapping[int, "NDArray[np.float64]"],
    ) -> dict[int, "NDArray[np.float64]"]:
        """Read pieces of comparisons.

        Args:
            pieces: of comparisons.
            rated: the import's pieces of ratings.
            ratings: id of such a piece -> (n,) float64, its ratings.

        Returns:
            id of a piece -> (n,) float64, LEFT, TIE or RIGHT, NaN where there is none.
        """
        return {id(piece): self._piece(piece, rated, ratings) for piece in pieces}

    def _piece(
        self,
        piece: Piece,
        rated: Sequence[Piece],
        ratings: Mapping[int, "NDArray[np.float64]"],
    ) -> "NDArray[np.float64]":
        if piece.won:
            return np.full(len(piece.row), float(LEFT))
        table = self._tables[piece.table].table
        if piece.left_column is None or piece.right_column is None:
            return np.full(len(piece.row), np.nan)
        coded = any(_CODE.fullmatch(value) for value in piece.column.values[:100])
        outcomes = read_outcomes(
            piece.column,
            piece.left_column,
            piece.right_column,
            self._index,
            coding=self._recipe.coding,
            missing=self._recipe.missing,
            rest_is_tie=table.name in self._compared,
            evidence=self._evidence(piece, len(table), rated, ratings) if coded else (),
        )
        self.doubts += [in_table(doubt, table) for doubt in outcomes.doubts]
        self.decisions += [in_table(decision, table) for decision in outcomes.decisions]
        self.coding.update(outcomes.coding)
        self._leave_out(piece, outcomes, table.name)
        return outcomes.values[piece.position]

    def _leave_out(self, piece: Piece, outcomes: Outcomes, table: str) -> None:
        refused = outcomes.refused[piece.position]
        open_cells = np.isnan(outcomes.values[piece.position]) & ~refused
        if not outcomes.decisions:
            for cell in np.unique(piece.cell[open_cells]).tolist()[:50]:
                reason = f"{NO_ANSWER} (“{short(piece.column.values[cell].strip())}”)"
                rows = piece.row[open_cells & (piece.cell == cell)]
                self._collected.left_out.add(table, reason, rows)
        cells = np.unique(piece.cell[refused]).tolist()
        rest = refused & np.isin(piece.cell, cells[_TOLD_APART:])
        self._collected.left_out.add(table, "its outcome is not known", piece.row[rest])
        for cell in cells[:_TOLD_APART]:
            value = piece.column.values[cell]
            reason = outcomes.reasons.get(value, f"“{short(value)}” is no outcome")
            rows = piece.row[refused & (piece.cell == cell)]
            self._collected.left_out.add(table, reason, rows)

    def _evidence(
        self,
        piece: Piece,
        rows: int,
        rated: Sequence[Piece],
        ratings: Mapping[int, "NDArray[np.float64]"],
    ) -> list[RatingEvidence]:
        """What the import's ratings say, then the study's; each labeler's own before everyone's."""
        if self._levels is None:
            self._levels = [self._own_levels(rated, ratings), self._study_levels()]
        found = []
        for levels in self._levels:
            if levels:
                everyone = _averaged(levels)
                found.append(RatingEvidence(self._difference(piece, rows, levels, own=True), OWN))
                found.append(
                    RatingEvidence(self._difference(piece, rows, everyone, own=False), EVERYONE)
                )
        return found

    def _difference(
        self, piece: Piece, rows: int, levels: Levels, *, own: bool
    ) -> "NDArray[np.float64]":
        """(rows,) float64: the left image's rating less the right one's, NaN where not known."""
        names, nan = self._collected, float("nan")
        labelers, images, attributes = (
            names.labelers.names, names.images.names, names.attributes.names,
        )  # fmt: skip
        found = np.full(rows, nan)
        for position, labeler, left, right, attribute in zip(
            piece.position.tolist(), piece.labeler.tolist(), piece.left.tolist(),
            piece.right.tolist(), piece.attribute.tolist(), strict=True,
        ):  # fmt: skip
            who, what = labelers[labeler] if own else "", attributes[attribute]
            first = levels.get((who, what, images[left]), nan)
            found[position] = first - levels.get((who, what, images[right]), nan)
        return found

    def _own_levels(
        self, rated: Sequence[Piece], ratings: Mapping[int, "NDArray[np.float64]"]
    ) -> Levels:
        names = self._collected
        labelers, images, attributes = (
            names.labelers.names, names.images.names, names.attributes.names,
        )  # fmt: skip
        return _means(
            ((labelers[labeler], attributes[attribute], images[image]), value)
            for piece in rated
            for labeler, attribute, image, value in zip(
                piece.labeler.tolist(), piece.attribute.tolist(), piece.left.tolist(),
                ratings[id(piece)].tolist(), strict=True,
            )
            if value == value
        )  # fmt: skip

    def _study_levels(self) -> Levels:
        frame = self._study.ratings()
        values = frame["raw"].fillna(frame["value"])
        return _means(
            ((labeler, attribute, image), float(value))
            for labeler, attribute, image, value in zip(
                frame["labeler"], frame["attribute"], frame["image"], values, strict=True
            )
        )


def _means(entries: Iterable[tuple[tuple[str, str, str], float]]) -> Levels:
    sums: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for key, value in entries:
        sums[key].append(value)
    return {key: sum(values) / len(values) for key, values in sums.items()}


def _averaged(levels: Levels) -> Levels:
    """The mean over labelers, under no labeler's name."""
    return _means(
        (("", attribute, image), level) for (_, attribute, image), level in levels.items()
    )
