"""What is said about copies and repeats: one sentence for each table and where its copies are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.importing.answer_columns import AnswerColumns
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.import_recipe import Again
from prism_desktop.engine.study.importing.repeats.answer_pairs import SAME, Pairs, RepeatPool
from prism_desktop.engine.study.known_answers import KnownAnswers

if TYPE_CHECKING:
    from numpy.typing import NDArray

WITHIN, TABLES, IMPORTS, LABELED = range(4)  # where the earlier answer stands
SHOWN = 3  # names in a sentence
CHOICES = (
    DecisionChoice("Count them as repeats", "--again keep", {"again": "keep"}),
    DecisionChoice("Keep only the first answers", "--again skip", {"again": "skip"}),
)
_ASK = "; to count them as repeats or to keep only the first, say --again keep or --again skip."


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What was found out, to be put in words; pairs and places as in `Pairs` and `RepeatPool`."""

    pool: RepeatPool
    pairs: Pairs
    copy: "NDArray[np.bool_]"  # of pairs
    ask: "NDArray[np.bool_]"
    copied: "NDArray[np.bool_]"  # of places in the pool
    asked: "NDArray[np.bool_]"
    swapped: "NDArray[np.bool_]"
    crowded: "NDArray[np.bool_]"


class _Group(NamedTuple):
    """Later answers of one table whose earlier ones stand in the same kind of place."""

    table: int
    where: int
    places: "NDArray[np.int32]"  # in the answers
    others: "NDArray[np.int32]"  # sources of the earlier ones, each once
    same: int  # how many have the earlier answer
    told: bool  # the facts name one presentation


def words_for(
    told: Told,
    answers: AnswerColumns,
    known: KnownAnswers | None,
    again: Again,
    tables: Sequence[str],
) -> tuple[tuple[tuple[str, tuple[int, ...], int], ...], tuple[Doubt, ...], tuple[Decision, ...]]:
    """Copies by reason, doubts and decisions; see `Repeats`."""
    imports = known.imports if known else ()
    copies: list[tuple[str, tuple[int, ...], int]] = []
    doubts: list[Doubt] = []
    decisions: list[Decision] = []
    for group in _groups(told, told.copied, told.copy):
        name, rows, count = tables[group.table], _rows(answers, group), len(group.places)
        others = _others(told, group, tables, imports)
        copies.append((_reason(group, others), rows, count))
        kind = "there-already" if group.where == IMPORTS else "copies"
        text = _copies(group, name, others, answers)
        doubts.append(Doubt(kind, text, name, rows=rows, count=count))
    for group in _groups(told, told.asked, told.ask):
        name, rows, count = tables[group.table], _rows(answers, group), len(group.places)
        others = _others(told, group, tables, imports)
        text = _question(group, name, others, answers)
        if again == "ask":
            decisions.append(Decision("again", text + _ASK, name, "", rows, count, CHOICES))
        elif again == "skip":
            copies.append(("answered before (--again skip)", rows, count))
            doubts.append(Doubt("copies", f"{text}; left out, as you said.", name, "", rows, count))
        else:
            text += "; they count as repeats, as you said."
            doubts.append(Doubt("repeats", text, name, "", rows, count))
    doubts += _swapped(told, answers, tables)
    return tuple(copies), tuple(doubts), tuple(decisions)


