"""Methods are data."""

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.personal.methods import METHODS, method


def test_that_every_method_is_filed_under_its_name() -> None:
    assert all(name == entry.name for name, entry in METHODS.items())
    assert all(entry.title and entry.summary and entry.source for entry in METHODS.values())


def test_that_what_a_method_needs_exists() -> None:
    assert all(needed in METHODS for entry in METHODS.values() for needed in entry.needs)


def test_that_consensus_maps_everyone_to_one_row() -> None:
    consensus, personal = method("consensus"), method("lora-visual-prompt")
    assert (consensus.personal, personal.personal) == (False, True)
    assert (consensus.rows(6), personal.rows(6)) == (1, 6)
    assert ([consensus.row(i) for i in range(3)], [personal.row(i) for i in range(3)]) == ([0, 0, 0], [0, 1, 2])


def test_that_an_unknown_method_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="consensus, lora-visual-prompt"):
        method("magic")
