"""A comparison of either task whose runs are trained by jobs, several at a time; this process only
watches them.

What a run depends on is trained before it: Slurm holds its job back, on this computer it is begun
later. Watching reads the runs' folders on the shared disk, and asks who carries jobs out of those
that say nothing.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.processes.job_states import GONE, UNTOLD
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.run_events import (
    Batch,
    Failed,
    ItemBegun,
    ItemState,
    ProgressTold,
)

_LOOK_SECONDS = 0.3  # between two looks at all runs
_LAST_WORD_SECONDS = 5.0  # between a job's end and the last that its run's folder says, elsewhere


class NothingGoesOnError(InputError):
    """What all runs stand on was refused for what it was asked, as it is then for all."""


@dataclass(slots=True, eq=False)
class WatchedRun:
    """One run that is to be trained, and how far that is.

    Attributes:
        run: found or made.
        state: "new", "resumed", or "reused" where nothing is left to do.
        method: which it is of.
        needs: methods whose runs must have ended before it begins.
        begun: its `ItemBegun`, given the place at which it ended, from 1.
        submitted: by this process or an earlier one; or somebody else trains it.
        over_since: monotonic seconds; its job was seen ended then.
        left: by whoever else trained it, before its end.
    """

    run: RunFolder
    state: ItemState
    method: str
    needs: frozenset[str]
    begun: Callable[[int], ItemBegun]
    submitted: bool = False
    over_since: float | None = None
    left: bool = False


Settle = Callable[[int], Generator[Batch, None, str]]


def carry_out(
    wanted: Sequence[WatchedRun], jobs: TrainingJobs, settle: Settle, *, baselines: bool
) -> Generator[Batch, None, None]:
    """Have what is missing trained by jobs and watch until all have ended; closing this, or an
    error of the watching, lets them go on.

    Args:
        wanted: the comparison's runs.
        jobs: who trains.
        settle: is told the place of a run that has ended, and returns why it has no results, or
            nothing.
        baselines: whether jobs that need no other make what their runs are read against.

    Raises:
        NothingGoesOnError: `settle` raised it; jobs that were started are cancelled.
        PrismError: no job can be had, and none goes on; or `settle` raised it.
    """
    if not wanted:
        return
    _mark_known(wanted, jobs)
    left, failed, told = list(wanted), False, ""
    depths = job_depths({one.method: one.needs for one in wanted})
    while left:
        _submit(left, jobs, depths, baselines=baselines)
        over = [one for one in left if _is_over(one, jobs)]
        over = [one for one in over if not _left_to_us(one, jobs)]
        for one in over:
            begun = one.begun(len(wanted) - len(left) + 1)
            yield [begun]
            jobs.say_why(one.run)
            try:
                failure = yield from settle(wanted.index(one))
            except NothingGoesOnError:
                _take_back(left, jobs)
                raise
            left.remove(one)
            failed |= bool(failure)
            yield [begun.ended(failure)]
        said = _standing(left, jobs)
        done = len(wanted) - len(left)
        yield [] if said == told else [_progress(done, len(wanted), said)]
        told = said
        if left and not over:
            time.sleep(_LOOK_SECONDS)
    jobs.settled(wanted[0].run.study, keep_logs=failed)


def _progress(done: int, total: int, said: str) -> ProgressTold:
    return ProgressTold(done=done, total=total, what=said, time=time.time())


def _mark_known(wanted: Sequence[WatchedRun], jobs: TrainingJobs) -> None:
    """Mark the runs that a job or somebody trains already; they are only watched."""
    for one in wanted:
        if one.state == "reused":  # whose job, if it has one, is long over
            one.submitted = True
            continue
        known = jobs.known(one.run) is not None
        one.submitted = known or one.run.status().state in ACTIVE


def job_depths(needs: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Of each method how many others must be trained before it, one behind another."""
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((depth(one) for one in needs[name] & needs.keys()), default=-1)
        return found[name]

    return {name: depth(name) for name in needs}


