"""What parts declare is what is built of them."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from prism_desktop.engine.adaptation.fitters import WITH_ADAPTER
from prism_desktop.engine.backbones import Backbone, parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.config import TrainConfig, settings
from prism_desktop.engine.methods import METHODS, Method
from prism_desktop.engine.methods.parts.adapter_parts import Adapters, WholeTower
from prism_desktop.engine.methods.parts.loss_parts import Loss, TokenPrior
from prism_desktop.engine.methods.parts.part import KEPT, Count, MethodPart, Sizes, count
from prism_desktop.engine.methods.parts.scoring_parts import (
    CosineScores,
    MlpScores,
    Scoring,
    StartingHeads,
)
from prism_desktop.engine.methods.parts.text_parts import HistoryMemory, LearnedWords, ProfileText
from prism_desktop.engine.methods.parts.visual_tokens import TokenTable, VisualTokens
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.builders import ADAPTERS, MODULES
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.decoder import DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.models.lora import adapter_parameters
from prism_desktop.engine.models.parameter_counts import dotted, parameters
from prism_desktop.engine.models.saved_heads import KINDS
from prism_desktop.engine.training.closed_form import FITS
from prism_desktop.engine.training.conditioning import GATHERED, labeler_context
from prism_desktop.engine.training.factory import ROUTINES
from prism_desktop.engine.training.losses.registry import LOSSES

LABELERS, ATTRIBUTES, IMAGES, FEATURES = 5, 2, 40, 32
TOWERS = [name for name, method in METHODS.items() if not method.scoring.of_features]


def kinds(base: type[MethodPart]) -> set[type[MethodPart]]:
    """Every kind of part below one that some method has."""
    used = {type(part) for method in METHODS.values() for part in method.parts}
    used |= {type(part) for method in METHODS.values() for part in method.on_embeddings or ()}
    return {kind for kind in used if issubclass(kind, base)}


def built(name: str, backbone: Backbone, config: TrainConfig) -> PersonalClip:
    """A model on random answers of as many labelers, with what its method reads of them."""
    rng, n = np.random.default_rng(0), 400
    left, right = rng.integers(IMAGES, size=(2, n))
    answers = Answers(
        np.sort(rng.integers(LABELERS, size=n)), rng.integers(ATTRIBUTES, size=n), left,
        (left + 1 + right % (IMAGES - 1)) % IMAGES, rng.integers(2, size=n).astype(np.float32),
        np.ones(n, np.float32), np.arange(n),
    )  # fmt: skip
    features = rng.normal(size=(IMAGES, FEATURES)).astype(np.float32)
    text = rng.normal(size=(ATTRIBUTES + LABELERS, backbone.embed_dim)).astype(np.float32)
    context = labeler_context(
        METHODS[name], config, answers, LABELERS, ATTRIBUTES, features, text[:ATTRIBUTES],
        text[ATTRIBUTES:], ("likes smiles",) * LABELERS,
    )  # fmt: skip
    heads = [("smart",), ("kind",)] if config.start == "closed-form" else None
    return PersonalClip(
        backbone, LABELERS, method=METHODS[name], context=context, tokens=config.tokens,
        rank=config.rank, experts=config.experts, trunk=config.entered_behind, heads=heads,
        learn_temperature=config.learn_temperature,
    )  # fmt: skip


def sizes_of(backbone_name: str, config: TrainConfig) -> Sizes:
    return Sizes(
        LABELERS, ATTRIBUTES, shape(parse(backbone_name)), FEATURES, IMAGES,
        dotted(config.model_dump()),
    )  # fmt: skip


@pytest.mark.parametrize("trunk", [0, 1])
@pytest.mark.parametrize("name", TOWERS)
def test_that_shapes_that_a_method_declares_are_those_of_its_trained_parameters(
    name: str, trunk: int, backbone: Backbone, tiny_backbone: str
) -> None:
    options = {
        "method": name, "rank": 2, "tokens": 3, "clusters": 2, "delta": True,
        "learn_temperature": True, "trunk": trunk,
    }  # fmt: skip
    config = TrainConfig.checked(options)
    model, sizes = built(name, backbone, config), sizes_of(tiny_backbone, config)
    parts = METHODS[name].parts
    declared = {k: v for part in parts for k, v in part.shapes(sizes).items()}
    trained = {k: tuple(p.shape) for k, p in model.named_parameters() if p.requires_grad}
    if model.heads is not None:
        trained["heads.table"] = tuple(model.heads.table.shape)
    if (
        "visual" in declared
    ):  # one number for the whole tower, whose parameters have names of theirs
        whole = [k for k in trained if k.startswith("_plain")]
        assert not whole
        tower = sum(p.numel() for p in model.trained().values() if p.requires_grad)
        own = {k: v for k, v in declared.items() if k != "visual"}
        assert tower - count(own) == declared["visual"][0]
        return
    adapters = Counter(tuple(p.shape) for p in adapter_parameters(model.adapted) if p.requires_grad)
    told = Counter(v for k, v in declared.items() if k.startswith("adapters."))
    if any(part.decided(sizes) for part in parts):
        assert sum(math.prod(s) * n for s, n in adapters.items()) <= count(declared)
    else:
        assert adapters == told
    rest = {k: v for k, v in declared.items() if not k.startswith("adapters.")}
    assert rest == {k: v for k, v in trained.items() if not k.startswith("adapted.")}


@pytest.mark.parametrize("name", TOWERS)
def test_that_parameters_told_beforehand_are_those_that_training_counts(
    name: str, backbone: Backbone, tiny_backbone: str
) -> None:
    config = TrainConfig.checked({"method": name, "clusters": 2})
    told = parameters(METHODS[name], config, sizes_of(tiny_backbone, config))
    trained = built(name, backbone, config).counts()["trainable"]
    assert told is not None
    assert told == Count(trained) if told.exact else trained <= told.number


def test_that_the_decoder_declares_its_layers() -> None:
    for options in ({}, {"decoder.glu": True, "decoder.batch_norm": True, "decoder.vector": 7}):
        config = TrainConfig().with_options({"method": "mlp-decoder", **options})
        space = fit_space(np.random.default_rng(0).normal(size=(IMAGES, FEATURES)), 64, 0.5)
        model = DecoderModel(
            space, [("a",), ("b",)], LABELERS, DecoderShape(**config.decoder.model_dump())
        )
        declared = MlpScores().shapes(sizes_of("prism-mini", config))
        assert declared == {k: tuple(p.shape) for k, p in model.named_parameters()}


def test_that_every_kind_of_part_has_one_builder_and_no_builder_is_without_a_method() -> None:
    scores = kinds(Scoring)
    heads = {kind for kind in scores if kind.of_features and kind.fitted != "by weighing"}
    assert set(ROUTINES) == scores
    assert set(KINDS) == heads
    assert set(FITS) == {kind for kind in heads if kind.fitted == "in one go"}
    assert set(ADAPTERS) == kinds(Adapters)
    assert set(WITH_ADAPTER) == {kind for kind in kinds(Adapters) if kind.owned}
    assert set(LOSSES) == kinds(Loss)
    modules = kinds(VisualTokens) | {LearnedWords, HistoryMemory}
    assert set(MODULES) == modules
    # what the model itself is, or reads
    beside = {StartingHeads, ProfileText, WholeTower}
    registered = scores | kinds(Adapters) | kinds(Loss) | modules
    assert kinds(MethodPart) == registered | beside
    assert set(GATHERED) == set(KEPT) == {kind.fact for kind in kinds(MethodPart)} - {None}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_that_what_parts_say_of_settings_and_starts_can_be_done(method: Method) -> None:
    known = {setting.key.partition(".")[0] for setting in settings()}
    assert {key for part in method.parts for key in part.settings} <= known
    assert sum(isinstance(part, Scoring) for part in method.parts) == 1
    for start in method.starts:
        assert TrainConfig(method=method.name, start=start).start == start
    names = {type(part).__name__ for part in method.parts}
    assert ("StartingHeads" in names) == ("closed-form" in method.starts)
    if not method.scoring.of_features:
        shared = bool({"SharedAdapter", "FrozenAdapter"} & names)
        assert shared == ("consensus" in method.starts)
        assert ("FrozenAdapter" in names) == ("random" not in method.starts)


@pytest.mark.parametrize("name", TOWERS)
def test_that_what_is_a_labelers_own_has_a_row_for_each_and_changes_what_they_alone_see(
    name: str, backbone: Backbone
) -> None:
    options = {"method": name, "clusters": 2, "start": METHODS[name].starts[0]}
    model = built(name, backbone, TrainConfig.checked(options))
    state, own = dict(model.named_parameters()), METHODS[name].own
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    everybody, one = torch.arange(LABELERS), torch.zeros(LABELERS, dtype=torch.int64)
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            if ".lora_B." in key:  # else adapters do nothing yet
                tensor.fill_(0.1)
        before = model.encode(pixels, everybody, one)
        for key in own.keys() & state.keys():
            assert len(state[key]) == LABELERS, key
            state[key][1] += torch.linspace(-1, 1, state[key][1].numel()).view(state[key][1].shape)
        after = model.encode(pixels, everybody, one)
    changed = {row for row in range(LABELERS) if not torch.allclose(before[row], after[row])}
    assert changed <= {1}
    # whom an own row can make see apart, nobody else's view may stand for
    assert not changed or model.view_groups.count(model.view_groups[1]) == 1


def test_that_parts_that_cannot_do_without_others_are_refused_where_they_are_written_down() -> None:
    with pytest.raises(ValueError, match="TokenPrior needs HierarchicalTokens"):
        Method("odd", "Odd", "Odd.", "", "Tokens", (TokenTable(), CosineScores(), TokenPrior()))
