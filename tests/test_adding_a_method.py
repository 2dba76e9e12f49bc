"""The page on adding a method, followed to the letter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.tutorial import follow

_TESTS = (
    "tests/engine/models/test_declared_parts.py",
    "tests/engine/training/test_every_method.py",
)
_COUNTED = """
from prism_desktop.engine.models.method_listing import listing
rows = {row["name"]: row for row in listing("prism-mini", 6, 3)}
print(rows["prototype-mixture"]["parameters"] - rows["consensus"]["parameters"])
"""


def run_there(folder: Path, *asked: str) -> str:
    beside = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *asked], cwd=folder, env=beside, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_that_the_method_of_the_page_is_listed_with_its_parameters(tmp_path: Path) -> None:
    assert len(follow(tmp_path)) == 7
    width = 192  # of prism-mini
    # three prototypes more than everyone's one token, and four numbers of each labeler
    assert int(run_there(tmp_path, "-c", _COUNTED)) == 3 * width + 6 * 4


@pytest.mark.soak
def test_that_the_method_of_the_page_trains_and_predicts(tmp_path: Path) -> None:
    follow(tmp_path)
    told = run_there(
        tmp_path,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-k",
        "prototype",
        "-m",
        "soak or not soak",
        *_TESTS,
    )
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) >= 4  # of both files


def test_that_the_page_names_every_registry_of_parts() -> None:
    names = (
        "ADAPTERS", "FITS", "GATHERED", "KINDS", "LOSSES", "ROUTINES", "WITH_ADAPTER",
    )  # fmt: skip
    page = (Path(__file__).parents[1] / "docs" / "adding-a-method.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in names)
