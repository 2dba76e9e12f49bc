"""A frozen language model with adapters and soft tokens of several people."""

import numpy as np
import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device, precision
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS, writing_method
from prism_desktop.engine.methods.writing_parts import UnifiedAdapter, numbers_per_person
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, WritingMeta
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_losses import WritingLoss
from prism_desktop.engine.writing.writing_session import told_of_kept

PAIRS = [("ask", "tell"), (None, "longer than it"), ("why", "so")]


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


def _model(base: LanguageModel, name: str, people: int = 3) -> WriterModel:
    """A model whose numbers are drawn, so that none is zero."""
    config = WritingConfig.of(name, {"rank": 2}, ["prefix=2"])
    model = WriterModel(base, writing_method(name), config, people)
    generator = torch.Generator().manual_seed(1)
    for one in model.parameters():
        one.data += torch.randn(one.shape, generator=generator) / 20
    return model


def _written(base: LanguageModel, rows: int) -> Written:
    generator = torch.Generator().manual_seed(2)
    items = torch.randn(rows, 4, base.width, generator=generator)
    return Written(items, torch.ones(rows, 4), items[:, 0])


def _of(written: Written, people: list[int]) -> Written:
    part = torch.tensor(people)
    return Written(written.items[part], written.there[part], written.profile[part])


def _nll(model: WriterModel, which: list[int], people: list[int]) -> torch.Tensor:
    rows = [model.rows.plain(PAIRS[one]) for one in which]
    return model.nll(rows, people, _of(_written(model.base, 3), people))[0]


def _loss(model: WriterModel) -> WritingLoss:
    """The loss of three people's training, each with a text."""
    meta = WritingMeta(people=tuple(PersonFacts(code=code) for code in "abc"))
    texts = OwnTexts(meta, (0, 1, 2), tuple(PAIRS), ("train",) * 3)
    nothing = np.zeros((0, model.base.width), np.float32)
    return WritingLoss(model, PastTexts(texts, nothing, nothing, nothing, nothing))


def test_that_it_is_told_whose_soft_tokens_did_not_help(base: LanguageModel) -> None:
    model = _model(base, "prefix-on-unified")
    assert told_of_kept(model) == ()
    model.kept[1] = False
    assert "1 person writes without soft tokens" in " ".join(told_of_kept(model))
    model.kept[:] = False
    assert "so none is used" in " ".join(told_of_kept(model))
    assert told_of_kept(_model(base, "unified-lora")) == ()


def test_that_the_plain_models_cost_is_that_of_its_own_logits(base: LanguageModel) -> None:
    model = _model(base, "unprompted")
    row = model.rows.plain(PAIRS[0])
    logits = base.model(input_ids=torch.tensor([row.ids])).logits[0].log_softmax(-1)
    cost = -sum(float(logits[at - 1, row.ids[at]]) for at in range(row.first, len(row.ids)))
    sums, counts = model.nll([row], [0])
    assert float(sums[0]) == pytest.approx(cost, rel=1e-5)
    assert int(counts[0]) == len("tell") + 1


@pytest.mark.parametrize("name", sorted(WRITING_METHODS))
def test_that_people_in_one_batch_cost_what_each_costs_alone(
    base: LanguageModel, name: str
) -> None:
    model = _model(base, name)
    together = _nll(model, [0, 1, 2], [2, 0, 1])
    alone = [_nll(model, [row], [who])[0] for row, who in ((0, 2), (1, 0), (2, 1))]
    assert torch.allclose(together, torch.stack(alone), atol=1e-4)


@pytest.mark.parametrize("name", [one.name for one in WRITING_METHODS.values() if one.trained])
def test_that_only_what_is_declared_is_trained_and_the_base_stays_frozen(
    base: LanguageModel, name: str
) -> None:
    model = _model(base, name)
    loss = _loss(model)
    rows = [model.rows.plain(one) for one in PAIRS]
    sums, _, extra = loss(rows, [0, 1, 2], _written(base, 3))
    (sums.sum() + extra).backward()
    every = dict([*model.named_parameters(), *loss.named_parameters()])
    trained = {key: one for key, one in every.items() if one.requires_grad}
    declared = {}
    for part in model.method.parts:
        declared |= part.shapes(model.sizes())
    assert {key: tuple(one.shape) for key, one in trained.items()} == declared
    assert all(one.grad is not None for one in trained.values())
    assert all(one.grad is None for one in base.model.parameters())
    frozen = any(part.frozen for part in model.method.of(UnifiedAdapter))
    assert frozen == any(not one.requires_grad for one in model.parameters())


