"""A leaderboard of the task writing as numbers, unrounded, a row for each method."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.writing_files import (
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingQuality,
    WritingRow,
)

_BOUNDS: Final = ("low", "high", "both_low", "both_high")
_COSTS: Final = (
    "prefill_seconds", "prefill_seconds_p95", "token_seconds", "token_seconds_p95",
)  # fmt: skip
_REFERENCES: Final = ("unified", "retrieval")
Cells = dict[str, object]  # by column


def read_board(comparison: Path) -> WritingLeaderboard | None:
    """The leaderboard of a comparison of methods that write; None where there is none yet.

    Args:
        comparison: its folder.

    Raises:
        UnreadableError: it cannot be read, holds something else, or is not what was written.
    """
    check_file(comparison, layout.LEADERBOARD)
    board = WritingLeaderboard.from_file(comparison / layout.LEADERBOARD)
    if board is not None and not board.methods:  # as any other record is read, and none is written
        raise UnreadableError(comparison / layout.LEADERBOARD, "it names no method")
    return board


def newest_board(study: Path) -> WritingLeaderboard | None:
    """The newest comparison of methods that write that is finished, else the newest at all.

    Args:
        study: its folder.
    """
    boards = _boards(study)[0]
    return next((board for board in boards if board.finished), next(iter(boards), None))


def boards_left_out(study: Path) -> str:
    """Which comparisons of methods that write cannot be read, and so are none of which
    `newest_board` is the newest, in a sentence; empty if all can."""
    odd = _boards(study)[1]
    if not odd:
        return ""
    names = few([error.path.parent.name for error in odd], 3)
    why = odd[0].why if len(odd) == 1 else "study check says why"
    what = counted(len(odd), "comparison")
    return (
        f"Left out: {what} that cannot be read, {names} ({why}). Compare anew, or put a copy of "
        "the file back."
    )


def _boards(study: Path) -> tuple[list[WritingLeaderboard], list[UnreadableError]]:
    """Those of a study, the newest first, and what is said of those that cannot be read."""
    found = (study / layout.WRITING_COMPARISONS).glob(f"*/{layout.LEADERBOARD}")
    boards, odd = [], []
    for path in sorted(found, key=_written, reverse=True):
        try:
            board = read_board(path.parent)
        except UnreadableError as error:
            odd.append(error)
        else:
            boards += [board] if board is not None else []
    return boards, odd


def _written(path: Path) -> float:
    """When a file was written, in unix s; one that is gone was written first."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def measures_of(rows: Sequence[WritingRow]) -> list[str]:
    """The measures of generated texts that any row has, in the order in which they are told."""
    found = dict.fromkeys(
        name for row in rows if row.summary.quality for name in row.summary.quality.measures
    )
    return list(found)


def shots_of(rows: Sequence[WritingRow]) -> list[int]:
    """With how many texts held-out people entered, the least first."""
    return sorted({one.examples for row in rows for one in row.summary.entered})


def latency_of(quality: WritingQuality | None) -> tuple[float | None, ...]:
    """Seconds to the first token and to each further one, median and p95 of each."""
    told = quality.latency if quality else None
    if told is None:
        return (None,) * 4
    return told.prefill, told.prefill_p95, told.token, told.token_p95


def _threads(quality: WritingQuality | None) -> int | None:
    told = quality.latency if quality else None
    return (told.threads if told else 0) or None


