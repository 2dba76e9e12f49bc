"""A search whose trials are tried by jobs, several at a time; this process only watches the journal
on the shared disk."""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Final

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.experiments.search_trials import (
    SearchShare,
    job_folder,
    job_folders,
)
from prism_desktop.engine.files import make_folder, remove_tree
from prism_desktop.engine.processes.job_states import UNTOLD
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder

_ENTRY: Final = "prism_desktop.engine.experiments.search_entry"
_LOOK_SECONDS: Final = 0.3


def jobs_at_work(folder: RunFolder, jobs: TrainingJobs) -> list[RunFolder]:
    """The folders of a search's jobs that go on, whoever submitted them, and where."""
    found = job_folders(folder)
    for one in found:
        jobs.known(one)  # so that who stops watching is told of it
    return [one for one in found if _goes_on(one, jobs)]


def _at_work(job: RunFolder) -> bool:
    return job.status().state in ACTIVE


def _goes_on(job: RunFolder, jobs: TrainingJobs) -> bool:
    """Whether a job is to be waited for; where Slurm does not answer its folder may say that it is
    over."""
    state = jobs.state(job)
    if state.name == UNTOLD and job.status().state in ("finished", "failed"):
        return False
    return state.going or _at_work(job)


def share_out(
    folder: RunFolder, jobs: TrainingJobs, trials: int, workers: int, seed: int
) -> list[RunFolder]:
    """Submit jobs that try so many trials between them.

    Args:
        folder: the search's, none of whose jobs goes on.
        jobs: who carries them out.
        trials: at least one.
        workers: jobs at most.
        seed: of the first one's sampler; the others' follow.

    Returns:
        The jobs' folders.

    Raises:
        InputError: no job can be had.
    """
    for old in job_folders(folder):
        remove_tree(old.path, layout.is_ours)
    made = []
    for number in range(min(workers, trials)):
        job = job_folder(folder, number)
        make_folder(job.path)
        share = trials // workers + int(number < trials % workers)
        told = SearchShare(trials=share, seed=seed + number, token=secrets.token_hex(8))
        told.save(job.path / layout.SHARE)
        made.append(job)
    try:
        jobs.submit(made, entry=_ENTRY)
    except PrismError:
        settle(folder, made, jobs, 0)
        raise
    return made


def watched(those: Sequence[RunFolder], jobs: TrainingJobs) -> Iterator[None]:
    """Look again and again until all of these jobs have ended."""
    while any(_goes_on(one, jobs) for one in those):
        yield
        time.sleep(_LOOK_SECONDS)


def trained(run: RunFolder, jobs: TrainingJobs) -> Iterator[None]:
    """Have a run trained by a job, unless it is being trained; its status says how that ended."""
    if jobs.known(run) is None and run.status().state not in ACTIVE:
        try:
            jobs.submit([run])
        except PrismError:
            jobs.settled(run.study, keep_logs=False)
            raise
    # who paused it may let it stand for long
    while _goes_on(run, jobs) and run.status().state != "paused":
        yield
        time.sleep(_LOOK_SECONDS)
    jobs.say_why(run)


def told_why(those: Sequence[RunFolder], jobs: TrainingJobs) -> bool:
    """Whether any of these jobs tells why it ended before its time."""
    return any(jobs.state(one).says_why for one in those)


def settle(folder: RunFolder, those: Sequence[RunFolder], jobs: TrainingJobs, lacking: int) -> str:
    """Put the jobs away that have ended; why trials are lacking, or nothing."""
    failure = ""
    if lacking > 0:
        ended = [(jobs.state(one), job, one) for one in those if (job := jobs.watched(one))]
        ended.sort(key=lambda one: not one[0].says_why)
        told = [
            state.sentences(job, str(one.study / layout.JOBS / job.log))
            for state, job, one in ended
        ]
        failure = " ".join(told[0]) if told else "The jobs ended before all trials were tried."
    jobs.settled(folder.study, keep_logs=bool(failure))
    for one in () if failure else job_folders(folder):  # what they printed is theirs
        remove_tree(one.path, layout.is_ours)
    return failure
