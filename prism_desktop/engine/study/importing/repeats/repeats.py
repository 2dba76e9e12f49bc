"""Which answers of an import are copies, which are honest second judgments, and which of the two
only the user knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import NONE, AnswerColumns
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Again
from prism_desktop.engine.study.importing.repeats.answer_pairs import (
    APART,
    SAME,
    SKIPPED,
    UNTOLD,
    Pairs,
    RepeatPool,
    pairs_of,
    pool_of,
)
from prism_desktop.engine.study.importing.repeats.repeat_words import Told, words_for
from prism_desktop.engine.study.known_answers import KnownAnswers

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIFFERENT = 0.05  # share of other answers up to which two sources are copies with corrections
FEW = 3.0  # equal ratings that can be chance
SURE = 10.0  # equal ratings that are no chance, even where others judged again
BLOCK = 5  # answers in the same order with the same values
OUTCOME = 0.4  # what an equal outcome proves, beside an equal rating: there are fewer of them
ZONES = 14 * 3600  # s, the most that clocks of two readings differ


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """What `find_repeats` found.

    Attributes:
        keep: (n,) bool, the answer counts.
        copies: (reason, rows, how many) of those that do not.
        repeat_of: (n,) int32, place of the import's answer that a kept one repeats, or NONE.
        repeats_known: (n,) int64, number (`KnownAnswers.trial`) of the study's trial that it
            repeats, or NONE; at most one of the two is given.
        doubts: what was taken for copies or repeats, in sentences.
        decisions: what must be decided first; until then `keep` is as if it were "keep".
    """

    keep: "NDArray[np.bool_]"
    copies: tuple[tuple[str, tuple[int, ...], int], ...]
    repeat_of: "NDArray[np.int32]"
    repeats_known: "NDArray[np.int64]"
    doubts: tuple[Doubt, ...]
    decisions: tuple[Decision, ...]


def find_repeats(
    answers: AnswerColumns, known: KnownAnswers | None, again: Again, tables: Sequence[str]
) -> Repeats:
    """Tell copies of answers from second judgments.

    Two answers of a labeler about the same images and attribute are two judgments if their trial,
    onset, response time, number or session differ, or the pair's sides were swapped. They are
    copies if nothing differs and the answer is the same, and either these facts name one
    presentation, or what surrounds them is the same too: whole sheets, earlier imports, blocks.
    All else is asked for, unless `again` decides it.

    Args:
        answers: n answers, in the order of the files and their rows.
        known: what the study holds already.
        again: what is done where nothing tells: "keep" as repeats, "skip" the later ones, "ask".
        tables: names, one for each code of `answers.table`.
    """
    n = len(answers)
    pool = pool_of(answers, known)
    pairs, swapped, crowded = pairs_of(pool)
    copy, ask = _verdicts(pool, pairs, answers)
    copied, asked = np.zeros(len(pool), np.bool_), crowded.copy()
    copied[pairs.later[copy]] = True
    asked[pairs.later[ask]] = True
    skipped = asked & (pool.value == SKIPPED)  # no answer that could count twice
    copied |= skipped
    asked &= ~copied
    kept = ~copied & ~(asked if again == "skip" else np.zeros(len(pool), np.bool_))
    keep = np.ones(n, np.bool_)
    fresh = ~pool.known
    keep[pool.place[fresh & ~kept]] = False
    repeat_of, repeats_known = _origins(pool, kept, n, known)
    told = Told(pool, pairs, copy, ask, copied, asked, swapped & kept, crowded)
    copies, doubts, decisions = words_for(told, answers, known, again, tables)
    return Repeats(keep, copies, repeat_of, repeats_known, doubts, decisions)


def _origins(
    pool: RepeatPool, kept: "NDArray[np.bool_]", n: int, known: KnownAnswers | None
) -> tuple["NDArray[np.int32]", "NDArray[np.int64]"]:
    """What kept answers repeat: the first kept one of their cell; skipped trials repeat nothing."""
    repeat_of, repeats_known = np.full(n, NONE, np.int32), np.full(n, NONE, np.int64)
    if not len(pool):
        return repeat_of, repeats_known
    starts = np.flatnonzero(np.r_[True, pool.cell[1:] != pool.cell[:-1]])
    sizes = np.diff(np.r_[starts, len(pool)])
    counts = kept & (pool.value != SKIPPED)
    index = np.where(counts, np.arange(len(pool)), len(pool))
    first = np.repeat(np.minimum.reduceat(index, starts), sizes)
    later = np.flatnonzero(counts & ~pool.known & (first < np.arange(len(pool))))
    origin, place = first[later], pool.place[later]
    there = pool.known[origin]
    repeat_of[place[~there]] = pool.place[origin[~there]]
    if known is not None:
        repeats_known[place[there]] = known.trial[pool.place[origin[there]]]
    return repeat_of, repeats_known


def _verdicts(
    pool: RepeatPool, pairs: Pairs, answers: AnswerColumns
) -> tuple["NDArray[np.bool_]", "NDArray[np.bool_]"]:
    """(pairs,) bool each: the later answer is a copy; the later answer must be asked for."""
    count = int(pool.source.max()) + 1 if len(pool) else 1
    relation = np.unique(
        pool.source[pairs.earlier].astype(np.int64) * count + pool.source[pairs.later],
        return_inverse=True,
    )[1]
    labeled = pool.source[pairs.earlier] == pool.labeled
    within = pool.source[pairs.earlier] == pool.source[pairs.later]
    weight = np.where(pool.comparison[pairs.later], OUTCOME, 1.0)
    same, untold = pairs.kind == SAME, pairs.kind == UNTOLD
    counted = untold & (within | _matched(pool, pairs, untold & ~within))
    copy = same & pairs.equal & (pairs.timed | ~_much(relation, same, pairs.equal))
    ask = same & ~copy
    across = counted & ~within & ~labeled
    copied = across & _sources_agree(pool, pairs, relation, across, weight)
    inside = counted & within
    copied |= inside & _blocks_agree(pool, pairs, relation, inside, weight, answers)
    own = counted & labeled
    ask |= own & ~_differ(relation, own, pairs.equal) & (_sum(relation, own, weight) >= FEW)
    ask |= (across | inside) & ~copied
    ask |= _suspicious(pool, pairs, relation, weight)
    copy |= copied
    return copy & ~labeled, (ask & ~copy) | (copy & labeled)


def _sum(
    group: "NDArray[np.intp]", chosen: "NDArray[np.bool_]", weight: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """(pairs,): the weight of the chosen pairs in each pair's group."""
    return np.bincount(group, weight * chosen, minlength=1)[group].astype(np.float64)


