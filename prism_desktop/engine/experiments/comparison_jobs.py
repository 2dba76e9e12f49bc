"""A comparison whose runs are trained by jobs, several at a time; this process only watches them.

What a run depends on is trained before it: Slurm holds its job back, on this computer it is begun
later. Watching reads the runs' folders on the shared disk, and asks who carries jobs out of those
that say nothing.
"""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.experiments.comparison_plan import Comparison, ComparisonEntry
from prism_desktop.engine.experiments.comparison_runs import (
    comparison_begun,
    ended,
    item_begun,
    obtain,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.run_events import Batch, Failed, ItemState, ProgressTold
from prism_desktop.engine.training.dependencies import needed

_LOOK_SECONDS = 0.3  # between two looks at all runs
_LAST_WORD_SECONDS = 5.0  # between a job's end and the last that its run's folder says, elsewhere


@dataclass(slots=True)
class _Wanted:
    """One run that is to be trained, and how far that is.

    Attributes:
        place: of its entry in the comparison.
        wave: what it depends on is in the waves before.
        submitted: by this process or an earlier one; or somebody else trains it.
        over_since: monotonic seconds; its job was seen ended then.
    """

    place: int
    entry: ComparisonEntry
    run: RunFolder
    state: ItemState
    wave: int
    submitted: bool = False
    over_since: float | None = None


def carry_out(
    comparison: Comparison, jobs: TrainingJobs, write: Callable[[Sequence[ComparisonEntry]], None]
) -> Generator[Batch, None, list[ComparisonEntry]]:
    """Have what is missing trained by jobs and watch until all have ended; closing this lets them
    go on.

    Args:
        comparison: with its data.
        jobs: who trains.
        write: is told of the entries that have ended, after each.

    Returns:
        The entries, ended, in the comparison's order.

    Raises:
        InputError: no job can be had, or what the consensus was asked is refused.
    """
    entries = comparison.entries()
    yield [comparison_begun(comparison, len(entries))]
    wanted = _obtained(comparison, entries, jobs)
    done: dict[int, ComparisonEntry] = {}
    told = ""
    while wanted:
        _submit(wanted, jobs)
        over = [one for one in wanted if _is_over(one, jobs)]
        for one in over:
            begun = item_begun(one.entry, one.run, one.state, len(done) + 1, len(entries))
            yield [begun]
            done[one.place] = _settled(one, wanted, jobs)
            write([done[place] for place in sorted(done)])
            yield [begun.ended(done[one.place].failure)]
        wanted = [one for one in wanted if one not in over]
        said = _standing(wanted, jobs)
        yield [] if said == told else [_progress(len(done), len(entries), said)]
        told = said
        if wanted and not over:
            time.sleep(_LOOK_SECONDS)
    jobs.settled(keep_logs=any(entry.failure for entry in done.values()))
    return [_again(done[place]) for place in sorted(done)]


def _again(entry: ComparisonEntry) -> ComparisonEntry:
    """An entry that failed, as its run is now: the job of one that depends on it may have gone on
    with it."""
    return ended(entry, entry.run) if entry.failure and entry.run is not None else entry


def _progress(done: int, total: int, said: str) -> ProgressTold:
    return ProgressTold(done=done, total=total, what=said, time=time.time())


def _obtained(
    comparison: Comparison, entries: Sequence[ComparisonEntry], jobs: TrainingJobs
) -> list[_Wanted]:
    """The runs of all entries; those that a job or somebody trains already are only watched."""
    waves = _waves(comparison)
    found: list[_Wanted] = []
    taken: set[Path] = set()
    for place, entry in enumerate(entries):
        run, state = obtain(comparison, entry, going=True)
        one = _Wanted(place, entry, run, state, waves[entry.method])
        # two entries of one model share its run, and its job
        there = run.path in taken or state == "reused" or run.status().state in ACTIVE
        one.submitted = jobs.known(run) is not None or there
        taken.add(run.path)
        found.append(one)
    return found


def _waves(comparison: Comparison) -> dict[str, int]:
    """Of each method how many waves come before its own: of the consensus none, of what combines
    others theirs."""
    methods = [variant.method for variant in comparison.variants]  # what others need comes first
    found: dict[str, int] = {}
    for name in methods:
        before = [found[one] for one in needed(comparison.plan.config(name)) if one in found]
        # also who needs no consensus is compared with it
        found[name] = 0 if name == CONSENSUS else 1 + max(before, default=0)
    return found


def _submit(wanted: Sequence[_Wanted], jobs: TrainingJobs) -> None:
    """Submit what may begin now: on a cluster everything, held back there; here what there is room
    for and whose dependencies have ended."""
    for wave in sorted({one.wave for one in wanted}):
        before = [one for one in wanted if one.wave < wave]
        if before and jobs.executor == "local":
            return
        new = [one for one in wanted if one.wave == wave and not one.submitted][: jobs.room()]
        if not new:
            continue
        try:
            jobs.submit([one.run for one in new], _jobs_of(before, jobs), baselines=wave == 0)
        except PrismError:
            _take_back(wanted, jobs)
            raise
        for one in new:
            one.submitted = True


def _take_back(wanted: Sequence[_Wanted], jobs: TrainingJobs) -> None:
    """Cancel what was submitted, and delete the new runs that were not begun."""
    jobs.cancel()
    for one in wanted:
        if one.state == "new" and one.run.exists and not one.run.events()[0]:
            one.run.delete()
    jobs.settled(keep_logs=False)


def _jobs_of(wanted: Sequence[_Wanted], jobs: TrainingJobs) -> list[TrainingJob]:
    """The jobs of these runs that go on."""
    found = [jobs.known(one.run) for one in wanted]
    return [job for job in found if job is not None]


def _is_over(one: _Wanted, jobs: TrainingJobs) -> bool:
    """Whether nobody trains a run any more; its folder may say so a moment after its job ended."""
    if not one.submitted or jobs.state(one.run).going:
        one.over_since = None
        return False
    if not one.run.exists:
        return True
    state = one.run.status().state
    if state in ACTIVE:
        one.over_since = None
        return False
    if state != "interrupted":
        return True
    now = time.monotonic()
    one.over_since = now if one.over_since is None else one.over_since
    return now - one.over_since > (_LAST_WORD_SECONDS if jobs.executor == "slurm" else 0)


def _settled(one: _Wanted, wanted: Sequence[_Wanted], jobs: TrainingJobs) -> ComparisonEntry:
    """An entry that has ended; the run of a job that ended before it is told why.

    Raises:
        InputError: what the consensus was asked is refused, as it is then for all.
    """
    run = one.run
    if not run.exists:
        return ended(one.entry, run)
    job, state, status = jobs.watched(run), jobs.state(run), run.status()
    silent = state.says_why or not status.message
    if job is not None and status.state == "interrupted" and silent:
        message, advice = state.sentences(job, str(run.study / layout.JOBS / job.log))
        run.set_status("interrupted", message=message, advice=advice)
    found, refused = ended(one.entry, run), _refused(run)
    if refused and one.state == "new":
        run.delete()
    if refused and one.entry.method == CONSENSUS:
        _take_back(wanted, jobs)
        raise InputError(found.failure)
    return found


def _refused(run: RunFolder) -> bool:
    """Whether a run failed for what it was asked."""
    if run.status().state != "failed":
        return False
    return any(isinstance(event, Failed) and event.refused for event in run.events()[0][-3:])


def _standing(wanted: Sequence[_Wanted], jobs: TrainingJobs) -> str:
    """How those that have not ended stand, in a line."""
    states = {one.run.path: jobs.state(one.run) for one in wanted if one.submitted}
    going = sum(not state.waits for state in states.values())
    queued = [state for state in states.values() if state.waits]
    why = sorted({state.why for state in queued if state.why})
    held = sum(not one.submitted for one in wanted)
    parts = [f"{counted(going, 'job')} at work"] if going else []
    parts += [f"{counted(len(queued), 'job')} in the queue ({', '.join(why) or 'Slurm'})"] * (
        len(queued) > 0
    )
    parts += [f"{counted(held, 'run')} to come"] if held else []
    return ", ".join(parts)
