"""What of an import counts, is a copy, repeats an earlier answer, or has to be asked for.

Rows read "TABLE LABELER IMAGE VALUE [fact=value ...]"; a pair is "x1,x2" and its value L, T or R.
Facts: t trial, p presentation, s session, o onset, rt seconds, a attribute.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.study.importing.answer_columns import (
    LEFT,
    NONE,
    RIGHT,
    TIE,
    AnswerColumns,
)
from prism_desktop.engine.study.importing.repeats import answer_pairs
from prism_desktop.engine.study.importing.repeats.repeats import Repeats, find_repeats
from prism_desktop.engine.study.known_answers import IMPORTED, LABELED, SIMULATED, KnownAnswers

KINDS = ("table", "who", "image", "a", "s", "t", "p")
VALUES = {"L": float(LEFT), "T": float(TIE), "R": float(RIGHT), "skip": np.nan}


def code(names: dict[str, int], name: str | None) -> int:
    return NONE if name is None else names.setdefault(name, len(names))


def answers_of(rows: list[str]) -> tuple[AnswerColumns, tuple[str, ...]]:
    names: dict[str, dict[str, int]] = {
        word: {} for word in ["table", "who", "image", "a", "s", "t", "p"]
    }
    columns: dict[str, list[float]] = {}
    for number, row in enumerate(rows, start=2):
        table, who, images, value, *pairs = row.split()
        facts = dict(pair.split("=") for pair in pairs)
        left, _, right = images.partition(",")
        cells = {
            "table": code(names["table"], table),
            "row": number,
            "comparison": bool(right),
            "labeler": code(names["who"], who),
            "left": code(names["image"], left),
            "right": code(names["image"], right or None),
            "attribute": NONE if value == "skip" else code(names["a"], facts.get("a", "nice")),
            "value": VALUES[value] if value in VALUES else float(value),
            "session": code(names["s"], facts.get("s")),
            "trial": code(names["t"], facts.get("t")),
            "presentation": code(names["p"], facts.get("p")),
            "onset": float(facts.get("o", "nan")),
            "seconds": float(facts.get("rt", "nan")),
        }
        for name, cell in cells.items():
            columns.setdefault(name, []).append(cell)
    types = {"comparison": np.bool_, "value": float, "onset": float, "seconds": float}
    arrays: dict[str, Any] = {
        name: np.array(c, types.get(name, np.int32)) for name, c in columns.items()
    }
    coded: dict[str, Any] = {
        "labelers": tuple(names["who"]),
        "images": tuple(names["image"]),
        "attributes": tuple(names["a"]),
        "sessions": tuple(names["s"]),
        "trials": tuple(names["t"]),
        "presentations": tuple(names["p"]),
    }
    return AnswerColumns(**coded, **arrays), tuple(names["table"])


def known_of(rows: list[str]) -> KnownAnswers | None:
    """Known answers; the table's name is the import's, "labeled" or "simulated"."""
    if not rows:
        return None
    answers, tables = answers_of(rows)
    places = answers.table
    source = np.array(
        [{"labeled": LABELED, "simulated": SIMULATED}.get(tables[t], IMPORTED) for t in places],
        np.int8,
    )
    shared: tuple[str, ...] = (
        "labelers",
        "images",
        "attributes",
        "labeler",
        "left",
        "right",
        "attribute",
    )
    shared += ("comparison", "value", "onset", "seconds", "session")
    return KnownAnswers(
        **{name: getattr(answers, name) for name in shared},
        imports=tables,
        order=np.arange(len(rows), dtype=np.int32),
        source=source,
        imported=np.where(source == IMPORTED, places, NONE).astype(np.int32),
        trial=np.arange(101, 101 + len(rows), dtype=np.int64),
    )


def verdicts(rows: list[str], known: list[str] | None = None) -> str:
    """One letter per row: k kept, r kept as a repeat, c copy, ? asked for."""
    answers, tables = answers_of(rows)
    keep, skip = (find_repeats(answers, known_of(known or []), a, tables) for a in ("keep", "skip"))
    asked = keep.keep & ~skip.keep
    again = (skip.repeat_of != NONE) | (skip.repeats_known != NONE)
    ask = find_repeats(answers, known_of(known or []), "ask", tables)
    assert bool(ask.decisions) == bool(asked.any())
    assert sum(d.count for d in ask.decisions) == asked.sum()
    assert sum(count for _, _, count in keep.copies) == (~keep.keep).sum()
    assert sum(count for _, _, count in skip.copies) == (~skip.keep).sum()
    for decision in ask.decisions:
        assert decision.text.endswith("--again keep or --again skip.")
    return "".join(
        "c" if not keep.keep[i] else "?" if asked[i] else "r" if again[i] else "k"
        for i in range(len(rows))
    )


def rated(table: str, who: str, values: str, start: int = 1, facts: str = "") -> list[str]:
    """Ratings of x1, x2, ... in a row; "{i}" in the facts is the image's number."""
    return [
        f"{table} {who} x{i} {value} {facts.format(i=i)}"
        for i, value in enumerate(values, start=start)
    ]


