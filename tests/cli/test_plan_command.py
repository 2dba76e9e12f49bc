"""`prism-desktop plan`: how much is enough, from numbers or from a study."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.study.records import new_id
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy


def test_that_a_plan_from_numbers_says_what_it_rests_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    assert run("plan", "--faces", 100, "--shared", 0.5, "--private", 0.2, "--json", file) == 0
    out = " ".join(capsys.readouterr().out.split())
    found = json.loads(file.read_text("utf-8"))
    assert found["enough"]
    assert found["variances"]["noise"] == pytest.approx(0.3)
    assert "50% is shared taste, 20% private and 30% noise" in out
    assert f"{found['chosen']['cost']:,} trials in all" in out
    assert found["protocol"]["trials"] == found["chosen"]["trials"]
    # what is said of one design is the same wherever it stands
    curve = next(
        rows for rows in found["curves"] if rows[0]["labelers"] == found["chosen"]["labelers"]
    )
    mine = next(row for row in curve if row["trials"] == found["chosen"]["trials"])
    assert mine["reliability"] == found["measures"]["reliability"]["value"]
    assert run("plan", "--kind", "rankings") == 2
    assert run("plan", "--attribute", "smart") == 2
    assert run("plan", "--shared", 0.9, "--private", 0.5) == 2


def test_that_a_study_with_too_little_says_how_to_plan_all_the_same(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(images=10, labelers=2)
    path = study.path
    study.close()
    assert run("plan", path) == 2  # under forty faces comparisons tell nothing of shared taste
    assert "Plan from --shared and --private." in capsys.readouterr().err
    assert run("plan", path, "--shared", 0.3, "--ceiling", 0, "--gain", 0) == 0
    assert "10 faces" in capsys.readouterr().out
    assert run("plan", path, "--attribute", "nothing") == 2


def test_that_one_person_beside_simulated_labelers_is_too_few(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(images=10, labelers=1, comparisons=3, ratings=0)
    study.add_labeler("S1", simulated=True)
    mine = study.trials()[0]
    study.record(replace(mine, id=new_id(), labeler="S1", session=new_id()))
    path = study.path
    study.close()
    assert run("plan", path, "--kind", "rating") == 2
    assert "Nobody has answered rating trials yet." in capsys.readouterr().err
    assert run("plan", path) == 2
    assert "One labeler has answered comparison trials so far" in capsys.readouterr().err


@pytest.mark.parametrize("name", [
    "faces", "labelers", "trials", "questions", "repeats", "shared", "private", "seconds",
    "reliability", "alpha", "per-face",
])  # fmt: skip
def test_that_numbers_no_plan_can_have_are_refused_in_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = name in ("faces", "labelers", "trials", "questions")
    odd = (0, -1, 99999999999) if whole else ("-1", "nan", "inf")
    for number in odd:
        assert run("plan", f"--{name}", number) == 2, number
        told = capsys.readouterr().err.strip()
        assert told.count("\n") == 0, told
        assert "unexpected" not in told
