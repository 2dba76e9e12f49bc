"""The data that several runs share, taken from a study in another process.

So neither the window nor a command reads a study's answers, splits them and writes them down itself
before there is anything to watch or to end. Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator, Sequence
from os import getpid
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import make_folder, move, remove_tree
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.snapshot import take_snapshot


class WantedData(BaseModel):
    """A folder that is to hold a data snapshot, and the settings that say which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    config: TrainConfig


class StudyDataArguments(BaseModel):
    """What the service `study-data` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    wanted: tuple[WantedData, ...]

    @classmethod
    def of(cls, study: Path, wanted: Sequence[WantedData]) -> Self:
        """With paths that another process understands."""
        named = (one.model_copy(update={"path": absolute(one.path)}) for one in wanted)
        return cls(study=absolute(study), wanted=tuple(named))


def study_data_in_worker(asked: StudyDataArguments) -> Iterator[Event[None]]:
    """As `take_study_data`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    yield from call("study-data", asked, "Reading the answers")


def take_study_data(asked: StudyDataArguments) -> Iterator[Event[None]]:
    """Take snapshots of a study's present answers; each is put in place when it is whole, instead
    of what was there.

    Whether a method is possible on them is not asked.

    Raises:
        InputError: there is nothing to learn from.
    """
    from prism_desktop.engine.study.store import Study

    with Study.open(asked.study, read_only=True) as study:
        for number, one in enumerate(asked.wanted, 1):
            which = f", data {number} of {len(asked.wanted)}" if len(asked.wanted) > 1 else ""
            # a name by which what a killed process leaves is found, see `lock_file`
            beside = RunFolder(one.path.with_name(f".{one.path.name}-{getpid()}"))
            make_folder(beside.data)
            try:
                config = one.config.model_copy(update={"method": CONSENSUS})
                for event in take_snapshot(study, beside, config):
                    yield Progress(event.done, event.total, f"{event.what}{which}")
                remove_tree(one.path, layout.is_ours)
                move(beside.path, one.path)
            finally:
                beside.delete()
    yield Done(None)
