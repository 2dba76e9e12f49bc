"""The job that a run was handed to: `job.json` in the run's folder."""

from typing import Annotated, Literal

from pydantic import Field

from prism_desktop.engine.runs.stored import Moment, Stored

ExecutorName = Literal["local", "slurm"]


class TrainingJob(Stored):
    """A job that trains a run, or did."""

    executor: ExecutorName
    # of Slurm as `scancel` takes it, 12 or 12_3 of an array; of this computer the process's number
    id: Annotated[str, Field(pattern="^[0-9]{1,18}(_[0-9]{1,9})?$")]
    host: str = ""  # where it was submitted
    born: str = ""  # of a process of this computer, see `process_identity.birth`
    submitted: Moment = 0.0  # unix seconds
    log: str = ""  # what it printed, within the study's folder of jobs
