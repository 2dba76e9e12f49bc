"""A comparison as the terminal shows it while it goes on, of either task."""

from collections.abc import Iterable
from pathlib import Path

from rich.progress import BarColumn, Progress

from prism_desktop.cli.console import PlainColumn, err, obey
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import labelled
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


def follow_comparison(batches: Iterable[Batch]) -> Path:
    """Show a comparison's progress; returns its folder."""
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
