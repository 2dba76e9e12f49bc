"""What went wrong in training processes, in words for the user."""

import signal
from collections import defaultdict
from collections.abc import Callable, Sequence

from prism_desktop.engine.errors import BackboneError, InputError, PrismError
from prism_desktop.engine.faults import out_of_memory, parts_of, says_memory
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import labelled
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import FailedRun
from prism_desktop.engine.runs.run_events import Started

# Exit codes of processes: by the system where memory is short, also as a shell tells it; and of one
# that touched a part of a file that the disk could not give.
_KILLED = (-9, 137)
_NO_PAGE = (-int(getattr(signal, "SIGBUS", 7)), 135)
RESUME = "What was trained up to the last checkpoint is kept; resume goes on from there."


def describe(error: BaseException, run: RunFolder) -> tuple[str, str]:
    """(what happened, what to do).

    The caller must have left its `except` block before it frees memory.
    """
    if isinstance(error, PrismError):
        return str(error), ""
    if out_of_memory(error):
        batch = run.facts().batch if run.task == "writing" else run.config().batch
        smaller = (
            f"batch={max(1, batch // 2)} instead of {batch}" if batch > 1 else "a smaller backbone"
        )
        return (
            "Training ran out of memory.",
            f"{RESUME} Start a new run with {smaller} or on another device, or close other "
            "programs and resume.",
        )
    parts = parts_of(error)
    if parts is not None:
        return parts[1], f"{RESUME} {parts[2]}"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
    return (
        f"Training failed: {type(error).__name__}: {clause(reason)}.",
        f"The whole report is in {run.log}. {RESUME}",
    )


def refused(error: BaseException, run: RunFolder) -> bool:
    """Whether a run failed for what it was asked, such as a
    device that is not there, before anything was trained."""
    begun = any(isinstance(event, Started) for event in run.events()[0])
    return isinstance(error, InputError | BackboneError) and not begun


def ending(code: int | None, printed: str = "") -> str:
    """How a process ended that could not say it itself: "was ended by signal 9, ...".

    Args:
        code: exit code; negative: the signal that ended it; None if nobody saw it.
        printed: what it printed last.
    """
    if code is None:
        return "ended without a word"
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    if code in _KILLED or says_memory(printed):
        return f"{how}, most often because memory ran out"
    if code in _NO_PAGE:
        return f"{how}, most often because a disk was full or could not be read"
    return how


def death(code: int | None, run: RunFolder, printed: str = "") -> tuple[str, str]:
    """(what happened, what to do) when a run's training process ended without a word."""
    return (
        f"The training process {ending(code, printed)}.",
        f"{RESUME} What it printed is in {run.log}. If it happens again, use a smaller batch or "
        "backbone.",
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
        alike[one.message].append(f"{labelled(title(one.method), one.settings)} ({where})")
    return [
        f"{', '.join(runs[:3])}{_more(len(runs) - 3)} failed: {message}"
        for message, runs in alike.items()
    ]


def _more(count: int) -> str:
    return f" and {counted(count, 'more run')}" if count > 0 else ""
