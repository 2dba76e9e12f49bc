"""Pairs of answers of one labeler about the same image or pair and attribute, and what tells them
apart. Known answers of the study come first, then the import's in the order of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import NONE, RIGHT, AnswerColumns
from prism_desktop.engine.study.known_answers import IMPORTED, KnownAnswers

if TYPE_CHECKING:
    from numpy.typing import NDArray

APART, SAME, UNTOLD = 0, 1, 2  # two presentations; one and the same; nothing tells
PAIRS_COMPARED = 30_000_000  # beyond, answers are not compared with all earlier ones, but asked for
TOLERANCE = 0.0015  # s, between times that went through different files
SKIPPED = 1e300  # stands for the value of skipped trials, as NaN equals nothing


@dataclass(frozen=True, slots=True, eq=False)
class RepeatPool:
    """Answers that share their cell (labeler, images, attribute) with another, sorted by cell.

    Attributes:
        place: (m,) int32, place in the import's answers, or in the known ones where `known`.
        cell: (m,) int32, rising. Within a cell known answers stand first, then rows in order.
        source: (m,) int32, the import (from 0), then `labeled`, then the tables.
        value: (m,) float64, as if the image with the lower code stood left.
        swapped: (m,) bool, the image with the lower code stands right.
        sided: (m,) bool, the source's sides mean something: it is no list of winners and losers.
        identified: (m,) bool, no answer about other images has the same facts.
        session, trial, presentation, onset, seconds: as in AnswerColumns.
    """

    place: "NDArray[np.int32]"
    known: "NDArray[np.bool_]"
    cell: "NDArray[np.int32]"
    source: "NDArray[np.int32]"
    labeler: "NDArray[np.int32]"
    comparison: "NDArray[np.bool_]"
    value: "NDArray[np.float64]"
    swapped: "NDArray[np.bool_]"
    sided: "NDArray[np.bool_]"
    identified: "NDArray[np.bool_]"
    session: "NDArray[np.int32]"
    trial: "NDArray[np.int32]"
    presentation: "NDArray[np.int32]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"
    labeled: int  # the source of what was labeled in the program

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs in a pool, each array (pairs,).

    Pairs that are told apart within one table are not listed: both answers count.
    """

    later: "NDArray[np.int32]"  # place in the pool
    earlier: "NDArray[np.int32]"
    kind: "NDArray[np.int8]"  # APART, SAME or UNTOLD
    equal: "NDArray[np.bool_]"  # the same answer
    timed: "NDArray[np.bool_]"  # both have an onset
    numbered: "NDArray[np.bool_]"  # only numbers or names of trials differ
    shifted: "NDArray[np.bool_]"  # only onsets differ

    def only(self, kept: "NDArray[np.bool_] | NDArray[np.intp]") -> Self:
        """The pairs where `kept` is true, or those at the places that it lists."""
        return type(self)(*(getattr(self, field.name)[kept] for field in fields(self)))


def codes_of(*columns: "NDArray[Any]") -> "NDArray[np.int64]":
    """One code per different row of integer columns, (n,) each; codes sort as the rows do."""
    code = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        if not len(column):
            break
        low = int(column.min())
        span = int(column.max()) - low + 1
        if size * span > 2**62:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            size = int(code.max()) + 1
        code *= span
        code += column
        code -= low
        size *= span
    return code


def pool_of(answers: AnswerColumns, known: KnownAnswers | None) -> RepeatPool:
    """All answers that share their cell with another one of the import or of the study."""
    columns = _columns(answers, known)
    low = np.minimum(columns["left"], columns["right"])
    alone = columns["right"] == NONE
    low[alone] = columns["left"][alone]
    high = np.maximum(columns["left"], columns["right"])
    high[alone] = NONE
    cell = codes_of(columns["comparison"], columns["labeler"], columns["attribute"], low, high)
    order = np.argsort(cell, kind="stable").astype(np.int32)
    cell = cell[order]
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]]) if len(cell) else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, len(cell)])
    fresh = ~columns["known"][order[starts + sizes - 1]]  # the last one is of the import
    shared = np.repeat((sizes > 1) & fresh, sizes)
    number = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[shared]
    order = order[shared]
    del cell, shared
    identified = _identified(columns, low, high) if len(order) else np.zeros(len(low), np.bool_)
    columns |= {"swapped": columns["left"] > low, "identified": identified}
    columns["value"] = np.where(columns["swapped"], -columns["value"], columns["value"])
    columns["value"][np.isnan(columns["value"])] = SKIPPED
    facts = {name: column[order] for name, column in columns.items() if name in _POOLED}
    return RepeatPool(cell=number, labeled=len(known.imports) if known else 0, **facts)