def _submit(
    wanted: Sequence[WatchedRun], jobs: TrainingJobs, depths: Mapping[str, int], *, baselines: bool
) -> None:
    """Submit what may begin now: on a cluster everything, each depth as a wave that is held back
    there until the one before has ended; here, in the order of `wanted`, what there is room for and
    whose needs have ended."""
    waiting = {one.method for one in wanted} if jobs.executor == "local" else set[str]()
    able = {  # two entries of one model share its run, and its job
        one.run.path: one for one in wanted if not one.submitted and not one.needs & waiting
    }
    new = list(able.values())[: jobs.room()]
    if jobs.executor == "slurm":
        new.sort(key=lambda one: depths[one.method])
    for depth, wave in groupby(new, key=lambda one: depths[one.method]):
        runs = [one.run for one in wave]
        before = [one for one in wanted if depths[one.method] < depth]
        try:
            jobs.submit(runs, _jobs_of(before, jobs), baselines=baselines and depth == 0)
        except PrismError:
            _take_back(wanted, jobs)
            raise
        begun = {run.path for run in runs}
        for one in wanted:
            one.submitted |= one.run.path in begun


def _take_back(wanted: Sequence[WatchedRun], jobs: TrainingJobs) -> None:
    """Cancel what was submitted, and delete the new runs that were not begun."""
    jobs.cancel()
    for one in wanted:
        if one.state == "new" and one.run.exists and not one.run.events()[0]:
            one.run.delete()
    jobs.settled(wanted[0].run.study, keep_logs=False)


def _jobs_of(wanted: Sequence[WatchedRun], jobs: TrainingJobs) -> list[TrainingJob]:
    """The jobs of these runs that go on."""
    found = [jobs.known(one.run) for one in wanted if one.state != "reused"]
    return [job for job in found if job is not None]


def _is_over(one: WatchedRun, jobs: TrainingJobs) -> bool:
    """Whether nobody trains a run any more; its folder may say so a moment after its job ended, and
    alone where Slurm does not answer."""
    if one.state == "reused":
        return True
    job = jobs.state(one.run) if one.submitted else GONE
    if not one.submitted or (job.going and job.name != UNTOLD):
        one.over_since = None
        return False
    if not one.run.exists:
        return True
    state = one.run.status().state
    if state in ACTIVE or (job.name == UNTOLD and state == "interrupted"):
        one.over_since = None
        return False
    if state != "interrupted":
        return True
    now = time.monotonic()
    one.over_since = now if one.over_since is None else one.over_since
    return now - one.over_since > (_LAST_WORD_SECONDS if jobs.executor == "slurm" else 0)


def _left_to_us(one: WatchedRun, jobs: TrainingJobs) -> bool:
    """Whether a run is to be trained here that somebody else began, whose process died without a
    word; once, and not where a job tells how it ended."""
    stopped = one.run.exists and one.run.status().state == "interrupted"
    if one.left or not stopped or jobs.watched(one.run) is not None:
        return False
    one.left, one.submitted = True, False
    return True


def refused(run: RunFolder) -> bool:
    """Whether a run failed for what it was asked."""
    if not run.exists or run.status().state != "failed":
        return False
    return any(isinstance(event, Failed) and event.refused for event in run.events()[0][-3:])


def _standing(wanted: Sequence[WatchedRun], jobs: TrainingJobs) -> str:
    """How those that have not ended stand, in a line."""
    states = {one.run.path: jobs.state(one.run) for one in wanted if one.submitted}
    untold = sum(state.name == UNTOLD for state in states.values())
    going = sum(not state.waits for state in states.values()) - untold
    queued = [state for state in states.values() if state.waits]
    why = sorted({state.why for state in queued if state.why})
    held = sum(not one.submitted for one in wanted)
    parts = [f"{counted(going, 'job')} at work"] if going else []
    parts += [f"{counted(len(queued), 'job')} in the queue ({', '.join(why) or 'Slurm'})"] * (
        len(queued) > 0
    )
    parts += [f"Slurm does not answer about {counted(untold, 'job')}"] if untold else []
    parts += [f"{counted(held, 'run')} to come"] if held else []
    return ", ".join(parts)