@pytest.mark.parametrize("name", sorted(WRITING_METHODS))
def test_that_what_is_a_persons_own_is_counted_as_theirs(base: LanguageModel, name: str) -> None:
    model = _model(base, name)
    own = sum(one.numel() for one in model.own_parameters())
    assert numbers_per_person(model.method.learned, model.sizes()) == own / 3


@pytest.mark.parametrize(
    "name", [one.name for one in WRITING_METHODS.values() if one.trained and one.tells_apart]
)
def test_that_another_persons_numbers_give_another_cost(base: LanguageModel, name: str) -> None:
    model = _model(base, name)
    assert not torch.allclose(_nll(model, [0], [0]), _nll(model, [0], [1]), atol=1e-5)


def test_that_a_person_whose_prefix_is_not_kept_is_served_without_one(base: LanguageModel) -> None:
    model = _model(base, "prefix-on-unified")
    plain = WriterModel(base, writing_method("consensus"), model.config, 3)
    plain.unified.load_state_dict(model.unified.state_dict())  # type: ignore[union-attr]
    model.kept[1] = False
    rows = [model.rows.plain(one) for one in PAIRS]
    mixed, without = model.nll(rows, [0, 1, 2])[0], plain.nll(rows, [0, 1, 2])[0]
    assert torch.allclose(mixed[1], without[1], atol=1e-5)
    assert not torch.allclose(mixed[0], without[0], atol=1e-4)


def test_that_newcomers_start_at_the_mean_of_the_known(base: LanguageModel) -> None:
    model = _model(base, "prefix-on-unified")
    model.kept[2] = False
    fresh = model.entered(2)
    assert torch.allclose(fresh.prefix.table[1], model.prefix.table[:2].mean(0))  # type: ignore
    own = _model(base, "per-labeler-lora").entered(2)
    assert all(not one.any() for one in own.own.up)  # type: ignore[union-attr]


def test_that_a_history_without_texts_is_no_number_less(base: LanguageModel) -> None:
    empty = torch.zeros(1, 1, base.width)
    nothing = Written(empty, torch.zeros(1, 1), empty[0])
    for name in ("e2p-1", "persoma-mlp", "persoma-perceiver", "gated-memory"):
        model = _model(base, name, 1)
        sums, _ = model.nll([model.rows.plain(PAIRS[0])], [0], nothing)
        assert torch.isfinite(sums).all()


@pytest.mark.parametrize("name", ["per-labeler-lora", "prefix-on-unified", "e2p-1"])
def test_that_lighter_weights_teach_nearly_the_same_and_leave_the_model_whole(
    base: LanguageModel, name: str
) -> None:
    model = _model(base, name)
    model.precision = precision(base.device, "bfloat16")
    before = [one.clone() for one in base.model.parameters()]
    trained = [one for one in model.parameters() if one.requires_grad]

    def learned() -> tuple[torch.Tensor, list[torch.Tensor]]:
        sums = _nll(model, [0, 1, 2], [0, 1, 2])
        return sums.detach(), list(torch.autograd.grad(sums.sum(), trained))

    whole, taught = learned()
    with model.lighter():
        light, lighter_taught = learned()
    assert light.dtype == torch.float32
    assert not torch.equal(light, whole)
    assert torch.allclose(light, whole, rtol=0.02)
    for one, other in zip(lighter_taught, taught, strict=True):
        assert one.dtype == torch.float32
        likeness = torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0)
        assert float(likeness) > 0.99
    after = list(base.model.parameters())
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert torch.equal(learned()[0], whole)
