"""Comparisons of methods that write: what is missing is trained, what is finished is used again.

A comparison is a folder, `writing-comparisons/NAME/` in the study, with leaderboard.json, written
anew after each method. Runs are those of the task writing, each trained in another process, one
after another; what was interrupted goes on. Importing this needs neither torch nor pandas.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.files import make_folder
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.run_series import Series
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.manifest import remove_manifest, write_manifest
from prism_desktop.engine.runs.run_events import (
    Batch,
    Compared,
    ComparisonBegun,
    ItemBegun,
    ItemState,
    Stage,
)
from prism_desktop.engine.runs.writing_files import FailedWriting, WritingSummary
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.writing.own_text_data import OwnTexts, take_texts
from prism_desktop.engine.writing.run_making import begin_writing, find_run, in_full
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_plan import BoardArguments, WritingPlan


@dataclass
class _Comparison:
    """One that goes on, and what it has so far."""

    plan: WritingPlan
    configs: dict[str, WritingConfig]
    texts: OwnTexts
    path: Path
    runs: dict[str, Path] = field(default_factory=dict)  # finished ones, by method
    failed: list[FailedWriting] = field(default_factory=list)

    def board(self, *, finished: bool) -> BoardArguments:
        """What the leaderboard is made of."""
        return BoardArguments(
            path=absolute(self.path),
            runs=self.runs,
            compared=tuple(self.configs),
            failed=tuple(self.failed),
            finished=finished,
            settings=self.plan.told_settings,
        )


def compare_writing(plan: WritingPlan) -> Iterator[Batch]:
    """Train what is missing, one run after another, and rank all by their NLL of held-out prompts.

    Closing this ends the training; what is finished stays, and the same plan goes on where this
    stood.

    Yields:
        Batches of events: `ComparisonBegun`, for each run `ItemBegun`, the run's own and
        `ItemEnded`, and at last `Compared`.

    Raises:
        PrismError: nothing can be trained; a single method's failure is told in its row instead.
    """
    from prism_desktop.engine.study.store import Study

    yield [Stage(name="preparing", time=time.time())]
    configs = plan.configs()
    require_study(plan.study)
    with Study.open(plan.study, read_only=True) as opened:
        texts = take_texts(opened, next(iter(configs.values())))
    path = plan.folder(texts)
    make_folder(path.parent)
    make_folder(path)
    with held(path, f"The comparison {path.name}"):
        remove_manifest(path)
        yield from _carry_out(_Comparison(plan, configs, texts, path))
        write_manifest(path)
    yield [Compared(path=str(path), time=time.time())]


def _carry_out(comparison: _Comparison) -> Iterator[Batch]:
    count = len(comparison.configs)
    yield [ComparisonBegun(path=str(comparison.path), runs=count, task="writing", time=time.time())]
    with Series() as series:
        for number, (name, config) in enumerate(comparison.configs.items(), 1):
            begun = ItemBegun(
                number=number,
                runs=count,
                method=name,
                seed=config.seed,
                fold=config.fold,
                run="",
                state="new",
                time=time.time(),
            )
            failure = yield from _item(comparison, config, begun, series)
            if failure:
                comparison.failed.append(FailedWriting(method=name, message=failure))
            if comparison.runs:
                board = comparison.board(finished=number == count)
                yield from series.call("writing-board", board, "Ranking the methods")
            yield [begun.ended(failure)]
    if not comparison.runs:
        raise RunError(f"No method could be trained: {comparison.failed[0].message}")


def _item(
    comparison: _Comparison, config: WritingConfig, begun: ItemBegun, series: Series
) -> Generator[Batch, None, str]:
    """One method's run; returns why it has no results, or nothing."""
    try:
        run, state = _obtain(comparison, config)
    except PrismError as error:
        return str(error)
    found = {"run": str(run.path), "state": state}
    refused = yield from series.carry_out(begun.model_copy(update=found))
    failure = _failure(run)
    if not failure:
        comparison.runs[begun.method] = absolute(run.path)
    if refused and state == "new":
        run.delete()
    return failure


def _obtain(comparison: _Comparison, config: WritingConfig) -> tuple[RunFolder, ItemState]:
    """The run of a method: one that is there, or a new one with the comparison's texts."""
    study, texts = comparison.plan.study, comparison.texts
    found = find_run(study, in_full(config), texts)
    if found is not None and found.tested:
        return found, "reused"
    if found is not None and found.status().state not in ACTIVE:
        return found, "resumed"
    run = begin_writing(study, config, texts)
    run.set_status("preparing")  # nobody works on it before its turn
    return run, "new"


def _failure(run: RunFolder) -> str:
    if not run.exists:
        return f"The run {run.name} was discarded."
    status = run.status()
    try:
        if run.stored(WritingSummary, layout.WRITTEN) is None:
            return status.message or f"The run {run.name} was {status.state} before it was tested."
    except UnreadableError as error:
        return str(error)
    return ""