def _columns(answers: AnswerColumns, known: KnownAnswers | None) -> dict[str, "NDArray[Any]"]:
    """Known answers of the import's labelers and images, then the import's, in columns."""
    n, first = len(answers), len(known.imports) + 1 if known else 1
    table = answers.table + np.int32(first)
    columns: dict[str, NDArray[Any]] = {
        "place": np.arange(n, dtype=np.int32),
        "known": np.zeros(n, np.bool_),
        "source": table,
        "sided": _sided(answers, table),
        **{name: getattr(answers, name) for name in _TAKEN},
    }
    if known is None or not len(known):
        return columns
    labeler = _recoded(known.labelers, answers.labelers)[known.labeler]
    left = _recoded(known.images, answers.images)[known.left]
    right = np.append(_recoded(known.images, answers.images), NONE)[known.right]
    attribute = _recoded(known.attributes, answers.attributes)[known.attribute]
    met = (labeler >= 0) & (left >= 0) & (attribute >= 0)
    met &= (right >= 0) | ~known.comparison
    place = np.flatnonzero(met).astype(np.int32)
    nothing = np.full(len(place), NONE, np.int32)
    imported = (known.source[place] == IMPORTED) & (known.imported[place] >= 0)
    earlier: dict[str, NDArray[Any]] = {
        "place": place,
        "known": np.ones(len(place), np.bool_),
        "source": np.where(imported, known.imported[place], first - 1).astype(np.int32),
        "sided": np.ones(len(place), np.bool_),
        "labeler": labeler[place],
        "left": left[place],
        "right": right[place],
        "attribute": attribute[place],
        **{name: getattr(known, name)[place] for name in ("comparison", "value")},
        **{name: getattr(known, name)[place] for name in ("onset", "seconds")},
        "session": nothing,  # the study's own names, which no file has
        "trial": nothing,
        "presentation": nothing,
    }
    return {name: np.concatenate([earlier[name], columns[name]]) for name in columns}


_TAKEN: tuple[str, ...] = (
    "labeler",
    "left",
    "right",
    "attribute",
    "comparison",
    "value",
    "session",
    "trial",
    "presentation",
    "onset",
    "seconds",
)
_POOLED = {field.name for field in fields(RepeatPool)} - {"cell", "labeled"}


def _recoded(names: Sequence[str], into: Sequence[str]) -> "NDArray[np.int32]":
    """(names,) int32: the code that each name has in `into`, NONE for those not there."""
    codes = {name: code for code, name in enumerate(into)}
    return np.array([codes.get(name, NONE) for name in names], np.int32)


def _sided(answers: AnswerColumns, table: "NDArray[np.int32]") -> "NDArray[np.bool_]":
    """(n,) bool: sides mean something in the answer's table, since right wins there too."""
    if not answers.comparison.any():
        return np.zeros(len(answers), np.bool_)
    right = np.zeros(int(table.max()) + 1, np.bool_)
    right[table[answers.comparison & (answers.value == RIGHT)]] = True
    return right[table]


