"""The file of a combination of runs: which ones, and how much each weighs for each labeler."""

from pathlib import Path

from prism_desktop.engine.errors import FailedReadError, RunError, UnreadableError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.stored import Count, FolderName, Positive, Stored


class Member(Stored):
    """One part of a combination."""

    method: str
    run: FolderName  # in the same study
    calibration: float  # the factor that fits its scores to the validation answers
    weight: tuple[float, ...]  # per labeler, calibration included
    # that its run trained; None in files that were written before this was kept
    parameters: Count | None = None
    seconds: Positive | None = None  # that its training took


class CombinedRuns(Stored):
    """combination.json."""

    kind: str = ""
    members: tuple[Member, ...]
    why: tuple[str, ...] = ()  # a sentence each


def read_combination(run: Path) -> tuple[Member, ...]:
    """The members of a finished combination.

    Raises:
        RunError: if its file is damaged, or another than the run wrote.
    """
    try:
        check_file(run, layout.COMBINATION)
        stored = CombinedRuns.from_file(run / layout.COMBINATION)
    except FailedReadError:
        raise
    except UnreadableError as error:
        raise RunError(
            f"The file {run / layout.COMBINATION} is damaged ({error.why}); train again."
        ) from error
    if stored is None:
        raise RunError(f"{run.name} has no {layout.COMBINATION}; train again.")
    lengths = {len(member.weight) for member in stored.members}
    # members are trained by themselves, so none is a combination; else this would have no end
    nested = any(layout.holds(run.with_name(one.run), layout.COMBINATION) for one in stored.members)
    if len(lengths) > 1 or nested:
        raise RunError(f"The file {run / layout.COMBINATION} is damaged; train again.")
    return stored.members
