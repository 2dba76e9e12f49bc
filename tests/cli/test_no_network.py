"""No command on a study speaks to another computer, whatever the study asks for."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_fault_table import (
    COMMANDS,
    disk,
    original,
    place,
    place_for,
    tower,
    trained,
    wrote_texts,
)

__all__ = ["disk", "original", "place", "tower", "trained", "wrote_texts"]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace"),
]
_HERE = re.compile(r"AF_(UNIX|NETLINK|UNSPEC)|127\.0\.0\.1|inet_pton\(AF_INET6, \"::1\"")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_that_no_command_speaks_to_another_computer(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place, told = place_for(name, request), tmp_path / "calls"
    subprocess.run(
        ["strace", "-f", "-e", "trace=connect,sendto,sendmsg", "-o", told, sys.executable, "-m",
         "prism_desktop", *map(str, COMMANDS[name](place))],
        capture_output=True,
    )  # fmt: skip
    assert "exited with" in told.read_text()  # it was watched
    calls = [line for line in told.read_text().splitlines() if "AF_" in line]
    assert [line for line in calls if not _HERE.search(line)] == []
