"""How jobs stand, and in what words one ended that left its run untrained."""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.process_identity import is_alive, this_host

# At its import submitit would set up logging anew, and with that close what is open for any log.
os.environ["SUBMITIT_LOG_LEVEL"] = "NOCONFIG"

_ASK_SECONDS = 3.0  # between two questions to Slurm, which many people ask
_UNSEEN_SECONDS = 30.0  # between taking a job and showing it
_PATIENCE = 60.0  # s that it has to answer
_CLUSTER = re.compile(r"^ClusterName\s*=\s*(\S+)\s*$", re.MULTILINE)
_AGAIN = "the same command goes on from its last checkpoint"
# Slurm does not answer whether there is such a job.
UNTOLD = "UNTOLD"
WAITING = frozenset(
    ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT",
     "RESV_DEL_HOLD", "SUSPENDED")
)  # fmt: skip
# By Slurm's name of the state: what happened to the job, and what to do.
ENDS: Mapping[str, tuple[str, str]] = {
    "CANCELLED": ("was cancelled", f"It can be gone on with: {_AGAIN}."),
    "TIMEOUT": (
        "reached its time limit",
        f"Allow more with --slurm time=HH:MM:SS; {_AGAIN}.",
    ),
    "DEADLINE": ("reached its deadline", f"It can be gone on with: {_AGAIN}."),
    "OUT_OF_MEMORY": (
        "used more memory than it was given",
        f"Allow more with --slurm mem=32GB, or use a smaller batch or backbone; {_AGAIN}.",
    ),
    "NODE_FAIL": ("was lost with its node", f"It can be gone on with: {_AGAIN}."),
    "BOOT_FAIL": ("was lost, as its node did not start", f"It can be gone on with: {_AGAIN}."),
    "PREEMPTED": ("had to give way to another job", f"It can be gone on with: {_AGAIN}."),
    "REVOKED": ("was taken back by Slurm", f"It can be gone on with: {_AGAIN}."),
}
# That are over; what this version does not know goes on.
OVER = frozenset((*ENDS, "COMPLETED", "FAILED", "LAUNCH_FAILED", "RECONFIG_FAIL", "EXPIRED"))
_OTHER = "ended before its run did"


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job stands.

    Attributes:
        name: as Slurm says it, in capitals; empty if nobody knows the job.
        why: it waits, in Slurm's word.
    """

    name: str = ""
    why: str = ""

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.name in WAITING

    @property
    def going(self) -> bool:
        """Whether it is to be waited for."""
        return bool(self.name) and self.name not in OVER

    @property
    def says_why(self) -> bool:
        """Whether it tells why a run went no further, better than the run itself may know."""
        return self.name in ENDS

    def sentences(self, job: TrainingJob, log: str) -> tuple[str, str]:
        """(what happened, what to do), where the run of a job that ended did not end.

        Args:
            job: the job.
            log: where what it printed is.
        """
        who = f"Slurm job {job.id}" if job.executor == "slurm" else f"The job, process {job.id},"
        what, advice = ENDS.get(self.name, (_OTHER, f"What it printed is in {log}; {_AGAIN}."))
        return f"{who} {what}.", advice


GONE = JobState()


def read_queue(printed: str) -> dict[str, JobState]:
    """What `squeue -o %i|%T|%r` prints, by the jobs' numbers."""
    found = {}
    for line in printed.splitlines():
        number, _, rest = line.strip().partition("|")
        name, _, why = rest.partition("|")
        if name:
            found[number] = JobState(name.upper(), "" if why == "None" else why)
    return found


