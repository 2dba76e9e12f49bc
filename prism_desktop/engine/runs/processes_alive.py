"""Processes of ours, started and ended.

And whether a process is still there, without any library, on every system.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO


def start_python(
    module: str, *arguments: str, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a module of this program in a process of its own.

    The streams are as in `subprocess.Popen`.
    """
    return subprocess.Popen(
        # -P: no module of the user's, from the folder at hand
        [sys.executable, "-P", "-m", module, *arguments],
        # idle threads must not spin on the window's cores
        env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
        start_new_session=True,  # Ctrl-C is for the parent, which tells the child what to do
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


def end_python(process: subprocess.Popen[bytes], grace: float) -> None:
    """Ask a process to end, and after so many seconds end it."""
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def alive(pid: int | None, born: str = "") -> bool:
    """Whether the process runs; `born`, where known,
    tells it from a later one with the same number."""
    if not pid or pid < 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    state, start = _proc(pid)
    return state not in ("Z", "X") and (not born or not start or start == born)


def birth(pid: int) -> str:
    """When the process started, in the kernel's ticks since boot.

    Empty where the system does not say.
    """
    return _proc(pid)[1]


def _proc(pid: int) -> tuple[str, str]:
    """State letter and start time from /proc (proc(5), fields 3 and 22).

    Empty on systems without it.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces
    return fields[0], fields[19]


def _alive_on_windows(pid: int) -> bool:
    import ctypes

    # os.kill(pid, 0) would end the process there.
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE
