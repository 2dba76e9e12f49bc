"""Text from elsewhere in reports, tables and logs is read as it was written, and does nothing."""

import csv
import json
import logging
from datetime import UTC
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from prism_desktop.engine.plain_text import (
    LineFormatter,
    beginning,
    dated,
    json_text,
    many_lines,
    markdown,
    one_line,
    told_once,
)
from prism_desktop.engine.study.formula_guard import CsvWriter, restored, write_frame
from tests.fixtures.hostile_names import FORMULAS, HOSTILE, PRINTABLE, STEERING

NAMES = pytest.mark.parametrize("name", HOSTILE)


@NAMES
def test_that_a_line_holds_nothing_unseen(name: str) -> None:
    line = one_line(name)
    assert line.isprintable()
    assert not any(sign in line for sign in STEERING)


@pytest.mark.parametrize("name", PRINTABLE)
def test_that_what_is_seen_stays(name: str) -> None:
    assert one_line(name) == many_lines(name) == name


def test_that_joined_emoji_and_scripts_stay_whole() -> None:
    for name in ("👩‍👩‍👧", "Zoë", "می‌خواهم", "李 明", "שלום"):
        assert one_line(name) == name


@pytest.mark.parametrize("most", [20, 40, 60])
@pytest.mark.parametrize(
    "text",
    ["Good afternoon, your apology is most kindly accepted. The noise at the hallway remains.",
     "no more", "word " * 30, "a b\tc\nd e f g h i j k l m n o p q r s t u v w x y z a b c d e"],
)  # fmt: skip
def test_that_a_beginning_ends_with_a_whole_word_and_says_that_more_follows(
    text: str, most: int
) -> None:
    told = beginning(text, most)
    assert len(told) <= most
    if len(text) <= most:
        assert told == text
        return
    kept, more = told[:-1], told[-1]
    assert more == "…"
    assert text.startswith(kept)
    assert not text[len(kept)].isalnum()  # no word was cut


def test_that_a_beginning_of_one_long_word_or_without_blanks_is_cut_in_it() -> None:
    assert beginning("很" * 90, 20) == "很" * 19 + "…"
    assert beginning("see " + "x" * 90, 20) == "see " + "x" * 15 + "…"


def test_that_an_endless_word_is_cut_in_its_middle() -> None:
    line = one_line("first" + "x" * 100_000 + "last")
    assert len(line) < 1000
    assert line.startswith("first")
    assert line.endswith("last")
    sentence = "many short words " * 1000
    assert many_lines(sentence) == sentence


@NAMES
@pytest.mark.parametrize("form", ["{}", "- {}", "# {}", "> {}", "| a | {} |"])
def test_that_markdown_shows_a_name_as_it_is(name: str, form: str) -> None:
    source = form.format(markdown(name))
    if form.startswith("|"):
        source = f"| one | two |\n|---|---|\n{source}\n"
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(source)
    inside = page
    for tag in ("p", "ul", "li", "h1", "blockquote", "table", "thead", "tbody", "tr", "th", "td"):
        inside = inside.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    assert "<" not in inside
    assert " ".join(one_line(name).split()) in " ".join(unescape(inside).split())


@NAMES
def test_that_json_shows_nothing_unseen_and_keeps_the_value(name: str) -> None:
    text = json_text({name: [name]})
    assert json.loads(text) == {name: [name]}
    assert not any(sign in text for sign in STEERING)


@NAMES
def test_that_a_name_is_one_line_of_the_log(name: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "of %s", (name,), None)
    assert LineFormatter("%(levelname)s %(message)s").format(record) == f"ERROR of {one_line(name)}"


def test_that_a_traceback_in_the_log_cannot_pass_for_lines_of_it() -> None:
    try:
        raise ValueError("bad\n2026-01-01 00:00:00 ERROR forged\x1b[31m")
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", None, told)
    first, *more = LineFormatter("%(message)s").format(record).splitlines()
    assert first == "it failed"
    assert more
    assert all(line.startswith("    ") for line in more)
    assert "\x1b" not in "".join(more)


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _seems_formula(text: str) -> bool:
    return text.strip()[:1] in tuple("=+-@＝＋－＠") or text[:1] in ("\t", "\r", "\n")


def test_that_no_cell_is_a_formula_and_all_come_back(tmp_path: Path) -> None:
    names = [name for name in (*HOSTILE, "  =x", "\t=x", "\r=x", "'x") if name.isprintable()]
    frame = pd.DataFrame({"name": names, "=score": -0.25, "count": range(-3, len(names) - 3)})
    write_frame(frame, tmp_path / "frame.csv")
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file)
        for row in (frame.columns, *frame.itertuples(index=False)):
            writer.row(row)
    for path in (tmp_path / "frame.csv", tmp_path / "rows.csv"):
        head, *rows = _cells(path)
        assert [restored(name) for name in head] == list(frame)
        assert not any(_seems_formula(text) for text in (*head, *(row[0] for row in rows)))
        assert [restored(row[0]) for row in rows] == names
        assert {row[1] for row in rows} == {"-0.25"}  # numbers stay numbers
        assert [int(row[2]) for row in rows] == list(frame["count"])


@pytest.mark.parametrize("name", [*FORMULAS, "a\rb", "a\nb", "a\ud800b", "\r=x"])
def test_that_a_cell_never_ends_its_row(tmp_path: Path, name: str) -> None:
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        CsvWriter(file).row((name, 1.5))
    ((text, score),) = _cells(tmp_path / "rows.csv")
    assert score == "1.5"
    if "\ud800" in name:  # which no frame can hold, and no file
        assert text == "a\\ud800b"
        return
    write_frame(pd.DataFrame({"name": [name], "score": [1.5]}), tmp_path / "frame.csv")
    assert _cells(tmp_path / "frame.csv") == [["name", "score"], [text, "1.5"]]


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e18, -1e18, 1e300, 10**40])
def test_that_an_impossible_moment_is_a_dash(moment: float) -> None:
    assert dated(moment, "%d %B %Y") == "–"
    assert dated(0, "%Y-%m-%d", UTC) == "1970-01-01"


def test_that_sentences_that_differ_in_a_name_alone_are_told_once() -> None:
    told = [(name, f"{name} is new.") for name in ("a1", "b", "c", "d")]
    others = [("", "Rows were left out."), ("x", "x is old."), ("", "Rows were left out.")]
    assert told_once([*told[:2], *others, *told[2:]], 2) == [
        "a1 is new; the same of b, c and 1 more.",
        "Rows were left out.",
        "x is old.",
    ]
