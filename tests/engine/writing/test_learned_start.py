"""A start from which a few steps lead to everybody's soft tokens."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from prism_desktop.engine.writing.learned_start import (
    INNER,
    StartedPrefix,
    learning_epochs,
    step_of_start,
)

WISHED = {0: 1.0, 1: 3.0}  # of each person the number that their texts ask for
PEOPLE = [0, 1, 0, 1]
RATE = 0.1


def _prefix(start: float) -> StartedPrefix:
    return StartedPrefix(torch.full((1, 1), start), 3)


def _step(
    prefix: StartedPrefix, share: float = 1.0, *, by_gradient: bool = False
) -> list[list[int]]:
    """One step where a text costs the distance from what its person wishes; the texts read."""
    read: list[list[int]] = []

    def costs(places: Sequence[int]) -> tuple[Tensor, Tensor]:
        read.append(list(places))
        who = [PEOPLE[place] for place in places]
        found = prefix(torch.tensor(who), None)[:, 0, 0]
        wished = torch.tensor([WISHED[one] for one in who])
        return (found - wished).abs(), torch.ones(len(who), dtype=torch.int64)

    step_of_start(prefix, PEOPLE, costs, RATE, share, by_gradient=by_gradient)
    return read


def test_that_reptile_goes_a_share_of_the_way_to_where_steps_lead() -> None:
    prefix = _prefix(0.0)
    _step(prefix, share=0.5)  # both wish for more: Adam's steps are of the rate's size
    assert prefix.start.detach().item() == pytest.approx(0.5 * INNER * RATE, rel=1e-3)
    assert not prefix.table.any()
    middle = _prefix(2.0)  # one wishes for less and one for more
    _step(middle)
    assert middle.start.detach().item() == pytest.approx(2.0, abs=1e-5)


def test_that_maml_asks_other_texts_than_those_of_its_steps() -> None:
    prefix = _prefix(0.0)
    read = _step(prefix, by_gradient=True)
    assert read == [[0, 1]] * INNER + [[2, 3]]
    assert float(prefix.start.grad) == pytest.approx(-1.0)  # type: ignore[arg-type]
    assert prefix.start.detach().item() == 0.0
    assert not prefix.table.any()
    past = _prefix(0.8)  # four steps pass the first one's wish, and not the second one's
    _step(past, by_gradient=True)
    assert float(past.start.grad) == pytest.approx(0.0)  # type: ignore[arg-type]


def test_that_the_last_epoch_always_fits_peoples_own() -> None:
    assert [learning_epochs(epochs) for epochs in (1, 2, 4, 8)] == [0, 1, 3, 5]
