"""What a process of long work does to itself before and
after: priority, threads, deterministic arithmetic."""

import contextlib
import os
import sys

from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.writing_config import WritingConfig

_NICE = 5  # below the window's priority, so that it stays smooth
_threads = 0  # that torch chose by itself


def lower_priority() -> None:
    """Give way to the window."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        ctypes.windll.kernel32.SetPriorityClass(
            ctypes.windll.kernel32.GetCurrentProcess(), below_normal
        )
    else:
        with contextlib.suppress(OSError):
            os.nice(max(0, _NICE - os.nice(0)))


def prepare_torch(run: RunFolder) -> None:
    """The threads that the run began with, and deterministic arithmetic."""
    import torch

    global _threads
    _threads = _threads or torch.get_num_threads()
    judging = run.task == "judging"
    config = run.config() if judging else WritingConfig.load(run.path / layout.CONFIG)
    torch.set_num_threads(int(config.threads or run.environment().threads or _threads))
    # what use_deterministic_algorithms(True, warn_only=True) does, which loads torch's compiler for
    # it: 800 modules, two seconds
    torch.set_deterministic_debug_mode("warn")


def release_torch() -> None:
    """The opposite, for whatever comes next."""
    import torch

    if _threads:
        torch.set_num_threads(_threads)
    torch.set_deterministic_debug_mode("default")
