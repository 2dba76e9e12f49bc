"""Methods of the task writing on the same texts: runs made or used again, and a leaderboard by NLL.

A comparison that was interrupted finds the runs that are finished, goes on with the one that is
not, and makes the rest. The references are chosen before anything is tested: the unified model, and
of the retrievals the first one that is compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.errors import InputError, PrismError, RunError
from prism_desktop.engine.evaluation.significance import ALPHA, IMPROVED, holm
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.files import make_folder
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_methods import (
    RETRIEVALS,
    UNIFIED,
    WRITING_METHODS,
    canonical,
    writing_method,
)
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Verdict
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.run_events import Epoch, Stage, Step
from prism_desktop.engine.runs.writing_files import (
    FailedWriting,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.answered_texts import read_answered
from prism_desktop.engine.writing.nats_intervals import gain
from prism_desktop.engine.writing.own_text_data import OwnTexts, take_texts
from prism_desktop.engine.writing.quality_board import agreements, replaced_context, with_quality
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_evaluation import KNOWN, Measured, read_scores
from prism_desktop.engine.writing.writing_session import (
    begin_writing,
    find_run,
    in_full,
    train_writing,
    unified_settings,
)

_NAME: Final = re.compile(r"[^a-z0-9-]+")


def _in_turn(name: str) -> tuple[bool, int]:
    """Where a method stands in a comparison: combinations behind what they combine."""
    return WRITING_METHODS[name].combines, list(WRITING_METHODS).index(name)


@dataclass(frozen=True, slots=True)
class WritingPlan:
    """What is compared.

    Attributes:
        methods: names or aliases; "all" for every one.
        options: settings that every method gets, by key.
        settings: more of them as "key=value".
        name: of the comparison's folder; empty for one that follows from the rest.
    """

    study: Path
    methods: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[str] = ()
    name: str = ""

    def configs(self) -> dict[str, WritingConfig]:
        """The settings of every method; the unified model and one retrieval are always there.

        Raises:
            InputError: a method or a setting is unknown.
        """
        wanted = list(WRITING_METHODS) if "all" in self.methods else list(self.methods)
        names = [writing_method(name).name for name in wanted]
        if not names:
            raise InputError("Name at least one method, or all, with --methods.")
        if not any(name in RETRIEVALS for name in names):
            names.insert(0, RETRIEVALS[0])
        ordered = sorted({UNIFIED, *names}, key=_in_turn)
        found = {name: self._config(name, ordered) for name in ordered}
        # as the methods ask for it that stand on it, so that it is trained once
        return found | {UNIFIED: unified_settings(found[UNIFIED], UNIFIED)}

    def _config(self, name: str, compared: Sequence[str]) -> WritingConfig:
        config = WritingConfig.of(name, self.options, self.settings)
        singles = tuple(one for one in compared if not WRITING_METHODS[one].combines)
        weighing = WRITING_METHODS[name].weighing
        if weighing not in ("alike", "each") or config.members or len(singles) < 2:
            return config
        return config.model_copy(update={"members": singles})

    def folder(self, texts: OwnTexts) -> Path:
        """Where it is kept."""
        told = f"{texts.meta.fingerprint}|{sorted(self.options.items())}|{sorted(self.settings)}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:8]
        name = _NAME.sub("-", self.name.lower()).strip("-") or f"writing-{digest}"
        return self.study / layout.WRITING_COMPARISONS / name


def compare_writing(plan: WritingPlan) -> Iterator[Event[Path]]:
    """Train what is not trained yet, and rank all by their NLL of held-out prompts.

    Yields:
        Progress and notices, then Done with the comparison's folder.

    Raises:
        PrismError: there is nothing to compare; a method that fails is told and left out.
    """
    configs = plan.configs()
    with Study.open(plan.study, read_only=True) as opened:
        texts = take_texts(opened, next(iter(configs.values())))
    folder = plan.folder(texts)
    make_folder(folder.parent)
    make_folder(folder)
    runs: dict[str, RunFolder] = {}
    failed: list[FailedWriting] = []
    with held(folder, f"The comparison {folder.name}"):
        for number, (name, config) in enumerate(configs.items(), 1):
            what = f"{name}, {number} of {counted(len(configs), 'method')}"
            try:
                runs[name] = yield from _trained(plan.study, config, texts, what)
            except PrismError as error:
                failed.append(FailedWriting(method=name, message=str(error)))
                yield Notice(f"{name} failed: {error}")
        if not runs:
            raise RunError(f"No method could be trained: {failed[0].message}")
        board = leaderboard(runs, texts).model_copy(update={"failed": tuple(failed)})
        board.save(folder / layout.LEADERBOARD)
    yield Done(folder)


def _trained(
    study: Path, config: WritingConfig, texts: OwnTexts, what: str
) -> Generator[Progress | Notice, None, RunFolder]:
    run = find_run(study, in_full(config), texts)
    if run is not None and layout.holds(run.path, layout.WRITTEN):
        yield Notice(f"{what}: {run.name} is used again.")
        return run
    if run is None or run.status().state in ("training", "preparing"):
        run = begin_writing(study, config, texts)
    with closing(train_writing(run)) as events:
        for event in events:
            match event:
                case Notice():
                    yield event
                case Progress():
                    yield Progress(event.done, event.total, f"{what}: {event.what}")
                case Step():
                    yield Progress(event.step, None, f"{what}: training, epoch {event.epoch}")
                case Epoch() | Stage():
                    yield Progress(0, None, what)
    return run


def leaderboard(runs: Mapping[str, RunFolder], texts: OwnTexts) -> WritingLeaderboard:
    """Rank finished runs of the same texts.

    Args:
        runs: by method.
        texts: that all of them saw.
    """
    measured: dict[str, Measured] = {name: read_scores(run, texts) for name, run in runs.items()}
    retrieval = next((name for name in RETRIEVALS if name in runs), "")
    rows = []
    for name, run in runs.items():
        summary = run.stored(WritingSummary, layout.WRITTEN) or WritingSummary()
        gains = [
            gain(over, measured[name][KNOWN], measured[over][KNOWN])
            if over in measured and over != name
            else None
            for over in (UNIFIED, retrieval)
        ]
        title = WRITING_METHODS[canonical(name)].title
        rows.append(
            WritingRow(
                method=name,
                title=title,
                summary=summary,
                over_unified=gains[0],
                over_retrieval=gains[1],
            )
        )
    rows = _adjusted(rows)
    answered = {name: read_answered(run, texts) for name, run in runs.items()}
    rows = with_quality(rows, answered, texts, (UNIFIED, retrieval))
    replaced, rows = replaced_context(rows, retrieval)
    rows.sort(key=lambda row: float("inf") if row.summary.test.value is None
              else row.summary.test.value)  # fmt: skip
    one = rows[0].summary
    return WritingLeaderboard(
        study=one.study, simulated=one.simulated, backbone=one.backbone,
        people=len(texts.known), held_out=len(texts.newcomers), retrieval=retrieval,
        replaced=replaced, agreement=agreements(rows), methods=tuple(rows),
    )  # fmt: skip


def _adjusted(rows: Sequence[WritingRow]) -> list[WritingRow]:
    """Holm's p in place of the raw ones, of each reference's family, and the gate's verdict."""
    found = list(rows)
    for key in ("over_unified", "over_retrieval"):
        gains: list[WritingGain | None] = [getattr(row, key) for row in found]
        ps = holm([None if one is None else one.mean.p for one in gains])
        for place, (one, p) in enumerate(zip(gains, ps, strict=True)):
            if one is not None:
                mean = one.mean.model_copy(update={"p": p})
                found[place] = found[place].model_copy(
                    update={key: one.model_copy(update={"mean": mean})}
                )
    return [
        row if row.over_unified is None
        else row.model_copy(update={"verdict": verdict(row.over_unified)})
        for row in found
    ]  # fmt: skip


def verdict(over: WritingGain) -> Verdict:
    """The gate: more than 60 % of people gain over the unified model, the worst does not lose
    beyond noise, and the mean gain is beyond chance."""
    mean, worst = over.mean, over.worst_gain
    if mean.value is None or worst is None:
        return Verdict(passed=False, reasons=("There are no tested texts to judge by.",))
    let_down = worst.high is not None and worst.high < 0
    sure = mean.p is not None and mean.p < ALPHA and mean.value > 0
    conditions = [
        (
            over.improved / max(1, over.of) > IMPROVED,
            f"{over.improved:,} of {counted(over.of, 'person')} gain; more than "
            f"{IMPROVED:.0%} must.",
        ),
        (
            not let_down,
            f"The worst is {over.worst} with {worst.value:+.3f} nats per token; nobody may lose "
            "beyond noise.",
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
