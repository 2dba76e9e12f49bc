"""Whatever somebody wrote about a labeler comes back from an export."""

from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run

PROFILES = (
    "plain", "two\nlines", "\ttabs\t", " blank before", "=1+1", "'=1+1", "''quoted", "-3", "+x",
    "@a", "a;b,c\"d'", "NA", "null", "-", "true", "007", "1.50", '{"a":1}', "[1, 2]", "<b>",
    "_x0041_", "#c", "sep=;", "2020-01-01", "é e\u0301 שלום \U0001f468\u200d\U0001f469", "a\r\nb",
    "long " * 5000,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sav"])
def test_that_profiles_come_back_as_they_were(kind: str, tmp_path: Path) -> None:
    with Study.create(tmp_path / "a.prism") as study:
        for number, profile in enumerate(PROFILES):
            study.add_labeler(f"L{number}", profile=profile.strip())
        known = {one.code: one.profile for one in study.labelers()}
    out = tmp_path / "out"
    assert run("study", "export", tmp_path / "a.prism", "--out", out, "--format", kind) == 0
    tables = list(out.glob("labelers.*"))
    assert run("study", "new", tmp_path / "b.prism") == 0
    assert run("study", "import", tmp_path / "b.prism", *tables) == 0
    with Study.open(tmp_path / "b.prism") as study:
        assert {one.code: one.profile for one in study.labelers()} == known
