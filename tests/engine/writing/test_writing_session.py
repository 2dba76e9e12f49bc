"""Runs of the task writing: trained, killed and gone on with, tested once."""

import json
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prism_desktop.engine.errors import BackboneError, InputError, PrismError, RunError
from prism_desktop.engine.events import Notice, outcome
from prism_desktop.engine.processes.process_setup import prepare_torch, release_torch
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Epoch, Finished, Step
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.tensor_files import read_tensors
from prism_desktop.engine.writing import token_rows
from prism_desktop.engine.writing.generation import open_writer
from prism_desktop.engine.writing.own_text_data import read_texts
from prism_desktop.engine.writing.run_making import find_run
from prism_desktop.engine.writing.tested_settings import KNOWN
from prism_desktop.engine.writing.text_encoders import opened_encoder
from prism_desktop.engine.writing.writer_opening import keep_networks, opened_language_model
from prism_desktop.engine.writing.writing_config import WritingConfig, is_writing_run
from prism_desktop.engine.writing.writing_evaluation import exchanged, read_scores
from prism_desktop.engine.writing.writing_session import (
    begin_writing,
    train_writing,
    writing_runs,
)
from prism_desktop.engine.writing.writing_trainer import WritingTrainer
from tests.fixtures.language_model import make_language_model
from tests.fixtures.setting_texts import changed

SMALL = [
    "epochs=2",
    "batch=16",
    "rank=2",
    "prefix=2",
    "entry_steps=2",
    "held_out=0.25",
    "answers=0",
]
HELD_OUT = "ada"  # whom the split of these four people holds out


@pytest.fixture
def study(written_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written_study, tmp_path / "written.prism"))


def _begun(study: Path, backbone: str, method: str, *settings: str) -> RunFolder:
    config = WritingConfig.of(
        method, {"backbone": backbone, "device": "cpu"}, changed(SMALL, *settings)
    )
    return begin_writing(study, config)


def _config(run: RunFolder) -> WritingConfig:
    return WritingConfig.load(run.path / layout.CONFIG)


def _returned(events: Generator[object, None, Any]) -> Any:
    while True:
        try:
            next(events)
        except StopIteration as ended:
            return ended.value


def _weights(run: RunFolder) -> Mapping[str, torch.Tensor]:
    return read_tensors(run.path / layout.WRITER)[0]


def test_that_a_run_learns_keeps_its_results_and_is_tested_once(
    study: Path, tiny_language_model: str
) -> None:
    run = _begun(study, tiny_language_model, "unified-lora", "epochs=4", "lora_lr=0.02")
    events = list(train_writing(run))
    epochs = [event.val["nll"] for event in events if isinstance(event, Epoch)]
    assert epochs[-1] is not None
    assert epochs[0] is not None
    assert epochs[-1] < epochs[0]
    assert run.status().state == "finished"
    summary = run.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert summary.method == "consensus"
    assert summary.test.people == 3
    assert [one.examples for one in summary.entered] == [0, 5, 10, 30]
    told = run.events()[0]
    assert isinstance(told[-1], Finished)
    assert any(isinstance(event, Step) for event in told)
    assert set(summary.per_person) == {"ben", "cleo", "dan"}
    with pytest.raises(RunError, match="opened once"):
        list(train_writing(run))
    assert run.status().state == "finished"  # what is refused changes nothing of the run
    assert isinstance(run.events()[0][-1], Finished)


def test_that_a_killed_training_goes_on_to_the_same_model(
    study: Path, tiny_language_model: str
) -> None:
    whole = _begun(study, tiny_language_model, "consensus", "checkpoint_seconds=0.000001")
    outcome(train_writing(whole))  # type: ignore[arg-type]
    cut = _begun(study, tiny_language_model, "consensus", "checkpoint_seconds=0.000001")
    events = train_writing(cut)
    for event in events:
        if isinstance(event, Step):  # the first is always told
            assert event.step == 1
            break
    events.close()
    assert cut.status().state == "interrupted"
    again = list(train_writing(cut))
    assert any(isinstance(event, Notice) and "goes on" in event.text for event in again)
    expected = _weights(whole)
    assert all(torch.equal(one, expected[name]) for name, one in _weights(cut).items())


