"""A comparison of either task as the terminal shows it while it goes on, and who trains."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress

from prism_desktop.cli.console import PlainColumn, err, obey
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import labelled
from prism_desktop.engine.runs.job_file import ExecutorName
from prism_desktop.engine.runs.run_events import (
    Batch,
    ComparisonBegun,
    ItemBegun,
    ItemEnded,
    NoticeTold,
    ProgressTold,
    Started,
    Step,
)

if TYPE_CHECKING:
    from prism_desktop.engine.processes.jobs import TrainingJobs


def follow_comparison(batches: Iterable[Batch], jobs: "TrainingJobs | None" = None) -> Path:
    """Show a comparison's progress, of runs that perhaps `jobs` train; returns its folder."""
    with telling_what_goes_on(jobs):
        return _followed(batches)


@contextmanager
def telling_what_goes_on(jobs: "TrainingJobs | None") -> Iterator[None]:
    """Say which jobs go on where the watching within is cut off."""
    try:
        yield
    except BaseException:
        if jobs is not None and (said := jobs.going_on()):
            err.print(said, soft_wrap=True)
        raise


def _followed(batches: Iterable[Batch]) -> Path:
    columns = (PlainColumn(), BarColumn(), PlainColumn("state"))
    path: Path | None = None
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        everything = bar.add_task("Preparing", total=None, state="")
        present = bar.add_task("", total=None, state="", visible=False)
        told: set[str] = set()
        writes = reused = False
        for event in (event for batch in batches for event in batch):
            obey()
            match event:
                case ComparisonBegun():
                    path, writes = Path(event.path), event.task == "writing"
                    bar.update(
                        everything, total=event.runs, state=f"0 of {counted(event.runs, 'run')}"
                    )
                    for method, why in event.left_out.items():
                        err.print(f"{method} is left out: {why}")
                    for said in event.remarks:
                        err.print(said, soft_wrap=True)
                case ItemBegun():
                    reused = event.state == "reused"
                    bar.update(everything, description=_run_label(event))
                    bar.reset(present, total=None, description="preparing", state="", visible=True)
                case Started():
                    total = event.epochs * event.steps_per_epoch
                    bar.reset(present, total=total, description="training", state="")
                case ProgressTold():
                    bar.update(present, total=event.total, completed=event.done, visible=True)
                    bar.update(present, state=event.what)
                # what runs that write say of themselves stands nowhere else
                case NoticeTold() if writes and event.text not in told:
                    told.add(event.text)
                    err.print(event.text, soft_wrap=True)
                case Step():
                    bar.update(present, completed=event.step, state=f"loss {event.loss:.3f}")
                case ItemEnded():
                    done = f"{event.number} of {counted(event.runs, 'run')}"
                    bar.update(everything, completed=event.number, state=done)
                    end = _outcome(event.failure, told, "used again" if reused else "done")
                    reused = False
                    err.print(f"{done}: {_run_label(event)}, {end}", soft_wrap=True)
    if path is None:
        raise InputError("The comparison ended before it began.")
    return path


def _outcome(failure: str, told: set[str], well: str) -> str:
    """How a run ended; a failure that was told before is not told in full again."""
    if not failure:
        return well
    known = failure in told
    told.add(failure)
    return "failed for a reason told above" if known else f"failed: {failure}"


def _run_label(run: ItemBegun | ItemEnded) -> str:
    fold = f", fold {run.fold}" if run.fold else ""
    return f"{labelled(run.method, run.settings)}, seed {run.seed}{fold}"


def training_jobs(
    executor: ExecutorName | None, most: int | None, slurm: Sequence[str]
) -> "TrainingJobs | None":
    """Who trains; None for this command itself.

    Raises:
        InputError: what was asked for is none, or not for this executor.
    """
    if executor is None:
        if most is not None or slurm:
            raise InputError("--jobs and --slurm are for jobs; add --executor local or slurm.")
        return None
    from prism_desktop.engine.processes.jobs import TrainingJobs, slurm_settings

    def tell(sentence: str) -> None:
        err.print(sentence, soft_wrap=True)

    found = TrainingJobs(executor, slurm_settings(slurm) if slurm else {}, most, tell)
    found.check()
    return found
