"""`prism-desktop quality`: rules written down are followed, and what they leave out is listed."""

import csv
import json
from pathlib import Path

import pytest

from prism_desktop.engine.labeling.exclusion_rules import USUAL, ExclusionRules
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy


def test_that_rules_from_a_file_are_followed_and_what_they_leave_out_is_listed(
    make_study: MakeStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(images=10, labelers=2)
    path = study.path
    study.close()
    file, marks = tmp_path / "rules.toml", tmp_path / "marks.csv"
    assert run("quality", path, "--write-rules", file, "--labeler", "L1") == 0
    assert "0% for clicking at random" in " ".join(capsys.readouterr().out.split())
    assert file.read_text("utf-8") == USUAL.toml()
    # of an answer; trials of two take 0.8 to 4 s
    rules = ExclusionRules(fastest_seconds=1.0, leave_out=())
    file.write_text(rules.toml(), "utf-8")
    capsys.readouterr()
    assert run("quality", path, "--rules", file, "--marks", marks, "--json", "-") == 0
    out = json.loads(capsys.readouterr().out)
    assert out["rules"]["digest"] == rules.digest
    with marks.open(encoding="utf-8", newline="") as lines:
        told = list(csv.DictReader(lines))
    assert len(told) == out["left_out"]["answers"] > 0
    assert {row["reason"] for row in told} == {"too fast answer"}
    assert run("quality", path, "--labeler", "nobody") == 2
    file.write_text("fastest = 1", "utf-8")
    assert run("quality", path, "--rules", file) == 2


def test_that_an_attribute_that_nobody_is_left_for_has_a_sentence_in_place_of_a_table(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(images=10, labelers=1, attributes=("smart",))
    path = study.path
    study.close()
    assert run("quality", path) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Of smart fewer than two labelers are left, too few to compare." in out
    assert "Krippendorff" not in out