@dataclass(slots=True)
class SlurmStates:
    """Asks Slurm for all jobs of the user at once, seldom; for those that it has forgotten, the
    accounting, where there is any."""

    _asked: float = float("-inf")  # monotonic seconds
    _answered: float = -1.0  # unix seconds; when the question was put that it answered
    _queue: dict[str, JobState] = field(default_factory=dict)
    _elsewhere: bool = False  # there is no Slurm on this computer
    _met: dict[str, float] = field(default_factory=dict)  # unix seconds; first asked for here
    # what the accounting says of those that the queue lacks, and when, monotonic seconds
    _looked_up: dict[str, tuple[float, JobState]] = field(default_factory=dict)
    _ended: dict[str, JobState] = field(default_factory=dict)  # that Slurm forgot
    _cluster: str | None = None  # as Slurm calls it; empty where it does not say

    def cluster(self) -> str:
        """The name of the cluster that is asked; empty where Slurm does not say it."""
        if self._cluster is None:
            try:
                told = _printed(["scontrol", "show", "config"])
            except FileNotFoundError:
                told = ""
            if told is None:  # it may answer later
                return ""
            found = _CLUSTER.search(told)
            self._cluster = found[1] if found else ""
        return self._cluster

    def state(self, job: TrainingJob) -> JobState:
        """How a job stands; where Slurm does not answer as before, or untold. Only a queue that was
        read after a job was handed over says that it is gone. Of another cluster nobody knows it:
        the same number is another job here."""
        if job.cluster and self.cluster() not in ("", job.cluster):
            return GONE
        if job.id in self._ended:
            return self._ended[job.id]
        now = time.time()
        if time.monotonic() - self._asked > _ASK_SECONDS or job.submitted > now - 1:
            self._ask()
        if self._elsewhere:  # the run's folder decides
            return GONE
        if job.id in self._queue:
            return self._queue[job.id]
        # the clock of who handed it over may be ahead of this one
        since = min(job.submitted, self._met.setdefault(job.id, now))
        if self._answered < since:
            return JobState(UNTOLD)
        found = self._accounted(job.id)
        if self._answered < since + _UNSEEN_SECONDS and (found.going or not found.name):
            return JobState("PENDING")
        # what the accounting takes to go on, and the queue lacks, was lost with its node
        self._ended[job.id] = GONE if found.going else found
        return self._ended[job.id]

    def _ask(self) -> None:
        asked = time.time()
        try:
            told = _printed(["squeue", "--me", "-a", "-r", "-h", "-t", "all", "-o", "%i|%T|%r"])
        except FileNotFoundError:
            self._elsewhere, told = self._answered < 0, None
        self._asked = time.monotonic()  # it may have taken a minute to say nothing
        if told is not None:
            self._queue, self._answered, self._elsewhere = read_queue(told), asked, False

    def _accounted(self, number: str) -> JobState:
        when, found = self._looked_up.get(number, (float("-inf"), GONE))
        if time.monotonic() - when > _ASK_SECONDS:
            found = self._look_up(number)
            self._looked_up[number] = time.monotonic(), found
        return found

    def _look_up(self, number: str) -> JobState:
        from submitit.slurm.slurm import SlurmInfoWatcher

        watcher = SlurmInfoWatcher()
        watcher.register_job(number)
        try:
            told = _printed(watcher._make_command() or [])
        except FileNotFoundError:  # this Slurm keeps no accounts
            told = None
        info = watcher.read_info(told).get(number, {}) if told else {}
        name = (info.get("State") or "").split(" ")[0]  # CANCELLED by 1000
        return JobState(name)


def _printed(command: list[str]) -> str | None:
    """What a command of Slurm's prints; None if it does not answer.

    Raises:
        FileNotFoundError: there is no such command here.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE,
            check=True, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        raise
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


@dataclass(slots=True)
class LocalStates:
    """Asks the system for jobs of this computer."""

    _kept: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)  # by their numbers

    def keep(self, process: "subprocess.Popen[bytes]") -> None:
        """Remember a process that this one started, so that its end is seen."""
        self._kept[str(process.pid)] = process

    def state(self, job: TrainingJob) -> JobState:
        """How a job stands; of another computer nobody knows it."""
        mine = self._kept.get(job.id)
        if mine is not None and mine.poll() is None:
            return JobState("RUNNING")
        there = job.host == this_host() and is_alive(int(job.id), job.born) and bool(job.born)
        return JobState("RUNNING") if there else GONE
