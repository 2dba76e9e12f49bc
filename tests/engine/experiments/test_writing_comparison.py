"""Methods of the task writing on one leaderboard."""

import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.experiments.writing_comparison import compare_writing
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.method_roles import ALIASES
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.run_events import (
    ComparisonBegun,
    ItemBegun,
    ItemEnded,
    NoticeTold,
    ToldEvent,
)
from prism_desktop.engine.runs.writing_files import MeanOverPeople, WritingGain, WritingLeaderboard
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.own_text_data import take_texts
from prism_desktop.engine.writing.run_making import writing_runs
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_leaderboard import verdict
from prism_desktop.engine.writing.writing_plan import WritingPlan
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.comparing import compared_writers


def _plan(study: Path, backbone: str, *methods: str) -> WritingPlan:
    return WritingPlan(study, methods, {"backbone": backbone, "device": "cpu"}, SMALL)


def _board(folder: Path) -> WritingLeaderboard:
    board = WritingLeaderboard.from_file(folder / layout.LEADERBOARD)
    assert board is not None
    return board


def _states(events: list[ToldEvent]) -> list[str]:
    return [event.state for event in events if isinstance(event, ItemBegun)]


def test_that_a_comparison_grows_goes_on_where_it_was_left_and_is_ranked(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    plan = _plan(study, tiny_language_model, "unprompted", "unified-lora")
    folder = Path()
    with closing(compare_writing(plan)) as batches:  # type: ignore[type-var]
        for event in (event for batch in batches for event in batch):
            if isinstance(event, ComparisonBegun):
                folder = Path(event.path)
                assert (event.runs, event.task) == (3, "writing")
            if isinstance(event, ItemEnded):
                break
    half = _board(folder)
    assert [row.method for row in half.methods] == ["unprompted"]
    assert half.unfinished.startswith("Not finished: 1 of 3 methods")
    assert half.retrieval == "retrieval-bm25"  # that is still to come
    again, events = compared_writers(_plan(study, tiny_language_model, "consensus", "unprompted"))
    assert again == folder
    assert _states(events) == ["reused", "new", "new"]
    board = _board(folder)
    assert board.unfinished == ""
    assert {row.method for row in board.methods} == {"unprompted", "consensus", "retrieval-bm25"}
    values = [row.summary.test.value for row in board.methods]
    assert values == sorted(values, key=lambda one: one or 0.0)
    unified = next(row for row in board.methods if row.method == "consensus")
    assert unified.over_unified is None
    assert unified.over_retrieval is not None
    assert all(row.verdict for row in board.methods if row.method != "consensus")
    assert board.simulated
    runs = len(writing_runs(study))
    assert _states(compared_writers(plan)[1]) == ["reused"] * 3
    assert len(writing_runs(study)) == runs
    other, _ = compared_writers(_plan(study, tiny_language_model, "consensus"))
    assert other != folder  # so that neither board takes the other's place


def test_that_a_method_that_cannot_be_trained_says_why_beside_the_others(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    encoder = Path(shutil.copytree(tiny_language_model.removeprefix("lm:"), tmp_path / "encoder"))
    (encoder / "tokenizer.json").write_text("{}")  # which nothing finds before it is opened
    settings = (*SMALL, f"encoder=lm:{encoder}")
    options = {"backbone": tiny_language_model, "device": "cpu"}
    plan = WritingPlan(study, ("unprompted", "retrieval-faiss"), options, settings)
    folder, events = compared_writers(plan)
    board = _board(folder)
    assert {row.method for row in board.methods} == {"unprompted", "consensus"}
    (failed,) = board.failed
    assert failed.method == "retrieval-faiss"
    assert str(encoder) in failed.message
    assert board.retrieval == ""
    ended = {event.method: event.failure for event in events if isinstance(event, ItemEnded)}
    assert ended == {"unprompted": "", "consensus": "", "retrieval-faiss": failed.message}


@pytest.mark.soak
def test_that_whoever_begins_a_comparison_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from prism_desktop.engine.experiments import writing_comparison\n"
        "from prism_desktop.engine.writing.writing_config import WritingConfig\n"
        "writing_comparison.in_full(WritingConfig.of('retrieval-faiss', {}))\n"
        "print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_that_what_the_unified_model_does_not_read_makes_no_other_one(written_study: Path) -> None:
    plans = [
        WritingPlan(written_study, ["consensus"], {}, settings)
        for settings in (["prefix=2", "entry_steps=3"], ["prefix=7"], ["rank=2"])
    ]
    one, same, other = (plan.configs()["consensus"] for plan in plans)
    assert one == same != other


def test_that_the_gate_asks_for_many_nobody_let_down_and_more_than_chance() -> None:
    mean = MeanOverPeople(value=0.1, p=0.01, people=10)
    good = {
        "over": "consensus", "mean": mean, "improved": 8, "of": 10, "worst": "W7", "several": 9,
        "worst_gain": {"value": -0.1, "low": -0.2, "high": 0.1},
    }  # fmt: skip
    assert verdict(WritingGain.parse(good)).passed
    let_down = verdict(WritingGain.parse({**good, "let_down": ["W7"]}))
    assert not let_down.passed
    assert "W7" not in " ".join(let_down.reasons)
    assert not verdict(WritingGain.parse({**good, "improved": 6})).passed
    unsure = mean.model_copy(update={"p": 0.2})
    assert not verdict(WritingGain.parse({**good, "mean": unsure})).passed
    blind = verdict(WritingGain.parse({**good, "several": 0}))
    assert not blind.passed
    assert "no loss can be told from noise" in blind.reasons[0]
    assert not verdict(WritingGain()).passed


def test_that_an_unknown_method_is_refused_before_anything_is_made(written_study: Path) -> None:
    with pytest.raises(InputError, match="no method 'e2p-9'"):
        compared_writers(WritingPlan(written_study, ["e2p-9"]))
    assert not writing_runs(written_study)


def test_that_a_refused_comparison_leaves_nothing_behind(
    written_study: Path, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": f"lm:{tmp_path / 'gone'}", "device": "cpu"}
    with pytest.raises(PrismError):
        list(compare_writing(WritingPlan(study, ["unprompted"], options)))
    assert not list((study / layout.WRITING_COMPARISONS).glob("*"))
    assert not writing_runs(study)


@pytest.mark.parametrize(
    ("method", "settings", "told"),
    [
        ("prefix-on-unified", ["backbone=prism-mini"], "needs a language model"),
        ("prefix-on-unified", ["backbone=embeddings:x"], "needs a language model"),
        ("prefix-on-unified", ["compared_by=embeddings:x"], "compared by a network that reads"),
        ("prefix-on-unified", ["members=unprompted"], "none of the methods compared does"),
        ("prefix-on-unified", ["members=foo"], "none of the methods compared does"),
        ("ensemble", ["members=foo"], "no method 'foo'"),
        ("ensemble", ["members=auto"], "a combination itself"),
        ("selective", ["members=unprompted,retrieval-bm25"], "one other method"),
        ("retrieval-faiss", ["encoder=prism-mini"], "needs a network that reads texts"),
        ("retrieval-faiss", ["encoder=lm:/gone"], "/gone"),
    ],
)
def test_that_settings_that_fit_no_training_are_refused_once_before_anything_begins(
    written_study: Path, tmp_path: Path, method: str, settings: list[str], told: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    for name in ("", "mine"):
        with pytest.raises(PrismError, match=told) as refused:
            compared_writers(WritingPlan(study, [method], {"device": "cpu"}, settings, name))
        assert "\n" not in str(refused.value)
    assert not (study / layout.WRITING_COMPARISONS).exists()
    assert not writing_runs(study)


@pytest.mark.parametrize("name", ["../evil", "a/b", " ", ".", "two words", "Ünder", "-x"])
def test_that_a_name_that_no_folder_could_have_is_refused_and_not_changed(
    written_study: Path, tmp_path: Path, name: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    with pytest.raises(InputError, match="cannot name a comparison"):
        compared_writers(WritingPlan(study, ["unprompted"], name=name))
    assert not (study / layout.WRITING_COMPARISONS).exists()


def test_that_a_comparison_has_the_name_that_it_was_given(written_study: Path) -> None:
    plan = WritingPlan(written_study, ["unprompted"], name="Mine_2.0")
    with Study.open(written_study, read_only=True) as study:
        texts = take_texts(study, plan.configs()["unprompted"])
    assert plan.folder(texts).name == "Mine_2.0"


def test_that_a_comparison_that_an_earlier_version_spelled_otherwise_goes_on_there(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    earlier = study / layout.WRITING_COMPARISONS / "my-board"
    earlier.mkdir(parents=True)
    plan = replace(_plan(study, tiny_language_model, "unprompted"), name="My_Board")
    folder, events = compared_writers(plan)
    assert folder == earlier
    told = [event.text for event in events if isinstance(event, NoticeTold)]
    assert "“My_Board” goes on in the folder my-board" in " ".join(told)
    assert [one.name for one in earlier.parent.iterdir()] == ["my-board"]
    (earlier.parent / "My_Board").mkdir()  # it has its own place, which comes first
    with Study.open(study, read_only=True) as opened:
        texts = take_texts(opened, plan.configs()["unprompted"])
    assert plan.folder(texts).name == "My_Board"


def test_that_members_reach_only_methods_that_combine_some(written_study: Path) -> None:
    settings = ["members=retrieval-bm25,unprompted"]
    told = WritingPlan(written_study, ["ensemble", "unprompted"], {}, settings).configs()
    plain = WritingPlan(written_study, ["unprompted"]).configs()
    assert told["ensemble"].members == ("retrieval-bm25", "unprompted")
    assert {name: told[name] for name in plain} == plain  # so that their runs serve both
    with pytest.raises(InputError, match="unprompted does not; leave it out"):
        WritingConfig.of("unprompted", {}, settings)


def test_that_presets_of_both_tasks_say_so_and_aliases_lead_to_methods() -> None:
    both = {name for name, one in METHODS.items() if "writing" in one.tasks}
    assert both == set(METHODS) & set(WRITING_METHODS)
    assert set(ALIASES.values()) <= set(WRITING_METHODS)
    assert not set(ALIASES) & set(WRITING_METHODS)