def board_table(board: WritingLeaderboard) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Its columns and rows; a method that failed has its failure alone.

    Last stands how near texts come that were written as held-out people, where some were.

    Nats per own token, shares and seconds; bounds of 95% intervals over people (`low`, `high`) and
    over people and prompts (`both_low`, `both_high`); p after Holm.
    """
    measures = measures_of(board.methods)
    shots = shots_of(board.methods)
    rows = [_row(row, board, measures, shots) for row in board.methods]
    head = tuple(_row(WritingRow(method=""), board, measures, shots))
    failed: list[Cells] = [
        {
            "method": one.method,
            "simulated": board.simulated,
            "finished": board.finished,
            "failure": one.message,
        }
        for one in board.failed
    ]
    return head, [tuple(row.get(name) for name in head) for row in (*rows, *failed)]


def _row(
    row: WritingRow, board: WritingLeaderboard, measures: Sequence[str], shots: Sequence[int]
) -> Cells:
    summary, quality = row.summary, row.summary.quality
    found = quality.measures if quality else {}
    cells: Cells = {"method": row.method, **_numbers("nll", summary.test)}
    for over in _REFERENCES:
        gain: WritingGain | None = getattr(row, f"over_{over}")
        cells |= _gain(f"gain_over_{over}", gain)
    for name in measures:
        cells |= _numbers(_key(name), found.get(name))
    for over in _REFERENCES:
        gains: Mapping[str, WritingGain] = getattr(row, f"quality_over_{over}")
        for name in measures:
            cells |= _gain(f"{_key(name)}_over_{over}", gains.get(name))
    cells |= {
        "per_person_numbers": summary.per_person_numbers, "soft_tokens": summary.soft_tokens,
        "context_tokens": summary.context_tokens, "compression": row.compression,
        **dict(zip(_COSTS, latency_of(quality), strict=True)),
        "latency_threads": _threads(quality),
        "compared_by": quality.reader if quality else "", **_people(row, board, shots),
    }  # fmt: skip
    cells |= {"finished": board.finished, "failure": ""}
    written = any(one.measures for each in board.methods for one in each.summary.entered)
    return cells | _written_as_new(row, measures, shots) if written else cells


def _people(row: WritingRow, board: WritingLeaderboard, shots: Sequence[int]) -> Cells:
    """Who was tested, who gains, and how somebody new and exchanged people fare."""
    test, entered = row.summary.test, {one.examples: one for one in row.summary.entered}
    cells: Cells = {
        "title": row.title, "backbone": board.backbone, "retrieval": board.retrieval,
        "simulated": board.simulated, "people": test.people,
        "prompts": test.prompts or None, "texts": test.texts,
        "tokens": test.tokens, "perplexity": test.perplexity,
    }  # fmt: skip
    for over in _REFERENCES:
        gain: WritingGain = getattr(row, f"over_{over}") or WritingGain()
        worst = None if gain.worst_gain is None else gain.worst_gain.value
        cells |= {
            f"improved_over_{over}": gain.improved if gain.of else None,
            f"share_improved_over_{over}": gain.improved / gain.of if gain.of else None,
            f"share_improved_over_{over}_low": gain.improved_low,
            f"share_improved_over_{over}_high": gain.improved_high,
            f"of_over_{over}": gain.of or None,
            f"worst_over_{over}": gain.worst,
            f"worst_gain_over_{over}": worst,
            f"several_prompts_over_{over}": gain.several or None,
            f"let_down_over_{over}": len(gain.let_down) if gain.several else None,
        }
    cells |= _numbers("nll_exchanged", row.summary.swapped)
    cells |= _gain("gain_over_exchanged", row.over_exchanged)
    late = {one.examples: one for one in row.entered}
    for count in shots:
        score = entered[count].score if count in entered else None
        cells |= _numbers(f"nll_entered_with_{count}", score)
        for over in _REFERENCES:
            name = f"gain_entered_with_{count}_over_{over}"
            cells |= _gain(name, getattr(late.get(count), f"over_{over}", None))
    gate = "" if row.verdict is None else "passes" if row.verdict.passed else "no"
    return cells | {"gate": gate}


def _written_as_new(row: WritingRow, measures: Sequence[str], shots: Sequence[int]) -> Cells:
    """How near texts come that were written as held-out people."""
    known = {one.examples: one.measures for one in row.summary.entered}
    late = {one.examples: one for one in row.entered}
    cells: Cells = {}
    for name, count in product(measures, shots):
        key = f"{_key(name)}_entered_with_{count}"
        cells |= _numbers(key, known.get(count, {}).get(name))
        for over in _REFERENCES:
            gains = getattr(late.get(count), f"quality_over_{over}", {})
            cells |= _gain(f"{key}_over_{over}", gains.get(name))
    return cells


def _key(measure: str) -> str:
    return measure.replace("-", "_")


def _numbers(name: str, one: MeanOverPeople | None) -> Cells:
    told = one or MeanOverPeople()
    return {name: told.value} | {f"{name}_{bound}": getattr(told, bound) for bound in _BOUNDS}


def _gain(name: str, gain: WritingGain | None) -> Cells:
    mean = None if gain is None else gain.mean
    return {**_numbers(name, mean), f"{name}_p_holm": None if mean is None else mean.p}
