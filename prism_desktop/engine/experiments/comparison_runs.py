"""The runs of a comparison: found or made, begun and ended, whoever trains them."""

import time
from dataclasses import replace

from prism_desktop.engine.config import needed
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.experiments.comparison_plan import Comparison, ComparisonEntry
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import ComparisonBegun, ItemBegun, ItemState
from prism_desktop.engine.training.dependencies import find_run
from prism_desktop.engine.training.snapshot import copy_snapshot


def comparison_begun(comparison: Comparison, runs: int) -> ComparisonBegun:
    """The first event of a comparison of so many runs."""
    return ComparisonBegun(
        path=str(comparison.path),
        runs=runs,
        left_out=dict(comparison.left_out),
        remarks=comparison.remarks,
        time=time.time(),
    )


def obtain(
    comparison: Comparison, entry: ComparisonEntry, *, going: bool = False
) -> tuple[RunFolder, ItemState]:
    """The run of an entry: one that is there, or a new one with the comparison's data.

    Args:
        comparison: whose.
        entry: wanted.
        going: also one that another process trains at this moment, which is to be waited for.
    """
    study, source = comparison.plan.study, comparison.sources[entry.method, entry.fold]
    config = comparison.plan.variant_config(entry.variant, entry.seed, entry.fold)
    found = find_run(study, config, source.meta())
    done = found is not None and found.status().state == "finished"
    if going and not done:
        found = find_run(study, config, source.meta(), going=True) or found
    if found is not None:
        return found, "reused" if done else "resumed"
    run = RunFolder.create(study, config)
    copy_snapshot(source, run)
    return run, "new"


def job_needs(comparison: Comparison) -> dict[str, frozenset[str]]:
    """Of each method those whose runs come before its own; everything is compared with the
    consensus, so also what does not stand on it waits for it."""
    methods = {variant.method for variant in comparison.variants}
    return {
        name: frozenset()
        if name == CONSENSUS
        else frozenset({CONSENSUS, *needed(comparison.plan.config(name))} - {name})
        for name in methods
    }


def ended(entry: ComparisonEntry, run: RunFolder) -> ComparisonEntry:
    """An entry whose run came to its end, with what it failed for."""
    status = run.status()
    failure = ""
    try:
        if run.summary() is None:
            failure = (
                status.message or f"The run {run.name} was {status.state} before it was tested."
            )
    except UnreadableError as error:
        failure = str(error)
    return replace(entry, run=run, failure=failure)


def item_begun(
    entry: ComparisonEntry, run: RunFolder, state: ItemState, number: int, runs: int
) -> ItemBegun:
    """What is told before a run's own events."""
    return ItemBegun(
        number=number,
        runs=runs,
        method=entry.method,
        settings=dict(entry.variant.settings),
        seed=entry.seed,
        fold=entry.fold,
        run=str(run.path),
        state=state,
        time=time.time(),
    )
