"""`prism-desktop profile`: words first, the doubt before all, and the same numbers as JSON."""

import json

import pytest

from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy


def test_that_a_profile_says_too_few_and_gives_its_numbers(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(images=10, labelers=2, comparisons=8, ratings=0)
    path = study.path
    study.close()
    assert run("profile", path, "--words", "none") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Too few to tell of any labeler." in said
    assert "no model of a labeler was asked" in said
    given = "--labeler", "L1", "--words", "none", "--json", "-"
    assert run("profile", path, *given) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["labeler"] for each in told["labelers"]] == ["L1"]
    assert {link["attribute"] for link in told["labelers"][0]["links"]} == {"attractive", "smart"}
    assert run("profile", path, "--labeler", "nobody", "--words", "none") == 2
    assert run("profile", path, "--words", "a:b:c") == 2
    assert run("profile", path.parent / "nothing") == 2