def test_that_what_was_trained_before_a_kill_counts_for_the_run_and_for_no_later_epoch(
    study: Path, tiny_language_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_an_hour(trainer: WritingTrainer) -> bool:
        trainer.at.seconds = trainer.at.begun = 3600.0
        return True

    monkeypatch.setattr(WritingTrainer, "resume", after_an_hour)
    run = _begun(study, tiny_language_model, "consensus")
    epochs = [event for event in train_writing(run) if isinstance(event, Epoch)]
    assert len(epochs) == 2
    assert all(0 < (one.seconds or 0) < 3600 for one in epochs)
    summary = run.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert summary.seconds > 3600


def test_that_a_prefix_stands_on_the_unified_run_which_is_trained_once(
    study: Path, tiny_language_model: str
) -> None:
    run = _begun(study, tiny_language_model, "prefix-on-unified", "held_out=0")
    summary = list(train_writing(run))[-1].value  # type: ignore[union-attr]
    again = _begun(
        study, tiny_language_model, "prefix-on-unified", "prefix_start=mean", "held_out=0",
        "threads=1", "checkpoint_seconds=5",
    )  # fmt: skip
    list(train_writing(again))
    unified = [one for one in writing_runs(study) if one.name.endswith("consensus")]
    assert len(unified) == 1
    own, base = _weights(run), _weights(unified[0])
    assert all(torch.equal(own[name], base[name]) for name in base if name.startswith("unified."))
    assert summary.gain.over == "consensus"
    assert summary.soft_tokens == 2
    assert summary.per_person_numbers == 2 * 32
    assert summary.swapped is not None


def test_that_a_run_is_made_with_the_threads_that_it_asks_for(
    study: Path, tiny_language_model: str
) -> None:
    usual = torch.get_num_threads()
    prepare_torch(_begun(study, tiny_language_model, "consensus", f"threads={usual + 1}"))
    assert torch.get_num_threads() == usual + 1
    release_torch()
    assert torch.get_num_threads() == usual


def test_that_people_held_out_and_tested_texts_change_no_weights(
    study: Path, tiny_language_model: str, tmp_path: Path
) -> None:
    first = _begun(study, tiny_language_model, "consensus")
    list(train_writing(first))
    texts = read_texts(first)
    with Study.create(tmp_path / "other.prism", kind="text") as other:
        for person in texts.meta.people:
            other.add_labeler(person.code, simulated=True)
        rows = zip(texts.owner, texts.pairs, texts.split, strict=True)
        for owner, (prompt, text), split in rows:
            code = texts.meta.people[owner].code
            unseen = split == "test" or code == HELD_OUT
            other.add_own_texts([OwnText(code, "else" if unseen else text, prompt)])
    assert texts.meta.people[texts.newcomers[0]].code == HELD_OUT
    second = _begun(tmp_path / "other.prism", tiny_language_model, "consensus")
    list(train_writing(second))
    one, two = _weights(first), _weights(second)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert read_scores(first, texts)[KNOWN] != read_scores(second, read_texts(second))[KNOWN]


def test_that_retrieval_reads_texts_of_the_training_folds_alone(
    study: Path, tiny_language_model: str
) -> None:
    run = _begun(study, tiny_language_model, "retrieval-recency", "examples=1")
    summary = list(train_writing(run))[-1].value  # type: ignore[union-attr]
    assert summary.examples == 1
    assert summary.context_tokens > 0
    assert summary.trained == 0
    texts = read_texts(run)
    latest = {who: texts.history(who)[-1] for who in texts.known}
    assert all(texts.split[row] == "train" for row in latest.values())


def test_that_a_prefix_is_learned_beside_the_texts_that_are_read(
    study: Path, tiny_language_model: str
) -> None:
    run = _begun(study, tiny_language_model, "prefix-with-retrieval", "examples=1")
    beside = list(train_writing(run))[-1].value  # type: ignore[union-attr]
    assert beside.context_tokens > 0
    assert (beside.soft_tokens, beside.per_person_numbers) == (2, 2 * 32)
    alone = _begun(study, tiny_language_model, "prefix-on-unified")
    list(train_writing(alone))
    tables = [_weights(one)["prefix.table"] for one in (run, alone)]
    assert not torch.allclose(*tables)


def test_that_a_step_learns_the_same_however_few_texts_fit_into_a_pass(
    written_study: Path, tiny_language_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for most in (100_000, 60):
        monkeypatch.setattr(token_rows, "_MOST_TOKENS", most)
        study = Path(shutil.copytree(written_study, tmp_path / str(most) / "written.prism"))
        run = _begun(study, tiny_language_model, "persoma-mlp", "epochs=1", "batch=32")
        list(train_writing(run))
        found.append(_weights(run))
    for name, one in found[0].items():
        torch.testing.assert_close(one, found[1][name], atol=1e-4, rtol=1e-3)


def test_that_people_are_grouped_by_an_encoder_where_one_is_named(
    study: Path, tiny_language_model: str, tmp_path: Path
) -> None:
    encoder = make_language_model(tmp_path / "encoder", encoder=True)
    settings = ("clusters=2", "epochs=1", "answers=0")
    run = _begun(study, tiny_language_model, "cluster-prefix", f"encoder={encoder}", *settings)
    outcome(train_writing(run))
    assert run.environment().encoder_sha256 is not None
    writer = _returned(open_writer(run))
    reader = _returned(opened_encoder(_config(run)))
    assert np.allclose(writer.past.manners, reader.encode(writer.past.texts.pairs), atol=1e-5)
    own = _begun(study, tiny_language_model, "cluster-prefix", *settings)
    outcome(train_writing(own))
    summary = own.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert any("not by MiniLM" in one for one in summary.notices)
    # runs of an earlier version, which grouped by the language model whatever their settings say
    (own.path / layout.MANIFEST).unlink()
    summary.model_copy(update={"revision": 1}).save(own.path / layout.WRITTEN)
    told, texts = json.loads((own.path / layout.CONFIG).read_text()), read_texts(own)
    for said in ("auto", f"lm:{tmp_path / 'gone'}"):
        (own.path / layout.CONFIG).write_text(json.dumps({**told, "encoder": said}))
        assert _returned(open_writer(own)).past.encoder is None
        assert find_run(study, _config(own), texts) is None


def test_that_an_encoder_that_is_not_there_is_told_and_the_models_own_features_taken(
    study: Path, tiny_language_model: str, tmp_path: Path
) -> None:
    run = _begun(study, tiny_language_model, "retrieval-faiss", "examples=1", "held_out=0")
    summary = list(train_writing(run))[-1].value  # type: ignore[union-attr]
    assert WritingConfig.load(run.path / layout.CONFIG).encoder == "own"
    assert any("not by MiniLM's" in told for told in summary.notices)
    encoder = make_language_model(tmp_path / "encoder", encoder=True)
    other = _begun(study, tiny_language_model, "retrieval-both", f"encoder={encoder}", "held_out=0")
    summary = list(train_writing(other))[-1].value  # type: ignore[union-attr]
    assert summary.notices == ()
    for wrong in ("prism-mini", f"lm:{tmp_path / 'nothing'}"):
        with pytest.raises(PrismError, match=r"reads texts|cannot be used"):
            _begun(study, tiny_language_model, "retrieval-faiss", f"encoder={wrong}")
    assert len(writing_runs(study)) == 2


def test_that_a_summary_costs_the_same_context_however_many_texts_it_is_of(
    study: Path, tiny_language_model: str
) -> None:
    taken = []
    for count in (0, 1, 10):
        run = _begun(study, tiny_language_model, "retrieval-summary", f"examples={count}")
        taken.append(list(train_writing(run))[-1].value.context_tokens)  # type: ignore[union-attr]
    assert taken[0] == 0
    # the model reads 48 letters, so that a sentence of more is left out whole
    assert taken[1] == taken[2]


def test_that_nobody_stands_in_for_themselves_where_people_are_exchanged() -> None:
    swap = exchanged([3, 5, 8])
    assert sorted(swap) == sorted(swap.values()) == [3, 5, 8]
    assert all(one != other for one, other in swap.items())


def test_that_what_cannot_write_is_refused_in_a_sentence(
    study: Path, tiny_language_model: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="needs a language model"):
        _begun(study, "prism-mini", "consensus")
    with pytest.raises(BackboneError):
        _begun(study, f"lm:{tmp_path / 'nothing'}", "consensus")
    assert not writing_runs(study)
    encoder = make_language_model(tmp_path / "encoder", encoder=True)
    run = _begun(study, encoder, "consensus")
    with pytest.raises(InputError, match="cannot write"):
        list(train_writing(run))
    assert run.status().state == "failed"
    many = _begun(study, tiny_language_model, "prefix-on-unified", "prefix=40")
    with pytest.raises(InputError, match="set prefix to 24 or less"):
        list(train_writing(many))


@pytest.mark.parametrize(
    ("method", "settings", "told"),
    [
        ("prefix-on-unifed", [], "did you mean prefix-on-unified"),
        ("consensus", ["epochs=no"], "epochs cannot be"),
        ("consensus", ["epoch=3"], "no setting"),
        ("consensus", ["fold=7"], "fold cannot be"),
    ],
)
def test_that_settings_that_do_not_fit_are_refused(
    method: str, settings: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        WritingConfig.of(method, {}, settings)


def test_that_a_run_of_judging_is_none_of_writing(tmp_path: Path) -> None:
    (tmp_path / layout.CONFIG).write_text(json.dumps({"method": "consensus"}))
    assert not is_writing_run(tmp_path)
    assert not is_writing_run(tmp_path / "nothing")


def test_that_another_network_in_the_same_place_is_not_taken_for_the_one_that_was_trained_on(
    study: Path, tmp_path: Path
) -> None:
    backbone = make_language_model(tmp_path / "lm")
    run = _begun(study, backbone, "unprompted")
    list(train_writing(run))
    config, texts = WritingConfig.load(run.path / layout.CONFIG), read_texts(run)
    found = find_run(study, config, texts)
    assert found is not None
    assert found.path == run.path
    stopped = _begun(study, backbone, "unprompted", "seed=1")
    keep_networks(stopped, _returned(opened_language_model(config)))
    make_language_model(tmp_path / "lm", seed=1)
    assert find_run(study, config, texts) is None
    with pytest.raises(RunError, match="Put the original weights back, or train again"):
        _returned(open_writer(run))
    with pytest.raises(RunError, match="Put the original weights back"):
        list(train_writing(stopped))
    make_language_model(tmp_path / "lm")
    assert find_run(study, config, texts) is not None
    assert _returned(open_writer(run)).model is not None


def test_that_a_run_looks_texts_up_by_the_weights_that_it_was_tested_with(
    study: Path, tiny_language_model: str, tmp_path: Path
) -> None:
    encoder = make_language_model(tmp_path / "encoder", encoder=True)
    run = _begun(study, tiny_language_model, "retrieval-faiss", f"encoder={encoder}", "held_out=0")
    list(train_writing(run))
    config, texts = WritingConfig.load(run.path / layout.CONFIG), read_texts(run)
    assert find_run(study, config, texts) is not None
    make_language_model(tmp_path / "encoder", seed=1, encoder=True)
    assert find_run(study, config, texts) is None
    with pytest.raises(RunError, match="Put the original weights back, or train again"):
        _returned(open_writer(run))
