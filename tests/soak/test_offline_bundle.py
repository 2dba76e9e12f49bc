"""The whole offline bundle, made from the network and installed where there is none."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bundle import make_bundle

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder for 12 GB, which memory has no room for."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_that_a_study_is_made_and_trained_on_a_computer_without_a_network(disk: Path) -> None:
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("needs unshare, as root, to take the network away")
    root = Path(make_bundle.__file__).parents[2]
    made = [sys.executable, "-m", "tools.bundle.make_bundle", str(disk)]
    subprocess.run(made, cwd=root, check=True)
    (archive,) = disk.glob("*.tar")
    with tarfile.open(archive) as file:
        file.extractall(disk, filter="data")
    archive.unlink()
    (script,) = disk.glob("*/install.py")
    python = Path(sys.base_prefix) / "bin" / Path(sys.executable).name
    command = disk / "here" / "bin" / "prism-desktop"

    def alone(*words: object) -> str:
        """A command with no network, no settings and no home of anybody."""
        clean = {"HOME": str(disk / "home"), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            ["unshare", "-n", *map(str, words)], env=clean, cwd=disk, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    assert "Done. Start it with" in alone(python, script, "here")
    alone(command, "demo", "replies.prism", "--texts")
    people = "W001,W002,W003,W004,W005,W006"
    alone(
        command, "train", "replies.prism", "--task", "writing", "--method", "unprompted",
        "--labelers", people, "--set", "answers=0", "--json", "result.json",
    )  # fmt: skip
    assert (disk / "result.json").exists()
    assert "0.1.0" in alone(command, "--version")
