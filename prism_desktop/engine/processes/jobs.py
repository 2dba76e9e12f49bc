"""Trainings as jobs, of this computer or of a cluster with Slurm; each trains one run.

Those of this computer are processes; submitit hands others to Slurm and reads what Slurm keeps of
them. It is given command lines, never functions: those it would write as pickles into the study's
folder and load from there, where others may write. What became of a run is told by its folder; a
job's state says only why it went no further.
"""

import contextlib
import difflib
import io
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.files import append, make_folder, remove_tree
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.processes.job_states import GONE, JobState, LocalStates, SlurmStates
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import ExecutorName, PrintedRuns, TrainingJob
from prism_desktop.engine.runs.process_identity import birth, this_host

if TYPE_CHECKING:
    from submitit import SlurmExecutor

ENTRY = "prism_desktop.engine.processes.job_entry"
_PATIENCE = 60.0  # s that Slurm has to answer
# Parameters of submitit that say what is started, which is not the user's to say; and lists.
_OURS = frozenset(
    ("additional_parameters", "dependency", "job_name", "num_gpus", "ntasks_per_node", "nodes",
     "setup", "srun_args", "stderr_to_stdout", "teardown", "use_srun")
)  # fmt: skip
_WHOLE = frozenset(("array_parallelism", "cpus_per_gpu", "cpus_per_task", "gpus_per_node",
                    "gpus_per_task", "signal_delay_s"))  # fmt: skip

_Command = Callable[[Sequence[RunFolder]], list[str]]  # what a job of these runs
_Begun = tuple[RunFolder, str, str]  # a run, its job's number, the file of what that prints


