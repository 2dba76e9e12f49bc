"""What training minimises beside the nats of own tokens."""

import numpy as np
import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, WritingMeta
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_losses import WritingLoss, pull_to_unified

PAIRS = (("ask", "tell"), ("why", "because it is"))


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


def _made(base: LanguageModel, method: str, strength: float) -> tuple[WriterModel, WritingLoss]:
    config = WritingConfig.of(method, {}, ["rank=2", "prefix=2", f"strength={strength}"])
    model = WriterModel(base, writing_method(method), config, 2)
    meta = WritingMeta(people=(PersonFacts(code="a"), PersonFacts(code="b")))
    nothing = np.zeros((0, base.width), np.float32)
    texts = OwnTexts(meta, (0, 1), PAIRS, ("train", "train"))
    return model, WritingLoss(model, PastTexts(texts, nothing, nothing, nothing, nothing))


def _read(model: WriterModel, loss: WritingLoss) -> tuple[torch.Tensor, torch.Tensor, float]:
    sums, counts, extra = loss([model.rows.plain(one) for one in PAIRS], [0, 1], None)
    return sums, counts, extra.detach().item()


@pytest.mark.parametrize("method", ["augmented", "multi-task", "l2-constrained", "moe-lora"])
def test_that_the_nats_are_the_models_whatever_is_added(base: LanguageModel, method: str) -> None:
    model, loss = _made(base, method, 0.5)
    sums, counts, _ = _read(model, loss)
    plain, own = model.nll([model.rows.plain(one) for one in PAIRS], [0, 1])
    assert torch.allclose(sums, plain, atol=1e-4)
    assert counts.tolist() == own.tolist()
    assert _read(*_made(base, method, 0.0))[2] == 0.0


def test_that_nothing_holds_adapters_that_are_zero_and_more_holds_larger_ones(
    base: LanguageModel,
) -> None:
    model, _ = _made(base, "l2-constrained", 2.0)
    assert pull_to_unified(model).detach().item() == 0.0
    assert model.own is not None
    for one in model.own.up:
        one.data += 0.1
    small = pull_to_unified(model).detach().item()
    for one in model.own.up:
        one.data *= 3
    assert pull_to_unified(model).detach().item() == pytest.approx(9 * small, rel=1e-4)
    assert pull_to_unified(_made(base, "per-labeler-lora", 2.0)[0]).item() == 0.0


def test_that_soft_labels_are_what_is_expected_without_soft_tokens(base: LanguageModel) -> None:
    model, loss = _made(base, "augmented", 1.0)
    row = model.rows.plain(PAIRS[0])
    ids, who = torch.tensor([row.ids]), torch.tensor([0])
    own = slice(row.first - 1, len(row.ids) - 1)  # where own tokens are foretold
    believed = base.model(input_ids=ids).logits[0, own].softmax(-1)  # no adapter moves it yet
    found = model.logits(ids, torch.ones_like(ids), who, None, soft=True).detach()[0, own]
    found = found.log_softmax(-1)
    extra = loss([row], [0], None)[2].detach().item()
    assert extra == pytest.approx((-(believed * found).sum(-1).mean()).item(), rel=1e-4)
    entropy = float(-(believed * believed.log()).sum(-1).mean())
    assert extra > entropy  # Gibbs


def test_that_who_wrote_is_guessed_by_chance_until_it_is_learned(base: LanguageModel) -> None:
    model, loss = _made(base, "multi-task", 1.0)
    assert loss.side is not None
    middle = torch.tensor([5.0, 14.0]).log()  # own tokens, the end counted
    far = ((middle - middle.mean()) / middle.std()).pow(2).mean()
    _, _, first = _read(model, loss)
    assert first == pytest.approx(float(torch.tensor(2.0).log() + 0.5 * far), rel=1e-4)
    steps = torch.optim.SGD(loss.side.parameters(), lr=1.0)
    for _ in range(3):
        steps.zero_grad()
        loss([model.rows.plain(one) for one in PAIRS], [0, 1], None)[2].backward()
        steps.step()
    assert _read(model, loss)[2] < first
