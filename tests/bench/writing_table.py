"""The tables of docs/results.md of a comparison of methods that write.

`python -m tests.bench.writing_table STUDY/writing-comparisons/NAME`, after `compare --task
writing`.
"""

import sys
from pathlib import Path

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.writing_files import (
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
)
from prism_desktop.engine.writing.board_table import measures_of, shots_of


def main() -> int:
    """Print them."""
    board = WritingLeaderboard.load(Path(sys.argv[1]) / layout.LEADERBOARD)
    if board is None:
        print(f"There is no leaderboard in {sys.argv[1]}.")
        return 1
    print_tables(board)
    return 0


def print_tables(board: WritingLeaderboard) -> None:
    """The tables, the least NLL first, and what failed."""
    if board.unfinished:
        print(f"\n{board.unfinished}")
    few = board.methods[0].summary.test
    if few.few:
        print(f"\nToo few to tell: {counted(few.people, 'person')}.")
    print(
        "\n| method | NLL | gain over unified | improved | worst | lose beyond noise | gain over "
        f"{board.retrieval.removeprefix('retrieval-')} | exchanged | new: 0, 5, 10, 30 texts "
        "at most | numbers per person | context tokens | minutes |\n"
        "|---|---|---|---:|---|---:|---|---:|---|---:|---:|---:|"
    )
    for row in board.methods:
        print(_row(row))
    for one in board.failed:
        print(f"\n{one.method} failed: {one.message}")
    if any(row.summary.quality for row in board.methods):
        _print_quality(board)


def _print_quality(board: WritingLeaderboard) -> None:
    """How near generated texts come, and whether methods that foretell better write nearer."""
    found = [(row, one) for row in board.methods if (one := row.summary.quality) is not None]
    names = measures_of(board.methods)
    if not names:
        return
    new = f"{names[0]} of new: {', '.join(map(str, shots_of(board.methods)))}"
    print(f"\n| method | NLL | {' | '.join(names)} | {new} | replaced | prefill, token (ms) |")
    print(f"|---|---:|{'---:|' * (len(names) + 3)}")
    for row, one in found:
        shares = [_nats(one.measures[name]) if name in one.measures else "" for name in names]
        took = one.latency
        times = "" if took is None or took.prefill is None or took.token is None else (
            f"{1000 * took.prefill:.0f}, {1000 * took.token:.1f}"
        )  # fmt: skip
        replaced = "" if row.compression is None else f"{row.compression:.1f}"
        late = [each.measures.get(names[0]) for each in row.summary.entered]
        near = ", ".join("-" if each is None else f"{each.value or 0:.3f}" for each in late)
        nll = f"{row.summary.test.value or 0:.3f}"
        cells = (f"`{row.method}`", nll, *shares, near, replaced, times)
        print(f"| {' | '.join(cells)} |")
    for name, told in board.agreement.items():
        print(f"Spearman of NLL, turned round, with {name}: {told.rho} (p {told.p})")


def _row(row: WritingRow) -> str:
    one, over = row.summary, row.over_unified
    new = ", ".join(f"{each.score.value:.3f}" for each in one.entered if each.score.value)
    worst = over.worst_gain if over else None
    cells = (
        f"`{row.method}`", _nats(one.test), _gain(over),
        f"{over.improved}/{over.of}" if over else "", f"{worst.value:+.3f}" if worst else "",
        f"{len(over.let_down)}/{over.several}" if over else "",
        _gain(row.over_retrieval), f"{one.swapped.value:.3f}" if one.swapped else "", new,
        f"{one.per_person_numbers:,}", f"{one.context_tokens:.0f}", f"{one.seconds / 60:.1f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _nats(one: MeanOverPeople) -> str:
    if one.value is None:
        return ""
    between = "" if one.low is None else f" ({one.low:.3f} to {one.high:.3f})"
    return f"{one.value:.3f}{between}"


def _gain(one: WritingGain | None) -> str:
    if one is None or one.mean.value is None:
        return ""
    mean = one.mean
    between = "" if mean.both_low is None else f" ({mean.both_low:.3f} to {mean.both_high:.3f})"
    return f"{mean.value:+.3f}{between}"


if __name__ == "__main__":
    sys.exit(main())
