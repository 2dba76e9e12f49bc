"""What rows of a pass share is read once, and changes neither costs nor gradients."""

import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS, writing_method
from prism_desktop.engine.writing import shared_reading, writer_model
from prism_desktop.engine.writing.shared_reading import beginnings
from prism_desktop.engine.writing.token_rows import TokenRow
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig

SHARING = [one.name for one in WRITING_METHODS.values() if one.acts_by in ("nothing", "person")]


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


@pytest.mark.parametrize("name", SHARING)
def test_that_what_is_shared_costs_and_teaches_the_same_as_each_text_alone(
    base: LanguageModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = WritingConfig.of(name, {"rank": 2}, ["prefix=2"])
    model = WriterModel(base, writing_method(name), config, 2)
    generator = torch.Generator().manual_seed(1)
    for one in model.parameters():
        one.data += torch.randn(one.shape, generator=generator) / 5
    pairs = [("ask", "tell"), (None, "a longer one"), ("why", "so"), ("ask", "no")]
    rows = [model.rows.row(pair, profile="p" * (3 * (at % 2))) for at, pair in enumerate(pairs)]
    people = [0, 1, 0, 1]
    monkeypatch.setattr(shared_reading, "_WORTH", 0.0)
    read: list[int] = []
    once = WriterModel._read_once

    def counted(self, rows, begun, *rest, **named):  # type: ignore[no-untyped-def]
        read.append(len(begun.first))
        return once(self, rows, begun, *rest, **named)

    monkeypatch.setattr(WriterModel, "_read_once", counted)
    trained = [one for one in model.parameters() if one.requires_grad]

    def learned() -> tuple[torch.Tensor, list[torch.Tensor]]:
        sums = model.nll(rows, people)[0]
        return sums, list(torch.autograd.grad(sums.sum(), trained)) if trained else []

    shared, taught = learned()
    assert read == [2]
    monkeypatch.setattr(writer_model, "beginnings", lambda *given: None)
    alone, alone_taught = learned()
    assert torch.allclose(shared, alone, rtol=1e-5)
    for one, other in zip(taught, alone_taught, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_that_beginnings_are_told_apart_by_person_and_tokens() -> None:
    rows = [TokenRow([7, 7, 7, 1, 2], 3, 2, False), TokenRow([7, 7, 7, 3, 2], 3, 2, False),
            TokenRow([7, 8, 7, 1, 2], 3, 2, False)]  # fmt: skip
    found = beginnings(rows, [0, 0, 0], ahead=4, before=9)
    assert found is not None
    assert found.tokens == [2, 2, 2]  # what foretells the first own token is read with the rest
    assert found.which == [0, 0, 1]
    other = beginnings(rows, [0, 1, 1], ahead=4, before=9)
    assert other is None  # nothing is shared


def test_that_a_pass_that_shares_little_is_read_whole() -> None:
    rows = [TokenRow([1, *range(2, 40)], 5, 0, False) for _ in range(3)]
    assert beginnings(rows, [0, 0, 0], ahead=0, before=1) is None
