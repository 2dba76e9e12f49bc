"""A search whose trials are tried by jobs, several at a time; this process only watches the journal
on the shared disk."""

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
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder

_ENTRY: Final = "prism_desktop.engine.experiments.search_entry"
_LOOK_SECONDS: Final = 0.3


def jobs_at_work(folder: RunFolder, jobs: TrainingJobs) -> list[RunFolder]:
    """The folders of a search's jobs that go on, whoever submitted them."""
    return [one for one in job_folders(folder) if jobs.known(one) is not None]


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
        SearchShare(trials=share, seed=seed + number).save(job.path / layout.SHARE)
        made.append(job)
    try:
        jobs.submit(made, entry=_ENTRY)
    except PrismError:
        settle(folder, made, jobs, 0)
        raise
    return made


def watched(those: Sequence[RunFolder], jobs: TrainingJobs) -> Iterator[None]:
    """Look again and again until all of these jobs have ended."""
    while any(jobs.state(one).going for one in those):
        yield
        time.sleep(_LOOK_SECONDS)


def trained(run: RunFolder, jobs: TrainingJobs) -> Iterator[None]:
    """Have a run trained by a job, unless it is being trained; its status says how that ended."""
    if jobs.known(run) is None and run.status().state not in ACTIVE:
        try:
            jobs.submit([run])
        except PrismError:
            jobs.settled(keep_logs=False)
            raise
    while jobs.state(run).going or run.status().state in ACTIVE:
        yield
        time.sleep(_LOOK_SECONDS)


def settle(folder: RunFolder, those: Sequence[RunFolder], jobs: TrainingJobs, lacking: int) -> str:
    """Put the jobs away that have ended; why trials are lacking, or nothing."""
    failure = ""
    if lacking > 0:
        told = [
            jobs.state(one).sentences(job, str(one.study / layout.JOBS / job.log))
            for one in those
            if (job := jobs.watched(one)) is not None
        ]
        failure = " ".join(told[0]) if told else "The jobs ended before all trials were tried."
    jobs.settled(keep_logs=bool(failure))
    for one in job_folders(folder):
        remove_tree(one.path, layout.is_ours)
    return failure
