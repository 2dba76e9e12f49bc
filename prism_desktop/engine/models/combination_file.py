"""The file of a combination of runs: which ones, and how much each weighs for each labeler."""

import json
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.models.versions import record
from prism_desktop.engine.runs import layout


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a combination."""

    method: str
    run: str  # name of the run, in the same study
    calibration: float  # the factor that fits its scores to the validation answers
    weight: tuple[float, ...]  # per labeler, calibration included
    # that its run trained; None in files that were written before this was kept
    parameters: int | None = None
    seconds: float | None = None  # that its training took


def read_combination(run: Path) -> tuple[Member, ...]:
    """The members of a finished combination.

    Raises:
        RunError: if its file is damaged.
    """
    try:
        stored = json.loads(read_text(run / layout.COMBINATION))
        return tuple(
            record(Member, one | {"weight": tuple(one["weight"])}, run) for one in stored["members"]
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"The file {run / layout.COMBINATION} is damaged ({error}); train again."
        ) from error
