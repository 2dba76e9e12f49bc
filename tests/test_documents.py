"""What the documents name is there."""

import re
import tomllib
from pathlib import Path

from prism_desktop.engine.runs import layout
from prism_desktop.engine.study import embeddings, opening, repair

ROOT = Path(__file__).parents[1]


def test_that_every_test_named_beside_a_promise_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = set(re.findall(r"`(\S*test_\w+\.py)`", text))
    assert len(named) > 30
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_that_every_place_of_data_is_written_down() -> None:
    text = (ROOT / "docs" / "stored-data.md").read_text("utf-8")
    folders = (
        layout.RUNS, layout.COMPARISONS, layout.SEARCHES, layout.CURVES, layout.DATA,
        layout.JOBS, layout.ADAPTED, embeddings.FOLDER, repair.FOLDER, "images", "thumbnails",
        "cache", "backups", "backbones", "rescued",
    )  # fmt: skip
    files = (opening.FILE, "study.lock", "window.ini", "studies.json", "log.txt")
    assert [name for name in folders if f"`{name}/`" not in text] == []
    assert [name for name in files if f"`{name}`" not in text] == []


def test_that_the_citation_names_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
