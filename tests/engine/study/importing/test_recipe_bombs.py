"""A recipe comes from a file, or from a report in a study: whatever it says, it is a sentence."""

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.import_recipe import parse_recipe
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.ui.study.import_records import recipe_of

BOMBS = [
    "a = " + "[" * 20_000 + "]" * 20_000,
    "a = " + "{a=" * 20_000 + "1" + "}" * 20_000,
    "a = " + "9" * 5_000,
    "a = 2026-99-99",
    "a = \x1b",
    "a = 1\na = 2",
]


@pytest.mark.parametrize("text", BOMBS)
def test_that_a_recipe_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"nothing was imported|Nothing was imported"):
        parse_recipe(text, "r.toml")
    report = ImportReport("0" * 32, "t.csv", "csv", 1, 1, recipe=text)
    assert recipe_of(report) is None
