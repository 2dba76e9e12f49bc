"""What went wrong in training processes, in words for the user."""

import errno
from collections import defaultdict
from collections.abc import Callable, Sequence

from prism_desktop.engine.errors import BackboneError, InputError, PrismError
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import FailedRun
from prism_desktop.engine.runs.run_events import Started

RESUME = "What was trained up to the last checkpoint is kept; resume goes on from there."


def describe(error: BaseException, run: RunFolder) -> tuple[str, str]:
    """(what happened, what to do).

    The caller must have left its `except` block before it frees memory.
    """
    if isinstance(error, PrismError):
        return str(error), ""
    if out_of_memory(error):
        batch = run.config().batch
        smaller = (
            f"batch={max(1, batch // 2)} instead of {batch}" if batch > 1 else "a smaller backbone"
        )
        return (
            "Training ran out of memory.",
            f"Start a new run with {smaller} or on another device, or close other programs and "
            "resume.",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full.", f"Free some room. {RESUME}"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
    return (
        f"Training failed: {type(error).__name__}: {reason}.".replace("..", "."),
        f"The whole report is in {run.log}. {RESUME}",
    )


def refused(error: BaseException, run: RunFolder) -> bool:
    """Whether a run failed for what it was asked, such as a
    device that is not there, before anything was trained."""
    begun = any(isinstance(event, Started) for event in run.events()[0])
    return isinstance(error, InputError | BackboneError) and not begun


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device."""
    if isinstance(error, MemoryError):
        return True
    # torch's own error is a RuntimeError; its CPU allocator, MPS and cuBLAS raise plain ones.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        sign in text
        for sign in ("can't allocate memory", "out of memory", "cublas_status_alloc_failed")
    )


def death(code: int | None, run: RunFolder) -> tuple[str, str]:
    """(what happened, what to do) when a run's training process ended without a word."""
    if code is not None and code < 0:
        how = f"was ended by signal {-code}" + (
            ", most often because memory ran out" if code == -9 else ""
        )
    else:
        how = "ended without a word" if code is None else f"ended with code {code}"
    told = f"What it printed is in {run.log}. {RESUME}"
    return (
        f"The training process {how}.",
        f"{told} If it happens again, use a smaller batch or backbone.",
    )


def told_once(failed: Sequence[FailedRun], title: Callable[[str], str] = str) -> list[str]:
    """What failed in a comparison, one sentence for all that failed alike.

    Args:
        failed: runs of the comparison.
        title: what to call a method.
    """
    folds = len({one.fold for one in failed}) > 1
    alike: dict[str, list[str]] = defaultdict(list)
    for one in failed:
        where = f"seed {one.seed}" + (f", fold {one.fold}" if folds else "")
        alike[one.message].append(f"{title(one.method)} ({where})")
    return [
        f"{', '.join(runs[:3])}{_more(len(runs) - 3)} failed: {message}"
        for message, runs in alike.items()
    ]


def _more(count: int) -> str:
    return f" and {count} more runs" if count > 1 else " and another run" if count == 1 else ""
