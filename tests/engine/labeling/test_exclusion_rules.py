"""Exclusion rules are read as they were written, and nothing else is."""

from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.exclusion_rules import (
    USUAL,
    ExclusionRules,
    parse_rules,
    read_rules,
)


def test_that_rules_written_down_are_the_same_rules_when_read(tmp_path: Path) -> None:
    rules = ExclusionRules(fastest_seconds=0.5, leave_out=("random",))
    file = tmp_path / "rules.toml"
    file.write_text(rules.toml(), encoding="utf-8")
    assert read_rules(file) == rules
    assert read_rules(file).digest == rules.digest != USUAL.digest
    # all of them, so that rules once locked do not change with the program
    assert all(name in rules.toml() for name in ExclusionRules.model_fields)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fastest_seconds = ", "no TOML"),
        ("fastest = 1", "fastest"),
        ("least_consistency = 2.0", "least_consistency"),
        ('leave_out = ["unlike others"]', "leave_out"),
    ],
)
def test_that_what_is_no_rule_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "fewest_answers = " + "9" * 5_000,
        "fastest_seconds = nan",
        "a = \x00",
    ],
    ids=["deep", "endless", "no number", "control"],
)
def test_that_hostile_rules_are_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"The exclusion rules (are no TOML|cannot be followed): "):
        parse_rules(text)


def test_that_a_missing_file_of_rules_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")


def test_that_a_refusal_ends_with_one_stop(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("fastest_seconds = nan")
    (tmp_path / "more.toml").write_text("this is no toml")
    for file in (Path("/dev/zero"), tmp_path, tmp_path / "rules.toml", tmp_path / "more.toml"):
        with pytest.raises(InputError) as refused:
            read_rules(file)
        assert str(refused.value).endswith(".")
        assert ".." not in str(refused.value).replace(str(file), "")