def _identified(
    columns: dict[str, "NDArray[Any]"], low: "NDArray[np.int32]", high: "NDArray[np.int32]"
) -> "NDArray[np.bool_]":
    """(n,) bool: the answer's facts name one presentation.

    They do if there are any beside the session, and the labeler's answers about other images in
    the same source have others: a date without time or the number of a block names none.
    """
    told = (columns["trial"] >= 0) | (columns["presentation"] >= 0)
    told |= ~np.isnan(columns["onset"]) | ~np.isnan(columns["seconds"])
    place = np.flatnonzero(told)
    result = np.zeros(len(told), np.bool_)
    if not len(place):
        return result
    facts = [columns[name][place] for name in ("source", "labeler", "session")]
    facts += [columns[name][place] for name in ("trial", "presentation")]
    for name in ("onset", "seconds"):
        if (~np.isnan(columns[name][place])).any():
            moments = np.round(columns[name][place] * 1000)
            facts.append(np.unique(moments, return_inverse=True)[1].astype(np.int32))
    code = codes_of(*facts)
    del facts
    order = np.argsort(code, kind="stable")
    code = code[order]
    item = codes_of(columns["comparison"][place], low[place], high[place])[order]
    change = code[1:] != code[:-1]
    starts = np.flatnonzero(np.r_[True, change])
    one = np.minimum.reduceat(item, starts) == np.maximum.reduceat(item, starts)
    result[place[order]] = np.repeat(one, np.diff(np.r_[starts, len(code)]))
    return result


def pairs_of(pool: RepeatPool) -> tuple[Pairs, "NDArray[np.bool_]", "NDArray[np.bool_]"]:
    """Compare every answer of the import with all earlier ones of its cell.

    Returns:
        The pairs; (m,) bool, told from an earlier answer by swapped sides alone; (m,) bool, not
        compared with all earlier ones, as there are too many.
    """
    m = len(pool)
    new = np.r_[True, pool.cell[1:] != pool.cell[:-1]] if m else np.zeros(0, np.bool_)
    starts = np.flatnonzero(new)
    rank = np.arange(m) - np.repeat(starts, np.diff(np.r_[starts, m]))
    swapped, crowded = np.zeros(m, np.bool_), np.zeros(m, np.bool_)
    later = np.flatnonzero((rank > 0) & ~pool.known).astype(np.int32)
    parts: list[Pairs] = []
    lag, left = 1, PAIRS_COMPARED
    while len(later):
        if len(later) > left:
            crowded[later] = True
            break
        left -= len(later)
        pairs, side = _compare(pool, later, later - np.int32(lag))
        swapped[side] = True
        parts.append(pairs)
        lag += 1
        later = later[rank[later] >= lag]
    if not parts:
        parts.append(_compare(pool, later, later)[0])
    columns = (
        np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Pairs)
    )
    return Pairs(*columns), swapped, crowded


def _compare(
    pool: RepeatPool, later: "NDArray[np.int32]", earlier: "NDArray[np.int32]"
) -> tuple[Pairs, "NDArray[np.int32]"]:
    """The pairs, and those places of `later` that are told by swapped sides alone."""
    n = len(later)
    common, numbers, sessions = (np.zeros(n, np.bool_) for _ in range(3))
    for name in ("trial", "presentation", "session"):
        one, other = getattr(pool, name)[later], getattr(pool, name)[earlier]
        both = (one >= 0) & (other >= 0)
        if name == "session":
            sessions |= both & (one != other)
        else:
            numbers |= both & (one != other)
            common |= both
    with np.errstate(invalid="ignore"):
        moved = np.abs(pool.onset[later] - pool.onset[earlier])
        slower = np.abs(pool.seconds[later] - pool.seconds[earlier])
    timed = ~np.isnan(moved)
    common |= timed | ~np.isnan(slower)
    onsets, seconds = moved > TOLERANCE, slower > TOLERANCE
    told = numbers | sessions | onsets | seconds
    same = ~told & common & pool.identified[later] & pool.identified[earlier]
    side = pool.comparison[later] & (pool.swapped[later] != pool.swapped[earlier])
    side &= pool.sided[later] & pool.sided[earlier] & ~same
    kind = np.where(told | side, APART, np.where(same, SAME, UNTOLD)).astype(np.int8)
    pairs = Pairs(
        later,
        earlier,
        kind,
        np.abs(pool.value[later] - pool.value[earlier]) <= 1e-9,
        timed,
        numbers & ~(sessions | onsets | seconds | side),
        onsets & ~(sessions | numbers | seconds | side),
    )
    listed = (kind != APART) | (pool.source[later] != pool.source[earlier])
    return pairs.only(listed), later[side & ~told]
