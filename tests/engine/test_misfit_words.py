"""What a protocol, exclusion rules or a recipe says wrong is told in plain words: the key, what is
expected, what stands there."""

from collections.abc import Callable

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.exclusion_rules import parse_rules
from prism_desktop.engine.labeling.protocol import parse_protocol
from prism_desktop.engine.study.importing.import_recipe import parse_recipe

_BLOCK = "[[blocks]]\nname = 'a'\nkind = 'rating'\ntrials = 1\n"


def _protocol(text: str) -> object:
    return parse_protocol(f"{text}\n{_BLOCK}")


def _block(text: str) -> object:
    return parse_protocol(_BLOCK + text)


# what is written, and what is said of it, for values of every kind that TOML has
_VALUES = (
    (_protocol, "repeats = 'ten'", "repeats must be a table, and “ten” stands there"),
    (_protocol, "seed = 'ten'", "seed must be a whole number, and “ten” stands there"),
    (_protocol, "seed = '10'", "seed must be a whole number, and “10” stands there"),
    (_protocol, "seed = [1]", "seed must be a whole number, and a list stands there"),
    (_protocol, "seed = true", "seed must be a whole number, and true stands there"),
    (_protocol, "seed = 1.5", "seed must be a whole number, and 1.5 stands there"),
    (_protocol, "seed = nan", "seed must be a whole number, and nan stands there"),
    (_protocol, "seed = 2026-11-29", "seed must be a whole number, and the date 2026-11-29 st"),
    (_protocol, "seed = 07:30:00", "seed must be a whole number, and the time 07:30:00 stands"),
    (_protocol, "seed = {a = 1}", "seed must be a whole number, and a table stands there"),
    (_protocol, "repeats.share = false", "repeats.share must be a number, and false stands there"),
    (_protocol, "repeats.share = nan", "repeats.share must be a finite number, and nan stands"),
    (_protocol, "repeats.share = -inf", "repeats.share must be a finite number, and -inf stands"),
    (_protocol, "repeats.share = 0.7", "repeats.share must be at most 0.5, and 0.7 stands there"),
    (_protocol, "repeats.sahre = 0.1", "there is no repeats.sahre; near it is share"),
    (_protocol, "blinded = 1", "blinded must be true or false, and 1 stands there"),
    (_protocol, "blinded = 'yes'", "blinded must be true or false, and “yes” stands there"),
    (_protocol, "title = 3", "title must be text, and 3 stands there"),
    (_protocol, f"seed = -{'9' * 4000}", "seed must be at least 0, and -999"),
    (_protocol, "practice.if_failed = 'go'", "must be “go on” or “stop”, and “go” stands there"),
    (_protocol, "gaps = [{after_minutes = 1}]", "then in entry 1 of gaps is missing"),
    (_protocol, "checks.known.smart.high = []\nchecks.known.smart.low = ['b']",
     "checks.known.smart.high must be a list of at least 1 entry, and an empty list stands there"),
    (_block, "attributes = 'smart'", "attributes in entry 1 of blocks must be a list, and “smart”"),
    (_block, "attributes = ['a', 2]", "entry 2 of attributes in entry 1 of blocks must be text"),
    (_block, "tirals = 3", "there is no tirals in entry 1 of blocks; near it is trials"),
    (parse_protocol, "blocks = [1]", "entry 1 of blocks must be a table, and 1 stands there"),
    (parse_protocol, _BLOCK.replace("'a'", "'a:b'"), "a block's name has no colon"),
    (parse_protocol, _BLOCK.replace("'a'", "''"), "must be text of at least 1 character, and “”"),
    (parse_rules, "fastest = 1", "there is no fastest; near it is fastest_seconds"),
    (parse_rules, "seconds = 1\nhaste = 2", "there is no "),
    (parse_rules, "fastest_seconds = 'ten'", "fastest_seconds must be a number, and “ten” stands"),
    (parse_rules, "fastest_seconds = '0.3'", "fastest_seconds must be a number, and “0.3” stands"),
    (parse_rules, "fastest_seconds = [0.3]", "fastest_seconds must be a number, and a list stands"),
    (parse_rules, "fastest_seconds = true", "fastest_seconds must be a number, and true stands"),
    (parse_rules, "fastest_seconds = nan", "fastest_seconds must be a finite number, and nan st"),
    (parse_rules, "fastest_seconds = inf", "fastest_seconds must be a finite number, and inf st"),
    (parse_rules, "fastest_seconds = 61", "fastest_seconds must be at most 60, and 61 stands th"),
    (parse_rules, "[fastest_seconds]", "fastest_seconds must be a number, and a table stands"),
    (parse_rules, "fewest_answers = 50.5", "fewest_answers must be a whole number, and 50.5 st"),
    (parse_rules, "fewest_answers = 2026-11-29", "must be a whole number, and the date 2026-11-29"),
    (parse_rules, "least_consistency = 0", "least_consistency must be more than 0, and 0 stands"),
    (parse_rules, "leave_out = 'random'", "leave_out must be a list, and “random” stands there"),
    (parse_rules, "leave_out = ['no']", "entry 1 of leave_out must be “random”, “one side”, "),
    (parse_recipe, "missing = 99", "missing must be a list, and 99 stands there"),
    (parse_recipe, "rater = true", "rater must be text, and true stands there"),
    (parse_recipe, "columns = {a = 'who'}", "columns.a must be “rater”, “image”, "),
)  # fmt: skip


@pytest.mark.parametrize(("read", "text", "told"), _VALUES)
def test_that_what_does_not_fit_is_told_by_key_expectation_and_value(
    read: Callable[[str], object], text: str, told: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    said = str(refused.value)
    assert told in said
    for word in ("Input should", "valid ", "permitted", "Extra", "pydantic", "Field required"):
        assert word not in said


def test_that_a_whole_number_is_a_number_too() -> None:
    assert parse_rules("fastest_seconds = 1").fastest_seconds == 1
    assert parse_protocol(f"repeats.share = 0\n{_BLOCK}").repeats.share == 0
