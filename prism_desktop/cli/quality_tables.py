"""How near generated texts come to own ones, and what writing costs, as tables and as CSV."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from rich.table import Table

from prism_desktop.engine.files import text_file
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import (
    MACRO_F1,
    SIMILARITY,
    NatsPerToken,
    RankAgreement,
    WritingGain,
    WritingLeaderboard,
    WritingQuality,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.study.formula_guard import CsvWriter

_HEADS: Final[Mapping[str, str]] = {
    SIMILARITY: "similarity", "rouge-1": "ROUGE-1", "rouge-l": "ROUGE-L", "bleu": "BLEU",
    "chrf": "chrF", "exact": "exact", MACRO_F1: "macro-F1",
}  # fmt: skip
_BOUNDS: Final = ("low", "high", "both_low", "both_high")
_COSTS: Final = (
    "prefill_seconds", "prefill_seconds_p95", "token_seconds", "token_seconds_p95",
)  # fmt: skip


def quality_tables(board: WritingLeaderboard) -> Iterator[Table]:
    """Tables of a leaderboard beside those of the NLL; none where nothing was written."""
    names = _measures(board.methods)
    if names:
        yield _nearness(board, names)
        yield _bounds(board, names[0])
        for key, over in (("unified", "unified"), ("retrieval", board.retrieval)):
            if any(getattr(row, f"quality_over_{key}") for row in board.methods):
                yield _gains(board, key, over, names)
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
            table.add_row(_head(name, summary.quality), f"{one.value:.3f}", *bounds)
    yield table


def quality_remarks(board: WritingLeaderboard) -> Iterator[str]:
    """What the measures are, how they go with the NLL, and what is not known."""
    told = next((row.summary.quality for row in board.methods if row.summary.quality), None)
    if told is None:
        yield "Nothing was written in these runs, so the quality of generated texts is not known."
        return
    yield from _about(told)
    others = [row.method for row in board.methods if row.summary.quality is None]
    if others:
        yield f"Without generated texts, as their runs wrote none: {', '.join(others)}."
    readers = {row.summary.quality.compared_by for row in board.methods if row.summary.quality}
    if len(readers) > 1:
        yield (
            "Similarities are by different models in different runs and are not compared: "
            f"{', '.join(sorted(readers))}."
        )
    few = next((one for one in board.agreement.values() if one.few), None)
    if few is not None:
        yield (
            f"{TOO_FEW.capitalize()}: whether what foretells better also writes nearer rests on "
            f"{counted(few.methods, 'method')}."
        )
    found = [
        f"{_HEADS.get(name, name)} {_rho(one)}"
        for name, one in board.agreement.items()
        if one.rho is not None
    ]
    if found:
        yield f"Rank correlation of NLL and nearness over methods: {'; '.join(found)}."


def run_quality_remarks(summary: WritingSummary) -> Iterator[str]:
    """The same of a single run."""
    if summary.quality is not None:
        yield from _about(summary.quality)
        yield f"The texts are in {layout.GENERATED}, marked as generated."


def _about(told: WritingQuality) -> Iterator[str]:
    how = (
        "greedily"
        if told.decoding.greedy
        else f"drawn at temperature {told.decoding.temperature:g}, top-p {told.decoding.top_p:g}, "
        f"seed {told.decoding.seed}"
    )
    yield (
        f"Generated texts: {counted(told.answers, 'text')} of each person at most to held-out "
        f"prompts, written {how}, up to {counted(told.decoding.most_tokens, 'token')}; similarity "
        f"is the cosine of {told.compared_by}'s features."
    )
    if told.labels:
        yield (
            f"Own texts are labels from a set of {len(told.labels):,}: exact is the accuracy, and "
            "macro-F1 counts every text the same."
        )


def _measures(rows: tuple[WritingRow, ...]) -> list[str]:
    found = dict.fromkeys(
        name for row in rows if row.summary.quality for name in row.summary.quality.measures
    )
    return list(found)


def _head(name: str, quality: WritingQuality | None) -> str:
    if name == "exact" and quality is not None and quality.labels:
        return "accuracy"
    return _HEADS.get(name, name)


def _nearness(board: WritingLeaderboard, names: list[str]) -> Table:
    told = next(row.summary.quality for row in board.methods if row.summary.quality)
    heads = [_head(name, told) for name in names]
    table = _table("Generated texts beside the own ones", ("method", "NLL", *heads))
    for row in board.methods:
        nll, found = row.summary.test.value, _of(row, names)
        cells = ["-" if one.value is None else f"{one.value:.3f}" for one in found]
        table.add_row(row.method, "-" if nll is None else f"{nll:.3f}", *cells)
    return table


def _of(row: WritingRow, names: list[str]) -> list[NatsPerToken]:
    measures = row.summary.quality.measures if row.summary.quality else {}
    return [measures.get(name, NatsPerToken()) for name in names]


def _bounds(board: WritingLeaderboard, name: str) -> Table:
    """The intervals of the first measure; those of the others are in the file."""
    head = _HEADS.get(name, name)
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
    heads = [_head(name, told) for name in names]
    table = _table(f"nearer than {over} (* p < 0.05, Holm)", ("method", *heads))
    for row in board.methods:
        gains: Mapping[str, WritingGain] = getattr(row, f"quality_over_{key}")
        if gains:
            table.add_row(row.method, *(_gain(gains.get(name)) for name in names))
    return table


def _gain(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.value is None:
        return "-"
    sure = gain.mean.p is not None and gain.mean.p < 0.05
    return f"{gain.mean.value:+.3f}{'*' if sure else ''}"


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
    title = "ms on the machine that tested, one text at a time"
    table = _table(title, ("method", "first token", "p95", "further ones", "p95"))
    for row in board.methods:
        table.add_row(row.method, *map(_ms, _latency(row.summary.quality)))
    return table


def _latency(quality: WritingQuality | None) -> tuple[float | None, ...]:
    """Seconds, in the order of `_COSTS`."""
    told = quality.latency if quality else None
    if told is None:
        return (None,) * 4
    return told.prefill, told.prefill_p95, told.token, told.token_p95


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.1f}"


def _rho(one: RankAgreement) -> str:
    p = "" if one.p is None else f" (p {'< 0.001' if one.p < 0.001 else f'{one.p:.3f}'})"
    return f"{one.rho:+.2f}{p}"


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
    names = _measures(board.methods)
    keys = [name.replace("-", "_") for name in names]
    with text_file(beside) as file:
        writer = CsvWriter(file)
        writer.row(
            ["method", "nll", *(f"nll_{one}" for one in _BOUNDS),
             *_gain_columns("gain_over_unified"), *_gain_columns("gain_over_retrieval"),
             *(f"{key}{one}" for key in keys for one in ("", *(f"_{b}" for b in _BOUNDS))),
             *(f"{key}_over_{over}{one}" for over in ("unified", "retrieval") for key in keys
               for one in ("", *(f"_{b}" for b in _BOUNDS), "_p_holm")),
             "per_person_numbers", "soft_tokens", "context_tokens", "compression", *_COSTS,
             "compared_by", "failure"]
        )  # fmt: skip
        for row in board.methods:
            writer.row(_csv_row(row, names))
        width = 1 + 5 + 12 + 5 * len(names) + 12 * len(names) + 4 + 4 + 1
        for one in board.failed:
            writer.row([one.method, *[None] * (width - 1), one.message])


def _gain_columns(name: str) -> list[str]:
    return [name, *(f"{name}_{one}" for one in _BOUNDS), f"{name}_p_holm"]


def _csv_row(row: WritingRow, names: list[str]) -> list[object]:
    summary, quality = row.summary, row.summary.quality
    measures = quality.measures if quality else {}
    return [
        row.method, *_numbers(summary.test), *_gain_numbers(row.over_unified),
        *_gain_numbers(row.over_retrieval),
        *(one for name in names for one in _numbers(measures.get(name))),
        *(one for gains in (row.quality_over_unified, row.quality_over_retrieval)
          for name in names for one in _gain_numbers(gains.get(name))),
        summary.per_person_numbers, summary.soft_tokens, summary.context_tokens, row.compression,
        *_latency(quality), quality.compared_by if quality else "", "",
    ]  # fmt: skip


def _numbers(one: NatsPerToken | None) -> list[object]:
    told = one or NatsPerToken()
    return [told.value, *(getattr(told, bound) for bound in _BOUNDS)]


def _gain_numbers(gain: WritingGain | None) -> list[object]:
    return [*_numbers(gain.mean if gain else None), gain.mean.p if gain else None]