def paired(table: str, who: str, outcomes: str, swap: bool = False) -> list[str]:
    """Outcomes of x1,y1, x2,y2, ..., seen from x; swapped sides are written from y's side."""
    turned = {"L": "R", "R": "L", "T": "T"}
    return [
        f"{table} {who} y{i},x{i} {turned[o]}" if swap else f"{table} {who} x{i},y{i} {o}"
        for i, o in enumerate(outcomes, start=1)
    ]


R, P = rated, paired
A10, B10 = "2345671234", "3344567122"  # the second differs from the first in most places
SCENARIOS: dict[str, tuple[list[str], list[str], str]] = {
    # one table, something tells
    "nothing twice": (R("a", "P1", "234"), [], "kkk"),
    "another labeler": (R("a", "P1", "23") + R("a", "P2", "23"), [], "kkkk"),
    "another attribute": (["a P1 x1 3 a=nice", "a P1 x1 3 a=kind"], [], "kk"),
    "a rating and a pair": (["a P1 x1 1", "a P1 x1,x2 L"], [], "kk"),
    "other trials": (["a P1 x1 3 t=1", "a P1 x1 3 t=2"], [], "kr"),
    "other times": (["a P1 x1 3 o=100", "a P1 x1 4 o=200"], [], "kr"),
    "other numbers": (["a P1 x1 3 p=1", "a P1 x1 3 p=9"], [], "kr"),
    "other sessions": (R("a", "P1", "234", 1, "s=1") + R("a", "P1", "234", 1, "s=2"), [], "kkkrrr"),
    "other response times": (["a P1 x1 3 rt=0.512", "a P1 x1 3 rt=0.733"], [], "kr"),
    "the same trial twice": (["a P1 x1 3 t=1", "a P1 x2 3 t=2", "a P1 x1 3 t=1"], [], "kkc"),
    "the same time twice": (["a P1 x1 3 o=100", "a P1 x2 3 o=200", "a P1 x1 3 o=100"], [], "kkc"),
    "the same trial, another answer": (["a P1 x1 3 t=1", "a P1 x1 4 t=1"], [], "k?"),
    "the same time, another answer": (["a P1 x1 3 o=100", "a P1 x1 4 o=100"], [], "k?"),
    "trial is the image's name": (
        R("a", "P1", A10, 1, "t=i{i}") + R("a", "P1", B10, 1, "t=i{i}"),
        [],
        "k" * 10 + "?" * 10,
    ),
    "one session says nothing": (["a P1 x1 3 s=1", "a P1 x2 3 s=1", "a P1 x1 3 s=1"], [], "kk?"),
    "a date says nothing": (["a P1 x1 3 o=0", "a P1 x2 3 o=0", "a P1 x1 3 o=0"], [], "kk?"),
    "a block's number says nothing": (
        ["a P1 x1 3 p=1", "a P1 x2 3 p=1", "a P1 x1 3 p=1"],
        [],
        "kk?",
    ),
    "one time is not known": (["a P1 x1 3 o=100", "a P1 x1 3"], [], "k?"),
    "three of which one is a copy": (
        ["a P1 x1 3 t=1", "a P1 x1 3 t=2", "a P1 x1 3 t=2"],
        [],
        "krc",
    ),
    "a trial pasted": (R("a", "P1", "234", 1, "t={i}") * 2, [], "kkkccc"),
    # one table, nothing tells
    "one double": (["a P1 x1 3", "a P1 x2 4", "a P1 x1 3"], [], "kk?"),
    "one correction": (["a P1 x1 3", "a P1 x2 4", "a P1 x1 5"], [], "kk?"),
    "two doubles": (["a P1 x1 3", "a P1 x2 3"] * 2, [], "kk??"),
    "pasted twice": (R("a", "P1", "2345") * 2, [], "kkkkcccc"),
    "pasted three times": (R("a", "P1", "2345") * 3, [], "kkkk" + "c" * 8),
    "pasted, two labelers": (
        (R("a", "P1", "234") + R("a", "P2", "333")) * 2,
        [],
        "k" * 6 + "c" * 6,
    ),
    "a block of five again": (R("a", "P1", A10) + R("a", "P1", "34567", 2), [], "k" * 10 + "ccccc"),
    "four again": (R("a", "P1", A10) + R("a", "P1", "3456", 2), [], "k" * 10 + "????"),
    "sorted doubles": ([r for r in R("a", "P1", A10) for _ in "ab"], [], "kc" * 10),
    "test-retest": (R("a", "P1", A10) + R("a", "P1", B10), [], "k" * 10 + "?" * 10),
    "test-retest, one consistent": (
        R("a", "P1", A10) * 2 + R("a", "P2", A10) + R("a", "P2", B10),
        [],
        "k" * 10 + "?" * 10 + "k" * 10 + "?" * 10,
    ),
    "a skip twice is no answer twice": (["a P1 x1 skip", "a P1 x2 3", "a P1 x1 skip"], [], "kkc"),
    "a skip, then an answer": (["a P1 x1 skip", "a P1 x1 3"], [], "kk"),
    # several tables
    "a sheet of a part": (R("all", "P1", "234567") + R("sub", "P1", "456", 3), [], "k" * 6 + "ccc"),
    "the part comes first": (R("sub", "P1", "456", 3) + R("all", "P1", "234567"), [], "kkkkkccck"),
    "sheets overlap in part": (R("a", "P1", "2345") + R("b", "P1", "34567", 2), [], "kkkkccckk"),
    "sheets overlap and differ": (
        R("a", "P1", "2345") + R("b", "P1", "34477", 2),
        [],
        "kkkk???kk",
    ),
    "one of many differs": (
        R("a", "P1", A10 * 3) + R("b", "P1", A10 * 2 + "2345671235"),
        [],
        "k" * 30 + "c" * 29 + "?",
    ),
    "sheets disagree": (R("a", "P1", "2345") + R("b", "P1", "2355"), [], "kkkk????"),
    "three sheets": (
        R("a", "P1", "234") + R("b", "P1", "234") + R("c", "P1", "234"),
        [],
        "kkk" + "c" * 6,
    ),
    "sheets share one answer": (["a P1 x1 3", "a P1 x2 3", "b P1 x1 3"], [], "kk?"),
    "sheets share one each of many": (
        [r for i in range(4) for r in (f"a P{i} x{i} 3", f"b P{i} x{i} 3")],
        [],
        "kc" * 4,
    ),
    "sheets in other orders": (R("a", "P1", "2345") + R("b", "P1", "2345")[::-1], [], "kkkkcccc"),
    "one labeler's part is a copy": (
        R("a", "P1", A10) + R("a", "P2", A10) + R("b", "P1", A10) + R("b", "P2", B10),
        [],
        "k" * 20 + "c" * 10 + "?" * 10,
    ),
    "a second wave with times": (
        R("a", "P1", "2345", 1, "o=10{i}") + R("b", "P1", "2355", 1, "o=90{i}"),
        [],
        "kkkkrrrr",
    ),
    "waves by session": (
        R("a", "P1", "2345", 1, "s=1") + R("b", "P1", "2345", 1, "s=2"),
        [],
        "kkkkrrrr",
    ),
    "a second wave numbered alike": (
        R("a", "P1", "2345", 1, "t={i}") + R("b", "P1", "2456", 1, "t={i}"),
        [],
        "kkkk????",
    ),
    "a sheet numbered anew": (
        R("a", "P1", A10, 1, "p=1{i}") + R("b", "P1", A10, 1, "p=2{i}"),
        [],
        "k" * 10 + "?" * 10,
    ),
    "times in another zone": (
        [f"a P1 x{i} {v} o={1000 + 7 * i * i}" for i, v in enumerate(A10)]
        + [f"b P1 x{i} {v} o={4600 + 7 * i * i}" for i, v in enumerate(A10)],
        [],
        "k" * 10 + "?" * 10,
    ),
    "judged twice in both sheets": (
        ["a P1 x1 3 p=1", "a P1 x2 4 p=2", "a P1 x1 5 p=3", *R("b", "P1", "34"), "b P1 x1 5"],
        [],
        "kkrccc",
    ),
    # pairs
    "swapped and won again": (["a P1 x1,x2 L", "a P1 x3,x4 R", "a P1 x2,x1 R"], [], "kkr"),
    "swapped, the other wins": (["a P1 x1,x2 R", "a P1 x3,x4 R", "a P1 x2,x1 R"], [], "kkr"),
    "swapped in one trial": (
        ["a P1 x1,x2 L t=1", "a P1 x3,x4 R t=2", "a P1 x2,x1 R t=1"],
        [],
        "kkc",
    ),
    "winners first": (["a P1 x1,x2 L", "a P1 x2,x1 L"], [], "k?"),
    "the same pair twice": (["a P1 x1,x2 R", "a P1 x1,x2 R"], [], "k?"),
    "pairs pasted": (P("a", "P1", "LRTLR") * 2, [], "kkkkkccccc"),
    "few equal pairs in two sheets": (P("a", "P1", "LRTL") + P("b", "P1", "LRTL"), [], "kkkk????"),
    "many equal pairs in two sheets": (
        P("a", "P1", "LRTLRRLL") + P("b", "P1", "LRTLRRLL"),
        [],
        "k" * 8 + "c" * 8,
    ),
    # the study
    "week 2 holds week 1": (R("w2", "P1", "23456"), R("w1", "P1", "234"), "ccckk"),
    "the same file again": (R("w2", "P1", "234")[::-1], R("w1", "P1", "234"), "ccc"),
    "some of its rows": (R("w2", "P1", "456", 3), R("w1", "P1", A10), "ccc"),
    "week 2 has other answers": (R("w2", "P1", "2455"), R("w1", "P1", "234"), "???k"),
    "one answer in common": (["w2 P1 x1 3", "w2 P1 x9 4"], ["w1 P1 x1 3"], "?k"),
    "one answer amid others' copies": (
        [*R("w2", "P2", "2345"), "w2 P1 x1 3"],
        [*R("w1", "P2", "2345"), "w1 P1 x1 3"],
        "ccccc",
    ),
    "known by time": (["w2 P1 x1 3 o=100", "w2 P1 x2 3 o=200"], ["w1 P1 x1 3 o=100"], "ck"),
    "another time": (["w2 P1 x1 3 o=300", "w2 P1 x2 3 o=400"], ["w1 P1 x1 3 o=100"], "rk"),
    "repeats in both": (
        ["w2 P1 x1 3 p=1", "w2 P1 x2 4 p=2", "w2 P1 x1 5 p=3", "w2 P1 x9 5 p=4"],
        ["w1 P1 x1 3", "w1 P1 x2 4", "w1 P1 x1 5"],
        "ccck",
    ),
    "a repeat since": (
        [*R("w2", "P1", "234", 1, "p={i}"), "w2 P1 x1 3 p=7", "w2 P1 x2 5 p=8"],
        R("w1", "P1", "234"),
        "cccrr",
    ),
    "labeled here, few": (["w2 P1 x1 3"], ["labeled P1 x1 3 o=100"], "r"),
    "labeled here, others": (R("w2", "P1", "2345"), R("labeled", "P1", "2354"), "rrrr"),
    "labeled here, all equal": (R("w2", "P1", "2345"), R("labeled", "P1", "2345"), "????"),
    "labeled at this time": (["w2 P1 x1 3 o=100"], ["labeled P1 x1 3 o=100"], "?"),
    "simulated": (["w2 P1 x1 3"], ["simulated P1 x1 3"], "r"),
    "nobody known": (R("w2", "P9", "234"), R("w1", "P1", "234"), "kkk"),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_that_an_answer_counts_once_and_a_repeat_as_a_repeat(name: str) -> None:
    rows, known, expected = SCENARIOS[name]
    assert verdicts(rows, known) == expected


def found(rows: list[str], known: list[str] | None = None, again: str = "ask") -> Repeats:
    answers, tables = answers_of(rows)
    return find_repeats(answers, known_of(known or []), again, tables)  # type: ignore[arg-type]


def test_that_sentences_say_how_many_and_where() -> None:
    sheets = found(rated("ALL", "P1", "234567") + rated("Asian_Female", "P1", "456", 3))
    assert [d.text for d in sheets.doubts] == [
        "Asian_Female repeats 3 answers of ALL; they count once."
    ]
    assert sheets.doubts[0].rows == (8, 9, 10)
    assert sheets.copies == (("stands in ALL too", (8, 9, 10), 3),)
    weeks = found(rated("w2.csv", "P1", "2345"), rated("w1.csv", "P1", "234"))
    assert [d.text for d in weeks.doubts] == [
        "3 answers of P1 in w2.csv are there already, from w1.csv; they count once."
    ]
    assert weeks.doubts[0].kind == "there-already"


def test_that_a_question_counts_equal_and_different_answers() -> None:
    (decision,) = found(rated("a", "P1", "2345") + rated("b", "P1", "2355")).decisions
    assert (decision.kind, decision.count, decision.table) == ("again", 4, "b")
    assert "3 the same, 1 different" in decision.text
    assert [c.change for c in decision.choices] == [{"again": "keep"}, {"again": "skip"}]
    (retest,) = found(rated("a", "P1", A10) + rated("a", "P1", B10)).decisions
    assert "test-retest" in retest.text
    (double,) = found([*rated("a", "P1", A10), "a P1 x1 2"]).decisions
    assert "test-retest" not in double.text


def test_that_at_most_three_names_stand_in_a_sentence() -> None:
    rows = [row for i in range(9) for row in (f"a P{i} x1 3", f"a P{i} x1 4")]
    (decision,) = found(rows).decisions
    assert "P0, P1, P2 and 6 more" in decision.text


def test_that_keep_counts_repeats_and_names_what_they_repeat() -> None:
    kept = found(["a P1 x1 3", "a P1 x1 4"], again="keep")
    assert kept.keep.tolist() == [True, True]
    assert kept.repeat_of.tolist() == [NONE, 0]
    assert kept.decisions == ()
    skipped = found(["a P1 x1 3", "a P1 x1 4"], again="skip")
    assert skipped.keep.tolist() == [True, False]
    assert skipped.copies[0][1:] == ((3,), 1)


def test_that_a_repeat_of_a_known_answer_names_its_trial() -> None:
    rows = ["w2 P1 x2 4 o=300", "w2 P1 x1 3 o=400", "w2 P1 x1 3 o=500"]
    repeats = found(rows, ["w1 P9 x1 3 o=100", "w1 P1 x1 3 o=100"])
    assert repeats.repeats_known.tolist() == [NONE, 102, 102]
    assert repeats.repeat_of.tolist() == [NONE, NONE, NONE]


def test_that_a_swapped_repeat_is_told() -> None:
    swapped = found(["a P1 x1,x2 L", "a P1 x3,x4 R", "a P1 x2,x1 R"])
    assert swapped.repeat_of.tolist() == [NONE, NONE, 0]
    assert [(d.kind, d.rows) for d in swapped.doubts] == [("repeats", (4,))]


def test_that_no_answers_are_no_repeats() -> None:
    answers, tables = answers_of(["a P1 x1 3"])
    empty = find_repeats(answers.only(np.zeros(1, np.bool_)), None, "ask", tables)
    assert len(empty.keep) == 0
    assert (empty.doubts, empty.decisions) == ((), ())


def test_that_answers_too_many_to_compare_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"a P1 x1 3 t={i}" for i in range(30)]
    assert verdicts(rows) == "k" + "r" * 29
    monkeypatch.setattr(answer_pairs, "PAIRS_COMPARED", 100)
    assert "?" in verdicts(rows)