def slurm_settings(given: Sequence[str]) -> dict[str, str | int | bool]:
    """Settings of Slurm's jobs, typed as "key=value", by the names that submitit knows.

    Raises:
        InputError: a name is none of them, or a value is none for it.
    """
    from submitit import SlurmExecutor

    known = sorted(SlurmExecutor._valid_parameters() - _OURS)
    found: dict[str, str | int | bool] = {}
    for text in given:
        key, equals, said = text.partition("=")
        key, said = key.strip().replace("-", "_"), said.strip()
        if not equals or key not in known:
            if key in known:
                raise InputError(f"--slurm {key} has no value; write {key}=VALUE.")
            near = difflib.get_close_matches(key, known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise InputError(
                f"--slurm takes key=value with one of {', '.join(known)}, not "
                f"{clause(text) or 'nothing'}.{meant}"
            )
        if key in found:
            raise InputError(f"--slurm {key}= is given twice; give it once.")
        # a line break would be a line of the job's script
        if not said or not said.isprintable():
            raise InputError(f"--slurm {key}= wants a value of printable signs.")
        if key in _WHOLE and not (said.isascii() and said.isdigit()):
            raise InputError(f"--slurm {key}= wants a whole number, not {clause(said)}.")
        found[key] = int(said) if key in _WHOLE else said
        if key == "exclusive" and said.lower() == "true":
            found[key] = True
    return found


@dataclass(slots=True)
class TrainingJobs:
    """Starts jobs for runs and knows how they stand; see `settled` for what is left at the end.

    Attributes:
        executor: who carries them out.
        settings: of Slurm, as `slurm_settings` gives them.
        most: at a time; None: one on this computer, as many as there is room for on a cluster.
        tell: is told what was started, a sentence each.
    """

    executor: ExecutorName
    settings: Mapping[str, str | int | bool] = field(default_factory=dict)
    most: int | None = None
    tell: Callable[[str], object] = lambda sentence: None
    _slurm: SlurmStates = field(default_factory=SlurmStates)
    _local: LocalStates = field(default_factory=LocalStates)
    _mine: dict[Path, TrainingJob] = field(default_factory=dict)  # submitted, by their runs
    _seen: dict[Path, TrainingJob] = field(default_factory=dict)  # that were there before
    _folders: list[Path] = field(default_factory=list)  # of what jobs of this one print

    def check(self) -> None:
        """Refuse at once what cannot be.

        Raises:
            InputError: there is no such executor here.
        """
        if sys.platform == "win32":
            raise InputError(
                "Jobs are started on Linux and macOS only; leave --executor out to train here."
            )
        if self.most is not None and self.most < 1:
            raise InputError(f"--jobs wants 1 or more jobs at a time, not {self.most}.")
        if self.executor == "local" and self.settings:
            raise InputError("--slurm is for --executor slurm; jobs of this computer take none.")
        if self.executor == "slurm" and shutil.which("sbatch") is None:
            raise InputError(
                "There is no Slurm on this computer: sbatch is not found. Call this where jobs are "
                "submitted, or use --executor local."
            )

    def room(self) -> int:
        """How many more may be started now; Slurm's wait by themselves."""
        if self.executor == "slurm":
            return sys.maxsize
        known = {**self._seen, **self._mine}.values()
        going = sum(self._local.state(job).going for job in known if job.executor == "local")
        return max(0, (self.most or 1) - going)

    def known(self, run: RunFolder) -> TrainingJob | None:
        """The job of a run that is still to be waited for."""
        job = self._mine.get(run.path) or TrainingJob.load(run.path / layout.JOB)
        if job is None or not self._state(job).going:
            return None
        if run.path not in self._mine:
            self._seen[run.path] = job
        return job

    def watched(self, run: RunFolder) -> TrainingJob | None:
        """The job of a run that was started or waited for here."""
        return self._mine.get(run.path) or self._seen.get(run.path)

    def state(self, run: RunFolder) -> JobState:
        """How a run's last job stands; `GONE` if it has none."""
        job = self._mine.get(run.path) or TrainingJob.load(run.path / layout.JOB)
        return GONE if job is None else self._state(job)

    def _state(self, job: TrainingJob) -> JobState:
        return (self._slurm if job.executor == "slurm" else self._local).state(job)

    def say_why(self, run: RunFolder) -> None:
        """Tell a run whose job ended before it why, in the run's folder."""
        if not run.exists:
            return
        job, state, status = self.watched(run), self.state(run), run.status()
        silent = state.says_why or not status.message
        if job is not None and status.state == "interrupted" and silent:
            message, advice = state.sentences(job, str(run.study / layout.JOBS / job.log))
            run.set_status("interrupted", message=message, advice=advice)

    def submit(
        self,
        runs: Sequence[RunFolder],
        after: Sequence[TrainingJob] = (),
        *,
        baselines: bool = False,
        entry: str = ENTRY,
    ) -> None:
        """Start a job for each of these runs.

        Args:
            runs: that have their data; of another entry the folders that it is told.
            after: which jobs must have ended before; of Slurm alone.
            baselines: whether what a run is read against is made by its job.
            entry: the module that a job runs.

        Raises:
            InputError: Slurm refuses them.
        """
        folder = self._room_for_prints(runs)
        start = self._by_slurm if self.executor == "slurm" else self._here
        begun: list[RunFolder] = []
        try:
            command = partial(_command, entry, baselines=baselines)
            cluster = self._slurm.cluster() if self.executor == "slurm" else ""
            for run, number, log in start(folder, runs, after, command):
                born = birth(int(number)) if self.executor == "local" else ""
                self._mine[run.path] = TrainingJob(
                    executor=self.executor,
                    id=number,
                    host=this_host(),
                    cluster=cluster,
                    born=born,
                    submitted=time.time(),
                    log=f"{folder.name}/{log}",
                )
                begun.append(run)
        finally:  # all are known, and can be cancelled, before a full disk may keep one from it
            for run in begun:
                self._mine[run.path].save(run.path / layout.JOB)
        self.tell(_begun(self.executor, [self._mine[run.path].id for run in runs]))

    def _room_for_prints(self, runs: Sequence[RunFolder]) -> Path:
        """A new folder for what jobs of these runs print, which says whose it is before any begins:
        another call removes it once they are all done, see `settled`.

        Raises:
            InputError: jobs cannot be told of this study's path.
        """
        study = absolute(runs[0].study)
        folder = study / layout.JOBS / secrets.token_hex(4)
        if not str(folder).isprintable() or "%" in str(folder):
            raise InputError(
                f"Jobs cannot be started for {study}: its path holds a % or a sign that cannot "
                "be shown. Move it to a plain one."
            )
        make_folder(folder, fresh=True)
        self._folders.append(folder)
        PrintedRuns.of(runs).save(folder / layout.PRINTED_RUNS)
        return folder

    def _by_slurm(
        self,
        folder: Path,
        runs: Sequence[RunFolder],
        after: Sequence[TrainingJob],
        command: _Command,
    ) -> Iterator[_Begun]:
        from submitit import SlurmExecutor

        executor = SlurmExecutor(folder)
        # submitit's own defaults are five minutes and a key of accounting that few clusters have
        given: dict[str, Any] = {"time": None, "wckey": None, "job_name": "prism", **self.settings}
        if self.most is not None:
            given["array_parallelism"] = self.most
        numbers = [job.id for job in after if job.executor == "slurm"]
        if numbers:
            given["dependency"] = f"afterany:{':'.join(numbers)}"
        if "cpus_per_task" in given:  # since Slurm 22.05 srun does not take it from its job
            given["srun_args"] = [f"--cpus-per-task={given['cpus_per_task']}"]
        executor.update_parameters(**given)
        if len(runs) > 1:
            executor.parameters["map_count"] = len(runs)
        first = _submitted(executor, shlex.join(command(runs)))
        for place, run in enumerate(runs):
            number = f"{first}_{place}" if len(runs) > 1 else first
            yield run, number, f"{number}_0_log.err"

    def _here(
        self,
        folder: Path,
        runs: Sequence[RunFolder],
        after: Sequence[TrainingJob],
        command: _Command,
    ) -> Iterator[_Begun]:
        for run in runs:
            log = f"{run.name}.log"
            with append(folder / log) as printed:
                process = subprocess.Popen(
                    command([run]),
                    # what the terminal or a kill of this command's group says is not for its jobs
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=printed,
                )
            self._local.keep(process)
            yield run, str(process.pid), log

    def cancel(self) -> None:
        """End all jobs that were started here and go on; their runs may be gone on with. Where
        Slurm does not hear it, that is told, and how to end them."""
        going = [job for job in self._mine.values() if self._state(job).going]
        if not going:
            return
        if self.executor == "slurm":
            command = ["scancel", *(job.id for job in going)]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)
            except (OSError, subprocess.SubprocessError):
                self.tell(self.going_on())
            return
        for job in going:
            with contextlib.suppress(OSError):
                os.kill(int(job.id), signal.SIGTERM)

    def going_on(self) -> str:
        """What is said to whoever stops watching; empty if no job goes on."""
        going = [
            job for job in (*self._mine.values(), *self._seen.values()) if self._state(job).going
        ]
        if not going:
            return ""
        calls = {"slurm": "scancel", "local": "kill"}
        ends = [
            " ".join([call, *dict.fromkeys(job.id for job in going if job.executor == name)])
            for name, call in calls.items()
            if any(job.executor == name for job in going)
        ]
        what = f"{counted(len(going), 'job')} {'goes' if len(going) == 1 else 'go'} on"
        return f"{what}; {' and '.join(ends)} cancels, the same command watches again."

    def settled(self, study: Path, *, keep_logs: bool) -> None:
        """Remove what jobs printed, unless it may be wanted; also of those whose command was cut
        off, once all of them are over and their runs finished."""
        if not keep_logs:
            for folder in self._folders:
                remove_tree(folder)
        for folder in sorted((absolute(study) / layout.JOBS).glob("*")):
            # what others left must not spoil what is done
            with contextlib.suppress(OSError, PrismError):
                if folder not in self._folders and self._done_with(folder):
                    remove_tree(folder)

    def _done_with(self, folder: Path) -> bool:
        known = PrintedRuns.load(folder / layout.PRINTED_RUNS)
        if known is None:
            return False
        runs = [RunFolder(folder.parent.parent / name) for name in known.runs]
        return not any(self._goes_on(run) for run in runs if run.path.is_dir())

    def _goes_on(self, run: RunFolder) -> bool:
        """Whether a run is not finished, or its last job does not know that yet."""
        if run.status().state != "finished":
            return True
        job = TrainingJob.load(run.path / layout.JOB)
        return job is not None and self._state(job).going


