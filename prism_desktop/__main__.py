"""The entry point of `prism-desktop` and `python -m prism_desktop`.

The command line takes a second to be imported; whoever stops it then, or has no memory for it, is
told so, too.
"""

import contextlib
import os
import re
import signal
import sys
import threading
from typing import NoReturn

from prism_desktop.engine import orders_to_end, unheld_objects
from prism_desktop.engine.blas_threads import ONE_BLAS_THREAD

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

_KEPT = "What was saved before is kept."  # as `engine.faults` has it, which may be what fails
_MEMORY = re.compile(
    "map segment|cannot allocate|thread creation|start new thread|exception set",
    re.IGNORECASE,
)
# With less, OpenBLAS asks for memory again and again while NumPy or SciPy is imported, or ends
# the process itself.
_LEAST_MB = 640


class _AskedToEndError(BaseException):
    """The system asks the process to end."""


def main() -> NoReturn:
    """Run the command line, see `prism_desktop.cli.main.main`."""
    with contextlib.suppress(ValueError):  # a program of somebody's, in a thread
        _hear()
    for name, value in ONE_BLAS_THREAD.items():
        os.environ.setdefault(name, value)
    _measure_room()
    unheld_objects.look_seldom()
    try:
        with orders_to_end.held():  # obeyed before the command begins, however short that is
            from prism_desktop.cli.main import main as run

        run()
    except KeyboardInterrupt:
        _end(f"Interrupted. {_KEPT}", 130)
    except _AskedToEndError:
        _end(f"Ended, as the system asked. {_KEPT}", 143)
    except (MemoryError, ImportError, SystemError) as error:
        if not isinstance(error, MemoryError) and not _MEMORY.search(str(error)):
            raise
        _end(f"Memory ran out. {_KEPT} Close other programs and try again.", 1)


def _measure_room() -> None:
    """End in a sentence where whoever started this process allows it too little memory."""
    if resource is None:
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY and most < _LEAST_MB << 20:
        _end(
            f"This process may use only {most >> 20} MB of memory, and {_LEAST_MB} MB is the "
            f"least it needs (ulimit -v). Nothing was done.",
            1,
        )


def _hear() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    # not where whoever started this process wants it deaf
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        orders_to_end.hear(signal.SIGTERM, _end_now)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        orders_to_end.hear(signal.SIGINT, _end_now)


def _end_now(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else _AskedToEndError


def _end(sentence: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody reads it
        print(f"prism-desktop: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
