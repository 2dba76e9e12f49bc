"""The trials of a search: as Optuna's journal on disk keeps them for several processes, and how a
process tries them.

A trial trains on the search's data, which hold no test answers, and tells the journal each epoch's
validation NLL.
"""

import glob
import math
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import MachineError, PrismError, RunError, UnreadableError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.faults import out_of_memory, raise_fault, unreadable
from prism_desktop.engine.files import (
    in_place,
    make_folder,
    open_in_place,
    remove_tree,
    write_json,
)
from prism_desktop.engine.foreign_files import GIGABYTE, plain_file
from prism_desktop.engine.methods import CONSENSUS, method
from prism_desktop.engine.methods.method import Ranges
from prism_desktop.engine.methods.parts.part import Choices
from prism_desktop.engine.processes.process_setup import lower_priority, prepare_torch
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.training.snapshot import copy_snapshot

if TYPE_CHECKING:
    import optuna

    from prism_desktop.engine.training.resources import Resources

# attribute of a trial that failed by itself, and so counts, rather than with its process
COUNTED = "why"
_SHARE = "share"  # attribute of a trial: which share it is of
_LONGEST_LINE = 1_000_000  # bytes of the journal
_JOB = ".job-"  # between the name of a search and the number of a job


def open_storage(path: Path) -> "optuna.Study":
    """The trials of a search, by whichever process."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.storages.journal._file import get_lock_file

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = path / layout.JOURNAL
    name = str(in_place(journal))
    locked = JournalFileOpenLock(name)
    try:
        if journal.exists():
            plain_file(journal, GIGABYTE)
            with get_lock_file(locked):
                _cut_last_line(journal)
        backend = JournalFileBackend(name, lock_obj=locked)
        trials = optuna.create_study(
            storage=JournalStorage(backend), study_name=path.name, load_if_exists=True
        )
        values = [one.value for one in trials.trials if one.state.name == "COMPLETE"]
    except OSError as error:
        raise unreadable(journal, error) from error
    # whatever Optuna meets in a line that is none of its own
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        raise UnreadableError(journal, "it is damaged") from error
    if not all(value is not None and math.isfinite(value) and value >= 0 for value in values):
        raise UnreadableError(journal, "it holds losses that cannot be")
    return trials


def _cut_last_line(journal: Path) -> None:
    """Take away a last line that a full disk or a kill cut off, which nobody reads and to which the
    next one would be joined."""
    with open_in_place(journal) as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _LONGEST_LINE)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail) and (whole or start == 0):
            file.truncate(start + whole)


class SearchAsked(Stored):
    """What the trials of a search have in common: search.json."""

    config: dict[str, JsonValue]
    searched: tuple[str, ...]  # settings, by dotted key
    fingerprint: str  # of the data


class _Start(Stored):
    """The run that trials start at: consensus.json."""

    run: str  # its name; earlier versions wrote its path


def known_search(folder: RunFolder) -> SearchAsked | None:
    """What a search asked for; None if there is none. Raises UnreadableError."""
    return SearchAsked.from_file(folder.path / layout.SEARCH)


def start_of(folder: RunFolder) -> RunFolder | None:
    """The study's run that the trials start at; None where they start elsewhere.

    Raises:
        UnreadableError: what was written down of it cannot be read, or names no run.
    """
    path = folder.path / layout.SEARCH_START
    said = _Start.from_file(path)
    if said is None:
        return None
    name = said.run.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if name in ("", ".", "..") or "\0" in name:
        raise UnreadableError(path, "it names no run")
    return RunFolder(folder.study / layout.RUNS / name)


def suggest(trial: "optuna.Trial", wanted: Ranges) -> dict[str, Any]:
    """One value of every searched setting."""
    values: dict[str, Any] = {}
    for key, one in wanted.items():
        if isinstance(one, Choices):
            values[key] = trial.suggest_categorical(key, one.values)
        elif one.whole:
            values[key] = trial.suggest_int(key, int(one.low), int(one.high), log=one.log)
        else:
            values[key] = trial.suggest_float(key, one.low, one.high, log=one.log)
    return values


def make_ready(trials: "optuna.Study", config: TrainConfig, wanted: Ranges) -> None:
    """Make room after a search that was cut off, and ask for the method's own settings first."""
    from optuna.trial import TrialState

    for trial in trials.get_trials(states=(TrialState.RUNNING,)):
        trials.tell(trial.number, state=TrialState.FAIL)
        told = {key: one for key, one in trial.user_attrs.items() if key != _SHARE}
        trials.enqueue_trial(trial.params, user_attrs=told)
    if not trials.trials:
        trials.enqueue_trial(_start(config, wanted), user_attrs={"start": True})


def _start(config: TrainConfig, wanted: Ranges) -> dict[str, Any]:
    """The values that the method comes with, as far as they lie in their ranges."""
    values: dict[str, Any] = {}
    for key, one in wanted.items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        inside = (
            value in one.values
            if isinstance(one, Choices)
            else value is not None and one.low <= value <= one.high
        )
        if inside:
            values[key] = value
    return values


def that_count(trials: "optuna.Study") -> list[Any]:
    """Trials that came to an end of their own."""
    return [
        t
        for t in trials.trials
        if t.state.name in ("COMPLETE", "PRUNED") or COUNTED in t.user_attrs
    ]


