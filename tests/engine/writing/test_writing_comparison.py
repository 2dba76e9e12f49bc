"""Methods of the task writing on one leaderboard."""

import shutil
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice, outcome
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.writing_methods import ALIASES, WRITING_METHODS
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.writing_files import NatsPerToken, WritingGain, WritingLeaderboard
from prism_desktop.engine.writing.writing_comparison import WritingPlan, compare_writing, verdict
from prism_desktop.engine.writing.writing_session import writing_runs
from tests.engine.writing.test_writing_session import SMALL


def _plan(study: Path, backbone: str, *methods: str) -> WritingPlan:
    return WritingPlan(study, methods, {"backbone": backbone, "device": "cpu"}, SMALL)


def test_that_a_comparison_is_ranked_and_made_again_from_its_runs(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    plan = _plan(study, tiny_language_model, "unprompted", "unified-lora")
    folder = outcome(compare_writing(plan))
    board = WritingLeaderboard.load(folder / layout.LEADERBOARD)
    assert board is not None
    assert {row.method for row in board.methods} == {"unprompted", "consensus", "retrieval-bm25"}
    values = [row.summary.test.value for row in board.methods]
    assert values == sorted(values, key=lambda one: one or 0.0)
    unified = next(row for row in board.methods if row.method == "consensus")
    assert unified.over_unified is None
    assert unified.over_retrieval is not None
    assert all(row.verdict for row in board.methods if row.method != "consensus")
    assert board.simulated
    runs = len(writing_runs(study))
    again = list(compare_writing(plan))
    assert len(writing_runs(study)) == runs
    assert sum("used again" in one.text for one in again if isinstance(one, Notice)) == 3


def test_that_what_the_unified_model_does_not_read_makes_no_other_one(written_study: Path) -> None:
    plans = [
        WritingPlan(written_study, ["consensus"], {}, settings)
        for settings in (["prefix=2", "entry_steps=3"], ["prefix=7"], ["rank=2"])
    ]
    one, same, other = (plan.configs()["consensus"] for plan in plans)
    assert one == same != other


def test_that_the_gate_asks_for_many_nobody_let_down_and_more_than_chance() -> None:
    mean = NatsPerToken(value=0.1, p=0.01, people=10)
    good = {"over": "consensus", "mean": mean, "improved": 8, "of": 10, "worst": "a"}
    loss = {"value": -0.1, "low": -0.2, "high": -0.01}
    noise = {**loss, "high": 0.1}
    assert verdict(WritingGain.parse({**good, "worst_gain": noise})).passed
    assert not verdict(WritingGain.parse({**good, "worst_gain": loss})).passed
    assert not verdict(WritingGain.parse({**good, "worst_gain": noise, "improved": 6})).passed
    unsure = mean.model_copy(update={"p": 0.2})
    assert not verdict(WritingGain.parse({**good, "worst_gain": noise, "mean": unsure})).passed
    assert not verdict(WritingGain()).passed


def test_that_an_unknown_method_is_refused_before_anything_is_made(written_study: Path) -> None:
    with pytest.raises(InputError, match="no method 'e2p-9'"):
        list(compare_writing(WritingPlan(written_study, ["e2p-9"])))
    assert not writing_runs(written_study)


def test_that_presets_of_both_tasks_say_so_and_aliases_lead_to_methods() -> None:
    both = {name for name, one in METHODS.items() if "writing" in one.tasks}
    assert both == set(METHODS) & set(WRITING_METHODS)
    assert set(ALIASES.values()) <= set(WRITING_METHODS)
    assert not set(ALIASES) & set(WRITING_METHODS)
