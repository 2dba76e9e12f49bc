"""`prism-desktop protocol`: written, checked, rehearsed, followed, shown."""

import json
from pathlib import Path

import pytest

from prism_desktop.engine.labeling.protocol import read_protocol, usual_protocol
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy

TOML = """
[practice]
trials = 2
least_right = 0.5
[checks]
every = 5
[repeats]
lag = 3
[[blocks]]
name = "Pairs"
kind = "comparison"
trials = 20
"""


@pytest.fixture
def place(make_study: MakeStudy, tmp_path: Path) -> Path:
    make_study(comparisons=40, ratings=24).close()
    (tmp_path / "p.toml").write_text(TOML)
    return tmp_path


def test_that_a_protocol_is_rehearsed_and_then_followed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, file = place / "tiny.prism", place / "p.toml"
    assert run("protocol", "check", study, file, "--simulate", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    *careful, careless = found["labelers"]
    assert careless["name"] == "careless"
    for each in careful:
        (practice, block) = each["parts"]
        assert practice["trials"] in (2, 4, 6)
        assert (block["trials"], block["repeats"]) == (20, 2)
        assert block["checks"] >= 3
        assert each["least_lag"] >= 3
    right = sum(each["checks"][0] for each in careful) / sum(each["checks"][1] for each in careful)
    assert right > careless["checks"][0] / careless["checks"][1]
    assert run("protocol", "show", study) == 0
    assert "follows no protocol" in capsys.readouterr().out
    assert run("protocol", "set", study, file) == 0
    assert run("protocol", "show", study, "--out", place / "out.toml") == 0
    assert "version 1" in capsys.readouterr().out
    kept = read_protocol(place / "out.toml")
    assert kept.checks.known
    assert kept.blocks == read_protocol(file).blocks
    assert run("protocol", "off", study) == 0
    with Study.open(study, read_only=True) as opened:
        assert opened.protocol() is None
        assert [each.version for each in opened.protocols()] == [1]


def test_that_nothing_that_is_shown_or_written_holds_the_hash_of_a_pin(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, file = place / "tiny.prism", place / "p.toml"
    locked = read_protocol(file).with_pin("4711")
    file.write_text(locked.toml())
    with Study.open(study) as opened:
        opened.put_protocol(locked.toml())
    for asked in (("show", study), ("check", study, file)):
        run("protocol", *asked)
        run("protocol", *asked, "--json", "-")
    run("protocol", "show", study, "--out", place / "out.toml", "--json", place / "s.json")
    texts = [capsys.readouterr().out, (place / "out.toml").read_text()]
    for text in (*texts, (place / "s.json").read_text()):
        assert "Pairs" in text
        assert "scrypt" not in text
    assert not read_protocol(place / "out.toml").locked_by


def test_that_what_cannot_be_done_is_told_and_not_followed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, file = place / "tiny.prism", place / "p.toml"
    file.write_text(TOML + 'attributes = ["brave"]\n')
    assert run("protocol", "check", study, file) == 2
    assert "'brave'" in capsys.readouterr().out
    assert run("protocol", "set", study, file) == 2
    assert "Nothing was changed" in capsys.readouterr().err
    with Study.open(study, read_only=True) as opened:
        assert opened.protocols() == ()


def test_that_a_usual_protocol_is_written_to_begin_from(tmp_path: Path) -> None:
    assert run("protocol", "new", tmp_path / "new.toml") == 0
    assert read_protocol(tmp_path / "new.toml") == usual_protocol()
