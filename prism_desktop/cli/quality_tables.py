"""How near generated texts come to own ones, and what writing costs, as tables and as CSV."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from rich.table import Table

from prism_desktop.engine.files import text_file
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.writing_files import (
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.study.formula_guard import CsvWriter
from prism_desktop.engine.writing.board_table import (
    board_table,
    latency_of,
    measures_of,
    shots_of,
)
from prism_desktop.engine.writing.board_words import measure_head


def quality_tables(board: WritingLeaderboard) -> Iterator[Table]:
    """Tables of a leaderboard beside those of the NLL; none where nothing was written."""
    names = measures_of(board.methods)
    if names:
        yield _nearness(board, names)
        yield _bounds(board, names[0])
        for key, over in (("unified", "unified"), ("retrieval", board.retrieval)):
            if any(getattr(row, f"quality_over_{key}") for row in board.methods):
                yield _gains(board, key, over, names)
        if any(one.measures for row in board.methods for one in row.summary.entered):
            yield _nearness_of_new(board, names[0])
    yield _sizes(board)
    if names:
        yield _times(board)


def quality_table(summary: WritingSummary) -> Iterator[Table]:
    """The same of a single run."""
    if summary.quality is None:
        return
    title = f"Generated texts of {summary.method} beside the own ones"
    table = _table(title, ("measure", "value", "over people", "over both"))
    for name, one in summary.quality.measures.items():
        if one.value is not None:
            bounds = _interval(one.low, one.high), _interval(one.both_low, one.both_high)
            table.add_row(measure_head(name, summary.quality), f"{one.value:.3f}", *bounds)
    yield table
    late = [one for one in summary.entered if one.measures]
    if late:
        heads = [counted(one.examples, "text") for one in late]
        table = _table("Texts written as held-out people, entered with", ("measure", *heads))
        for name in summary.quality.measures:
            found = [one.measures.get(name, MeanOverPeople()) for one in late]
            table.add_row(measure_head(name, summary.quality), *map(_both, found))
        yield table


def _nearness_of_new(board: WritingLeaderboard, name: str) -> Table:
    """The first measure of texts written as held-out people; the others are in the file."""
    shots = shots_of(board.methods)
    title = (
        f"{measure_head(name, None)} of texts written as held-out people, entered with at most\n"
        "(* nearer or farther than unified, p < 0.05, Holm)"
    )
    heads = (counted(shots[0], "text"), *map(str, shots[1:]))
    table = _table(title, ("method", *heads))
    for row in board.methods:
        known = {one.examples: one.measures.get(name) for one in row.summary.entered}
        gains = {one.examples: one.quality_over_unified.get(name) for one in row.entered}
        if any(known.values()):
            cells = [_both(known.get(count)) + _star(gains.get(count)) for count in shots]
            table.add_row(row.method, *cells)
    return table


def _both(one: MeanOverPeople | None) -> str:
    """A share with its interval over people and prompts."""
    if one is None or one.value is None:
        return "-"
    return f"{one.value:.3f} {_interval(one.both_low, one.both_high)}"


def _nearness(board: WritingLeaderboard, names: list[str]) -> Table:
    told = next(row.summary.quality for row in board.methods if row.summary.quality)
    heads = [measure_head(name, told) for name in names]
    table = _table("Generated texts beside the own ones", ("method", "NLL", *heads))
    for row in board.methods:
        nll, found = row.summary.test.value, _of(row, names)
        cells = ["-" if one.value is None else f"{one.value:.3f}" for one in found]
        table.add_row(row.method, "-" if nll is None else f"{nll:.3f}", *cells)
    return table


def _of(row: WritingRow, names: list[str]) -> list[MeanOverPeople]:
    measures = row.summary.quality.measures if row.summary.quality else {}
    return [measures.get(name, MeanOverPeople()) for name in names]


def _bounds(board: WritingLeaderboard, name: str) -> Table:
    """The intervals of the first measure; those of the others are in the file."""
    head = measure_head(name, None)
    table = _table("", ("method", head, "over people", "over both"))
    for row in board.methods:
        (one,) = _of(row, [name])
        if one.value is not None:
            table.add_row(row.method, f"{one.value:.3f}", _interval(one.low, one.high),
                          _interval(one.both_low, one.both_high))  # fmt: skip
    return table


def _gains(board: WritingLeaderboard, key: str, over: str, names: list[str]) -> Table:
    """What every method's texts are nearer than a reference's; a star is p < 0.05 after Holm."""
    told = next(row.summary.quality for row in board.methods if row.summary.quality)
    heads = [measure_head(name, told) for name in names]
    table = _table(f"nearer than {over} (* p < 0.05, Holm)", ("method", *heads))
    for row in board.methods:
        gains: Mapping[str, WritingGain] = getattr(row, f"quality_over_{key}")
        if gains:
            table.add_row(row.method, *(_gain(gains.get(name)) for name in names))
    return table


def _gain(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.value is None:
        return "-"
    return f"{gain.mean.value:+.3f}{_star(gain)}"


def _star(gain: WritingGain | None) -> str:
    """Of a difference that is beyond chance, for better or worse."""
    p = None if gain is None else gain.mean.p
    return "*" if p is not None and p < 0.05 else ""


def _sizes(board: WritingLeaderboard) -> Table:
    """What belongs to a person, and what stands before each text."""
    title = f"replaced: tokens of {board.replaced}'s context per soft token"
    head = ("method", "per person", "soft tokens", "context", "replaced")
    table = _table(title if board.replaced else "", head)
    for row in board.methods:
        one = row.summary
        worth = "-" if row.compression is None else f"{row.compression:.1f}"
        table.add_row(row.method, f"{one.per_person_numbers:,}", f"{one.soft_tokens:,}",
                      f"{one.context_tokens:.0f}", worth)  # fmt: skip
    return table


def _times(board: WritingLeaderboard) -> Table:
    """How long a text takes."""
    title = "ms on the machine that tested, one text at a time; trainings beside it slow it down"
    table = _table(title, ("method", "first token", "p95", "further ones", "p95"))
    for row in board.methods:
        table.add_row(row.method, *map(_ms, latency_of(row.summary.quality)))
    return table


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.1f}"


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(box=None, title=title)
    for place, column in enumerate(columns):
        side: Literal["left", "right"] = "right" if place else "left"
        table.add_column(column, justify=side, no_wrap=not place)
    return table


def write_board(beside: Path, board: WritingLeaderboard) -> None:
    """A leaderboard of the task writing as CSV, a row for each method."""
    head, body = board_table(board)
    with text_file(beside) as file:
        writer = CsvWriter(file)
        for line in (head, *body):
            writer.row(line)
