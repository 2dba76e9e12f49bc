"""The soak tests' short forms, a few of each in every run of the suite; all on one fork server."""

import random
import sys
from pathlib import Path

import pytest

from tests.soak import cases, power, recovery
from tests.soak.conftest import Servers
from tests.soak.fork_server import ForkServer
from tests.soak.killing import Trial, label_and_kill
from tests.soak.shim import DISK, Arm
from tests.soak.test_nth_fault import record_with
from tests.soak.test_power import crashes, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the disk shim is for Linux")


@pytest.fixture
def server(servers: Servers) -> ForkServer:
    return servers("store")


def test_that_what_was_acknowledged_while_labeling_survives_kills(
    server: ForkServer, labeled: Path
) -> None:
    label_and_kill(server, labeled, random.Random(0), 3, "label")


def test_that_an_import_survives_a_kill(server: ForkServer, tmp_path: Path) -> None:
    (case,) = [case for case in cases.STORE if case.name == "import a table"]
    Trial(case, server, tmp_path).kill(random.Random(0))


def test_that_acknowledged_answers_survive_a_power_cut(
    server: ForkServer, labeled: Path, tmp_path: Path
) -> None:
    before, to = recovery.state_of(labeled), tmp_path / "crashed"
    recording = record(server, labeled, tmp_path, "label", labeled, 0, 15)
    assert len(recording.told(len(recording.steps))) >= 15
    for state, told in crashes(recording, len(power.HOW), random.Random(0), to):
        recovery.assert_whole(to, told, before)
        assert (to / "study.sqlite3").exists(), state


def test_that_labeling_goes_on_after_a_failing_step(server: ForkServer, labeled: Path) -> None:
    for at, until, error in ((12, 13, 28), (20, 21, 5), (25, 1 << 40, 28)):
        record_with(server, labeled, Arm("fail", at, until, error, kinds=DISK), at)


def test_that_what_was_not_synced_may_be_lost_and_the_rest_not(tmp_path: Path) -> None:
    """The simulation itself, on a recording made by hand."""
    root, before, trace = tmp_path / "root", tmp_path / "before", tmp_path / "trace"
    before.mkdir()
    (before / "old").write_bytes(b"old")
    file, other = str(root / "new"), str(root / "final")
    steps = (
        (power.WRITE, str(root / "old"), "", 3, b"er"),
        (power.SYNC, str(root / "old"), "", 0, b""),
        (power.MARK, "older", "", 0, b""),
        (power.CREATE, file, "", 0, b""),
        (power.WRITE, file, "", 0, b"x" * 1024),
        (power.RENAME, file, other, 0, b""),
    )
    trace.write_bytes(b"".join(power.pack(power.Step(*step)) for step in steps))
    recording = power.Recording(root, before, trace)

    def left(how: str) -> dict[str, int]:
        recording.crash(len(steps), how, random.Random(1), tmp_path / "left")
        return {path.name: path.stat().st_size for path in (tmp_path / "left").iterdir()}

    assert recording.told(2) == ()
    assert recording.told(3) == ("older",)
    assert left("everything") == {"old": 5, "final": 1024}
    assert left("nothing unsynced") == {"old": 5}
    assert left("names without bytes") == {"old": 5, "final": 0}
    assert left("bytes without names") == {"old": 5}
