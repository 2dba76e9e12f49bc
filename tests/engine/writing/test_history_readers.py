"""Networks that read what somebody wrote: soft tokens, and a memory between the layers."""

import shutil
from pathlib import Path

import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.layer_memory import looking_layers
from prism_desktop.engine.writing.own_text_data import take_texts
from prism_desktop.engine.writing.past_texts import PastTexts, read_past
from prism_desktop.engine.writing.run_making import begin_writing, writing_runs
from prism_desktop.engine.writing.soft_prefixes import (
    AttendedPrefix,
    DeviatingPrefix,
    ProjectedTexts,
    Written,
)
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig

PAIR = ("ask", "tell")


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


def _model(base: LanguageModel, name: str, people: int = 2) -> WriterModel:
    config = WritingConfig.of(name, {"rank": 2}, ["prefix=3"])
    return WriterModel(base, writing_method(name), config, people, [0, 0], 1)


def _written(width: int, texts: int, *, profile: bool = False, seed: int = 0) -> Written:
    generator = torch.Generator().manual_seed(seed)
    items = torch.nn.functional.normalize(torch.randn(1, 4, width, generator=generator), dim=-1)
    there = (torch.arange(4) < texts).float()[None]
    return Written(items, there, items[:, 0] if profile else torch.zeros(1, width))


def _drawn(module: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    for one in module.parameters():
        one.data += torch.randn(one.shape, generator=generator) / 10


def _nll(model: WriterModel, written: Written) -> float:
    return float(model.nll([model.rows.plain(PAIR)], [0], written)[0][0].detach())


def test_that_the_order_of_texts_means_nothing_to_a_perceiver_but_they_and_the_profile_do(
    base: LanguageModel,
) -> None:
    prefix = _model(base, "persoma-perceiver").prefix
    assert isinstance(prefix, AttendedPrefix)
    _drawn(prefix)
    one, rows = _written(base.width, 4), torch.tensor([0])
    turned = Written(one.items.flip(1), one.there, one.profile)
    told = Written(one.items, one.there, one.items[:, 1])
    assert torch.allclose(prefix(rows, one), prefix(rows, turned), atol=1e-5)
    assert not torch.allclose(prefix(rows, one), prefix(rows, told), atol=1e-3)
    assert torch.isfinite(prefix(rows, _written(base.width, 0))).all()


def test_that_every_text_looked_up_is_one_token_and_where_there_is_none_stands_the_base(
    base: LanguageModel,
) -> None:
    prefix = _model(base, "retrieval-projected").prefix
    assert isinstance(prefix, ProjectedTexts)
    _drawn(prefix)
    rows = torch.tensor([0])
    one, three, four = (prefix(rows, _written(base.width, count)) for count in (1, 3, 4))
    assert torch.equal(one[:, 0], three[:, 0])
    assert torch.equal(one[0, 1:], prefix.base[1:])
    assert not torch.allclose(three[:, 2], one[:, 2])
    assert torch.equal(three, four)  # of four texts the nearest three have tokens


def test_that_a_memory_begins_closed_and_then_tells_people_apart(base: LanguageModel) -> None:
    model = _model(base, "gated-memory")
    plain = WriterModel(base, writing_method("consensus"), model.config, 2)
    model.take_unified(plain.state_dict())
    one, other = (_written(base.width, 3, seed=seed) for seed in (1, 2))
    assert _nll(model, one) == pytest.approx(_nll(plain, one), abs=1e-5)
    assert model.memory is not None
    model.memory.gamma.data.fill_(1.0)
    assert abs(_nll(model, one) - _nll(model, other)) > 1e-3
    assert _nll(model, _written(base.width, 0)) == _nll(model, _written(base.width, 0, seed=5))


def test_that_a_model_whose_layers_are_not_found_is_refused_with_the_way_out() -> None:
    net = torch.nn.Linear(2, 2)
    net.base_model, net.config = net, None  # type: ignore[assignment]
    with pytest.raises(InputError, match="such as retrieval-bm25"):
        looking_layers(net)


def test_that_somebody_new_joins_a_group_without_deviating_from_it(base: LanguageModel) -> None:
    model = _model(base, "hierarchical")
    assert isinstance(model.prefix, DeviatingPrefix)
    who = torch.tensor([0, 1])
    together = model.ahead(who, None)
    assert torch.equal(together[0], together[1])
    _drawn(model.prefix)
    apart = model.ahead(who, None)
    assert not torch.allclose(apart[0], apart[1])
    fresh = model.entered(1, [0])
    assert torch.equal(fresh.ahead(torch.tensor([0]), None)[0], model.prefix.table[0])
    assert fresh.own_parameters() == [fresh.prefix.own]  # type: ignore[union-attr]


READING = ("e2p-1", "e2p-5", "persoma-perceiver", "gated-memory")


def _past(study: Path, base: LanguageModel, name: str, *settings: str) -> PastTexts:
    config = WritingConfig.of(name, {"backbone": base.name, "held_out": 0.0}, settings)
    with Study.open(study, read_only=True) as opened:
        texts = take_texts(opened, config)
    return outcome(read_past(base, writing_method(name), texts, config))


@pytest.mark.parametrize("name", READING)
def test_that_networks_read_texts_or_the_profile_or_both_as_they_are_told(
    written_study: Path, tmp_path: Path, base: LanguageModel, name: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "told.prism"))
    with Study.open(study) as opened:
        for code in ("ada", "cleo", "dan"):
            opened.update_labeler(code, profile="")
    both, texts, profile = (
        _past(study, base, name, *given) for given in ([], ["reads=texts"], ["reads=profile"])
    )
    ben = [one.code for one in both.texts.meta.people].index("ben")
    other = (ben + 1) % 4
    histories = [both.texts.history(ben), both.texts.history(other)]
    device = torch.device("cpu")
    read = [one.written(histories, [ben, other], device) for one in (both, texts, profile)]
    assert torch.equal(read[0].items, read[1].items)
    assert torch.equal(read[0].profile, read[2].profile)
    assert read[2].profile[0].any()
    assert not read[2].profile[1].any()
    assert not read[1].profile.any()
    assert not read[2].there.any()
    assert read[2].items.shape[1] == 1  # of no text
    assert any("3 people have no profile" in remark for remark in profile.remarks)
    assert not any("profile" in remark for remark in (*both.remarks, *texts.remarks))


def test_that_profiles_that_nobody_has_are_no_source(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "none.prism"))
    with Study.open(study) as opened:
        for one in opened.labelers():
            opened.update_labeler(one.code, profile=" ")
    options = {"backbone": tiny_language_model, "reads": "profile"}
    with pytest.raises(InputError, match=r"Nobody whom training knows.*choose reads=texts\."):
        begin_writing(study, WritingConfig.of("e2p-1", options))
    assert not writing_runs(study)
    begin_writing(study, WritingConfig.of("persoma-mlp", options))  # it never reads a profile


def test_that_what_is_read_tells_runs_apart_but_the_usual_as_before(
    tiny_language_model: str,
) -> None:
    usual, named, other = (
        WritingConfig.of("e2p-1", {"backbone": tiny_language_model, **given})
        for given in ({}, {"reads": "both"}, {"reads": "texts"})
    )
    assert usual.digest() == named.digest() != other.digest()
    assert "reads" not in usual.digest()
    assert not usual.asks_the_same(other)
