import json
import os
from pathlib import Path

import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs.lock_file import held


def test_that_a_folder_is_worked_in_by_one_process_and_freed_afterwards(tmp_path: Path) -> None:
    refused = pytest.raises(RunError, match=f"The search goes on already, in process {os.getpid()}")
    with held(tmp_path, "The search"), refused, held(tmp_path, "The search"):
        pass
    with held(tmp_path, "The search"):
        pass
    # no such process
    (tmp_path / "owner.json").write_text(json.dumps({"pid": 2**22 + 1, "born": ""}))
    with held(tmp_path, "The search"):
        pass
