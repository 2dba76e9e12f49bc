"""Combinations of runs that write."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from prism_desktop.engine.errors import InputError, RunError, UnreadableError
from prism_desktop.engine.events import Notice, outcome
from prism_desktop.engine.methods.writing_methods import UNIFIED, members_of
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import WriterCombination, WritingSummary
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing import writing_session
from prism_desktop.engine.writing.answered_texts import read_answered
from prism_desktop.engine.writing.answering import answers
from prism_desktop.engine.writing.combined_texts import combined_texts
from prism_desktop.engine.writing.combined_writers import heaviest, heaviest_for_new, read_weighed
from prism_desktop.engine.writing.lamp_study import answer_questions
from prism_desktop.engine.writing.own_text_data import OwnTexts, read_texts
from prism_desktop.engine.writing.run_making import in_full
from prism_desktop.engine.writing.tested_settings import KNOWN, SWAPPED
from prism_desktop.engine.writing.text_quality import asked_rows
from prism_desktop.engine.writing.token_cost_file import read_costs
from prism_desktop.engine.writing.who_benefits import TRAITS
from prism_desktop.engine.writing.writing_config import WritingConfig, member_settings
from prism_desktop.engine.writing.writing_evaluation import read_scores
from prism_desktop.engine.writing.writing_plan import WritingPlan
from prism_desktop.engine.writing.writing_session import (
    begin_writing,
    find_run,
    train_writing,
    writing_runs,
)
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.lamp import question, write_questions
from tests.fixtures.setting_texts import changed

MEMBERS = "members=retrieval-recency,unprompted"
WRITES = ("examples=1", "answers=1", "answer_tokens=6")


@pytest.fixture(scope="module")
def combined(
    written_study: Path, tmp_path_factory: pytest.TempPathFactory, tiny_language_model: str
) -> RunFolder:
    """A finished run of auto on three cheap methods; not to be changed."""
    study = shutil.copytree(written_study, tmp_path_factory.mktemp("combined") / "written.prism")
    return _run(Path(study), tiny_language_model, "auto", MEMBERS, *WRITES)


def _run(study: Path, backbone: str, method: str, *settings: str) -> RunFolder:
    options = {"backbone": backbone, "device": "cpu"}
    run = begin_writing(study, WritingConfig.of(method, options, changed(SMALL, *settings)))
    outcome(train_writing(run))  # type: ignore[arg-type]
    return run


def test_that_a_mixture_costs_what_its_runs_tokens_say(combined: RunFolder) -> None:
    texts = read_texts(combined)
    members, own = read_weighed(combined, texts)
    assert [one.method for one in members] == [UNIFIED, "retrieval-recency", "unprompted"]
    assert own.sum(1) == pytest.approx(1)
    runs = [RunFolder(combined.path.with_name(one.run)) for one in members]
    costs = [read_costs(one, {})[KNOWN] for one in runs]
    scores = read_scores(combined, texts)
    for row, found in scores[KNOWN].items():
        weights = own[texts.places[texts.owner[row]]]
        chance = sum(w * np.exp(-one[row]) for w, one in zip(weights, costs, strict=True))
        assert found.nll == pytest.approx(-np.log(chance).sum(), rel=1e-5)
    assert set(scores[SWAPPED]) == set(scores[KNOWN])


def test_that_the_runs_keep_what_every_token_cost(combined: RunFolder) -> None:
    texts = read_texts(combined)
    for run in writing_runs(combined.study):
        costs, scores = read_costs(run, {}), read_scores(run, texts)
        assert set(costs) == set(scores)
        for setting, rows in scores.items():
            for row, one in rows.items():
                assert costs[setting][row].sum() == pytest.approx(one.nll, rel=1e-5)
                assert len(costs[setting][row]) == one.tokens


def test_that_somebody_of_whom_nothing_is_known_is_served_by_the_unified_model(
    combined: RunFolder,
) -> None:
    texts = read_texts(combined)
    unified = next(one for one in writing_runs(combined.study) if one.name.endswith(UNIFIED))
    mine, theirs = (read_scores(one, texts)["entered-0"] for one in (combined, unified))
    assert {row: one.nll for row, one in mine.items()} == pytest.approx(
        {row: one.nll for row, one in theirs.items()}, rel=1e-5
    )


def test_that_what_a_combination_needs_is_told(combined: RunFolder) -> None:
    summary = combined.stored(WritingSummary, layout.WRITTEN)
    stored = combined.stored(WriterCombination, layout.WEIGHED)
    assert summary is not None
    assert stored is not None
    assert 1 <= summary.passes <= 3
    assert summary.per_person_numbers == 3  # a weight for each run
    assert summary.gain is not None
    assert summary.gain.over == UNIFIED
    assert [one.examples for one in summary.entered] == [0, 5, 10, 30]
    assert set(stored.why) <= set(summary.notices)


def test_that_a_combination_answers_as_the_run_that_weighs_most_for_a_person(
    combined: RunFolder,
) -> None:
    texts = read_texts(combined)
    told = outcome(answers(combined, "q1", ["cleo", "ben"]))
    assert [one.person for one in told] == ["cleo", "ben"]
    places = {texts.meta.people[row].code: row for row in texts.known}
    for one in told:
        person = places[one.person]
        run = heaviest(combined, texts, [person])[person]
        (alone,) = outcome(answers(run, "q1", [one.person]))
        assert one.text == alone.text
        assert one.method == f"auto ({alone.method})"
    with pytest.raises(InputError, match="was not trained on texts of eve"):
        outcome(answers(combined, "q1", ["eve"]))


def test_that_its_texts_are_those_of_the_run_that_weighs_most_for_each_person(
    combined: RunFolder,
) -> None:
    texts, summary = read_texts(combined), combined.stored(WritingSummary, layout.WRITTEN)
    written = read_answered(combined, texts)
    runs = {one.name.split("-", 2)[2]: one for one in writing_runs(combined.study)}
    assert sorted(written[KNOWN]) == asked_rows(texts, 1)
    for row, one in written[KNOWN].items():
        run = heaviest(combined, texts, [texts.owner[row]])[texts.owner[row]]
        assert one == read_answered(run, texts)[KNOWN][row]
    unified = read_answered(runs[UNIFIED], texts)
    assert written["entered-0"] == unified["entered-0"]  # of whom nothing is known
    frame = pd.read_parquet(combined.path / layout.GENERATED)
    assert frame["origin"].str.fullmatch(r"generated by auto \((consensus|\S+)\)").all()
    assert summary is not None
    assert summary.quality is not None
    shares = [one.shares["chrf"] for one in written[KNOWN].values()]  # each person wrote one
    assert summary.quality.measures["chrf"].value == pytest.approx(np.mean(shares))
    assert summary.quality.latency is None
    assert all("chrf" in one.measures for one in summary.entered)
    assert any("weighs most for each person" in one for one in summary.notices)


def test_that_texts_which_not_all_runs_have_are_those_of_no_combination(
    combined: RunFolder, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    texts = read_texts(combined)
    runs = {one.name.split("-", 2)[2]: one for one in writing_runs(study)}
    members = {name: runs[name] for name in (UNIFIED, "retrieval-recency", "unprompted")}
    weights = {
        setting: dict.fromkeys(range(len(texts.meta.people)), np.array([0.2, 0.3, 0.5]))
        for setting in (KNOWN, "entered-0", "entered-5", "entered-10", "entered-30")
    }
    whole = combined_texts("auto", texts, members, weights)
    assert set(whole.answered) == set(weights)
    assert whole.quality is not None
    file = members["unprompted"].path / layout.GENERATED
    frame = pd.read_parquet(file)
    (members["unprompted"].path / layout.MANIFEST).unlink()  # else the mark alone would tell
    early = frame[frame["setting"] == KNOWN].drop(columns="setting")
    early.to_parquet(file, index=False)  # of an earlier version
    assert set(combined_texts("auto", texts, members, weights).answered) == {KNOWN}
    early.iloc[1:].to_parquet(file, index=False)
    for told, reason in (("not all of its runs", None), ("cannot be read", b"no table")):
        if reason is not None:
            file.write_bytes(reason)
        found = combined_texts("auto", texts, members, weights)
        assert (found.answered, found.quality) == ({}, None)
        assert told in found.notices[0]


def test_that_somebody_new_is_served_by_the_run_that_was_tested_for_such_people(
    combined: RunFolder, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    settings = changed(SMALL, "members=retrieval-recency", *WRITES)
    run = begin_writing(study, WritingConfig.of("selective", options, settings))
    outcome(train_writing(run))
    texts, weights = read_texts(run), run.path / layout.WRITER
    (new,) = texts.newcomers
    rows, tensors = texts.history(new), load_file(weights)
    assert len(tensors["benefits"]) == TRAITS + 1
    for sign, served in ((1.0, "retrieval-recency"), (-1.0, UNIFIED)):
        rule = torch.zeros(TRAITS + 1, dtype=torch.float64)
        rule[-1] = sign
        save_file({**tensors, "benefits": rule}, weights)
        (run.path / layout.MANIFEST).unlink(missing_ok=True)
        assert heaviest_for_new(run, texts, {new: rows})[new].name.endswith(served)
        assert heaviest_for_new(run, texts, {new: []})[new].name.endswith(UNIFIED)


def test_that_weights_follow_from_validation_texts_alone(
    combined: RunFolder, tiny_language_model: str, tmp_path: Path
) -> None:
    texts = read_texts(combined)
    with Study.create(tmp_path / "other.prism", kind="text") as other:
        for person in texts.meta.people:
            other.add_labeler(person.code, simulated=True)
        for owner, (prompt, text), split in zip(texts.owner, texts.pairs, texts.split, strict=True):
            told = "else" if split == "test" else text
            other.add_own_texts([OwnText(texts.meta.people[owner].code, told, prompt)])
    again = _run(tmp_path / "other.prism", tiny_language_model, "auto", MEMBERS, "examples=1")
    assert (read_weighed(again, read_texts(again))[1] == read_weighed(combined, texts)[1]).all()


def test_that_finished_runs_are_used_and_one_or_the_other_serves_each(
    combined: RunFolder, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    before = len(writing_runs(study))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    settings = changed(SMALL, "members=retrieval-recency", *WRITES)
    run = begin_writing(study, WritingConfig.of("selective", options, settings))
    events = list(train_writing(run))
    assert len(writing_runs(study)) == before + 1
    assert sum("used again" in one.text for one in events if isinstance(one, Notice)) == 2
    members, own = read_weighed(run, read_texts(run))
    assert set(own.flatten()) <= {0.0, 1.0}
    assert own.sum(1) == pytest.approx(1)
    weights = run.path / layout.WRITER
    (run.path / layout.MANIFEST).unlink()  # which would tell of any change
    save_file({"weights.own": load_file(weights)["weights.own"][1:]}, weights)
    with pytest.raises(RunError, match="train it again"):
        read_weighed(run, read_texts(run))
    assert [one.method for one in members] == [UNIFIED, "retrieval-recency"]


def test_that_a_combination_says_in_its_results_which_method_it_lacks(
    combined: RunFolder, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    lacking = ("encoder=prism-mini", "examples=1")  # an encoder that reads no texts
    members = "members=retrieval-recency,retrieval-faiss"
    run = _run(study, tiny_language_model, "ensemble", members, *lacking)
    summary = run.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert "retrieval-faiss is left out: " in summary.notices[0]
    assert "reads texts" in summary.notices[0]
    with pytest.raises(RunError, match="selective has nothing to weigh beside consensus"):
        _run(study, tiny_language_model, "selective", "members=retrieval-faiss", *lacking)


def test_that_a_combination_of_runs_that_would_be_others_now_is_not_used_again(
    combined: RunFolder, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    config, texts = WritingConfig.load(combined.path / layout.CONFIG), read_texts(combined)
    assert find_run(study, config, texts) is not None
    member = next(one for one in writing_runs(study) if one.name.endswith("retrieval-recency"))
    told = json.loads((member.path / layout.CONFIG).read_text())
    (member.path / layout.CONFIG).write_text(json.dumps({**told, "examples": 3}))
    assert find_run(study, config, texts) is None


def test_that_a_combination_that_lacked_a_run_which_is_there_now_is_not_used_again(
    written_study: Path, tmp_path: Path, tiny_language_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "copied.prism"))
    obtained = writing_session._obtained

    def failing(run: RunFolder, wanted: WritingConfig, texts: OwnTexts) -> Any:
        if wanted.method == "unprompted":
            raise RunError("The disk was full.")
        return obtained(run, wanted, texts)

    monkeypatch.setattr(writing_session, "_obtained", failing)
    run = _run(study, tiny_language_model, "ensemble", MEMBERS, *WRITES)
    monkeypatch.undo()
    config, texts = WritingConfig.load(run.path / layout.CONFIG), read_texts(run)
    assert find_run(study, config, texts) is not None
    member = in_full(member_settings(config, "unprompted"))
    outcome(train_writing(begin_writing(study, member)))  # type: ignore[arg-type]
    assert find_run(study, config, texts) is None


@pytest.mark.parametrize("name", [layout.WRITER, layout.TOKEN_COSTS])
def test_that_numbers_of_a_finished_run_that_were_changed_are_used_nowhere(
    name: str, combined: RunFolder, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    unified = next(one for one in writing_runs(study) if one.name.endswith(UNIFIED))
    content = bytearray((unified.path / name).read_bytes())
    content[-4] ^= 1  # the last bit of a number
    (unified.path / name).write_bytes(content)
    used: Callable[[], object] = {
        layout.WRITER: lambda: outcome(answers(unified, "q1", ["ben"])),
        layout.TOKEN_COSTS: lambda: _run(study, tiny_language_model, "ensemble", MEMBERS, *WRITES),
    }[name]
    with pytest.raises(UnreadableError, match="not what the run wrote"):
        used()


@pytest.mark.parametrize("odd", ["beyond", "twice", "of validation", "nothing known"])
def test_that_scores_of_other_texts_than_those_that_were_tested_are_refused(
    odd: str, combined: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(shutil.copytree(combined.path, tmp_path / "run"))
    (run.path / layout.MANIFEST).unlink()  # as runs of earlier versions have none
    frame, texts = pd.read_parquet(run.path / layout.TEXT_SCORES), read_texts(run)
    assert read_scores(run, texts)
    known = frame.index[frame["setting"] == KNOWN]
    if odd == "nothing known":
        frame = frame.drop(known)
    else:
        other = {"beyond": 10**6, "twice": frame.loc[known[1], "text"]}
        frame.loc[known[0], "text"] = other.get(odd, texts.of("val")[0])
    frame.to_parquet(run.path / layout.TEXT_SCORES, index=False)
    with pytest.raises(UnreadableError, match="text-scores"):
        read_scores(run, texts)


def test_that_a_combination_answers_the_benchmark_as_the_run_that_weighs_most(
    combined: RunFolder, tmp_path: Path
) -> None:
    codes = ("cleo", "ben")
    asked = [question("LaMP_4", code) for code in codes]
    questions = write_questions(tmp_path / "q.json", asked)
    _, told = outcome(answer_questions(combined, questions))
    texts = read_texts(combined)
    places = {texts.meta.people[row].code: row for row in texts.known}
    for code in codes:
        person = places[code]
        run = heaviest(combined, texts, [person])[person]
        assert told[code] == outcome(answer_questions(run, questions))[1][code]


def test_that_a_run_that_was_cut_short_or_is_damaged_stands_for_no_other(
    combined: RunFolder, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(combined.study, tmp_path / "copied.prism"))
    texts = read_texts(combined)
    unified = next(one for one in writing_runs(study) if one.name.endswith(UNIFIED))
    config = WritingConfig.load(unified.path / layout.CONFIG)
    found = find_run(study, config, texts)
    assert found is not None
    assert found.path == unified.path
    unified.set_status("stopped")  # and its best epoch tested
    assert find_run(study, config, texts) is None
    unified.set_status("finished")
    (unified.data / layout.OWN_TEXTS).write_bytes(b"no table")
    assert find_run(study, config, texts) is None


@pytest.mark.parametrize(
    ("method", "members", "told"),
    [
        ("auto", ["ensemble"], "a combination itself"),
        ("auto", ["consensus"], "another method"),
        ("selective", ["e2p-1", "e2p-5"], "one other method"),
        ("ensemble", ["e2p-9"], "no method"),
    ],
)
def test_that_members_that_make_no_combination_are_refused(
    written_study: Path, method: str, members: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        members_of(method, members)
    with pytest.raises(InputError, match=told):
        begin_writing(written_study, WritingConfig.checked({"method": method, "members": members}))
    assert not writing_runs(written_study)


def test_that_a_comparison_combines_what_it_compares_last(written_study: Path) -> None:
    methods = ["auto", "selective", "e2p-1", "unified-lora"]
    configs = WritingPlan(written_study, methods, {"rank": 2}, ["prefix=2"]).configs()
    assert list(configs)[-2:] == ["selective", "auto"]
    assert configs["auto"].members == ("retrieval-bm25", UNIFIED, "e2p-1")
    assert configs["selective"].members is None
    for name in configs["auto"].members:
        assert member_settings(configs["auto"], name) == configs[name]


def test_that_members_take_what_a_comparison_was_given_though_it_is_usual(
    written_study: Path,
) -> None:
    usual = WritingConfig().prefix
    asked = WritingPlan(written_study, ["auto", "e2p-1"], settings=[f"prefix={usual}"])
    configs = asked.configs()
    assert configs["e2p-1"].prefix == usual  # its own is 1
    assert member_settings(configs["auto"], "e2p-1") == configs["e2p-1"]
    left = WritingPlan(written_study, ["auto", "e2p-1"])
    assert member_settings(left.configs()["auto"], "e2p-1").prefix == 1
    # usual values that no method has its own of change nothing: it is the same comparison
    usual_ones = {"backbone": "prism-mini-lm", "people": None, "device": "auto", "rank": 4}
    same = WritingPlan(written_study, left.methods, usual_ones)
    assert same.configs() == left.configs()
    with pytest.raises(InputError, match="no setting that members take"):
        WritingConfig.of("auto", {}, ["members_take=foo"])
