"""The leaderboard of a comparison of methods that write: ranked by their NLL of held-out prompts.

It is written anew after each method. The references are those of the whole comparison, so that a
board that is not finished yet compares with nothing else than the finished one: the unified model,
and of the retrievals the first one that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.evaluation.significance import ALPHA, IMPROVED, holm
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_methods import RETRIEVALS, UNIFIED, writing_method
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Verdict
from prism_desktop.engine.runs.writing_files import (
    EnteredGain,
    FailedWriting,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.writing.answered_texts import AnsweredIn, read_answered
from prism_desktop.engine.writing.own_text_data import OwnTexts, read_texts, texts_of_newcomers
from prism_desktop.engine.writing.people_intervals import gain
from prism_desktop.engine.writing.quality_board import agreements, replaced_context, with_quality
from prism_desktop.engine.writing.tested_settings import (
    ENTERED_WITH,
    KNOWN,
    SWAPPED,
    entered_name,
)
from prism_desktop.engine.writing.writing_evaluation import Measured, read_scores
from prism_desktop.engine.writing.writing_plan import BoardArguments

_OVER: Final = ("over_unified", "over_retrieval")


class FinishedWriter(NamedTuple):
    """What a finished run found."""

    summary: WritingSummary
    measured: Measured
    answered: AnsweredIn


def write_board(asked: BoardArguments) -> None:
    """Rank the runs of a comparison that are finished, and keep the board in its folder.

    A run whose results cannot be read stands among those that failed.

    Raises:
        PrismError: the board cannot be written, or no run's texts can be read.
    """
    found: dict[str, FinishedWriter] = {}
    failed = list(asked.failed)
    texts: OwnTexts | None = None
    for name, path in asked.runs.items():
        run = RunFolder(path)
        try:
            texts = texts or read_texts(run)
            found[name] = _tested(run, texts)
        except PrismError as error:
            failed.append(FailedWriting(method=name, message=str(error)))
    if texts is None or not found:
        raise RunError(f"No method could be ranked: {failed[0].message}")
    names = {one.method for one in failed}
    compared = [name for name in asked.compared if name not in names]
    board = leaderboard(found, texts, compared)
    told = {
        "failed": tuple(failed),
        "wanted": len(asked.compared),
        "finished": asked.finished,
        "settings": asked.settings,
    }
    board.model_copy(update=told).save(asked.path / layout.LEADERBOARD)


def _tested(run: RunFolder, texts: OwnTexts) -> FinishedWriter:
    summary = run.stored(WritingSummary, layout.WRITTEN)
    if summary is None:
        raise RunError(f"The run {run.name} has no results.")
    return FinishedWriter(summary, read_scores(run, texts), read_answered(run, texts))


def leaderboard(
    found: Mapping[str, FinishedWriter], texts: OwnTexts, compared: Sequence[str]
) -> WritingLeaderboard:
    """Rank finished runs of the same texts.

    Args:
        found: by method, at least one.
        texts: that all of them saw.
        compared: methods of the whole comparison, without those that failed.
    """
    retrieval = next((name for name in RETRIEVALS if name in compared), "")
    references = UNIFIED, retrieval
    rows = _adjusted([_row(name, found, references) for name in found])
    answered = {name: one.answered for name, one in found.items()}
    rows = with_quality(rows, answered, texts, references)
    replaced, rows = replaced_context(rows, retrieval)
    rows.sort(key=lambda row: float("inf") if row.summary.test.value is None
              else row.summary.test.value)  # fmt: skip
    one = rows[0].summary
    return WritingLeaderboard(
        study=one.study, simulated=one.simulated, backbone=one.backbone,
        people=len(texts.known), held_out=len(texts.newcomers),
        held_out_texts=texts_of_newcomers(texts), retrieval=retrieval,
        replaced=replaced, agreement=agreements(rows), methods=tuple(rows),
    )  # fmt: skip


def _row(name: str, found: Mapping[str, FinishedWriter], references: Sequence[str]) -> WritingRow:
    """A method beside the references, as far as they are there."""
    own = found[name].measured

    def over(setting: str) -> dict[str, WritingGain | None]:
        return {
            key: gain(other, own[setting], found[other].measured[setting])
            if other in found and other != name and setting in found[other].measured
            else None
            for key, other in zip(_OVER, references, strict=True)
        }

    exchanged = gain("another person's", own[KNOWN], own[SWAPPED]) if SWAPPED in own else None
    entered = tuple(
        EnteredGain.model_validate({"examples": count, **over(entered_name(count))})
        for count in ENTERED_WITH
        if own.get(entered_name(count))
    )
    known = over(KNOWN)
    return WritingRow(
        method=name,
        title=writing_method(name).title,
        summary=found[name].summary,
        over_unified=known["over_unified"],
        over_retrieval=known["over_retrieval"],
        over_exchanged=exchanged,
        entered=entered,
    )


def _adjusted(rows: Sequence[WritingRow]) -> list[WritingRow]:
    """Holm's p in place of the raw ones, of each reference's family and, of held-out people, each
    number of texts, and the gate's verdict."""
    found = list(rows)
    for key in (*_OVER, "over_exchanged"):
        gains = _after_holm([getattr(row, key) for row in found])
        found = [row.model_copy(update={key: one}) for row, one in zip(found, gains, strict=True)]
    for key, count in product(_OVER, ENTERED_WITH):
        late = {
            place: next((one for one in row.entered if one.examples == count), None)
            for place, row in enumerate(found)
        }
        gains = _after_holm([None if one is None else getattr(one, key) for one in late.values()])
        for place, one in late.items():
            if one is not None:
                new = one.model_copy(update={key: gains[place]})
                entered = tuple(new if each is one else each for each in found[place].entered)
                found[place] = found[place].model_copy(update={"entered": entered})
    return [
        row if row.over_unified is None
        else row.model_copy(update={"verdict": verdict(row.over_unified)})
        for row in found
    ]  # fmt: skip


