import subprocess
import sys

import pytest

COMMAND = """
import sys
sys.argv = ["prism-desktop", "--version"]
from prism_desktop.__main__ import main
try:
    main()
except SystemExit:
    pass
import numpy, scipy.linalg, threadpoolctl
found = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
print(max(one["num_threads"] for one in found))
"""


@pytest.mark.parametrize(("asked", "threads"), [(None, "1"), ("2", "2")])
def test_that_a_command_and_what_it_starts_compute_in_one_thread_unless_asked_for_more(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, threads: str
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", asked)
    told = subprocess.run(
        [sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True
    )
    assert told.stdout.split()[-1] == threads