def _groups(
    told: Told, chosen: "NDArray[np.bool_]", deciding: "NDArray[np.bool_]"
) -> Iterator[_Group]:
    """The chosen places of the pool, by table and by where the earliest deciding answer stands."""
    pool = told.pool
    places = np.flatnonzero(chosen)
    if not len(places):
        return
    pair = np.flatnonzero(deciding & chosen[told.pairs.later])
    later, earlier = told.pairs.later[pair], told.pairs.earlier[pair]
    order = np.lexsort((earlier, later))
    first = order[np.flatnonzero(np.r_[True, np.diff(later[order]) != 0])] if len(order) else order
    partner = np.arange(len(pool))  # its own, where no pair decided
    partner[later[first]] = earlier[first]
    same, known_facts = np.zeros(len(pool), np.bool_), np.zeros(len(pool), np.bool_)
    same[later[told.pairs.equal[pair]]] = True
    known_facts[later[told.pairs.kind[pair] == SAME]] = True
    source = pool.source[partner[places]]
    where = np.where(source < pool.labeled, IMPORTS, TABLES)
    where[source == pool.source[places]] = WITHIN
    where[source == pool.labeled] = LABELED
    table = pool.source[places] - (pool.labeled + 1)
    for code in np.unique(table.astype(np.int64) * 4 + where):
        mine = (table == code // 4) & (where == code % 4)
        these = places[mine]
        yield _Group(
            int(code // 4),
            int(code % 4),
            np.sort(pool.place[these]),
            np.unique(source[mine]).astype(np.int32),
            int(same[these].sum()),
            bool(known_facts[these].all()),
        )


def _rows(answers: AnswerColumns, group: _Group) -> tuple[int, ...]:
    """Their rows, each once, as many as are kept."""
    return tuple(np.unique(answers.row[group.places])[:ROWS_KEPT].tolist())


def _others(told: Told, group: _Group, tables: Sequence[str], imports: Sequence[str]) -> str:
    """Names of the tables or imports that the earlier answers stand in."""
    labeled = told.pool.labeled
    return _listed(
        [
            imports[other] if other < labeled else tables[other - labeled - 1]
            for other in group.others.tolist()
            if other != labeled
        ]
    )


def _listed(names: Sequence[str]) -> str:
    """At most three names: "A, B, C and 4 more"."""
    names = list(dict.fromkeys(names))
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:SHOWN]]
    if len(names) > SHOWN:
        return f"{', '.join(shown)} and {len(names) - SHOWN:,} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _people(answers: AnswerColumns, group: _Group) -> str:
    """The labelers concerned."""
    codes = np.unique(answers.labeler[group.places]).tolist()
    return _listed([answers.labelers[code] for code in codes])


def _number(count: int) -> str:
    return counted(count, "answer")


def _reason(group: _Group, others: str) -> str:
    if group.where == IMPORTS:
        return f"there already, from {others}"
    return f"stands in {others} too" if group.where == TABLES else "copy of an earlier row"


def _copies(group: _Group, name: str, others: str, answers: AnswerColumns) -> str:
    count = len(group.places)
    them = word_for(count, "it counts", "they count")
    if group.where == IMPORTS:
        are = word_for(count, "is", "are")
        people = _people(answers, group)
        return (
            f"{_number(count)} of {people} in {name} {are} there already, from {others}; "
            f"{them} once."
        )
    if group.where == TABLES:
        return f"{name} repeats {_number(count)} of {others}; {them} once."
    stand = word_for(count, "stands", "stand")
    return f"{_number(count)} of {_people(answers, group)} {stand} twice in {name}; {them} once."


def _question(group: _Group, name: str, others: str, answers: AnswerColumns) -> str:
    """What is open, without the way out."""
    count = len(group.places)
    same = f"{group.same:,} the same, {count - group.same:,} different"
    people = _people(answers, group)
    if group.where == LABELED:
        return (
            f"{_number(count)} of {people} in {name} may be those that were labeled in this study "
            f"({same})"
        )
    if group.where == WITHIN:
        why = (
            "with the same trial or time"
            if group.told
            else "and nothing tells a copy from a repeat"
        )
        start = f"{_number(count)} of {people} in {name} came before, {why} ({same})"
        judged = np.count_nonzero(answers.table == group.table)
        if not group.told and count * 2 >= judged - count:
            start += "; most images are judged more than once, as in a test-retest"
        return start
    return (
        f"{_number(count)} of {people} in {name} may be those of {others}, or given again ({same})"
    )


def _swapped(told: Told, answers: AnswerColumns, tables: Sequence[str]) -> Iterator[Doubt]:
    """Pairs that only the swapped sides tell from a copy."""
    places = np.flatnonzero(told.swapped & ~told.asked)
    place = told.pool.place[places]
    for table in np.unique(answers.table[place]).tolist():
        mine = np.sort(place[answers.table[place] == table])
        count = len(mine)
        pairs = counted(count, "pair is", "pairs are")
        them = word_for(count, "it counts as a repeat", "they count as repeats")
        yield Doubt(
            "repeats",
            f"{pairs} judged again with swapped sides in {tables[table]}; {them}.",
            tables[table],
            rows=tuple(np.unique(answers.row[mine])[:ROWS_KEPT].tolist()),
            count=count,
        )
