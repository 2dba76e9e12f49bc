"""Somebody new enters a trained model, with some texts or with none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.writing.entering import enter
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, WritingMeta
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig
from tests.fixtures.setting_texts import changed

KNOWN, NEW, OTHER = 2, 2, 3  # how many are known, and the places of two who are not
PAIRS = (("ask", "tell"), ("why", "so"), ("who", "me"), ("how", "well"), ("when", "now"))


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


@pytest.fixture
def past(base: LanguageModel) -> PastTexts:
    """Two known people, and two held out, of whom the first has two texts."""
    people = [PersonFacts(code=code, held_out=code in "cd") for code in "abcd"]
    texts = OwnTexts(WritingMeta(people=tuple(people)), (0, 1, 2, 2, 3), PAIRS, ("train",) * 5)
    answers = np.random.default_rng(0).normal(size=(5, base.width)).astype(np.float32)
    nothing = np.zeros((0, base.width), np.float32)
    return PastTexts(texts, answers, nothing, np.zeros((4, base.width), np.float32), answers)


def _trained(base: LanguageModel, name: str, *settings: str) -> WriterModel:
    """A model of the known whose numbers are drawn, so that none is zero."""
    texts = changed(["prefix=2", "entry_steps=5"], *settings)
    config = WritingConfig.of(name, {"rank": 2}, texts)
    model = WriterModel(base, writing_method(name), config, KNOWN)
    generator = torch.Generator().manual_seed(1)
    for one in model.parameters():
        one.data += torch.randn(one.shape, generator=generator) / 10
    return model


def _costs(model: WriterModel, person: int) -> torch.Tensor:
    return model.nll([model.rows.plain(PAIRS[-1])], [person])[0]


@pytest.mark.parametrize(
    "name",
    ["augmented", "cluster-lora", "cluster-prefix", "hybrid-lora", "l2-constrained", "maml-token",
     "merged-lora", "moe-lora", "prefix-on-unified", "reptile", "routed-moe-lora"],
)  # fmt: skip
def test_that_who_has_no_texts_is_served_as_by_the_unified_model(
    base: LanguageModel, past: PastTexts, name: str
) -> None:
    known = _trained(base, name)
    unified = WriterModel(base, writing_method("consensus"), known.config, KNOWN)
    assert known.unified is not None
    unified.take_unified({f"unified.{k}": one for k, one in known.unified.state_dict().items()})
    model, places = enter(known, past, {NEW: [2, 3], OTHER: []})
    assert torch.allclose(_costs(model, places[OTHER]), _costs(unified, 0), atol=1e-4)
    assert not torch.allclose(_costs(model, places[NEW]), _costs(unified, 0), atol=1e-4)


def test_that_adapters_that_learned_behind_vectors_leave_the_plain_model_to_who_has_no_texts(
    base: LanguageModel, past: PastTexts
) -> None:
    known = _trained(base, "multi-task")
    plain = WriterModel(base, writing_method("unprompted"), known.config, KNOWN)
    before = [_costs(known, person) for person in range(KNOWN)]
    model, places = enter(known, past, {NEW: [2, 3], OTHER: []})
    assert torch.allclose(_costs(model, places[OTHER]), _costs(plain, 0), atol=1e-5)
    assert not torch.allclose(_costs(model, places[NEW]), _costs(plain, 0), atol=1e-3)
    both = model.nll([model.rows.plain(PAIRS[-1])] * 2, [places[NEW], places[OTHER]])[0]
    alone = torch.cat([_costs(model, places[NEW]), _costs(model, places[OTHER])])
    assert torch.allclose(both, alone, atol=1e-4)  # also in one pass with somebody who has texts
    assert torch.equal(torch.stack(before), torch.stack([_costs(known, u) for u in range(KNOWN)]))


@pytest.mark.parametrize("name", ["moe-lora", "routed-moe-lora"])
def test_that_only_the_gate_of_a_mixture_is_fitted(
    base: LanguageModel, past: PastTexts, name: str
) -> None:
    known = _trained(base, name)
    assert known.experts is not None
    model, places = enter(known, past, {NEW: [2, 3], OTHER: []})
    assert model.experts is not None
    gates, fitted = known.experts.gate.detach(), model.experts.gate.detach()
    # one decays a little, the other leaves the gate of one of the two groups of one
    assert torch.allclose(fitted[places[OTHER]], gates.mean(0), atol=1e-3)
    left = (fitted[places[NEW]] - gates[model.groups[places[NEW]]]).abs().max()
    assert 0.005 < left < 0.06  # five steps
    before = dict(known.named_parameters())
    fixed = {key: one for key, one in model.named_parameters() if key != "experts.gate"}
    assert all(torch.equal(one, before[key]) for key, one in fixed.items())


def test_that_somebody_new_is_held_near_the_unified_model(
    base: LanguageModel, past: PastTexts
) -> None:
    far = []
    for strength in ("strength=0", "strength=1000"):
        known = _trained(base, "l2-constrained", strength)
        model, places = enter(known, past, {NEW: [2, 3]})
        assert model.own is not None
        far.append(float(model.own.distance(model.maps).detach()[places[NEW]]))
    assert 0 < far[1] < far[0] / 2


def test_that_adapters_of_somebody_new_are_merged_as_those_of_the_known(
    base: LanguageModel, past: PastTexts
) -> None:
    known = _trained(base, "merged-lora")
    assert known.merged is not None
    known.merged.copy_(torch.tensor([0.25, 0.75]))
    model, places = enter(known, past, {NEW: [2, 3], OTHER: []})
    assert model.merged is not None
    assert model.merged[[places[NEW], places[OTHER]]].tolist() == [0.5, 0.0]


def test_that_somebody_new_starts_where_the_start_was_learned(
    base: LanguageModel, past: PastTexts
) -> None:
    known = _trained(base, "reptile", "entry_steps=0")
    model, places = enter(known, past, {NEW: [2, 3]})
    assert known.prefix is not None
    assert model.prefix is not None
    who = torch.tensor([places[NEW]])
    assert torch.equal(model.prefix(who, None)[0], known.prefix.start)  # type: ignore[arg-type]


def test_that_a_group_is_joined_by_texts(base: LanguageModel, past: PastTexts) -> None:
    known = _trained(base, "cluster-lora")
    past = replace(past, manners=np.stack([past.manners[row] for row in (0, 1, 1, 1, 0)]))
    model, places = enter(known, past, {NEW: [2, 3], OTHER: [4]})
    assert model.groups[[places[NEW], places[OTHER]]].tolist() == [1, 0]
