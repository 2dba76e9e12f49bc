"""The report's section on writing: the newest comparison of methods that write, with its limits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prism_desktop.engine.experiments.report_blocks import (
    Block,
    Paragraph,
    Points,
    ReportTable,
    SectionHeading,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.writing_files import (
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
)
from prism_desktop.engine.writing.board_table import measures_of, shots_of
from prism_desktop.engine.writing.board_words import (
    held_out_of,
    how_decoded,
    improved_told,
    measure_head,
    people_of,
    prompts_of,
    quality_remarks,
    retrieval_of,
    too_few,
    whose,
)

_STRANGER: Final = (
    "People wrote texts themselves in answer to prompts. Each method learned from them how each "
    "person would answer, and was tested on prompts that it never saw: NLL is how little it "
    "expected what they wrote, in nats per own token, less being better. What a personal method "
    "has to beat is the unified model, which says the same for everybody, and a model that merely "
    "reads some of the person's texts before each prompt."
)
_ABREAST: Final = 4  # measures with their intervals, which a page has room for
_GUESS: Final = "A generated text is a model's guess, and nothing that a person said."


def writing_section(board: WritingLeaderboard) -> Iterator[Block]:
    """Its heading, tables and what must be known of them, up to the figure.

    Nobody is named: rows are of methods.
    """
    yield SectionHeading("What models learned of how people write")
    if board.unfinished:
        yield Paragraph(board.unfinished, warning=True)
    if board.few:
        yield Paragraph(too_few(board), warning=True)
    for told in whose(board):
        yield Paragraph(told, warning=True)
    yield Paragraph(_STRANGER)
    yield _gains(board)
    if board.failed:
        yield Paragraph(f"Could not be trained: {', '.join(one.method for one in board.failed)}.")
    names = measures_of(board.methods)
    for at in range(0, len(names), _ABREAST):
        yield _nearness(board, names[at : at + _ABREAST])
    yield from _new_people(board, names)
    yield Paragraph(" ".join(quality_remarks(board)))


def writing_limits(board: WritingLeaderboard) -> Points:
    """What stands next to the figure."""
    told = [
        "Intervals speak of other people like these in answer to other prompts like these; one "
        "fold of prompts was tested, with one seed.",
    ]
    written = next((row.summary.quality for row in board.methods if row.summary.quality), None)
    if written is not None:
        told.append(
            f"Generated texts were written {how_decoded(written)}; chosen otherwise they would be "
            f"other texts. {_GUESS}"
        )
    return Points(tuple(told))


def _gains(board: WritingLeaderboard) -> ReportTable:
    reference = retrieval_of(board) or "retrieval"
    head = (
        "Method", "NLL", "Gain over unified", "p", "Improved", f"Gain over {reference}", "p",
        "Gate",
    )  # fmt: skip
    rows = [_line(row) for row in board.methods]
    caption = (
        f"Methods of writing, the least NLL first: means over {people_of(board)} on "
        f"{prompts_of(board)} with 95% intervals, of NLL over people, of gains over people and "
        "prompts, of shares that improve over people; gains above 0 are better; p after Holm; "
        "gate: most people gain over the unified model, nobody loses beyond noise, and the mean "
        "gain is beyond chance."
    )
    return ReportTable(head, rows, caption)


def _line(row: WritingRow) -> tuple[str, ...]:
    test, over = row.summary.test, row.over_unified
    gate = "–" if row.verdict is None else "passes" if row.verdict.passed else "no"
    return (
        row.title or row.method, _told(test, "low", "high"), *_gain(over),
        improved_told(over),
        *_gain(row.over_retrieval), gate,
    )  # fmt: skip


def _gain(gain: WritingGain | None) -> tuple[str, str]:
    if gain is None or gain.mean.value is None:
        return "–", "–"
    p = gain.mean.p
    told = "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
    return _told(gain.mean, "both_low", "both_high", "+"), told


def _told(one: MeanOverPeople, low: str, high: str, sign: str = "") -> str:
    """A mean with its interval, which no line breaks."""
    ends = getattr(one, low), getattr(one, high)
    if one.value is None:
        return "–"
    doubt = f"{TOO_FEW}, " if one.few else ""
    between = "" if None in ends else f" [{ends[0]:{sign}.3f},\u00a0{ends[1]:{sign}.3f}]"
    return f"{doubt}{one.value:{sign}.3f}{between}"


def _nearness(board: WritingLeaderboard, names: Sequence[str]) -> ReportTable:
    first = next(row.summary.quality for row in board.methods if row.summary.quality)
    head = ("Method", *(measure_head(name, first) for name in names))
    rows = []
    for row in board.methods:
        found = row.summary.quality.measures if row.summary.quality else {}
        cells = (
            _told(found.get(name, MeanOverPeople()), "both_low", "both_high") for name in names
        )
        rows.append((row.title or row.method, *cells))
    caption = (
        "How near generated texts come to people's own, with 95% intervals over people and prompts."
    )
    return ReportTable(head, rows, caption)


def _new_people(board: WritingLeaderboard, names: Sequence[str]) -> Iterator[Block]:
    """How methods fare with people whom training did not know; nothing where nobody is held out."""
    shots = shots_of(board.methods)
    if not shots:
        return
    known = [{one.examples: one for one in row.summary.entered} for row in board.methods]
    head = ("Method", *(counted(shot, "text") for shot in shots))
    told = f"{counted(board.held_out, 'held-out person', 'held-out people')}, by how many of their "
    told += "texts are known at most, with 95% intervals over people and prompts"
    scores = [{shot: one.score for shot, one in found.items()} for found in known]
    yield ReportTable(head, _by_shot(board, scores, shots), f"NLL of {told}. {held_out_of(board)}")
    if names and any(one.measures for found in known for one in found.values()):
        none = MeanOverPeople()
        near = [{shot: one.measures.get(names[0], none) for shot, one in found.items()}
                for found in known]  # fmt: skip
        what = f"How near texts come that were written as {told}: {measure_head(names[0], None)}."
        yield ReportTable(head, _by_shot(board, near, shots), what)


def _by_shot(
    board: WritingLeaderboard, found: Sequence[Mapping[int, MeanOverPeople]], shots: Sequence[int]
) -> list[tuple[str, ...]]:
    return [
        (
            row.title or row.method,
            *(_told(each.get(shot, MeanOverPeople()), "both_low", "both_high") for shot in shots),
        )
        for row, each in zip(board.methods, found, strict=True)
    ]