@dataclass(frozen=True)
class Row:
    """A generated row."""

    table: str
    who: str
    images: str
    value: str
    facts: str

    def __str__(self) -> str:
        return f"{self.table} {self.who} {self.images} {self.value} {self.facts}"


ratings = st.builds(
    Row,
    st.just("a"),
    st.sampled_from(["P1", "P2", "P3"]),
    st.sampled_from(["x1", "x2", "x3", "x4"]),
    st.sampled_from("12345"),
    st.sampled_from(["", "t=1", "t=2", "o=100", "o=200", "s=1", "s=2", "p=1", "rt=0.5 o=300"]),
)
pairs = st.builds(
    Row,
    st.just("a"),
    st.sampled_from(["P1", "P2"]),
    st.sampled_from(["x1,x2", "x2,x1", "x2,x3", "x3,x1"]),
    st.sampled_from("LTR"),
    st.sampled_from(["", "t=1", "t=2", "o=100"]),
)
tables = st.lists(ratings | pairs, min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(tables, st.booleans())
def test_that_no_two_kept_answers_are_equal_in_all_that_tells(
    rows: list[Row], several: bool
) -> None:
    if several:  # of ratings: a swapped pair in one of two tables is a repeat by design
        rows = [row for row in rows if "," not in row.images]
        rows = [replace(row, table="ab"[i % 2]) for i, row in enumerate(rows)]
    assume(rows)
    keep = found([*map(str, rows)], again="skip").keep
    kept = [row for row, it in zip(rows, keep, strict=True) if it]
    seen = [(row.who, row.images, row.value, row.facts) for row in kept]
    assert len(set(seen)) == len(seen)


@settings(max_examples=150, deadline=None)
@given(tables, st.sampled_from(["keep", "skip", "ask"]))
def test_that_every_answer_is_kept_or_told_as_left_out(rows: list[Row], again: str) -> None:
    repeats = found([*map(str, rows)], again=again)
    left_out = sorted(row for _, numbers, _ in repeats.copies for row in numbers)
    assert left_out == (np.flatnonzero(~repeats.keep) + 2).tolist()
    origin = repeats.repeat_of[repeats.repeat_of != NONE]
    assert repeats.keep[origin].all()
    assert repeats.keep[repeats.repeat_of != NONE].all()
    assert (repeats.decisions == ()) or again == "ask"


@settings(max_examples=150, deadline=None)
@given(tables)
def test_that_the_first_of_two_copies_of_a_file_is_what_stays(rows: list[Row]) -> None:
    lines = [*map(str, rows)]
    alone = found(lines, again="skip").keep
    twice = found(lines + lines, again="skip").keep
    assert twice.tolist() == alone.tolist() + [False] * len(lines)


@settings(max_examples=150, deadline=None)
@given(tables, tables)
def test_that_a_file_taken_in_before_brings_nothing(rows: list[Row], more: list[Row]) -> None:
    """All that a study holds of a file with times is there already, whatever follows it."""
    known = [f"{row.who} {row.images} {row.value} o={i}" for i, row in enumerate(rows)]
    later = [f"{row.who} {row.images} {row.value} o={1000 + i}" for i, row in enumerate(more)]
    result = found(
        [f"w2 {row}" for row in known + later], [f"w1 {row}" for row in known], again="skip"
    )
    assert result.keep.tolist() == [False] * len(known) + [True] * len(later)


@settings(max_examples=150, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_that_the_order_of_other_labelers_rows_changes_nothing(
    rows: list[Row], random: Random
) -> None:
    lines = [str(row) for row in rows]
    who = lines[0].split()[1]
    places = [i for i, line in enumerate(lines) if line.split()[1] == who]
    others = [i for i, line in enumerate(lines) if line.split()[1] != who]
    mixed = sorted([(random.random(), i) for i in others])
    order = places + [i for _, i in mixed]
    for again in ("keep", "skip"):
        before = found(lines, again=again).keep[places]
        after = found([lines[i] for i in order], again=again).keep[: len(places)]
        assert before.tolist() == after.tolist()