def _after_holm(gains: Sequence[WritingGain | None]) -> list[WritingGain | None]:
    ps = holm([None if one is None else one.mean.p for one in gains])
    return [
        one and one.model_copy(update={"mean": one.mean.model_copy(update={"p": p})})
        for one, p in zip(gains, ps, strict=True)
    ]


def verdict(over: WritingGain) -> Verdict:
    """The gate: more than 60 % of people gain over the unified model, nobody loses beyond noise,
    and the mean gain is beyond chance."""
    mean, worst = over.mean, over.worst_gain
    if mean.value is None or worst is None:
        return Verdict(passed=False, reasons=("There are no tested texts to judge by.",))
    sure = mean.p is not None and mean.p < ALPHA and mean.value > 0
    conditions = [
        (
            over.improved / max(1, over.of) > IMPROVED,
            f"{over.improved:,} of {counted(over.of, 'person')} gain; more than "
            f"{IMPROVED:.0%} must.",
        ),
        (
            bool(over.several) and not over.let_down,
            f"{_losses(over)} The least gain is {worst.value:+.3f} nats per token.",
        ),
        (
            sure,
            f"The mean gain is {mean.value:+.3f} nats per token; it must be above 0 with p below "
            f"{ALPHA}.",
        ),
    ]
    ordered = sorted(conditions, key=lambda condition: condition[0])
    return Verdict(
        passed=all(met for met, _ in conditions), reasons=tuple(told for _, told in ordered)
    )


def _losses(over: WritingGain) -> str:
    """Who loses beyond noise, or that it cannot be told."""
    if not over.several:
        return "Nobody answered several tested prompts, so no loss can be told from noise."
    of = f"{over.several:,} who answered several prompts"
    if over.let_down:
        return f"Beyond noise {len(over.let_down):,} of {of} lose; nobody may."
    return f"Of {of} nobody loses beyond noise."
