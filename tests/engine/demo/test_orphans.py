"""Processes that draw faces end with the one that they draw for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

CODE = """
from prism_desktop.engine.demo.faces.pictures import pictures

if __name__ == "__main__":
    drawn = pictures(20_000, 1, 2)
    next(drawn)
    print("drawing", flush=True)
    for _ in drawn:
        pass
"""


def _lives(child: psutil.Process) -> bool:
    try:
        return child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_processes_that_draw_end_when_the_program_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "draw.py"
    script.write_text(CODE)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"drawing\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        os.kill(parent.pid, signal.SIGKILL)
        parent.stdout.close()
        until = time.monotonic() + 30
        while any(map(_lives, children)) and time.monotonic() < until:
            time.sleep(0.05)
    assert not [child for child in children if _lives(child)]
