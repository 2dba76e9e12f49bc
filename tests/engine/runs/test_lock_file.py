import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.lock_file import held


def test_that_a_folder_is_worked_in_by_one_process_and_freed_afterwards(tmp_path: Path) -> None:
    refused = pytest.raises(RunError, match=f"The search goes on already, in process {os.getpid()}")
    with held(tmp_path, "The search"), refused, held(tmp_path, "The search"):
        pass
    with held(tmp_path, "The search"):
        pass


def test_that_the_note_of_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / layout.OWNER).write_text(json.dumps({"pid": 1, "born": ""}))
    with held(tmp_path, "The search"):
        pass


def test_that_a_process_that_dies_lets_go(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from prism_desktop.engine.runs.lock_file import held
with held(Path({str(tmp_path)!r}), "The search"):
    print("held", flush=True)
    input()
    os._exit(9)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match=f"in process {process.pid}"),
            held(tmp_path, "The search"),
        ):
            pass
        process.communicate("\n")
    with held(tmp_path, "The search"):
        pass
