"""Comparisons: methods side by side on one study; what is missing is trained, what is finished is
used again.

A comparison is a folder, `comparisons/NAME/` in the study: leaderboard.json and leaderboard.md,
written anew after each run, and the data that all its runs share. Importing this needs neither
torch nor pandas.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial

from prism_desktop.engine.errors import InputError, PrismError, RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.experiments.comparison_jobs import (
    NothingGoesOnError,
    WatchedRun,
    carry_out,
    refused,
)
from prism_desktop.engine.experiments.comparison_plan import (
    Comparison,
    ComparisonEntry,
    ComparisonPlan,
    folder_of,
    prepare,
)
from prism_desktop.engine.experiments.comparison_runs import (
    comparison_begun,
    ended,
    item_begun,
    job_needs,
    obtain,
)
from prism_desktop.engine.experiments.study_data import study_data_in_worker
from prism_desktop.engine.files import make_folder, remove_tree
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.processes.run_series import Series
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.manifest import remove_manifest, write_manifest
from prism_desktop.engine.runs.result_files import Summary
from prism_desktop.engine.runs.run_events import (
    Batch,
    Compared,
    ProgressTold,
    Stage,
)
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.training.kept_baselines import share_baselines


def compare(plan: ComparisonPlan, jobs: TrainingJobs | None = None) -> Iterator[Batch]:
    """Train what is missing, one run after another or by jobs, and keep the leaderboard up to date.

    Closing this ends the training, unless jobs do it, which go on; what is finished stays, and the
    same plan goes on where this stood.

    Args:
        plan: what to compare.
        jobs: who trains; None for a process of this one's.

    Yields:
        Batches of events: `ComparisonBegun`, for each run `ItemBegun`, the run's own and
        `ItemEnded`, and at last `Compared`.

    Raises:
        PrismError: nothing can be trained; a single method's failure is told in its row instead.
    """
    yield [Stage(name="preparing", time=time.time())]
    require_study(plan.study)
    if jobs is not None:
        jobs.check()
    path = folder_of(plan)
    new = not path.exists()
    make_folder(path)
    # first, as a second one would put other data in place
    with held(path, f"The comparison {path.name}"):
        try:
            remove_manifest(path)
            comparison = yield from _prepared(plan)
        except PrismError:
            if new:
                remove_tree(path, layout.is_ours)
            raise
        yield from _carry_out(comparison) if jobs is None else _by_jobs(comparison, jobs)
        write_manifest(path)
    yield [Compared(path=str(path), time=time.time())]


def _prepared(plan: ComparisonPlan) -> Generator[Batch, None, Comparison]:
    """A plan with its data, which another process takes."""
    for event in prepare(plan, study_data_in_worker):
        match event:
            case Done():
                return event.value
            case Progress():
                told = ProgressTold(
                    done=event.done, total=event.total, what=event.what, time=time.time()
                )
                yield [told]
    raise RunError("The comparison ended before it had its data.")


def _carry_out(comparison: Comparison) -> Iterator[Batch]:
    wanted = comparison.entries()
    yield [comparison_begun(comparison, len(wanted))]
    done: list[ComparisonEntry] = []
    with Series() as series:
        for number, entry in enumerate(wanted, 1):
            run, state = obtain(comparison, entry)
            begun = item_begun(entry, run, state, number, len(wanted))
            refused = yield from series.carry_out(begun)
            done.append(ended(entry, run))
            if refused and state == "new":
                run.delete()
            # such as a device that is not there: it is so for all
            if refused and entry.method == CONSENSUS:
                raise InputError(done[-1].failure)
            _write(comparison, done, finished=number == len(wanted))
            yield [begun.ended(done[-1].failure)]
        yield from _read_against(comparison, done, series)


def _by_jobs(comparison: Comparison, jobs: TrainingJobs) -> Iterator[Batch]:
    entries, needs = comparison.entries(), job_needs(comparison)
    yield [comparison_begun(comparison, len(entries))]
    wanted: list[WatchedRun] = []
    for entry in entries:
        run, state = obtain(comparison, entry, going=True)
        begun = partial(item_begun, entry, run, state, runs=len(entries))
        wanted.append(WatchedRun(run, state, entry.method, needs[entry.method], begun))
    done: dict[int, ComparisonEntry] = {}

    def settle(place: int) -> Generator[Batch, None, str]:
        one, entry = wanted[place], entries[place]
        found, for_what_was_asked = ended(entry, one.run), refused(one.run)
        if for_what_was_asked and one.state == "new":
            one.run.delete()
        if for_what_was_asked and entry.method == CONSENSUS:
            raise NothingGoesOnError(found.failure)
        done[place] = found
        _write(comparison, [done[each] for each in sorted(done)], finished=False)
        yield []
        return found.failure

    yield from carry_out(wanted, jobs, settle, baselines=True)
    ordered = [_again(done[place]) for place in sorted(done)]
    _write(comparison, ordered, finished=True)
    with Series() as series:
        yield from _read_against(comparison, ordered, series)


def _again(entry: ComparisonEntry) -> ComparisonEntry:
    """An entry that failed, as its run is now: the job of one that depends on it may have gone on
    with it."""
    return ended(entry, entry.run) if entry.failure and entry.run is not None else entry


def _read_against(
    comparison: Comparison, done: Sequence[ComparisonEntry], series: Series
) -> Iterator[Batch]:
    """Make what all results are read against, once for each fold, and tell it."""
    changed = False
    for fold in comparison.folds:
        runs = [
            entry.run
            for entry in done
            if entry.run is not None and not entry.failure and entry.fold == fold
        ]
        lacking = [run for run in runs if not (run.summary() or Summary()).baselines]
        if not lacking or lacking[0].config().baselines == "none":
            continue
        known = [run for run in runs if run not in lacking]
        if not known:
            yield from series.read_against(lacking[0])
        source = known[0] if known else lacking[0]
        for run in lacking:
            share_baselines(source, run)
        changed = True
    if changed:
        _write(comparison, done, finished=True)


def _write(comparison: Comparison, done: Sequence[ComparisonEntry], finished: bool) -> None:
    from prism_desktop.engine.experiments.leaderboard import write_leaderboard

    write_leaderboard(comparison, done, finished)
