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

from prism_desktop.engine.blas_threads import ONE_BLAS_THREAD

_KEPT = "What was saved before is kept."  # as `engine.faults` has it, which may be what fails
_MEMORY = re.compile(
    "map segment|cannot allocate|thread creation|start new thread|without exception set",
    re.IGNORECASE,
)


class _AskedToEndError(BaseException):
    """The system asks the process to end."""


def main() -> NoReturn:
    """Run the command line, see `prism_desktop.cli.main.main`."""
    asked: list[int] = []  # a library may swallow what is raised while it is imported
    with contextlib.suppress(ValueError):  # a program of somebody's, in a thread
        _hear(asked)
    for name, value in ONE_BLAS_THREAD.items():
        os.environ.setdefault(name, value)
    try:
        from prism_desktop.cli.main import main as run

        if asked:
            raise _AskedToEndError
        run()
    except KeyboardInterrupt:
        _end(f"Interrupted. {_KEPT}", 130)
    except _AskedToEndError:
        _end(f"Ended, as the system asked. {_KEPT}", 143)
    except (MemoryError, ImportError, SystemError) as error:
        if not isinstance(error, MemoryError) and not _MEMORY.search(str(error)):
            raise
        _end(f"Memory ran out. {_KEPT} Close other programs and try again.", 1)


def _hear(asked: list[int]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: object) -> NoReturn:
        asked.append(number)
        raise _AskedToEndError

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)


def _end(sentence: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody reads it
        print(f"prism-desktop: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