def _begun(executor: ExecutorName, numbers: Sequence[str]) -> str:
    if executor == "local":
        return f"Started {counted(len(numbers), 'job')} here: process {', '.join(numbers)}."
    first = numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"Handed {counted(len(numbers), 'job')} to Slurm: {first}."


def _command(entry: str, runs: Sequence[RunFolder], *, baselines: bool) -> list[str]:
    """The command line of a job; of an array each takes the run at its own place."""
    asked = ["--baselines"] if baselines else []
    paths = [str(absolute(run.path)) for run in runs]
    # -P: no module of the user's, from the folder at hand
    return [sys.executable, "-u", "-P", "-m", entry, *asked, *paths]


def _submitted(executor: "SlurmExecutor", line: str) -> str:
    """The number of a job that was handed to Slurm.

    Raises:
        InputError: Slurm did not take it.
    """
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # where submitit prints what it raises
            return executor._submit_command(line).job_id
    except (FailedJobError, FailedSubmissionError) as error:
        lines = [re.sub(r"^sbatch: error: ", "", text) for text in str(error).splitlines()]
        told = "; ".join(clause(text) for text in lines if text.strip()) or "no reason given"
        raise InputError(
            f"Slurm did not take the job: {told}. No run was begun; put --slurm right."
        ) from None