class SearchShare(Stored):
    """Which trials a job or a process tries: share.json in a job's folder, beside the search's."""

    trials: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]  # of the sampler
    # tells its trials, so that a job that Slurm begins anew tries what is left; empty: nobody asks
    token: Annotated[str, Field(pattern="^[0-9a-f]{0,32}$")] = ""

    @classmethod
    def of(cls, job: RunFolder) -> "SearchShare":
        """A job's; raises UnreadableError where it has none."""
        path = job.path / layout.SHARE
        found = cls.from_file(path)
        if found is None:
            raise UnreadableError(path, "it is not there")
        return found


def job_folder(folder: RunFolder, number: int) -> RunFolder:
    """The folder of one of a search's jobs."""
    return RunFolder(folder.path.with_name(f"{folder.name}{_JOB}{number:04d}"))


def job_folders(folder: RunFolder) -> list[RunFolder]:
    """Those that are there."""
    found = folder.path.parent.glob(f"{glob.escape(folder.name)}{_JOB}*")
    return [RunFolder(path) for path in sorted(found)]


def search_of(job: RunFolder) -> RunFolder:
    """The search whose trials a job tries."""
    return RunFolder(job.path.with_name(job.name.rpartition(_JOB)[0] or job.name))


class SearchTrialsArguments(BaseModel):
    """What the service `search-trials` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path  # the search's
    trials: int
    seed: int  # of the sampler


def run_trials(folder: RunFolder, share: SearchShare) -> Generator[Event[None], None, None]:
    """Try what is left of a share in this process.

    The total of a progress is unknown while backbone and images are read. A trial at work when this
    is closed is left running in the journal, and the search's next call tries its settings again.

    Raises:
        PrismError: backbone or images cannot be read.
    """
    import optuna

    yield Progress(0, None, "Reading backbone and data")
    prepare_torch(folder)
    resources = yield from value(_open(folder))
    lower_priority()
    study = open_storage(folder.path)
    study.sampler = optuna.samplers.TPESampler(seed=share.seed, multivariate=False)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
    trials = _Trials(folder, resources)
    for number in range(_tried(study, share), share.trials):
        progress = Progress(number, share.trials, "Trying settings")
        yield progress
        trial = study.ask()
        trial.set_user_attr(_SHARE, share.token)
        try:
            loss = yield from trials.train(trial, progress)
            study.tell(trial, loss)
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        except (PrismError, RuntimeError, MemoryError) as error:
            why = _why_counted(error)
            trial.set_user_attr(COUNTED, why)
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            yield Notice(f"Trial {trial.number} failed and was passed over: {why}")
    yield Done(None)


def _tried(study: "optuna.Study", share: SearchShare) -> int:
    """How many trials of a share came to an end before."""
    if not share.token:
        return 0
    return sum(trial.user_attrs.get(_SHARE) == share.token for trial in that_count(study))


def _why_counted(error: Exception) -> str:
    """Why settings failed. Some want more memory than there is; what any other fault of the machine
    meets is not the settings' doing: it is raised, and they are tried again later."""
    if out_of_memory(error):
        return "its settings want more memory than there was."
    if isinstance(error, MachineError):
        raise error
    raise_fault(error)
    return str(error) or type(error).__name__


class _Trials:
    """Trains trials on what one process has read."""

    def __init__(self, folder: RunFolder, resources: "Resources") -> None:
        self._folder, self._resources = folder, resources
        start = start_of(folder)
        self._consensus = {CONSENSUS: start} if start is not None else {}
        asked, every = known_search(folder), method(folder.config().method).ranges()
        if asked is None or not every.keys() & set(asked.searched):
            raise UnreadableError(folder.path / layout.SEARCH, "it names no settings to search")
        self._wanted: Ranges = {key: every[key] for key in asked.searched if key in every}

    def train(self, trial: "optuna.Trial", progress: Progress) -> Generator[Progress, None, float]:
        """Train one trial; the macro validation NLL of its best epoch.

        Yields:
            `progress` between any two steps.
        """
        import optuna

        from prism_desktop.engine.runs.run_events import Epoch
        from prism_desktop.engine.training.factory import build

        config = self._folder.config().with_options(suggest(trial, self._wanted))
        run = RunFolder(self._folder.path.parent / f"{self._folder.name}.trial-{trial.number:04d}")
        remove_tree(run.path, layout.is_ours)
        make_folder(run.data)
        try:
            write_json(run.path / layout.CONFIG, config.model_dump(mode="json"))
            copy_snapshot(self._folder, run)
            routine = build(run, self._resources, self._consensus, _nobody)
            for event in routine.run():
                yield progress
                if isinstance(event, Epoch):
                    loss: Any = event.val["nll"]
                    trial.report(float(loss), event.epoch)
                    if trial.should_prune():
                        raise optuna.TrialPruned
            if routine.cursor.best_nll is None:
                raise RunError("The trial had no validation answers.")
            return routine.cursor.best_nll
        finally:
            run.delete()


def _open(folder: RunFolder) -> Iterator[Event["Resources"]]:
    """Backbone and images, as all trials need them."""
    from prism_desktop.engine.training.factory import wants_features
    from prism_desktop.engine.training.resources import open_resources

    resources = yield from value(open_resources(folder))
    if wants_features(folder.config()):
        yield from resources.read_features(folder)
    yield Done(resources)


def _nobody(name: str) -> Generator[Any, None, RunFolder]:
    raise RunError(f"A search trains no {name}.")
    yield
