"""Whether a process is still there, and what tells it from a later one with the same number."""

import hashlib
import os
import platform
from collections.abc import Mapping
from typing import Final

_LINUX: Final = platform.system() == "Linux"


def is_alive(pid: int | None, born: str = "") -> bool:
    """Whether a process runs.

    Args:
        pid: the process's number; None for no process.
        born: what `birth` said of it; empty where that is not known, so that the number decides.
    """
    if not pid or pid < 0:
        return False
    import psutil  # which is slow to import, and needed by few commands

    try:
        if psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except OverflowError:  # no number of a process
        return False
    except psutil.AccessDenied:
        return True
    now = birth(pid)
    return not born or not now or now == born


def works(pid: int | None, born: str) -> bool:
    """Whether the process runs that a file names.

    On Linux a birth always stands beside the number; a number alone, as a stranger may have written
    it, is nobody's.
    """
    return is_alive(pid, born) and (bool(born) or not _LINUX)


def birth(pid: int) -> str:
    """When a process started, as it is stored beside its number; empty where nobody can say.

    On Linux these are the kernel's ticks since boot, as files of earlier versions have them:
    unlike psutil's seconds since 1970 they stay the same when the clock is set. Elsewhere the
    system keeps the seconds themselves; earlier versions stored nothing there, which `is_alive`
    takes for an unknown birth.
    """
    import psutil

    try:
        seconds = psutil.Process(pid).create_time()
    except psutil.Error:
        return ""
    if _LINUX:
        return str(round((seconds - psutil.boot_time()) * os.sysconf("SC_CLK_TCK")))
    return repr(seconds)


def this_host() -> str:
    """The name of this computer: process numbers mean something on it alone."""
    return platform.node()


def host_mark() -> str:
    """The same for the name of a file: 8 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(this_host().encode()).hexdigest()[:8]


def this_job(environment: Mapping[str, str] | None = None) -> str:
    """The number of the Slurm job that this process is part of, as `scancel` takes it; empty
    outside of one."""
    found = os.environ if environment is None else environment
    array, place = found.get("SLURM_ARRAY_JOB_ID"), found.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{place}" if array and place else found.get("SLURM_JOB_ID", "")
