"""Is a process still there? Known without any library, on every system."""

import os
import sys
from pathlib import Path


def alive(pid: int | None, born: str = "") -> bool:
    """Whether the process runs; `born`, where known, tells it from a later one with the same number."""
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
    """When the process started, in the kernel's ticks since boot; empty where the system does not say."""
    return _proc(pid)[1]


def _proc(pid: int) -> tuple[str, str]:
    """State letter and start time from /proc (proc(5), fields 3 and 22); empty on systems without it."""
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
