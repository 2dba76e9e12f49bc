"""How often Python looks for circles of objects, in commands and in a window."""

import subprocess
import sys

_PRINT = "import gc, sys; print(gc.get_threshold()[0], file=sys.stderr)"
_COMMAND = (
    "import sys, prism_desktop.cli.main as cli\n"
    f"cli.main = lambda: exec({_PRINT!r})\n"
    "sys.argv = ['prism-desktop']\n"
    "from prism_desktop.__main__ import main\n"
    f"main()\n{_PRINT}\n"
    "from prism_desktop.engine.unheld_objects import look_as_usual\n"
    f"look_as_usual()\n{_PRINT}\n"
)


def test_that_a_command_looks_seldom_and_a_window_as_often_as_python_does() -> None:
    usual = subprocess.run(
        [sys.executable, "-c", _PRINT], check=True, capture_output=True, text=True
    ).stderr
    told = subprocess.run(
        [sys.executable, "-c", _COMMAND], check=True, capture_output=True, text=True
    ).stderr.split()
    assert told[0] == told[1]
    assert int(told[0]) > 20 * int(usual)
    assert told[2] == usual.strip()
