"""Memory that is free, given back to the system between two stages of a run.

The C library keeps what large tables leave between smaller things, for as long as the process
lives: as much again as is in use, after the answers of a large study were read.
"""

import ctypes
import gc
import sys
from contextlib import suppress


def give_back() -> None:
    """Give back what Arrow and the C library keep and nobody uses; nothing elsewhere than on
    Linux."""
    import pyarrow

    gc.collect()
    pyarrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL("libc.so.6").malloc_trim(0)