def _much(
    group: "NDArray[np.intp]",
    chosen: "NDArray[np.bool_]",
    equal: "NDArray[np.bool_]",
    share: float = DIFFERENT,
) -> "NDArray[np.bool_]":
    """(pairs,) bool: among the chosen pairs of the group more than a share differ."""
    one = np.ones(len(group))
    differ: NDArray[np.bool_] = _sum(group, chosen & ~equal, one) > share * _sum(group, chosen, one)
    return differ


def _differ(
    group: "NDArray[np.intp]", chosen: "NDArray[np.bool_]", equal: "NDArray[np.bool_]"
) -> "NDArray[np.bool_]":
    return _much(group, chosen, equal, 0.0)


def _matched(pool: RepeatPool, pairs: Pairs, chosen: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """(pairs,) bool: the chosen pairs in which one answer can be a copy of the other.

    Of two sources that both hold an image's answers 3 and 4, each 3 is paired with one 3 and each
    4 with one 4; different answers are paired only if neither has its like in the other source.
    """
    if not chosen.any():
        return chosen
    value = np.unique(pool.value, return_inverse=True)[1]
    order = np.lexsort((np.arange(len(pool)), value, pool.source, pool.cell))
    new = np.ones(len(pool), np.bool_)
    for column in (pool.cell, pool.source, value):
        sorted_column = column[order]
        new[1:] &= sorted_column[1:] == sorted_column[:-1]
    new = np.r_[True, ~new[1:]]
    starts = np.flatnonzero(new)
    rank = np.empty(len(pool), np.int64)
    rank[order] = np.arange(len(pool)) - np.repeat(starts, np.diff(np.r_[starts, len(pool)]))
    like = chosen & pairs.equal & (rank[pairs.later] == rank[pairs.earlier])
    count = int(pool.source.max()) + 1
    ones = pairs.later.astype(np.int64) * count + pool.source[pairs.earlier]
    others = pairs.earlier.astype(np.int64) * count + pool.source[pairs.later]
    free = ~np.isin(ones, ones[like]) & ~np.isin(others, others[like])
    matched: NDArray[np.bool_] = like | (chosen & ~pairs.equal & free)
    return matched


def _sources_agree(
    pool: RepeatPool,
    pairs: Pairs,
    relation: "NDArray[np.intp]",
    chosen: "NDArray[np.bool_]",
    weight: "NDArray[np.float64]",
) -> "NDArray[np.bool_]":
    """(pairs,) bool: equal answers of two tables, or of a table and an earlier import, that are
    copies since (nearly) all that the two share is equal; or all of this labeler's is."""
    equal = chosen & pairs.equal
    all_equal = ~_much(relation, chosen, pairs.equal) & (_sum(relation, equal, weight) >= FEW)
    part = np.unique(
        relation * (int(pool.labeler.max(initial=0)) + 1) + pool.labeler[pairs.later],
        return_inverse=True,
    )[1]
    value = pool.value[pairs.later]
    low, high = (np.zeros(int(part.max(initial=0)) + 1) for _ in range(2))
    low[:], high[:] = np.inf, -np.inf
    np.minimum.at(low, part[chosen], value[chosen])
    np.maximum.at(high, part[chosen], value[chosen])
    whole = ~_differ(part, chosen, pairs.equal) & (_sum(part, equal, weight) >= SURE)
    return pairs.equal & (all_equal | (whole & (low < high)[part]))


def _blocks_agree(
    pool: RepeatPool,
    pairs: Pairs,
    relation: "NDArray[np.intp]",
    chosen: "NDArray[np.bool_]",
    weight: "NDArray[np.float64]",
    answers: AnswerColumns,
) -> "NDArray[np.bool_]":
    """(pairs,) bool: equal answers of one table that are copies, as they stand in a block that
    comes twice, or as (nearly) every answer of the table does, never with another value."""
    result = np.zeros(len(chosen), np.bool_)
    equal = np.flatnonzero(chosen & pairs.equal)
    if not len(equal):
        return result
    run, lag, length = _runs(pool, pairs.only(equal), answers)
    whole = (lag >= 3) & (run + lag == length) & (length % lag == 0)
    long = (run >= BLOCK) & (lag >= BLOCK)
    agree = ~_much(relation, chosen, pairs.equal)[equal]
    mostly = ~_much(relation, chosen, pairs.equal, 0.2)[equal]
    result[equal] = (whole | long) & (agree | (mostly & (run * weight[equal] >= SURE)))
    most = _mostly_doubled(pool, pairs.later[equal], answers)[pool.source[pairs.later]]
    sure = _sum(relation, chosen & pairs.equal, weight) >= SURE
    result |= chosen & pairs.equal & most & sure & ~_differ(relation, chosen, pairs.equal)
    return result


def _runs(
    pool: RepeatPool, equal: Pairs, answers: AnswerColumns
) -> tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]:
    """Of equal pairs of one table, (pairs,) each: how many in a row of the labeler's sequence are
    the same distance apart, that distance, and the length of the sequence."""
    part = np.unique(
        answers.table.astype(np.int64) * (len(answers.labelers) + 1) + answers.labeler,
        return_inverse=True,
    )[1]
    order = np.argsort(part, kind="stable")
    sizes = np.bincount(part).astype(np.int64)
    at = np.empty(len(part), np.int64)  # place in the labeler's own sequence
    at[order] = np.arange(len(part)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    later, earlier = pool.place[equal.later], pool.place[equal.earlier]
    lag, where = at[later] - at[earlier], part[later]
    order = np.lexsort((at[later], lag, where))
    step = at[later][order]
    joined = (np.diff(step) == 1) & (np.diff(lag[order]) == 0) & (np.diff(where[order]) == 0)
    starts = np.flatnonzero(np.r_[True, ~joined])
    lengths = np.diff(np.r_[starts, len(order)])
    run = np.empty(len(order), np.int64)
    run[order] = np.repeat(lengths, lengths)
    return run, lag, sizes[where]


def _mostly_doubled(
    pool: RepeatPool, later: "NDArray[np.int32]", answers: AnswerColumns
) -> "NDArray[np.bool_]":
    """(sources,) bool: at least half of the table's judgments are given again, as in `later`."""
    tables = answers.table + np.int32(pool.labeled + 1)
    filled = np.bincount(tables, minlength=int(pool.source.max()) + 1)
    doubled = np.bincount(pool.source[np.unique(later)], minlength=len(filled))
    result: NDArray[np.bool_] = doubled * 2 >= filled - doubled
    return result


def _suspicious(
    pool: RepeatPool, pairs: Pairs, relation: "NDArray[np.intp]", weight: "NDArray[np.float64]"
) -> "NDArray[np.bool_]":
    """(pairs,) bool: told apart between two sources, and yet all answers are the same: only
    running numbers differ, or all times by the same quarters of an hour (another time zone)."""
    apart: NDArray[np.bool_] = pairs.kind == APART
    apart &= pool.source[pairs.earlier] != pool.labeled
    if not apart.any():
        return apart
    equal = ~_differ(relation, apart, pairs.equal) & (_sum(relation, apart, weight) >= SURE)
    moved = pool.onset[pairs.later] - pool.onset[pairs.earlier]
    usual = np.abs(moved) <= ZONES
    usual &= np.abs(moved - np.round(moved / 900) * 900) < 0.01
    suspect = apart & (pairs.numbered | (pairs.shifted & usual))
    spread = np.zeros(int(relation.max(initial=0)) + 1)
    top, bottom = spread - np.inf, spread + np.inf
    np.maximum.at(top, relation[pairs.shifted], moved[pairs.shifted])
    np.minimum.at(bottom, relation[pairs.shifted], moved[pairs.shifted])
    constant = ~pairs.shifted | ((top - bottom) < 0.01)[relation]
    every = _sum(relation, apart & ~suspect, np.ones(len(apart))) == 0
    result: NDArray[np.bool_] = suspect & equal & constant & every
    return result
