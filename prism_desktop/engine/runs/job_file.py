"""The job that a run was handed to, `job.json` in the run's folder, and what jobs print."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.stored import Moment, Stored

ExecutorName = Literal["local", "slurm"]


class TrainingJob(Stored):
    """A job that trains a run, or did."""

    executor: ExecutorName
    # of Slurm as `scancel` takes it, 12 or 12_3 of an array; of this computer the process's number
    id: Annotated[str, Field(pattern="^[0-9]{1,18}(_[0-9]{1,9})?$")]
    host: str = ""  # where it was submitted
    cluster: str = ""  # Slurm's name of it, of which alone the number is; empty where nobody knows
    born: str = ""  # of a process of this computer, see `process_identity.birth`
    submitted: Moment = 0.0  # unix seconds
    log: str = ""  # what it printed, within the study's folder of jobs


class PrintedRuns(Stored):
    """Whose jobs print into a folder of the study's `jobs/`: `runs.json` there."""

    # by their paths within the study
    runs: tuple[Annotated[str, Field(pattern=r"^(runs|writing|search)/[^/]+$")], ...]

    @classmethod
    def of(cls, runs: Sequence[RunFolder]) -> Self:
        """Those of these runs, all of one study."""
        return cls(runs=tuple(run.path.relative_to(run.study).as_posix() for run in runs))
