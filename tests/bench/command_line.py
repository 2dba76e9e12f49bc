"""What a command costs before and beside its work: processor seconds of `--help`, `--version` and
`study info`, and seconds of the clock until the window is shown, each in a process of its own;
medians. The window also cold: once the system has forgotten the files of the program, of Python and
of the libraries, as after the computer was started (on Linux; other processes of the same Python
must not run, for what they hold is not forgotten).

`python -m tests.bench command_line`; at most 0.4 s for `--help`, 1.0 s for `study info`, 0.7 s for
the window (drawn in memory, without a display), 2.5 s cold.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import prism_desktop
from prism_desktop.engine.study.store import Study

TIMES = 7
LIMITS = {"--version": 0.4, "--help": 0.4, "study info": 1.0}
WINDOW, COLD, COLD_TIMES = 0.7, 2.5, 3
_SHOWN = """
import os
from prism_desktop.ui import app
made = app.make_application([])
window = app.build(made)
window.show()
for _ in range(3):
    made.processEvents()
os._exit(0)
"""


def spent(arguments: list[str]) -> float:
    """Processor seconds of a command, user and system."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "prism_desktop", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def shown() -> float:
    """Seconds until a window is shown and painted once."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", _SHOWN], check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    return time.perf_counter() - begun


def forget_files() -> None:
    """Have the system drop what it keeps in memory of the files that a start reads."""
    paths = sysconfig.get_paths()
    folders = {paths["stdlib"], paths["platstdlib"], paths["purelib"], sys.base_prefix + "/lib"}
    package = Path(prism_desktop.__file__).parent
    for folder in (*map(Path, folders), package, package.parent / "resources"):
        for path in (*folder.rglob("*"), Path(sys.executable)):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold() -> float:
    """Seconds until a window is shown that finds nothing in memory."""
    forget_files()
    return shown()


def main() -> int:
    """Print the medians; 1 if one is above its limit."""
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "empty.prism"
        Study.create(study).close()
        commands = {
            "--version": ["--version"],
            "--help": ["--help"],
            "study info": ["study", "info", str(study)],
        }
        for arguments in commands.values():
            spent(arguments)  # what is compiled once
        for name, arguments in commands.items():
            median = statistics.median(spent(arguments) for _ in range(TIMES))
            worst |= median > LIMITS[name]
            print(f"{name}: {median:.2f} s of a processor, at most {LIMITS[name]}")
    median = statistics.median(shown() for _ in range(TIMES))
    worst |= median > WINDOW
    print(f"the window is shown: {median:.2f} s, at most {WINDOW}")
    if hasattr(os, "posix_fadvise"):
        median = statistics.median(cold() for _ in range(COLD_TIMES))
        worst |= median > COLD
        print(f"the window is shown, cold: {median:.2f} s, at most {COLD}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
